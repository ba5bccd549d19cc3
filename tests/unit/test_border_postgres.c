#include "tests/unit/border_session.h"
#include "tests/unit/border_vectors.h"
#include "tests/unit/unit.h"

static struct border_session session;

/* Type, length, body. */
static void message(bool from_server, char type, const void *body, size_t size)
{
    uint8_t bytes[512] = {(uint8_t)type};
    write_be32(bytes + 1, (uint32_t)size + 4);
    memcpy(bytes + 5, body, size);
    border_session_add(&session, from_server, span_of(bytes, size + 5));
}

static void client(const char *types)
{
    for (; *types; types++)
        message(false, *types, "body", *types == 'S' || *types == 'H' || *types == 'c' ? 0 : 4);
}

static void server(const char *types)
{
    for (; *types; types++)
        message(true, *types, "\0\0\0\1more", 8);
}

static void ready(char status)
{
    message(true, 'Z', &status, 1);
}

static void expect(enum border_verdict verdict)
{
    border_session_expect(&session, verdict);
}

static void startup(uint32_t code, size_t size)
{
    uint8_t bytes[64] = {0};
    write_be32(bytes, (uint32_t)size);
    write_be32(bytes + 4, code);
    border_session_add(&session, false, span_of(bytes, size < sizeof bytes ? size : sizeof bytes));
}

static int begin(void **unused)
{
    (void)unused;
    memset(&session, 0, sizeof session);
    return 0;
}

static int log_in(void **unused)
{
    begin(unused);
    startup(3 << 16, 40);
    server("RSSK");
    expect(BORDER_NOT_REACHED);
    ready('I');
    expect(BORDER_REACHED);
    return 0;
}

static int check(void **unused)
{
    (void)unused;
    border_session_check(&session);
    return 0;
}

static void a_login_with_a_password_ends_at_a_border(void **unused)
{
    (void)unused;
    startup(3 << 16 | 2, 40);
    server("vR");
    client("p");
    server("R");
    client("p");
    server("RRSSKN");
    expect(BORDER_NOT_REACHED);
    ready('I');
    expect(BORDER_REACHED);
}

static void encryption_is_opaque(void **unused)
{
    for (uint32_t gssapi = 0; gssapi < 2; gssapi++) {
        begin(unused);
        startup(80877103 + gssapi, 8);
        expect(BORDER_NOT_REACHED);
        border_session_add(&session, true, span_of_text(gssapi ? "G" : "S"));
        expect(BORDER_LOST);
        check(unused);
    }
}

static void encryption_refused_twice_leads_to_a_plain_login(void **unused)
{
    (void)unused;
    startup(80877104, 8);
    border_session_add(&session, true, span_of_text("N"));
    startup(80877103, 8);
    border_session_add(&session, true, span_of_text("N"));
    startup(3 << 16, 40);
    server("R");
    ready('I');
    expect(BORDER_REACHED);
}

static void an_error_in_place_of_an_offer_ends_it(void **unused)
{
    (void)unused;
    startup(80877103, 8);
    border_session_add(&session, true, span_of_text("E"));
    expect(BORDER_LOST);
}

static void a_client_that_does_not_wait_for_the_offer_is_opaque(void **unused)
{
    (void)unused;
    startup(80877103, 8);
    border_session_add(&session, false, span_of_text("\x16"));
    expect(BORDER_LOST);
}

static void a_cancel_request_is_opaque(void **unused)
{
    (void)unused;
    startup(80877102, 16);
    expect(BORDER_LOST);
}

static void another_version_of_the_protocol_is_opaque(void **unused)
{
    (void)unused;
    startup(2 << 16, 40);
    expect(BORDER_LOST);
}

static void a_startup_packet_of_more_than_10000_bytes_is_opaque(void **unused)
{
    (void)unused;
    startup(3 << 16, 10001);
    expect(BORDER_LOST);
}

static void tls_without_asking_is_opaque(void **unused)
{
    (void)unused;
    border_session_add(&session, false, span_of("\x16\x03\x01\x02\x00\x01\x00\x01", 8));
    expect(BORDER_LOST);
}

static void a_statement_by_itself_ends_no_block(void **unused)
{
    (void)unused;
    client("Q");
    expect(BORDER_NOT_REACHED);
    server("TDC");
    expect(BORDER_NOT_REACHED);
    ready('I');
    expect(BORDER_REACHED);
}

