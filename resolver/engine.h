/* One thread of the resolver: everything a question meets on its way, owned by one loop and touched
 * by no other thread. Inside resolver/ only. */
#pragma once

#include "base/lookup.h"
#include "base/loop.h"
#include "failover/announce.h"
#include "resolver/answer.h"
#include "resolver/upstream.h"

#include <stdatomic.h>

#define ENGINE_QUESTIONS_MAX 16384 /* suspended at once; beyond it: SERVFAIL */
#define ENGINE_FETCHES_MAX 4096    /* under way at once; lower when descriptors are few */

enum transport { TRANSPORT_UDP, TRANSPORT_TCP, TRANSPORTS };

#define COUNTED_RCODES 7 /* 0 to 5 and all others */
#define DURATION_BUCKETS 12

/* Written by the engine's thread alone, read by the main loop: relaxed atomics, no lock prefix. */
typedef _Atomic uint64_t counter;

struct engine_counters {
    counter answers[TRANSPORTS][ANSWER_SOURCES][COUNTED_RCODES];
    counter durations[DURATION_BUCKETS + 1]; /* the last: beyond all bounds */
    counter duration_sum_us;
    counter dropped_not_allowed, dropped_malformed, dropped_unsent;
    counter tcp_open, tcp_refused;
    counter questions_refused; /* too many under way */
    counter upstream_sent, upstream_answered, upstream_timeouts, upstream_errors, upstream_bad,
        upstream_foreign, upstream_tcp;
    counter cache_entries, cache_bytes, cache_evictions;
};

static inline void count_add(counter *of, uint64_t amount)
{
    atomic_store_explicit(
        of, atomic_load_explicit(of, memory_order_relaxed) + amount, memory_order_relaxed);
}

static inline void count_one(counter *of)
{
    count_add(of, 1);
}

/* What one thread may have open at once; fewer than its maximum when descriptors are few. */
struct engine_limits {
    unsigned fetches, tcp_connections;
};

struct fetches;
struct question;
struct udp_listener;
struct tcp_listener;
struct tcp_connection;

struct engine {
    struct loop loop;
    char name[16];
    const struct view *view; /* NULL before the first */
    struct cache *cache;
    struct upstreams *upstreams;
    struct fetches *fetches;
    struct question *questions; /* all that are suspended */
    unsigned question_count;
    struct udp_listener *udp_listeners;
    struct tcp_listener *tcp_listeners;
    struct tcp_connection *tcp_connections; /* the most recently active first */
    unsigned tcp_connection_count, tcp_connections_max;
    struct engine_counters counters;

    uint8_t random[256]; /* from the kernel, used up front to back */
    size_t random_left;

    struct reply reply;                    /* the thread's one vetted reply to work with */
    uint8_t work[DNS_MESSAGE_MAX + 1];     /* a message that is put together again */
    uint8_t out[DNS_MESSAGE_MAX + 1];      /* an answer on its way to a slow path's client */
    uint8_t received[DNS_MESSAGE_MAX + 1]; /* a datagram of an upstream */
};

int engine_init(
    struct engine *engine, unsigned index, size_t cache_bytes, const struct engine_limits *limits);
void engine_fini(struct engine *engine); /* after its thread has ended */

/* On the engine's thread: takes a new view and brings everything under way into line with it. */
announce_take engine_take_view;

/* Closes every handle; the thread ends when all are closed. */
loop_call engine_stop;

uint16_t engine_random(struct engine *engine);

/* Whether `peer` may ask; counts who may not. */
bool engine_allows(struct engine *engine, const struct sockaddr *peer);

void engine_count_answer(
    struct engine *engine, enum transport transport, const struct answer *answer);
/* `answers` that took `duration_ns` each. */
void engine_count_duration(struct engine *engine, uint64_t duration_ns, uint64_t answers);

/* Publishes the cache's measures, after it changed. */
void engine_note_cache(struct engine *engine);

/* The bounds of the histogram's buckets, in microseconds. */
extern const uint32_t engine_duration_bounds_us[DURATION_BUCKETS];
