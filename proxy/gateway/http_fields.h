/* Questions about header fields. Names are compared without letter case (RFC 9110 section 5.1). */
#pragma once

#include "proxy/gateway/http_message.h"

bool http_is_token_byte(uint8_t byte);

bool http_span_is(struct span span, const char *text); /* letter for letter */
bool http_span_is_nocase(struct span span, const char *text);
bool http_same_nocase(struct span a, struct span b);

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
