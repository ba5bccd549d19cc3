/* On the good day: a handful of fields, looked through from the first to the last. */
#include "base/http_header.h"

static bool same_text(struct span a, struct span b)
{
    return a.size == b.size && strncasecmp((const char *)a.data, (const char *)b.data, a.size) == 0;
}

bool http_header_starts_with(const struct http_header *header, const char *prefix)
{
    size_t size = strlen(prefix);
    return header->name.size >= size &&
           strncasecmp((const char *)header->name.data, prefix, size) == 0;
}

const struct http_header *http_header_find(
    const struct http_header *headers, size_t count, const char *name)
{
    struct span wanted = span_of_text(name);
    for (size_t i = 0; i < count; i++) {
        if (http_header_is(&headers[i], wanted))
            return &headers[i];
    }
    return NULL;
}

size_t http_header_occurrences(const struct http_header *headers, size_t count, const char *name)
{
    struct span wanted = span_of_text(name);
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        found += http_header_is(&headers[i], wanted);
    return found;
}

static struct span trim(struct span text)
{
    while (text.size > 0 && (*text.data == ' ' || *text.data == '\t'))
        text = span_of(text.data + 1, text.size - 1);
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

static bool lists(struct span value, struct span token)
{
    while (value.size > 0) {
        const uint8_t *comma = memchr(value.data, ',', value.size);
        size_t size = comma ? (size_t)(comma - value.data) : value.size;
        if (same_text(trim(span_of(value.data, size)), token))
            return true;
        size_t step = comma ? size + 1 : size;
        value = span_of(value.data + step, value.size - step);
    }
    return false;
}

bool http_header_lists(
    const struct http_header *headers, size_t count, const char *name, struct span token)
{
    struct span wanted = span_of_text(name);
    for (size_t i = 0; i < count; i++) {
        if (http_header_is(&headers[i], wanted) && lists(headers[i].value, token))
            return true;
    }
    return false;
}
