/* What control, status and explain say of the relays. */
#include "tests/unit/control_scene.h"
#include "tests/unit/fake_relays.h"

#define RELAYED                                                                                    \
    "{\"regions\": [\"eu-west-1\", \"us-west-2\"],\n"                                              \
    " \"resolver\": {\"upstreams\": [\"192.0.2.53\"]},\n"                                          \
    " \"endpoints\": {\n"                                                                          \
    "  \"orders-db\": {\"type\": \"database\", \"names\": [\"db.internal\"],\n"                    \
    "   \"relay\": {\"listen\": [\"127.0.0.54:5432\", \"[::1]:5432\"]},\n"                         \
    "   \"targets\": {\"eu-west-1\": \"192.0.2.3:1\", \"us-west-2\": \"192.0.2.4:1\"}},\n"         \
    "  \"new-db\": {\"type\": \"database\", \"names\": [\"new.internal\"],\n"                      \
    "   \"relay\": {\"listen\": [\"127.0.0.55:5432\"]},\n"                                         \
    "   \"targets\": {\"eu-west-1\": \"192.0.2.3:2\", \"us-west-2\": \"192.0.2.4:2\"}},\n"         \
    "  \"search\": {\"type\": \"name\", \"names\": [\"s.internal\"],\n"                            \
    "   \"targets\": {\"eu-west-1\": \"eu.example\", \"us-west-2\": \"us.example\"}}}}\n"

static struct fake_relays fake;

/* A resolver that knows "s.internal", "db.internal" and nothing else. */
static void explain_endpoint(struct lookup *lookup, struct loop *home, const struct name *name,
    uint16_t type, lookup_explained *done, void *context)
{
    (void)lookup, (void)type, (void)home;
    char text[NAME_TEXT_SIZE];
    name_to_text(name->wire, name->size, text);
    cJSON *explanation = cJSON_CreateObject();
    json_add_text(explanation, "name", text);
    if (text[0] == 's')
        json_add_text(explanation, "endpoint", "search");
    if (text[0] == 'd')
        json_add_text(explanation, "endpoint", "orders-db");
    done(context, explanation);
}

static int set_up_without(void **state)
{
    int status = scene_prepare(state);
    struct scene *scene = *state;
    scene_write(scene->config, RELAYED);
    scene->lookup.explain = explain_endpoint;
    scene_run(scene);
    return status;
}

static int set_up(void **state)
{
    int status = scene_prepare(state);
    struct scene *scene = *state;
    scene_write(scene->config, RELAYED);
    scene->lookup.explain = explain_endpoint;
    fake_relays_init(&fake, &scene->loop);
    scene->relays = &fake.relays;
    scene_run(scene);
    return status;
}

static uint64_t number(const cJSON *object, const char *key)
{
    uint64_t value = UINT64_MAX;
    if (!json_integer(object, key, &value))
        fail_msg("no %s", key);
    return value;
}

static void assert_relay(const cJSON *relay)
{
    const cJSON *listen = json_member(relay, "listen");
    assert_int_equal(cJSON_GetArraySize(listen), 2);
    assert_string_equal(cJSON_GetArrayItem(listen, 0)->valuestring, "127.0.0.54:5432");
    assert_string_equal(cJSON_GetArrayItem(listen, 1)->valuestring, "[::1]:5432");
    assert_int_equal(number(relay, "open"), 3);
    assert_int_equal(number(relay, "connecting"), 1);
    assert_int_equal(number(relay, "held"), 2);
    assert_int_equal(number(relay, "behind"), 1);
    assert_int_equal(number(relay, "accepted"), 90);
    assert_int_equal(number(relay, "closed_by_switch"), 12);
    assert_int_equal(number(json_member(relay, "refused"), "hold_full"), 5);
    assert_int_equal(number(json_member(relay, "refused"), "hold_timeout"), 0);
    assert_int_equal(number(json_member(relay, "refused"), "descriptors"), 6);
    assert_int_equal(cJSON_GetArraySize(json_member(relay, "refused")), RELAYS_REFUSALS);
    assert_int_equal(number(relay, "bytes_to_target"), 4096);
    assert_int_equal(number(relay, "bytes_to_client"), 8192);
    assert_int_equal(number(json_member(relay, "connect_us"), "count"), 10);
    assert_int_equal(number(json_member(relay, "connect_us"), "mean"), 250000);
    assert_true(cJSON_IsNull(json_member(relay, "waiting_for")));
}

