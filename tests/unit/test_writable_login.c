/* With a user: the databases' own client libraries, before servers that answer all sorts of things.
 */
#include "tests/unit/probe_scene.h"
#include "tests/unit/sample.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* AuthenticationOk, ReadyForQuery. */
#define PG_WELCOME TEXT_OF("R\0\0\0\x08\0\0\0\0Z\0\0\0\5I")
#define PG_COLUMN "x\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff\xff\xff\xff\0\0"
#define PG_COLUMNS "T\0\0\0\x2e\0\2" PG_COLUMN PG_COLUMN
#define PG_END "C\0\0\0\x0dSELECT 1\0Z\0\0\0\5I"
#define PG_ROW_WRITABLE "D\0\0\0\x12\0\2\0\0\0\1f\0\0\0\3off"
/* No TLS here; welcome; an answer to the question. */
#define PG_ANSWER(...)                                                                             \
    {                                                                                              \
        .lines = { {TEXT_OF("N")}, {PG_WELCOME}, {__VA_ARGS__} }                                   \
    }
#define PG_ROWS(rows) PG_ANSWER(TEXT_OF(PG_COLUMNS rows PG_END))

static const struct script pg_writable = PG_ROWS(PG_ROW_WRITABLE);
static const struct script pg_asks_for_password = {.lines = {{TEXT_OF("R\0\0\0\x08\0\0\0\3")}}};
static const struct script pg_in_recovery = PG_ROWS("D\0\0\0\x11\0\2\0\0\0\1t\0\0\0\2on");
static const struct script pg_read_only = PG_ROWS("D\0\0\0\x11\0\2\0\0\0\1f\0\0\0\2on");

/* Without TLS, by mysql_native_password; then any login is good. */
#define MY_GREETING                                                                                \
    TEXT_OF("\x4f\0\0\0\n5.5.5-10.11\0\1\0\0\0"                                                    \
            "abcdefgh\0\x0f\xa2\x21\2\0\x08\0\x15\0\0\0\0\0\0\0\0\0\0"                             \
            "ijklmnopqrst\0mysql_native_password\0")
#define MY_WELCOME TEXT_OF("\7\0\0\2\0\0\0\2\0\0\0")
#define MY_COLUMN(number) "\x17\0\0" number "\3def\0\0\0\1x\0\x0c\x3f\0\1\0\0\0\x08\x81\0\0\0\0"
#define MY_COLUMNS "\1\0\0\1\2" MY_COLUMN("\2") MY_COLUMN("\3") "\5\0\0\4\xfe\0\0\2\0"
#define MY_END(number) "\5\0\0" number "\xfe\0\0\2\0"
#define MY_ANSWER(...)                                                                             \
    {                                                                                              \
        .speaks_first = true, .lines = { {MY_GREETING}, {MY_WELCOME}, {__VA_ARGS__} }              \
    }
#define MY_ROWS(rows) MY_ANSWER(TEXT_OF(MY_COLUMNS rows))

static const struct script my_writable = MY_ROWS("\4\0\0\5\1"
                                                 "0\1"
                                                 "0" MY_END("\6"));
static const struct script my_read_only = MY_ROWS("\4\0\0\5\1"
                                                  "1\1"
                                                  "0" MY_END("\6"));
static const struct script my_reader = MY_ROWS("\4\0\0\5\1"
                                               "0\1"
                                               "1" MY_END("\6"));
static const struct script my_writable_in_words = MY_ROWS("\6\0\0\5\3OFF\1"
                                                          "0" MY_END("\6"));

static void start(
    struct probe_scene *scene, enum config_probe_type type, const struct script *const *scripts)
{
    probe_scene_init(scene, type, "probe", scripts);
    probe_scene_start(scene);
}

static void postgres_is_writable_out_of_recovery_and_not_read_only(void **unused)
{
    (void)unused;
    struct probe_scene scene;
    start(&scene, CONFIG_PROBE_POSTGRES,
        (const struct script *const[]){&pg_in_recovery, &pg_read_only, &pg_writable, NULL});
    probe_scene_wait_words(&scene, ": in recovery");
    probe_scene_wait_words(&scene, ": transactions are read-only");
    probe_scene_wait_done(&scene);
    assert_int_equal(scene.server.connections, 4);
    probe_scene_fini(&scene);
}

static void mysql_is_writable_when_neither_it_nor_its_storage_is_read_only(void **unused)
{
    (void)unused;
    struct probe_scene scene;
    start(&scene, CONFIG_PROBE_MYSQL,
        (const struct script *const[]){
            &my_read_only, &my_reader, &my_writable, &my_writable_in_words, NULL});
    probe_scene_wait_words(&scene, ": read_only is set");
    probe_scene_wait_words(&scene, ": innodb_read_only is set");
    probe_scene_wait_done(&scene);
    assert_int_equal(scene.server.connections, 4);
    probe_scene_fini(&scene);
}

