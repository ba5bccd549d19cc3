/* On the good day: a list of headers, a signature, and both put together with the scope. */
#include "base/sigv4_request.h"

#include "base/percent.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>

#define HEADERS_MOST 128

/* Others add, change or drop these between us and the service. */
static bool is_never_signed(const struct http_header *header)
{
    static const char *const names[] = {"authorization", "connection", "content-length", "expect",
        "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade",
        "user-agent", "x-amzn-trace-id"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (http_header_is(header, span_of_text(names[i])))
            return true;
    }
    return false;
}

static int compare_names(struct span a, struct span b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    for (size_t i = 0; i < size; i++) {
        int order = tolower(a.data[i]) - tolower(b.data[i]);
        if (order)
            return order;
    }
    return (a.size > b.size) - (a.size < b.size);
}

/* In order, each once. */
static int sort_names(const struct http_header *headers, size_t count,
    struct span names[HEADERS_MOST], size_t *ret_count)
{
    size_t chosen = 0;
    for (size_t i = 0; i < count; i++) {
        if (is_never_signed(&headers[i]))
            continue;
        size_t at = chosen;
        while (at > 0 && compare_names(headers[i].name, names[at - 1]) < 0)
            at--;
        if (at > 0 && compare_names(headers[i].name, names[at - 1]) == 0)
            continue;
        if (chosen == HEADERS_MOST)
            return -E2BIG;
        memmove(names + at + 1, names + at, (chosen - at) * sizeof *names);
        names[at] = headers[i].name;
        chosen++;
    }
    *ret_count = chosen;
    return 0;
}

int sigv4_choose_headers(
    const struct http_header *headers, size_t count, char ret[SIGV4_SIGNED_HEADERS_SIZE])
{
    struct span names[HEADERS_MOST];
    size_t chosen = 0, size = 0;
    if (sort_names(headers, count, names, &chosen) < 0)
        return -E2BIG;
    for (size_t i = 0; i < chosen; i++) {
        if (names[i].size + 2 > SIGV4_SIGNED_HEADERS_SIZE - size)
            return -E2BIG;
        if (i > 0)
            ret[size++] = ';';
        for (size_t at = 0; at < names[i].size; at++)
            ret[size++] = (char)tolower(names[i].data[at]);
    }
    ret[size] = '\0';
    return 0;
}

int sigv4_authorize(const struct sigv4 *sigv4, struct sigv4_key *key, const char *access_key_id,
    const struct sigv4_request *request, const char time[SIGV4_TIME_SIZE], struct text *out)
{
    char signature[SIGV4_SIGNATURE_SIZE];
    int status = sigv4_sign(sigv4, key, request, time, signature);
    if (status < 0)
        return status;
    text_put(out, SIGV4_ALGORITHM " Credential=");
    text_put(out, access_key_id);
    text_put(out, "/");
    text_add(out, key->scope, key->scope_size);
    text_put(out, ", SignedHeaders=");
    text_add(out, request->signed_headers.data, request->signed_headers.size);
    text_put(out, ", Signature=");
    text_put(out, signature);
    return 0;
}

static void add_parameter(struct text *out, const char *name, struct span value)
{
    if (out->size > 0)
        text_put(out, "&");
    text_put(out, name);
    text_put(out, "=");
    for (size_t i = 0; i < value.size; i++) {
        char encoded[PERCENT_MOST];
        text_add(out, encoded, percent_put(value.data[i], encoded));
    }
}

static void add_credential(struct text *out, const char *access_key_id, const struct sigv4_key *key)
{
    struct text credential = {0};
    text_put(&credential, access_key_id);
    text_put(&credential, "/");
    text_add(&credential, key->scope, key->scope_size);
    add_parameter(out, "X-Amz-Credential", span_of(credential.data, credential.size));
    text_fini(&credential);
}

int sigv4_presign(const struct sigv4 *sigv4, struct sigv4_key *key,
    const struct sigv4_request *request, const struct sigv4_presigned *presigned, struct text *out)
{
    assert(out->size == 0);
    struct text expires = {0};
    text_format(&expires, "%u", presigned->expires_s);
    text_add(out, request->query.data, request->query.size);
    add_parameter(out, "X-Amz-Algorithm", span_of_text(SIGV4_ALGORITHM));
    add_credential(out, presigned->access_key_id, key);
    add_parameter(out, "X-Amz-Date", span_of_text(presigned->time));
    add_parameter(out, "X-Amz-Expires", span_of(expires.data, expires.size));
    add_parameter(out, "X-Amz-SignedHeaders", request->signed_headers);
    if (presigned->session_token)
        add_parameter(out, "X-Amz-Security-Token", span_of_text(presigned->session_token));
    text_fini(&expires);
    struct sigv4_request whole = *request;
    whole.query = span_of(out->data, out->size);
    char signature[SIGV4_SIGNATURE_SIZE];
    int status = sigv4_sign(sigv4, key, &whole, presigned->time, signature);
    if (status == 0)
        add_parameter(out, "X-Amz-Signature", span_of_text(signature));
    return status;
}