static const cJSON *relay_of(const cJSON *status, const char *endpoint)
{
    return json_member(json_member(json_member(status, "endpoints"), endpoint), "relay");
}

static void status_has_the_numbers_of_each_relay_that_runs(void **state)
{
    int fd = scene_dial(*state);
    cJSON *status = scene_ask(fd, "status", "{}");
    assert_relay(relay_of(status, "orders-db"));
    assert_null(relay_of(status, "new-db"));
    assert_null(relay_of(status, "search"));
    cJSON_Delete(status);
    close(fd);
}

static void a_relay_without_a_connect_has_no_mean_and_says_what_it_waits_for(void **state)
{
    memset(fake.numbers.latency, 0, sizeof fake.numbers.latency);
    fake.numbers.waiting_for = "in recovery";
    int fd = scene_dial(*state);
    cJSON *status = scene_ask(fd, "status", "{}");
    const cJSON *relay = relay_of(status, "orders-db");
    assert_string_equal(json_text(relay, "waiting_for"), "in recovery");
    assert_int_equal(number(json_member(relay, "connect_us"), "count"), 0);
    assert_true(cJSON_IsNull(json_member(json_member(relay, "connect_us"), "mean")));
    cJSON_Delete(status);
    close(fd);
}

static void an_explanation_has_the_relay_of_its_endpoint(void **state)
{
    int fd = scene_dial(*state);
    cJSON *explanation = scene_ask(fd, "explain", "{\"name\":\"db.internal\"}");
    assert_string_equal(json_text(explanation, "endpoint"), "orders-db");
    assert_relay(json_member(explanation, "relay"));
    cJSON_Delete(explanation);
    explanation = scene_ask(fd, "explain", "{\"name\":\"s.internal\"}");
    assert_string_equal(json_text(explanation, "endpoint"), "search");
    assert_null(json_member(explanation, "relay"));
    cJSON_Delete(explanation);
    explanation = scene_ask(fd, "explain", "{\"name\":\"www.example.net\"}");
    assert_null(json_member(explanation, "relay"));
    cJSON_Delete(explanation);
    close(fd);
}

static void assert_lists(int fd, const char *params, int count, uint64_t omitted)
{
    cJSON *result = scene_ask(fd, "connections", params);
    const cJSON *list = json_member(result, "connections");
    assert_true(cJSON_IsArray(list));
    assert_int_equal(cJSON_GetArraySize(list), count);
    assert_int_equal(number(result, "omitted"), omitted);
    cJSON_Delete(result);
}

static void connections_are_listed_up_to_a_limit(void **state)
{
    int fd = scene_dial(*state);
    assert_lists(fd, "{}", 0, 0);
    fake.connections = 4000;
    assert_lists(fd, "{}", 1000, 3000);
    assert_lists(fd, "{\"endpoint\":\"orders-db\",\"limit\":7}", 7, 3993);
    assert_lists(fd, "{\"limit\":0}", 0, 4000);
    assert_lists(fd, "{\"limit\":4294967297}", 3000, 1000);
    close(fd);
}

static void an_unknown_endpoint_is_bad_usage_that_names_the_known(void **state)
{
    int fd = scene_dial(*state);
    cJSON *reply = scene_ask(fd, "connections", "{\"endpoint\":\"orders\"}");
    assert_int_equal(scene_code(reply), 1002);
    assert_string_equal(json_text(json_member(reply, "error"), "message"),
        "unknown endpoint \"orders\"; the configuration has relays for orders-db, new-db");
    cJSON_Delete(reply);
    scene_assert_code(fd, "connections", "{\"endpoint\":7}", -32602);
    scene_assert_code(fd, "connections", "{\"limit\":-1}", -32602);
    scene_assert_code(fd, "connections", "{\"limit\":\"all\"}", -32602);
    scene_assert_code(fd, "connections", "{\"all\":true}", -32602);
    assert_int_equal(fake.listed, 0);
    close(fd);
}

/* 79 bytes and one of two: the cut at 80 must not go through it. */
static void a_long_unknown_endpoint_is_cut_between_letters(void **state)
{
    int fd = scene_dial(*state);
    char params[128], expected[128];
    snprintf(params, sizeof params, "{\"endpoint\":\"%079d\u00e9\"}", 0);
    snprintf(expected, sizeof expected, "unknown endpoint \"%079d\";", 0);
    cJSON *reply = scene_ask(fd, "connections", params);
    const char *words = json_text(json_member(reply, "error"), "message");
    assert_non_null(strstr(words, expected));
    cJSON_Delete(reply);
    close(fd);
}

