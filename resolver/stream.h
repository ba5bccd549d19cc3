/* A connection to an upstream over TCP or TLS, shared by the fetches that need one: queries are
 * pipelined, answers come in any order (RFC 7766, RFC 7858). */
#pragma once

#include "resolver/upstream.h"

struct engine;
struct fetch;

/* Sends the message (without its length) for `fetch`, over the open connection or a new one. The
 * answer comes by fetch_stream_answered, later. -EBUSY: too much (or this very id) is under way;
 * -ENOENT: the view does not have the upstream any more. */
int stream_send(struct engine *engine, struct upstream *upstream, struct fetch *fetch,
    const uint8_t *message, size_t size);

/* The fetch does not wait any more; nobody else does: the connection is closed. */
void stream_forget(struct upstream *upstream, struct fetch *fetch);

/* Closes the connection, if there is one; fetches on it are told that it failed unless `quietly`.
 */
void stream_close(struct upstream *upstream, bool quietly);
