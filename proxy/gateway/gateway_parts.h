/* The gateway from within: what its files share. Nobody else includes it.
 *
 *     struct gateway          all of it: one a daemon
 *     struct gateway_worker   a loop and its thread
 *     session.h               a client's connection: its requests, one after the other
 *     exchange.h              one request and its answer
 *     upstream.h              a connection to S3, for one exchange at a time
 */
#pragma once

#include "proxy/gateway/gateway.h"
#include "proxy/gateway/gateway_error.h"
#include "proxy/gateway/plan.h"
#include "proxy/gateway/session.h"
#include "proxy/gateway/stream.h"
#include "proxy/gateway/tls_client.h"
#include "proxy/gateway/tls_server.h"
#include "proxy/gateway/upstream.h"

#include <stdatomic.h>

#define GATEWAY_TICK_MS 250             /* between looks at deadlines */
#define GATEWAY_IDLE_MS 60000           /* a client's connection between two requests */
#define GATEWAY_HEAD_MS 10000           /* from a head's first byte to its last */
#define GATEWAY_SILENCE_MS 30000        /* within a request: nothing moves, either way */
#define GATEWAY_LINGER_MS 2000          /* for a client to read a last answer */
#define GATEWAY_STOP_MS 3000            /* for requests under way at the end */
#define GATEWAY_RESOLVE_MS 5000         /* for S3's addresses */
#define GATEWAY_CONNECT_MS 2000         /* of one address */
#define GATEWAY_SHAKE_MS 5000           /* TLS's handshake with it */
#define GATEWAY_ELSEWHERE_MS 2000       /* for another region's answer to what this one has not */
#define GATEWAY_ELSEWHERE_PAUSE_MS 5000 /* after one that was silent for so long */
#define GATEWAY_POOL_IDLE_MS 4000       /* S3 closes idle connections after some seconds */
#define GATEWAY_POOL_MAX 256            /* idle connections of a loop */
#define GATEWAY_STATUS_CLASSES 5        /* 1xx to 5xx */
#define GATEWAY_METHODS 7               /* those of numbers.c */

enum gateway_handshake {
    GATEWAY_HANDSHAKE_FULL,
    GATEWAY_HANDSHAKE_RESUMED,
    GATEWAY_HANDSHAKE_FAILED,
    GATEWAY_HANDSHAKES
};

/* What became of reads that were asked of another region. */
enum gateway_elsewhere {
    GATEWAY_ELSEWHERE_FOUND,
    GATEWAY_ELSEWHERE_MISSING,
    GATEWAY_ELSEWHERE_SILENT,
    GATEWAY_ELSEWHERES
};

/* Counted by one loop, read by the main loop. */
struct gateway_numbers {
    atomic_ullong requests[GATEWAY_METHODS][GATEWAY_STATUS_CLASSES];
    atomic_ullong errors[GATEWAY_ERRORS];
    atomic_ullong client_handshakes[GATEWAY_HANDSHAKES], upstream_handshakes[GATEWAY_HANDSHAKES];
    atomic_ullong accepted, connections, bytes_up, bytes_down;
    atomic_ullong connects, connect_failures, pool_hits, retries, pooled;
    atomic_ullong elsewhere[GATEWAY_ELSEWHERES];
    atomic_ullong unverified_keys, unverified_ms; /* the latter: when the last one passed */
};

/* One writer, so no locked instruction. */
static inline void gateway_count(atomic_ullong *number, uint64_t amount)
{
    atomic_store_explicit(
        number, atomic_load_explicit(number, memory_order_relaxed) + amount, memory_order_relaxed);
}

struct gateway_listener {
    struct gateway_worker *worker;
    struct poller_socket socket; /* -1: closed */
    bool is_tls;
};

struct gateway_worker {
    struct gateway *gateway;
    struct loop loop;
    bool has_loop;
    char name[16];
    const struct view *view; /* NULL before the first */
    struct poller poller;
    struct pipes pipes;
    struct stream_tools tools;
    struct tls_server *tls_server; /* NULL: no listener speaks TLS */
    struct tls_client *tls_client;
    struct planner planner;
    struct gateway_listener *listeners;
    size_t listener_count;
    struct session *first, *last; /* all of this loop's */
    struct upstream *pool;        /* idle, the last used first */
    struct upstream *dead_upstreams;
    struct session *dead_sessions;
    struct exchange *spare; /* room for the next one, of nobody; NULL: none */
    uv_timer_t tick;
    uint64_t not_elsewhere_ms; /* boot clock: until then nothing is asked of another region */
    unsigned lookups;          /* under way */
    bool accept_again;         /* a listener was left before it was empty */
    bool stopping, let_go;
    uint64_t stop_ms; /* boot clock: who is still there then is cut off */
    uv_sem_t stopped;
    struct gateway_numbers numbers;
    struct text head; /* the one that is being written */
    uint8_t buffer[STREAM_LARGE];
};

struct gateway {
    struct config *config;                     /* a reference: what it was made by */
    size_t listener_count, tls_listener_count; /* open, of each loop */
    struct ca *ca;                             /* NULL: no listener speaks TLS */
    struct lookup *lookup;
    struct gateway_worker **workers;
    size_t worker_count;
    atomic_uint connections; /* of clients, over all loops */
};

/* worker.c */
int gateway_worker_new(struct gateway *gateway, size_t index, struct gateway_worker **ret_worker);
int gateway_worker_start(struct gateway_worker *worker);
void gateway_worker_stop(struct gateway_worker *worker);
void gateway_worker_free(struct gateway_worker *worker); /* joins, after the stop */
void gateway_worker_lookup_ended(struct gateway_worker *worker);
announce_take gateway_worker_take;

/* listener.c */
int gateway_listener_open(struct gateway_worker *worker, int fd, bool is_tls); /* takes fd */
void gateway_listener_resume(struct gateway_worker *worker);    /* after the first view, a tick */
void gateway_listener_close_tls(struct gateway_worker *worker); /* before the thread's start */
void gateway_listener_close(struct gateway_worker *worker);

/* gateway_tls.c: all that both sides of TLS need, before the threads start. */
int gateway_tls_start(struct gateway *gateway, struct failure *why);
void gateway_tls_free(struct gateway *gateway); /* after the workers */

/* numbers.c */
void gateway_count_request(struct gateway_worker *worker, struct span method, unsigned status);
void gateway_count_handshake(
    atomic_ullong numbers[GATEWAY_HANDSHAKES], int status, const struct tls_session *tls);
