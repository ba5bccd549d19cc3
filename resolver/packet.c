/* On the good day a question is one pass over its labels, and an answer one pass over its records.
 *
 * What can go wrong is everything: each length is checked against the end before it is believed, a
 * compression pointer must point before the name that it is part of and behind the header, and a
 * name has at most 255 bytes however it is put together, so no input makes a walk longer than that.
 */
#include "resolver/packet.h"

#include <string.h>

#define RECORD_FIXED_SIZE 10 /* type, class, TTL, RDLENGTH */

struct walk {
    const uint8_t *message;
    size_t size;
    size_t at;
    struct reply *reply; /* where pointers are noted; NULL: nowhere */
};

/* Steps over the question's name: uncompressed, as no client has anything to point at. */
static bool read_question_name(const uint8_t *message, size_t size, size_t *at, struct query *ret)
{
    size_t from = *at, to = from;
    while (to < size && message[to] != 0) {
        if (message[to] > NAME_LABEL_MAX)
            return false;
        to += 1u + message[to];
        if (to - from >= NAME_WIRE_MAX)
            return false;
    }
    if (to >= size)
        return false;
    to++;
    ret->name_size = (uint8_t)(to - from);
    memcpy(ret->name, message + from, to - from);
    name_lower(ret->lower, message + from, to - from);
    *at = to;
    return true;
}

/* Only what was read as a label of a name may be pointed at: a name must not run through bytes that
 * are patched later (TTLs, other pointers), or it would be another name then. */
static void note_label(struct walk *walk, size_t at)
{
    if (walk->reply && at <= DNS_POINTER_MAX)
        walk->reply->labels[at / 8] |= (uint8_t)(1u << at % 8);
}

static bool is_label(const struct walk *walk, size_t at)
{
    return !walk->reply || walk->reply->labels[at / 8] >> at % 8 & 1;
}

/* A name ends at its first pointer; where that stands is kept for those who move the name. */
static bool note_pointer(struct walk *walk, size_t at)
{
    walk->at = at + 2;
    if (!walk->reply)
        return true;
    if (walk->reply->pointer_count >= REPLY_POINTERS_MAX)
        return false;
    walk->reply->pointers[walk->reply->pointer_count++] = (uint16_t)at;
    return true;
}

/* Steps over a name that may be compressed, following its pointers to check them. */
static bool skip_name(struct walk *walk)
{
    size_t at = walk->at, length = 0, limit = walk->at;
    unsigned jumps = 0;
    while (at < walk->size) {
        uint8_t label = walk->message[at];
        if (jumps == 0)
            note_label(walk, at);
        if (label == 0)
            break;
        if (dns_is_pointer(label)) {
            if (at + 2 > walk->size || (jumps == 0 && !note_pointer(walk, at)))
                return false;
            size_t target = read_be16(walk->message + at) & DNS_POINTER_MAX;
            if (target >= limit || target < DNS_HEADER_SIZE || !is_label(walk, target) ||
                ++jumps > NAME_LABELS_MAX)
                return false;
            at = limit = target;
            continue;
        }
        length += 1u + label;
        at += 1u + label;
        if (label > NAME_LABEL_MAX || length >= NAME_WIRE_MAX)
            return false;
    }
    if (jumps == 0)
        walk->at = at + 1;
    return at < walk->size;
}

static bool skip_bytes(struct walk *walk, size_t count, size_t end)
{
    if (walk->at > end || count > end - walk->at)
        return false;
    walk->at += count;
    return true;
}

/* Options fill the RDATA exactly (RFC 6891 section 6.1.2). */
static bool options_are_whole(const uint8_t *data, size_t size)
{
    size_t at = 0;
    while (at < size) {
        if (size - at < 4 || size - at - 4 < read_be16(data + at + 2))
            return false;
        at += 4u + read_be16(data + at + 2);
    }
    return true;
}

static bool read_record(struct walk *walk, struct record *ret)
{
    ret->owner = (uint16_t)walk->at;
    if (!skip_name(walk))
        return false;
    ret->fixed = (uint16_t)walk->at;
    if (!skip_bytes(walk, RECORD_FIXED_SIZE, walk->size))
        return false;
    ret->type = read_be16(walk->message + ret->fixed);
    ret->data_size = read_be16(walk->message + ret->fixed + 8);
    ret->data = (uint16_t)walk->at;
    return ret->data_size <= walk->size - walk->at;
}

/* The additional section of a question: at most one OPT, at most one TSIG, nothing cut short. */
static enum query_verdict read_additional(struct walk *walk, unsigned count, struct query *ret)
{
    bool tsig = false;
    enum query_verdict verdict = QUERY_ANSWER;
    for (; count > 0; count--) {
        struct record record;
        if (!read_record(walk, &record))
            return QUERY_FORMERR;
        const uint8_t *fixed = walk->message + record.fixed;
        walk->at += record.data_size;
        if (record.type == TYPE_TSIG) {
            if (tsig || count != 1)
                return QUERY_FORMERR;
            tsig = true;
        }
        if (record.type != TYPE_OPT)
            continue;
        if (ret->edns || walk->message[record.owner] != 0 ||
            !options_are_whole(walk->message + record.data, record.data_size))
            return QUERY_FORMERR;
        ret->edns = true;
        ret->dnssec_ok = fixed[6] & 0x80;
        uint16_t udp_size = read_be16(fixed + 2);
        ret->udp_size = udp_size < DNS_UDP_SIZE_MIN ? DNS_UDP_SIZE_MIN : udp_size;
        if (fixed[5] != 0)
            verdict = QUERY_BADVERS;
    }
    return verdict;
}

