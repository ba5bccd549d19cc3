#include "tests/unit/answer_scene.h"

#include "base/memory.h"

#include <ldns/ldns.h>
#include <stdio.h>
#include <stdlib.h>

#define NAME_ENDPOINT(id, names, eu, us)                                                           \
    "\"" id "\": {\"type\": \"name\", \"group\": \"" id "\", \"names\": [" names "],"              \
    " \"targets\": {\"" EU "\": \"" eu "\", \"" US "\": \"" us "\"}}"
#define DATABASE(id, name, more)                                                                   \
    "\"" id "\": {\"type\": \"database\", \"group\": \"" id "\", \"names\": [\"" name "\"]," more  \
    " \"targets\": {\"" EU "\": \"" id ".eu.rds.test:5432\","                                      \
    " \"" US "\": \"" id ".us.rds.test:5432\"}}"

static const char config_text[] =
    "{\"regions\": [\"" EU "\", \"" US "\"],"
    " \"resolver\": {\"upstreams\": [\"192.0.2.53\"], \"ttl\": \"1s\"},"
    " \"endpoints\": {" DATABASE("orders", "db.shop.internal", "") "," NAME_ENDPOINT("search",
        "\"search.internal\", \"*.search.internal\"", "search-eu.test",
        "search-us.test") "," NAME_ENDPOINT("fixed", "\"fixed.internal\"", "192.0.2.1",
        "2001:db8::2") "," DATABASE("relayed", "relay.internal",
        " \"relay\": {\"listen\": [\"127.0.0.54:5432\", \"[::1]:5432\"]},") "," DATABASE("narrow",
        "narrow.internal",
        " \"relay\": {\"listen\": [\"127.0.0.55:5432\"]},") "," NAME_ENDPOINT("own",
        "\"own.test\", \"alias.internal\"", "own.test",
        "other.test") ","
                      " \"assets\": {\"type\": \"bucket\", \"group\": \"assets\", \"names\": "
                      "[\"assets.internal\"],"
                      "  \"buckets\": {\"" EU "\": \"assets-eu\", \"" US "\": \"assets-us\"}}}}";

static const struct siphash_key hash_key = {1, 2};

static struct config *read_config(void)
{
    struct config *config = NULL;
    struct config_errors errors = {0};
    int status = config_parse("scene.json", config_text, strlen(config_text), &config, &errors);
    for (size_t i = 0; i < errors.count; i++)
        fprintf(stderr, "%s\n", errors.lines[i]);
    config_errors_fini(&errors);
    if (status < 0)
        abort();
    return config;
}

void scene_look(struct scene *scene)
{
    view_free(scene->view);
    scene->world.config = scene->config;
    scene->view = view_new(&(struct view_inputs){.config = scene->config,
        .state = scene->state,
        .world = &scene->world,
        .gateway_answers = scene->gateway_answers,
        .key = &hash_key});
    scene->view->generation = ++scene->generation;
}

struct scene *scene_new(void)
{
    struct scene *scene = memory_new(sizeof *scene);
    scene->config = read_config();
    scene->state = state_at_home(scene->config);
    scene->cache = cache_new(1 << 20);
    scene->now_ms = SCENE_START_MS;
    scene->query.flags = DNS_RD;
    scene->query.edns = true;
    scene->room = DNS_UDP_SIZE;
    scene_look(scene);
    return scene;
}

void scene_free(struct scene *scene)
{
    for (unsigned i = 0; i < scene->fetched_count; i++)
        cache_entry_unref(scene->fetched[i]);
    cache_free(scene->cache);
    view_free(scene->view);
    state_free(scene->state);
    config_unref(scene->config);
    free(scene);
}

int scene_setup(void **ret_scene)
{
    *ret_scene = scene_new();
    return 0;
}

int scene_teardown(void **scene)
{
    scene_free(*scene);
    return 0;
}

void activate(struct scene *scene, const char *group, const char *region)
{
    snprintf(state_find_group(scene->state, group)->active, sizeof(state_id), "%s", region);
    scene_look(scene);
}

void fence(struct scene *scene, const char *group)
{
    state_find_group(scene->state, group)->fenced = true;
    scene_look(scene);
}

void undecide(struct scene *scene)
{
    scene->world.undecided = true;
    scene_look(scene);
}

struct cache_key key_of(struct scene *scene, const char *name, uint16_t type)
{
    static uint8_t lower[NAME_WIRE_MAX];
    size_t size = wire_of(name, lower);
    name_lower(lower, lower, size);
    bool cd = scene->query.flags & DNS_CD;
    uint64_t hash = siphash(&hash_key, lower, size);
    return (struct cache_key){.name = lower,
        .name_size = (uint8_t)size,
        .dnssec_ok = scene->query.dnssec_ok,
        .checking_disabled = cd,
        .type = type,
        .class = CLASS_IN,
        .hash = cache_hash(hash, type, CLASS_IN, scene->query.dnssec_ok, cd)};
}

static struct cache_entry *read_entry(
    struct scene *scene, const struct message *message, const char *name, uint16_t type)
{
    struct cache_key key = key_of(scene, name, type);
    assert_int_equal(message_read(message, name, type, &scene->scratch), REPLY_GOOD);
    return cache_entry_new(&key, message->data, &scene->scratch, scene->now_ms, SCENE_MAX_STALE_MS);
}

