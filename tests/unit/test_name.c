#include "base/name.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static struct name name_of(const char *text)
{
    struct name name;
    if (!name_from_text(text, &name))
        fail_msg("\"%s\" was refused", text);
    return name;
}

static void a_name_becomes_lower_case_wire_form(void **unused)
{
    (void)unused;
    const uint8_t wire[] = "\2db\4shop\10internal";
    struct name name = name_of("DB.Shop.INTERNAL");
    assert_int_equal(name.size, sizeof wire);
    assert_memory_equal(name.wire, wire, sizeof wire);
}

static void the_final_dot_makes_no_difference(void **unused)
{
    (void)unused;
    struct name with = name_of("db.shop."), without = name_of("db.shop");
    assert_true(name_equal(&with, &without));
}

static void the_root_is_a_name(void **unused)
{
    (void)unused;
    char text[NAME_TEXT_SIZE];
    struct name root = name_of(".");
    assert_int_equal(root.size, 1);
    assert_int_equal(root.wire[0], 0);
    assert_int_equal(name_labels(root.wire), 0);
    name_to_text(root.wire, root.size, text);
    assert_string_equal(text, ".");
}

static void malformed_names_are_refused(void **unused)
{
    (void)unused;
    const char *const wrong[] = {"", "..", ".a", "a..b", "a..", "a\\", "a\\2", "a\\25", "a\\256",
        "a\\999", "a b", "a\tb", "b\303\274cher"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct name name;
        if (name_from_text(wrong[i], &name))
            fail_msg("\"%s\" was accepted", wrong[i]);
    }
}

static void escapes_give_any_byte_and_come_back_as_they_were(void **unused)
{
    (void)unused;
    const uint8_t wire[] = "\7a.b\\\0 \377\1c";
    char text[NAME_TEXT_SIZE];
    struct name name = name_of("a\\.b\\\\\\000\\032\\255.c");
    assert_int_equal(name.size, sizeof wire);
    assert_memory_equal(name.wire, wire, sizeof wire);
    name_to_text(name.wire, name.size, text);
    assert_string_equal(text, "a\\.b\\\\\\000\\032\\255.c");
}

static void a_label_has_63_bytes_at_most(void **unused)
{
    (void)unused;
    char text[80];
    struct name name;
    snprintf(text, sizeof text, "%063d.x", 0);
    assert_true(name_from_text(text, &name));
    snprintf(text, sizeof text, "%064d.x", 0);
    assert_false(name_from_text(text, &name));
}

/* Three labels of 63 and one of `last`: 3 * 64 + 1 + last + 1 bytes. */
static bool takes_name_with_last_label(unsigned last, const char *end, struct name *ret)
{
    char text[512];
    snprintf(text, sizeof text, "%063d.%063d.%063d.%0*d%s", 0, 0, 0, (int)last, 0, end);
    return name_from_text(text, ret);
}

static void a_name_has_255_bytes_at_most(void **unused)
{
    (void)unused;
    struct name name;
    assert_true(takes_name_with_last_label(61, "", &name));
    assert_int_equal(name.size, 255);
    assert_true(takes_name_with_last_label(61, ".", &name));
    assert_int_equal(name.size, 255);
    assert_false(takes_name_with_last_label(62, "", &name));
    assert_false(takes_name_with_last_label(59, ".aa", &name));
    assert_true(takes_name_with_last_label(59, ".a", &name));
    assert_false(takes_name_with_last_label(61, ".a", &name));
}

static void a_name_of_127_labels_is_the_longest(void **unused)
{
    (void)unused;
    char text[300] = "";
    struct name name;
    for (unsigned i = 0; i < NAME_LABELS_MAX; i++)
        strcat(text, "a.");
    assert_true(name_from_text(text, &name));
    assert_int_equal(name_labels(name.wire), NAME_LABELS_MAX);
    strcat(text, "a.");
    assert_false(name_from_text(text, &name));
}

static void the_longest_text_fits_its_buffer(void **unused)
{
    (void)unused;
    char text[NAME_TEXT_SIZE];
    struct name name;
    assert_true(takes_name_with_last_label(61, "", &name));
    for (size_t i = 0; i < name.size; i++) {
        if (name.wire[i] == '0')
            name.wire[i] = 0xff;
    }
    name_to_text(name.wire, name.size, text);
    assert_int_equal(strlen(text), 4 * (3 * 63 + 61) + 3);
}

static void within_compares_whole_labels(void **unused)
{
    (void)unused;
    struct name suffix = name_of("shop.internal"), below = name_of("db.shop.internal"),
                beside = name_of("workshop.internal"), above = name_of("internal"),
                root = name_of(".");
    assert_true(name_within(suffix.wire, suffix.size, &suffix));
    assert_true(name_within(below.wire, below.size, &suffix));
    assert_false(name_within(beside.wire, beside.size, &suffix));
    assert_false(name_within(above.wire, above.size, &suffix));
    assert_true(name_within(above.wire, above.size, &root));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_becomes_lower_case_wire_form),
        cmocka_unit_test(the_final_dot_makes_no_difference),
        cmocka_unit_test(the_root_is_a_name),
        cmocka_unit_test(malformed_names_are_refused),
        cmocka_unit_test(escapes_give_any_byte_and_come_back_as_they_were),
        cmocka_unit_test(a_label_has_63_bytes_at_most),
        cmocka_unit_test(a_name_has_255_bytes_at_most),
        cmocka_unit_test(a_name_of_127_labels_is_the_longest),
        cmocka_unit_test(the_longest_text_fits_its_buffer),
        cmocka_unit_test(within_compares_whole_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