static void without_relays_nothing_is_listed_and_nothing_shown(void **state)
{
    int fd = scene_dial(*state);
    assert_lists(fd, "{}", 0, 0);
    assert_lists(fd, "{\"endpoint\":\"orders-db\"}", 0, 0);
    cJSON *status = scene_ask(fd, "status", "{}");
    assert_null(relay_of(status, "orders-db"));
    cJSON_Delete(status);
    cJSON *explanation = scene_ask(fd, "explain", "{\"name\":\"db.internal\"}");
    assert_null(json_member(explanation, "relay"));
    cJSON_Delete(explanation);
    close(fd);
}

static void release(void *context)
{
    struct scene *scene = context;
    fake_relays_release(&fake);
    uv_sem_post(&scene->done);
}

static void one_list_is_made_at_a_time(void **state)
{
    struct scene *scene = *state;
    int fd = scene_dial(scene);
    fake.hold = true;
    fake.connections = 2;
    for (int i = 0; i < 4; i++)
        scene_call(fd, i, "connections", "{}");
    scene_assert_code(fd, "hello", "{}", 0); /* so all four were seen */
    assert_int_equal(fake.listing, 1);
    loop_post(&scene->loop, release, scene);
    uv_sem_wait(&scene->done);
    for (int i = 0; i < 4; i++) {
        cJSON *reply = scene_hear(fd);
        assert_int_equal(json_member(reply, "id")->valueint, i);
        assert_non_null(json_member(reply, "result"));
        cJSON_Delete(reply);
    }
    assert_false(fake.overlapped);
    assert_int_equal(fake.listed, 4);
    close(fd);
}

static void a_guests_list_waits_for_an_operators(void **state)
{
    struct scene *scene = *state;
    if (geteuid() != 0)
        skip();
    int fd = scene_dial(scene), guest = scene_dial_as(scene, SCENE_STRANGER, 0);
    fake.hold = true;
    scene_call(fd, 1, "connections", "{\"limit\":1}");
    scene_assert_code(fd, "hello", "{}", 0);
    scene_call(guest, 2, "connections", "{\"limit\":2}");
    scene_assert_code(guest, "hello", "{}", 0);
    scene_call(fd, 3, "connections", "{\"limit\":3}");
    scene_assert_code(fd, "hello", "{}", 0);
    loop_post(&scene->loop, release, scene);
    uv_sem_wait(&scene->done);
    cJSON *reply = scene_hear(guest);
    assert_int_equal(json_member(reply, "id")->valueint, 2);
    cJSON_Delete(reply);
    assert_int_equal(fake.listed, 3);
    assert_int_equal(fake.last_limit, 2);
    close(fd);
    close(guest);
}

/* The daemon ends while one list is under way and another waits for its turn. */
static void lists_under_way_are_over_before_control_is(void **state)
{
    struct scene *scene = *state;
    int fd = scene_dial(scene);
    fake.hold = true;
    scene_call(fd, 1, "connections", "{}");
    scene_call(fd, 2, "connections", "{}");
    scene_assert_code(fd, "hello", "{}", 0);
    close(fd);
    loop_post(&scene->loop, scene_free_control, scene);
    loop_post(&scene->loop, release, scene);
    uv_sem_wait(&scene->done); /* released, and … */
    uv_sem_wait(&scene->done); /* … freed */
    assert_int_equal(fake.listed, 1);
    loop_post(&scene->loop, scene_free_rest, scene);
    uv_sem_wait(&scene->done);
    scene_end(scene);
}

#define RELAYED_SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, scene_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RELAYED_SCENE(status_has_the_numbers_of_each_relay_that_runs),
        RELAYED_SCENE(a_relay_without_a_connect_has_no_mean_and_says_what_it_waits_for),
        RELAYED_SCENE(an_explanation_has_the_relay_of_its_endpoint),
        RELAYED_SCENE(connections_are_listed_up_to_a_limit),
        RELAYED_SCENE(an_unknown_endpoint_is_bad_usage_that_names_the_known),
        RELAYED_SCENE(a_long_unknown_endpoint_is_cut_between_letters),
        cmocka_unit_test_setup_teardown(
            without_relays_nothing_is_listed_and_nothing_shown, set_up_without, scene_tear_down),
        RELAYED_SCENE(one_list_is_made_at_a_time),
        RELAYED_SCENE(a_guests_list_waits_for_an_operators),
        cmocka_unit_test_setup_teardown(lists_under_way_are_over_before_control_is, set_up, NULL),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
