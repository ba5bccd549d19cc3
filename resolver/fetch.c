/* On the good day: one datagram out, one back, the entry goes into the cache, the waiters are
 * woken.
 *
 * What can go wrong: silence (another try, another upstream, then stale data or SERVFAIL well
 * before the client's own five seconds), a truncated answer (the same question over TCP), SERVFAIL
 * or REFUSED (the next upstream), foreign and malformed answers (dropped; the wait goes on), an
 * upstream that cannot be reached at all (the next at once), too much under way (refused by
 * fetch_join). */
#include "resolver/fetch.h"

#include "base/memory.h"
#include "resolver/attempt.h"
#include "resolver/compose.h"
#include "resolver/engine.h"
#include "resolver/stream.h"
#include "resolver/vet.h"

#include <errno.h>
#include <stdlib.h>

#define BUCKETS 1024
#define LAST_TRY_MS 1500

struct fetch {
    struct fetches *owner;
    struct fetch *chain; /* in its bucket */
    struct cache_key key;
    uint8_t name[NAME_WIRE_MAX], wire[NAME_WIRE_MAX];
    struct fetch_waiter *waiters;
    struct upstream *choices[UPSTREAM_CHOICES_MAX];
    unsigned choice_count, try_count;
    struct attempt *attempts[FETCH_TRIES_MAX]; /* NULL: over a stream, or closed */
    struct upstream *asked;     /* last, over UDP or a stream; borrowed from `choices` */
    struct upstream *streaming; /* an answer is awaited over its stream; NULL: none */
    uint16_t stream_id;
    uint64_t started_ms, streamed_ms, give_up_ms; /* give_up: of the one asked last */
    uv_timer_t timer;
    struct cache_entry *refusal; /* the last upstream that answered with an error */
    bool plain;                  /* without EDNS: the upstream does not know it */
    bool told_slow, timed_out;
};

struct fetches {
    struct engine *engine;
    unsigned count, max;
    struct fetch *buckets[BUCKETS];
};

static void try_next(struct fetch *fetch);

struct fetches *fetches_new(struct engine *engine, unsigned max)
{
    struct fetches *fetches = memory_new(sizeof *fetches);
    fetches->engine = engine;
    fetches->max = max;
    return fetches;
}

void fetches_free(struct fetches *fetches)
{
    free(fetches);
}

static uint64_t now_of(const struct fetch *fetch)
{
    return uv_now(&fetch->owner->engine->loop.uv);
}

static struct fetch **find_slot(struct fetches *fetches, const struct cache_key *key)
{
    struct fetch **slot = &fetches->buckets[key->hash % BUCKETS];
    for (; *slot; slot = &(*slot)->chain) {
        const struct cache_key *other = &(*slot)->key;
        if (other->hash == key->hash && other->type == key->type && other->class == key->class &&
            other->dnssec_ok == key->dnssec_ok &&
            other->checking_disabled == key->checking_disabled &&
            other->name_size == key->name_size &&
            memcmp(other->name, key->name, key->name_size) == 0)
            break;
    }
    return slot;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct fetch *fetch = handle->data;
    cache_entry_unref(fetch->refusal);
    free(fetch);
}

/* Takes the fetch out of everything; its memory goes with the timer. */
static void retire(struct fetch *fetch)
{
    struct fetches *fetches = fetch->owner;
    struct fetch **slot = find_slot(fetches, &fetch->key);
    *slot = fetch->chain;
    fetches->count--;
    for (unsigned i = 0; i < FETCH_TRIES_MAX; i++)
        attempt_close(&fetch->attempts[i]);
    if (fetch->streaming)
        stream_forget(fetch->streaming, fetch);
    for (unsigned i = 0; i < fetch->choice_count; i++)
        upstream_unref(fetch->choices[i]);
    uv_close((uv_handle_t *)&fetch->timer, on_timer_closed);
}

static void finish(struct fetch *fetch, struct cache_entry *entry)
{
    struct fetch_waiter *waiter;
    retire(fetch);
    while ((waiter = fetch->waiters)) {
        fetch_leave(waiter);
        waiter->wake(waiter, entry);
    }
    cache_entry_unref(entry);
}

/* A failure is kept for a moment (RFC 9520), but never in place of data that may still be served.
 */
