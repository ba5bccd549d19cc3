#include "tests/unit/lookup_scene.h"

#include "resolver/resolver.h"
#include "resolver/resolver_parts.h"

#include <stdio.h>
#include <string.h>

#define THREADS 2
#define ENDPOINTS                                                                                  \
    "\"orders\": {\"type\": \"database\", \"names\": [\"db.shop.internal\"],"                      \
    " \"targets\": {\"eu-west-1\": \"eu.test\", \"us-west-2\": \"us.test\"}}"

static const struct siphash_key hash_key = {1, 2};

struct lookup_scene scene;

static void read_config(void)
{
    char text[1024];
    struct config_errors errors = {0};
    snprintf(text, sizeof text,
        "{\"regions\": [\"eu-west-1\", \"us-west-2\"], \"resolver\": {\"listen\": [],"
        " \"threads\": %d, \"upstreams\": [\"127.0.0.1:%u\"]}, \"endpoints\": {" ENDPOINTS "}}",
        THREADS, address_port(&scene.upstream.address));
    assert_int_equal(config_parse("scene.json", text, strlen(text), &scene.config, &errors), 0);
    config_errors_fini(&errors);
}

int lookup_setup(void **unused)
{
    struct failure why = {0};
    (void)unused;
    memset(&scene, 0, sizeof scene);
    assert_int_equal(loop_init(&scene.home, "home"), 0);
    played_open(&scene.upstream, &scene.home.uv);
    read_config();
    scene.state = state_at_home(scene.config);
    struct resolver_options options = {.config = scene.config, .key = &hash_key};
    assert_int_equal(resolver_new(&options, &scene.resolver, &why), 0);
    scene.lookup = resolver_lookup(scene.resolver);
    scene.announce = announce_new(&scene.home);
    resolver_subscribe(scene.resolver, scene.announce);
    return 0;
}

int lookup_teardown(void **unused)
{
    (void)unused;
    resolver_free(scene.resolver);
    loop_fini(&scene.home);
    announce_free(scene.announce);
    played_close(&scene.upstream);
    state_free(scene.state);
    config_unref(scene.config);
    cJSON_Delete(scene.asker.explanation);
    cJSON_Delete(scene.other.explanation);
    return 0;
}

static void on_taken(void *context)
{
    count_one(context);
}

void start_engines(void)
{
    struct failure why = {0};
    assert_int_equal(resolver_start(scene.resolver, &why), 0);
}

void look(void)
{
    struct world world = {.config = scene.config};
    struct view *view = view_new(&(struct view_inputs){
        .config = scene.config, .state = scene.state, .world = &world, .key = &hash_key});
    announce_publish(scene.announce, view, on_taken, &scene.views);
    runs_until(&scene.home.uv, &scene.views, scene.views + 1);
}

void serve(void)
{
    start_engines();
    look();
}

static struct name name_of(const char *text)
{
    struct name name;
    assert_true(name_from_text(text, &name));
    return name;
}

static void note(struct asker *asker)
{
    asker->told_on = pthread_self();
    count_one(&asker->calls);
}

static void on_done(void *context, int status, const struct lookup_answer *answer)
{
    struct asker *asker = context;
    asker->status = status;
    asker->answer = *answer;
    note(asker);
}

static void on_explained(void *context, cJSON *explanation)
{
    struct asker *asker = context;
    cJSON_Delete(asker->explanation);
    asker->explanation = explanation;
    note(asker);
}

static void on_flushed(void *context, uint64_t entries)
{
    struct asker *asker = context;
    asker->flushed = entries;
    note(asker);
}

void look_up(struct asker *asker, const char *text)
{
    struct name name = name_of(text);
    scene.lookup->start(scene.lookup, &scene.home, &name, on_done, asker);
    memset(&name, 0xff, sizeof name); /* it was copied */
}

void is_told(struct asker *asker, uint64_t calls)
{
    runs_until(&scene.home.uv, &asker->calls, calls);
    assert_int_equal(asker->calls, calls);
    assert_true(pthread_equal(asker->told_on, pthread_self()));
}

void explain_it(const char *text, uint16_t type)
{
    struct name name = name_of(text);
    uint64_t calls = scene.other.calls;
    scene.lookup->explain(scene.lookup, &scene.home, &name, type, on_explained, &scene.other);
    is_told(&scene.other, calls + 1);
}

uint64_t flush(const char *text)
{
    struct name name = name_of(text ? text : "unused");
    uint64_t calls = scene.asker.calls;
    scene.lookup->flush(scene.lookup, &scene.home, text ? &name : NULL, on_flushed, &scene.asker);
    is_told(&scene.asker, calls + 1);
    return scene.asker.flushed;
}

void upstream_hears(const char *name, uint16_t type)
{
    uint8_t wire[NAME_WIRE_MAX];
    size_t size = wire_of(name, wire);
    hears(&scene.upstream);
    const uint8_t *question = scene.upstream.heard.data + DNS_HEADER_SIZE;
    assert_memory_equal(question, wire, size);
    assert_int_equal(read_be16(question + size), type);
}

void add_aaaa(uint8_t last)
{
    uint8_t address[16] = {0x20, 0x01, 0x0d, 0xb8, [15] = last};
    size_t data = message_begin(&scene.said, SECTION_ANSWER, "@", TYPE_AAAA, 60);
    message_put(&scene.said, address, sizeof address);
    message_end(&scene.said, data);
}

void say_a(uint32_t address)
{
    reply_a(&scene.said, &scene.upstream, address);
    says(&scene.upstream, &scene.said);
}

void say_code(uint16_t code)
{
    reply_start(&scene.said, &scene.upstream, code);
    message_soa(&scene.said, "@", 60, DNS_HEADER_SIZE, 60);
    says(&scene.upstream, &scene.said);
}

void say_aaaa(uint8_t last)
{
    reply_start(&scene.said, &scene.upstream, 0);
    add_aaaa(last);
    says(&scene.upstream, &scene.said);
}

void has_address(const struct asker *asker, unsigned index, const char *expected)
{
    char text[ADDRESS_TEXT_SIZE];
    assert_true(index < asker->answer.count);
    assert_int_equal(address_port(&asker->answer.addresses[index]), 0);
    address_print_ip(&asker->answer.addresses[index], text);
    assert_string_equal(text, expected);
}

void engine_has_begun(void)
{
    explain_it("unused", TYPE_A);
}

void learn(unsigned engine, const char *name, uint16_t type, uint64_t at_ms)
{
    uint8_t wire[NAME_WIRE_MAX];
    size_t size = wire_of(name, wire);
    struct cache_key key = {
        .name = wire, .name_size = (uint8_t)size, .type = type, .class = CLASS_IN};
    key.hash = cache_hash(siphash(&hash_key, wire, size), type, CLASS_IN, false, false);
    message_start(&scene.said, DNS_QR, name, type);
    if (type == TYPE_A)
        message_a(&scene.said, SECTION_ANSWER, "@", 60, 0xc0000207);
    else
        add_aaaa(7);
    assert_int_equal(message_read(&scene.said, name, type, &scene.reply), REPLY_GOOD);
    struct cache_entry *entry =
        cache_entry_new(&key, scene.said.data, &scene.reply, at_ms, 86400000);
    cache_insert(scene.resolver->engines[engine]->cache, entry);
    cache_entry_unref(entry);
}

uint64_t engines_now_ms(void)
{
    return uv_now(&scene.home.uv);
}
