#include "tests/unit/dns_message.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <time.h>

#define QUESTION "db.shop.internal"

static struct message message;
static struct reply reply;

static enum reply_verdict read_reply(void)
{
    return message_read(&message, QUESTION, TYPE_A, &reply);
}

static void start(void)
{
    message_start(&message, DNS_QR | DNS_RA, QUESTION, TYPE_A);
}

static enum reply_verdict read_with_data(uint16_t type, const void *data, size_t size)
{
    start();
    size_t at = message_begin(&message, SECTION_ANSWER, "@", type, 1);
    message_put(&message, data, size);
    message_end(&message, at);
    return read_reply();
}

static void rdata_is_as_long_as_its_type_wants(void **unused)
{
    (void)unused;
    assert_int_equal(read_with_data(TYPE_A, "abcd", 4), REPLY_GOOD);
    assert_int_equal(read_with_data(TYPE_A, "", 0), REPLY_BAD);
    assert_int_equal(read_with_data(TYPE_A, "abc", 3), REPLY_BAD);
    assert_int_equal(read_with_data(TYPE_A, "abcdefgh", 8), REPLY_BAD);
    assert_int_equal(read_with_data(TYPE_AAAA, "0123456789abcdef", 16), REPLY_GOOD);
    assert_int_equal(read_with_data(TYPE_AAAA, "abcd", 4), REPLY_BAD);
    assert_int_equal(read_with_data(TYPE_CNAME, "\1a", 3), REPLY_GOOD);
    assert_int_equal(read_with_data(TYPE_CNAME, "", 0), REPLY_BAD);
    assert_int_equal(read_with_data(TYPE_CNAME, "\1a\0x", 4), REPLY_BAD);
    assert_int_equal(read_with_data(15 /* MX */, "\0\1\1a", 5), REPLY_GOOD);
    assert_int_equal(read_with_data(15 /* MX */, "\0", 1), REPLY_BAD);
    assert_int_equal(read_with_data(TYPE_SOA,
                         "\0\0"
                         "12345678901234567890",
                         22),
        REPLY_GOOD);
    assert_int_equal(read_with_data(TYPE_SOA,
                         "\0\0"
                         "1234567890123456789",
                         21),
        REPLY_BAD);
    assert_int_equal(read_with_data(TYPE_SOA, "\0\0", 2), REPLY_BAD);
    assert_int_equal(read_with_data(TYPE_NAPTR, "abcd\1S\0\1x\1y", 12), REPLY_GOOD);
    assert_int_equal(read_with_data(TYPE_NAPTR, "abcd\1S\0\11x", 9), REPLY_BAD);
    assert_int_equal(read_with_data(46 /* RRSIG */, "123456789012345678\0sig", 22), REPLY_GOOD);
    assert_int_equal(read_with_data(46 /* RRSIG */, "12345678901234567", 17), REPLY_BAD);
    assert_int_equal(read_with_data(65280, "\300", 1), REPLY_GOOD); /* RFC 3597: opaque */
}

static void a_name_in_rdata_must_not_run_out_of_it(void **unused)
{
    (void)unused;
    start();
    size_t at = message_begin(&message, SECTION_ANSWER, "@", TYPE_CNAME, 1);
    message_put(&message, "\3abc", 4);
    message_end(&message, at); /* the name goes on into the next record's owner */
    message_a(&message, SECTION_ANSWER, "x", 1, 1);
    assert_int_equal(read_reply(), REPLY_BAD);
}

static void rdlength_beyond_the_message_is_bad(void **unused)
{
    (void)unused;
    start();
    message_a(&message, SECTION_ANSWER, "@", 1, 1);
    write_be16(message.data + message.size - 6, 5);
    assert_int_equal(read_reply(), REPLY_BAD);
    write_be16(message.data + message.size - 6, 0xffff);
    assert_int_equal(read_reply(), REPLY_BAD);
}

static void records_of_another_class_are_bad(void **unused)
{
    (void)unused;
    start();
    message_a(&message, SECTION_ANSWER, "@", 1, 1);
    message.data[message.size - 11] = 3;
    assert_int_equal(read_reply(), REPLY_BAD);
}

static void a_ttl_with_its_top_bit_set_is_zero(void **unused)
{
    (void)unused;
    start();
    message_a(&message, SECTION_ANSWER, "@", 0x80000001, 1);
    assert_int_equal(read_reply(), REPLY_GOOD);
    assert_int_equal(packet_ttl(message.data + record_ttl_offset(&reply.records[0])), 0);
    start();
    message_a(&message, SECTION_ANSWER, "@", 0x7fffffff, 1);
    assert_int_equal(read_reply(), REPLY_GOOD);
    assert_int_equal(packet_ttl(message.data + record_ttl_offset(&reply.records[0])), 0x7fffffff);
}

