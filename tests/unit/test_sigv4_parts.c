/* What the public suite does not show: S3's own ways, chunks, keys that are kept, and the limits.
 */
#include "base/memory.h"
#include "base/sigv4_request.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define EXAMPLE_SECRET "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
#define EXAMPLE_TIME "20130524T000000Z"

struct scene {
    struct sigv4 sigv4;
    struct sigv4_key key;
};

static struct sigv4_scope scope_of(const char *date, const char *region, const char *service)
{
    return (struct sigv4_scope){span_of_text(date), span_of_text(region), span_of_text(service)};
}

static int set_up(void **state)
{
    struct scene *scene = memory_new(sizeof *scene);
    struct sigv4_scope scope = scope_of("20130524", "us-east-1", "s3");
    assert_int_equal(sigv4_init(&scene->sigv4), 0);
    assert_int_equal(sigv4_key_prepare(&scene->sigv4, &scene->key, EXAMPLE_SECRET, &scope), 0);
    *state = scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    sigv4_key_fini(&scene->key);
    sigv4_fini(&scene->sigv4);
    free(scene);
    return 0;
}

static void add(void *context, const void *data, size_t size)
{
    text_add(context, data, size);
}

static void check_path(enum sigv4_style style, const char *path, const char *expected)
{
    struct text text = {0};
    assert_int_equal(sigv4_canonical_path(style, span_of_text(path), add, &text), 0);
    assert_string_equal(text.data, expected);
    text_fini(&text);
}

static void check_query(enum sigv4_style style, const char *query, const char *expected)
{
    struct text text = {0};
    assert_int_equal(sigv4_canonical_query(style, span_of_text(query), add, &text), 0);
    assert_string_equal(text.data, expected);
    text_fini(&text);
}

static void s3_keeps_dots_and_empty_segments(void **state)
{
    (void)state;
    check_path(SIGV4_AS_SENT, "/a//b/../c/.", "/a//b/../c/.");
    check_path(SIGV4_S3, "/a//b/../c/.", "/a//b/../c/.");
    check_path(SIGV4_SERVICE, "/a//b/../c/.", "/a/c");
    check_path(SIGV4_SERVICE, "/../..", "/");
    check_path(SIGV4_S3, "", "/");
}

static void s3_encodes_a_path_once_and_others_twice(void **state)
{
    (void)state;
    check_path(SIGV4_AS_SENT, "/a%2fb(c)%7E", "/a%2fb(c)%7E");
    check_path(SIGV4_S3, "/a%2fb(c)%7E+%zz", "/a%2Fb%28c%29~%2B%25zz");
    check_path(SIGV4_SERVICE, "/a%2fb", "/a%252fb");
}

static void parameters_are_ordered_by_their_encoded_bytes(void **state)
{
    (void)state;
    check_query(SIGV4_S3, "b=1&a-b=2&a=3&A=4&~=5&%C3%BC=6", "%C3%BC=6&A=4&a=3&a-b=2&b=1&~=5");
    check_query(SIGV4_AS_SENT, "a=2&a=10&a", "a=&a=10&a=2");
    check_query(SIGV4_S3, "x=/&x=%21&x=a", "x=%21&x=%2F&x=a");
    check_query(SIGV4_S3, "&&acl&", "acl=");
    check_query(SIGV4_S3, "a=b=c", "a=b%3Dc");
}

static void a_plus_in_a_query_is_a_blank_to_s3(void **state)
{
    (void)state;
    check_query(SIGV4_AS_SENT, "prefix=a+b", "prefix=a+b");
    check_query(SIGV4_S3, "prefix=a+b%2B", "prefix=a%20b%2B");
    check_query(SIGV4_SERVICE, "prefix=a+b", "prefix=a%2Bb");
}

static void the_signature_in_a_query_does_not_sign_itself(void **state)
{
    (void)state;
    check_query(SIGV4_S3, "X-Amz-Signature=00&X-Amz-Date=1", "X-Amz-Date=1");
}