static void a_block_is_no_border_until_it_ends(void **unused)
{
    (void)unused;
    for (const char *status = "TTEI"; *status; status++) {
        client("Q");
        server("C");
        ready(*status);
        expect(*status == 'I' ? BORDER_ENDS_TRANSACTION : BORDER_NOT_REACHED);
    }
    client("Q");
    ready('I');
    expect(BORDER_REACHED);
}

static void what_comes_while_idle_leaves_it_idle(void **unused)
{
    (void)unused;
    for (const char *type = "NSA"; *type; type++) {
        message(true, *type, "news", 4);
        expect(BORDER_REACHED);
    }
}

static void an_answer_that_nobody_asked_for_is_no_border(void **unused)
{
    (void)unused;
    server("E");
    expect(BORDER_NOT_REACHED);
}

static void each_sync_of_a_pipeline_has_an_answer(void **unused)
{
    (void)unused;
    client("PBESPBESS");
    for (int i = 0; i < 3; i++) {
        expect(BORDER_NOT_REACHED);
        server("12C");
        ready('I');
    }
    expect(BORDER_REACHED);
}

static void messages_without_their_sync_are_an_open_transaction(void **unused)
{
    (void)unused;
    client("PBEH");
    server("12C");
    expect(BORDER_NOT_REACHED);
    client("S");
    expect(BORDER_NOT_REACHED);
    ready('I');
    expect(BORDER_REACHED);
}

static void after_an_error_each_sync_still_has_an_answer(void **unused)
{
    (void)unused;
    client("PBEPBESPBES");
    server("1E");
    ready('I');
    expect(BORDER_NOT_REACHED);
    server("12C");
    ready('I');
    expect(BORDER_REACHED);
}

static void a_query_that_an_error_may_have_swallowed_is_opaque(void **unused)
{
    (void)unused;
    client("PBEQS");
    server("E");
    expect(BORDER_LOST);
}

static void a_function_call_is_answered(void **unused)
{
    (void)unused;
    client("F");
    server("V");
    expect(BORDER_NOT_REACHED);
    ready('I');
    expect(BORDER_REACHED);
}

static void rows_to_the_server_end_with_one_answer(void **unused)
{
    (void)unused;
    client("Q");
    server("G");
    client("dd");
    expect(BORDER_NOT_REACHED);
    client("c");
    server("C");
    expect(BORDER_NOT_REACHED);
    ready('I');
    expect(BORDER_REACHED);
}

static void a_sync_before_the_rows_has_no_answer(void **unused)
{
    (void)unused;
    client("PBES");
    server("12G");
    client("ddc");
    server("C");
    expect(BORDER_NOT_REACHED);
    client("S");
    expect(BORDER_NOT_REACHED);
    ready('I');
    expect(BORDER_REACHED);
}

static void rows_sent_without_waiting_are_counted_too(void **unused)
{
    (void)unused;
    client("QdcQ");
    server("GC");
    ready('I');
    expect(BORDER_NOT_REACHED);
    server("TC");
    ready('I');
    expect(BORDER_REACHED);
}

static void two_files_of_rows_sent_without_waiting_are_opaque(void **unused)
{
    (void)unused;
    client("QdcQdc");
    server("GC");
    expect(BORDER_LOST);
}

static void rows_refused_leave_one_answer_and_late_ends_are_dropped(void **unused)
{
    (void)unused;
    client("Q");
    server("G");
    client("d");
    server("E");
    expect(BORDER_NOT_REACHED);
    ready('I');
    expect(BORDER_REACHED);
    client("dc");
    expect(BORDER_REACHED);
    client("Q");
    server("G");
    client("df");
    server("E");
    ready('I');
    expect(BORDER_REACHED);
}

static void rows_refused_after_an_early_sync_are_opaque(void **unused)
{
    (void)unused;
    client("PBES");
    server("12G");
    client("dcS");
    server("E");
    expect(BORDER_LOST);
}

static void rows_to_the_client_are_an_answer_like_any(void **unused)
{
    (void)unused;
    client("Q");
    server("HddcC");
    expect(BORDER_NOT_REACHED);
    ready('I');
    expect(BORDER_REACHED);
}

static void replication_is_opaque(void **unused)
{
    (void)unused;
    client("Q");
    server("W");
    expect(BORDER_LOST);
}

static void a_message_of_another_protocol_is_opaque(void **unused)
{
    (void)unused;
    client("z");
    expect(BORDER_LOST);
}

