#include "resolver/engine.h"

#include "resolver/fetch.h"
#include "resolver/listen_tcp.h"
#include "resolver/listen_udp.h"
#include "resolver/question.h"

#include <stdio.h>
#include <sys/random.h>

const uint32_t engine_duration_bounds_us[DURATION_BUCKETS] = {
    100, 500, 1000, 5000, 10000, 50000, 100000, 500000, 1000000, 2000000, 4000000, 5000000};

int engine_init(
    struct engine *engine, unsigned index, size_t cache_bytes, const struct engine_limits *limits)
{
    snprintf(engine->name, sizeof engine->name, "dns-%u", index);
    int status = loop_init(&engine->loop, engine->name);
    if (status < 0)
        return status;
    engine->cache = cache_new(cache_bytes);
    engine->upstreams = upstreams_new();
    engine->fetches = fetches_new(engine, limits->fetches);
    engine->tcp_connections_max = limits->tcp_connections;
    return 0;
}

void engine_fini(struct engine *engine)
{
    cache_free(engine->cache);
    upstreams_free(engine->upstreams);
    fetches_free(engine->fetches);
}

void engine_take_view(void *context, const struct view *view, struct acknowledgement *ack)
{
    struct engine *engine = context;
    bool first = engine->view == NULL;
    engine->view = view;
    upstreams_take_view(engine->upstreams, view);
    if (first) {
        udp_serve(engine);
        tcp_serve(engine);
    }
    tcp_take_view(engine);
    questions_take_view(engine);
    announce_acknowledge(ack);
}

void engine_stop(void *context)
{
    struct engine *engine = context;
    udp_stop(engine);
    tcp_stop(engine);
    questions_drop(engine, NULL);
    fetches_stop(engine->fetches);
    upstreams_stop(engine->upstreams);
}

uint16_t engine_random(struct engine *engine)
{
    while (engine->random_left < 2) {
        ssize_t got = getrandom(engine->random, sizeof engine->random, 0);
        engine->random_left = got > 0 ? (size_t)got : 0;
    }
    engine->random_left -= 2;
    return read_be16(engine->random + engine->random_left);
}

bool engine_allows(struct engine *engine, const struct sockaddr *peer)
{
    const struct config *config = engine->view->config;
    for (size_t i = 0; i < config->resolver.allow_count; i++) {
        if (prefix_contains(&config->resolver.allow[i], peer))
            return true;
    }
    count_one(&engine->counters.dropped_not_allowed);
    return false;
}

void engine_count_answer(
    struct engine *engine, enum transport transport, const struct answer *answer)
{
    unsigned rcode = answer->rcode < COUNTED_RCODES - 1 ? answer->rcode : COUNTED_RCODES - 1;
    count_one(&engine->counters.answers[transport][answer->source][rcode]);
}

void engine_count_duration(struct engine *engine, uint64_t duration_ns, uint64_t answers)
{
    uint64_t duration_us = duration_ns / 1000;
    unsigned bucket = 0;
    while (bucket < DURATION_BUCKETS && duration_us > engine_duration_bounds_us[bucket])
        bucket++;
    count_add(&engine->counters.durations[bucket], answers);
    count_add(&engine->counters.duration_sum_us, duration_us * answers);
}

void engine_note_cache(struct engine *engine)
{
    struct cache_size size = cache_measure(engine->cache);
    atomic_store_explicit(&engine->counters.cache_entries, size.entries, memory_order_relaxed);
    atomic_store_explicit(&engine->counters.cache_bytes, size.bytes, memory_order_relaxed);
    atomic_store_explicit(&engine->counters.cache_evictions, size.evictions, memory_order_relaxed);
}
