/* The bounded walker: the only code that touches a DNS message nobody has vetted.
 *
 * It allocates nothing, reads each byte a bounded number of times, and yields offsets into the
 * message instead of copies. What it accepts is safe to copy, to patch and to hand to ldns; what it
 * does not accept is refused whole (RFC 1035, 2181, 3597, 6891, 9267, 9619). */
#pragma once

#include "base/name.h"
#include "base/span.h"

#include <stdbool.h>

#define DNS_HEADER_SIZE 12
#define DNS_MESSAGE_MAX 65535
#define DNS_UDP_SIZE 1232 /* what we offer and the most that we send (DNS flag day 2020) */
#define DNS_UDP_SIZE_MIN 512
#define DNS_OPT_SIZE 11  /* an OPT record without options */
#define DNS_CHAIN_MAX 11 /* CNAMEs that are followed in one answer */

/* Where the rest of a name stands, in place of its last labels (RFC 1035 section 4.1.4). */
#define DNS_POINTER 0xc000
#define DNS_POINTER_MAX 0x3fff

static inline bool dns_is_pointer(uint8_t label)
{
    return (label & 0xc0) == 0xc0;
}

enum dns_flag {
    DNS_QR = 0x8000,
    DNS_OPCODE = 0x7800,
    DNS_AA = 0x0400,
    DNS_TC = 0x0200,
    DNS_RD = 0x0100,
    DNS_RA = 0x0080,
    DNS_AD = 0x0020,
    DNS_CD = 0x0010,
    DNS_RCODE = 0x000f
};

enum dns_rcode {
    RCODE_NOERROR = 0,
    RCODE_FORMERR = 1,
    RCODE_SERVFAIL = 2,
    RCODE_NXDOMAIN = 3,
    RCODE_NOTIMP = 4,
    RCODE_REFUSED = 5,
    RCODE_BADVERS = 16
};

enum dns_type {
    TYPE_A = 1,
    TYPE_NS = 2,
    TYPE_CNAME = 5,
    TYPE_SOA = 6,
    TYPE_PTR = 12,
    TYPE_HINFO = 13,
    TYPE_AAAA = 28,
    TYPE_DNAME = 39,
    TYPE_NAPTR = 35,
    TYPE_OPT = 41,
    TYPE_RRSIG = 46,
    TYPE_NSEC = 47,
    TYPE_NSEC3 = 50,
    TYPE_TSIG = 250,
    TYPE_IXFR = 251,
    TYPE_AXFR = 252,
    TYPE_MAILB = 253,
    TYPE_MAILA = 254,
    TYPE_ANY = 255
};

enum dns_class { CLASS_IN = 1 };

/* Extended DNS errors (RFC 8914); 0 is "other", so "none" is -1. */
enum dns_ede {
    EDE_NONE = -1,
    EDE_STALE = 3,
    EDE_FORGED = 4,
    EDE_NOT_READY = 14,
    EDE_NO_REACHABLE_AUTHORITY = 22,
    EDE_NETWORK_ERROR = 23
};

enum dns_edns_option { EDNS_OPTION_EDE = 15 };

/* A question as a client sent it. */
struct query {
    uint16_t id, flags;
    uint16_t type, class;
    uint8_t name_size;
    uint8_t name[NAME_WIRE_MAX];  /* in the client's letter case */
    uint8_t lower[NAME_WIRE_MAX]; /* the key */
    bool edns, dnssec_ok;
    uint16_t udp_size; /* what the client can take: at least 512 */
};

enum query_verdict {
    QUERY_ANSWER,  /* all of `query` is set */
    QUERY_DROP,    /* no answer at all: too short, or itself an answer */
    QUERY_FORMERR, /* `id` and `flags` are set */
    QUERY_NOTIMP,  /* `id` and `flags` are set */
    QUERY_BADVERS  /* all of `query` is set */
};

enum query_verdict query_parse(const uint8_t *message, size_t size, struct query *ret);

/* One resource record inside a vetted message: offsets into it. */
struct record {
    uint16_t owner; /* where its name starts */
    uint16_t fixed; /* type, class, TTL, RDLENGTH: 10 bytes from here */
    uint16_t data;  /* RDATA */
    uint16_t data_size;
    uint16_t type;
};

static inline uint16_t record_ttl_offset(const struct record *record)
{
    return (uint16_t)(record->fixed + 4);
}

#define REPLY_RECORDS_MAX 5960 /* what fits into 64 KiB at 11 bytes each */
#define REPLY_POINTERS_MAX 16384

/* A vetted answer. Large: each thread has one to work with. */
struct reply {
    uint16_t id, flags;
    unsigned rcode; /* extended by OPT; SERVFAIL: its CNAMEs lead nowhere (packet_follow_chain) */
    bool edns;
    uint16_t body;                              /* where the answer section starts */
    uint16_t answer_end, authority_end, end;    /* `end`: before OPT and all that follows it */
    unsigned answers, authorities, additionals; /* records up to `end` */
    unsigned record_count;                      /* their sum */
    struct record records[REPLY_RECORDS_MAX];
    unsigned pointer_count;
    uint16_t pointers[REPLY_POINTERS_MAX]; /* offsets of compression pointers before `end` */
    uint8_t labels[(1 << 14) / 8];         /* bit N: a label of a name starts at byte N */
    /* The CNAMEs that lead from the question's name to the records, as indexes into `records`. */
    unsigned chain_count;
    uint16_t chain[DNS_CHAIN_MAX];
    bool has_data; /* a record of the type asked for at the chain's end */
    int soa;       /* index of the authority section's SOA, -1: none */
};

enum reply_verdict {
    REPLY_GOOD,
    REPLY_FOREIGN, /* another id or question: not ours, or forged */
    REPLY_BAD      /* malformed */
};

/* `question` is the query's name as it was sent: the reply must repeat it byte for byte. */
enum reply_verdict reply_parse(const uint8_t *message, size_t size, uint16_t id,
    const uint8_t *question, size_t question_size, uint16_t type, uint16_t class,
    struct reply *ret);

/* Finds the CNAMEs that lead from the question's name and whether data is at their end. False, and
 * the answer is as good as SERVFAIL, when they are more than DNS_CHAIN_MAX or lead in a circle. */
bool packet_follow_chain(const uint8_t *message, const uint8_t *question, size_t size,
    uint16_t type, struct reply *reply);

/* Copies the (possibly compressed) name at `offset` of a vetted message, in lower case. Returns its
 * size. */
size_t packet_copy_name(const uint8_t *message, size_t offset, uint8_t ret[NAME_WIRE_MAX]);

/* Seconds; a TTL with its top bit set counts as 0 (RFC 2181 section 8). */
uint32_t packet_ttl(const uint8_t *at);
