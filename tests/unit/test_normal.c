/* The normal form of an answer. */
#include "resolver/normal.h"
#include "tests/unit/dns_message.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static struct message message, rebuilt;
static struct reply reply;
static uint8_t name[NAME_WIRE_MAX];
static struct cache_key key;

static void start(const char *question, uint16_t type)
{
    message_start(&message, DNS_QR | DNS_RD | DNS_RA, question, type);
    uint8_t wire[NAME_WIRE_MAX];
    key = (struct cache_key){.type = type, .class = CLASS_IN, .name = name};
    key.name_size = (uint8_t)wire_of(question, wire);
    name_lower(name, wire, key.name_size);
}

static enum normal_verdict make(const char *question)
{
    assert_int_equal(message_read(&message, question, key.type, &reply), REPLY_GOOD);
    enum normal_verdict verdict =
        normal_make(&key, message.data, &reply, rebuilt.data, &rebuilt.size);
    if (verdict == NORMAL_REBUILT)
        assert_int_equal(message_read(&rebuilt, question, key.type, &reply), REPLY_GOOD);
    return verdict;
}

static void put_signature(enum section section, const char *owner)
{
    static const uint8_t rest[24];
    size_t data = message_begin(&message, section, owner, TYPE_RRSIG, 60);
    message_put16(&message, key.type);
    message_put(&message, rest, 16);
    message_put(&message, "", 1); /* signer: the root */
    message_put(&message, rest, 8);
    message_end(&message, data);
}

static void an_answer_as_it_should_be_is_left_alone(void **unused)
{
    (void)unused;
    start("Www.example.net", TYPE_A);
    message_cname(&message, "@", 60, "host.example.net");
    message_a(&message, SECTION_ANSWER, "host.example.net", 60, 1);
    message_a(&message, SECTION_ANSWER, "host.example.net", 60, 2);
    assert_int_equal(make("Www.example.net"), NORMAL_AS_IS);
}

static void an_address_before_its_cname_comes_behind_it(void **unused)
{
    (void)unused;
    start("www.example.net", TYPE_A);
    message_a(&message, SECTION_ANSWER, "host.example.net", 60, 1);
    message_cname(&message, "mid.example.net", 60, "host.example.net");
    message_cname(&message, "@", 60, "mid.example.net");
    assert_int_equal(make("www.example.net"), NORMAL_REBUILT);
    assert_int_equal(reply.answers, 3);
    assert_int_equal(reply.records[0].type, TYPE_CNAME);
    assert_int_equal(reply.chain_count, 2);
    assert_int_equal(reply.chain[0], 0);
    assert_int_equal(reply.chain[1], 1);
    assert_int_equal(reply.records[2].type, TYPE_A);
    assert_true(reply.has_data);
}

static void records_about_other_names_are_left_out(void **unused)
{
    (void)unused;
    start("www.example.net", TYPE_A);
    message_a(&message, SECTION_ANSWER, "@", 60, 1);
    message_a(&message, SECTION_ANSWER, "bank.example.com", 60, 2);
    assert_int_equal(make("www.example.net"), NORMAL_REBUILT);
    assert_int_equal(reply.answers, 1);
}

static void an_answer_about_other_names_alone_is_none(void **unused)
{
    (void)unused;
    start("www.example.net", TYPE_A);
    message_a(&message, SECTION_ANSWER, "bank.example.com", 60, 2);
    assert_int_equal(make("www.example.net"), NORMAL_BAD);
}

static void signatures_are_for_those_who_asked(void **unused)
{
    (void)unused;
    for (int dnssec_ok = 0; dnssec_ok < 2; dnssec_ok++) {
        start("www.example.net", TYPE_A);
        key.dnssec_ok = dnssec_ok;
        message_a(&message, SECTION_ANSWER, "@", 60, 1);
        put_signature(SECTION_ANSWER, "@");
        put_signature(SECTION_AUTHORITY, "example.net");
        assert_int_equal(make("www.example.net"), dnssec_ok ? NORMAL_AS_IS : NORMAL_REBUILT);
        assert_int_equal(reply.answers, dnssec_ok ? 2 : 1);
        assert_int_equal(reply.authorities, dnssec_ok ? 1 : 0);
    }
}

static void who_asks_for_signatures_gets_them(void **unused)
{
    (void)unused;
    start("www.example.net", TYPE_RRSIG);
    put_signature(SECTION_ANSWER, "@");
    assert_int_equal(make("www.example.net"), NORMAL_AS_IS);
}

static void the_own_name_is_written_as_the_question(void **unused)
{
    (void)unused;
    start("wWw.example.net", TYPE_A);
    message_a(&message, SECTION_ANSWER, "www.example.net", 60, 1);
    assert_int_equal(make("wWw.example.net"), NORMAL_REBUILT);
    uint16_t owner = read_be16(rebuilt.data + reply.records[0].owner);
    assert_int_equal(owner, DNS_POINTER | DNS_HEADER_SIZE);
}

static void names_in_moved_records_are_written_out(void **unused)
{
    (void)unused;
    start("gone.example.net", TYPE_A);
    message_soa(&message, "example.net", 60, DNS_HEADER_SIZE + 5, 30);
    put_signature(SECTION_AUTHORITY, "example.net");
    assert_int_equal(make("gone.example.net"), NORMAL_REBUILT);
    assert_int_equal(reply.authorities, 1);
    assert_int_equal(reply.pointer_count, 0);
    uint8_t server[NAME_WIRE_MAX], zone[NAME_WIRE_MAX];
    size_t size = wire_of("example.net", zone);
    assert_int_equal(packet_copy_name(rebuilt.data, reply.records[reply.soa].data, server), size);
    assert_memory_equal(server, zone, size);
}

static void what_grows_beyond_64_kib_is_no_answer(void **unused)
{
    (void)unused;
    char label[64] = {0};
    char owner[256];
    memset(label, 'x', sizeof label - 1);
    snprintf(owner, sizeof owner, "%s.%s.%s.net", label, label, label);
    start(owner, TYPE_NS);
    for (int i = 0; i < 2000; i++) {
        size_t data = message_begin(&message, SECTION_ANSWER, "@", TYPE_NS, 60);
        message_put_pointer(&message, DNS_HEADER_SIZE);
        message_end(&message, data);
    }
    message_a(&message, SECTION_ANSWER, "other.net", 60, 1); /* has to go */
    assert_int_equal(make(owner), NORMAL_BAD);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_as_it_should_be_is_left_alone),
        cmocka_unit_test(an_address_before_its_cname_comes_behind_it),
        cmocka_unit_test(records_about_other_names_are_left_out),
        cmocka_unit_test(an_answer_about_other_names_alone_is_none),
        cmocka_unit_test(signatures_are_for_those_who_asked),
        cmocka_unit_test(who_asks_for_signatures_gets_them),
        cmocka_unit_test(the_own_name_is_written_as_the_question),
        cmocka_unit_test(names_in_moved_records_are_written_out),
        cmocka_unit_test(what_grows_beyond_64_kib_is_no_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
