#include "tests/unit/certificate_scene.h"

#include <signal.h>

static void assert_read(enum dialog_protocol protocol, talking *talk)
{
    struct scene scene;
    scene_init(&scene, talk);
    fetch(&scene, protocol, NULL);
    assert_string_equal(scene.words, "");
    assert_int_equal(scene.status, 0);
    assert_non_null(scene.read);
    assert_int_equal(X509_cmp(scene.read, scene.certificate), 0);
    scene_fini(&scene);
    assert_string_equal(scene.server_name, "");
}

static void assert_no_tls(enum dialog_protocol protocol, talking *talk)
{
    struct scene scene;
    scene_init(&scene, talk);
    fetch(&scene, protocol, NULL);
    assert_int_equal(scene.status, 0);
    assert_null(scene.read);
    scene_fini(&scene);
}

static void assert_failed(enum dialog_protocol protocol, talking *talk, const char *words)
{
    struct scene scene;
    scene_init(&scene, talk);
    fetch(&scene, protocol, NULL);
    assert_true(scene.status < 0);
    if (!strstr(scene.words, words))
        fail_msg("\"%s\" is not in \"%s\"", words, scene.words);
    scene_fini(&scene);
}

/* -- the tests -- */

static void postgres_shows_its_certificate(void **unused)
{
    (void)unused;
    assert_read(DIALOG_POSTGRES, talk_postgres);
}

static void mysql_shows_its_certificate(void **unused)
{
    (void)unused;
    assert_read(DIALOG_MYSQL, talk_mysql);
    assert_read(DIALOG_MYSQL, talk_mysql_byte_by_byte);
}

static void whoever_speaks_first_is_mysql_and_whoever_waits_is_postgres(void **unused)
{
    (void)unused;
    assert_read(DIALOG_ANY, talk_mysql);
    assert_read(DIALOG_ANY, talk_postgres);
    assert_no_tls(DIALOG_ANY, talk_postgres_without_tls);
}

static void a_server_may_offer_no_tls(void **unused)
{
    (void)unused;
    assert_no_tls(DIALOG_POSTGRES, talk_postgres_without_tls);
    assert_no_tls(DIALOG_MYSQL, talk_mysql_without_tls);
}

static void the_server_is_asked_as_the_protocols_say(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, talk_postgres);
    fetch(&scene, DIALOG_POSTGRES, NULL);
    scene_fini(&scene);
    assert_memory_equal(scene.first, "\0\0\0\x08\x04\xd2\x16\x2f", 8);
    scene_init(&scene, talk_mysql);
    fetch(&scene, DIALOG_MYSQL, NULL);
    scene_fini(&scene);
    assert_memory_equal(scene.first, "\x20\0\0\1\0\x8a\0\0\0\0\0\1\x2d\0\0\0\0", 17);
}

static void assert_login(const struct scene *scene, bool tls)
{
    uint8_t login[MYSQL_LOGIN_SIZE];
    mysql_login_write(login, tls ? 2 : 1, tls);
    assert_memory_equal(scene->login, login, sizeof login);
}

static void a_mysql_server_is_left_with_a_login_so_that_it_does_not_count_us(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, talk_mysql);
    fetch(&scene, DIALOG_MYSQL, NULL);
    scene_fini(&scene);
    assert_login(&scene, true);
    scene_init(&scene, talk_mysql_without_tls);
    fetch(&scene, DIALOG_ANY, NULL);
    scene_fini(&scene);
    assert_login(&scene, false);
}

static void what_was_read_counts_however_the_server_takes_leave(void **unused)
{
    (void)unused;
    assert_read(DIALOG_MYSQL, talk_mysql_that_leaves);
    assert_read(DIALOG_MYSQL, talk_mysql_that_falls_silent);
}

static void the_servers_own_words_are_passed_on_without_their_control_bytes(void **unused)
{
    (void)unused;
    assert_failed(
        DIALOG_MYSQL, talk_mysql_refusal, "the server refuses us: Host 'app-1' is blocked?");
}

static void what_is_no_database_is_said_to_be_none(void **unused)
{
    (void)unused;
    assert_failed(DIALOG_POSTGRES, talk_garbage, "does not speak PostgreSQL's protocol");
    assert_failed(DIALOG_MYSQL, talk_garbage, "does not speak MySQL's protocol");
    assert_failed(DIALOG_ANY, talk_garbage, "does not speak MySQL's protocol");
    assert_failed(DIALOG_POSTGRES, talk_garbage_for_tls, "the TLS handshake failed");
}

