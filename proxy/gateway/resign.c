/* On the good day: what signed the client's request is left out, what signs ours is put in. */
#include "proxy/gateway/resign.h"

#include "base/sigv4_request.h"

#include <errno.h>
#include <stddef.h>

#define OUR_HEADERS 5

/* A Date header may have been the client's signing time; S3 would hold it against ours. */
static bool is_replaced(const struct http_header *header)
{
    static const char *const names[] = {"authorization", "date", "host", "x-amz-content-sha256",
        "x-amz-date", "x-amz-security-token"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (http_header_is(header, span_of_text(names[i])))
            return true;
    }
    return false;
}

static void add(struct resigned *resigned, const char *name, struct span value)
{
    resigned->headers[resigned->header_count++] =
        (struct http_header){.name = span_of_text(name), .value = value};
}

static int choose_headers(const struct resign_options *options, struct resigned *ret)
{
    for (size_t i = 0; i < options->header_count; i++) {
        if (is_replaced(&options->headers[i]))
            continue;
        if (ret->header_count + OUR_HEADERS == RESIGN_HEADERS_MOST)
            return -E2BIG;
        ret->headers[ret->header_count++] = options->headers[i];
    }
    add(ret, "Host", options->host);
    add(ret, "x-amz-content-sha256", options->payload);
    add(ret, "x-amz-date", span_of_text(ret->time));
    if (options->key->session_token)
        add(ret, "x-amz-security-token", span_of_text(options->key->session_token));
    return 0;
}

static int sign(const struct resign_options *options, struct resigned *ret)
{
    char names[SIGV4_SIGNED_HEADERS_SIZE];
    struct sigv4_key *key = NULL;
    int status = sigv4_choose_headers(ret->headers, ret->header_count, names);
    if (status == 0)
        status = auth_key_prepare(options->key, options->sigv4, ret->time, options->region, &key);
    if (status < 0)
        return status;
    struct sigv4_request request = {.method = options->method,
        .path = options->path,
        .query = options->query,
        .headers = ret->headers,
        .header_count = ret->header_count,
        .signed_headers = span_of_text(names),
        .payload = options->payload,
        .style = SIGV4_S3};
    return sigv4_authorize(
        options->sigv4, key, options->key->access_key_id, &request, ret->time, &ret->authorization);
}

void resign_init(struct resigned *resigned)
{
    memset(resigned, 0, offsetof(struct resigned, headers));
}

int resign(const struct resign_options *options, struct resigned *ret)
{
    resign_init(ret);
    sigv4_time_print(options->now_s, ret->time);
    int status = choose_headers(options, ret);
    if (status == 0)
        status = sign(options, ret);
    if (status < 0)
        return status;
    const size_t size = SIGV4_SIGNATURE_SIZE - 1; /* it stands at the end */
    memcpy(ret->signature, ret->authorization.data + ret->authorization.size - size, size + 1);
    add(ret, "Authorization", span_of(ret->authorization.data, ret->authorization.size));
    return 0;
}

void resign_fini(struct resigned *resigned)
{
    text_fini(&resigned->authorization);
}
