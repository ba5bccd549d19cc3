#include "tests/unit/dns_message.h"
#include "tests/unit/unit.h"

static struct message message;
static struct query query;

static enum query_verdict read_query(void)
{
    /* Exactly as large as the message, so that a read beyond it is seen. */
    uint8_t *exact = test_malloc(message.size + 1);
    memcpy(exact + 1, message.data, message.size);
    enum query_verdict verdict = query_parse(exact + 1, message.size, &query);
    test_free(exact);
    return verdict;
}

static void start(void)
{
    message_start(&message, DNS_RD, "Db.Shop.internal", TYPE_A);
}

static void a_question_is_read_in_its_own_letter_case_and_in_lower_case(void **unused)
{
    (void)unused;
    static const uint8_t name[] = "\2Db\4Shop\10internal", lower[] = "\2db\4shop\10internal";
    start();
    assert_int_equal(read_query(), QUERY_ANSWER);
    assert_int_equal(query.id, MESSAGE_ID);
    assert_int_equal(query.flags, DNS_RD);
    assert_int_equal(query.type, TYPE_A);
    assert_int_equal(query.class, CLASS_IN);
    assert_int_equal(query.name_size, sizeof name);
    assert_memory_equal(query.name, name, sizeof name);
    assert_memory_equal(query.lower, lower, sizeof lower);
    assert_false(query.edns);
    assert_int_equal(query.udp_size, DNS_UDP_SIZE_MIN);
}

static void what_is_shorter_than_a_header_gets_no_answer(void **unused)
{
    (void)unused;
    start();
    for (message.size = 0; message.size < DNS_HEADER_SIZE; message.size++)
        assert_int_equal(read_query(), QUERY_DROP);
}

static void an_answer_is_never_answered(void **unused)
{
    (void)unused;
    message_start(&message, DNS_QR, "db.shop.internal", TYPE_A);
    assert_int_equal(read_query(), QUERY_DROP);
    message_start(&message, DNS_QR | DNS_OPCODE, "db.shop.internal", TYPE_A);
    assert_int_equal(read_query(), QUERY_DROP);
}

static void every_opcode_but_query_is_not_implemented(void **unused)
{
    (void)unused;
    for (unsigned opcode = 1; opcode < 16; opcode++) {
        message_start(&message, (uint16_t)(opcode << 11), "db.shop.internal", TYPE_A);
        assert_int_equal(read_query(), QUERY_NOTIMP);
        assert_int_equal(query.id, MESSAGE_ID);
        assert_int_equal(query.flags, opcode << 11);
    }
}

static void there_is_one_question_neither_none_nor_two(void **unused)
{
    (void)unused;
    start();
    write_be16(message.data + 4, 0);
    assert_int_equal(read_query(), QUERY_FORMERR);
    message.size = DNS_HEADER_SIZE;
    assert_int_equal(read_query(), QUERY_FORMERR);
    start();
    message_put_name(&message, "two.internal");
    message_put16(&message, TYPE_A);
    message_put16(&message, CLASS_IN);
    write_be16(message.data + 4, 2);
    assert_int_equal(read_query(), QUERY_FORMERR);
}

static void a_question_brings_neither_answers_nor_authorities(void **unused)
{
    (void)unused;
    start();
    message_a(&message, SECTION_ANSWER, "@", 1, 0);
    assert_int_equal(read_query(), QUERY_FORMERR);
    start();
    message_a(&message, SECTION_AUTHORITY, "@", 1, 0);
    assert_int_equal(read_query(), QUERY_FORMERR);
}

static void a_question_cut_short_anywhere_is_malformed(void **unused)
{
    (void)unused;
    start();
    message_opt(&message, 1232, 0, "\0\12\0\2ab", 6);
    for (size_t whole = message.size--; message.size >= DNS_HEADER_SIZE; message.size--) {
        assert_int_not_equal(whole, message.size);
        assert_int_equal(read_query(), QUERY_FORMERR);
    }
}

static void counts_beyond_the_data_are_malformed(void **unused)
{
    (void)unused;
    start();
    message_count(&message, SECTION_ADDITIONAL);
    assert_int_equal(read_query(), QUERY_FORMERR);
    start();
    write_be16(message.data + 10, 0xffff);
    assert_int_equal(read_query(), QUERY_FORMERR);
}

