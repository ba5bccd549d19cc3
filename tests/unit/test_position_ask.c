/* Asking both sides: by name, of a server of a script, and given up at any instant. */
#include "failover/aws/position.h"
#include "tests/unit/scripted_server.h"
#include "tests/unit/unit.h"

#include <stdio.h>

#define BYTES(literal)                                                                             \
    {                                                                                              \
        .data = (const uint8_t *)(literal), .size = sizeof(literal) - 1                            \
    }

/* No TLS; AuthenticationOk, ReadyForQuery; then a refusal. */
static const struct script refuses = {
    .lines = {{BYTES("N")}, {BYTES("R\0\0\0\x08\0\0\0\0Z\0\0\0\5I")},
        {BYTES("E\0\0\0\x10SERROR\0Mno\0\0Z\0\0\0\5I")}}};

struct scene {
    struct loop loop;
    struct scripted_server server;
    struct config config;
    struct config_relay relay;
    struct config_target targets[2];
    struct config_endpoint endpoint;
    struct position *position;
    bool done;
    enum position_verdict verdict;
    char words[POSITION_WORDS_SIZE];
};

static void on_done(void *context, enum position_verdict verdict, const char *words)
{
    struct scene *scene = context;
    assert_false(scene->done);
    scene->done = true;
    scene->verdict = verdict;
    scene->position = NULL;
    snprintf(scene->words, sizeof scene->words, "%s", words);
}

static void begin(struct scene *scene, const char *host)
{
    memset(scene, 0, sizeof *scene);
    assert_int_equal(loop_init(&scene->loop, "test"), 0);
    scene->server.scripts[0] = &refuses;
    scripted_server_start(&scene->server, &scene->loop, "127.0.0.1");
    scene->relay =
        (struct config_relay){.probe = CONFIG_PROBE_POSTGRES, .probe_user = (char *)"somebody"};
    scene->endpoint = (struct config_endpoint){
        .type = CONFIG_DATABASE, .targets = scene->targets, .relay = &scene->relay};
    for (size_t i = 0; i < 2; i++) {
        scene->targets[i].text = (char *)host;
        scene->targets[i].port = scene->server.port;
        assert_true(name_from_text(host, &scene->targets[i].name));
    }
}

static void start(struct scene *scene)
{
    struct position_options options = {.loop = &scene->loop,
        .config = &scene->config,
        .endpoint = &scene->endpoint,
        .primary = 0,
        .replica = 1};
    scene->position = position_start(&options, on_done, scene);
}

static void finish(struct scene *scene)
{
    position_cancel(scene->position);
    while (scene->loop.uv.active_reqs.count > 0) /* a lookup that nobody waits for */
        uv_run(&scene->loop.uv, UV_RUN_ONCE);
    scripted_server_stop(&scene->server);
    uv_run(&scene->loop.uv, UV_RUN_NOWAIT);
    loop_fini(&scene->loop);
}

static void assert_unknown(struct scene *scene, const char *part)
{
    start(scene);
    while (!scene->done)
        uv_run(&scene->loop.uv, UV_RUN_ONCE);
    assert_int_equal(scene->verdict, POSITION_UNKNOWN);
    if (!strstr(scene->words, part))
        fail_msg("\"%s\" is not in: %s", part, scene->words);
}

static void a_side_that_refuses_says_why(void **unused)
{
    (void)unused;
    struct scene scene;
    begin(&scene, "localhost");
    assert_unknown(&scene, "localhost: ERROR:  no");
    assert_int_equal(scene.server.connections, 1);
    finish(&scene);
}

static void a_side_without_an_address_says_so(void **unused)
{
    (void)unused;
    struct scene scene;
    begin(&scene, "nowhere.invalid");
    assert_unknown(&scene, "nowhere.invalid: ");
    assert_int_equal(scene.server.connections, 0);
    finish(&scene);
}

static void without_its_password_nobody_is_asked(void **unused)
{
    (void)unused;
    struct scene scene;
    begin(&scene, "localhost");
    scene.relay.probe_password_file = (char *)"/nonexistent/password";
    assert_unknown(&scene, "password file /nonexistent/password: No such file");
    assert_int_equal(scene.server.connections, 0);
    finish(&scene);
}

static void it_can_be_given_up_at_any_instant(void **unused)
{
    (void)unused;
    struct scene scene;
    unsigned turns = 0;
    do {
        begin(&scene, "localhost");
        start(&scene);
        for (unsigned i = 0; i < turns && !scene.done; i++)
            uv_run(&scene.loop.uv, UV_RUN_ONCE);
        finish(&scene);
        turns++;
    } while (!scene.done);
    assert_in_range(turns, 5, 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_side_that_refuses_says_why),
        cmocka_unit_test(a_side_without_an_address_says_so),
        cmocka_unit_test(without_its_password_nobody_is_asked),
        cmocka_unit_test(it_can_be_given_up_at_any_instant),
    };
    return cmocka_run_group_tests_name("position_ask", tests, NULL, NULL);
}
