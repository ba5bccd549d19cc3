/* A browser's form up to its file. */
#include "tests/unit/unit.h"

#include "base/text.h"
#include "proxy/gateway/form.h"
#include "proxy/gateway/spans.h"

#include <errno.h>

#define FIELD(name, value)                                                                         \
    "--B\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
#define FILE_HEAD(name)                                                                            \
    "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"" name "\"\r\n"              \
    "Content-Type: image/jpeg\r\n\r\n"

#define TWO_DISPOSITIONS                                                                           \
    "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n"                                        \
    "Content-Disposition: form-data; x=y\r\n\r\n"

static int read_text(const char *text, struct form *ret)
{
    return form_read(span_of_text(text), span_of_text("B"), ret);
}

static void expect(struct span span, const char *text)
{
    assert_true(spans_is(span, text));
}

static void the_fields_before_the_file_are_read(void **state)
{
    (void)state;
    struct form form;
    assert_int_equal(read_text(FIELD("key", "a/${filename}") FIELD("empty", "") FIELD("text",
                                   "two\r\nlines\r\n-") FILE_HEAD("C:\\dir/a b.jpg") "bytes",
                         &form),
        1);
    assert_int_equal(form.count, 3);
    expect(form.fields[0].name, "key");
    expect(form.fields[0].value, "a/${filename}");
    expect(form.fields[1].value, "");
    expect(form.fields[2].value, "two\r\nlines\r\n-");
    expect(form.parts[1], FIELD("empty", ""));
    expect(form.file, FILE_HEAD("C:\\dir/a b.jpg"));
    expect(form.file_name, "a b.jpg");
}

static void every_beginning_of_a_form_waits_for_more(void **state)
{
    (void)state;
    static const char text[] = FIELD("key", "k") FIELD("acl", "private") FILE_HEAD("f");
    struct form form;
    for (size_t size = 0; size < sizeof text - 1; size++)
        assert_int_equal(form_read(span_of(text, size), span_of_text("B"), &form), 0);
    assert_int_equal(read_text(text, &form), 1);
}

static void what_is_no_form_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"x", "--A\r\n", "\r\n" FIELD("key", "k"), "--B \r\n",
        "--B--\r\n", FIELD("key", "k") "--B--\r\n", "--B\r\n\r\n",
        "--B\r\nContent-Type: text/plain\r\n\r\n", "--B\r\nContent-Disposition: form-data\r\n\r\n",
        "--B\r\nContent-Disposition: attachment; name=\"key\"\r\n\r\n",
        "--B\r\nContent-Disposition: form-data; name=\"key\r\n\r\n",
        "--B\r\nContent-Disposition: form-data; name=\"key\"x\r\n\r\n",
        "--B\r\nContent-Disposition: form-data; name=\"key\"; name=\"file\"\r\n\r\n",
        TWO_DISPOSITIONS};
    struct form form;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_int_equal(read_text(wrong[i], &form), -EPROTO);
}

static void more_fields_than_a_policy_can_have_are_refused(void **state)
{
    (void)state;
    struct text text = {0};
    struct form form;
    for (unsigned i = 0; i < AUTH_FIELDS_MOST; i++)
        text_format(&text, FIELD("x-ignore-%u", ""), i);
    assert_int_equal(read_text(text.data, &form), 0);
    text_put(&text, FIELD("more", ""));
    assert_int_equal(read_text(text.data, &form), -EPROTO);
    text_fini(&text);
}

static void a_boundary_is_found_quoted_or_not(void **state)
{
    (void)state;
    static const char *const types[] = {"multipart/form-data; boundary=a-B",
        "Multipart/Form-Data;charset=utf-8; BOUNDARY=\"a-B\"",
        "multipart/form-data;boundary=a-B ;"};
    static const char *const others[] = {"multipart/form-data", "multipart/mixed; boundary=a",
        "multipart/form-data; boundary=", "multipart/form-data; boundary=\"a",
        "application/x-www-form-urlencoded"};
    struct span boundary;
    for (size_t i = 0; i < sizeof types / sizeof *types; i++) {
        assert_true(form_boundary(span_of_text(types[i]), &boundary));
        expect(boundary, "a-B");
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(form_boundary(span_of_text(others[i]), &boundary));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_fields_before_the_file_are_read),
        cmocka_unit_test(every_beginning_of_a_form_waits_for_more),
        cmocka_unit_test(what_is_no_form_is_refused),
        cmocka_unit_test(more_fields_than_a_policy_can_have_are_refused),
        cmocka_unit_test(a_boundary_is_found_quoted_or_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
