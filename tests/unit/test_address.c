#include "base/address.h"

#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

static void assert_prints(const char *text, uint16_t default_port, const char *expected)
{
    struct address address;
    struct failure why;
    char printed[ADDRESS_TEXT_SIZE];
    assert_int_equal(address_parse(text, default_port, &address, &why), 0);
    address_print(&address, printed);
    assert_string_equal(printed, expected);
}

static void an_address_prints_as_it_was_written(void **unused)
{
    (void)unused;
    assert_prints("127.0.0.1:53", 0, "127.0.0.1:53");
    assert_prints("[::1]:53", 0, "[::1]:53");
    assert_prints("[2001:DB8::A]:65535", 0, "[2001:db8::a]:65535");
}

static void a_missing_port_is_the_default(void **unused)
{
    (void)unused;
    assert_prints("10.0.0.2", 53, "10.0.0.2:53");
    assert_prints("::1", 853, "[::1]:853");
    assert_prints("[::1]", 853, "[::1]:853");
}

static void malformed_addresses_are_refused_with_the_text_in_words(void **unused)
{
    (void)unused;
    const char *const wrong[] = {"", ":", ":53", "1.2.3.4:", "1.2.3.4:0", "1.2.3.4:65536",
        "1.2.3.4:-1", "1.2.3.4:+1", "1.2.3.4: 53", "1.2.3.4:53x", "1.2.3.4:99999999999", "1.2.3",
        "1.2.3.4.5", "256.1.1.1", "01.2.3.4:53 ", "[::1", "::1]", "[::1]53", "[::1]:", "[::1]]:53",
        "[]:53", "[", "[[::1]]:53", "[127.0.0.1]:53", "localhost:53", "fe80::1%lo", "1.2.3.4:5:6"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct address address;
        struct failure why = {""};
        if (address_parse(wrong[i], 53, &address, &why) != -EINVAL)
            fail_msg("\"%s\" was accepted", wrong[i]);
        assert_non_null(strstr(why.text, wrong[i]));
    }
}

static void without_a_default_the_port_must_be_there(void **unused)
{
    (void)unused;
    struct address address;
    struct failure why;
    assert_int_equal(address_parse("127.0.0.1", 0, &address, &why), -EINVAL);
    assert_non_null(strstr(why.text, "has no port"));
    assert_int_equal(address_parse("::1", 0, &address, NULL), -EINVAL);
}

static void a_long_text_is_refused_without_overflow(void **unused)
{
    (void)unused;
    char text[4096];
    struct address address;
    memset(text, '1', sizeof text);
    text[sizeof text - 1] = '\0';
    assert_int_equal(address_parse(text, 53, &address, NULL), -EINVAL);
    assert_int_equal(prefix_parse(text, &(struct prefix){0}, NULL), -EINVAL);
}

static struct address ip(const char *text)
{
    struct address address;
    assert_true(address_parse_ip(text, &address));
    return address;
}

static void equality_looks_at_family_address_and_port(void **unused)
{
    (void)unused;
    struct address a = ip("127.0.0.1"), b = ip("127.0.0.1"), c = ip("::1");
    assert_true(address_equal(&a, &b));
    address_set_port(&b, 53);
    assert_false(address_equal(&a, &b));
    assert_true(address_same_ip(&a, &b));
    assert_false(address_same_ip(&a, &c));
    assert_int_equal(address_port(&b), 53);
}

static void wildcards_and_loopbacks_are_known_in_both_families(void **unused)
{
    (void)unused;
    struct address any4 = ip("0.0.0.0"), any6 = ip("::"), lo4 = ip("127.9.9.9"), lo6 = ip("::1"),
                   other = ip("10.0.0.1");
    assert_true(address_is_wildcard(&any4) && address_is_wildcard(&any6));
    assert_true(address_is_loopback(&lo4) && address_is_loopback(&lo6));
    assert_false(address_is_wildcard(&other) || address_is_loopback(&other));
}

static bool contains(const char *prefix_text, const char *address_text)
{
    struct prefix prefix;
    struct address address = ip(address_text);
    assert_int_equal(prefix_parse(prefix_text, &prefix, NULL), 0);
    return prefix_contains(&prefix, &address.any);
}

static void a_prefix_contains_to_the_bit(void **unused)
{
    (void)unused;
    assert_true(contains("127.0.0.0/8", "127.255.255.255"));
    assert_false(contains("127.0.0.0/8", "128.0.0.0"));
    assert_true(contains("10.0.0.128/25", "10.0.0.128"));
    assert_false(contains("10.0.0.128/25", "10.0.0.127"));
    assert_true(contains("2001:db8::/33", "2001:db8:7fff::1"));
    assert_false(contains("2001:db8::/33", "2001:db8:8000::1"));
    assert_true(contains("0.0.0.0/0", "255.255.255.255"));
    assert_true(contains("10.1.2.3", "10.1.2.3"));
    assert_false(contains("10.1.2.3", "10.1.2.2"));
}

static void a_mapped_address_counts_as_its_ipv4_address(void **unused)
{
    (void)unused;
    assert_true(contains("127.0.0.0/8", "::ffff:127.0.0.1"));
    assert_false(contains("127.0.0.0/8", "::ffff:10.0.0.1"));
    assert_false(contains("::/0", "::ffff:10.0.0.1"));
    assert_false(contains("0.0.0.0/0", "::1"));
}

static void malformed_prefixes_are_refused(void **unused)
{
    (void)unused;
    const char *const wrong[] = {"", "/", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1",
        "10.0.0.0/8x", "10.0.0.0/008 ", "10.0.0.1/8", "::1/127", "10.0.0/8", "[::1]/128",
        "10.0.0.0/8/8"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        struct prefix prefix;
        if (prefix_parse(wrong[i], &prefix, NULL) != -EINVAL)
            fail_msg("\"%s\" was accepted", wrong[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_prints_as_it_was_written),
        cmocka_unit_test(a_missing_port_is_the_default),
        cmocka_unit_test(malformed_addresses_are_refused_with_the_text_in_words),
        cmocka_unit_test(without_a_default_the_port_must_be_there),
        cmocka_unit_test(a_long_text_is_refused_without_overflow),
        cmocka_unit_test(equality_looks_at_family_address_and_port),
        cmocka_unit_test(wildcards_and_loopbacks_are_known_in_both_families),
        cmocka_unit_test(a_prefix_contains_to_the_bit),
        cmocka_unit_test(a_mapped_address_counts_as_its_ipv4_address),
        cmocka_unit_test(malformed_prefixes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
