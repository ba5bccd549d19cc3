/* Small questions about borrowed bytes. */
#pragma once

#include "base/span.h"

#include <stdbool.h>
#include <strings.h>

static inline bool spans_equal(struct span a, struct span b)
{
    return a.size == b.size && (a.size == 0 || memcmp(a.data, b.data, a.size) == 0);
}

static inline bool spans_is(struct span a, const char *text)
{
    return spans_equal(a, span_of_text(text));
}

static inline bool spans_equal_nocase(struct span a, struct span b)
{
    return a.size == b.size &&
           (a.size == 0 || strncasecmp((const char *)a.data, (const char *)b.data, a.size) == 0);
}

static inline bool spans_is_nocase(struct span a, const char *text)
{
    return spans_equal_nocase(a, span_of_text(text));
}

static inline bool spans_begins(struct span a, const char *text)
{
    size_t size = strlen(text);
    return a.size >= size && (size == 0 || memcmp(a.data, text, size) == 0);
}

static inline bool spans_begins_nocase(struct span a, const char *text)
{
    size_t size = strlen(text);
    return a.size >= size && strncasecmp((const char *)a.data, text, size) == 0;
}

/* What is left behind the first `size` bytes. */
static inline struct span spans_after(struct span a, size_t size)
{
    return span_of(a.data + size, a.size - size);
}

/* Bytes before the first `byte`; all of them when there is none. */
static inline size_t spans_until(struct span a, char byte)
{
    const uint8_t *found = a.size ? memchr(a.data, byte, a.size) : NULL;
    return found ? (size_t)(found - a.data) : a.size;
}
