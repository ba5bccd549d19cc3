#include "proxy/gateway/answer.h"

#include <inttypes.h>
#include <stdatomic.h>
#include <time.h>

#define RESOURCE_MAX 1024

struct answer answer_refusal(unsigned status)
{
    static const struct answer refusals[] = {
        {400, "InvalidRequest", "The request is not well-formed HTTP."},
        {405, "MethodNotAllowed", "The specified method is not allowed against this resource."},
        {408, "RequestTimeout", "The request was not received within the timeout period."},
        {411, "MissingContentLength", "You must provide the Content-Length HTTP header."},
        {414, "RequestURITooLong", "The request line is longer than 16 KiB."},
        {417, "InvalidRequest", "The only expectation is 100-continue."},
        {421, "MisdirectedRequest",
            "The Host header names another host than the TLS connection was made to."},
        {431, "RequestHeaderSectionTooLarge", "The request's head is larger than 64 KiB."},
    };
    struct answer answer = refusals[0];
    for (size_t i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        if (refusals[i].status == status)
            answer = refusals[i];
    }
    answer.closes = true;
    return answer;
}

static const char *reason_of(unsigned status)
{
    switch (status) {
    case 400:
        return "Bad Request";
    case 403:
        return "Forbidden";
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
    case 502:
        return "Bad Gateway";
    case 503:
        return "Service Unavailable";
    default:
        return "Error";
    }
}

/* What XML may not hold is written as '?': it is for people's eyes. */
static void put_escaped(struct text *to, struct span span)
{
    size_t size = span.size < RESOURCE_MAX ? span.size : RESOURCE_MAX;
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = span.data[i];
        if (byte == '&')
            text_put(to, "&amp;");
        else if (byte == '<')
            text_put(to, "&lt;");
        else if (byte == '>')
            text_put(to, "&gt;");
        else
            text_add(to, byte < 0x20 || byte >= 0x7f ? "?" : (const char *)&byte, 1);
    }
}

/* Enough to find it in a log; S3's own mean nothing to us either. */
static uint64_t next_request_id(void)
{
    static atomic_uint_fast64_t last;
    return atomic_fetch_add(&last, 1) + 1;
}

static void write_document(
    struct text *to, const struct answer *answer, struct span resource, uint64_t id)
{
    const uint8_t *query = resource.size ? memchr(resource.data, '?', resource.size) : NULL;
    if (query)
        resource.size = (size_t)(query - resource.data);
    text_format(to,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<Error><Code>%s</Code><Message>%s</Message><Resource>",
        answer->code, answer->message);
    put_escaped(to, resource);
    text_format(to,
        "</Resource><RequestId>%016" PRIX64 "</RequestId><HostId>pilotlight</HostId></Error>", id);
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
    struct text document = {0};
    uint64_t id = next_request_id();
    write_document(&document, answer, resource, id);
    text_format(to,
        "HTTP/1.1 %u %s\r\nServer: pilotlight\r\nx-amz-request-id: %016" PRIX64
        "\r\nContent-Type: application/xml\r\nContent-Length: %zu\r\n",
        answer->status, reason_of(answer->status), id, document.size);
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
    text_fini(&document);
}
