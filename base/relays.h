/* What control, status and monitoring need of the relays, as an interface that programs/ connects,
 * so that no wing includes another. All calls are made on the main loop. */
#pragma once

#include "base/loop.h"

#include <cjson/cJSON.h>
#include <stdint.h>

#define RELAYS_LATENCY_BUCKETS 8
/* Upper bounds of connect latency's buckets, in microseconds; the last bucket has none. */
#define RELAYS_LATENCY_BOUNDS_US                                                                   \
    {                                                                                              \
        250, 1000, 2500, 10000, 50000, 250000, 1000000                                             \
    }

enum relays_refusal {
    RELAYS_REFUSED_HOLD_FULL,    /* `hold.max_connections` are held already */
    RELAYS_REFUSED_HOLD_TIMEOUT, /* held for `hold.timeout` */
    RELAYS_REFUSED_HOLD_BYTES,   /* a held client sent more than is kept */
    RELAYS_REFUSED_UNRESOLVED,   /* the target's name has no address */
    RELAYS_REFUSED_UNREACHABLE,  /* no address of the target took the connection */
    RELAYS_REFUSED_DESCRIPTORS,  /* no file descriptors left for it */
    RELAYS_REFUSALS
};

/* Of one endpoint, summed over all loops: near-simultaneous, each number exact. */
struct relays_numbers {
    uint64_t open, connecting, held;   /* connections now */
    uint64_t behind;                   /* of `open`: to a region that is left */
    uint64_t accepted;                 /* ever, as all that follow */
    uint64_t closed_by_switch;         /* by a fence, a switch or a drain's end */
    uint64_t refused[RELAYS_REFUSALS]; /* reset, by reason */
    uint64_t bytes_to_target, bytes_to_client;
    uint64_t latency[RELAYS_LATENCY_BUCKETS]; /* of TCP connects that worked; not cumulative */
    uint64_t latency_sum_us;
    uint64_t accept_failures; /* accept(2) failed for want of descriptors or memory */
    const char *waiting_for;  /* why held ones wait although it is switched: the probe's
                                 last words; NULL: for nothing but the switch */
};

/* `connections`: the receiver's array, oldest first within a loop, of
 *
 *     {"endpoint": "orders-db", "state": "open" | "connecting" | "held" | "closing",
 *      "client": "127.0.0.1:40122", "target": "10.1.0.7:5432" | null, "region": "eu-west-1" | null,
 *      "since_ms": 5000, "bytes_to_target": 120, "bytes_to_client": 4096}
 *
 * `since_ms`: for how long it has been in this state. `omitted`: how many more there are. */
typedef void relays_listed(void *context, cJSON *connections, uint64_t omitted);

struct relays {
    /* False: the endpoint has no relay. */
    bool (*numbers)(struct relays *relays, const char *endpoint, struct relays_numbers *ret);
    /* `endpoint` NULL: all. At most `limit` of them. `done` runs later, exactly once. */
    void (*list)(struct relays *relays, const char *endpoint, unsigned limit, relays_listed *done,
        void *context);
    /* Connections of the group's endpoints that are open to a region it is fenced from. */
    uint64_t (*behind)(struct relays *relays, const char *group);
};
