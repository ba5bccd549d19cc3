/* Putting a message together, record by record, inside a bounded buffer. Overflow is remembered,
 * not checked at every step: `compose_fits` at the end says whether the bytes are whole. */
#pragma once

#include "base/address.h"
#include "resolver/cache.h"

struct compose {
    uint8_t *data;
    size_t room, size;
    bool overflow;
    unsigned answers, authorities, additionals;
};

/* An owner name that stands in the message already. */
#define COMPOSE_QUESTION_AT DNS_HEADER_SIZE

void compose_start(struct compose *compose, uint8_t *data, size_t room, const struct query *query);
static inline bool compose_fits(const struct compose *compose)
{
    return !compose->overflow;
}

/* Appends "owner CNAME target" and returns where the target's name stands, for the next owner. */
size_t compose_cname(
    struct compose *compose, size_t owner_at, const uint8_t *target, size_t size, uint32_t ttl_s);
void compose_address(
    struct compose *compose, size_t owner_at, const struct address *address, uint32_t ttl_s);
/* The SOA of a negative answer made here: owned by the name itself, its MINIMUM is the TTL. */
void compose_soa(struct compose *compose, size_t owner_at, uint32_t ttl_s);
void compose_hinfo(struct compose *compose, uint32_t ttl_s); /* RFC 8482 */

/* What becomes of the TTLs of a cached answer. */
struct compose_ttl {
    uint64_t now_ms;
    uint32_t max_s;
    uint32_t expired_s; /* of records whose time is over: 0, or with stale data RFC 8767's */
};

/* Appends the records of a cached answer whose question's name stands at `owner_at` here: names
 * that point into it are moved, TTLs are what is left of them. */
void compose_entry(struct compose *compose, size_t owner_at, const struct cache_entry *entry,
    const struct compose_ttl *ttl);

/* A cached answer to the very question that was asked, all of it, in place of compose_start. */
void compose_whole(struct compose *compose, uint8_t *data, size_t room, const struct query *query,
    const struct cache_entry *entry, const struct compose_ttl *ttl);

/* Seconds that are left of a TTL inside an entry's message. */
uint32_t compose_ttl_left(
    const struct cache_entry *entry, size_t ttl_at, const struct compose_ttl *ttl);

/* The question as an upstream gets it: ID, RD, AD (so that it says whether it validated), CD,
 * `wire` in the letter case to ask with, and with `edns` an OPT. Returns its size, below
 * DNS_UDP_SIZE_MIN. */
size_t compose_query(
    uint8_t *data, uint16_t id, const struct cache_key *key, const uint8_t *wire, bool edns);

#define COMPOSE_EDE_MAX 2

struct compose_end {
    const struct query *query;
    uint16_t flags; /* AA, AD; the rest follows from the query */
    unsigned rcode;
    enum dns_ede ede[COMPOSE_EDE_MAX];
    const char *ede_text; /* of the first; NULL: none */
    size_t limit;         /* of the whole message */
};

/* Cuts to the limit, appends OPT where the client sent one, fills in the header. Returns the size.
 */
size_t compose_finish(
    struct compose *compose, const struct compose_end *end, struct reply *scratch, bool *ret_tc);
