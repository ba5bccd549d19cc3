#include "proxy/gateway/sni.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static char host[CA_HOST_SIZE];

/* An extension as clients write it. */
static bool reads(const char *name, size_t size)
{
    uint8_t data[1024] = {
        (uint8_t)((size + 3) >> 8), (uint8_t)(size + 3), 0, (uint8_t)(size >> 8), (uint8_t)size};
    memcpy(data + 5, name, size);
    return sni_read(span_of(data, size + 5), host);
}

static bool reads_text(const char *name)
{
    return reads(name, strlen(name));
}

static void a_host_name_is_read_in_lower_case(void **unused)
{
    (void)unused;
    assert_true(reads_text("Shop.Logs.s3.AMAZONAWS.com"));
    assert_string_equal(host, "shop.logs.s3.amazonaws.com");
    assert_true(reads_text("my_bucket.s3.amazonaws.com"));
}

static void what_is_no_host_name_is_refused(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {
        "", ".", "a.", ".a", "a..b", "a b", "caf\xc3\xa9", "a/b", "*.a", "a:443"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(reads_text(wrong[i]));
    assert_false(reads("bucket\0.evil.example", 20));
    assert_false(reads("bucket\0", 7));
}

static void the_longest_name_fits_and_no_longer_one(void **unused)
{
    (void)unused;
    char name[260];
    memset(name, 'a', sizeof name);
    for (size_t i = 50; i < sizeof name; i += 50)
        name[i] = '.';
    assert_true(reads(name, 253));
    assert_int_equal(strlen(host), 253);
    assert_false(reads(name, 254));
    memset(name, 'a', 70);
    assert_false(reads(name, 100)); /* a label of more than 63 */
}

static void anything_but_one_name_is_refused(void **unused)
{
    (void)unused;
    static const uint8_t good[] = {0, 6, 0, 0, 3, 'a', '.', 'b'};
    assert_true(sni_read(span_of(good, sizeof good), host));
    for (size_t size = 0; size < sizeof good; size++)
        assert_false(sni_read(span_of(good, size), host));
    for (size_t at = 0; at < 5; at++) { /* list size, type, name size */
        uint8_t bad[sizeof good];
        memcpy(bad, good, sizeof good);
        bad[at]++;
        assert_false(sni_read(span_of(bad, sizeof bad), host));
    }
    static const uint8_t two[] = {0, 8, 0, 0, 1, 'a', 0, 0, 1, 'b'};
    assert_false(sni_read(span_of(two, sizeof two), host));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_name_is_read_in_lower_case),
        cmocka_unit_test(what_is_no_host_name_is_refused),
        cmocka_unit_test(the_longest_name_fits_and_no_longer_one),
        cmocka_unit_test(anything_but_one_name_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
