/* Heads, written down anew: what framed the message where it came from never goes on. */
#pragma once

#include "base/text.h"
#include "proxy/gateway/http_message.h"

/* The fields as they are, in their order, without those for one connection alone; then the framing.
 */
void http_write_request(struct text *to, const struct http_head *head);

/* `framing`: of what is sent (HTTP_FRAMING_CHUNKED where the client knows it). `closes`: the
 * connection ends after it. `minor`: of the client. */
void http_write_response(struct text *to, const struct http_head *head, enum http_framing framing,
    bool closes, unsigned minor);
