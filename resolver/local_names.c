#include "resolver/local_names.h"

#include "resolver/compose.h"

#include <arpa/inet.h>

#define LOCAL_TTL_S 3600

enum local_zone {
    LOCAL_NONE,
    LOCAL_HOST,    /* localhost and all below: the loopback addresses */
    LOCAL_POINTER, /* the one reverse name of a loopback address */
    LOCAL_EMPTY,   /* the apex: it exists and has nothing */
    LOCAL_NOTHING  /* no such name */
};

static const struct local_name {
    const char *text;
    enum local_zone at, below;
} local_names[] = {
    {"localhost", LOCAL_HOST, LOCAL_HOST},
    {"invalid", LOCAL_NOTHING, LOCAL_NOTHING},
    {"1.0.0.127.in-addr.arpa", LOCAL_POINTER, LOCAL_NOTHING},
    {"0.0.127.in-addr.arpa", LOCAL_EMPTY, LOCAL_NOTHING}, /* it exists: names below it do */
    {"0.127.in-addr.arpa", LOCAL_EMPTY, LOCAL_NOTHING},
    {"127.in-addr.arpa", LOCAL_EMPTY, LOCAL_NOTHING},
    {"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa", LOCAL_POINTER,
        LOCAL_NOTHING},
    {"resolver.arpa", LOCAL_EMPTY, LOCAL_NOTHING},
};

static enum local_zone find_zone(const struct cache_key *key)
{
    for (size_t i = 0; i < sizeof local_names / sizeof *local_names; i++) {
        struct name name;
        if (!name_from_text(local_names[i].text, &name) ||
            !name_within(key->name, key->name_size, &name))
            continue;
        return key->name_size == name.size ? local_names[i].at : local_names[i].below;
    }
    return LOCAL_NONE;
}

static void put_pointer(struct compose *compose)
{
    static const uint8_t localhost[] = "\11localhost";
    size_t type_at = compose->size + 2;
    compose_cname(compose, COMPOSE_QUESTION_AT, localhost, sizeof localhost, LOCAL_TTL_S);
    write_be16(compose->data + type_at, TYPE_PTR); /* a PTR has a CNAME's shape */
}

static void put_records(struct compose *compose, enum local_zone zone, uint16_t type)
{
    struct address address = {0};
    if (zone == LOCAL_HOST && type == TYPE_A) {
        address.v4 =
            (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        compose_address(compose, COMPOSE_QUESTION_AT, &address, LOCAL_TTL_S);
    } else if (zone == LOCAL_HOST && type == TYPE_AAAA) {
        address.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_addr = in6addr_loopback};
        compose_address(compose, COMPOSE_QUESTION_AT, &address, LOCAL_TTL_S);
    } else if (zone == LOCAL_POINTER && type == TYPE_PTR) {
        put_pointer(compose);
    } else {
        compose_soa(compose, COMPOSE_QUESTION_AT, LOCAL_TTL_S);
    }
}

struct cache_entry *local_names_answer(
    const struct cache_key *key, struct reply *scratch, uint64_t now_ms)
{
    enum local_zone zone = key->class == CLASS_IN ? find_zone(key) : LOCAL_NONE;
    if (zone == LOCAL_NONE)
        return NULL;
    uint8_t message[DNS_UDP_SIZE];
    struct query query = {.name_size = key->name_size, .type = key->type, .class = key->class};
    memcpy(query.name, key->name, key->name_size);
    struct compose compose;
    compose_start(&compose, message, sizeof message, &query);
    put_records(&compose, zone, key->type);
    struct compose_end end = {.query = &query,
        .rcode = zone == LOCAL_NOTHING ? RCODE_NXDOMAIN : RCODE_NOERROR,
        .ede = {EDE_NONE, EDE_NONE},
        .limit = sizeof message};
    bool tc;
    size_t size = compose_finish(&compose, &end, scratch, &tc);
    if (reply_parse(message, size, 0, key->name, key->name_size, key->type, key->class, scratch) !=
        REPLY_GOOD)
        return NULL;
    return cache_entry_new(key, message, scratch, now_ms, 0);
}
