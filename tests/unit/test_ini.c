#include "base/ini.h"

#include "base/text.h"

#include "tests/unit/unit.h"

#include <errno.h>

static struct ini parse(const char *text)
{
    struct ini ini;
    ini_parse(span_of_text(text), &ini);
    return ini;
}

static void keys_belong_to_the_section_above_them(void **unused)
{
    (void)unused;
    struct ini ini = parse("lost = 1\n[default]\r\nregion = eu-west-1\r\n\n[ profile ops ]\n"
                           "region=us-west-2\nrole_arn = arn:aws:iam::1:role/a=b");
    assert_string_equal(ini_value(&ini, "default", "region"), "eu-west-1");
    assert_string_equal(ini_value(&ini, "profile ops", "region"), "us-west-2");
    assert_string_equal(ini_value(&ini, "profile ops", "role_arn"), "arn:aws:iam::1:role/a=b");
    assert_null(ini_value(&ini, "default", "role_arn"));
    assert_null(ini_value(&ini, "default", "lost"));
    assert_true(ini_has_section(&ini, "default"));
    assert_false(ini_has_section(&ini, "ops"));
    ini_fini(&ini);
}

static void an_empty_section_is_there_and_an_empty_value_is_not(void **unused)
{
    (void)unused;
    struct ini ini = parse("[a]\n[b]\nkey =\n");
    assert_true(ini_has_section(&ini, "a"));
    assert_null(ini_value(&ini, "b", "key"));
    ini_fini(&ini);
}

static void comments_and_indented_lines_are_passed_over(void **unused)
{
    (void)unused;
    struct ini ini = parse("# [a]\n[b]\n;key = 1\ns3 =\n  key = 2\n\tkey = 3\nother = 4 # four\n"
                           "more = a#b\n");
    assert_null(ini_value(&ini, "b", "key"));
    assert_string_equal(ini_value(&ini, "b", "other"), "4");
    assert_string_equal(ini_value(&ini, "b", "more"), "a#b");
    ini_fini(&ini);
}

static void the_last_word_counts(void **unused)
{
    (void)unused;
    struct ini ini = parse("[a]\nkey = 1\n[b]\n[a]\nkey = 2\n");
    assert_string_equal(ini_value(&ini, "a", "key"), "2");
    ini_fini(&ini);
}

static void entries_have_their_bound(void **unused)
{
    (void)unused;
    struct text text = {0};
    text_put(&text, "[a]\n");
    for (int i = 1; i <= INI_ENTRIES_MOST; i++)
        text_format(&text, "k%d = 1\n", i);
    struct ini ini = parse(text.data);
    assert_int_equal(ini.count, INI_ENTRIES_MOST);
    assert_non_null(ini_value(&ini, "a", "k4095"));
    assert_null(ini_value(&ini, "a", "k4096"));
    ini_fini(&ini);
    text_fini(&text);
}

static void a_file_that_is_not_there_has_no_entries(void **unused)
{
    (void)unused;
    struct ini ini;
    assert_int_equal(ini_read("/nonexistent/config", &ini), -ENOENT);
    assert_null(ini_value(&ini, "a", "b"));
    ini_fini(&ini);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_belong_to_the_section_above_them),
        cmocka_unit_test(an_empty_section_is_there_and_an_empty_value_is_not),
        cmocka_unit_test(comments_and_indented_lines_are_passed_over),
        cmocka_unit_test(the_last_word_counts),
        cmocka_unit_test(entries_have_their_bound),
        cmocka_unit_test(a_file_that_is_not_there_has_no_entries),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
