/* On the good day a question's key finds its entry in one bucket and two comparisons.
 *
 * What can go wrong: chosen collisions (the hash is keyed), a flood of names (the hand takes out
 * what nobody asked for since its last round), an answer too large to be worth keeping (more than
 * an eighth of the cache is passed on and not kept). */
#include "resolver/cache.h"

#include "base/memory.h"

#include <stdlib.h>

#define BUCKETS_MIN 64

struct cache {
    struct cache_entry **buckets;
    size_t mask;
    struct cache_entry *hand; /* any entry of the ring; NULL: empty */
    struct cache_size size;
};

uint64_t cache_hash(uint64_t name_hash, uint16_t type, uint16_t class, bool dnssec_ok, bool cd)
{
    uint64_t rest = (uint64_t)type << 18 | (uint64_t) class << 2 | (uint64_t)dnssec_ok << 1 | cd;
    uint64_t mixed = (name_hash ^ rest) * UINT64_C(0x9e3779b97f4a7c15);
    return mixed ^ mixed >> 32;
}

struct cache_entry *cache_entry_ref(struct cache_entry *entry)
{
    entry->references++;
    return entry;
}

void cache_entry_unref(struct cache_entry *entry)
{
    if (entry && --entry->references == 0)
        free(entry);
}

bool cache_entry_is(const struct cache_entry *entry, const struct cache_key *key)
{
    return entry->hash == key->hash && entry->type == key->type && entry->class == key->class &&
           entry->dnssec_ok == key->dnssec_ok &&
           entry->checking_disabled == key->checking_disabled &&
           entry->name_size == key->name_size &&
           memcmp(entry->name, key->name, key->name_size) == 0;
}

/* One block: struct, TTL offsets, pointer offsets, hops, name, message. */
static struct cache_entry *entry_allocate(
    const struct cache_key *key, size_t ttls, size_t pointers, size_t hops, size_t message_size)
{
    size_t offsets = (ttls + pointers) * sizeof(uint16_t) + hops * sizeof(struct cache_hop);
    size_t bytes = sizeof(struct cache_entry) + offsets + key->name_size + message_size;
    struct cache_entry *entry = memory_new(bytes);
    uint16_t *room = (uint16_t *)(entry + 1);
    uint8_t *tail = (uint8_t *)entry + sizeof *entry + offsets;
    entry->ttls = room;
    entry->pointers = room + ttls;
    entry->hops = (struct cache_hop *)(room + ttls + pointers);
    entry->name = tail;
    entry->message = tail + key->name_size;
    memcpy(tail, key->name, key->name_size);

    entry->references = 1;
    entry->bytes =
        (uint32_t)(bytes + 2 * sizeof(void *)); /* the allocator's and the bucket's share */
    entry->ttl_count = (uint16_t)ttls;
    entry->pointer_count = (uint16_t)pointers;
    entry->hop_count = (uint8_t)hops;
    entry->message_size = (uint16_t)message_size;
    entry->name_size = key->name_size;
    entry->hash = key->hash;
    entry->type = key->type;
    entry->class = key->class;
    entry->dnssec_ok = key->dnssec_ok;
    entry->checking_disabled = key->checking_disabled;
    entry->ede = EDE_NONE;
    return entry;
}

static uint32_t lowest_ttl(
    const uint8_t *message, const struct reply *reply, unsigned from, unsigned to)
{
    uint32_t lowest = CACHE_TTL_MAX_S;
    for (unsigned i = from; i < to; i++) {
        uint32_t ttl = packet_ttl(message + record_ttl_offset(&reply->records[i]));
        lowest = ttl < lowest ? ttl : lowest;
    }
    return lowest;
}

/* How long a negative answer holds: the lower of the SOA's TTL and its MINIMUM (RFC 2308 section
 * 5). */
static uint32_t negative_ttl(const uint8_t *message, const struct reply *reply)
{
    const struct record *soa = &reply->records[reply->soa];
    uint32_t minimum = packet_ttl(message + soa->data + soa->data_size - 4);
    uint32_t lowest = lowest_ttl(message, reply, 0, reply->answers);
    uint32_t ttl = packet_ttl(message + record_ttl_offset(soa));
    ttl = minimum < ttl ? minimum : ttl;
    return ttl < lowest ? ttl : lowest;
}

static enum cache_kind classify(const struct reply *reply)
{
    if (reply->rcode == RCODE_NOERROR && reply->has_data)
        return CACHE_DATA;
    bool negative = reply->rcode == RCODE_NXDOMAIN || reply->rcode == RCODE_NOERROR;
    return negative && reply->soa >= 0 ? CACHE_NEGATIVE : CACHE_OTHER;
}

