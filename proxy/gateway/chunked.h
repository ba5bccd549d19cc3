/* A body in pieces, each with a signature of its own (STREAMING-AWS4-HMAC-SHA256-PAYLOAD, with or
 * without -TRAILER): verified by the client's key, signed anew by another, on its way.
 *
 *     400;chunk-signature=<64 digits>\r\n <1024 bytes> \r\n … 0;chunk-signature=<64 digits>\r\n
 *
 * Signatures are replaced where they stand, so that the body's length stays what it was. Nothing of
 * a piece is passed on before the whole piece is verified, and nothing of the last one before the
 * trailer is: whoever broke off has sent S3 a body that is not whole. A piece is gathered in any
 * case: its new signature stands before the bytes that it signs. So a request in flight takes as
 * much memory as its client's pieces are long. */
#pragma once

#include "base/text.h"
#include "proxy/gateway/auth_keys.h"
#include "proxy/gateway/auth_refusal.h"

#define CHUNKED_CHUNK_MOST (1u << 20) /* bytes in a piece; SDKs make 64 or 128 KiB */
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

struct chunked *chunked_new(const struct chunked_options *options);
void chunked_free(struct chunked *chunked);

/* Takes all of `in` and adds to `out` what may be passed on. -EPROTO: nothing more may be. */
int chunked_push(struct chunked *chunked, struct span in, struct text *out);

/* The body ended. -EPROTO when it is not whole. */
int chunked_finish(struct chunked *chunked);

/* Why not, after -EPROTO. */
const struct auth_refusal *chunked_refusal(const struct chunked *chunked);
