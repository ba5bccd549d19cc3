#include "tests/unit/dns_message.h"
#include "tests/unit/unit.h"

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

static void an_answer_is_taken_apart_by_its_sections(void **unused)
{
    (void)unused;
    start();
    message_cname(&message, "@", 60, "a.example");
    message_a(&message, SECTION_ANSWER, "a.example", 30, 0xc0000201);
    message_soa(&message, "example", 20, DNS_HEADER_SIZE, 10);
    message_a(&message, SECTION_ADDITIONAL, "ns.example", 10, 0xc0000202);
    assert_int_equal(read_reply(), REPLY_GOOD);
    assert_int_equal(reply.answers, 2);
    assert_int_equal(reply.authorities, 1);
    assert_int_equal(reply.additionals, 1);
    assert_int_equal(reply.record_count, 4);
    assert_int_equal(reply.end, message.size);
    assert_int_equal(reply.chain_count, 1);
    assert_int_equal(reply.chain[0], 0);
    assert_true(reply.has_data);
    assert_int_equal(reply.soa, 2);
    assert_int_equal(reply.pointer_count, 3);
    assert_false(reply.edns);
}

static void what_is_shorter_than_a_header_is_bad(void **unused)
{
    (void)unused;
    start();
    for (message.size = 0; message.size < DNS_HEADER_SIZE; message.size++)
        assert_int_equal(read_reply(), REPLY_BAD);
}

static void another_id_is_foreign(void **unused)
{
    (void)unused;
    start();
    message.data[1] ^= 1;
    assert_int_equal(read_reply(), REPLY_FOREIGN);
}

static void a_question_is_no_reply(void **unused)
{
    (void)unused;
    message_start(&message, DNS_RA, QUESTION, TYPE_A);
    assert_int_equal(read_reply(), REPLY_FOREIGN);
}

static void another_opcode_is_foreign(void **unused)
{
    (void)unused;
    message_start(&message, DNS_QR | 0x2000, QUESTION, TYPE_A);
    assert_int_equal(read_reply(), REPLY_FOREIGN);
}

static void another_question_is_foreign(void **unused)
{
    (void)unused;
    message_start(&message, DNS_QR, "db.shop.internam", TYPE_A);
    assert_int_equal(read_reply(), REPLY_FOREIGN);
    message_start(&message, DNS_QR, QUESTION, TYPE_AAAA);
    assert_int_equal(read_reply(), REPLY_FOREIGN);
    start();
    message.data[message.size - 1] = 3;
    assert_int_equal(read_reply(), REPLY_FOREIGN);
}

static void another_letter_case_is_foreign(void **unused)
{
    (void)unused;
    message_start(&message, DNS_QR, "dB.shop.internal", TYPE_A);
    assert_int_equal(read_reply(), REPLY_FOREIGN);
}

static void no_question_or_two_are_foreign(void **unused)
{
    (void)unused;
    start();
    write_be16(message.data + 4, 0);
    assert_int_equal(read_reply(), REPLY_FOREIGN);
    write_be16(message.data + 4, 2);
    assert_int_equal(read_reply(), REPLY_FOREIGN);
    start();
    message.size = DNS_HEADER_SIZE;
    write_be16(message.data + 4, 0);
    assert_int_equal(read_reply(), REPLY_FOREIGN);
}

static void an_answer_cut_short_anywhere_is_never_good(void **unused)
{
    (void)unused;
    start();
    message_cname(&message, "@", 60, "a.example");
    message_soa(&message, "example", 20, DNS_HEADER_SIZE, 10);
    message_opt(&message, 1232, 0, "\0\17\0\2\0\3", 6);
    for (message.size--; message.size > 0; message.size--)
        assert_int_not_equal(read_reply(), REPLY_GOOD);
}

static void counts_beyond_the_data_are_bad(void **unused)
{
    (void)unused;
    for (enum section section = SECTION_ANSWER; section <= SECTION_ADDITIONAL; section++) {
        start();
        message_count(&message, section);
        assert_int_equal(read_reply(), REPLY_BAD);
        write_be16(message.data + 4 + 2 * section, 0xffff);
        assert_int_equal(read_reply(), REPLY_BAD);
    }
}

static void bytes_behind_the_last_record_are_bad(void **unused)
{
    (void)unused;
    start();
    message_a(&message, SECTION_ANSWER, "@", 60, 1);
    message_put(&message, "", 1);
    assert_int_equal(read_reply(), REPLY_BAD);
}

/* An answer owned by a pointer to `target`, behind a question and an A record. */
static enum reply_verdict read_with_pointer_to(size_t target)
{
    message_put_pointer(&message, target);
    message_put(&message, "\0\1\0\1\0\0\0\1\0\4abcd", 14);
    message_count(&message, SECTION_ANSWER);
    return read_reply();
}

static void pointers_lead_to_labels_before_them(void **unused)
{
    (void)unused;
    start();
    assert_int_equal(read_with_pointer_to(DNS_HEADER_SIZE), REPLY_GOOD);
    start();
    assert_int_equal(read_with_pointer_to(DNS_HEADER_SIZE + 3), REPLY_GOOD); /* "shop" */
    start();
    assert_int_equal(read_with_pointer_to(DNS_HEADER_SIZE + 17), REPLY_GOOD); /* the root */
}

static void pointers_to_themselves_and_forward_are_bad(void **unused)
{
    (void)unused;
    start();
    assert_int_equal(read_with_pointer_to(message.size), REPLY_BAD);
    start();
    assert_int_equal(read_with_pointer_to(message.size + 1), REPLY_BAD);
    start();
    assert_int_equal(read_with_pointer_to(message.size + 12), REPLY_BAD);
    start();
    assert_int_equal(read_with_pointer_to(DNS_POINTER_MAX), REPLY_BAD);
}

