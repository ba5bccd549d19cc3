#include "proxy/gateway/http_write.h"

#include "proxy/gateway/http_fields.h"

static void add(struct text *to, struct span span)
{
    text_add(to, span.data, span.size);
}

/* Decimal, with at least `least` digits: each head has a few, and printf takes as long as all else
 * in it. */
static void put_number(struct text *to, uint64_t number, unsigned least)
{
    char digits[20];
    unsigned at = sizeof digits;
    while (number > 0 || at > sizeof digits - least) {
        digits[--at] = (char)('0' + number % 10);
        number /= 10;
    }
    text_add(to, digits + at, sizeof digits - at);
}

static void write_fields(struct text *to, const struct http_head *head)
{
    for (size_t i = 0; i < head->header_count; i++) {
        const struct http_header *header = &head->headers[i];
        if (http_is_hop_by_hop(head, header))
            continue;
        add(to, header->name);
        text_put(to, ": ");
        add(to, header->value);
        text_put(to, "\r\n");
    }
}

static void write_framing(struct text *to, enum http_framing framing, uint64_t length)
{
    if (framing == HTTP_FRAMING_LENGTH) {
        text_put(to, "Content-Length: ");
        put_number(to, length, 1);
        text_put(to, "\r\n");
    } else if (framing == HTTP_FRAMING_CHUNKED) {
        text_put(to, "Transfer-Encoding: chunked\r\n");
    }
}

void http_write_request(struct text *to, const struct http_head *head)
{
    add(to, head->method);
    text_put(to, " ");
    add(to, head->target);
    text_put(to, " HTTP/1.1\r\n");
    write_fields(to, head);
    write_framing(to, head->framing, head->length);
    text_put(to, head->expects_continue ? "Expect: 100-continue\r\n\r\n" : "\r\n");
}

void http_write_response(struct text *to, const struct http_head *head, enum http_framing framing,
    bool closes, unsigned minor)
{
    text_put(to, "HTTP/1.1 ");
    put_number(to, head->status, 3);
    text_put(to, " ");
    add(to, head->reason);
    text_put(to, "\r\n");
    write_fields(to, head);
    write_framing(to, head->states_length ? HTTP_FRAMING_LENGTH : framing, head->length);
    if (closes)
        text_put(to, "Connection: close\r\n");
    else if (minor == 0)
        text_put(to, "Connection: keep-alive\r\n");
    text_put(to, "\r\n");
}
