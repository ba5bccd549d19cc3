#include "base/http_header.h"

#include "tests/unit/unit.h"

#define HEADERS_COUNT 5

static void make(struct http_header headers[HEADERS_COUNT])
{
    const char *texts[HEADERS_COUNT][2] = {{"Host", "a"}, {"CONNECTION", "close, X-One ,,\tX-Two"},
        {"x-amz-meta", "1"}, {"X-Amz-Meta", "2"}, {"connection", "x-three"}};
    for (size_t i = 0; i < HEADERS_COUNT; i++)
        headers[i] = (struct http_header){span_of_text(texts[i][0]), span_of_text(texts[i][1])};
}

static void names_are_found_in_any_letter_case(void **unused)
{
    (void)unused;
    struct http_header headers[HEADERS_COUNT];
    make(headers);
    assert_ptr_equal(http_header_find(headers, HEADERS_COUNT, "X-AMZ-META"), &headers[2]);
    assert_null(http_header_find(headers, HEADERS_COUNT, "x-amz-met"));
    assert_null(http_header_find(NULL, 0, "host"));
    assert_int_equal(http_header_occurrences(headers, HEADERS_COUNT, "x-amz-meta"), 2);
    assert_int_equal(http_header_occurrences(headers, HEADERS_COUNT, "range"), 0);
    assert_true(http_header_starts_with(&headers[3], "x-amz-"));
    assert_false(http_header_starts_with(&headers[0], "host-"));
}

static void members_of_a_list_are_found_one_by_one(void **unused)
{
    (void)unused;
    struct http_header headers[HEADERS_COUNT];
    make(headers);
    const char *listed[] = {"close", "x-one", "X-TWO", "x-three"};
    for (size_t i = 0; i < 4; i++)
        assert_true(
            http_header_lists(headers, HEADERS_COUNT, "connection", span_of_text(listed[i])));
    assert_false(http_header_lists(headers, HEADERS_COUNT, "connection", span_of_text("x-on")));
    assert_false(http_header_lists(headers, HEADERS_COUNT, "host", span_of_text("close")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_found_in_any_letter_case),
        cmocka_unit_test(members_of_a_list_are_found_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
