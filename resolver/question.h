/* A question that has to wait: who asked, what, and what it got so far.
 *
 *     ASKED ─→ WAITING ─→ (woken, or a new view) ─→ WAITING … ─→ ANSWERED
 *
 * It is answered from the view that is in force when its answer is ready, never from the one under
 * which it was asked. */
#pragma once

#include "resolver/engine.h"
#include "resolver/fetch.h"

#include <netinet/in.h>

/* A control message that names the local address, so that the answer leaves from there. */
#define ORIGIN_CONTROL_SIZE 64

struct origin_udp {
    struct udp_listener *listener;
    struct sockaddr_storage peer;
    socklen_t peer_size;
    uint8_t control[ORIGIN_CONTROL_SIZE];
    size_t control_size;
};

/* `answer` is NULL when the question was given up (the loop ends). */
typedef void question_sink(void *context, const struct answer *answer);

struct origin {
    enum { ORIGIN_UDP, ORIGIN_TCP, ORIGIN_INTERNAL } kind;
    union {
        struct origin_udp udp;
        struct tcp_connection *tcp;
        struct {
            question_sink *sink;
            void *context;
        } internal; /* a lookup: past the managed names, not counted */
    };
};

/* Answers `query` now if the view and the cache suffice. False: it has to wait, and `answer` says
 * for what. The caller has set data and room of `answer`. */
bool question_try(
    struct engine *engine, const struct query *query, bool past_managed, struct answer *answer);

/* After question_try said false: waits and answers later through `origin`; or, beyond the bounds,
 * SERVFAIL now (`answer->ready`). */
void question_keep(struct engine *engine, const struct query *query, const struct origin *origin,
    uint64_t now_ns, struct answer *answer);

/* A new view is in force: every waiting question is looked at again. */
void questions_take_view(struct engine *engine);

/* Drops the questions of a connection that goes away; NULL: all there are. */
void questions_drop(struct engine *engine, const struct tcp_connection *connection);