static void two_in_a_row_are_needed(void **unused)
{
    (void)unused;
    struct probe_scene scene;
    start(&scene, CONFIG_PROBE_POSTGRES,
        (const struct script *const[]){&pg_writable, &pg_in_recovery, &pg_writable, NULL});
    probe_scene_wait_done(&scene);
    assert_int_equal(scene.server.connections, 4);
    probe_scene_fini(&scene);
    start(&scene, CONFIG_PROBE_MYSQL,
        (const struct script *const[]){&my_writable, &my_reader, &my_writable, NULL});
    probe_scene_wait_done(&scene);
    assert_int_equal(scene.server.connections, 4);
    probe_scene_fini(&scene);
}

struct odd {
    struct script script;
    const char *words;
};

static void assert_not_yet(
    enum config_probe_type type, const struct odd *odd, size_t count, const struct script *good)
{
    for (size_t i = 0; i < count; i++) {
        struct probe_scene scene;
        start(&scene, type, (const struct script *const[]){&odd[i].script, good, NULL});
        probe_scene_wait_words(&scene, odd[i].words);
        probe_scene_wait_done(&scene);
        assert_int_equal(scene.server.connections, 3);
        probe_scene_fini(&scene);
    }
}

static void no_odd_answer_makes_postgres_writable(void **unused)
{
    (void)unused;
    static const struct odd odd[] = {
        {PG_ROWS(""), ": no answer to the question"},
        {PG_ROWS(PG_ROW_WRITABLE PG_ROW_WRITABLE), ": an answer that was not asked for"},
        {PG_ROWS("D\0\0\0\x0f\0\2\0\0\0\1f\xff\xff\xff\xff"), ": an answer that was not asked for"},
        {PG_ROWS("D\0\0\0\x12\0\2\0\0\0\1x\0\0\0\3off"), ": an answer that was not asked for"},
        {PG_ANSWER(TEXT_OF(PG_END)), ": an answer that was not asked for"},
        {PG_ANSWER(TEXT_OF("I\0\0\0\4Z\0\0\0\5I")), ": an answer that was not asked for"},
        {PG_ANSWER(TEXT_OF("E\0\0\0\x10SERROR\0Mno\0\0Z\0\0\0\5I")), ": ERROR:  no"},
        {PG_ANSWER(TEXT_OF(PG_COLUMNS PG_ROW_WRITABLE), SCRIPT_RESETS),
            ": server closed the connection unexpectedly"},
        {PG_ANSWER(TEXT_OF("T\0\0\0\x2e\0\2x"), SCRIPT_CLOSES),
            ": server closed the connection unexpectedly"},
        {PG_ANSWER(TEXT_OF("N\0\0\0\x0cMnever\0\0"), SCRIPT_FLOODS), ": an answer without end"},
        {PG_ANSWER({0}), ": no answer within 2000 ms"},
        {{.lines = {{TEXT_OF("HTTP/1.1 400 Bad Request\r\n\r\n")}}},
            ": received invalid response to SSL negotiation: H"},
        {{.lines = {{TEXT_OF("N")}, {TEXT_OF("SSH-2.0-x\r\n")}}},
            ": expected authentication request from server, but received S"},
        {{.lines = {{TEXT_OF("N")},
              {TEXT_OF("E\0\0\0\x18SFATAL\0C28P01\0Mbad\0\0"), SCRIPT_CLOSES}}},
            ": FATAL:  bad"},
        {{.lines = {{TEXT_OF("N")}, {TEXT_OF("R\0\0\0\x08\0\0\0\x07")}}},
            ": host name must be specified"},
    };
    assert_not_yet(CONFIG_PROBE_POSTGRES, odd, sizeof odd / sizeof *odd, &pg_writable);
}

