#include "base/percent.h"

#include "tests/unit/unit.h"

static void every_byte_comes_back_from_its_encoding(void **unused)
{
    (void)unused;
    for (int byte = 0; byte < 256; byte++) {
        char encoded[PERCENT_MOST];
        size_t size = percent_put((uint8_t)byte, encoded);
        assert_int_equal(size == 1, percent_is_unreserved((uint8_t)byte));
        struct span text = span_of(encoded, size);
        assert_int_equal(percent_take(&text), byte);
        assert_int_equal(text.size, 0);
    }
}

static void the_unreserved_bytes_are_those_of_the_rfc(void **unused)
{
    (void)unused;
    const char *list = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (int byte = 1; byte < 256; byte++)
        assert_int_equal(percent_is_unreserved((uint8_t)byte), strchr(list, byte) != NULL);
    assert_false(percent_is_unreserved(0));
}

static void a_stray_percent_sign_stands_for_itself(void **unused)
{
    (void)unused;
    char out[16];
    size_t size = 0;
    assert_true(percent_decode(span_of_text("%4%41%zz%"), out, sizeof out, &size));
    assert_int_equal(size, 7);
    assert_memory_equal(out, "%4A%zz%", 7);
}

static void what_does_not_fit_is_not_cut(void **unused)
{
    (void)unused;
    char out[2];
    size_t size = 0;
    assert_true(percent_decode(span_of_text("%41%42"), out, sizeof out, &size) && size == 2);
    assert_false(percent_decode(span_of_text("%41%42%43"), out, sizeof out, &size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_byte_comes_back_from_its_encoding),
        cmocka_unit_test(the_unreserved_bytes_are_those_of_the_rfc),
        cmocka_unit_test(a_stray_percent_sign_stands_for_itself),
        cmocka_unit_test(what_does_not_fit_is_not_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