static void opt_extends_the_rcode_and_is_left_out(void **unused)
{
    (void)unused;
    start();
    message_a(&message, SECTION_ADDITIONAL, "@", 1, 1);
    size_t end = message.size;
    message_opt(&message, 1232, 0x01000000, "\0\17\0\2\0\3", 6);
    message_a(&message, SECTION_ADDITIONAL, "@", 1, 1);
    assert_int_equal(read_reply(), REPLY_GOOD);
    assert_int_equal(reply.rcode, 16);
    assert_true(reply.edns);
    assert_int_equal(reply.additionals, 1);
    assert_int_equal(reply.record_count, 1);
    assert_int_equal(reply.pointer_count, 1);
    assert_int_equal(reply.end, end);
}

static void two_opts_are_bad(void **unused)
{
    (void)unused;
    start();
    message_opt(&message, 1232, 0, "", 0);
    message_opt(&message, 1232, 0, "", 0);
    assert_int_equal(read_reply(), REPLY_BAD);
}

static void an_opt_elsewhere_or_with_an_owner_is_bad(void **unused)
{
    (void)unused;
    for (enum section section = SECTION_ANSWER; section <= SECTION_AUTHORITY; section++) {
        start();
        message_end(&message, message_begin(&message, section, "", TYPE_OPT, 0));
        assert_int_equal(read_reply(), REPLY_BAD);
    }
    start();
    message_end(&message, message_begin(&message, SECTION_ADDITIONAL, "x", TYPE_OPT, 0));
    assert_int_equal(read_reply(), REPLY_BAD);
}

static void options_that_do_not_fill_their_opt_are_bad(void **unused)
{
    (void)unused;
    start();
    message_opt(&message, 1232, 0, "\0\17\0\3\0\3", 6);
    assert_int_equal(read_reply(), REPLY_BAD);
    start();
    message_opt(&message, 1232, 0, "\0\17\0\1\0\3", 6);
    assert_int_equal(read_reply(), REPLY_BAD);
}

static void an_opt_of_another_version_does_no_harm(void **unused)
{
    (void)unused;
    start();
    message_opt(&message, 1232, 0x00010000, "", 0);
    assert_int_equal(read_reply(), REPLY_GOOD);
}

static void a_signature_that_nobody_asked_for_is_bad(void **unused)
{
    (void)unused;
    start();
    message_end(&message, message_begin(&message, SECTION_ADDITIONAL, "key", TYPE_TSIG, 0));
    assert_int_equal(read_reply(), REPLY_BAD);
}

static void a_truncated_reply_may_have_answers(void **unused)
{
    (void)unused;
    message_start(&message, DNS_QR | DNS_TC, QUESTION, TYPE_A);
    message_a(&message, SECTION_ANSWER, "@", 1, 1);
    assert_int_equal(read_reply(), REPLY_GOOD);
    assert_true(reply.flags & DNS_TC);
}

static void data_of_another_name_is_no_answer(void **unused)
{
    (void)unused;
    start();
    message_a(&message, SECTION_ANSWER, "other.internal", 1, 1);
    assert_int_equal(read_reply(), REPLY_GOOD);
    assert_false(reply.has_data);
}

static void owners_match_in_any_letter_case(void **unused)
{
    (void)unused;
    start();
    message_a(&message, SECTION_ANSWER, "DB.Shop.Internal", 1, 1);
    assert_int_equal(read_reply(), REPLY_GOOD);
    assert_true(reply.has_data);
}

/* n0 → n1 → … → n`count`, behind a CNAME from the question to n0; then an address. */
static enum reply_verdict read_with_chain(unsigned count, const char *last)
{
    char owner[16] = "@", target[16];
    start();
    for (unsigned i = 0; i < count; i++) {
        snprintf(target, sizeof target, "n%u", i);
        message_cname(&message, owner, 60, i + 1 == count && last ? last : target);
        memcpy(owner, target, sizeof owner);
    }
    message_a(&message, SECTION_ANSWER, owner, 60, 1);
    return read_reply();
}

static void a_chain_is_followed_to_its_end(void **unused)
{
    (void)unused;
    for (unsigned count = 1; count <= DNS_CHAIN_MAX; count++) {
        assert_int_equal(read_with_chain(count, NULL), REPLY_GOOD);
        assert_int_equal(reply.rcode, RCODE_NOERROR);
        assert_int_equal(reply.chain_count, count);
        assert_true(reply.has_data);
    }
}

static void a_chain_without_end_counts_as_the_servers_failure(void **unused)
{
    (void)unused;
    assert_int_equal(read_with_chain(DNS_CHAIN_MAX + 1, NULL), REPLY_GOOD);
    assert_int_equal(reply.rcode, RCODE_SERVFAIL);
    assert_int_equal(read_with_chain(1, QUESTION), REPLY_GOOD);
    assert_int_equal(reply.rcode, RCODE_SERVFAIL);
    assert_int_equal(read_with_chain(3, "n1"), REPLY_GOOD);
    assert_int_equal(reply.rcode, RCODE_SERVFAIL);
    assert_false(reply.has_data);
}

