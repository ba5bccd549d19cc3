/* One call: what libcurl is told about it, and what it brings.
 *
 * On the good day the reply's head and body are gathered and handed over. A reply beyond its bound,
 * or none, becomes a negative errno with libcurl's words. */
#include "base/http_client_parts.h"

#include "base/memory.h"
#include "base/secret.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#define HEAD_MOST 65536

static size_t take_body(char *data, size_t size, size_t count, void *context)
{
    struct http_client_call *call = context;
    if (count > call->reply_most - call->reply.size) {
        call->too_large = true;
        return 0;
    }
    text_add(&call->reply, data, size * count);
    return count;
}

/* One line a time. Each response begins anew: 100 Continue comes before the one that counts. */
static size_t take_head(char *data, size_t size, size_t count, void *context)
{
    struct http_client_call *call = context;
    if (count >= 5 && memcmp(data, "HTTP/", 5) == 0)
        call->head.size = 0;
    if (count > HEAD_MOST - call->head.size) {
        call->too_large = true;
        return 0;
    }
    text_add(&call->head, data, size * count);
    return count;
}

static void add_headers(struct http_client_call *call, const struct http_client_request *request)
{
    for (const char *const *header = request->headers; header && *header; header++)
        call->headers = curl()->slist_append(call->headers, *header);
    /* What libcurl would add by itself and nobody asked for. */
    call->headers = curl()->slist_append(call->headers, "Expect:");
    curl()->easy_setopt(call->easy, CURLOPT_HTTPHEADER, call->headers);
}

static void set_protocols(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075500
    curl()->easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl()->easy_setopt(easy, CURLOPT_PROTOCOLS, CURLPROTO_HTTP | CURLPROTO_HTTPS);
#endif
}

static void set_method(struct http_client_call *call, const struct http_client_request *request)
{
    text_add(&call->body, request->body.data, request->body.size);
    if (strcmp(request->method, "GET") != 0 || request->body.size > 0) {
        curl()->easy_setopt(call->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)call->body.size);
        curl()->easy_setopt(call->easy, CURLOPT_POSTFIELDS, call->body.data);
    }
    curl()->easy_setopt(call->easy, CURLOPT_CUSTOMREQUEST, request->method);
    if (strcmp(request->method, "HEAD") == 0)
        curl()->easy_setopt(call->easy, CURLOPT_NOBODY, 1L);
}

static void set_times(CURL *easy, const struct http_client_request *request)
{
    unsigned connect_ms =
        request->connect_timeout_ms ? request->connect_timeout_ms : HTTP_CLIENT_CONNECT_MS;
    unsigned whole_ms = request->timeout_ms ? request->timeout_ms : HTTP_CLIENT_TIMEOUT_MS;
    curl()->easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    curl()->easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)whole_ms);
    curl()->easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
}