static void fail(struct fetch *fetch)
{
    struct engine *engine = fetch->owner->engine;
    uint64_t now_ms = now_of(fetch);
    unsigned rcode = fetch->refusal ? fetch->refusal->rcode : RCODE_SERVFAIL;
    enum dns_ede ede = fetch->refusal     ? EDE_NONE
                       : fetch->timed_out ? EDE_NO_REACHABLE_AUTHORITY
                                          : EDE_NETWORK_ERROR;
    if (rcode != RCODE_REFUSED)
        rcode = RCODE_SERVFAIL;
    struct cache_entry *entry = cache_entry_new_failure(&fetch->key, rcode, ede, now_ms);
    struct cache_entry *stale = cache_find(engine->cache, &fetch->key);
    if (stale && now_ms < stale->stale_until_ms)
        stale->failed_until_ms = now_ms + CACHE_FAILURE_MS;
    else
        cache_insert(engine->cache, entry);
    finish(fetch, entry);
}

static void tell_slow(struct fetch *fetch)
{
    struct fetch_waiter *waiter = fetch->waiters, *next;
    fetch->told_slow = true;
    for (; waiter; waiter = next) {
        next = waiter->next;
        waiter->wake(waiter, NULL);
    }
}

static void on_timer(uv_timer_t *timer);

