/* A request's head, a line each: the target, then "Name:value"s. Nobody is verified: no key is
 * known whose signature a search could find. */
#include "proxy/gateway/auth.h"

#include <stdlib.h>

#define HEADERS_MOST 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct span take(struct span *text, char separator)
{
    const uint8_t *end = text->size ? memchr(text->data, separator, text->size) : NULL;
    struct span taken = span_of(text->data, end ? (size_t)(end - text->data) : text->size);
    size_t step = end ? taken.size + 1 : taken.size;
    *text = span_of(text->data + step, text->size - step);
    return taken;
}

static void judge(const struct auth_request *request)
{
    static const char *const regions[] = {"eu-west-1", "us-west-2"};
    static struct sigv4 sigv4;
    static struct auth_keys keys;
    if (!sigv4.sha256) {
        sigv4_init(&sigv4);
        auth_keys_add(&keys, auth_key_new("AKIDEXAMPLE", "secret", NULL, 0));
        auth_keys_add(&keys, auth_key_new("ASIAEXAMPLE", "secret", "token", 0));
    }
    struct auth_rules rules = {&sigv4, &keys, regions, 2, 1795435200};
    struct auth auth;
    auth_verify(&rules, request, &auth);
    if (auth.verdict == AUTH_VERIFIED || (auth.verdict == AUTH_REFUSED) != (auth.refusal != NULL))
        abort();
    struct text left = {0};
    auth_strip_query(request->target, &left);
    text_fini(&left);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct http_header headers[HEADERS_MOST];
    struct span text = span_of(data, size);
    struct auth_request request = {
        .method = span_of_text("GET"), .target = take(&text, '\n'), .headers = headers};
    while (text.size > 0 && request.header_count < HEADERS_MOST) {
        struct span line = take(&text, '\n'), name = take(&line, ':');
        headers[request.header_count++] = (struct http_header){name, line};
    }
    judge(&request);
    return 0;
}
