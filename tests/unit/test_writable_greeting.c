/* Without a user: what the server's first words are worth. And what holds with one, too: addresses,
 * lookups, deadlines. */
#include "proxy/relay/probe.h"
#include "tests/unit/probe_scene.h"
#include "tests/unit/sample.h"

#include <errno.h>
#include <string.h>

#define ONE_LINE(...)                                                                              \
    {                                                                                              \
        .lines = { {__VA_ARGS__} }                                                                 \
    }

/* ErrorResponse: fields, each a letter and a text, then a zero. */
#define ERROR_TEXT(size, code, message)                                                            \
    TEXT_OF("E\0\0\0" size "SFATAL\0C" code "\0M" message "\0\0")

static const struct script password = ONE_LINE(TEXT_OF("R\0\0\0\x08\0\0\0\x03"));
static const struct script no_such_user =
    ONE_LINE(ERROR_TEXT("\x17", "28000", "no"), SCRIPT_CLOSES);
static const struct script no_such_database =
    ONE_LINE(ERROR_TEXT("\x17", "3D000", "no"), SCRIPT_CLOSES);
static const struct script starts_up =
    ONE_LINE(ERROR_TEXT("\x1e", "57P03", "starts up"), SCRIPT_CLOSES);
static const struct script is_full =
    ONE_LINE(ERROR_TEXT("\x1c", "53300", "is full"), SCRIPT_CLOSES);
static const struct script odd_error = ONE_LINE(ERROR_TEXT("\x18", "XX000", "odd"));
static const struct script silence = {0};

static const struct script *const takes_sessions[] = {&password, NULL};

static void postgres_that_asks_for_a_password_takes_sessions(void **unused)
{
    (void)unused;
    struct probe_scene scene;
    probe_scene_init(&scene, CONFIG_PROBE_POSTGRES, NULL, takes_sessions);
    probe_scene_start(&scene);
    probe_scene_wait_done(&scene);
    assert_int_equal(scene.server.connections, 2); /* twice, each on a fresh connection */
    char words[64];
    snprintf(words, sizeof words, "127.0.0.1:%u: takes sessions", scene.server.port);
    assert_string_equal(writable_words(scene.writable), words);
    probe_scene_fini(&scene);
}

static void postgres_that_refuses_this_login_takes_sessions(void **unused)
{
    (void)unused;
    struct probe_scene scene;
    probe_scene_init(&scene, CONFIG_PROBE_POSTGRES, NULL,
        (const struct script *const[]){&no_such_user, &no_such_database, NULL});
    probe_scene_start(&scene);
    probe_scene_wait_done(&scene);
    assert_int_equal(scene.server.connections, 2);
    probe_scene_fini(&scene);
}

static void yes_no_yes_yes_is_yes_after_the_fourth(void **unused)
{
    (void)unused;
    struct probe_scene scene;
    probe_scene_init(&scene, CONFIG_PROBE_POSTGRES, NULL,
        (const struct script *const[]){&password, &starts_up, &password, &password, NULL});
    probe_scene_start(&scene);
    probe_scene_wait_words(&scene, ": starts up");
    assert_false(scene.done);
    probe_scene_wait_done(&scene);
    assert_int_equal(scene.server.connections, 4);
    probe_scene_fini(&scene);
}

static void postgres_that_has_no_time_now_does_not(void **unused)
{
    (void)unused;
    struct probe_scene scene;
    probe_scene_init(&scene, CONFIG_PROBE_POSTGRES, NULL,
        (const struct script *const[]){&starts_up, &is_full, &odd_error, &password, NULL});
    probe_scene_start(&scene);
    probe_scene_wait_words(&scene, ": starts up");
    probe_scene_wait_words(&scene, ": is full");
    probe_scene_wait_words(&scene, ": odd");
    probe_scene_wait_done(&scene);
    assert_int_equal(scene.server.connections, 5);
    probe_scene_fini(&scene);
}

/* Each is asked for its words, and after it a good server is still found. */
static void assert_not_yet(enum config_probe_type type, const struct script *odd,
    const struct script *good, const char *words)
{
    struct probe_scene scene;
    probe_scene_init(&scene, type, NULL, (const struct script *const[]){odd, good, NULL});
    probe_scene_start(&scene);
    probe_scene_wait_words(&scene, words);
    probe_scene_wait_done(&scene);
    assert_int_equal(scene.server.connections, 3);
    probe_scene_fini(&scene);
}