static void schedule(struct fetch *fetch)
{
    uint64_t now_ms = now_of(fetch);
    uint64_t at_ms = fetch->started_ms + FETCH_DEADLINE_MS;
    if (fetch->give_up_ms < at_ms)
        at_ms = fetch->give_up_ms;
    if (!fetch->told_slow && fetch->started_ms + FETCH_STALE_AFTER_MS < at_ms)
        at_ms = fetch->started_ms + FETCH_STALE_AFTER_MS;
    uv_timer_start(&fetch->timer, on_timer, at_ms > now_ms ? at_ms - now_ms : 0, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct fetch *fetch = timer->data;
    uint64_t now_ms = now_of(fetch);
    if (!fetch->told_slow && now_ms >= fetch->started_ms + FETCH_STALE_AFTER_MS)
        tell_slow(fetch);
    if (now_ms < fetch->give_up_ms && now_ms < fetch->started_ms + FETCH_DEADLINE_MS) {
        schedule(fetch);
        return;
    }
    if (fetch->asked) {
        count_one(&fetch->owner->engine->counters.upstream_timeouts);
        upstream_failed(fetch->asked, now_ms);
        fetch->timed_out = true;
    }
    if (now_ms >= fetch->started_ms + FETCH_DEADLINE_MS)
        fail(fetch);
    else
        try_next(fetch);
}

/* Where nobody else can be asked, the same question over the same connection brings nothing. */
static uint64_t stream_patience_ms(const struct fetch *fetch)
{
    return fetch->choice_count > 1 ? LAST_TRY_MS : FETCH_DEADLINE_MS;
}

/* An upstream is not to blame for what we have run out of, nor for having left the view. */
static bool is_our_own(int status)
{
    return status == -EBUSY || status == -EMFILE || status == -ENFILE || status == -ENOBUFS ||
           status == -ENOMEM || status == -ENOENT;
}

static int ask_over_stream(struct fetch *fetch, struct upstream *upstream)
{
    uint8_t message[DNS_UDP_SIZE_MIN];
    struct engine *engine = fetch->owner->engine;
    if (fetch->streaming)
        stream_forget(fetch->streaming, fetch);
    fetch->stream_id = engine_random(engine);
    size_t size = compose_query(message, fetch->stream_id, &fetch->key, fetch->wire, !fetch->plain);
    int status = stream_send(engine, upstream, fetch, message, size);
    fetch->streaming = status == 0 ? upstream : NULL;
    fetch->streamed_ms = now_of(fetch);
    if (status == 0)
        count_one(&engine->counters.upstream_tcp);
    return status;
}

/* What an upstream said that is no use: the next one, if there is one that was not asked yet. What
 * an earlier try brings does not end the wait for the newest. */
static void refused(struct fetch *fetch, const struct upstream *upstream, struct cache_entry *entry)
{
    cache_entry_unref(fetch->refusal);
    fetch->refusal = entry;
    if (upstream != fetch->asked)
        return;
    if (fetch->try_count < fetch->choice_count && fetch->try_count < FETCH_TRIES_MAX)
        try_next(fetch);
    else
        fail(fetch);
}

/* FORMERR or NOTIMP without an OPT: an upstream from before EDNS. */
static bool retry_plain(
    struct fetch *fetch, const struct upstream *upstream, const struct reply *reply)
{
    bool complains = reply->rcode == RCODE_FORMERR || reply->rcode == RCODE_NOTIMP;
    if (!complains || reply->edns || fetch->plain || upstream != fetch->asked)
        return false;
    fetch->plain = true;
    fetch->try_count--; /* the same upstream again */
    attempt_close(&fetch->attempts[fetch->try_count]);
    try_next(fetch);
    return true;
}

static void take_reply(
    struct fetch *fetch, struct upstream *upstream, uint64_t asked_ms, const uint8_t *message)
{
    struct engine *engine = fetch->owner->engine;
    const struct reply *reply = &engine->reply;
    uint64_t now_ms = now_of(fetch), max_stale_ms = engine->view->config->resolver.max_stale_ms;
    upstream_answered(upstream, now_ms - asked_ms);
    count_one(&engine->counters.upstream_answered);
    if (retry_plain(fetch, upstream, reply))
        return;
    struct cache_entry *entry = cache_entry_new(&fetch->key, message, reply, now_ms, max_stale_ms);
    if (reply->rcode == RCODE_SERVFAIL || reply->rcode == RCODE_REFUSED ||
        reply->rcode == RCODE_FORMERR || reply->rcode == RCODE_NOTIMP || reply->rcode > DNS_RCODE) {
        refused(fetch, upstream, entry);
        return;
    }
    if (entry->kind != CACHE_OTHER)
        cache_insert(engine->cache, entry);
    engine_note_cache(engine);
    finish(fetch, entry);
}

bool fetch_stream_answered(struct fetch *fetch, const uint8_t *message, size_t size)
{
    struct upstream *upstream = fetch->streaming;
    struct engine *engine = fetch->owner->engine;
    bool good = message &&
                vet(engine, &fetch->key, fetch->wire, fetch->stream_id, &message, size) &&
                !(engine->reply.flags & DNS_TC);
    if (message && !good)
        return false;
    fetch->streaming = NULL;
    if (good) {
        take_reply(fetch, upstream, fetch->streamed_ms, message);
    } else {
        count_one(&engine->counters.upstream_errors);
        upstream_failed(upstream, now_of(fetch));
        if (upstream == fetch->asked)
            try_next(fetch);
    }
    return true;
}

static void close_attempt(struct fetch *fetch, const struct attempt *attempt)
{
    for (unsigned i = 0; i < FETCH_TRIES_MAX; i++) {
        if (fetch->attempts[i] == attempt)
            attempt_close(&fetch->attempts[i]);
    }
}

bool fetch_datagram(
    struct fetch *fetch, struct attempt *attempt, const uint8_t *message, size_t size)
{
    struct upstream *upstream = attempt_upstream(attempt);
    struct engine *engine = fetch->owner->engine;
    uint64_t sent_ms = attempt_sent_ms(attempt);
    if (!vet(engine, &fetch->key, fetch->wire, attempt_id(attempt), &message, size))
        return true;
    close_attempt(fetch, attempt);
    if (!(engine->reply.flags & DNS_TC)) {
        take_reply(fetch, upstream, sent_ms, message);
        return false;
    }
    fetch->asked = upstream;
    fetch->give_up_ms = now_of(fetch) + stream_patience_ms(fetch);
    if (ask_over_stream(fetch, upstream) == 0)
        schedule(fetch);
    else
        try_next(fetch);
    return false;
}

void fetch_unreachable(struct fetch *fetch, struct attempt *attempt)
{
    struct upstream *upstream = attempt_upstream(attempt);
    count_one(&fetch->owner->engine->counters.upstream_errors);
    upstream_failed(upstream, now_of(fetch));
    close_attempt(fetch, attempt);
    if (upstream == fetch->asked)
        try_next(fetch);
}

static int send_datagram(struct fetch *fetch, struct upstream *upstream, unsigned slot)
{
    uint8_t message[DNS_UDP_SIZE_MIN];
    struct engine *engine = fetch->owner->engine;
    uint16_t id = engine_random(engine);
    size_t size = compose_query(message, id, &fetch->key, fetch->wire, !fetch->plain);
    return attempt_new(engine, fetch, upstream, id, message, size, &fetch->attempts[slot]);
}

static bool ask(struct fetch *fetch, struct upstream *upstream, unsigned slot)
{
    struct engine *engine = fetch->owner->engine;
    fetch->asked = upstream;
    count_one(&engine->counters.upstream_sent);
    int status = upstream->tls_name ? ask_over_stream(fetch, upstream)
                                    : send_datagram(fetch, upstream, slot);
    if (status == 0)
        return true;
    count_one(&engine->counters.upstream_errors);
    if (!is_our_own(status))
        upstream_failed(upstream, now_of(fetch));
    return false;
}

/* The next try, each upstream in its turn, until one can be sent; with none left the fetch failed.
 */
static void try_next(struct fetch *fetch)
{
    while (fetch->choice_count > 0 && fetch->try_count < FETCH_TRIES_MAX) {
        unsigned slot = fetch->try_count++;
        struct upstream *upstream = fetch->choices[slot % fetch->choice_count];
        if (!upstream->listed || !ask(fetch, upstream, slot))
            continue; /* gone with a view since, or not to be reached */
        uint64_t timeout_ms = upstream_timeout_ms(upstream);
        if (upstream->tls_name)
            timeout_ms = stream_patience_ms(fetch);
        else if (fetch->try_count == FETCH_TRIES_MAX)
            timeout_ms = LAST_TRY_MS;
        fetch->give_up_ms = now_of(fetch) + timeout_ms;
        schedule(fetch);
        return;
    }
    fail(fetch);
}

static void on_start(uv_timer_t *timer)
{
    struct fetch *fetch = timer->data;
    bool all_dead;
    fetch->choice_count =
        upstreams_choose(fetch->owner->engine->upstreams, fetch->owner->engine->view,
            fetch->key.name, fetch->key.name_size, fetch->started_ms, fetch->choices, &all_dead);
    if (all_dead)
        tell_slow(fetch); /* known to be dead: stale data at once, and the try goes on */
    try_next(fetch);
}

static struct fetch *fetch_new(
    struct fetches *fetches, const struct cache_key *key, const uint8_t *wire)
{
    struct fetch *fetch = memory_new(sizeof *fetch);
    fetch->owner = fetches;
    memcpy(fetch->name, key->name, key->name_size);
    memcpy(fetch->wire, wire, key->name_size);
    fetch->key = *key;
    fetch->key.name = fetch->name;
    fetch->started_ms = uv_now(&fetches->engine->loop.uv);
    fetch->timer.data = fetch;
    uv_timer_init(&fetches->engine->loop.uv, &fetch->timer);
    uv_timer_start(&fetch->timer, on_start, 0, 0);
    fetches->count++;
    return fetch;
}

int fetch_join(struct fetches *fetches, const struct cache_key *key, const uint8_t *wire,
    struct fetch_waiter *waiter)
{
    struct fetch **slot = find_slot(fetches, key);
    if (!*slot && fetches->count >= fetches->max)
        return -EBUSY;
    if (!*slot)
        *slot = fetch_new(fetches, key, wire);
    struct fetch *fetch = *slot;
    waiter->fetch = fetch;
    waiter->prev = NULL;
    waiter->next = fetch->waiters;
    if (waiter->next)
        waiter->next->prev = waiter;
    fetch->waiters = waiter;
    return 0;
}

void fetch_leave(struct fetch_waiter *waiter)
{
    if (!waiter->fetch)
        return;
    if (waiter->prev)
        waiter->prev->next = waiter->next;
    else
        waiter->fetch->waiters = waiter->next;
    if (waiter->next)
        waiter->next->prev = waiter->prev;
    waiter->fetch = NULL;
    waiter->next = waiter->prev = NULL;
}

bool fetch_is_slow(struct fetches *fetches, const struct cache_key *key)
{
    struct fetch *fetch = *find_slot(fetches, key);
    return fetch && fetch->told_slow;
}

void fetches_stop(struct fetches *fetches)
{
    for (size_t i = 0; i < BUCKETS; i++) {
        while (fetches->buckets[i]) {
            struct fetch *fetch = fetches->buckets[i];
            while (fetch->waiters)
                fetch_leave(fetch->waiters);
            retire(fetch);
        }
    }
}