static void no_odd_answer_makes_mysql_writable(void **unused)
{
    (void)unused;
    static const struct odd odd[] = {
        {MY_ROWS(MY_END("\5")), ": an answer that was not asked for"},
        {MY_ROWS("\4\0\0\5\1"
                 "0\1"
                 "0\4\0\0\6\1"
                 "0\1"
                 "0" MY_END("\7")),
            ": an answer that was not asked for"},
        {MY_ROWS("\3\0\0\5\1"
                 "0\xfb" MY_END("\6")),
            ": an answer that was not asked for"},
        {MY_ANSWER(TEXT_OF("\7\0\0\1\0\0\0\2\0\0\0")), ": an answer that was not asked for"},
        {MY_ANSWER(TEXT_OF("\x0b\0\0\1\xff\x15\x04#28000no")), ": no"},
        {{.speaks_first = true,
             .lines = {{MY_GREETING}, {MY_WELCOME}, {TEXT_OF("\x0c\0\0\1\xfb/etc/passwd")},
                 {TEXT_OF("\7\0\0\3\0\0\0\2\0\0\0")}}},
            ": Load data local infile forbidden"},
        {MY_ANSWER(TEXT_OF(MY_COLUMNS), SCRIPT_RESETS), ": Lost connection to server during query"},
        {MY_ANSWER(TEXT_OF("\1\0\0\1\2"), SCRIPT_CLOSES),
            ": Lost connection to server during query"},
        /* a second row, and never an end: nobody may wait for it */
        {MY_ROWS("\4\0\0\5\1"
                 "0\1"
                 "0\4\0\0\6\1"
                 "0\1"
                 "0"),
            ": an answer that was not asked for"},
        {MY_ANSWER({0}), ": no answer within 2000 ms"},
        {{.speaks_first = true, .lines = {{TEXT_OF("SSH-2.0-x\r\n")}}},
            ": Lost connection to server at 'handshake: "},
        {{.speaks_first = true,
             .lines = {{MY_GREETING}, {TEXT_OF("\x0b\0\0\2\xff\x15\x04#28000no")}}},
            ": no"},
        {{.speaks_first = true,
             .lines = {{MY_GREETING}, {TEXT_OF("\x0c\0\0\2\xfe"
                                               "dialog\0\4pw\0")}}},
            "couldn't be found in restricted_auth plugin list"},
    };
    assert_not_yet(CONFIG_PROBE_MYSQL, odd, sizeof odd / sizeof *odd, &my_writable);
}

static void nothing_is_left_behind_wherever_it_is_stopped(void **unused)
{
    (void)unused;
    static const struct {
        enum config_probe_type type;
        const char *user;
        const struct script *script;
    } cases[] = {
        {CONFIG_PROBE_POSTGRES, "probe", &pg_writable},
        {CONFIG_PROBE_MYSQL, "probe", &my_writable},
        {CONFIG_PROBE_POSTGRES, NULL, &pg_asks_for_password},
        {CONFIG_PROBE_MYSQL, NULL, &my_writable},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (unsigned turns = 0, done = 0; !done; turns++) {
            struct probe_scene scene;
            probe_scene_init(&scene, cases[i].type, cases[i].user,
                (const struct script *const[]){cases[i].script, NULL});
            probe_scene_start(&scene);
            for (unsigned turn = 0; turn < turns; turn++)
                uv_run(&scene.loop.uv, UV_RUN_ONCE);
            done = scene.done || scene.server.connections == 2;
            probe_scene_fini(&scene);
        }
    }
}

/* In a file of its own, which the probe of `scene` reads. */
static void put_password(struct probe_scene *scene, const char *path, const char *text)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
    scene->relay.probe_password_file = (char *)(uintptr_t)path;
}

static void the_password_is_read_anew_for_each_question(void **unused)
{
    (void)unused;
    struct probe_scene scene;
    char path[] = "/tmp/pilotlight-password.XXXXXX";
    char words[128];
    close(mkstemp(path));
    probe_scene_init(
        &scene, CONFIG_PROBE_POSTGRES, "probe", (const struct script *const[]){&pg_writable, NULL});
    put_password(&scene, path, "");
    assert_int_equal(unlink(path), 0);
    probe_scene_start(&scene);
    snprintf(words, sizeof words, "password file %s: No such file or directory", path);
    probe_scene_wait_words(&scene, words);
    assert_int_equal(scene.server.connections, 0);
    put_password(&scene, path, "secret\n");
    probe_scene_wait_done(&scene);
    unlink(path);
    probe_scene_fini(&scene);
}

static void a_password_that_a_server_repeats_is_not_passed_on(void **unused)
{
    (void)unused;
    static const struct script asks_in_clear = {
        .lines = {{TEXT_OF("N")}, {TEXT_OF("R\0\0\0\x08\0\0\0\3")},
            {TEXT_OF("E\0\0\0\x23SFATAL\0C28P01\0Mbad hunter2 it is\0\0"), SCRIPT_CLOSES}}};
    struct probe_scene scene;
    char path[] = "/tmp/pilotlight-password.XXXXXX";
    close(mkstemp(path));
    probe_scene_init(&scene, CONFIG_PROBE_POSTGRES, "probe",
        (const struct script *const[]){&asks_in_clear, NULL});
    put_password(&scene, path, "hunter2\r\nand a second line");
    probe_scene_start(&scene);
    probe_scene_wait_words(&scene, ": (its words hold the password)");
    unlink(path);
    probe_scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(postgres_is_writable_out_of_recovery_and_not_read_only),
        cmocka_unit_test(mysql_is_writable_when_neither_it_nor_its_storage_is_read_only),
        cmocka_unit_test(two_in_a_row_are_needed),
        cmocka_unit_test(no_odd_answer_makes_postgres_writable),
        cmocka_unit_test(no_odd_answer_makes_mysql_writable),
        cmocka_unit_test(nothing_is_left_behind_wherever_it_is_stopped),
        cmocka_unit_test(the_password_is_read_anew_for_each_question),
        cmocka_unit_test(a_password_that_a_server_repeats_is_not_passed_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
