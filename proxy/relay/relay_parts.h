/* The relay from within: what its files share. Nobody else includes it.
 *
 *     struct relay    all of it: one a daemon
 *     struct outlet   an endpoint with a relay: what its loops share
 *     struct worker   a loop and its thread
 *     struct point    an outlet within a worker: its listeners and connections
 *     connection.h    one relayed connection
 */
#pragma once

#include "proxy/descriptors.h"
#include "proxy/pipes.h"
#include "proxy/relay/connection.h"
#include "proxy/relay/flood.h"
#include "proxy/relay/relay.h"
#include "proxy/relay/writable.h"

#include <stdatomic.h>

#define RELAY_CONNECT_TIMEOUT_MS 2000 /* of one address */
#define RELAY_RESOLVE_TIMEOUT_MS 5000
#define RELAY_RESOLVE_AGAIN_MS 250 /* after a lookup that failed */
#define RELAY_USER_TIMEOUT_MS 10000
#define RELAY_HELD_BYTES_MAX (16u << 10)
#define RELAY_RELEASE_MAX 64     /* held connections on their way at once, over all loops */
#define RELAY_WORKERS_MAX 64     /* each has a part of those, so not more than there are */
#define RELAY_YOUNG_MS 1000      /* opened so lately, it is about to be used */
#define RELAY_BORDER_WAIT_MS 500 /* for a session to reach a transaction border */
#define RELAY_TICK_MS 100        /* between looks at deadlines */
#define RELAY_BORDER_TICK_MS 5   /* between looks at sessions that shall end */
#define RELAY_LIVENESS_MS 3000   /* between looks at targets that owe an acknowledgement */
#define RELAY_CHUNK (64u << 10)  /* bytes of one read */

/* Counted by one loop, read by the main loop. */
struct point_numbers {
    atomic_ullong states[CONNECTION_STATES]; /* connections now */
    atomic_ullong accepted, closed_by_switch, refused[RELAYS_REFUSALS], accept_failures;
    atomic_ullong bytes[DIRECTIONS];
    atomic_ullong latency[RELAYS_LATENCY_BUCKETS], latency_sum_us;
};

/* One writer, so no locked instruction. */
static inline void number_add(atomic_ullong *number, uint64_t amount)
{
    atomic_store_explicit(
        number, atomic_load_explicit(number, memory_order_relaxed) + amount, memory_order_relaxed);
}

struct listener {
    struct point *point;
    struct poller_socket socket;
    uint64_t said_ms; /* boot clock: when the log heard last that accept failed; 0: never */
    struct flood flood;
    bool paused; /* before the first view, in a rest (flood.h), or accept failed: until a tick */
};

struct connection_list {
    struct connection *first, *last;
};

struct point {
    struct worker *worker;
    struct outlet *outlet;
    struct listener *listeners;
    size_t listener_count;

    /* What the view says, as this loop has taken it. */
    const struct view_endpoint *endpoint;
    const char *region;     /* its name; "": undecided */
    uint64_t turn;          /* rises whenever what may be dialled changes */
    uint64_t writable_turn; /* the last turn in which the target was found writable */
    bool awaits_writable;   /* of this turn: held ones wait for the probe */
    uint64_t ours_turn;     /* the last turn in which the target was found to be ourselves */

    struct connection_list lists[CONNECTION_STATES];
    unsigned releasing; /* held ones that are on their way to the target */
    bool in_release;
    bool resolving; /* a lookup of `resolving_turn` is under way */
    uint64_t resolving_turn;
    uint64_t resolve_again_ms; /* boot clock; after a failure */
    struct point_numbers numbers;
};

struct outlet {
    struct relay *relay;
    char *id, *group;
    struct config_listen listen;
    atomic_uint held; /* over all loops */