static void set_up(struct http_client_call *call, const struct http_client_request *request)
{
    CURL *easy = call->easy;
    set_protocols(easy);
    curl()->easy_setopt(easy, CURLOPT_URL, request->url);
    curl()->easy_setopt(easy, CURLOPT_PATH_AS_IS, 1L);
    curl()->easy_setopt(easy, CURLOPT_ERRORBUFFER, call->words);
    curl()->easy_setopt(easy, CURLOPT_PRIVATE, call);
    curl()->easy_setopt(easy, CURLOPT_WRITEFUNCTION, take_body);
    curl()->easy_setopt(easy, CURLOPT_WRITEDATA, call);
    curl()->easy_setopt(easy, CURLOPT_HEADERFUNCTION, take_head);
    curl()->easy_setopt(easy, CURLOPT_HEADERDATA, call);
    curl()->easy_setopt(easy, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
    if (call->client->ca_file)
        curl()->easy_setopt(easy, CURLOPT_CAINFO, call->client->ca_file);
    if (request->direct)
        curl()->easy_setopt(easy, CURLOPT_NOPROXY, "*");
    if (request->resolve) {
        call->resolve = curl()->slist_append(NULL, request->resolve);
        curl()->easy_setopt(easy, CURLOPT_RESOLVE, call->resolve);
    }
    /* A kept connection that turns out to be closed makes libcurl send again by itself. */
    if (request->once)
        curl()->easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    set_times(easy, request);
    set_method(call, request);
    add_headers(call, request);
}

struct http_client_call *http_client_call_new(struct http_client *client,
    const struct http_client_request *request, http_client_done *done, void *context)
{
    struct http_client_call *call = memory_new(sizeof *call);
    call->client = client;
    call->done = done;
    call->context = context;
    call->reply_most = request->reply_most ? request->reply_most : HTTP_CLIENT_REPLY_MOST;
    call->easy = curl()->easy_init();
    if (!call->easy) /* for want of memory alone */
        abort();
    set_up(call, request);
    return call;
}

void http_client_call_free(struct http_client_call *call)
{
    curl()->easy_cleanup(call->easy);
    for (struct curl_slist *header = call->headers; header; header = header->next)
        OPENSSL_cleanse(header->data, strlen(header->data));
    curl()->slist_free_all(call->headers);
    curl()->slist_free_all(call->resolve);
    secret_text_fini(&call->body);
    secret_text_fini(&call->reply);
    secret_text_fini(&call->head);
    free(call);
}

static int error_of(const struct http_client_call *call, CURLcode result)
{
    if (call->too_large)
        return -EMSGSIZE;
    switch (result) {
    case CURLE_OK:
        return 0;
    case CURLE_OPERATION_TIMEDOUT:
        return -ETIMEDOUT;
    case CURLE_COULDNT_CONNECT:
        return -ECONNREFUSED;
    case CURLE_COULDNT_RESOLVE_HOST:
        return -EHOSTUNREACH;
    case CURLE_PEER_FAILED_VERIFICATION:
        return -EACCES;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return -EINVAL;
    case CURLE_OUT_OF_MEMORY:
        return -ENOMEM;
    default:
        return -EIO;
    }
}

/* Its connection stood, with TLS where there is any: from there on bytes may have left. */
static bool was_sent(const struct http_client_call *call)
{
    curl_off_t ready_us = 0;
    long size = 0;
    curl()->easy_getinfo(call->easy, CURLINFO_PRETRANSFER_TIME_T, &ready_us);
    curl()->easy_getinfo(call->easy, CURLINFO_REQUEST_SIZE, &size);
    return ready_us > 0 || size > 0;
}

static struct span trim(struct span text)
{
    while (text.size > 0 && strchr(" \t", *text.data))
        text = span_of(text.data + 1, text.size - 1);
    while (text.size > 0 && memchr(" \t\r", text.data[text.size - 1], 3))
        text.size--;
    return text;
}

static size_t split_head(
    const struct text *head, struct http_header headers[HTTP_CLIENT_HEADERS_MOST])
{
    size_t count = 0;
    struct span left = span_of(head->data, head->size);
    while (left.size > 0 && count < HTTP_CLIENT_HEADERS_MOST) {
        const uint8_t *end = memchr(left.data, '\n', left.size);
        size_t size = end ? (size_t)(end - left.data) : left.size;
        const uint8_t *colon = size ? memchr(left.data, ':', size) : NULL;
        if (colon) {
            size_t name = (size_t)(colon - left.data);
            headers[count++] = (struct http_header){
                span_of(left.data, name), trim(span_of(colon + 1, size - name - 1))};
        }
        size_t step = end ? size + 1 : size;
        left = span_of(left.data + step, left.size - step);
    }
    return count;
}

void http_client_call_end(struct http_client_call *call, CURLcode result)
{
    struct http_header headers[HTTP_CLIENT_HEADERS_MOST];
    struct http_client_reply reply = {.error = error_of(call, result), .sent = was_sent(call)};
    if (reply.error == 0) {
        long status = 0;
        curl()->easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &status);
        reply.status = (unsigned)status;
        reply.body = span_of(call->reply.data, call->reply.size);
        reply.headers = headers;
        reply.header_count = split_head(&call->head, headers);
    } else {
        reply.words = call->too_large ? "the reply is too large"
                      : *call->words  ? call->words
                                      : curl()->easy_strerror(result);
    }
    call->done(call->context, &reply);
}