static void bytes_behind_the_question_are_malformed(void **unused)
{
    (void)unused;
    start();
    message_put(&message, "", 1);
    assert_int_equal(read_query(), QUERY_FORMERR);
    start();
    message_opt(&message, 1232, 0, "", 0);
    message_put(&message, "", 1);
    assert_int_equal(read_query(), QUERY_FORMERR);
}

/* A question whose first label has this length byte, followed by as many bytes as there is room. */
static enum query_verdict read_with_label(uint8_t length)
{
    start();
    message.size = DNS_HEADER_SIZE;
    message_put(&message, &length, 1);
    for (unsigned i = 0; i < length; i++)
        message_put(&message, "x", 1);
    message_put(&message, "\0\0\1\0\1", 5);
    return read_query();
}

static void a_label_has_at_most_63_bytes(void **unused)
{
    (void)unused;
    assert_int_equal(read_with_label(63), QUERY_ANSWER);
    assert_int_equal(read_with_label(64), QUERY_FORMERR);
    assert_int_equal(read_with_label(128), QUERY_FORMERR);
    assert_int_equal(read_with_label(191), QUERY_FORMERR);
}

static void a_question_has_no_compression_pointer(void **unused)
{
    (void)unused;
    for (size_t target = 0; target < 32; target++) {
        message_start(&message, 0, "", TYPE_A);
        message.size = DNS_HEADER_SIZE;
        message_put_pointer(&message, target);
        message_put(&message, "\0\1\0\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
        assert_int_equal(read_query(), QUERY_FORMERR);
    }
}

/* Three labels of 63, one of `last`. */
static enum query_verdict read_with_last_label(uint8_t last)
{
    static const uint8_t bytes[64] = {0};
    start();
    message.size = DNS_HEADER_SIZE;
    for (unsigned i = 0; i < 4; i++) {
        uint8_t length = i < 3 ? 63 : last;
        message_put(&message, &length, 1);
        message_put(&message, bytes, length);
    }
    message_put(&message, "\0\0\1\0\1", 5);
    return read_query();
}

static void a_name_has_at_most_255_bytes(void **unused)
{
    (void)unused;
    assert_int_equal(read_with_last_label(61), QUERY_ANSWER);
    assert_int_equal(query.name_size, 255);
    assert_int_equal(read_with_last_label(62), QUERY_FORMERR);
    assert_int_equal(read_with_last_label(63), QUERY_FORMERR);
}

static void nul_and_dots_are_bytes_like_others(void **unused)
{
    (void)unused;
    static const uint8_t name[] = "\5a.b\0C\1.";
    start();
    message.size = DNS_HEADER_SIZE;
    message_put(&message, name, sizeof name);
    message_put(&message, "\0\1\0\1", 4);
    assert_int_equal(read_query(), QUERY_ANSWER);
    assert_int_equal(query.name_size, sizeof name);
    assert_memory_equal(query.lower, "\5a.b\0c\1.", sizeof name);
}

static void the_root_is_a_question(void **unused)
{
    (void)unused;
    message_start(&message, 0, ".", TYPE_NS);
    assert_int_equal(read_query(), QUERY_ANSWER);
    assert_int_equal(query.name_size, 1);
}

static void opt_says_what_the_client_can_take(void **unused)
{
    (void)unused;
    start();
    message_opt(&message, 4096, 0x00008000, "\0\12\0\2ab", 6);
    assert_int_equal(read_query(), QUERY_ANSWER);
    assert_true(query.edns);
    assert_true(query.dnssec_ok);
    assert_int_equal(query.udp_size, 4096);
    start();
    message_opt(&message, 100, 0, "", 0);
    assert_int_equal(read_query(), QUERY_ANSWER);
    assert_false(query.dnssec_ok);
    assert_int_equal(query.udp_size, DNS_UDP_SIZE_MIN); /* RFC 6891 section 6.2.3 */
}

static void another_version_of_edns_is_known_as_such(void **unused)
{
    (void)unused;
    start();
    message_opt(&message, 1232, 0x00010000, "", 0);
    assert_int_equal(read_query(), QUERY_BADVERS);
    assert_true(query.edns);
    assert_int_equal(query.type, TYPE_A);
}

static void two_opts_are_malformed(void **unused)
{
    (void)unused;
    start();
    message_opt(&message, 1232, 0, "", 0);
    message_opt(&message, 1232, 0, "", 0);
    assert_int_equal(read_query(), QUERY_FORMERR);
}

static void an_opt_that_is_not_the_roots_is_malformed(void **unused)
{
    (void)unused;
    start();
    message_end(&message, message_begin(&message, SECTION_ADDITIONAL, "x", TYPE_OPT, 0));
    assert_int_equal(read_query(), QUERY_FORMERR);
    start();
    message_end(&message, message_begin(&message, SECTION_ADDITIONAL, "@", TYPE_OPT, 0));
    assert_int_equal(read_query(), QUERY_FORMERR);
}

static void options_fill_their_opt_exactly(void **unused)
{
    (void)unused;
    static const struct {
        const char *options;
        size_t size;
    } wrong[] = {
        {"\0", 1}, {"\0\12\0", 3}, {"\0\12\0\1", 4}, {"\0\12\377\377ab", 6}, {"\0\12\0\1ab", 6}};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        start();
        message_opt(&message, 1232, 0, wrong[i].options, wrong[i].size);
        assert_int_equal(read_query(), QUERY_FORMERR);
    }
}

