/* What a request of our own carries so that AWS believes it: an Authorization header, or a query
 * that can be handed to somebody else. */
#pragma once

#include "base/sigv4.h"

/* The names of all headers that are worth signing, in order, as `signed_headers` wants them: not
 * those that differ from hop to hop or that others change on the way. -E2BIG: they do not fit. */
int sigv4_choose_headers(
    const struct http_header *headers, size_t count, char ret[SIGV4_SIGNED_HEADERS_SIZE]);

/* The value of the Authorization header is added to `out`. As sigv4_sign. */
int sigv4_authorize(const struct sigv4 *sigv4, struct sigv4_key *key, const char *access_key_id,
    const struct sigv4_request *request, const char time[SIGV4_TIME_SIZE], struct text *out);

struct sigv4_presigned {
    const char *access_key_id;
    const char *session_token; /* NULL: a key that lasts */
    unsigned expires_s;
    const char *time;
};

/* The query with everything in it that authorizes it; `request->query` is its beginning. */
int sigv4_presign(const struct sigv4 *sigv4, struct sigv4_key *key,
    const struct sigv4_request *request, const struct sigv4_presigned *presigned, struct text *out);
