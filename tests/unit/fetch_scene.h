/* One thread of the resolver, the upstreams that it may ask, and two who wait for an answer. */
#pragma once

#include "resolver/engine.h"
#include "resolver/fetch.h"
#include "tests/unit/played_upstream.h"
#include "tests/unit/unit.h"

#define PEERS 3
#define FETCHES_MAX 2
#define FETCH_MAX_STALE_MS 86400000

/* Somebody who waits, and what was heard. */
struct ear {
    struct fetch_waiter waiter;
    counter slow, ends;
    struct cache_entry *entry; /* of the end; a reference */
};

struct fetch_scene {
    struct engine engine;
    struct config config;
    struct view view;
    struct config_upstream listed[PEERS];
    struct played peers[PEERS];
    struct ear ears[3];
    struct message reply;
};

extern struct fetch_scene scene;

int fetch_setup(void **unused); /* for cmocka; all peers are listed */
int fetch_teardown(void **unused);

/* A new view, with the first `count` peers. */
void upstreams_are(unsigned count);

struct cache_key key_of(const char *name, bool dnssec_ok);

/* A question of type A, and who waits for it. */
int join(struct ear *ear, const char *name, bool dnssec_ok);
int join_key(struct ear *ear, const struct cache_key *key, const char *name);
void ask(const char *name); /* the first ear */

/* The first ear has heard the end: an rcode, and why it failed. */
void ends_with(unsigned rcode, enum dns_ede ede);
/* The end is an answer: its one A record. */
void ends_with_a(uint32_t address);

/* A peer hears the question and answers it at once. */
void answers_a(struct played *peer, uint32_t address);
void answers_flags(struct played *peer, uint16_t flags); /* without a record */

/* What the thread knows of a peer. */
struct upstream *known(unsigned peer);

static inline void passes(uint64_t ms)
{
    time_passes(&scene.engine.loop.uv, ms);
}
