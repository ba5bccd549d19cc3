#include "base/json.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The line of the error, 0 when the text is accepted. */
static unsigned error_line_of(const void *text, size_t size)
{
    cJSON *root = NULL;
    struct failure why = {""};
    unsigned line = 0;
    int status = json_parse(text, size, &root, &line, &why);
    assert_true(status == 0 || (status == -EINVAL && line > 0 && !root && *why.text));
    cJSON_Delete(root);
    return status == 0 ? 0 : line;
}

static unsigned error_line(const char *text)
{
    return error_line_of(text, strlen(text));
}

static cJSON *parse(const char *text)
{
    cJSON *root = NULL;
    assert_int_equal(json_parse(text, strlen(text), &root, NULL, NULL), 0);
    return root;
}

static void members_are_found_by_exact_key_and_type(void **unused)
{
    (void)unused;
    cJSON *root = parse("{\"Name\": \"a\", \"name\": \"b\", \"on\": true, \"n\": 7}");
    assert_string_equal(json_text(root, "name"), "b");
    assert_null(json_member(root, "NAME"));
    assert_null(json_text(root, "n"));
    assert_true(json_bool(root, "on", false));
    assert_true(json_bool(root, "n", true));
    assert_null(json_member(NULL, "name"));
    cJSON_Delete(root);
}

static void integers_are_whole_and_within_2_to_the_53(void **unused)
{
    (void)unused;
    cJSON *root = parse("{\"zero\":0,\"most\":9007199254740992,\"more\":9007199254740994,"
                        "\"minus\":-1,\"part\":1.5,\"huge\":1e400,\"text\":\"1\"}");
    uint64_t value = 1;
    assert_true(json_integer(root, "zero", &value) && value == 0);
    assert_true(json_integer(root, "most", &value) && value == 9007199254740992u);
    assert_false(json_integer(root, "more", &value));
    assert_false(json_integer(root, "minus", &value));
    assert_false(json_integer(root, "part", &value));
    assert_false(json_integer(root, "huge", &value));
    assert_false(json_integer(root, "text", &value));
    assert_false(json_integer(root, "none", &value));
    cJSON_Delete(root);
}

static void an_error_names_its_line(void **unused)
{
    (void)unused;
    assert_int_equal(error_line("{\n\"a\": 1,\n\"b\": oops\n}"), 3);
    assert_int_equal(error_line("{\n\n\"a\": \"\x01\"}"), 3);
    assert_int_equal(error_line("{}\n\nx"), 3);
    assert_int_equal(error_line("{\n}}"), 2);
}

static void what_is_not_quite_json_is_refused(void **unused)
{
    (void)unused;
    const char *const wrong[] = {"", " ", "{", "[", "]", "}", "[}", "{]", "\"", "\"\\", "\"\\\"",
        "{\"a\"}", "{\"a\":}", "[1,]", "{} {}", "{}x", "nul", "'a'", "\"\\x\"", "\"a\nb\"",
        "\"\\u00\"", "\"\\ud800\"", "\"\\\n\"", "\x01{}", "{\x0b}", "[1\x0c]"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (error_line(wrong[i]) == 0)
            fail_msg("case %zu, \"%s\", was accepted", i, wrong[i]);
    }
}

static void nul_is_refused_raw_and_escaped(void **unused)
{
    (void)unused;
    assert_int_equal(error_line_of("{}\0", 3), 1);
    assert_int_equal(error_line_of("\"a\0b\"", 5), 1);
    assert_int_equal(error_line("\"a\\u0000b\""), 1);
    assert_int_equal(error_line("\"a\\\\u0000b\""), 0); /* a backslash and five characters */
}

static void only_valid_utf8_passes(void **unused)
{
    (void)unused;
    const char *const valid[] = {"\"\x7f\"", "\"\xc2\x80\"", "\"\xe0\xa0\x80\"", "\"\xed\x9f\xbf\"",
        "\"\xef\xbf\xbf\"", "\"\xf0\x90\x80\x80\"", "\"\xf4\x8f\xbf\xbf\""};
    const char *const wrong[] = {"\"\x80\"", "\"\xc1\xbf\"", "\"\xc2\"", "\"\xe0\x9f\xbf\"",
        "\"\xed\xa0\x80\"", "\"\xe2\x82\"", "\"\xf0\x8f\xbf\xbf\"", "\"\xf4\x90\x80\x80\"",
        "\"\xf5\x80\x80\x80\"", "\"\xff\"", "\"\\\xc3\xa4\"", "\xc3\xa4"};
    for (size_t i = 0; i < sizeof valid / sizeof *valid; i++)
        assert_int_equal(error_line(valid[i]), 0);
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        if (error_line(wrong[i]) == 0)
            fail_msg("case %zu was accepted", i);
    }
}

/* `depth` times "[", as many "]". */
static unsigned error_line_of_depth(unsigned depth)
{
    char *text = malloc(2 * depth);
    assert_non_null(text);
    memset(text, '[', depth);
    memset(text + depth, ']', depth);
    unsigned line = error_line_of(text, 2 * depth);
    free(text);
    return line;
}

static void depth_is_bounded(void **unused)
{
    (void)unused;
    assert_int_equal(error_line_of_depth(JSON_DEPTH_MAX), 0);
    assert_int_equal(error_line_of_depth(JSON_DEPTH_MAX + 1), 1);
    assert_int_equal(error_line_of_depth(100000), 1);
}

/* "[0,0, … ]" with `count` zeros. */
static unsigned error_line_of_values(size_t count)
{
    char *text = malloc(2 * count + 1);
    assert_non_null(text);
    for (size_t i = 0; i < count; i++)
        memcpy(text + 1 + 2 * i, "0,", 2);
    text[0] = '[';
    text[2 * count] = ']';
    unsigned line = error_line_of(text, 2 * count + 1);
    free(text);
    return line;
}

static void the_number_of_values_is_bounded(void **unused)
{
    (void)unused;
    assert_int_equal(error_line_of_values(JSON_VALUES_MAX), 0);
    assert_int_equal(error_line_of_values(JSON_VALUES_MAX + 1), 1);
}

static void brackets_inside_strings_do_not_count(void **unused)
{
    (void)unused;
    assert_int_equal(error_line("[\"]}\\\"]\", \"{[\"]"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_are_found_by_exact_key_and_type),
        cmocka_unit_test(integers_are_whole_and_within_2_to_the_53),
        cmocka_unit_test(an_error_names_its_line),
        cmocka_unit_test(what_is_not_quite_json_is_refused),
        cmocka_unit_test(nul_is_refused_raw_and_escaped),
        cmocka_unit_test(only_valid_utf8_passes),
        cmocka_unit_test(depth_is_bounded),
        cmocka_unit_test(the_number_of_values_is_bounded),
        cmocka_unit_test(brackets_inside_strings_do_not_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
