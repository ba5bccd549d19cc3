/* A client's question, as it comes off the wire: judged, and, where it is one, answered from a view
 * and a cache that have something of everything. Each answer must be one that we would take. */
#include "tests/unit/answer_scene.h"

#include <ldns/ldns.h>
#include <stdlib.h>

/* The first byte of the input: how the question comes, and what the host is like. */
enum mood { MOOD_TCP = 1, MOOD_STALE = 2, MOOD_PAST_MANAGED = 4, MOOD_US = 8, MOOD_FENCED = 16 };

static struct message message;

static void learn_all(struct scene *scene)
{
    learn_a(scene, "orders.eu.rds.test", 60, 1);
    learn_a(scene, "own.test", 60, 2);
    learn_cname(scene, "search-eu.test", "www.test");
    learn_cname(scene, "search-us.test", "alias.internal");
    learn_cname(scene, "www.test", "db.shop.internal");
    learn_cname(scene, "loop.test", "search.internal");
    message_start(&message, DNS_QR, "else.test", TYPE_A);
    for (uint32_t i = 0; i < 200; i++)
        message_a(&message, SECTION_ANSWER, "@", 60, i);
    learn(scene, &message, "else.test", TYPE_A);
    message_start(&message, DNS_QR | RCODE_NXDOMAIN, "no.test", TYPE_A);
    message_soa(&message, "test", 60, DNS_HEADER_SIZE, 60);
    learn(scene, &message, "no.test", TYPE_A);
}

static struct scene *make_scene(unsigned mood)
{
    setenv("CMOCKA_TEST_ABORT", "1", 1); /* what is asserted says what it is */
    struct scene *scene = scene_new();
    learn_all(scene);
    if (mood & MOOD_STALE)
        scene->now_ms += 100000;
    scene->take_stale = mood & MOOD_STALE;
    scene->past_managed = mood & MOOD_PAST_MANAGED;
    if (mood & MOOD_US)
        activate(scene, "search", US);
    if (mood & MOOD_FENCED)
        fence(scene, "orders");
    return scene;
}

static void read_with_ldns(const uint8_t *data, size_t size)
{
    ldns_pkt *packet = NULL;
    assert_int_equal(ldns_wire2pkt(&packet, data, size), LDNS_STATUS_OK);
    ldns_pkt_free(packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct scene *scenes[32];
    if (size < 1)
        return 0;
    unsigned mood = data[0] % 32;
    if (!scenes[mood])
        scenes[mood] = make_scene(mood);
    struct scene *scene = scenes[mood];
    struct query *query = &scene->query;
    struct answer refusal = {.data = scene->data};
    enum query_verdict verdict = query_parse(data + 1, size - 1, query);
    switch (verdict) {
    case QUERY_DROP:
        break;
    case QUERY_FORMERR:
    case QUERY_NOTIMP:
    case QUERY_BADVERS:
        answer_refuse_malformed(query, verdict, &refusal);
        read_with_ldns(refusal.data, refusal.size);
        break;
    case QUERY_ANSWER:
        scene->room = query->udp_size < DNS_UDP_SIZE ? query->udp_size : DNS_UDP_SIZE;
        if (mood & MOOD_TCP)
            scene->room = DNS_MESSAGE_MAX;
        ask_query(scene);
        if (scene->answer.ready)
            read_with_ldns(scene->data, scene->answer.size);
        break;
    }
    return 0;
}
