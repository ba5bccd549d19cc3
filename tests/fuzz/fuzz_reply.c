/* An upstream's answer to a question of ours: judged, and, where it is good, kept and passed on, as
 * it is and through a managed name, to clients with little room and with much. What we say must be
 * such that we would take it ourselves. */
#include "resolver/normal.h"
#include "tests/unit/answer_scene.h"

#include <ldns/ldns.h>
#include <stdlib.h>

#define QUESTION "search-eu.test"

static struct scene *scene;
static struct message message;

/* The input: which type was asked for, the header from its flags on (the counts that follow them
 * are those of answers, authorities and additionals), then the records. Id and question are right:
 * no more of them than a comparison would be tested. */
static uint16_t read_input(const uint8_t *data, size_t size)
{
    static const uint16_t types[] = {TYPE_A, TYPE_CNAME, TYPE_SOA, 15 /* MX */, TYPE_NAPTR,
        46 /* RRSIG */, 65 /* HTTPS */, 16 /* TXT */};
    uint16_t type = types[data[0] % (sizeof types / sizeof *types)];
    message_start(&message, (uint16_t)(read_be16(data + 1) | DNS_QR), QUESTION, type);
    memcpy(message.data + 6, data + 3, 6);
    size -= 9;
    size_t room = DNS_MESSAGE_MAX - message.size;
    message_put(&message, data + 9, size < room ? size : room);
    return type;
}

/* As vet.c does it: what is out of order is put together again, which must leave nothing to do. */
static bool bring_into_form(uint16_t type)
{
    static struct message rebuilt;
    struct cache_key key = key_of(scene, QUESTION, type);
    enum normal_verdict verdict =
        normal_make(&key, message.data, &scene->scratch, rebuilt.data, &rebuilt.size);
    if (verdict != NORMAL_REBUILT)
        return verdict == NORMAL_AS_IS;
    message = rebuilt;
    assert_int_equal(message_read(&message, QUESTION, type, &scene->scratch), REPLY_GOOD);
    assert_int_equal(normal_make(&key, message.data, &scene->scratch, rebuilt.data, &rebuilt.size),
        NORMAL_AS_IS);
    return true;
}

/* ldns may refuse what is opaque to us, but must not trip over it. */
static void read_with_ldns(void)
{
    ldns_pkt *packet = NULL;
    if (ldns_wire2pkt(&packet, scene->data, scene->answer.size) == LDNS_STATUS_OK)
        ldns_pkt_free(packet);
}

static void pass_on(const char *name, uint16_t type)
{
    static const size_t rooms[] = {DNS_UDP_SIZE_MIN, DNS_UDP_SIZE, DNS_MESSAGE_MAX};
    for (size_t i = 0; i < sizeof rooms / sizeof *rooms; i++) {
        scene->room = rooms[i];
        ask(scene, name, type);
        if (scene->answer.ready)
            read_with_ldns();
        else /* its chain leads to a managed name, whose target is not known */
            assert_non_null(scene->answer.endpoint);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 9)
        return 0;
    if (!scene) {
        setenv("CMOCKA_TEST_ABORT", "1", 1); /* what is asserted says what it is */
        scene = scene_new();
    }
    uint16_t type = read_input(data, size);
    if (message_read(&message, QUESTION, type, &scene->scratch) != REPLY_GOOD ||
        scene->scratch.rcode > DNS_RCODE) /* no answer to pass on: the next upstream is asked */
        return 0;
    bool is_answer =
        scene->scratch.rcode == RCODE_NOERROR || scene->scratch.rcode == RCODE_NXDOMAIN;
    if (is_answer && !bring_into_form(type))
        return 0;
    fetched(scene, &message, QUESTION, type);
    pass_on("Search-EU.test", type);
    pass_on("search.internal", type);
    scene->fetched_count = 0;
    cache_entry_unref(scene->fetched[0]);
    return 0;
}