static void pointers_in_a_circle_are_bad(void **unused)
{
    (void)unused;
    start();
    size_t at = message.size;
    message_put(&message, "\1a", 2);
    assert_int_equal(read_with_pointer_to(at), REPLY_BAD);
}

static void pointers_into_the_header_are_bad(void **unused)
{
    (void)unused;
    for (size_t target = 0; target < DNS_HEADER_SIZE; target++) {
        start();
        assert_int_equal(read_with_pointer_to(target), REPLY_BAD);
    }
}

static void pointers_to_what_is_no_label_are_bad(void **unused)
{
    (void)unused;
    start();
    assert_int_equal(read_with_pointer_to(DNS_HEADER_SIZE + 1), REPLY_BAD); /* into "db" */
    start();
    assert_int_equal(read_with_pointer_to(message.size - 2), REPLY_BAD); /* the class */
    start();
    message_a(&message, SECTION_ANSWER, "@", 0, 0);
    assert_int_equal(read_with_pointer_to(message.size - 10), REPLY_BAD); /* the TTL, zero */
    start();
    message_a(&message, SECTION_ANSWER, "@", 0, 0);
    assert_int_equal(read_with_pointer_to(message.size - 4), REPLY_BAD); /* the address, zero */
    start();
    message_a(&message, SECTION_ANSWER, "@", 0, 0);
    assert_int_equal(read_with_pointer_to(message.size - 15), REPLY_BAD); /* half a pointer */
}

static void a_name_may_go_through_many_pointers_but_only_so_many(void **unused)
{
    (void)unused;
    enum reply_verdict verdict = REPLY_GOOD;
    unsigned good = 0;
    start();
    for (size_t target = DNS_HEADER_SIZE; verdict == REPLY_GOOD && good < 200; good++) {
        size_t here = message.size;
        verdict = read_with_pointer_to(target);
        target = here;
    }
    assert_int_equal(good, NAME_LABELS_MAX + 1);
}

/* Labels of a byte, pointers to them: the name of `count` labels before the question's name. */
static enum reply_verdict read_with_labels_before_pointer(unsigned count)
{
    start();
    for (unsigned i = 0; i < count; i++)
        message_put(&message, "\1x", 2);
    return read_with_pointer_to(DNS_HEADER_SIZE);
}

static void a_name_has_at_most_255_bytes_however_it_is_put_together(void **unused)
{
    (void)unused;
    /* The question's name has 18 bytes: 118 labels of two make 254, 119 make 256. */
    assert_int_equal(read_with_labels_before_pointer(118), REPLY_GOOD);
    assert_int_equal(read_with_labels_before_pointer(119), REPLY_BAD);
    start();
    message_put(&message, "\2xx", 3);
    for (unsigned i = 0; i < 117; i++)
        message_put(&message, "\1x", 2);
    assert_int_equal(read_with_pointer_to(DNS_HEADER_SIZE), REPLY_GOOD); /* 255 */
}

static void labels_of_64_to_191_bytes_are_bad(void **unused)
{
    (void)unused;
    static const uint8_t lengths[] = {64, 100, 128, 191}, bytes[192] = {0};
    for (size_t i = 0; i < sizeof lengths; i++) {
        start();
        message_put(&message, &lengths[i], 1);
        message_put(&message, bytes, lengths[i]);
        assert_int_equal(read_with_pointer_to(DNS_HEADER_SIZE), REPLY_BAD);
    }
}

static void a_copied_name_is_whole_and_in_lower_case(void **unused)
{
    (void)unused;
    uint8_t name[NAME_WIRE_MAX];
    start();
    size_t at = message.size;
    message_put(&message, "\3WWW", 4);
    assert_int_equal(read_with_pointer_to(DNS_HEADER_SIZE), REPLY_GOOD);
    assert_int_equal(packet_copy_name(message.data, at, name), 22);
    assert_memory_equal(name, "\3www\2db\4shop\10internal", 22);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_is_taken_apart_by_its_sections),
        cmocka_unit_test(what_is_shorter_than_a_header_is_bad),
        cmocka_unit_test(another_id_is_foreign),
        cmocka_unit_test(a_question_is_no_reply),
        cmocka_unit_test(another_opcode_is_foreign),
        cmocka_unit_test(another_question_is_foreign),
        cmocka_unit_test(another_letter_case_is_foreign),
        cmocka_unit_test(no_question_or_two_are_foreign),
        cmocka_unit_test(an_answer_cut_short_anywhere_is_never_good),
        cmocka_unit_test(counts_beyond_the_data_are_bad),
        cmocka_unit_test(bytes_behind_the_last_record_are_bad),
        cmocka_unit_test(pointers_lead_to_labels_before_them),
        cmocka_unit_test(pointers_to_themselves_and_forward_are_bad),
        cmocka_unit_test(pointers_in_a_circle_are_bad),
        cmocka_unit_test(pointers_into_the_header_are_bad),
        cmocka_unit_test(pointers_to_what_is_no_label_are_bad),
        cmocka_unit_test(a_name_may_go_through_many_pointers_but_only_so_many),
        cmocka_unit_test(a_name_has_at_most_255_bytes_however_it_is_put_together),
        cmocka_unit_test(labels_of_64_to_191_bytes_are_bad),
        cmocka_unit_test(a_copied_name_is_whole_and_in_lower_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
