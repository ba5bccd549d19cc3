#include "base/memory.h"
#include "failover/health.h"
#include "failover/health_rule.h"
#include "tests/unit/sample.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void a_target_is_up_after_rise_and_down_after_fall(void **unused)
{
    (void)unused;
    struct health_rule rule = {0};
    assert_false(health_rule_count(&rule, true, 3, 2));
    assert_int_equal(rule.health, HEALTH_UNKNOWN);
    assert_true(health_rule_count(&rule, true, 3, 2));
    assert_int_equal(rule.health, HEALTH_UP);

    assert_false(health_rule_count(&rule, false, 3, 2));
    assert_false(health_rule_count(&rule, false, 3, 2));
    assert_false(health_rule_count(&rule, true, 3, 2)); /* in a row, or they do not count */
    assert_false(health_rule_count(&rule, false, 3, 2));
    assert_false(health_rule_count(&rule, false, 3, 2));
    assert_int_equal(rule.health, HEALTH_UP);
    assert_true(health_rule_count(&rule, false, 3, 2));
    assert_int_equal(rule.health, HEALTH_DOWN);
    assert_false(health_rule_count(&rule, true, 3, 2));
    assert_int_equal(rule.health, HEALTH_DOWN);
    assert_true(health_rule_count(&rule, true, 3, 2));
    assert_int_equal(rule.health, HEALTH_UP);
}

static void the_first_failures_make_an_unknown_target_down(void **unused)
{
    (void)unused;
    struct health_rule rule = {0};
    assert_false(health_rule_count(&rule, false, 2, 2));
    assert_int_equal(rule.health, HEALTH_UNKNOWN);
    assert_true(health_rule_count(&rule, false, 2, 2));
    assert_int_equal(rule.health, HEALTH_DOWN);
    assert_false(health_rule_count(&rule, false, 2, 2));
}

/* A resolver that knows what the test tells it. */
struct fake_lookup {
    struct lookup lookup; /* first: it is the handle */
    bool silent;          /* keeps the question */
    int status;
    struct lookup_answer answer;
    unsigned asked;
    lookup_done *done;
    void *context;
};

static void give_answer(void *context)
{
    struct fake_lookup *fake = context;
    fake->done(fake->context, fake->status, &fake->answer);
}

static void fake_start(struct lookup *lookup, struct loop *home, const struct name *name,
    lookup_done *done, void *context)
{
    (void)name;
    struct fake_lookup *fake = (struct fake_lookup *)lookup;
    fake->asked++;
    fake->done = done;
    fake->context = context;
    if (!fake->silent)
        loop_post(home, give_answer, fake);
}

struct scene {
    struct loop loop;
    struct fake_lookup lookup;
    struct health_checks *checks;
    int listener;
    uint16_t port;
    bool freed;
    enum health wanted;
    size_t endpoint, region;
    const char *detail;
};

