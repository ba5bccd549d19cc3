#include "proxy/gateway/http_fields.h"

#include <strings.h>

/* RFC 9110 section 5.6.2. */
bool http_is_token_byte(uint8_t byte)
{
    static const bool is_token[256] = {['!'] = true,
        ['#'] = true,
        ['$'] = true,
        ['%'] = true,
        ['&'] = true,
        ['\''] = true,
        ['*'] = true,
        ['+'] = true,
        ['-'] = true,
        ['.'] = true,
        ['^'] = true,
        ['_'] = true,
        ['`'] = true,
        ['|'] = true,
        ['~'] = true,
        ['0' ... '9'] = true,
        ['a' ... 'z'] = true,
        ['A' ... 'Z'] = true};
    return is_token[byte];
}

bool http_span_is(struct span span, const char *text)
{
    return span.size == strlen(text) && memcmp(span.data, text, span.size) == 0;
}

bool http_same_nocase(struct span a, struct span b)
{
    return a.size == b.size && strncasecmp((const char *)a.data, (const char *)b.data, a.size) == 0;
}

bool http_span_is_nocase(struct span span, const char *text)
{
    return http_same_nocase(span, span_of_text(text));
}

const struct http_header *http_find(const struct http_head *head, const char *name)
{
    for (size_t i = 0; i < head->header_count; i++) {
        if (http_span_is_nocase(head->headers[i].name, name))
            return &head->headers[i];
    }
    return NULL;
}

unsigned http_count(const struct http_head *head, const char *name)
{
    unsigned count = 0;
    for (size_t i = 0; i < head->header_count; i++)
        count += http_span_is_nocase(head->headers[i].name, name);
    return count;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

static struct span trim(struct span span)
{
    while (span.size > 0 && is_blank(*span.data))
        span = span_of(span.data + 1, span.size - 1);
    while (span.size > 0 && is_blank(span.data[span.size - 1]))
        span.size--;
    return span;
}

bool http_next_element(struct span *list, struct span *ret)
{
    while (list->size > 0) {
        const uint8_t *comma = memchr(list->data, ',', list->size);
        size_t size = comma ? (size_t)(comma - list->data) : list->size;
        size_t taken = comma ? size + 1 : size;
        *ret = trim(span_of(list->data, size));
        *list = span_of(list->data + taken, list->size - taken);
        if (ret->size > 0)
            return true;
    }
    return false;
}

static bool is_listed_by_connection(const struct http_head *head, struct span name)
{
    for (size_t i = 0; i < head->header_count; i++) {
        if (!http_span_is_nocase(head->headers[i].name, "connection"))
            continue;
        struct span list = head->headers[i].value, element;
        while (http_next_element(&list, &element)) {
            if (http_same_nocase(element, name))
                return true;
        }
    }
    return false;
}

bool http_is_hop_by_hop(const struct http_head *head, const struct http_header *header)
{
    static const char *const names[] = {"connection", "keep-alive", "proxy-connection",
        "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
        "content-length", "upgrade", "http2-settings", "expect"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (http_span_is_nocase(header->name, names[i]))
            return true;
    }
    return is_listed_by_connection(head, header->name);
}

/* A list whose elements are separated by ';', in a query also by its escape. */
static bool list_has(struct span list, struct span name)
{
    while (list.size > 0) {
        size_t size = 0;
        while (size < list.size && list.data[size] != ';' && list.data[size] != '%')
            size++;
        if (http_same_nocase(span_of(list.data, size), name))
            return true;
        size_t escape = size + 3 <= list.size && list.data[size] == '%' ? 3 : 1;
        size_t taken = size < list.size ? size + escape : size;
        list = span_of(list.data + taken, list.size - taken);
    }
    return false;
}

/* What follows `key` up to the first of `ends`; empty: the key is not there. */
static struct span value_after(struct span text, const char *key, const char *ends)
{
    const uint8_t *at = memmem(text.data, text.size, key, strlen(key));
    if (!at)
        return span_of(NULL, 0);
    at += strlen(key);
    size_t left = (size_t)(text.data + text.size - at), size = 0;
    while (size < left && !strchr(ends, at[size]))
        size++;
    return span_of(at, size);
}

bool http_is_signed(const struct http_head *head, struct span name)
{
    const struct http_header *authorization = http_find(head, "authorization");
    return (authorization &&
               list_has(value_after(authorization->value, "SignedHeaders=", ", \t"), name)) ||
           list_has(value_after(head->target, "X-Amz-SignedHeaders=", "&"), name);
}
