/* On the good day an answer's first record is a CNAME or what was asked for.
 *
 * What can go wrong: CNAMEs in a circle, or so many that following them is no service to anybody. A
 * hostile answer has thousands of records whose owners differ in their last byte alone, so all of
 * them are compared with two names at most, and CNAMEs beyond the few of a chain are not even read.
 */
#include "resolver/packet.h"

#define CNAMES_MAX (4 * DNS_CHAIN_MAX)

/* In place, up to the first difference. */
static bool owner_is(const uint8_t *message, const struct record *record, const uint8_t *name)
{
    size_t at = record->owner;
    for (;;) {
        if (dns_is_pointer(message[at])) {
            at = read_be16(message + at) & DNS_POINTER_MAX;
            continue;
        }
        size_t label = 1u + message[at];
        uint8_t lower[1 + NAME_LABEL_MAX];
        name_lower(lower, message + at, label);
        if (lower[0] != name[0] || memcmp(lower, name, label) != 0)
            return false;
        if (label == 1)
            return true;
        at += label;
        name += label;
    }
}

static bool has_record(
    const uint8_t *message, const struct reply *reply, const uint8_t *name, uint16_t type)
{
    for (unsigned i = 0; i < reply->answers; i++) {
        const struct record *record = &reply->records[i];
        if (record->type == type && owner_is(message, record, name))
            return true;
    }
    return false;
}

/* The first of the answer section's CNAMEs: honest answers have no more than a chain of them. */
static unsigned find_cnames(const struct reply *reply, uint16_t ret[CNAMES_MAX])
{
    unsigned count = 0;
    for (unsigned i = 0; i < reply->answers && count < CNAMES_MAX; i++) {
        if (reply->records[i].type == TYPE_CNAME)
            ret[count++] = (uint16_t)i;
    }
    return count;
}

static int find_next(const uint8_t *message, const struct reply *reply, const uint8_t *name,
    const uint16_t *cnames, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (owner_is(message, &reply->records[cnames[i]], name))
            return cnames[i];
    }
    return -1;
}

/* All other data beside a CNAME is a mistake and not looked at (RFC 2181 section 10.1, RFC 4035
 * section 2.5). */
static bool lives_beside_cname(uint16_t type)
{
    return type == TYPE_CNAME || type == TYPE_RRSIG || type == TYPE_NSEC;
}

bool packet_follow_chain(const uint8_t *message, const uint8_t *question, size_t size,
    uint16_t type, struct reply *reply)
{
    uint8_t name[NAME_WIRE_MAX];
    uint16_t cnames[CNAMES_MAX];
    unsigned count = find_cnames(reply, cnames);
    bool beside = lives_beside_cname(type);
    reply->chain_count = 0;
    reply->has_data = false;
    name_lower(name, question, size);
    int next;
    while (!(beside && has_record(message, reply, name, type)) &&
           (next = find_next(message, reply, name, cnames, count)) >= 0) {
        if (reply->chain_count == DNS_CHAIN_MAX)
            return false; /* a circle is longer than any chain */
        reply->chain[reply->chain_count++] = (uint16_t)next;
        packet_copy_name(message, reply->records[next].data, name);
    }
    reply->has_data = has_record(message, reply, name, type);
    return true;
}
