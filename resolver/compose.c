/* On the good day: header, question in the client's letter case, a CNAME, the cached target's
 * records with their pointers moved, OPT.
 *
 * What can go wrong is room: a message that does not fit its client is cut between two RRsets; one
 * whose names cannot be pointed at any more (beyond 16 KiB) counts as overflow. */
#include "resolver/compose.h"

static uint8_t *take(struct compose *compose, size_t size)
{
    if (compose->overflow || size > compose->room - compose->size) {
        compose->overflow = true;
        return NULL;
    }
    uint8_t *at = compose->data + compose->size;
    compose->size += size;
    return at;
}

void compose_start(struct compose *compose, uint8_t *data, size_t room, const struct query *query)
{
    *compose = (struct compose){.data = data, .room = room};
    size_t size = DNS_HEADER_SIZE + (size_t)query->name_size + 4;
    if (!take(compose, size))
        return;
    memset(data, 0, DNS_HEADER_SIZE);
    memcpy(data + DNS_HEADER_SIZE, query->name, query->name_size);
    write_be16(data + size - 4, query->type);
    write_be16(data + size - 2, query->class);
}

/* Owner, type, class IN, TTL, RDLENGTH; returns where the RDATA goes. */
static uint8_t *start_record(
    struct compose *compose, size_t owner_at, uint16_t type, uint32_t ttl_s, size_t data_size)
{
    if (owner_at > DNS_POINTER_MAX)
        compose->overflow = true;
    uint8_t *at = take(compose, 12 + data_size);
    if (!at)
        return NULL;
    write_be16(at, (uint16_t)(DNS_POINTER | owner_at));
    write_be16(at + 2, type);
    write_be16(at + 4, CLASS_IN);
    write_be32(at + 6, ttl_s);
    write_be16(at + 10, (uint16_t)data_size);
    return at + 12;
}

size_t compose_cname(
    struct compose *compose, size_t owner_at, const uint8_t *target, size_t size, uint32_t ttl_s)
{
    uint8_t *data = start_record(compose, owner_at, TYPE_CNAME, ttl_s, size);
    if (!data)
        return 0;
    memcpy(data, target, size);
    compose->answers++;
    return (size_t)(data - compose->data);
}

void compose_address(
    struct compose *compose, size_t owner_at, const struct address *address, uint32_t ttl_s)
{
    bool v4 = address->any.sa_family == AF_INET;
    size_t size = v4 ? 4 : 16;
    uint8_t *data = start_record(compose, owner_at, v4 ? TYPE_A : TYPE_AAAA, ttl_s, size);
    if (!data)
        return;
    memcpy(data, v4 ? (const void *)&address->v4.sin_addr : (const void *)&address->v6.sin6_addr,
        size);
    compose->answers++;
}

void compose_soa(struct compose *compose, size_t owner_at, uint32_t ttl_s)
{
    static const uint8_t contact[] = "\6nobody\7invalid"; /* RFC 6761: nobody can be written to */
    size_t size = 2 + sizeof contact + 20;
    uint8_t *data = start_record(compose, owner_at, TYPE_SOA, ttl_s, size);
    if (!data)
        return;
    write_be16(data, (uint16_t)(DNS_POINTER | owner_at));
    memcpy(data + 2, contact, sizeof contact);
    uint8_t *numbers = data + 2 + sizeof contact;
    write_be32(numbers, 1);          /* serial */
    write_be32(numbers + 4, 3600);   /* refresh */
    write_be32(numbers + 8, 600);    /* retry */
    write_be32(numbers + 12, 86400); /* expire */
    write_be32(numbers + 16, ttl_s); /* minimum: how long a negative answer may be kept */
    compose->authorities++;
}

void compose_hinfo(struct compose *compose, uint32_t ttl_s)
{
    static const uint8_t text[] = "\7RFC8482"; /* the final NUL is the empty second string */
    uint8_t *data = start_record(compose, COMPOSE_QUESTION_AT, TYPE_HINFO, ttl_s, sizeof text);
    if (!data)
        return;
    memcpy(data, text, sizeof text);
    compose->answers++;
}

uint32_t compose_ttl_left(
    const struct cache_entry *entry, size_t ttl_at, const struct compose_ttl *ttl)
{
    uint32_t ttl_s = read_be32(entry->message + ttl_at);
    uint64_t age_s = (ttl->now_ms - entry->stored_ms) / 1000;
    ttl_s = ttl_s > age_s ? ttl_s - (uint32_t)age_s : ttl->expired_s;
    return ttl_s < ttl->max_s ? ttl_s : ttl->max_s;
}