static void no_nonsense_makes_postgres_writable(void **unused)
{
    (void)unused;
    static const struct {
        struct script script;
        const char *words;
    } cases[] = {
        {ONE_LINE(TEXT_OF("HTTP/1.1 400 Bad Request\r\n\r\n")), "that is not PostgreSQL's"},
        {ONE_LINE(TEXT_OF("R\0\0\0\x07\0\0\0\0")), "that is not PostgreSQL's"},
        {ONE_LINE(TEXT_OF("E\x7f\xff\xff\xff")), "that is not PostgreSQL's"},
        {ONE_LINE(TEXT_OF("E\xff\xff\xff\xff")), "that is not PostgreSQL's"},
        {ONE_LINE(TEXT_OF("N")), "no answer within 2000 ms"},
        {ONE_LINE(TEXT_OF("E\0\0\0\x08M\x01\x80\0")), ": ??"},
        {ONE_LINE(TEXT_OF("E\0\0\0\x08Mab\0")), ": ab"},
        {ONE_LINE(TEXT_OF("E\0\0\0\x08Mabc")), ": an error without words"},
        {ONE_LINE(TEXT_OF("E\0\0\0\x08\0\0\0\0")), ": an error without words"},
        {ONE_LINE(TEXT_OF("E\0\0\0\x20SFATAL"), SCRIPT_CLOSES),
            ": closed the connection without an answer"},
        {ONE_LINE(TEXT_OF("R\0\0\0"), SCRIPT_RESETS), ": connection reset by peer"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_not_yet(CONFIG_PROBE_POSTGRES, &cases[i].script, &password, cases[i].words);
}

/* Without TLS, by mysql_native_password. */
#define GREETING                                                                                   \
    "\x4f\0\0\0\n5.5.5-10.11\0\1\0\0\0"                                                            \
    "abcdefgh\0\x0f\xa2\x21\2\0\x08\0\x15\0\0\0\0\0\0\0\0\0\0"                                     \
    "ijklmnopqrst\0mysql_native_password\0"
#define DENIED "\x0b\0\0\2\xff\x15\x04#28000no"

static const struct script denied = {
    .speaks_first = true, .lines = {{TEXT_OF(GREETING)}, {TEXT_OF(DENIED), SCRIPT_CLOSES}}};
static const struct script switched = {.speaks_first = true,
    .lines = {{TEXT_OF(GREETING)}, {TEXT_OF("\x03\0\0\2\xfex\0")},
        {TEXT_OF("\x0b\0\0\4\xff\x15\x04#28000no"), SCRIPT_CLOSES}}};

static void mysql_that_greets_and_refuses_this_login_takes_sessions(void **unused)
{
    (void)unused;
    struct probe_scene scene;
    probe_scene_init(
        &scene, CONFIG_PROBE_MYSQL, NULL, (const struct script *const[]){&denied, &switched, NULL});
    probe_scene_start(&scene);
    probe_scene_wait_done(&scene);
    assert_int_equal(scene.server.connections, 2);
    assert_int_equal(scene.server.pieces, 2); /* nobody left in the middle of the handshake */
    probe_scene_fini(&scene);
}

static void mysql_that_does_not_greet_in_time_finds_a_login_when_it_wakes_up(void **unused)
{
    (void)unused;
    struct probe_scene scene;
    static const struct script silent = {.speaks_first = true};
    probe_scene_init(
        &scene, CONFIG_PROBE_MYSQL, NULL, (const struct script *const[]){&silent, NULL});
    probe_scene_start(&scene);
    while (scene.server.open == 0)
        uv_run(&scene.loop.uv, UV_RUN_ONCE);
    writable_stop(scene.writable, NULL, NULL);
    scene.writable = NULL;
    probe_scene_fini(&scene);
    assert_int_equal(scene.server.pieces, 1);
}

static void no_nonsense_makes_mysql_writable(void **unused)
{
    (void)unused;
#define FIRST(...)                                                                                 \
    {                                                                                              \
        .speaks_first = true, .lines = { {__VA_ARGS__} }                                           \
    }
#define SECOND(...)                                                                                \
    {                                                                                              \
        .speaks_first = true, .lines = { {TEXT_OF(GREETING)}, {__VA_ARGS__} }                      \
    }
    static const struct {
        struct script script;
        const char *words;
    } cases[] = {
        {FIRST(TEXT_OF("\x07\0\0\0\xff\x10\x04many"), SCRIPT_CLOSES), ": error 1040: many"},
        {FIRST(TEXT_OF("\x0b\0\0\0\xff\x15\x04#28000no")), ": error 1045: no"},
        {FIRST(TEXT_OF("\x01\0\0\0\xff")), ": an error without words"},
        {FIRST(TEXT_OF("\x02\0\0\0\nx")), ": a greeting that is not MySQL's"},
        {FIRST(TEXT_OF("\x03\0\0\1\nx\0")), ": a greeting that is not MySQL's"},
        {FIRST(TEXT_OF("SSH-2.0-x\r\n")), ": an answer that is not MySQL's"},
        {FIRST(TEXT_OF("\0\0\0\0")), ": an answer that is not MySQL's"},
        {FIRST(TEXT_OF("\x4a\0\0\0\n5.5.5"), SCRIPT_RESETS), ": connection reset by peer"},
        {SECOND(TEXT_OF("\x0b\0\0\2\xff\x10\x04#08004no")), ": error 1040: no"},
        {SECOND(TEXT_OF("\x01\0\0\2\x07")), ": an answer that is not MySQL's"},
        {SECOND({0}, SCRIPT_CLOSES), ": closed the connection without an answer"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_not_yet(CONFIG_PROBE_MYSQL, &cases[i].script, &denied, cases[i].words);
}

static void a_flood_is_cut_off(void **unused)
{
    (void)unused;
    static const struct script flood =
        ONE_LINE(TEXT_OF("E\0\0\x07\xf0Mabcdefghijklmnopqrstuvw"), SCRIPT_FLOODS);
    assert_not_yet(CONFIG_PROBE_POSTGRES, &flood, &password, ": abcdefghijklmnopqrstuvwE");
    static const struct script endless = {
        .speaks_first = true, .lines = {{TEXT_OF(GREETING "\xf0\x07\0\2x"), SCRIPT_FLOODS}}};
    assert_not_yet(CONFIG_PROBE_MYSQL, &endless, &denied, ": an answer without end");
}

static void an_address_that_refuses_is_named_and_the_next_one_tried_at_once(void **unused)
{
    (void)unused;
    struct probe_scene scene;
    probe_scene_init(&scene, CONFIG_PROBE_POSTGRES, NULL, takes_sessions);
    probe_scene_name(&scene, (const char *const[]){"127.0.0.2", "::1", NULL});
    probe_scene_start(&scene);
    probe_scene_wait_words(&scene, ": connection refused");
    scene.lookup.answer.count = 3;
    assert_true(address_parse_ip("127.0.0.1", &scene.lookup.answer.addresses[2]));
    probe_scene_wait_done(&scene);
    assert_int_equal(scene.server.connections, 2);
    assert_int_equal(scene.lookup.asked, 3);
    probe_scene_fini(&scene);
}

static void our_own_listeners_are_not_asked(void **unused)
{
    (void)unused;
    struct probe_scene scene;
    probe_scene_init(&scene, CONFIG_PROBE_POSTGRES, NULL, takes_sessions);
    struct address ours = scene.target.address;
    address_set_port(&ours, scene.target.port);
    scene.relay.listen = (struct config_listen){.addresses = &ours, .count = 1};
    probe_scene_name(&scene, (const char *const[]){"127.0.0.1", NULL});
    probe_scene_start(&scene);
    probe_scene_wait_words(&scene, ": we listen there ourselves");
    probe_scene_fini(&scene);
    assert_int_equal(scene.server.connections, 0);
}

static void a_silent_address_is_not_the_first_of_the_next_question(void **unused)
{
    (void)unused;
    struct probe_scene scene;
    struct scripted_server mute = {.scripts = {&silence}};
    probe_scene_init(&scene, CONFIG_PROBE_POSTGRES, NULL, takes_sessions);
    mute.port = scene.server.port;
    scripted_server_start(&mute, &scene.loop, "127.0.0.2");
    probe_scene_name(&scene, (const char *const[]){"127.0.0.2", "127.0.0.1", NULL});
    probe_scene_start(&scene);
    probe_scene_wait_words(&scene, ": no answer within 2000 ms");
    probe_scene_wait_done(&scene);
    assert_int_equal(mute.connections, 1);
    assert_int_equal(scene.server.connections, 2);
    writable_stop(scene.writable, NULL, NULL);
    scene.writable = NULL;
    scripted_server_stop(&mute);
    probe_scene_fini(&scene);
}

static void a_name_without_an_address_is_asked_again(void **unused)
{
    (void)unused;
    struct probe_scene scene;
    probe_scene_init(&scene, CONFIG_PROBE_POSTGRES, NULL, takes_sessions);
    probe_scene_name(&scene, (const char *const[]){NULL});
    scene.lookup.status = UV_EAI_NONAME;
    probe_scene_start(&scene);
    probe_scene_wait_words(&scene, "db.test: name not found");
    scene.lookup.status = UV_EAI_AGAIN;
    probe_scene_wait_words(&scene, "db.test: name could not be resolved");
    scene.lookup.status = 0;
    probe_scene_name(&scene, (const char *const[]){"127.0.0.1", NULL});
    probe_scene_wait_done(&scene);
    probe_scene_fini(&scene);
}

static void a_lookup_that_takes_too_long_is_waited_for_by_the_next_question(void **unused)
{
    (void)unused;
    struct probe_scene scene;
    probe_scene_init(&scene, CONFIG_PROBE_POSTGRES, NULL, takes_sessions);
    probe_scene_name(&scene, (const char *const[]){"127.0.0.1", NULL});
    scene.lookup.silent = true;
    probe_scene_start(&scene);
    probe_scene_wait_words(&scene, "db.test: no address within 2000 ms");
    scene.lookup.silent = false;
    probe_scene_answer(&scene);
    probe_scene_wait_done(&scene);
    probe_scene_fini(&scene);
}

static void it_may_be_stopped_while_a_lookup_is_open(void **unused)
{
    (void)unused;
    struct probe_scene scene;
    probe_scene_init(&scene, CONFIG_PROBE_POSTGRES, NULL, takes_sessions);
    probe_scene_name(&scene, (const char *const[]){"127.0.0.1", NULL});
    scene.lookup.silent = true;
    probe_scene_start(&scene);
    while (!scene.lookup.asked)
        uv_run(&scene.loop.uv, UV_RUN_ONCE);
    writable_stop(scene.writable, NULL, NULL);
    scene.writable = NULL;
    for (unsigned i = 0; i < 3; i++)
        uv_run(&scene.loop.uv, UV_RUN_NOWAIT);
    probe_scene_answer(&scene);
    probe_scene_fini(&scene);
    assert_int_equal(scene.server.connections, 0);
}

static void a_library_that_is_not_there_is_named(void **unused)
{
    (void)unused;
    struct failure why;
    assert_int_equal(sql_load("libnone.so.7", "libnone7", NULL, 0, &why), -ENOENT);
    assert_non_null(strstr(why.text, "libnone.so.7"));
    assert_non_null(strstr(why.text, "is the package libnone7 installed?"));
    void *pointer = NULL;
    const struct sql_function function = {"no_such_function", &pointer};
    assert_int_equal(sql_load("libpq.so.5", "libpq5", &function, 1, &why), -ENOENT);
    assert_string_equal(why.text, "libpq.so.5 has no no_such_function");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(postgres_that_asks_for_a_password_takes_sessions),
        cmocka_unit_test(postgres_that_refuses_this_login_takes_sessions),
        cmocka_unit_test(yes_no_yes_yes_is_yes_after_the_fourth),
        cmocka_unit_test(postgres_that_has_no_time_now_does_not),
        cmocka_unit_test(no_nonsense_makes_postgres_writable),
        cmocka_unit_test(mysql_that_greets_and_refuses_this_login_takes_sessions),
        cmocka_unit_test(mysql_that_does_not_greet_in_time_finds_a_login_when_it_wakes_up),
        cmocka_unit_test(no_nonsense_makes_mysql_writable),
        cmocka_unit_test(a_flood_is_cut_off),
        cmocka_unit_test(an_address_that_refuses_is_named_and_the_next_one_tried_at_once),
        cmocka_unit_test(our_own_listeners_are_not_asked),
        cmocka_unit_test(a_silent_address_is_not_the_first_of_the_next_question),
        cmocka_unit_test(a_name_without_an_address_is_asked_again),
        cmocka_unit_test(a_lookup_that_takes_too_long_is_waited_for_by_the_next_question),
        cmocka_unit_test(it_may_be_stopped_while_a_lookup_is_open),
        cmocka_unit_test(a_library_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
