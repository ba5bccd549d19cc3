#include "tests/unit/unit.h"

#include "base/memory.h"
#include "programs/cli_options.h"

#include <stdlib.h>
#include <string.h>

static struct options options;
static struct failure why;

static int parse(const char *const *words)
{
    int argc = 0;
    while (words[argc])
        argc++;
    why.text[0] = '\0';
    return options_parse(argc, (char **)(uintptr_t)words, &options, &why);
}

#define PARSE(...) parse((const char *const[]){"pilotlight", __VA_ARGS__, NULL})

static int forget(void **unused)
{
    (void)unused;
    options_fini(&options);
    memset(&options, 0, sizeof options);
    return 0;
}

static void options_stand_before_and_after_the_command(void **unused)
{
    (void)unused;
    assert_int_equal(
        PARSE("--json", "failover", "--yes", "us-west-2", "--reason=drill", "-c", "/a/b"), 0);
    assert_int_equal(options.command, CLI_FAILOVER);
    assert_string_equal(options.arguments[0], "us-west-2");
    assert_true(options.json);
    assert_true(options.yes);
    assert_string_equal(options.reason, "drill");
    assert_string_equal(options.config, "/a/b");
}

static void a_value_follows_an_equals_sign_or_a_space(void **unused)
{
    (void)unused;
    assert_int_equal(PARSE("status", "--socket=/a=b", "--config", "--json"), 0);
    assert_string_equal(options.socket, "/a=b");
    assert_string_equal(options.config, "--json");
    assert_false(options.json);
}

static void groups_add_up(void **unused)
{
    (void)unused;
    assert_int_equal(PARSE("switchover", "--group", "data", "eu", "--group=static"), 0);
    assert_int_equal(options.group_count, 2);
    assert_string_equal(options.groups[0], "data");
    assert_string_equal(options.groups[1], "static");
}

static void force_alone_takes_no_word_from_the_line(void **unused)
{
    (void)unused;
    assert_int_equal(PARSE("failover", "--force", "us-west-2"), 0);
    assert_true(options.force_all);
    assert_string_equal(options.arguments[0], "us-west-2");
}

static void force_takes_words_and_each_once(void **unused)
{
    (void)unused;
    assert_int_equal(PARSE("failover", "x", "--force=lag,dns-only,lag", "--force=latch"), 0);
    assert_false(options.force_all);
    assert_int_equal(options.force_count, 3);
    assert_string_equal(options.force[1], "dns-only");
    assert_string_equal(options.force[2], "latch");
}

static void a_force_word_that_nobody_knows_is_an_error(void **unused)
{
    (void)unused;
    assert_int_not_equal(PARSE("failover", "x", "--force=lag,everything"), 0);
    assert_non_null(strstr(why.text, "everything"));
}

static void timeouts_are_durations(void **unused)
{
    (void)unused;
    assert_int_equal(PARSE("wait", "--timeout", "5m"), 0);
    assert_true(options.has_timeout);
    assert_int_equal(options.timeout_ms, 300000);
    assert_int_not_equal(PARSE("wait", "--timeout", "soon"), 0);
    assert_non_null(strstr(why.text, "soon"));
}

static void an_unknown_command_is_answered_with_the_nearest(void **unused)
{
    (void)unused;
    assert_int_not_equal(PARSE("failovr", "us-west-2"), 0);
    assert_non_null(strstr(why.text, "\"failover\""));
    assert_int_not_equal(PARSE("hist"), 0);
    assert_non_null(strstr(why.text, "\"history\""));
    assert_int_not_equal(PARSE("frobnicate"), 0);
    assert_null(strstr(why.text, "did you mean"));
}

static void an_unknown_option_is_answered_with_the_nearest(void **unused)
{
    (void)unused;
    assert_int_not_equal(PARSE("failover", "x", "--switchonly"), 0);
    assert_non_null(strstr(why.text, "--switch-only"));
    assert_int_not_equal(PARSE("status", "-x"), 0);
}

static void an_option_of_another_command_is_an_error(void **unused)
{
    (void)unused;
    assert_int_not_equal(PARSE("switchover", "x", "--switch-only"), 0);
    assert_int_not_equal(PARSE("status", "--yes"), 0);
    assert_int_not_equal(PARSE("failover", "x", "--local"), 0);
    options_fini(&options);
    assert_int_equal(PARSE("failover", "x", "--local", "--switch-only"), 0);
}

static void arguments_are_counted(void **unused)
{
    (void)unused;
    assert_int_not_equal(PARSE("failover"), 0);
    assert_int_not_equal(PARSE("failover", "a", "b"), 0);
    assert_int_not_equal(PARSE("explain", "a", "A", "b"), 0);
    assert_int_not_equal(PARSE("--json"), 0);
    assert_int_not_equal(PARSE("ca", "a"), 0);
    assert_int_equal(PARSE("flush"), 0);
    options_fini(&options);
    assert_int_equal(PARSE("connections"), 0);
    options_fini(&options);
    assert_int_equal(PARSE("connections", "orders-db"), 0);
    options_fini(&options);
    assert_int_not_equal(PARSE("connections", "orders-db", "search"), 0);
}

static void values_must_be_there_and_flags_have_none(void **unused)
{
    (void)unused;
    assert_int_not_equal(PARSE("status", "--socket"), 0);
    assert_int_not_equal(PARSE("status", "--socket="), 0);
    assert_int_not_equal(PARSE("status", "--json=yes"), 0);
}

static void an_error_knows_that_json_is_wanted(void **unused)
{
    (void)unused;
    assert_int_not_equal(PARSE("--nonsense", "status", "--json"), 0);
    assert_true(options.json);
}

static void words_after_two_dashes_are_plain(void **unused)
{
    (void)unused;
    assert_int_equal(PARSE("explain", "--", "--json"), 0);
    assert_false(options.json);
    assert_string_equal(options.arguments[0], "--json");
}

static void help_needs_nothing_else(void **unused)
{
    (void)unused;
    assert_int_equal(PARSE("failover", "--help"), 0);
    assert_true(options.help);
    assert_int_equal(PARSE("--version"), 0);
    assert_true(options.version);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(options_stand_before_and_after_the_command, forget),
        cmocka_unit_test_teardown(a_value_follows_an_equals_sign_or_a_space, forget),
        cmocka_unit_test_teardown(groups_add_up, forget),
        cmocka_unit_test_teardown(force_alone_takes_no_word_from_the_line, forget),
        cmocka_unit_test_teardown(force_takes_words_and_each_once, forget),
        cmocka_unit_test_teardown(a_force_word_that_nobody_knows_is_an_error, forget),
        cmocka_unit_test_teardown(timeouts_are_durations, forget),
        cmocka_unit_test_teardown(an_unknown_command_is_answered_with_the_nearest, forget),
        cmocka_unit_test_teardown(an_unknown_option_is_answered_with_the_nearest, forget),
        cmocka_unit_test_teardown(an_option_of_another_command_is_an_error, forget),
        cmocka_unit_test_teardown(arguments_are_counted, forget),
        cmocka_unit_test_teardown(values_must_be_there_and_flags_have_none, forget),
        cmocka_unit_test_teardown(an_error_knows_that_json_is_wanted, forget),
        cmocka_unit_test_teardown(words_after_two_dashes_are_plain, forget),
        cmocka_unit_test_teardown(help_needs_nothing_else, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
