/* From a head's bytes to a head: llhttp parses, strictly, and what a gateway must not take either
 * way is refused. The bytes have passed http_scan and stay where they are while the head is used.
 */
#pragma once

#include "proxy/gateway/http_message.h"

/* Nothing in it; costs less than all its zeros. */
void http_clear(struct http_head *head);

/* 0, or the status to answer with: 400, 405, 411, 417 or 431. */
unsigned http_read_request(struct span bytes, struct http_head *ret);

/* 0 or -EPROTO. `to_head`: it answers a HEAD request. */
int http_read_response(struct span bytes, bool to_head, struct http_head *ret);
