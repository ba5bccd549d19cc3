/* Questions about header fields. Names are compared without letter case (RFC 9110 section 5.1). */
#pragma once

#include "proxy/gateway/http_message.h"

#include <strings.h>

/* RFC 9110 section 5.6.2. */
static inline bool http_is_token_byte(uint8_t byte)
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

/* Inline, so that the length of a literal is known when it is compiled: each head is asked dozens
 * of these questions. */
static inline bool http_same_nocase(struct span a, struct span b)
{
    return a.size == b.size && strncasecmp((const char *)a.data, (const char *)b.data, a.size) == 0;
}

static inline bool http_span_is_nocase(struct span span, const char *text)
{
    return http_same_nocase(span, span_of_text(text));
}

static inline bool http_span_is(struct span span, const char *text) /* letter for letter */
{
    return span.size == strlen(text) && memcmp(span.data, text, span.size) == 0;
}

/* For tables of names. */
#define HTTP_NAME(text)                                                                            \
    {                                                                                              \
        (const uint8_t *)(text), sizeof(text) - 1                                                  \
    }
bool http_is_one_of(struct span name, const struct span *names, size_t count);

/* The first field of that name; NULL: there is none. */
const struct http_header *http_find(const struct http_head *head, const char *name);
unsigned http_count(const struct http_head *head, const char *name);

/* Takes the next element off a comma-separated list, without the blanks around it; empty ones are
 * passed over. False: there is none. */
bool http_next_element(struct span *list, struct span *ret);

/* Whether a field is for this connection alone (RFC 9110 section 7.6.1), or says how the body is
 * framed, and so never goes on. */
bool http_is_hop_by_hop(const struct http_head *head, const struct http_header *header);

/* Whether the request's signature (AWS4-HMAC-SHA256: the Authorization field or the presigned
 * query) covers a field of that name. */
bool http_is_signed(const struct http_head *head, struct span name);
