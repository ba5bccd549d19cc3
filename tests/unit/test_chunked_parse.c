#include "proxy/gateway/chunked_parse.h"

#include "tests/unit/unit.h"

#define DIGITS "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9"
#define END "x-amz-trailer-signature:" DIGITS "\r\n\r\n"

static void a_head_says_size_and_signature(void **unused)
{
    (void)unused;
    struct chunked_head head;
    const char *line = "1fF;chunk-signature=" DIGITS "\r\n";
    assert_true(chunked_parse_head(span_of_text(line), &head));
    assert_int_equal(head.size, 0x1ff);
    assert_memory_equal(line + head.signature_offset, DIGITS, 64);
    assert_true(chunked_parse_head(span_of_text("ffffffff;chunk-signature=" DIGITS "\r\n"), &head));
    assert_int_equal(head.size, 0xffffffff);
}

static void a_head_that_differs_in_a_byte_is_none(void **unused)
{
    (void)unused;
    static const char *const lines[] = {"", "\r\n", "1\r\n", ";chunk-signature=" DIGITS "\r\n",
        "1;chunk-signature=" DIGITS "\n", "1;chunk-signature=" DIGITS "\r",
        "0x1;chunk-signature=" DIGITS "\r\n", "1 ;chunk-signature=" DIGITS "\r\n",
        "1;chunk-signature=" DIGITS " \r\n", "1;chunk-signature= " DIGITS "\r\n",
        "1; chunk-signature=" DIGITS "\r\n", "1;Chunk-signature=" DIGITS "\r\n",
        "-1;chunk-signature=" DIGITS "\r\n", "1;chunk-signature=" DIGITS "0\r\n",
        "1;a=b;chunk-signature=" DIGITS "\r\n", "1;chunk-signature=x" DIGITS "\r\n",
        "100000000;chunk-signature=" DIGITS "\r\n",
        "1;chunk-signature=g6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n"};
    struct chunked_head head;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++)
        assert_false(chunked_parse_head(span_of_text(lines[i]), &head));
}

static void a_trailer_is_whole_at_the_line_after_its_signature(void **unused)
{
    (void)unused;
    const char *section = "a:1\n\r\n" END;
    size_t size = strlen(section);
    for (size_t i = 0; i < size; i++)
        assert_false(chunked_trailer_is_whole(span_of(section, i)));
    assert_true(chunked_trailer_is_whole(span_of(section, size)));
}

static void fields_are_ordered_and_trimmed(void **unused)
{
    (void)unused;
    struct chunked_trailer trailer;
    const char *section = "b: 2\t\r\nA:1\r\nc:\r\n" END;
    assert_true(chunked_parse_trailer(span_of_text(section), &trailer));
    assert_int_equal(trailer.count, 3);
    assert_memory_equal(trailer.fields[0].name.data, "A", 1);
    assert_true(trailer.fields[1].value.size == 1 && *trailer.fields[1].value.data == '2');
    assert_int_equal(trailer.fields[2].value.size, 0);
    assert_memory_equal(section + trailer.signature_offset, DIGITS, 64);
}

static void a_trailer_of_any_other_form_is_none(void **unused)
{
    (void)unused;
    static const char *const sections[] = {"", "\r\n", "a\r\n" END, ":1\r\n" END, "a b:1\r\n" END,
        "a:1\r\na:2\r\n" END, "a:1\r\nA:2\r\n" END, "a:\x01\r\n" END, "\r\n" END,
        "a:1\r\n\r\n\r\n" END, "a:1\r\n\r\nb:1\r\n" END, "a:1\r\n" END "b:1\r\n",
        "a:1\r\nx-amz-trailer-signature:" DIGITS "0\r\n\r\n",
        "a:1\r\nx-amz-trailer-signature: " DIGITS "\r\n\r\n",
        "a:1\r\nx-amz-trailer-signature:" DIGITS "\r\nb:1\r\n",
        "a:1\r\nb:1\r\nc:1\r\nd:1\r\ne:1\r\nf:1\r\ng:1\r\nh:1\r\ni:1\r\n" END};
    struct chunked_trailer trailer;
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        assert_false(chunked_parse_trailer(span_of_text(sections[i]), &trailer));
}

static void announced_are_all_and_no_others(void **unused)
{
    (void)unused;
    struct chunked_trailer trailer;
    assert_true(chunked_parse_trailer(span_of_text("a:1\r\nb:2\r\n" END), &trailer));
    assert_true(chunked_trailer_is_announced(&trailer, span_of_text("b, A")));
    assert_false(chunked_trailer_is_announced(&trailer, span_of_text("a")));
    assert_false(chunked_trailer_is_announced(&trailer, span_of_text("a,b,c")));
    assert_false(chunked_trailer_is_announced(&trailer, span_of_text("a,c")));
    assert_true(chunked_parse_trailer(span_of_text(END), &trailer));
    assert_true(chunked_trailer_is_announced(&trailer, span_of_text("")));
    assert_false(chunked_trailer_is_announced(&trailer, span_of_text("a")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_says_size_and_signature),
        cmocka_unit_test(a_head_that_differs_in_a_byte_is_none),
        cmocka_unit_test(a_trailer_is_whole_at_the_line_after_its_signature),
        cmocka_unit_test(fields_are_ordered_and_trimmed),
        cmocka_unit_test(a_trailer_of_any_other_form_is_none),
        cmocka_unit_test(announced_are_all_and_no_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
