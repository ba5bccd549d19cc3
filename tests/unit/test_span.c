#include "base/span.h"

#include "tests/unit/unit.h"

static void a_span_borrows_what_it_shows(void **unused)
{
    (void)unused;
    const char *text = "abc";
    struct span span = span_of_text(text);
    assert_ptr_equal(span.data, text);
    assert_int_equal(span.size, 3);
    assert_int_equal(span_of(text, 1).size, 1);
}

static void integers_are_big_endian(void **unused)
{
    (void)unused;
    const uint8_t wire[] = {0xfe, 0xdc, 0xba, 0x98};
    uint8_t out[4];
    assert_int_equal(read_be16(wire), 0xfedc);
    assert_true(read_be32(wire) == 0xfedcba98u);
    write_be16(out, 0xfedc);
    assert_memory_equal(out, wire, 2);
    write_be32(out, 0xfedcba98u);
    assert_memory_equal(out, wire, 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_span_borrows_what_it_shows),
        cmocka_unit_test(integers_are_big_endian),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
