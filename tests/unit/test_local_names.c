#include "resolver/local_names.h"

#include "base/siphash.h"
#include "tests/unit/dns_message.h"
#include "tests/unit/unit.h"

#define IP6_ZEROS "0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa"

static struct reply reply;

static struct cache_entry *look_up(const char *name, uint16_t type, uint16_t class)
{
    uint8_t wire[NAME_WIRE_MAX];
    struct cache_key key = {
        .name = wire, .name_size = (uint8_t)wire_of(name, wire), .type = type, .class = class};
    return local_names_answer(&key, &reply, 1000);
}

/* RDATA of the one answer, as far as `size` bytes go. */
static void answers(const char *name, uint16_t type, const void *data, size_t size)
{
    struct cache_entry *entry = look_up(name, type, CLASS_IN);
    assert_non_null(entry);
    assert_int_equal(entry->kind, CACHE_DATA);
    assert_int_equal(entry->rcode, RCODE_NOERROR);
    assert_int_equal(reply.answers, 1);
    assert_int_equal(reply.records[0].type, type);
    assert_int_equal(reply.records[0].data_size, size);
    assert_memory_equal(entry->message + reply.records[0].data, data, size);
    cache_entry_unref(entry);
}

static void is_negative(const char *name, uint16_t type, unsigned rcode)
{
    struct cache_entry *entry = look_up(name, type, CLASS_IN);
    assert_non_null(entry);
    assert_int_equal(entry->kind, CACHE_NEGATIVE); /* with a SOA */
    assert_int_equal(entry->rcode, rcode);
    assert_int_equal(reply.answers, 0);
    cache_entry_unref(entry);
}

static void is_not_local(const char *name, uint16_t type, uint16_t class)
{
    assert_null(look_up(name, type, class));
}

static void localhost_and_all_below_are_the_loopback_addresses(void **unused)
{
    (void)unused;
    static const uint8_t v6[16] = {[15] = 1};
    answers("localhost", TYPE_A, "\177\0\0\1", 4);
    answers("localhost", TYPE_AAAA, v6, sizeof v6);
    answers("a.b.localhost", TYPE_A, "\177\0\0\1", 4);
    is_negative("localhost", 15, RCODE_NOERROR);
    is_not_local("localhost.example", TYPE_A, CLASS_IN);
    is_not_local("mylocalhost", TYPE_A, CLASS_IN);
}

static void invalid_is_no_name_at_all(void **unused)
{
    (void)unused;
    is_negative("invalid", TYPE_A, RCODE_NXDOMAIN);
    is_negative("a.invalid", TYPE_AAAA, RCODE_NXDOMAIN);
}

static void the_loopback_addresses_have_one_name(void **unused)
{
    (void)unused;
    answers("1.0.0.127.in-addr.arpa", TYPE_PTR, "\11localhost", 11);
    answers("1." IP6_ZEROS, TYPE_PTR, "\11localhost", 11);
    is_negative("1.0.0.127.in-addr.arpa", TYPE_A, RCODE_NOERROR);
    is_negative("2.0.0.127.in-addr.arpa", TYPE_PTR, RCODE_NXDOMAIN);
    is_not_local("2." IP6_ZEROS, TYPE_PTR, CLASS_IN);
    is_not_local("128.in-addr.arpa", TYPE_PTR, CLASS_IN);
}

/* NXDOMAIN would say that nothing is below either (RFC 8020). */
static void names_above_an_existing_one_exist(void **unused)
{
    (void)unused;
    is_negative("127.in-addr.arpa", TYPE_SOA, RCODE_NOERROR);
    is_negative("0.127.in-addr.arpa", TYPE_PTR, RCODE_NOERROR);
    is_negative("0.0.127.in-addr.arpa", TYPE_PTR, RCODE_NOERROR);
    is_negative("1.0.127.in-addr.arpa", TYPE_PTR, RCODE_NXDOMAIN);
}

static void no_resolver_is_announced(void **unused)
{
    (void)unused;
    is_negative("resolver.arpa", 64, RCODE_NOERROR);
    is_negative("_dns.resolver.arpa", 64, RCODE_NXDOMAIN);
}

static void other_names_and_classes_are_nobodys_here(void **unused)
{
    (void)unused;
    is_not_local(".", TYPE_NS, CLASS_IN);
    is_not_local("arpa", TYPE_NS, CLASS_IN);
    is_not_local("example.com", TYPE_A, CLASS_IN);
    is_not_local("localhost", TYPE_A, 3);
}

static void the_longest_name_fits(void **unused)
{
    (void)unused;
    char text[256] = "";
    for (unsigned i = 0; i < 122; i++)
        memcpy(text + 2 * i, "a.", 3);
    memcpy(text + 244, "localhost", 10);
    answers(text, TYPE_A, "\177\0\0\1", 4);
    is_negative(text, 16, RCODE_NOERROR);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(localhost_and_all_below_are_the_loopback_addresses),
        cmocka_unit_test(invalid_is_no_name_at_all),
        cmocka_unit_test(the_loopback_addresses_have_one_name),
        cmocka_unit_test(names_above_an_existing_one_exist),
        cmocka_unit_test(no_resolver_is_announced),
        cmocka_unit_test(other_names_and_classes_are_nobodys_here),
        cmocka_unit_test(the_longest_name_fits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