enum query_verdict query_parse(const uint8_t *message, size_t size, struct query *ret)
{
    if (size < DNS_HEADER_SIZE || size > DNS_MESSAGE_MAX)
        return QUERY_DROP;
    ret->id = read_be16(message);
    ret->flags = read_be16(message + 2);
    if (ret->flags & DNS_QR)
        return QUERY_DROP;
    if (ret->flags & DNS_OPCODE)
        return QUERY_NOTIMP;
    /* One question, no answers, no authorities (RFC 9619). */
    if (read_be16(message + 4) != 1 || read_be32(message + 6) != 0)
        return QUERY_FORMERR;

    size_t at = DNS_HEADER_SIZE;
    if (!read_question_name(message, size, &at, ret) || size - at < 4)
        return QUERY_FORMERR;
    ret->type = read_be16(message + at);
    ret->class = read_be16(message + at + 2);
    ret->edns = ret->dnssec_ok = false;
    ret->udp_size = DNS_UDP_SIZE_MIN;
    at += 4;

    unsigned additionals = read_be16(message + 10);
    if (additionals == 0)
        return at == size ? QUERY_ANSWER : QUERY_FORMERR;
    struct walk walk = {.message = message, .size = size, .at = at};
    enum query_verdict verdict = read_additional(&walk, additionals, ret);
    return walk.at == size ? verdict : QUERY_FORMERR;
}

/* How RDATA with names in it is laid out: bytes before, names, bytes behind. What counts are types
 * whose names may be compressed (RFC 1035 section 3.3, RFC 3597 section 4), and those whose names
 * servers are known to point at from later records; all others are opaque. */
struct layout {
    uint16_t type;
    uint8_t before, names, behind;
};

#define BEHIND_ANY 0xff

static const struct layout layouts[] = {
    {TYPE_NS, 0, 1, 0},
    {3 /* MD */, 0, 1, 0},
    {4 /* MF */, 0, 1, 0},
    {TYPE_CNAME, 0, 1, 0},
    {TYPE_SOA, 0, 2, 20},
    {7 /* MB */, 0, 1, 0},
    {8 /* MG */, 0, 1, 0},
    {9 /* MR */, 0, 1, 0},
    {TYPE_PTR, 0, 1, 0},
    {14 /* MINFO */, 0, 2, 0},
    {15 /* MX */, 2, 1, 0},
    {17 /* RP */, 0, 2, 0},
    {18 /* AFSDB */, 2, 1, 0},
    {21 /* RT */, 2, 1, 0},
    {26 /* PX */, 2, 2, 0},
    {33 /* SRV */, 6, 1, 0},
    {TYPE_NAPTR, 4, 1, 0},
    {36 /* KX */, 2, 1, 0},
    {39 /* DNAME */, 0, 1, 0},
    {TYPE_RRSIG, 18, 1, BEHIND_ANY},
    {TYPE_NSEC, 0, 1, BEHIND_ANY},
    {64 /* SVCB */, 2, 1, BEHIND_ANY},
    {65 /* HTTPS */, 2, 1, BEHIND_ANY},
};

static const struct layout *find_layout(uint16_t type)
{
    for (size_t i = 0; i < sizeof layouts / sizeof *layouts; i++) {
        if (layouts[i].type == type)
            return &layouts[i];
    }
    return NULL;
}

/* NAPTR's flags, services and regular expression (RFC 3403 section 4.1), each with its length. */
static bool skip_strings(struct walk *walk, unsigned count, size_t end)
{
    for (; count > 0; count--) {
        if (walk->at >= end || !skip_bytes(walk, 1u + walk->message[walk->at], end))
            return false;
    }
    return true;
}

/* Steps over RDATA; its names must end exactly where the length says. */
static bool skip_data(struct walk *walk, const struct record *record)
{
    size_t end = (size_t)record->data + record->data_size;
    const struct layout *layout = find_layout(record->type);
    if ((record->type == TYPE_A && record->data_size != 4) ||
        (record->type == TYPE_AAAA && record->data_size != 16))
        return false;
    if (!layout)
        return skip_bytes(walk, record->data_size, end);
    if (!skip_bytes(walk, layout->before, end) ||
        (layout->type == TYPE_NAPTR && !skip_strings(walk, 3, end)))
        return false;
    for (unsigned i = 0; i < layout->names; i++) {
        if (!skip_name(walk))
            return false;
    }
    if (layout->behind == BEHIND_ANY)
        return walk->at <= end && skip_bytes(walk, end - walk->at, end);
    return skip_bytes(walk, layout->behind, end) && walk->at == end;
}

