/* One request and its answer. */
#pragma once

#include "proxy/gateway/plan.h"
#include "proxy/gateway/session.h"

enum exchange_state {
    EXCHANGE_NEW,
    EXCHANGE_COLLECTING, /* the body is read first: the plan depends on it */
    EXCHANGE_DIALLING,   /* nothing of it was sent: a new view may still send it elsewhere */
    EXCHANGE_SENT,       /* the head was; the body goes up, no answer came */
    EXCHANGE_ANSWERING,  /* the answer goes down; the body may still go up */
    EXCHANGE_REFUSING,   /* our own answer goes down */
    EXCHANGE_OVER
};

struct exchange {
    struct session *session;
    struct upstream *upstream; /* NULL: none (any more) */
    enum exchange_state state;
    uint64_t moved_ms; /* boot clock: when it last came on */
    uint64_t moved_bytes;
    struct config *config;       /* a reference: that of the view by which it was planned */
    struct plan *plan, plans[2]; /* the second one: of a read that is asked elsewhere */
    struct stream up, down;
    struct upstream *first; /* whose 404 waits while the read is asked elsewhere; else NULL */
    struct span first_head;
    uint64_t elsewhere_ms; /* boot clock: asked since then */
    struct text collected; /* the client's body as far as the plan asked for it */
    bool has_collected;
    uint64_t uncollected; /* bytes of it that follow */
    bool up_stopped;      /* the upstream takes no more of the body */
    bool continued;       /* the client may send the body that it asked about */
    bool upstream_keeps;  /* its connection may serve another one afterwards */
    bool retried, closes;
    bool to_head; /* it is a HEAD request */
    unsigned status;
    struct http_head request; /* last: most of it is never touched */
};

/* `head`: its bytes in the session's intake; or `refusal`, a status, when they are none. May end
 * at once: session_exchange_ended is called in any case, exactly once. */
struct exchange *exchange_new(struct session *session);
void exchange_begin(struct exchange *exchange, struct span head, unsigned refusal);

/* As far as it goes now. */
void exchange_run(struct exchange *exchange);

void exchange_connected(struct exchange *exchange);
void exchange_unreachable(struct exchange *exchange);
void exchange_untrusted(struct exchange *exchange);

/* A new view: if nothing was sent it follows that. */
void exchange_follow_view(struct exchange *exchange);

void exchange_expire(struct exchange *exchange, uint64_t now_ms);

/* The client is gone, or the gateway stops. */
void exchange_abort(struct exchange *exchange);
void exchange_free(struct exchange *exchange);
