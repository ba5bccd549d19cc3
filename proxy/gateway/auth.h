/* Whose request is it? The one place where a client's AWS Signature Version 4 is believed or not.
 *
 * Nothing here asks a network or a clock, and nothing is allocated. What a client did not sign is
 * never taken for signed: the host and every x-amz-* header must be. */
#pragma once

#include "proxy/gateway/auth_keys.h"
#include "proxy/gateway/auth_refusal.h"

#define AUTH_ID_SIZE 136 /* an access key's id is at most 128 characters, and NUL */
#define AUTH_SKEW_S 900
#define AUTH_PRESIGNED_MOST_S 604800 /* a week */

/* By what a request is judged. */
struct auth_rules {
    const struct sigv4 *sigv4;
    const struct auth_keys *keys;
    const char *const *regions; /* that clients may sign for */
    size_t region_count;
    uint64_t now_s; /* seconds since 1970 */
};

struct auth_request {
    struct span method, target; /* the raw path and query, as on the wire */
    const struct http_header *headers;
    size_t header_count;
};

enum auth_verdict { AUTH_ANONYMOUS, AUTH_VERIFIED, AUTH_REFUSED };
enum auth_way { AUTH_BY_HEADER, AUTH_BY_QUERY, AUTH_BY_FORM };

enum auth_payload {
    AUTH_PAYLOAD_HASH,             /* its SHA-256: S3 compares */
    AUTH_PAYLOAD_UNSIGNED,         /* UNSIGNED-PAYLOAD */
    AUTH_PAYLOAD_UNSIGNED_TRAILER, /* aws-chunked, the pieces not signed */
    AUTH_PAYLOAD_CHUNKS,           /* aws-chunked, each piece signed: chunked.h */
    AUTH_PAYLOAD_CHUNKS_TRAILER    /* and a signed trailer */
};

struct auth {
    enum auth_verdict verdict;
    const struct auth_refusal *refusal; /* AUTH_REFUSED */
    enum auth_way way;
    char access_key_id[AUTH_ID_SIZE]; /* whose it says it is, refused or not; "": it does not say */

    /* AUTH_VERIFIED. */
    struct auth_key *key; /* the set's */
    char region[SIGV4_REGION_SIZE];
    char time[SIGV4_TIME_SIZE];
    char signature[SIGV4_SIGNATURE_SIZE]; /* of which the first chunk's is made */
    enum auth_payload payload;
    struct span payload_text; /* x-amz-content-sha256's value, or UNSIGNED-PAYLOAD */
    uint64_t decoded_length;  /* of an aws-chunked body */
};

/* By header or query. A form carries its signature in the body (auth_post.h); its head is
 * anonymous. */
void auth_verify(
    const struct auth_rules *rules, const struct auth_request *request, struct auth *ret);

/* Whose key it claims to be signed by, and for which region; each "" when that cannot be read.
 * False: it claims nothing. Nothing is verified. */
struct auth_signer {
    char access_key_id[AUTH_ID_SIZE], region[SIGV4_REGION_SIZE];
};
bool auth_read_signer(const struct auth_request *request, struct auth_signer *ret);

/* The query without what authorizes it, for signing by header. The rest stays as it is. */
void auth_strip_query(struct span query, struct text *out);