/* A listener on an address of our own, on a port that nobody else has. */
static int listen_on(const char *ip, uint16_t *port, int backlog)
{
    struct address address;
    assert_true(address_parse_ip(ip, &address));
    address_set_port(&address, *port);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    assert_true(listener >= 0);
    assert_int_equal(setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
    assert_int_equal(bind(listener, &address.any, address_size(&address)), 0);
    assert_int_equal(listen(listener, backlog), 0);
    socklen_t size = sizeof address;
    assert_int_equal(getsockname(listener, &address.any, &size), 0);
    *port = address_port(&address);
    return listener;
}

static struct config *config_for(const char *target, uint16_t port, const char *health)
{
    char text[1024];
    snprintf(text, sizeof text,
        "{\"regions\": [\"here\", \"there\"], \"health\": {%s}, \"endpoints\": {"
        "\"db\": {\"type\": \"database\", \"names\": [\"db.internal\"],"
        "\"targets\": {\"here\": \"%s:%u\", \"there\": \"192.0.2.1\"}}}}",
        health, target, port);
    return sample_config(text);
}

#define QUICK "\"interval\": \"20ms\", \"timeout\": \"2s\", \"fall\": 3, \"rise\": 2"
#define IMPATIENT "\"interval\": \"20ms\", \"timeout\": \"20ms\", \"fall\": 2, \"rise\": 2"

static void configure(struct scene *scene, const char *target, const char *health)
{
    struct config *config = config_for(target, scene->port, health);
    health_configure(scene->checks, config);
    config_unref(config);
}

static void scene_init(struct scene *scene)
{
    *scene = (struct scene){.lookup = {.lookup = {.start = fake_start}}};
    assert_int_equal(loop_init(&scene->loop, "main"), 0);
    scene->listener = listen_on("127.0.0.1", &scene->port, 16);
    scene->checks = health_new(&scene->loop, &scene->lookup.lookup);
}

static void on_freed(void *context)
{
    *(bool *)context = true;
}

static void scene_fini(struct scene *scene)
{
    health_free(scene->checks, on_freed, &scene->freed);
    assert_false(scene->freed);
    run_until(&scene->loop, is_set, &scene->freed);
    loop_fini(&scene->loop);
    if (scene->listener >= 0)
        close(scene->listener);
}

static bool is_as_wanted(void *context)
{
    struct scene *scene = context;
    struct health_status status = health_get(scene->checks, 0, 0);
    return status.health == scene->wanted &&
           (!scene->detail || (status.detail && strcmp(status.detail, scene->detail) == 0));
}

static void wait_for(struct scene *scene, enum health health, const char *detail)
{
    scene->wanted = health;
    scene->detail = detail;
    run_until(&scene->loop, is_as_wanted, scene);
}

static void stop_listening(struct scene *scene)
{
    close(scene->listener);
    scene->listener = -1;
}

static void a_target_that_accepts_is_up_and_one_that_refuses_is_down(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    configure(&scene, "127.0.0.1", QUICK);
    assert_int_equal(health_get(scene.checks, 0, 0).health, HEALTH_UNKNOWN);
    assert_string_equal(health_get(scene.checks, 0, 0).detail, "not checked yet");
    assert_int_equal(health_get(scene.checks, 0, 0).since_ms, 0);
    wait_for(&scene, HEALTH_UP, NULL);
    assert_null(health_get(scene.checks, 0, 0).detail);
    assert_true(health_get(scene.checks, 0, 0).since_ms > 0);
    stop_listening(&scene);
    wait_for(&scene, HEALTH_DOWN, "connection refused");
    scene_fini(&scene);
}

static void a_target_that_does_not_answer_times_out(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    stop_listening(&scene);
    /* Linux drops what comes when the queue of a listener is full. */
    scene.listener = listen_on("127.0.0.1", &scene.port, 0);
    struct address address;
    assert_int_equal(address_parse("127.0.0.1", scene.port, &address, NULL), 0);
    int filler = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(connect(filler, &address.any, address_size(&address)), 0);
    configure(&scene, "127.0.0.1", IMPATIENT);
    wait_for(&scene, HEALTH_DOWN, "timed out after 20ms");
    close(filler);
    scene_fini(&scene);
}

static void a_name_is_looked_up_and_its_next_address_tried(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    scene.lookup.answer.count = 2;
    assert_true(address_parse_ip("127.0.0.2", &scene.lookup.answer.addresses[0]));
    assert_true(address_parse_ip("127.0.0.1", &scene.lookup.answer.addresses[1]));
    configure(&scene, "db.example.net", QUICK);
    wait_for(&scene, HEALTH_UP, NULL);
    stop_listening(&scene);
    wait_for(&scene, HEALTH_DOWN, "connection refused");
    scene_fini(&scene);
}

static void our_own_listeners_are_never_dialled(void **unused)
{
    (void)unused;
    struct scene scene;
    char text[512];
    scene_init(&scene);
    scene.lookup.answer.count = 1;
    assert_true(address_parse_ip("127.0.0.1", &scene.lookup.answer.addresses[0]));
    snprintf(text, sizeof text,
        "{\"regions\": [\"here\", \"there\"], \"health\": {" QUICK "}, \"endpoints\": {"
        "\"db\": {\"type\": \"database\", \"names\": [\"db.internal\"], "
        "\"relay\": {\"listen\": \"127.0.0.1:%u\"},"
        "\"targets\": {\"here\": \"db.example.net\", \"there\": \"192.0.2.1\"}}}}",
        scene.port);
    struct config *config = sample_config(text);
    health_configure(scene.checks, config);
    config_unref(config);
    wait_for(&scene, HEALTH_DOWN, "it leads back to ourselves");
    scene_fini(&scene);
}

static void a_name_that_is_not_found_is_down_in_words(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    scene.lookup.status = UV_EAI_NONAME;
    configure(&scene, "db.example.net", QUICK);
    wait_for(&scene, HEALTH_DOWN, "name not found");
    scene.lookup.status = UV_EAI_AGAIN;
    wait_for(&scene, HEALTH_DOWN, "name could not be resolved");
    scene_fini(&scene);
}

static void a_lookup_that_stays_silent_is_asked_once_and_counts_as_failure(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    scene.lookup.silent = true;
    scene.lookup.answer.count = 1;
    assert_true(address_parse_ip("127.0.0.1", &scene.lookup.answer.addresses[0]));
    configure(&scene, "db.example.net", IMPATIENT);
    wait_for(&scene, HEALTH_DOWN, "name could not be resolved");
    assert_int_equal(scene.lookup.asked, 1);

    scene.lookup.silent = false;
    give_answer(&scene.lookup);
    wait_for(&scene, HEALTH_UP, NULL);
    scene_fini(&scene);
}

static void an_end_waits_for_the_lookup_under_way(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    scene.lookup.silent = true;
    configure(&scene, "db.example.net", QUICK);
    while (scene.lookup.asked == 0)
        uv_run(&scene.loop.uv, UV_RUN_ONCE);
    health_free(scene.checks, on_freed, &scene.freed);
    for (int turn = 0; turn < 10; turn++)
        uv_run(&scene.loop.uv, UV_RUN_NOWAIT);
    assert_false(scene.freed);
    loop_post(&scene.loop, give_answer, &scene.lookup);
    run_until(&scene.loop, is_set, &scene.freed);
    loop_fini(&scene.loop);
    stop_listening(&scene);
}

static void a_target_without_a_port_stays_unknown(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    configure(&scene, "127.0.0.1", QUICK);
    wait_for(&scene, HEALTH_UP, NULL);
    struct health_status there = health_get(scene.checks, 0, 1);
    assert_int_equal(there.health, HEALTH_UNKNOWN);
    assert_string_equal(there.detail, "the target has no port to connect to");
    assert_int_equal(health_get(scene.checks, 7, 0).health, HEALTH_UNKNOWN);
    scene_fini(&scene);
}

static void a_target_that_stays_keeps_its_history(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    configure(&scene, "127.0.0.1", QUICK);
    wait_for(&scene, HEALTH_UP, NULL);
    uint64_t since = health_get(scene.checks, 0, 0).since_ms;
    configure(&scene, "127.0.0.1", IMPATIENT);
    assert_int_equal(health_get(scene.checks, 0, 0).health, HEALTH_UP);
    assert_int_equal(health_get(scene.checks, 0, 0).since_ms, since);
    configure(&scene, "127.0.0.9", QUICK);
    assert_int_equal(health_get(scene.checks, 0, 0).health, HEALTH_UNKNOWN);
    wait_for(&scene, HEALTH_DOWN, "connection refused");
    scene_fini(&scene);
}

static void without_a_configuration_nothing_is_known(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    assert_null(health_config(scene.checks));
    assert_int_equal(health_get(scene.checks, 0, 0).health, HEALTH_UNKNOWN);
    scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_target_is_up_after_rise_and_down_after_fall),
        cmocka_unit_test(the_first_failures_make_an_unknown_target_down),
        cmocka_unit_test(a_target_that_accepts_is_up_and_one_that_refuses_is_down),
        cmocka_unit_test(a_target_that_does_not_answer_times_out),
        cmocka_unit_test(a_name_is_looked_up_and_its_next_address_tried),
        cmocka_unit_test(our_own_listeners_are_never_dialled),
        cmocka_unit_test(a_name_that_is_not_found_is_down_in_words),
        cmocka_unit_test(a_lookup_that_stays_silent_is_asked_once_and_counts_as_failure),
        cmocka_unit_test(an_end_waits_for_the_lookup_under_way),
        cmocka_unit_test(a_target_without_a_port_stays_unknown),
        cmocka_unit_test(a_target_that_stays_keeps_its_history),
        cmocka_unit_test(without_a_configuration_nothing_is_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
