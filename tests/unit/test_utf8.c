#include "base/utf8.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static size_t size_of(const char *text)
{
    return utf8_size((const unsigned char *)text, strlen(text));
}

static void each_length_has_its_first_and_last_sequence(void **unused)
{
    (void)unused;
    assert_int_equal(size_of("\x7f"), 1);
    assert_int_equal(size_of("\xc2\x80"), 2);
    assert_int_equal(size_of("\xdf\xbf"), 2);
    assert_int_equal(size_of("\xe0\xa0\x80"), 3);
    assert_int_equal(size_of("\xef\xbf\xbf"), 3);
    assert_int_equal(size_of("\xf0\x90\x80\x80"), 4);
    assert_int_equal(size_of("\xf4\x8f\xbf\xbf"), 4);
}

static void overlong_forms_surrogates_and_beyond_are_none(void **unused)
{
    (void)unused;
    const char *const wrong[] = {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80",
        "\xed\xbf\xbf", "\xf0\x8f\xbf\xbf", "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xff"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(size_of(wrong[i]), 0);
}

static void a_torn_sequence_is_none(void **unused)
{
    (void)unused;
    assert_int_equal(size_of("\xc2"), 0);
    assert_int_equal(size_of("\xe2\x82"), 0);
    assert_int_equal(size_of("\xf0\x9f\x98"), 0);
    assert_int_equal(size_of("\xc2"
                             "a"),
        0);
}

static void assert_mended(const char *text, const char *mended)
{
    char copy[32];
    snprintf(copy, sizeof copy, "%s", text);
    utf8_mend(copy);
    assert_string_equal(copy, mended);
}

static void what_is_no_character_is_taken_out(void **unused)
{
    (void)unused;
    assert_mended("", "");
    assert_mended("r\xc3\xa9gion \xf0\x9f\x98\x80", "r\xc3\xa9gion \xf0\x9f\x98\x80");
    assert_mended("\"r\xc3\" is none", "\"r\" is none");
    assert_mended("cut \xe2\x82", "cut ");
    assert_mended("\xff\xfe", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_length_has_its_first_and_last_sequence),
        cmocka_unit_test(overlong_forms_surrogates_and_beyond_are_none),
        cmocka_unit_test(a_torn_sequence_is_none),
        cmocka_unit_test(what_is_no_character_is_taken_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
