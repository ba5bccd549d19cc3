#include "resolver/vet.h"

#include "resolver/engine.h"
#include "tests/unit/dns_message.h"
#include "tests/unit/unit.h"

static struct engine engine;
static struct message message;
static const uint8_t *vetted; /* the bytes to use */

static int setup(void **unused)
{
    (void)unused;
    memset(&engine.counters, 0, sizeof engine.counters);
    vetted = message.data;
    return 0;
}

/* Vets the message as the answer to an A question without DO. */
static bool is_the_answer_to(const char *name)
{
    uint8_t wire[NAME_WIRE_MAX], lower[NAME_WIRE_MAX];
    size_t size = wire_of(name, wire);
    name_lower(lower, wire, size);
    struct cache_key key = {
        .name = lower, .name_size = (uint8_t)size, .type = TYPE_A, .class = CLASS_IN};
    return vet(&engine, &key, wire, MESSAGE_ID, &vetted, message.size);
}

static void counts(unsigned foreign, unsigned bad)
{
    assert_int_equal(engine.counters.upstream_foreign, foreign);
    assert_int_equal(engine.counters.upstream_bad, bad);
}

static void start(unsigned flags)
{
    message_start(&message, (uint16_t)(DNS_QR | flags), "else.test", TYPE_A);
}

static void an_answer_in_order_is_used_as_it_came(void **unused)
{
    (void)unused;
    start(0);
    message_a(&message, SECTION_ANSWER, "@", 60, 1);
    assert_true(is_the_answer_to("else.test"));
    assert_ptr_equal(vetted, message.data);
    assert_int_equal(engine.reply.answers, 1);
    counts(0, 0);
}

static void the_letters_must_be_those_that_were_sent(void **unused)
{
    (void)unused;
    message_start(&message, DNS_QR, "eLSE.test", TYPE_A);
    message_a(&message, SECTION_ANSWER, "@", 60, 1);
    assert_true(is_the_answer_to("eLSE.test"));
    assert_false(is_the_answer_to("else.test"));
    counts(1, 0);
}

static void what_answers_something_else_is_foreign(void **unused)
{
    (void)unused;
    message_start(&message, DNS_QR, "other.test", TYPE_A);
    assert_false(is_the_answer_to("else.test"));
    message_start(&message, DNS_QR, "else.test", TYPE_AAAA);
    assert_false(is_the_answer_to("else.test"));
    start(0);
    message.data[0]++;
    assert_false(is_the_answer_to("else.test"));
    counts(3, 0);
}

static void what_is_torn_is_bad(void **unused)
{
    (void)unused;
    start(0);
    message_a(&message, SECTION_ANSWER, "@", 60, 1);
    message.size--;
    assert_false(is_the_answer_to("else.test"));
    message.size = 3;
    assert_false(is_the_answer_to("else.test"));
    counts(0, 2);
}

static void cnames_in_disorder_are_put_in_order_and_the_reply_tells_of_the_new_bytes(void **unused)
{
    (void)unused;
    start(0);
    message_a(&message, SECTION_ANSWER, "real.test", 60, 7);
    message_cname(&message, "@", 60, "real.test");
    assert_true(is_the_answer_to("else.test"));
    assert_ptr_equal(vetted, engine.work);
    const struct record *records = engine.reply.records;
    assert_int_equal(engine.reply.answers, 2);
    assert_int_equal(records[0].type, TYPE_CNAME);
    assert_int_equal(records[1].type, TYPE_A);
    assert_int_equal(read_be32(vetted + records[1].data), 7);
    assert_true(engine.reply.has_data);
    counts(0, 0);
}

static void records_of_other_names_are_left_out(void **unused)
{
    (void)unused;
    start(0);
    message_a(&message, SECTION_ANSWER, "@", 60, 1);
    message_a(&message, SECTION_ANSWER, "bank.test", 60, 6);
    assert_true(is_the_answer_to("else.test"));
    assert_int_equal(engine.reply.answers, 1);
    assert_int_equal(read_be32(vetted + engine.reply.records[0].data), 1);
}

static void nothing_but_records_of_other_names_is_no_answer(void **unused)
{
    (void)unused;
    start(0);
    message_a(&message, SECTION_ANSWER, "bank.test", 60, 6);
    assert_false(is_the_answer_to("else.test"));
    counts(0, 1);
}

static void a_truncated_answer_counts_as_it_is(void **unused)
{
    (void)unused;
    start(DNS_TC);
    message_a(&message, SECTION_ANSWER, "bank.test", 60, 6);
    assert_true(is_the_answer_to("else.test"));
    assert_true(engine.reply.flags & DNS_TC);
    assert_ptr_equal(vetted, message.data);
}

static void a_refusal_counts_whatever_it_carries(void **unused)
{
    (void)unused;
    start(RCODE_SERVFAIL);
    message_a(&message, SECTION_ANSWER, "bank.test", 60, 6);
    assert_true(is_the_answer_to("else.test"));
    assert_int_equal(engine.reply.rcode, RCODE_SERVFAIL);
    assert_ptr_equal(vetted, message.data);
}

static void nxdomain_behind_a_cname_is_put_in_order_too(void **unused)
{
    (void)unused;
    start(RCODE_NXDOMAIN);
    message_cname(&message, "next.test", 60, "gone.test");
    message_cname(&message, "@", 60, "next.test");
    assert_true(is_the_answer_to("else.test"));
    assert_ptr_equal(vetted, engine.work);
    assert_int_equal(engine.reply.chain_count, 2);
    assert_int_equal(engine.reply.rcode, RCODE_NXDOMAIN);
}

static void cnames_in_a_circle_are_as_good_as_servfail(void **unused)
{
    (void)unused;
    start(0);
    message_cname(&message, "@", 60, "next.test");
    message_cname(&message, "next.test", 60, "else.test");
    assert_true(is_the_answer_to("else.test"));
    assert_int_equal(engine.reply.rcode, RCODE_SERVFAIL);
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_answer_in_order_is_used_as_it_came),
        TEST(the_letters_must_be_those_that_were_sent),
        TEST(what_answers_something_else_is_foreign),
        TEST(what_is_torn_is_bad),
        TEST(cnames_in_disorder_are_put_in_order_and_the_reply_tells_of_the_new_bytes),
        TEST(records_of_other_names_are_left_out),
        TEST(nothing_but_records_of_other_names_is_no_answer),
        TEST(a_truncated_answer_counts_as_it_is),
        TEST(a_refusal_counts_whatever_it_carries),
        TEST(nxdomain_behind_a_cname_is_put_in_order_too),
        TEST(cnames_in_a_circle_are_as_good_as_servfail),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
