/* A request's or response's head, parsed and vetted: spans into the buffer that holds its bytes.
 *
 * http_head.h makes one of what came; whoever maps or signs makes another, whose spans may point
 * elsewhere; http_write.h writes one down. Framing stands beside the fields: Content-Length and
 * Transfer-Encoding are among `headers` as they came, but what is sent is written from `framing`
 * and `length` alone. */
#pragma once

#include "base/http_header.h"

#include <stdbool.h>

#define HTTP_MESSAGE_HEAD_MAX (64u << 10)         /* bytes, the empty line included */
#define HTTP_MESSAGE_REQUEST_LINE_MAX (16u << 10) /* bytes without CRLF */
#define HTTP_MESSAGE_HEADERS_MAX 256

enum http_framing {
    HTTP_FRAMING_NONE,       /* no body */
    HTTP_FRAMING_LENGTH,     /* `length` bytes, 0 too */
    HTTP_FRAMING_CHUNKED,    /* RFC 9112 section 7.1 */
    HTTP_FRAMING_UNTIL_CLOSE /* a response that ends with its connection */
};

struct http_head {
    struct span method; /* of a request; as all spans, as it stands on the wire */
    struct span target; /* origin-form: path and query, raw */
    struct span host;   /* the one Host field's value, or the absolute-form's equal authority */
    unsigned status;    /* of a response */
    struct span reason;
    unsigned minor; /* HTTP/1.minor */
    enum http_framing framing;
    uint64_t length;
    bool keep_alive; /* the sender's wish, its version's default counted in */
    bool expects_continue;
    bool states_length; /* `length` is told, and no body sent: a response to HEAD, a 304 */
    size_t header_count;
    struct http_header headers[HTTP_MESSAGE_HEADERS_MAX];
};
