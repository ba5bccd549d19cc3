/* A header field as it stands on the wire: name and value borrowed from whoever holds the head. The
 * name keeps its letter case; spaces and tabs around the value are left out (RFC 9110 5.5). */
#pragma once

#include "base/span.h"

#include <stdbool.h>
#include <strings.h>

struct http_header {
    struct span name, value;
};

/* Names are compared without regard to letter case. Most differ in length, or in their last letter
 * already. */
static inline bool http_header_is(const struct http_header *header, struct span name)
{
    size_t last = name.size - 1;
    return header->name.size == name.size && name.size > 0 &&
           ((header->name.data[last] ^ name.data[last]) & ~('a' ^ 'A')) == 0 &&
           strncasecmp((const char *)header->name.data, (const char *)name.data, name.size) == 0;
}

bool http_header_starts_with(const struct http_header *header, const char *prefix);

/* The first one of that name; NULL when there is none. */
const struct http_header *http_header_find(
    const struct http_header *headers, size_t count, const char *name);
size_t http_header_occurrences(const struct http_header *headers, size_t count, const char *name);

/* Whether a field of that name lists `token` among its comma-separated members (RFC 9110 5.6.1),
 * as Connection lists the fields that go no further. */
bool http_header_lists(
    const struct http_header *headers, size_t count, const char *name, struct span token);