static void fill_offsets(struct cache_entry *entry, const struct reply *reply)
{
    uint16_t *ttls = (uint16_t *)entry->ttls, *pointers = (uint16_t *)entry->pointers;
    struct cache_hop *hops = (struct cache_hop *)entry->hops;
    for (unsigned i = 0; i < reply->record_count; i++)
        ttls[i] = record_ttl_offset(&reply->records[i]);
    memcpy(pointers, reply->pointers, reply->pointer_count * sizeof *pointers);
    for (unsigned i = 0; i < reply->chain_count; i++) {
        const struct record *record = &reply->records[reply->chain[i]];
        hops[i] = (struct cache_hop){.target = record->data, .ttl = record_ttl_offset(record)};
    }
}

/* TTLs that no arithmetic can overflow later: at most a day, the top bit never set. */
static void clamp_ttls(struct cache_entry *entry, uint8_t *message)
{
    for (unsigned i = 0; i < entry->ttl_count; i++) {
        uint32_t ttl = packet_ttl(message + entry->ttls[i]);
        write_be32(message + entry->ttls[i], ttl < CACHE_TTL_MAX_S ? ttl : CACHE_TTL_MAX_S);
    }
}

struct cache_entry *cache_entry_new(const struct cache_key *key, const uint8_t *message,
    const struct reply *reply, uint64_t now_ms, uint64_t max_stale_ms)
{
    struct cache_entry *entry = entry_allocate(
        key, reply->record_count, reply->pointer_count, reply->chain_count, reply->end);
    uint8_t *copy = (uint8_t *)entry->message;
    memcpy(copy, message, reply->end);
    write_be16(copy + 6, (uint16_t)reply->answers);
    write_be16(copy + 8, (uint16_t)reply->authorities);
    write_be16(copy + 10, (uint16_t)reply->additionals);
    fill_offsets(entry, reply);
    clamp_ttls(entry, copy);

    entry->kind = classify(reply);
    entry->rcode = (uint8_t)(reply->rcode & DNS_RCODE);
    entry->body = reply->body;
    entry->answer_end = reply->answer_end;
    entry->authority_end = reply->authority_end;

    uint32_t ttl_s = 0;
    if (entry->kind == CACHE_DATA)
        ttl_s = lowest_ttl(copy, reply, 0, reply->answers);
    else if (entry->kind == CACHE_NEGATIVE)
        ttl_s = negative_ttl(copy, reply);
    entry->stored_ms = now_ms;
    entry->expires_ms = now_ms + (uint64_t)ttl_s * 1000;
    entry->stale_until_ms = entry->expires_ms;
    if (entry->kind != CACHE_OTHER)
        entry->stale_until_ms += max_stale_ms;
    return entry;
}

struct cache_entry *cache_entry_new_failure(
    const struct cache_key *key, enum dns_rcode rcode, enum dns_ede ede, uint64_t now_ms)
{
    size_t size = DNS_HEADER_SIZE + (size_t)key->name_size + 4;
    struct cache_entry *entry = entry_allocate(key, 0, 0, 0, size);
    uint8_t *message = (uint8_t *)entry->message;
    write_be16(message + 2, (uint16_t)(DNS_QR | rcode));
    write_be16(message + 4, 1);
    memcpy(message + DNS_HEADER_SIZE, key->name, key->name_size);
    write_be16(message + size - 4, key->type);
    write_be16(message + size - 2, key->class);
    entry->kind = CACHE_FAILURE;
    entry->rcode = (uint8_t)rcode;
    entry->ede = (int8_t)ede;
    entry->body = entry->answer_end = entry->authority_end = (uint16_t)size;
    entry->stored_ms = now_ms;
    entry->expires_ms = entry->stale_until_ms = now_ms + CACHE_FAILURE_MS;
    return entry;
}

struct cache *cache_new(size_t bytes_max)
{
    struct cache *cache = memory_new(sizeof *cache);
    cache->mask = BUCKETS_MIN - 1;
    cache->buckets = memory_new_array(BUCKETS_MIN, sizeof(struct cache_entry *));
    cache->size.bytes_max = bytes_max;
    return cache;
}

void cache_free(struct cache *cache)
{
    if (!cache)
        return;
    cache_flush(cache);
    free(cache->buckets);
    free(cache);
}