static void a_length_that_does_not_count_itself_is_opaque(void **unused)
{
    (void)unused;
    border_session_add(&session, false, span_of("Q\0\0\0\3", 5));
    expect(BORDER_LOST);
}

static void a_message_of_more_than_a_gigabyte_is_opaque(void **unused)
{
    (void)unused;
    border_session_add(&session, true, span_of("D\x7f\xff\xff\xff", 5));
    expect(BORDER_LOST);
}

static void a_readiness_that_nobody_asked_for_is_opaque(void **unused)
{
    (void)unused;
    ready('I');
    expect(BORDER_LOST);
}

static void after_terminate_there_is_no_border(void **unused)
{
    (void)unused;
    client("X");
    expect(BORDER_NOT_REACHED);
}

static void the_rest_of_a_long_row_may_pass_unseen(void **unused)
{
    (void)unused;
    struct border border = {0};
    client("Q");
    border_session_add(&session, true, span_of("D\0\x9f\xff\xfe..", 7));
    border_session_play(&session, &border);
    assert_int_equal(border_skippable_from_client(&border), 0);
    assert_int_equal(border_skippable_from_server(&border), 0x9ffffe - 4 - 2);
    border_skip_from_server(&border, 0x9ffffe - 4 - 3);
    border_from_server(&border, span_of(".Z\0\0\0\5I", 7));
    assert_true(border_reached(&border));
    border_from_client(&border, span_of_text("zzzzz"));
    assert_int_equal(border.protocol, BORDER_OPAQUE);
    assert_true(border_skippable_from_client(&border) == UINT64_MAX);
    border_skip_from_client(&border, UINT64_MAX);
}

static void recorded_sessions_have_the_borders_that_the_server_had(void **unused)
{
    (void)unused;
    assert_int_equal(border_vectors_check("postgres"), 10);
}

#define FROM(setup, name) cmocka_unit_test_setup_teardown(name, setup, check)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FROM(begin, a_login_with_a_password_ends_at_a_border),
        cmocka_unit_test(encryption_is_opaque),
        FROM(begin, encryption_refused_twice_leads_to_a_plain_login),
        FROM(begin, an_error_in_place_of_an_offer_ends_it),
        FROM(begin, a_client_that_does_not_wait_for_the_offer_is_opaque),
        FROM(begin, a_cancel_request_is_opaque),
        FROM(begin, another_version_of_the_protocol_is_opaque),
        FROM(begin, a_startup_packet_of_more_than_10000_bytes_is_opaque),
        FROM(begin, tls_without_asking_is_opaque),
        FROM(log_in, a_statement_by_itself_ends_no_block),
        FROM(log_in, a_block_is_no_border_until_it_ends),
        FROM(log_in, what_comes_while_idle_leaves_it_idle),
        FROM(log_in, an_answer_that_nobody_asked_for_is_no_border),
        FROM(log_in, each_sync_of_a_pipeline_has_an_answer),
        FROM(log_in, messages_without_their_sync_are_an_open_transaction),
        FROM(log_in, after_an_error_each_sync_still_has_an_answer),
        FROM(log_in, a_query_that_an_error_may_have_swallowed_is_opaque),
        FROM(log_in, a_function_call_is_answered),
        FROM(log_in, rows_to_the_server_end_with_one_answer),
        FROM(log_in, a_sync_before_the_rows_has_no_answer),
        FROM(log_in, rows_sent_without_waiting_are_counted_too),
        FROM(log_in, two_files_of_rows_sent_without_waiting_are_opaque),
        FROM(log_in, rows_refused_leave_one_answer_and_late_ends_are_dropped),
        FROM(log_in, rows_refused_after_an_early_sync_are_opaque),
        FROM(log_in, rows_to_the_client_are_an_answer_like_any),
        FROM(log_in, replication_is_opaque),
        FROM(log_in, a_message_of_another_protocol_is_opaque),
        FROM(log_in, a_length_that_does_not_count_itself_is_opaque),
        FROM(log_in, a_message_of_more_than_a_gigabyte_is_opaque),
        FROM(log_in, a_readiness_that_nobody_asked_for_is_opaque),
        FROM(log_in, after_terminate_there_is_no_border),
        FROM(log_in, the_rest_of_a_long_row_may_pass_unseen),
        cmocka_unit_test(recorded_sessions_have_the_borders_that_the_server_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