void learn(struct scene *scene, const struct message *message, const char *name, uint16_t type)
{
    struct cache_entry *entry = read_entry(scene, message, name, type);
    cache_insert(scene->cache, entry);
    cache_entry_unref(entry);
}

void fetched(struct scene *scene, const struct message *message, const char *name, uint16_t type)
{
    scene->fetched[scene->fetched_count++] = read_entry(scene, message, name, type);
}

void failed(struct scene *scene, const char *name, uint16_t type, enum dns_ede ede)
{
    struct cache_key key = key_of(scene, name, type);
    scene->fetched[scene->fetched_count++] =
        cache_entry_new_failure(&key, RCODE_SERVFAIL, ede, scene->now_ms);
}

static struct message said;

void learn_a(struct scene *scene, const char *name, uint32_t ttl_s, uint32_t address)
{
    message_start(&said, DNS_QR | DNS_RA, name, TYPE_A);
    message_a(&said, SECTION_ANSWER, "@", ttl_s, address);
    learn(scene, &said, name, TYPE_A);
}

void learn_cname(struct scene *scene, const char *name, const char *target)
{
    message_start(&said, DNS_QR | DNS_RA, name, TYPE_A);
    message_cname(&said, "@", 300, target);
    message_a(&said, SECTION_ANSWER, target, 300, 0xc0000263);
    learn(scene, &said, name, TYPE_A);
}

void ask_query(struct scene *scene)
{
    const struct query *query = &scene->query;
    struct answer_inputs inputs = {.view = scene->view,
        .cache = scene->cache,
        .scratch = &scene->scratch,
        .now_ms = scene->now_ms,
        .fetched = scene->fetched,
        .fetched_count = scene->fetched_count,
        .past_managed = scene->past_managed,
        .take_stale = scene->take_stale};
    scene->answer = (struct answer){.data = scene->data, .room = scene->room};
    answer_make(&inputs, query, scene->work, &scene->answer);
    if (!scene->answer.ready)
        return;
    assert_true(scene->answer.size <= scene->room);
    assert_int_equal(reply_parse(scene->data, scene->answer.size, query->id, query->name,
                         query->name_size, query->type, query->class, &scene->reply),
        REPLY_GOOD);
    assert_int_equal(scene->reply.rcode, scene->answer.rcode);
    assert_int_equal(scene->reply.edns, query->edns);
    assert_int_equal(!!(flags_of(scene) & DNS_TC), scene->answer.truncated);
}

void ask(struct scene *scene, const char *name, uint16_t type)
{
    struct query *query = &scene->query;
    query->id = MESSAGE_ID;
    query->type = type;
    query->class = query->class ? query->class : CLASS_IN;
    query->name_size = (uint8_t)wire_of(name, query->name);
    name_lower(query->lower, query->name, query->name_size);
    ask_query(scene);
}

static void add_text(struct scene *scene, ldns_rr *record)
{
    char *text = ldns_rr2str(record);
    size_t used = strlen(scene->text);
    text[strcspn(text, "\n")] = '\0';
    for (char *c = text; *c; c++)
        *c = *c == '\t' ? ' ' : *c;
    char *class = strstr(text, " IN ");
    if (class)
        memmove(class, class + 3, strlen(class + 3) + 1);
    snprintf(scene->text + used, sizeof scene->text - used, "%s%s", used ? "; " : "", text);
    free(text);
}

const char *section_text(struct scene *scene, enum section section)
{
    ldns_pkt *packet = NULL;
    assert_int_equal(ldns_wire2pkt(&packet, scene->data, scene->answer.size), LDNS_STATUS_OK);
    ldns_rr_list *records = section == SECTION_ANSWER      ? ldns_pkt_answer(packet)
                            : section == SECTION_AUTHORITY ? ldns_pkt_authority(packet)
                                                           : ldns_pkt_additional(packet);
    scene->text[0] = '\0';
    for (size_t i = 0; i < ldns_rr_list_rr_count(records); i++)
        add_text(scene, ldns_rr_list_rr(records, i));
    ldns_pkt_free(packet);
    return scene->text;
}

void answers(struct scene *scene, unsigned rcode, const char *text)
{
    assert_true(scene->answer.ready);
    assert_int_equal(scene->answer.rcode, rcode);
    assert_string_equal(section_text(scene, SECTION_ANSWER), text);
}

void needs(const struct scene *scene, const char *name)
{
    uint8_t wire[NAME_WIRE_MAX];
    size_t size = wire_of(name, wire);
    assert_false(scene->answer.ready);
    assert_int_equal(scene->answer.need.name_size, size);
    assert_memory_equal(scene->answer.need.name, wire, size);
    assert_ptr_equal(scene->answer.need.name, scene->answer.need_name);
}

uint16_t flags_of(const struct scene *scene)
{
    return read_be16(scene->data + 2);
}

bool has_ede(const struct scene *scene, enum dns_ede ede)
{
    const uint8_t *at = scene->data + scene->reply.end + DNS_OPT_SIZE;
    const uint8_t *end = scene->data + scene->answer.size;
    for (; at < end; at += 4 + read_be16(at + 2)) {
        if (read_be16(at) == EDNS_OPTION_EDE && read_be16(at + 4) == ede)
            return true;
    }
    return false;
}
