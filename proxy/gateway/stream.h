/* A body on its way from one connection to another. */
#pragma once

#include "base/text.h"
#include "proxy/gateway/answer.h"
#include "proxy/gateway/http_chunk.h"
#include "proxy/gateway/http_message.h"
#include "proxy/gateway/intake.h"
#include "proxy/pipes.h"

#define STREAM_BUFFER (64u << 10) /* bytes of one read */
#define STREAM_SEALED (48u << 10) /* likewise, to or from TLS: whole records */
#define STREAM_LARGE (192u << 10) /* of a long body that flows there */
#define STREAM_LARGE_MAX 8        /* of a loop: what does not go of a read is kept */

/* Changes a body as it passes. Where there is none the bytes may go through a pipe, unseen. */
struct body_filter {
    /* Adds to `out` what goes on instead of `in`. 0, or a negative errno: nothing more may go on,
     * and what is sent to already must not take it for whole. */
    int (*push)(struct body_filter *filter, struct span in, struct text *out);
    int (*finish)(struct body_filter *filter, struct text *out);
    /* Of a request's body, after an error: what to answer. */
    struct answer (*why)(const struct body_filter *filter);
    void (*free)(struct body_filter *filter);
};

enum stream_status {
    STREAM_GOES,          /* on, as far as it can now */
    STREAM_SOURCE_BROKEN, /* it ended too early, or its framing is wrong */
    STREAM_SINK_BROKEN,
    STREAM_REFUSED /* by the filter */
};

struct stream {
    enum http_framing in, out;
    uint64_t left;  /* to be read, where `in` is a length */
    uint64_t bytes; /* of the body, passed on */
    struct http_chunk chunk;
    struct body_filter *filter; /* NULL: as it is */
    struct pipe *pipe;
    uint8_t full_reads; /* in a row */
    bool is_sealed;     /* TLS on either side: there is no pipe through that */
    bool is_large;      /* its last read is counted among the large ones */
    bool over;          /* all of it was taken; the sink's wire may still keep some */
};

/* What a loop lends to its streams. */
struct stream_tools {
    struct poller *poller;
    struct pipes *pipes;
    uint8_t *buffer; /* STREAM_LARGE bytes */
    unsigned large;  /* streams whose last read may have been one */
    struct text filtered;
};

/* Takes `filter`, NULL for none. */
void stream_begin(struct stream *stream, enum http_framing in, uint64_t length,
    enum http_framing out, struct body_filter *filter);
void stream_fini(struct stream *stream, struct stream_tools *tools);

/* As far as both sides go now: what `intake` has left, then what `from` reads. Bytes beyond the
 * body's end stay in the intake. */
enum stream_status stream_run(struct stream *stream, struct intake *intake, struct wire *from,
    struct wire *to, struct stream_tools *tools);
