/* One thread's cache: what upstreams said, as wire bytes ready to be patched.
 *
 * Keyed by (name, type, class, DO, CD), bounded in bytes, evicted by a clock hand (second chance).
 * An entry outlives its TTL for as long as stale data may be served (RFC 8767). A hit allocates
 * nothing and writes one byte at most. Times are milliseconds of the loop's clock (monotonic). */
#pragma once

#include "resolver/packet.h"

#include <stdbool.h>

#define CACHE_TTL_MAX_S 86400
#define CACHE_FAILURE_MS 3000 /* RFC 9520: at least 1 s, at most 5 min */

struct cache_key {
    const uint8_t *name; /* lower case */
    uint8_t name_size;
    bool dnssec_ok, checking_disabled;
    uint16_t type, class;
    uint64_t hash; /* cache_hash */
};

/* Mixes the rest of the key into the keyed hash of the name. */
uint64_t cache_hash(uint64_t name_hash, uint16_t type, uint16_t class, bool dnssec_ok, bool cd);

enum cache_kind {
    CACHE_DATA,     /* an answer with what was asked for */
    CACHE_NEGATIVE, /* NXDOMAIN or NODATA, with its SOA */
    CACHE_OTHER,    /* an answer to pass on once: a dangling CNAME, NODATA without SOA, … */
    CACHE_FAILURE   /* no useful answer from any upstream; `rcode` and `ede` say which */
};

/* A CNAME of the chain inside the message. */
struct cache_hop {
    uint16_t target; /* offset of its RDATA: a name */
    uint16_t ttl;    /* offset of its TTL */
};

struct cache_entry {
    struct cache_entry *chain;       /* in its bucket */
    struct cache_entry *next, *prev; /* in the ring of the clock hand; NULL: not in the cache */
    uint64_t hash;
    uint64_t stored_ms, expires_ms, stale_until_ms;
    uint64_t failed_until_ms;  /* until then nobody is asked again: stale data is the answer */
    uint64_t clear_generation; /* the view in which no name of the chain is managed */
    unsigned references;
    uint32_t bytes; /* what it counts for */
    uint16_t type, class;
    uint16_t message_size, body, answer_end, authority_end;
    uint16_t ttl_count, pointer_count;
    uint8_t name_size, hop_count;
    enum cache_kind kind;
    uint8_t rcode;
    int8_t ede; /* enum dns_ede */
    bool dnssec_ok, checking_disabled, used;
    /* Behind the struct, in one allocation; see cache.c. */
    const uint8_t *name;
    const uint8_t *message;   /* header, question, records; no OPT */
    const uint16_t *ttls;     /* offsets of TTLs in the message, ascending */
    const uint16_t *pointers; /* offsets of compression pointers in the message, ascending */
    const struct cache_hop *hops;
};

/* From a vetted reply. Kind, times and offsets are set; it is not in the cache yet. One reference.
 */
struct cache_entry *cache_entry_new(const struct cache_key *key, const uint8_t *message,
    const struct reply *reply, uint64_t now_ms, uint64_t max_stale_ms);

/* Without a message of an upstream: an rcode, and why. */
struct cache_entry *cache_entry_new_failure(
    const struct cache_key *key, enum dns_rcode rcode, enum dns_ede ede, uint64_t now_ms);

struct cache_entry *cache_entry_ref(struct cache_entry *entry);
void cache_entry_unref(struct cache_entry *entry); /* NULL accepted */
bool cache_entry_is(const struct cache_entry *entry, const struct cache_key *key);

struct cache;

struct cache *cache_new(size_t bytes_max);
void cache_free(struct cache *cache);

/* Whatever is there, expired or not; NULL: nothing. Borrowed until the next insert or flush. */
struct cache_entry *cache_find(struct cache *cache, const struct cache_key *key);

/* Takes its own reference; replaces an entry of the same key. */
void cache_insert(struct cache *cache, struct cache_entry *entry);

/* All types of one name (lower case), or everything. Returns how many entries went. */
uint64_t cache_flush_name(struct cache *cache, const uint8_t *name, size_t size);
uint64_t cache_flush(struct cache *cache);

struct cache_size {
    uint64_t entries, bytes, bytes_max, evictions;
};
struct cache_size cache_measure(const struct cache *cache);