/* Where a name of the entry's message stands in ours; beyond DNS_POINTER_MAX: nowhere. */
static size_t moved(
    const struct cache_entry *entry, size_t target, size_t owner_at, size_t records_at)
{
    if (target >= entry->body)
        return target - entry->body + records_at;
    if (target < (size_t)DNS_HEADER_SIZE + entry->name_size)
        return target - DNS_HEADER_SIZE + owner_at;
    return DNS_POINTER_MAX + 1; /* into the question's type or class: no name of a sane message */
}

static bool move_pointers(struct compose *compose, const struct cache_entry *entry, size_t end,
    size_t owner_at, size_t records_at)
{
    for (unsigned i = 0; i < entry->pointer_count && entry->pointers[i] < end; i++) {
        size_t at = entry->pointers[i];
        size_t target = read_be16(entry->message + at) & DNS_POINTER_MAX;
        size_t to = moved(entry, target, owner_at, records_at);
        if (to > DNS_POINTER_MAX)
            return false;
        write_be16(compose->data + at - entry->body + records_at, (uint16_t)(DNS_POINTER | to));
    }
    return true;
}

void compose_entry(struct compose *compose, size_t owner_at, const struct cache_entry *entry,
    const struct compose_ttl *ttl)
{
    bool negative = entry->kind != CACHE_DATA;
    size_t end = negative ? entry->authority_end : entry->answer_end;
    size_t records_at = compose->size;
    uint8_t *data = take(compose, end - entry->body);
    if (!data)
        return;
    memcpy(data, entry->message + entry->body, end - entry->body);
    if (!move_pointers(compose, entry, end, owner_at, records_at)) {
        compose->overflow = true;
        return;
    }
    for (unsigned i = 0; i < entry->ttl_count && entry->ttls[i] < end; i++)
        write_be32(
            data + entry->ttls[i] - entry->body, compose_ttl_left(entry, entry->ttls[i], ttl));
    compose->answers += read_be16(entry->message + 6);
    if (negative)
        compose->authorities += read_be16(entry->message + 8);
}

void compose_whole(struct compose *compose, uint8_t *data, size_t room, const struct query *query,
    const struct cache_entry *entry, const struct compose_ttl *ttl)
{
    *compose = (struct compose){.data = data, .room = room};
    if (!take(compose, entry->message_size))
        return;
    memcpy(data, entry->message, entry->message_size);
    memcpy(data + DNS_HEADER_SIZE, query->name, query->name_size);
    for (unsigned i = 0; i < entry->ttl_count; i++)
        write_be32(data + entry->ttls[i], compose_ttl_left(entry, entry->ttls[i], ttl));
    compose->answers = read_be16(data + 6);
    compose->authorities = read_be16(data + 8);
    compose->additionals = read_be16(data + 10);
}

static bool same_rrset(const uint8_t *message, const struct record *a, const struct record *b)
{
    uint8_t owner_a[NAME_WIRE_MAX], owner_b[NAME_WIRE_MAX];
    if (a->type != b->type)
        return false;
    size_t size = packet_copy_name(message, a->owner, owner_a);
    return packet_copy_name(message, b->owner, owner_b) == size &&
           memcmp(owner_a, owner_b, size) == 0;
}

static size_t record_end(const struct record *record)
{
    return (size_t)record->data + record->data_size;
}

/* Cuts the message so that it ends within `limit`, between two RRsets of the answer section (RFC
 * 2181 section 9). Authority and additional records go first; without them a negative answer is not
 * whole. */
static bool cut(
    struct compose *compose, const struct query *query, size_t limit, struct reply *scratch)
{
    uint8_t *message = compose->data;
    write_be16(message, query->id);
    write_be16(message + 2, DNS_QR);
    write_be16(message + 4, 1);
    write_be16(message + 6, (uint16_t)compose->answers);
    write_be16(message + 8, (uint16_t)compose->authorities);
    write_be16(message + 10, (uint16_t)compose->additionals);
    unsigned kept = 0;
    size_t end = DNS_HEADER_SIZE + (size_t)query->name_size + 4;
    bool whole = reply_parse(message, compose->size, query->id, query->name, query->name_size,
                     query->type, query->class, scratch) == REPLY_GOOD;
    while (whole && kept < scratch->answers) {
        unsigned next = kept + 1;
        while (next < scratch->answers && record_end(&scratch->records[next - 1]) <= limit &&
               same_rrset(message, &scratch->records[kept], &scratch->records[next]))
            next++;
        if (record_end(&scratch->records[next - 1]) > limit)
            break;
        end = record_end(&scratch->records[next - 1]);
        kept = next;
    }
    bool complete = kept == compose->answers && whole && scratch->has_data;
    compose->size = end;
    compose->answers = kept;
    compose->authorities = compose->additionals = 0;
    return !complete;
}

