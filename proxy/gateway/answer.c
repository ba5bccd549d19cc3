#include "proxy/gateway/answer.h"

#include "base/secret.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#define RESOURCE_MAX 1024
#define RETRY_AFTER_S 1

struct answer answer_error(const struct s3_error *error)
{
    unsigned status = s3_error_status(error->code);
    return (struct answer){.status = status,
        .code = s3_error_text(error->code),
        .message = s3_error_message(error),
        .retry_after_s = status == 503 ? RETRY_AFTER_S : 0,
        .closes = error->code == S3_MISDIRECTED_REQUEST}; /* another connection is what it needs */
}

struct answer answer_auth(const struct auth_refusal *refusal)
{
    return (struct answer){
        .status = refusal->status, .code = refusal->code, .message = refusal->message};
}

struct answer answer_refusal(unsigned status)
{
    static const struct {
        unsigned status;
        struct s3_error error;
    } refusals[] = {
        {400, {S3_INVALID_REQUEST, "The request is not well-formed HTTP."}},
        {405, {S3_METHOD_NOT_ALLOWED, NULL}},
        {408, {S3_REQUEST_TIMEOUT, "The request was not received within the timeout period."}},
        {411, {S3_MISSING_CONTENT_LENGTH, NULL}},
        {414, {S3_URI_TOO_LONG, "The request line is longer than 16 KiB."}},
        {417, {S3_INVALID_REQUEST, "The only expectation is 100-continue."}},
        {431, {S3_REQUEST_HEAD_TOO_LARGE, "The request's head is larger than 64 KiB."}},
    };
    struct answer answer = answer_error(&refusals[0].error);
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        if (refusals[i].status == status)
            answer = answer_error(&refusals[i].error);
    }
    answer.status = status;
    answer.closes = true;
    return answer;
}

static const char *reason_of(unsigned status)
{
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 401:
        return "Unauthorized";
    case 403:
        return "Forbidden";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 408:
        return "Request Timeout";
    case 411:
        return "Length Required";
    case 414:
        return "URI Too Long";
    case 417:
        return "Expectation Failed";
    case 421:
        return "Misdirected Request";
    case 431:
        return "Request Header Fields Too Large";
    case 500:
        return "Internal Server Error";
    case 501:
        return "Not Implemented";
    case 502:
        return "Bad Gateway";
    case 503:
        return "Service Unavailable";
    default:
        return "Error";
    }
}

/* Enough to find it in a log; S3's own mean nothing to us either. */
static uint64_t next_request_id(void)
{
    static atomic_uint_fast64_t last;
    return atomic_fetch_add(&last, 1) + 1;
}

static void write_document(
    struct text *to, const struct answer *answer, struct span resource, const char *id)
{
    const uint8_t *query = resource.size ? memchr(resource.data, '?', resource.size) : NULL;
    if (query)
        resource.size = (size_t)(query - resource.data);
    if (resource.size > RESOURCE_MAX)
        resource.size = RESOURCE_MAX;
    struct s3_error_document document = {.code = answer->code,
        .message = answer->message,
        .resource = resource,
        .request_id = id,
        .host_id = "pilotlight"};
    s3_error_print(&document, to);
}

/* SDKs correct their clocks by it (RFC 9110 section 6.6.1). */
static void write_date(struct text *to)
{
    char date[64];
    time_t now = time(NULL);
    struct tm parts;
    gmtime_r(&now, &parts);
    strftime(date, sizeof date, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", &parts);
    text_put(to, date);
}

void answer_write(struct text *to, const struct answer *answer, struct span resource, bool to_head,
    unsigned minor)
{
    static const char xml[] = "application/xml", json[] = "application/json";
    struct text document = {0};
    char id[17];
    snprintf(id, sizeof id, "%016" PRIX64, next_request_id());
    if (answer->json)
        text_put(&document, answer->json);
    else
        write_document(&document, answer, resource, id);
    text_format(to,
        "HTTP/1.1 %u %s\r\nServer: pilotlight\r\nx-amz-request-id: %s\r\n"
        "Content-Type: %s\r\nContent-Length: %zu\r\n",
        answer->status, reason_of(answer->status), id, answer->json ? json : xml, document.size);
    write_date(to);
    if (answer->retry_after_s > 0)
        text_format(to, "Retry-After: %u\r\n", answer->retry_after_s);
    if (answer->closes)
        text_put(to, "Connection: close\r\n");
    else if (minor == 0)
        text_put(to, "Connection: keep-alive\r\n");
    text_put(to, "\r\n");
    if (!to_head)
        text_add(to, document.data, document.size);
    secret_text_fini(&document);
}