    /* On the first worker's loop. */
    struct writable *writable;
    uint64_t writable_turn; /* what it is asked for */
    pthread_mutex_t lock;   /* guards `waiting_for` */
    char waiting_for[256];  /* "": for nothing */
    char waiting_copy[256]; /* the main loop's */
};

struct worker {
    struct relay *relay;
    struct loop loop;
    bool has_loop;
    char name[16];
    size_t index;
    const struct view *view; /* NULL before the first */
    struct point *points;    /* in the order of relay->outlets */
    struct poller poller;
    struct pipes pipes;
    struct connection *dead; /* freed after the turn of the loop */
    uv_timer_t tick, border_tick, liveness, rest;

    struct acknowledgement *ack; /* of a view whose old connections still end */
    size_t owed;                 /* connections that end before it is acknowledged */
    unsigned lookups;            /* under way, those of probes that were stopped among them */
    bool stopping;
    uv_sem_t stopped;
    uint8_t chunk[RELAY_CHUNK];
};

struct relay {
    struct relays relays; /* first: the door for others */
    struct loop *main_loop;
    struct lookup *lookup;
    struct outlet *outlets;
    size_t outlet_count;
    struct worker **workers;
    size_t worker_count;
    atomic_int descriptors; /* that connections and pipes may still take */
    loop_call *ended;
    void *ended_context;
};

/* relay.c */
size_t relay_workers_for(unsigned threads, unsigned cores); /* `threads` 0: one per core */

/* worker.c */
int worker_new(struct relay *relay, size_t index, struct worker **ret_worker);
int worker_start(struct worker *worker);
void worker_free(struct worker *worker); /* stops and joins */
void worker_watch_deadlines(struct worker *worker);
void worker_watch_borders(struct worker *worker);
void worker_rest(struct worker *worker); /* paused listeners go on after FLOOD_REST_MS */
announce_take worker_take;
void worker_connection_ended(struct connection *connection);
void worker_lookup_ended(struct worker *worker);
bool worker_has(const struct worker *worker, enum connection_state state);

/* point.c */
void point_take(struct point *point, const struct view *view, const struct view_endpoint *endpoint);

/* accept.c */
int listener_open(struct listener *listener, struct point *point, int fd); /* takes fd */
void listener_resume(struct listener *listener);
void listener_close(struct listener *listener);

/* hold.c */
bool point_is_open(const struct point *point); /* what comes now is dialled */
void hold_add(struct connection *connection);
void hold_read(struct connection *connection);
void hold_release(struct point *point);
void hold_expire(struct point *point, uint64_t now_ms);
void hold_released_left(struct connection *connection); /* on its way no more */

/* gate.c: held ones wait until the new side is writable. */
void gate_turn(struct point *point);         /* the point's turn has come to be open */
void gate_renew(struct point *point);        /* the configuration is another one */
void gate_stop(struct outlet *outlet);       /* on the first worker's loop */
void gate_tell_words(struct outlet *outlet); /* likewise, now and then */

/* dial.c, resolve.c */
void dial_start(struct connection *connection);
void dial_with(struct connection *connection, const struct lookup_answer *answer);
void dial_event(struct connection *connection, uint32_t events);
void dial_stop(struct connection *connection); /* the client stays, nothing else does */
void dial_expire(struct point *point, uint64_t now_ms);
void resolve_start(struct point *point);
void resolve_expire(struct point *point, uint64_t now_ms);

/* ending.c */
void ending_start(struct point *point, uint64_t drain_ms);
void ending_take_back(struct point *point);
void ending_moved(struct connection *connection); /* bytes have moved */
void ending_look(struct point *point, uint64_t now_ms);

/* liveness.c */
void liveness_look(struct point *point, uint64_t now_ms);

/* numbers.c, list.c */
bool numbers_of(struct relays *relays, const char *endpoint, struct relays_numbers *ret);
uint64_t numbers_behind(struct relays *relays, const char *group);
void list_connections(struct relays *relays, const char *endpoint, unsigned limit,
    relays_listed *done, void *context);
