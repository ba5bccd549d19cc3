/* A connection to S3: dialled or taken from the loop's idle ones, lent to one exchange at a time.
 */
#pragma once

#include "base/address.h"
#include "base/lookup.h"
#include "proxy/gateway/intake.h"

#define ORIGIN_HOST_SIZE 256

/* Whom to dial. Connections are alike when this is. */
struct origin {
    char host[ORIGIN_HOST_SIZE]; /* a name or an IP address, without port */
    uint16_t port;
    bool tls;
};

enum upstream_state {
    UPSTREAM_RESOLVING,
    UPSTREAM_CONNECTING,
    UPSTREAM_SHAKING, /* hands, over TLS */
    UPSTREAM_OPEN,    /* lent */
    UPSTREAM_IDLE,    /* in the pool */
    UPSTREAM_DEAD
};

struct exchange;
struct gateway_worker;
struct upstream_question;

struct upstream {
    struct gateway_worker *worker;
    struct upstream *next; /* in the pool, or among the dead */
    struct exchange *exchange;
    enum upstream_state state;
    struct origin origin;
    bool reused;       /* it has served another exchange before */
    uint64_t since_ms; /* boot clock: in this state, or trying this address */
    struct wire wire;
    struct intake intake;
    struct lookup_answer answer;
    unsigned next_address;
    struct upstream_question *question; /* under way */
};

/* An idle connection to that origin, or, with `fresh` or when there is none, one that is dialled:
 * exchange_connected, exchange_unreachable or exchange_untrusted is called later. */
struct upstream *upstream_get(struct gateway_worker *worker, const struct origin *origin,
    bool fresh, struct exchange *exchange);

/* Its exchange is over: back among the idle ones. */
void upstream_put(struct upstream *upstream);

/* In any state; freed once nobody can hear of it any more. `reset`: what was sent is not whole. */
void upstream_close(struct upstream *upstream, bool reset);

/* Whether the peer has not closed it meanwhile, as far as can be known. */
bool upstream_is_alive(struct upstream *upstream);

void upstream_expire(struct upstream *upstream, uint64_t now_ms); /* one that is being dialled */
void upstream_expire_idle(struct gateway_worker *worker, uint64_t now_ms);
void upstream_free_dead(struct gateway_worker *worker);