static size_t opt_size(const struct compose_end *end)
{
    if (!end->query->edns)
        return 0;
    size_t size = DNS_OPT_SIZE;
    for (unsigned i = 0; i < COMPOSE_EDE_MAX; i++)
        size += end->ede[i] == EDE_NONE ? 0 : 6;
    if (end->ede[0] != EDE_NONE && end->ede_text)
        size += strlen(end->ede_text);
    return size;
}

/* OPT (RFC 6891 section 6.1), with extended errors (RFC 8914 section 2). */
static void put_opt(struct compose *compose, const struct compose_end *end, size_t size)
{
    uint8_t *at = take(compose, size);
    if (!at)
        return;
    *at++ = 0; /* the root owns it */
    write_be16(at, TYPE_OPT);
    write_be16(at + 2, DNS_UDP_SIZE);
    at[4] = (uint8_t)(end->rcode >> 4);
    at[5] = 0; /* version */
    write_be16(at + 6, end->query->dnssec_ok ? 0x8000 : 0);
    write_be16(at + 8, (uint16_t)(size - DNS_OPT_SIZE));
    at += 10;
    for (unsigned i = 0; i < COMPOSE_EDE_MAX; i++) {
        size_t text = i == 0 && end->ede_text ? strlen(end->ede_text) : 0;
        if (end->ede[i] == EDE_NONE)
            continue;
        write_be16(at, EDNS_OPTION_EDE);
        write_be16(at + 2, (uint16_t)(2 + text));
        write_be16(at + 4, (uint16_t)end->ede[i]);
        if (text)
            memcpy(at + 6, end->ede_text, text);
        at += 6 + text;
    }
    compose->additionals++;
}

size_t compose_finish(
    struct compose *compose, const struct compose_end *end, struct reply *scratch, bool *ret_tc)
{
    size_t opt = opt_size(end);
    const struct query *query = end->query;
    *ret_tc = compose->size + opt > end->limit && cut(compose, query, end->limit - opt, scratch);
    if (opt)
        put_opt(compose, end, opt);
    uint16_t flags = DNS_QR | DNS_RA | (query->flags & (DNS_RD | DNS_CD)) | end->flags |
                     (uint16_t)(end->rcode & DNS_RCODE);
    if (*ret_tc)
        flags |= DNS_TC;
    write_be16(compose->data, query->id);
    write_be16(compose->data + 2, flags);
    write_be16(compose->data + 4, 1);
    write_be16(compose->data + 6, (uint16_t)compose->answers);
    write_be16(compose->data + 8, (uint16_t)compose->authorities);
    write_be16(compose->data + 10, (uint16_t)compose->additionals);
    return compose->size;
}

size_t compose_query(
    uint8_t *data, uint16_t id, const struct cache_key *key, const uint8_t *wire, bool edns)
{
    uint16_t flags = DNS_RD | DNS_AD | (key->checking_disabled ? DNS_CD : 0);
    size_t size = DNS_HEADER_SIZE + (size_t)key->name_size + 4;
    memset(data, 0, DNS_HEADER_SIZE);
    write_be16(data, id);
    write_be16(data + 2, flags);
    write_be16(data + 4, 1);
    memcpy(data + DNS_HEADER_SIZE, wire, key->name_size);
    write_be16(data + size - 4, key->type);
    write_be16(data + size - 2, key->class);
    if (!edns)
        return size;
    write_be16(data + 10, 1);
    uint8_t *opt = data + size;
    memset(opt, 0, DNS_OPT_SIZE);
    write_be16(opt + 1, TYPE_OPT);
    write_be16(opt + 3, DNS_UDP_SIZE);
    write_be16(opt + 7, key->dnssec_ok ? 0x8000 : 0);
    return size + DNS_OPT_SIZE;
}