static void too_many_parameters_or_segments_are_refused(void **state)
{
    (void)state;
    struct text query = {0}, path = {0}, out = {0};
    for (int i = 0; i < SIGV4_QUERY_MOST; i++) {
        text_format(&query, "a%d&", i);
        text_put(&path, "/a");
    }
    struct span whole = span_of(query.data, query.size), longer = span_of_text(path.data);
    assert_int_equal(sigv4_canonical_query(SIGV4_S3, whole, add, &out), 0);
    text_put(&query, "a");
    whole = span_of(query.data, query.size);
    assert_int_equal(sigv4_canonical_query(SIGV4_S3, whole, add, &out), -E2BIG);
    assert_int_equal(sigv4_canonical_path(SIGV4_SERVICE, longer, add, &out), -E2BIG);
    assert_int_equal(sigv4_canonical_path(SIGV4_S3, longer, add, &out), 0);
    text_fini(&query);
    text_fini(&path);
    text_fini(&out);
}

static void a_signed_header_must_be_there(void **state)
{
    struct scene *scene = *state;
    char signature[SIGV4_SIGNATURE_SIZE];
    struct sigv4_request request = {.method = span_of_text("GET"),
        .path = span_of_text("/"),
        .signed_headers = span_of_text("host"),
        .payload = span_of_text(SIGV4_UNSIGNED_PAYLOAD)};
    assert_int_equal(
        sigv4_sign(&scene->sigv4, &scene->key, &request, EXAMPLE_TIME, signature), -ENOENT);
}

static void long_values_come_through_whole(void **state)
{
    (void)state;
    struct text value = {0}, out = {0};
    for (int i = 0; i < 3000; i++)
        text_format(&value, " %d", i);
    struct http_header header = {span_of_text("X-Amz-Meta"), span_of(value.data, value.size)};
    struct sigv4_request request = {.path = span_of(value.data, value.size),
        .headers = &header,
        .header_count = 1,
        .signed_headers = span_of_text("x-amz-meta")};
    assert_int_equal(sigv4_canonical_request(&request, add, &out), 0);
    char *expected =
        memory_format("\n%s\n\nx-amz-meta:%s\n\nx-amz-meta\n", value.data, value.data + 1);
    assert_string_equal(out.data, expected);
    free(expected);
    text_fini(&value);
    text_fini(&out);
}

/* The examples of "Transferring Payload in Multiple Chunks": 64 KiB, then 1 KiB, of "a". */
static void check_chunk(
    struct scene *scene, size_t size, char signature[SIGV4_SIGNATURE_SIZE], const char *expected)
{
    char hash[SIGV4_HASH_SIZE];
    char *data = memory_new(size);
    memset(data, 'a', size);
    assert_int_equal(sigv4_hash(&scene->sigv4, span_of(data, size), hash), 0);
    free(data);
    assert_int_equal(sigv4_sign_chunk(&scene->key, EXAMPLE_TIME, signature, hash, signature), 0);
    assert_string_equal(signature, expected);
}

static void chunks_are_signed_as_published(void **state)
{
    char last[] = "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9";
    check_chunk(
        *state, 65536, last, "ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648");
    check_chunk(
        *state, 1024, last, "0055627c9e194cb4542bae2aa5492e3c1575bbb81b612b7d234b86a503ef5497");
    check_chunk(
        *state, 0, last, "b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9");
}

static void a_trailer_is_signed_as_published(void **state)
{
    struct scene *scene = *state;
    char last[] = "106e2a8a18243abcf37539882f36619c00e2dfc72633413f02d3b74544bfeb8e";
    check_chunk(
        scene, 65536, last, "b474d8862b1487a5145d686f57f013e54db672cee1c953b3010fb58501ef5aa2");
    check_chunk(
        scene, 1024, last, "1c1344b170168f8e65b41376b44b20fe354e373826ccbbe2c1d40a8cae51e5c7");
    check_chunk(scene, 0, last, "2ca2aba2005185cf7159c6277faf83795951dd77a3a99e6e65d5c9f85863f992");
    char hash[SIGV4_HASH_SIZE];
    struct span trailer = span_of_text("x-amz-checksum-crc32c:sOO8/Q==\n");
    assert_int_equal(sigv4_hash(&scene->sigv4, trailer, hash), 0);
    assert_int_equal(sigv4_sign_trailer(&scene->key, EXAMPLE_TIME, last, hash, last), 0);
    assert_string_equal(last, "d81f82fc3505edab99d459891051a732e8730629a2e4a59689829ca17fe2e435");
}

