#include "base/mysql.h"
#include "failover/health.h"
#include "failover/health_check.h"
#include "tests/unit/sample.h"
#include "tests/unit/scripted_server.h"

#include <signal.h>

#define TEXT_OF(literal)                                                                           \
    {                                                                                              \
        .data = (const uint8_t *)(literal), .size = sizeof(literal) - 1                            \
    }
#define GREETING "\x0b\0\0\0\n10.11\0salt"
#define REFUSAL "\x0b\0\0\2\xff\x15\x04#28000no"

static const struct script silent = {0};
static const struct script greets = {
    .speaks_first = true, .lines = {{TEXT_OF(GREETING)}, {TEXT_OF(REFUSAL), SCRIPT_CLOSES}}};
static const struct script asks_again = {.speaks_first = true,
    .lines = {
        {TEXT_OF(GREETING)}, {TEXT_OF("\x03\0\0\2\xfex\0")}, {TEXT_OF(REFUSAL), SCRIPT_CLOSES}}};
static const struct script blocks = {
    .speaks_first = true, .lines = {{TEXT_OF("\x07\0\0\0\xff\x69\x04Host"), SCRIPT_CLOSES}}};
static const struct script resets = {.speaks_first = true, .lines = {{{0}, SCRIPT_RESETS}}};
static const struct script floods = {
    .speaks_first = true, .lines = {{TEXT_OF("HTTP/1.1 400 Bad Request\r\n"), SCRIPT_FLOODS}}};
static const struct script never_refuses = {
    .speaks_first = true, .lines = {{TEXT_OF(GREETING)}, {TEXT_OF("\1\0\0\2\1"), SCRIPT_FLOODS}}};

struct scene {
    struct loop loop;
    struct scripted_server server;
    struct health_checks *checks;
    bool freed;
    unsigned wanted; /* connections of the server's */
};

/* `probe` is what the configuration says of the target, "" if nothing. */
static void scene_init(
    struct scene *scene, const struct script *script, const char *probe, const char *timeout)
{
    char text[1024];
    *scene = (struct scene){.server = {.scripts = {script}}};
    assert_int_equal(loop_init(&scene->loop, "main"), 0);
    scripted_server_start(&scene->server, &scene->loop, "127.0.0.1");
    snprintf(text, sizeof text,
        "{\"regions\": [\"here\", \"there\"], \"health\": {\"interval\": \"20ms\", \"timeout\": "
        "\"%s\", \"fall\": 1, \"rise\": 2}, \"endpoints\": {\"db\": {\"type\": \"database\","
        "\"names\": [\"db.internal\"], \"relay\": {\"listen\": \"127.0.0.54:3306\"%s%s%s},"
        "\"targets\": {\"here\": \"127.0.0.1:%u\", \"there\": \"192.0.2.1:1\"}}}}",
        timeout, *probe ? ", \"probe\": {\"type\": \"" : "", probe, *probe ? "\"}" : "",
        scene->server.port);
    struct config *config = sample_config(text);
    scene->checks = health_new(&scene->loop, NULL);
    health_configure(scene->checks, config);
    config_unref(config);
}

static void on_freed(void *context)
{
    *(bool *)context = true;
}

static void scene_fini(struct scene *scene)
{
    health_free(scene->checks, on_freed, &scene->freed);
    run_until(&scene->loop, is_set, &scene->freed);
    scripted_server_stop(&scene->server);
    loop_fini(&scene->loop);
}

static bool is_up(void *context)
{
    struct scene *scene = context;
    return health_get(scene->checks, 0, 0).health == HEALTH_UP;
}

static bool is_left(void *context)
{
    struct scene *scene = context;
    return scene->server.connections >= scene->wanted && scene->server.open == 0;
}

/* Waits for one more connection that has come and gone. */
static void wait_for_another(struct scene *scene)
{
    scene->wanted = scene->server.connections + 1;
    run_until(&scene->loop, is_left, scene);
}

/* Up, and this many pieces were said in each connection. */
static void assert_left(
    const struct script *script, const char *probe, const char *timeout, unsigned pieces)
{
    struct scene scene;
    scene_init(&scene, script, probe, timeout);
    run_until(&scene.loop, is_up, &scene);
    wait_for_another(&scene);
    assert_int_equal(scene.server.pieces, pieces);
    assert_int_equal(health_get(scene.checks, 0, 0).health, HEALTH_UP);
    scene_fini(&scene);
}

static void a_mysql_server_is_left_with_a_login(void **unused)
{
    (void)unused;
    assert_left(&greets, "mysql", "5s", 1);
    assert_left(&asks_again, "mysql", "5s", 2);
}

static void whoever_greets_as_mysql_does_is_left_with_a_login(void **unused)
{
    (void)unused;
    assert_left(&greets, "", "5s", 1);
}

static void a_mysql_server_that_does_not_greet_in_time_finds_a_login_when_it_wakes_up(void **unused)
{
    (void)unused;
    assert_left(&silent, "mysql", "50ms", 1);
}

static void a_server_that_says_nothing_is_up_and_left_without_a_word(void **unused)
{
    (void)unused;
    assert_left(&silent, "", "5s", 0);
    assert_left(&silent, "", "50ms", 0);
}

static void postgres_is_left_at_once_and_without_a_word(void **unused)
{
    (void)unused;
    uint64_t before_ms = uv_hrtime() / 1000000;
    assert_left(&silent, "postgres", "5s", 0);
    assert_true(uv_hrtime() / 1000000 - before_ms < HEALTH_SILENCE_MS);
}

static void whatever_is_said_after_the_connect_the_target_is_up(void **unused)
{
    (void)unused;
    assert_left(&blocks, "mysql", "5s", 0);
    assert_left(&resets, "mysql", "5s", 0);
    assert_left(&floods, "mysql", "5s", 0);
    assert_left(&floods, "", "5s", 0);
}

static void a_server_that_talks_on_is_left_at_the_deadline(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, &never_refuses, "mysql", "100ms");
    run_until(&scene.loop, is_up, &scene);
    wait_for_another(&scene);
    scene_fini(&scene);
}

static void an_end_in_the_middle_leaves_a_login_too(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, &silent, "mysql", "5s");
    while (scene.server.open == 0)
        uv_run(&scene.loop.uv, UV_RUN_ONCE);
    scene_fini(&scene);
    assert_int_equal(scene.server.pieces, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mysql_server_is_left_with_a_login),
        cmocka_unit_test(whoever_greets_as_mysql_does_is_left_with_a_login),
        cmocka_unit_test(a_mysql_server_that_does_not_greet_in_time_finds_a_login_when_it_wakes_up),
        cmocka_unit_test(a_server_that_says_nothing_is_up_and_left_without_a_word),
        cmocka_unit_test(postgres_is_left_at_once_and_without_a_word),
        cmocka_unit_test(whatever_is_said_after_the_connect_the_target_is_up),
        cmocka_unit_test(a_server_that_talks_on_is_left_at_the_deadline),
        cmocka_unit_test(an_end_in_the_middle_leaves_a_login_too),
    };
    signal(SIGPIPE, SIG_IGN); /* as the daemon does */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