static void one_tsig_comes_last_and_alone(void **unused)
{
    (void)unused;
    start();
    message_opt(&message, 1232, 0, "", 0);
    message_end(&message, message_begin(&message, SECTION_ADDITIONAL, "key", TYPE_TSIG, 0));
    assert_int_equal(read_query(), QUERY_ANSWER);
    message_end(&message, message_begin(&message, SECTION_ADDITIONAL, "key", TYPE_TSIG, 0));
    assert_int_equal(read_query(), QUERY_FORMERR);
    start();
    message_end(&message, message_begin(&message, SECTION_ADDITIONAL, "key", TYPE_TSIG, 0));
    message_opt(&message, 1232, 0, "", 0);
    assert_int_equal(read_query(), QUERY_FORMERR);
}

static void pointers_in_additional_records_only_lead_back(void **unused)
{
    (void)unused;
    for (size_t step = 0; step <= 2; step++) {
        start();
        message_put_pointer(&message, message.size + step);
        message_put(&message, "\0\1\0\1\0\0\0\0\0\0", 10);
        message_count(&message, SECTION_ADDITIONAL);
        assert_int_equal(read_query(), QUERY_FORMERR);
    }
    start();
    message_a(&message, SECTION_ADDITIONAL, "@", 1, 0);
    assert_int_equal(read_query(), QUERY_ANSWER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_question_is_read_in_its_own_letter_case_and_in_lower_case),
        cmocka_unit_test(what_is_shorter_than_a_header_gets_no_answer),
        cmocka_unit_test(an_answer_is_never_answered),
        cmocka_unit_test(every_opcode_but_query_is_not_implemented),
        cmocka_unit_test(there_is_one_question_neither_none_nor_two),
        cmocka_unit_test(a_question_brings_neither_answers_nor_authorities),
        cmocka_unit_test(a_question_cut_short_anywhere_is_malformed),
        cmocka_unit_test(counts_beyond_the_data_are_malformed),
        cmocka_unit_test(bytes_behind_the_question_are_malformed),
        cmocka_unit_test(a_label_has_at_most_63_bytes),
        cmocka_unit_test(a_question_has_no_compression_pointer),
        cmocka_unit_test(a_name_has_at_most_255_bytes),
        cmocka_unit_test(nul_and_dots_are_bytes_like_others),
        cmocka_unit_test(the_root_is_a_question),
        cmocka_unit_test(opt_says_what_the_client_can_take),
        cmocka_unit_test(another_version_of_edns_is_known_as_such),
        cmocka_unit_test(two_opts_are_malformed),
        cmocka_unit_test(an_opt_that_is_not_the_roots_is_malformed),
        cmocka_unit_test(options_fill_their_opt_exactly),
        cmocka_unit_test(one_tsig_comes_last_and_alone),
        cmocka_unit_test(pointers_in_additional_records_only_lead_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
