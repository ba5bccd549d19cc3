/* A fetch: one question to the upstreams, however many clients wait for it.
 *
 *     fetch_join → (a fetch of this key is under way? wait with the others) → try → try → try
 *                → vetted reply or failure → into the cache → every waiter is woken
 *
 * Each try has a socket of its own, connected, with a random port and id; nothing but the right
 * upstream's answer to the right question, id and letter case ends the wait. */
#pragma once

#include "resolver/cache.h"

#include <stdbool.h>

#define FETCH_TRIES_MAX 3
#define FETCH_DEADLINE_MS 4000
#define FETCH_STALE_AFTER_MS 1800 /* RFC 8767 section 5: the client response timer */

struct engine;
struct fetch;
struct fetches;

/* Embedded in whoever waits. */
struct fetch_waiter {
    struct fetch *fetch; /* NULL: not waiting */
    struct fetch_waiter *next, *prev;
    /* The fetch has ended with `entry` (borrowed), or, with NULL, it takes long and stale data
     * would do. The waiter has left the fetch before an end is told; it may leave or join others.
     */
    void (*wake)(struct fetch_waiter *waiter, struct cache_entry *entry);
};

struct fetches *fetches_new(struct engine *engine, unsigned max);
void fetches_free(struct fetches *fetches);

/* -EBUSY: too many are under way already. `wire` is `key->name` in the letter case to ask with.
 * Wakes nobody before it returns. */
int fetch_join(struct fetches *fetches, const struct cache_key *key, const uint8_t *wire,
    struct fetch_waiter *waiter);
void fetch_leave(struct fetch_waiter *waiter); /* not waiting is fine */

/* Whether a fetch of this key is under way and has been for so long that stale data would do. */
bool fetch_is_slow(struct fetches *fetches, const struct cache_key *key);

/* Ends everything without waking anybody; handles close later. */
void fetches_stop(struct fetches *fetches);

/* Of an attempt: a datagram came. False: the attempt is closed, the fetch may be gone. */
struct attempt;
bool fetch_datagram(
    struct fetch *fetch, struct attempt *attempt, const uint8_t *message, size_t size);

/* Of an attempt: the network says that nobody is there. It is closed, the fetch may be gone. */
void fetch_unreachable(struct fetch *fetch, struct attempt *attempt);

/* Of a stream: bytes came, or the connection failed (`message` NULL). False: not our answer, the
 * wait goes on; otherwise the stream forgets the fetch, which may be gone. */
bool fetch_stream_answered(struct fetch *fetch, const uint8_t *message, size_t size);
