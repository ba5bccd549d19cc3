/* On the good day each record of the answer has its place and stands there: nothing to do.
 *
 * Otherwise the message is put together again, record by record in the order of their places, with
 * names written out. What can go wrong: nothing of it belongs to the question, or it grows beyond
 * 64 KiB; then it is no answer. */
#include "resolver/normal.h"

#include <stdlib.h>

#define NOWHERE UINT16_MAX
/* Places of the chain's names: DNAME first, then CNAME or data, then signatures. */
#define PLACES_A_NAME 3

struct normal {
    const uint8_t *message;
    const struct reply *reply;
    const struct cache_key *key;
    struct name names[DNS_CHAIN_MAX + 1]; /* the question's, then each CNAME's target */
    unsigned name_count;
    uint8_t *out;
    size_t size;
    unsigned counts[3]; /* records written: answer, authority, additional */
    bool overflow;
};

static void collect_names(struct normal *normal)
{
    const struct reply *reply = normal->reply;
    normal->names[0].size = normal->key->name_size;
    memcpy(normal->names[0].wire, normal->key->name, normal->key->name_size);
    for (unsigned i = 0; i < reply->chain_count; i++) {
        struct name *name = &normal->names[i + 1];
        const struct record *cname = &reply->records[reply->chain[i]];
        name->size = (uint8_t)packet_copy_name(normal->message, cname->data, name->wire);
    }
    normal->name_count = reply->chain_count + 1;
}

static void copy_owner(const struct normal *normal, const struct record *record, struct name *ret)
{
    ret->size = (uint8_t)packet_copy_name(normal->message, record->owner, ret->wire);
}

/* The first name of the chain that is `owner`; with `above`, or below it. */
static int find_name(const struct normal *normal, const struct name *owner, bool above)
{
    for (unsigned i = 0; i < normal->name_count; i++) {
        const struct name *name = &normal->names[i];
        if (above ? name_within(name->wire, name->size, owner) : name_equal(name, owner))
            return (int)i;
    }
    return -1;
}

static bool is_dnssec(uint16_t type)
{
    return type == TYPE_RRSIG || type == TYPE_NSEC || type == TYPE_NSEC3;
}

static bool is_wanted_dnssec(const struct normal *normal, uint16_t type)
{
    return normal->key->dnssec_ok || type == normal->key->type || !is_dnssec(type);
}

static uint16_t place(int name, unsigned part)
{
    return name < 0 ? NOWHERE : (uint16_t)((unsigned)name * PLACES_A_NAME + part);
}

/* Where a record of the answer section belongs. */
static uint16_t find_place(const struct normal *normal, unsigned index)
{
    const struct reply *reply = normal->reply;
    const struct record *record = &reply->records[index];
    unsigned last = normal->name_count - 1;
    for (unsigned i = 0; i < reply->chain_count; i++) {
        if (reply->chain[i] == index)
            return place((int)i, 1);
    }
    bool is_data = record->type == normal->key->type;
    bool is_signature = record->type == TYPE_RRSIG && normal->key->dnssec_ok;
    if (!is_data && !is_signature && record->type != TYPE_DNAME)
        return NOWHERE;
    struct name owner;
    copy_owner(normal, record, &owner);
    if (is_data)
        return name_equal(&owner, &normal->names[last]) ? place((int)last, 1) : NOWHERE;
    int exact = is_signature ? find_name(normal, &owner, false) : -1;
    return exact >= 0 ? place(exact, 2) : place(find_name(normal, &owner, true), 0);
}

/* Whether an owner that is the question's name is also written as a pointer to the question. */
static bool owner_follows_question(const struct normal *normal, const struct record *record)
{
    struct name owner;
    if (read_be16(normal->message + record->owner) == (DNS_POINTER | DNS_HEADER_SIZE))
        return true;
    copy_owner(normal, record, &owner);
    return !name_equal(&owner, &normal->names[0]);
}

static bool is_normal(const struct normal *normal)
{
    const struct reply *reply = normal->reply;
    uint16_t before = 0;
    for (unsigned i = 0; i < reply->record_count; i++) {
        const struct record *record = &reply->records[i];
        if (!is_wanted_dnssec(normal, record->type))
            return false;
        if (i >= reply->answers)
            continue;
        uint16_t at = find_place(normal, i);
        if (at == NOWHERE || at < before || !owner_follows_question(normal, record))
            return false;
        before = at;
    }
    return true;
}

