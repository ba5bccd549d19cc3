#include "tests/unit/fetch_scene.h"

struct fetch_scene scene;

static const struct siphash_key hash_key = {1, 2};

void upstreams_are(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        scene.listed[i].address = scene.peers[i].address;
    scene.view.config = &scene.config;
    scene.view.upstreams = (struct config_upstreams){.list = scene.listed, .count = count};
    scene.engine.view = &scene.view;
    upstreams_take_view(scene.engine.upstreams, &scene.view);
}

int fetch_setup(void **unused)
{
    struct engine_limits limits = {.fetches = FETCHES_MAX, .tcp_connections = 1};
    (void)unused;
    memset(&scene, 0, sizeof scene);
    scene.config.resolver.max_stale_ms = FETCH_MAX_STALE_MS;
    assert_int_equal(engine_init(&scene.engine, 0, 1 << 20, &limits), 0);
    for (unsigned i = 0; i < PEERS; i++)
        played_open(&scene.peers[i], &scene.engine.loop.uv);
    upstreams_are(PEERS);
    return 0;
}

int fetch_teardown(void **unused)
{
    (void)unused;
    engine_stop(&scene.engine);
    loop_fini(&scene.engine.loop);
    engine_fini(&scene.engine);
    for (unsigned i = 0; i < PEERS; i++)
        played_close(&scene.peers[i]);
    for (unsigned i = 0; i < sizeof scene.ears / sizeof *scene.ears; i++)
        cache_entry_unref(scene.ears[i].entry);
    return 0;
}

struct cache_key key_of(const char *name, bool dnssec_ok)
{
    static uint8_t lower[NAME_WIRE_MAX];
    size_t size = wire_of(name, lower);
    name_lower(lower, lower, size);
    uint64_t hash = siphash(&hash_key, lower, size);
    return (struct cache_key){.name = lower,
        .name_size = (uint8_t)size,
        .dnssec_ok = dnssec_ok,
        .type = TYPE_A,
        .class = CLASS_IN,
        .hash = cache_hash(hash, TYPE_A, CLASS_IN, dnssec_ok, false)};
}

static void on_wake(struct fetch_waiter *waiter, struct cache_entry *entry)
{
    struct ear *ear = (struct ear *)waiter;
    if (!entry) {
        ear->slow++;
        return;
    }
    assert_null(waiter->fetch);
    cache_entry_unref(ear->entry);
    ear->entry = cache_entry_ref(entry);
    ear->ends++;
}

int join_key(struct ear *ear, const struct cache_key *key, const char *name)
{
    uint8_t wire[NAME_WIRE_MAX];
    wire_of(name, wire);
    ear->waiter.wake = on_wake;
    return fetch_join(scene.engine.fetches, key, wire, &ear->waiter);
}

int join(struct ear *ear, const char *name, bool dnssec_ok)
{
    struct cache_key key = key_of(name, dnssec_ok);
    return join_key(ear, &key, name);
}

void ask(const char *name)
{
    assert_int_equal(join(&scene.ears[0], name, false), 0);
}

void ends_with(unsigned rcode, enum dns_ede ede)
{
    struct ear *ear = &scene.ears[0];
    runs_until(&scene.engine.loop.uv, &ear->ends, 1);
    assert_int_equal(ear->ends, 1);
    assert_int_equal(ear->entry->rcode, rcode);
    assert_int_equal(ear->entry->ede, ede);
}

void ends_with_a(uint32_t address)
{
    ends_with(RCODE_NOERROR, EDE_NONE);
    const struct cache_entry *entry = scene.ears[0].entry;
    assert_int_equal(entry->kind, CACHE_DATA);
    assert_int_equal(read_be32(entry->message + entry->answer_end - 4), address);
}

void answers_a(struct played *peer, uint32_t address)
{
    hears(peer);
    reply_a(&scene.reply, peer, address);
    says(peer, &scene.reply);
}

void answers_flags(struct played *peer, uint16_t flags)
{
    hears(peer);
    reply_start(&scene.reply, peer, flags);
    says(peer, &scene.reply);
}

struct upstream *known(unsigned peer)
{
    struct upstream *choices[UPSTREAM_CHOICES_MAX], *found = NULL;
    bool all_dead;
    unsigned count = upstreams_choose(
        scene.engine.upstreams, &scene.view, (const uint8_t *)"", 1, 0, choices, &all_dead);
    for (unsigned i = 0; i < count; i++) {
        if (address_equal(&choices[i]->address, &scene.peers[peer].address))
            found = choices[i];
        upstream_unref(choices[i]);
    }
    return found;
}
