/* A body in pieces, each with a signature of its own (STREAMING-AWS4-HMAC-SHA256-PAYLOAD, with or
 * without -TRAILER): verified by the client's key, signed anew by another, on its way.
 *
 *     400;chunk-signature=<64 digits>\r\n <1024 bytes> \r\n … 0;chunk-signature=<64 digits>\r\n
 *
 * A signature stands before what it signs, so a piece is held until it is whole. Clients make them
 * as long as they like; what goes on is cut anew, so that a request in flight takes the same little
 * memory whatever its client does. Data goes on before the piece that it came in is verified, but
 * the last of it, and the end, only after everything was: whoever broke off has sent S3 a body that
 * is not whole, and S3 keeps nothing of it. */
#pragma once

#include "base/text.h"
#include "proxy/gateway/auth_keys.h"
#include "proxy/gateway/auth_refusal.h"

#define CHUNKED_PIECE (16u << 10) /* bytes in a piece as it goes on; S3 takes none below 8 KiB */
#define CHUNKED_HEAD_MOST 128
#define CHUNKED_TRAILER_MOST 4096

/* One signer's chain: each signature holds the one before it. */
struct chunked_chain {
    struct auth_key *key; /* held by who makes the chain, for as long as it is used */
    char time[SIGV4_TIME_SIZE], region[SIGV4_REGION_SIZE];
    char signature[SIGV4_SIGNATURE_SIZE]; /* the last one; the head's own to begin with */
};

struct chunked_options {
    const struct sigv4 *sigv4; /* outlives it */
    struct chunked_chain client, upstream;
    bool has_trailer;
    struct span trailers;    /* x-amz-trailer's value: the names that must come; copied */
    uint64_t decoded_length; /* x-amz-decoded-content-length */
};

struct chunked;

/* How long the body will be as it goes on. False: it is not known before its trailer comes, which
 * is none of the checksums of the S3 API reference (PutObject). */
bool chunked_length(const struct chunked_options *options, uint64_t *ret);

struct chunked *chunked_new(const struct chunked_options *options);
void chunked_free(struct chunked *chunked);

/* Takes all of `in` and adds to `out` what may be passed on. -EPROTO: nothing more may be. */
int chunked_push(struct chunked *chunked, struct span in, struct text *out);

/* The body ended. -EPROTO when it is not whole. */
int chunked_finish(struct chunked *chunked);

/* Why not, after -EPROTO. */
const struct auth_refusal *chunked_refusal(const struct chunked *chunked);