static struct cache_entry **find_slot(struct cache *cache, const struct cache_key *key)
{
    struct cache_entry **slot = &cache->buckets[key->hash & cache->mask];
    while (*slot && !cache_entry_is(*slot, key))
        slot = &(*slot)->chain;
    return slot;
}

struct cache_entry *cache_find(struct cache *cache, const struct cache_key *key)
{
    struct cache_entry *entry = *find_slot(cache, key);
    if (entry && !entry->used)
        entry->used = true;
    return entry;
}

static void ring_add(struct cache *cache, struct cache_entry *entry)
{
    if (!cache->hand) {
        entry->next = entry->prev = entry;
        cache->hand = entry;
        return;
    }
    /* Just behind the hand: it comes by there last. */
    entry->next = cache->hand;
    entry->prev = cache->hand->prev;
    entry->prev->next = entry;
    cache->hand->prev = entry;
}

static void ring_remove(struct cache *cache, struct cache_entry *entry)
{
    if (cache->hand == entry)
        cache->hand = entry->next == entry ? NULL : entry->next;
    entry->prev->next = entry->next;
    entry->next->prev = entry->prev;
    entry->next = entry->prev = NULL;
}

/* `slot` points at the entry in its bucket. */
static void take_out(struct cache *cache, struct cache_entry **slot)
{
    struct cache_entry *entry = *slot;
    *slot = entry->chain;
    entry->chain = NULL;
    ring_remove(cache, entry);
    cache->size.entries--;
    cache->size.bytes -= entry->bytes;
    cache_entry_unref(entry);
}

static struct cache_entry **slot_of(struct cache *cache, const struct cache_entry *entry)
{
    struct cache_entry **slot = &cache->buckets[entry->hash & cache->mask];
    while (*slot != entry)
        slot = &(*slot)->chain;
    return slot;
}

static void make_room(struct cache *cache, size_t bytes)
{
    while (cache->hand && cache->size.bytes + bytes > cache->size.bytes_max) {
        struct cache_entry *entry = cache->hand;
        if (entry->used) {
            entry->used = false;
            cache->hand = entry->next;
            continue;
        }
        take_out(cache, slot_of(cache, entry));
        cache->size.evictions++;
    }
}

static void grow(struct cache *cache)
{
    size_t count = (cache->mask + 1) * 2;
    struct cache_entry **buckets = memory_new_array(count, sizeof *buckets);
    for (size_t i = 0; i <= cache->mask; i++) {
        for (struct cache_entry *entry = cache->buckets[i], *next; entry; entry = next) {
            next = entry->chain;
            entry->chain = buckets[entry->hash & (count - 1)];
            buckets[entry->hash & (count - 1)] = entry;
        }
    }
    free(cache->buckets);
    cache->buckets = buckets;
    cache->mask = count - 1;
}

void cache_insert(struct cache *cache, struct cache_entry *entry)
{
    struct cache_key key = {.name = entry->name,
        .name_size = entry->name_size,
        .dnssec_ok = entry->dnssec_ok,
        .checking_disabled = entry->checking_disabled,
        .type = entry->type,
        .class = entry->class,
        .hash = entry->hash};
    struct cache_entry **slot = find_slot(cache, &key);
    if (*slot == entry)
        return;
    if (*slot)
        take_out(cache, slot);
    if (entry->bytes > cache->size.bytes_max / 8)
        return;
    make_room(cache, entry->bytes);
    if (cache->size.entries > cache->mask)
        grow(cache);
    slot = &cache->buckets[entry->hash & cache->mask];
    entry->chain = *slot;
    *slot = cache_entry_ref(entry);
    ring_add(cache, entry);
    cache->size.entries++;
    cache->size.bytes += entry->bytes;
}

uint64_t cache_flush_name(struct cache *cache, const uint8_t *name, size_t size)
{
    uint64_t flushed = 0;
    for (size_t i = 0; i <= cache->mask; i++) {
        struct cache_entry **slot = &cache->buckets[i];
        while (*slot) {
            if ((*slot)->name_size == size && memcmp((*slot)->name, name, size) == 0) {
                take_out(cache, slot);
                flushed++;
            } else {
                slot = &(*slot)->chain;
            }
        }
    }
    return flushed;
}

uint64_t cache_flush(struct cache *cache)
{
    uint64_t flushed = cache->size.entries;
    while (cache->hand)
        take_out(cache, slot_of(cache, cache->hand));
    return flushed;
}

struct cache_size cache_measure(const struct cache *cache)
{
    return cache->size;
}
