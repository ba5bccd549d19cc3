#include "proxy/gateway/http_fields.h"

bool http_is_one_of(struct span name, const struct span *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (http_same_nocase(name, names[i]))
            return true;
    }
    return false;
}

const struct http_header *http_find(const struct http_head *head, const char *name)
{
    struct span wanted = span_of_text(name);
    for (size_t i = 0; i < head->header_count; i++) {
        if (http_same_nocase(head->headers[i].name, wanted))
            return &head->headers[i];
    }
    return NULL;
}

unsigned http_count(const struct http_head *head, const char *name)
{
    struct span wanted = span_of_text(name);
    unsigned count = 0;
    for (size_t i = 0; i < head->header_count; i++)
        count += http_same_nocase(head->headers[i].name, wanted);
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
    static const struct span names[] = {HTTP_NAME("connection"), HTTP_NAME("keep-alive"),
        HTTP_NAME("proxy-connection"), HTTP_NAME("proxy-authenticate"),
        HTTP_NAME("proxy-authorization"), HTTP_NAME("te"), HTTP_NAME("trailer"),
        HTTP_NAME("transfer-encoding"), HTTP_NAME("content-length"), HTTP_NAME("upgrade"),
        HTTP_NAME("http2-settings"), HTTP_NAME("expect")};
    return http_is_one_of(header->name, names, sizeof names / sizeof *names) ||
           is_listed_by_connection(head, header->name);
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