static bool take_opt(const uint8_t *message, const struct record *record, struct reply *reply)
{
    if (reply->edns || message[record->owner] != 0 ||
        !options_are_whole(message + record->data, record->data_size))
        return false;
    reply->edns = true;
    reply->rcode |= (unsigned)message[record->fixed + 4] << 4;
    return true;
}

/* Reads one section. OPT belongs into the additional section alone, once; what stands behind it is
 * checked like the rest and then left out, so that nothing has to be moved. */
static bool read_section(
    struct walk *walk, unsigned count, uint16_t class, bool additional, unsigned *ret_kept)
{
    struct reply *reply = walk->reply;
    for (; count > 0; count--) {
        unsigned pointers = reply->pointer_count;
        struct record record;
        if (reply->record_count >= REPLY_RECORDS_MAX || !read_record(walk, &record) ||
            !skip_data(walk, &record))
            return false;
        if (record.type == TYPE_TSIG || record.type == TYPE_OPT) {
            if (record.type == TYPE_TSIG || !additional || !take_opt(walk->message, &record, reply))
                return false;
            reply->end = record.owner;
        } else if (read_be16(walk->message + record.fixed + 2) != class) {
            return false;
        }
        if (reply->edns) {
            reply->pointer_count = pointers;
            continue;
        }
        reply->records[reply->record_count++] = record;
        (*ret_kept)++;
    }
    return true;
}

static int find_soa(const struct reply *reply)
{
    for (unsigned i = reply->answers; i < reply->answers + reply->authorities; i++) {
        if (reply->records[i].type == TYPE_SOA)
            return (int)i;
    }
    return -1;
}

static bool question_matches(const uint8_t *message, size_t size, const uint8_t *question,
    size_t question_size, uint16_t type, uint16_t class)
{
    size_t end = DNS_HEADER_SIZE + question_size;
    return read_be16(message + 4) == 1 && size >= end + 4 &&
           memcmp(message + DNS_HEADER_SIZE, question, question_size) == 0 &&
           read_be16(message + end) == type && read_be16(message + end + 2) == class;
}

static bool read_sections(const uint8_t *message, size_t size, uint16_t class, struct reply *ret)
{
    struct walk walk = {.message = message, .size = size, .at = DNS_HEADER_SIZE, .reply = ret};
    if (!skip_name(&walk) || !skip_bytes(&walk, 4, size))
        return false;
    if (!read_section(&walk, read_be16(message + 6), class, false, &ret->answers))
        return false;
    ret->answer_end = (uint16_t)walk.at;
    if (!read_section(&walk, read_be16(message + 8), class, false, &ret->authorities))
        return false;
    ret->authority_end = (uint16_t)walk.at;
    if (!read_section(&walk, read_be16(message + 10), class, true, &ret->additionals))
        return false;
    if (!ret->edns)
        ret->end = (uint16_t)walk.at;
    return walk.at == size;
}

enum reply_verdict reply_parse(const uint8_t *message, size_t size, uint16_t id,
    const uint8_t *question, size_t question_size, uint16_t type, uint16_t class, struct reply *ret)
{
    if (size < DNS_HEADER_SIZE || size > DNS_MESSAGE_MAX)
        return REPLY_BAD;
    ret->id = read_be16(message);
    ret->flags = read_be16(message + 2);
    if (ret->id != id || !(ret->flags & DNS_QR) || (ret->flags & DNS_OPCODE) ||
        !question_matches(message, size, question, question_size, type, class))
        return REPLY_FOREIGN;

    ret->rcode = ret->flags & DNS_RCODE;
    ret->edns = ret->has_data = false;
    ret->body = (uint16_t)(DNS_HEADER_SIZE + question_size + 4);
    ret->answers = ret->authorities = ret->additionals = 0;
    ret->record_count = ret->pointer_count = ret->chain_count = 0;
    memset(ret->labels, 0, size / 8 < sizeof ret->labels ? size / 8 + 1 : sizeof ret->labels);
    if (!read_sections(message, size, class, ret))
        return REPLY_BAD;
    if (!packet_follow_chain(message, question, question_size, type, ret))
        ret->rcode = RCODE_SERVFAIL;
    ret->soa = find_soa(ret);
    return REPLY_GOOD;
}

size_t packet_copy_name(const uint8_t *message, size_t offset, uint8_t ret[NAME_WIRE_MAX])
{
    size_t size = 0;
    while (message[offset] != 0) {
        if (dns_is_pointer(message[offset])) {
            offset = read_be16(message + offset) & DNS_POINTER_MAX;
            continue;
        }
        size_t label = 1u + message[offset];
        name_lower(ret + size, message + offset, label);
        size += label;
        offset += label;
    }
    ret[size++] = 0;
    return size;
}

uint32_t packet_ttl(const uint8_t *at)
{
    uint32_t ttl = read_be32(at);
    return ttl & 0x80000000u ? 0 : ttl;
}
