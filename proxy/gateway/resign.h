/* A request signed anew: the client's headers, with our own in the place of what signed them.
 *
 * Whoever maps gives the new host, path and query; whoever writes the request down sends exactly
 * these. Every header that S3 looks at is signed. */
#pragma once

#include "proxy/gateway/auth.h"

#define RESIGN_HEADERS_MOST 256

struct resign_options {
    const struct sigv4 *sigv4;
    struct auth_key *key; /* who signs */
    const char *region;   /* where the bucket is */
    uint64_t now_s;       /* seconds since 1970 */
    struct span method, host;
    struct span path, query; /* as they will be sent: decoded and encoded once, nothing to hide */
    const struct http_header *headers; /* the client's, its hop-by-hop ones taken away */
    size_t header_count;
    struct span payload; /* what the client said of it: auth's `payload_text` */
};

struct resigned {
    size_t header_count;
    char time[SIGV4_TIME_SIZE], signature[SIGV4_SIGNATURE_SIZE]; /* a chunk chain's beginning */
    struct text authorization;
    /* Into the options' and our own texts. Last: most of it is never touched. */
    struct http_header headers[RESIGN_HEADERS_MOST];
};

/* Of nobody. */
void resign_init(struct resigned *resigned);

/* 0; -E2BIG: more headers than fit; else as sigv4_sign. To be given to resign_fini in any case. The
 * options' texts and key outlive the result. */
int resign(const struct resign_options *options, struct resigned *ret);
void resign_fini(struct resigned *resigned);