static void a_server_that_talks_without_end_is_left(void **unused)
{
    (void)unused;
    assert_failed(DIALOG_POSTGRES, talk_without_end, "the server sends more than a handshake has");
}

static void a_server_that_goes_away_is_told_from_one_that_resets(void **unused)
{
    (void)unused;
    assert_failed(DIALOG_POSTGRES, talk_end, "the server closed the connection");
    assert_failed(DIALOG_POSTGRES, talk_reset, "connection reset by peer");
}

static void a_silent_server_is_left_after_three_seconds(void **unused)
{
    (void)unused;
    uint64_t before_ms = uv_hrtime() / 1000000;
    assert_failed(DIALOG_POSTGRES, talk_nothing, "no answer within 3s");
    assert_true(uv_hrtime() / 1000000 - before_ms >= CERTIFICATE_DEADLINE_MS);
}

static void a_name_is_looked_up_and_told_to_the_server(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, talk_postgres);
    scene.resolved.count = 2;
    assert_true(address_parse_ip("127.0.0.77", &scene.resolved.addresses[0])); /* nobody listens */
    assert_true(address_parse_ip("127.0.0.1", &scene.resolved.addresses[1]));
    fetch(&scene, DIALOG_POSTGRES, "orders.example.net");
    assert_string_equal(scene.words, "");
    assert_non_null(scene.read);
    scene_fini(&scene);
    assert_string_equal(scene.server_name, "orders.example.net");
}

static void a_name_without_an_address_is_told(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, talk_nothing);
    scene.resolver_status = UV_EAI_NONAME;
    fetch(&scene, DIALOG_POSTGRES, "orders.example.net");
    assert_int_equal(scene.status, UV_EAI_NONAME);
    assert_string_equal(scene.words, "name not found");
    scene_fini(&scene);
}

static void where_every_address_refuses_the_refusal_is_told(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, talk_nothing);
    scene.resolved.count = 1;
    assert_true(address_parse_ip("127.0.0.77", &scene.resolved.addresses[0]));
    fetch(&scene, DIALOG_POSTGRES, "orders.example.net");
    assert_int_equal(scene.status, UV_ECONNREFUSED);
    assert_string_equal(scene.words, "connection refused");
    scene_fini(&scene);
}

static void a_cancelled_fetch_tells_at_once_and_waits_for_its_lookup(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, talk_nothing);
    scene.resolver_is_slow = true;
    certificate_fetch_cancel(begin(&scene, DIALOG_POSTGRES, "orders.example.net"));
    assert_true(scene.told);
    assert_int_equal(scene.status, UV_ECANCELED);
    for (int i = 0; i < 10; i++)
        uv_run(&scene.loop.uv, UV_RUN_NOWAIT);
    assert_false(scene.freed);
    answer_lookup(&scene);
    run_until(&scene.loop, is_set, &scene.freed);
    scene_fini(&scene);
}

static void a_fetch_is_cancelled_in_the_middle_of_a_conversation(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, talk_nothing);
    struct certificate_fetch *fetch = begin(&scene, DIALOG_POSTGRES, NULL);
    uv_run(&scene.loop.uv, UV_RUN_ONCE);
    certificate_fetch_cancel(fetch);
    assert_true(scene.told);
    run_until(&scene.loop, is_set, &scene.freed);
    scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(postgres_shows_its_certificate),
        cmocka_unit_test(mysql_shows_its_certificate),
        cmocka_unit_test(whoever_speaks_first_is_mysql_and_whoever_waits_is_postgres),
        cmocka_unit_test(a_server_may_offer_no_tls),
        cmocka_unit_test(the_server_is_asked_as_the_protocols_say),
        cmocka_unit_test(a_mysql_server_is_left_with_a_login_so_that_it_does_not_count_us),
        cmocka_unit_test(what_was_read_counts_however_the_server_takes_leave),
        cmocka_unit_test(the_servers_own_words_are_passed_on_without_their_control_bytes),
        cmocka_unit_test(what_is_no_database_is_said_to_be_none),
        cmocka_unit_test(a_server_that_talks_without_end_is_left),
        cmocka_unit_test(a_server_that_goes_away_is_told_from_one_that_resets),
        cmocka_unit_test(a_silent_server_is_left_after_three_seconds),
        cmocka_unit_test(a_name_is_looked_up_and_told_to_the_server),
        cmocka_unit_test(a_name_without_an_address_is_told),
        cmocka_unit_test(where_every_address_refuses_the_refusal_is_told),
        cmocka_unit_test(a_cancelled_fetch_tells_at_once_and_waits_for_its_lookup),
        cmocka_unit_test(a_fetch_is_cancelled_in_the_middle_of_a_conversation),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