static void what_stands_beside_an_alias_is_not_looked_at(void **unused)
{
    (void)unused;
    start();
    message_a(&message, SECTION_ANSWER, "@", 1, 1);
    message_cname(&message, "@", 1, "a");
    assert_int_equal(read_reply(), REPLY_GOOD);
    assert_int_equal(reply.chain_count, 1);
    assert_false(reply.has_data);
    message_start(&message, DNS_QR, QUESTION, TYPE_RRSIG);
    message_cname(&message, "@", 1, "a");
    size_t data = message_begin(&message, SECTION_ANSWER, "@", TYPE_RRSIG, 1);
    message_put(&message, "123456789012345678", 19);
    message_end(&message, data);
    assert_int_equal(message_read(&message, QUESTION, TYPE_RRSIG, &reply), REPLY_GOOD);
    assert_int_equal(reply.chain_count, 0);
    assert_true(reply.has_data);
}

static void a_chain_may_stand_in_any_order(void **unused)
{
    (void)unused;
    start();
    message_a(&message, SECTION_ANSWER, "b", 1, 1);
    message_cname(&message, "a", 1, "b");
    message_cname(&message, "@", 1, "a");
    assert_int_equal(read_reply(), REPLY_GOOD);
    assert_int_equal(reply.chain_count, 2);
    assert_int_equal(reply.chain[0], 2);
    assert_int_equal(reply.chain[1], 1);
    assert_true(reply.has_data);
}

static double seconds_of_cpu(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* As many records as fit, each owned by a long name that differs from the question's in its last
 * label, behind a chain as long as is followed. */
static void the_most_hostile_message_is_read_in_bounded_work(void **unused)
{
    (void)unused;
    char owner[16] = "@", target[16];
    start();
    for (unsigned i = 0; i < DNS_CHAIN_MAX; i++) {
        snprintf(target, sizeof target, "n%u", i);
        message_cname(&message, owner, 60, target);
        memcpy(owner, target, sizeof owner);
    }
    size_t last = message.size;
    message_put(&message, "\3n10", 4);
    for (unsigned i = 0; i < 120; i++)
        message_put(&message, "\1x", 2);
    message_put(&message, "\0\0\1\0\1\0\0\0\1\0\4abcd", 15);
    message_count(&message, SECTION_ANSWER);
    while (message.size + 16 <= DNS_MESSAGE_MAX) {
        message_put_pointer(&message, last);
        message_put(&message, "\0\1\0\1\0\0\0\1\0\4abcd", 14);
        message_count(&message, SECTION_ANSWER);
    }
    double before = seconds_of_cpu();
    assert_int_equal(read_reply(), REPLY_GOOD);
    assert_false(reply.has_data);
    assert_true(seconds_of_cpu() - before < 0.5); /* 1 ms without sanitizers */
}

static void thousands_of_aliases_are_not_compared(void **unused)
{
    (void)unused;
    start();
    while (message.size + 14 <= DNS_MESSAGE_MAX) {
        message_put_pointer(&message, DNS_HEADER_SIZE + 3);
        message_put(&message, "\0\5\0\1\0\0\0\1\0\2\300\14", 12);
        message_count(&message, SECTION_ANSWER);
    }
    assert_int_equal(read_reply(), REPLY_GOOD);
    assert_int_equal(reply.chain_count, 0);
    assert_false(reply.has_data);
    assert_int_equal(reply.pointer_count, 2 * reply.answers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rdata_is_as_long_as_its_type_wants),
        cmocka_unit_test(a_name_in_rdata_must_not_run_out_of_it),
        cmocka_unit_test(rdlength_beyond_the_message_is_bad),
        cmocka_unit_test(records_of_another_class_are_bad),
        cmocka_unit_test(a_ttl_with_its_top_bit_set_is_zero),
        cmocka_unit_test(opt_extends_the_rcode_and_is_left_out),
        cmocka_unit_test(two_opts_are_bad),
        cmocka_unit_test(an_opt_elsewhere_or_with_an_owner_is_bad),
        cmocka_unit_test(options_that_do_not_fill_their_opt_are_bad),
        cmocka_unit_test(an_opt_of_another_version_does_no_harm),
        cmocka_unit_test(a_signature_that_nobody_asked_for_is_bad),
        cmocka_unit_test(a_truncated_reply_may_have_answers),
        cmocka_unit_test(data_of_another_name_is_no_answer),
        cmocka_unit_test(owners_match_in_any_letter_case),
        cmocka_unit_test(a_chain_is_followed_to_its_end),
        cmocka_unit_test(a_chain_without_end_counts_as_the_servers_failure),
        cmocka_unit_test(what_stands_beside_an_alias_is_not_looked_at),
        cmocka_unit_test(a_chain_may_stand_in_any_order),
        cmocka_unit_test(the_most_hostile_message_is_read_in_bounded_work),
        cmocka_unit_test(thousands_of_aliases_are_not_compared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