static void a_key_is_derived_again_when_any_part_of_it_changes(void **state)
{
    struct scene *scene = *state;
    const struct sigv4_scope scopes[] = {scope_of("20130524", "us-east-1", "s3"),
        scope_of("20130525", "us-east-1", "s3"), scope_of("20130525", "us-east-2", "s3"),
        scope_of("20130525", "us-east-2", "sts"), scope_of("20130525", "us-east-2", "sts")};
    const char *secrets[] = {EXAMPLE_SECRET, EXAMPLE_SECRET, EXAMPLE_SECRET, EXAMPLE_SECRET, "no"};
    char last[SIGV4_SIGNATURE_SIZE] = "", next[SIGV4_SIGNATURE_SIZE];
    for (size_t i = 0; i < sizeof secrets / sizeof *secrets; i++) {
        assert_int_equal(sigv4_key_is(&scene->key, secrets[i], &scopes[i]), i == 0);
        assert_int_equal(sigv4_key_prepare(&scene->sigv4, &scene->key, secrets[i], &scopes[i]), 0);
        assert_int_equal(sigv4_sign_text(&scene->key, span_of_text("text"), next), 0);
        assert_string_not_equal(last, next);
        memcpy(last, next, sizeof last);
    }
}

static void what_is_too_long_for_a_key_is_refused(void **state)
{
    struct scene *scene = *state;
    char longest[SIGV4_SECRET_SIZE + 1];
    memset(longest, 'x', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    struct sigv4_scope good = scope_of("20130524", "us-east-1", "s3");
    struct sigv4_scope region = scope_of("20130524", longest, "s3");
    struct sigv4_scope service = scope_of("20130524", "us-east-1", longest);
    struct sigv4_scope date = scope_of("2013052", "us-east-1", "s3");
    struct sigv4_key key = {0};
    assert_int_equal(sigv4_key_prepare(&scene->sigv4, &key, longest, &good), -EINVAL);
    assert_int_equal(sigv4_key_prepare(&scene->sigv4, &key, "secret", &region), -EINVAL);
    assert_int_equal(sigv4_key_prepare(&scene->sigv4, &key, "secret", &service), -EINVAL);
    assert_int_equal(sigv4_key_prepare(&scene->sigv4, &key, "secret", &date), -EINVAL);
    assert_int_equal(
        sigv4_key_prepare(&scene->sigv4, &key, longest + 1, &good), 0); /* the longest */
    sigv4_key_fini(&key);
}

static void a_forgotten_key_leaves_no_secret_behind(void **state)
{
    struct scene *scene = *state;
    struct sigv4_key key = {0}, nothing = {0};
    struct sigv4_scope scope = scope_of("20130524", "us-east-1", "s3");
    assert_int_equal(sigv4_key_prepare(&scene->sigv4, &key, EXAMPLE_SECRET, &scope), 0);
    sigv4_key_fini(&key);
    assert_memory_equal(&key, &nothing, sizeof key);
}

static void headers_that_others_change_are_not_signed(void **state)
{
    (void)state;
    const char *names[] = {"X-Amz-Date", "User-Agent", "Host", "Transfer-Encoding", "x-amz-date",
        "Range", "Expect", "X-Amz-Content-SHA256", "Connection", "X-Amzn-Trace-Id", "Authorization",
        "content-length"};
    struct http_header headers[sizeof names / sizeof *names];
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        headers[i] = (struct http_header){.name = span_of_text(names[i])};
    char list[SIGV4_SIGNED_HEADERS_SIZE];
    assert_int_equal(sigv4_choose_headers(headers, sizeof names / sizeof *names, list), 0);
    assert_string_equal(list, "host;range;x-amz-content-sha256;x-amz-date");
}

static void a_list_of_headers_has_its_bound(void **state)
{
    (void)state;
    struct http_header headers[129];
    char names[129][24], list[SIGV4_SIGNED_HEADERS_SIZE];
    for (int i = 0; i < 129; i++) {
        snprintf(names[i], sizeof names[i], "x%d", i);
        headers[i] = (struct http_header){.name = span_of_text(names[i])};
    }
    assert_int_equal(sigv4_choose_headers(headers, 128, list), 0);
    assert_int_equal(sigv4_choose_headers(headers, 129, list), -E2BIG);
    char longest[SIGV4_SIGNED_HEADERS_SIZE];
    memset(longest, 'x', sizeof longest);
    headers[0].name = span_of(longest, sizeof longest - 2);
    assert_int_equal(sigv4_choose_headers(headers, 1, list), 0);
    headers[0].name = span_of(longest, sizeof longest - 1);
    assert_int_equal(sigv4_choose_headers(headers, 1, list), -E2BIG);
}

static void a_time_is_written_and_read_in_one_way(void **state)
{
    (void)state;
    char text[SIGV4_TIME_SIZE];
    uint64_t seconds = 0;
    sigv4_time_print(1440938160, text);
    assert_string_equal(text, "20150830T123600Z");
    assert_true(sigv4_time_parse(span_of_text(text), &seconds) && seconds == 1440938160);
    const char *wrong[] = {"", "20150830", "20150830T123600", "20150830 123600Z",
        "20151330T123600Z", "20150832T123600Z", "20150830T243600Z", "20150830T126000Z",
        "20150830T123661Z", "2015083xT123600Z", "20150830T123600Z1", "-0150830T123600Z",
        "19690830T123600Z"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(sigv4_time_parse(span_of_text(wrong[i]), &seconds));
}

static void every_day_of_five_centuries_is_the_calendars(void **state)
{
    (void)state;
    for (time_t day = 0; day < 182622; day++) {
        char text[SIGV4_TIME_SIZE], expected[SIGV4_TIME_SIZE];
        time_t now = day * 86400 + day % 86400;
        uint64_t seconds = 0;
        struct tm parts;
        strftime(expected, sizeof expected, "%Y%m%dT%H%M%SZ", gmtime_r(&now, &parts));
        sigv4_time_print((uint64_t)now, text);
        assert_string_equal(text, expected);
        assert_true(sigv4_time_parse(span_of_text(text), &seconds));
        assert_true(seconds == (uint64_t)now);
    }
}

static void signatures_are_equal_only_as_a_whole(void **state)
{
    (void)state;
    char a[] = SIGV4_EMPTY_SHA256, b[] = SIGV4_EMPTY_SHA256;
    assert_true(sigv4_equal(a, b));
    b[63] ^= 1;
    assert_false(sigv4_equal(a, b));
}

/* No judgement: machines differ. */
static void what_a_signature_costs_is_shown(void **state)
{
    struct scene *scene = *state;
    struct http_header headers[] = {
        {span_of_text("Host"), span_of_text("shop-assets.s3.us-east-1.amazonaws.com")},
        {span_of_text("x-amz-content-sha256"), span_of_text(SIGV4_EMPTY_SHA256)},
        {span_of_text("x-amz-date"), span_of_text(EXAMPLE_TIME)}};
    struct sigv4_request request = {.method = span_of_text("GET"),
        .path = span_of_text("/pictures/2026/11/product-000184.jpg"),
        .headers = headers,
        .header_count = 3,
        .signed_headers = span_of_text("host;x-amz-content-sha256;x-amz-date"),
        .payload = span_of_text(SIGV4_EMPTY_SHA256)};
    char signature[SIGV4_SIGNATURE_SIZE];
    enum { ROUNDS = 20000 };
    clock_t begin = clock();
    for (int i = 0; i < ROUNDS; i++)
        assert_int_equal(
            sigv4_sign(&scene->sigv4, &scene->key, &request, EXAMPLE_TIME, signature), 0);
    print_message("# %.2f us of CPU a signature\n",
        (double)(clock() - begin) / CLOCKS_PER_SEC * 1e6 / ROUNDS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(s3_keeps_dots_and_empty_segments),
        cmocka_unit_test(s3_encodes_a_path_once_and_others_twice),
        cmocka_unit_test(parameters_are_ordered_by_their_encoded_bytes),
        cmocka_unit_test(a_plus_in_a_query_is_a_blank_to_s3),
        cmocka_unit_test(the_signature_in_a_query_does_not_sign_itself),
        cmocka_unit_test(too_many_parameters_or_segments_are_refused),
        cmocka_unit_test(a_signed_header_must_be_there),
        cmocka_unit_test(long_values_come_through_whole),
        cmocka_unit_test(chunks_are_signed_as_published),
        cmocka_unit_test(a_trailer_is_signed_as_published),
        cmocka_unit_test(a_key_is_derived_again_when_any_part_of_it_changes),
        cmocka_unit_test(what_is_too_long_for_a_key_is_refused),
        cmocka_unit_test(a_forgotten_key_leaves_no_secret_behind),
        cmocka_unit_test(headers_that_others_change_are_not_signed),
        cmocka_unit_test(a_list_of_headers_has_its_bound),
        cmocka_unit_test(a_time_is_written_and_read_in_one_way),
        cmocka_unit_test(every_day_of_five_centuries_is_the_calendars),
        cmocka_unit_test(signatures_are_equal_only_as_a_whole),
        cmocka_unit_test(what_a_signature_costs_is_shown),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