static void put(struct normal *normal, const void *data, size_t size)
{
    if (size > DNS_MESSAGE_MAX - normal->size) {
        normal->overflow = true;
        return;
    }
    memcpy(normal->out + normal->size, data, size);
    normal->size += size;
}

/* The name at `offset`, written out in its own letter case. */
static void put_name(struct normal *normal, size_t offset)
{
    const uint8_t *message = normal->message;
    for (;;) {
        if (dns_is_pointer(message[offset])) {
            offset = read_be16(message + offset) & DNS_POINTER_MAX;
            continue;
        }
        size_t label = 1u + message[offset];
        put(normal, message + offset, label);
        if (label == 1)
            return;
        offset += label;
    }
}

/* The index of the first compression pointer at or behind `offset`. */
static unsigned first_pointer(const struct reply *reply, size_t offset)
{
    unsigned low = 0, high = reply->pointer_count;
    while (low < high) {
        unsigned middle = (low + high) / 2;
        if (reply->pointers[middle] < offset)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static void put_data(struct normal *normal, const struct record *record)
{
    const struct reply *reply = normal->reply;
    size_t at = record->data, end = at + record->data_size;
    for (unsigned i = first_pointer(reply, at); i < reply->pointer_count; i++) {
        size_t pointer = reply->pointers[i];
        if (pointer >= end)
            break;
        put(normal, normal->message + at, pointer - at);
        put_name(normal, pointer);
        at = pointer + 2;
    }
    put(normal, normal->message + at, end - at);
}

static void put_record(struct normal *normal, const struct record *record, unsigned section)
{
    struct name owner;
    uint8_t pointer[2];
    copy_owner(normal, record, &owner);
    write_be16(pointer, DNS_POINTER | DNS_HEADER_SIZE);
    if (name_equal(&owner, &normal->names[0]))
        put(normal, pointer, sizeof pointer);
    else
        put_name(normal, record->owner);
    put(normal, normal->message + record->fixed, 10); /* type, class, TTL, RDLENGTH */
    size_t data_at = normal->size;
    put_data(normal, record);
    if (!normal->overflow)
        write_be16(normal->out + data_at - 2, (uint16_t)(normal->size - data_at));
    normal->counts[section]++;
}

static int compare_places(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

/* The answer section by place, and within one in the order it came in. */
static void put_answers(struct normal *normal)
{
    const struct reply *reply = normal->reply;
    uint32_t order[REPLY_RECORDS_MAX]; /* place, index */
    unsigned count = 0;
    for (unsigned i = 0; i < reply->answers; i++) {
        uint16_t at = find_place(normal, i);
        if (at != NOWHERE)
            order[count++] = (uint32_t)at << 16 | i;
    }
    qsort(order, count, sizeof *order, compare_places);
    for (unsigned i = 0; i < count; i++)
        put_record(normal, &reply->records[order[i] & 0xffff], 0);
}

static void put_others(struct normal *normal)
{
    const struct reply *reply = normal->reply;
    for (unsigned i = reply->answers; i < reply->record_count; i++) {
        const struct record *record = &reply->records[i];
        bool authority = i < reply->answers + reply->authorities;
        if (is_wanted_dnssec(normal, record->type))
            put_record(normal, record, authority ? 1 : 2);
    }
}

enum normal_verdict normal_make(const struct cache_key *key, const uint8_t *message,
    const struct reply *reply, uint8_t *rebuilt, size_t *ret_size)
{
    struct normal normal = {.message = message, .reply = reply, .key = key, .out = rebuilt};
    collect_names(&normal);
    if (is_normal(&normal))
        return NORMAL_AS_IS;
    put(&normal, message, reply->body);
    put_answers(&normal);
    if (reply->answers > 0 && normal.counts[0] == 0)
        return NORMAL_BAD;
    put_others(&normal);
    if (normal.overflow)
        return NORMAL_BAD;
    for (unsigned i = 0; i < 3; i++)
        write_be16(rebuilt + 6 + 2 * i, (uint16_t)normal.counts[i]);
    *ret_size = normal.size;
    return NORMAL_REBUILT;
}
