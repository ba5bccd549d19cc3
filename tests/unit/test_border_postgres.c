#include "tests/unit/border_postgres_scene.h"
#include "tests/unit/border_vectors.h"

static void a_login_with_a_password_ends_at_a_border(void **unused)
{
    (void)unused;
    postgres_startup(3 << 16 | 2, 40);
    postgres_server("vR");
    postgres_client("p");
    postgres_server("R");
    postgres_client("p");
    postgres_server("RRSSKN");
    postgres_expect(BORDER_NOT_REACHED);
    postgres_ready('I');
    postgres_expect(BORDER_REACHED);
}

static void encryption_is_opaque(void **unused)
{
    for (uint32_t gssapi = 0; gssapi < 2; gssapi++) {
        postgres_begin(unused);
        postgres_startup(80877103 + gssapi, 8);
        postgres_expect(BORDER_NOT_REACHED);
        border_session_add(&postgres_session, true, span_of_text(gssapi ? "G" : "S"));
        postgres_expect(BORDER_LOST);
        postgres_check(unused);
    }
}

static void encryption_refused_twice_leads_to_a_plain_login(void **unused)
{
    (void)unused;
    postgres_startup(80877104, 8);
    border_session_add(&postgres_session, true, span_of_text("N"));
    postgres_startup(80877103, 8);
    border_session_add(&postgres_session, true, span_of_text("N"));
    postgres_startup(3 << 16, 40);
    postgres_server("R");
    postgres_ready('I');
    postgres_expect(BORDER_REACHED);
}

static void an_error_in_place_of_an_offer_ends_it(void **unused)
{
    (void)unused;
    postgres_startup(80877103, 8);
    border_session_add(&postgres_session, true, span_of_text("E"));
    postgres_expect(BORDER_LOST);
}

static void a_client_that_does_not_wait_for_the_offer_is_opaque(void **unused)
{
    (void)unused;
    postgres_startup(80877103, 8);
    border_session_add(&postgres_session, false, span_of_text("\x16"));
    postgres_expect(BORDER_LOST);
}

static void a_cancel_request_is_opaque(void **unused)
{
    (void)unused;
    postgres_startup(80877102, 16);
    postgres_expect(BORDER_LOST);
}

static void another_version_of_the_protocol_is_opaque(void **unused)
{
    (void)unused;
    postgres_startup(2 << 16, 40);
    postgres_expect(BORDER_LOST);
}

static void a_startup_packet_of_more_than_10000_bytes_is_opaque(void **unused)
{
    (void)unused;
    postgres_startup(3 << 16, 10001);
    postgres_expect(BORDER_LOST);
}

static void tls_without_asking_is_opaque(void **unused)
{
    (void)unused;
    border_session_add(&postgres_session, false, span_of("\x16\x03\x01\x02\x00\x01\x00\x01", 8));
    postgres_expect(BORDER_LOST);
}

static void a_statement_by_itself_ends_no_block(void **unused)
{
    (void)unused;
    postgres_client("Q");
    postgres_expect(BORDER_NOT_REACHED);
    postgres_server("TDC");
    postgres_expect(BORDER_NOT_REACHED);
    postgres_ready('I');
    postgres_expect(BORDER_REACHED);
}

static void a_block_is_no_border_until_it_ends(void **unused)
{
    (void)unused;
    for (const char *status = "TTEI"; *status; status++) {
        postgres_client("Q");
        postgres_server("C");
        postgres_ready(*status);
        postgres_expect(*status == 'I' ? BORDER_ENDS_TRANSACTION : BORDER_NOT_REACHED);
    }
    postgres_client("Q");
    postgres_ready('I');
    postgres_expect(BORDER_REACHED);
}

static void what_comes_while_idle_leaves_it_idle(void **unused)
{
    (void)unused;
    for (const char *type = "NSA"; *type; type++) {
        postgres_message(true, *type, "news", 4);
        postgres_expect(BORDER_REACHED);
    }
}

static void an_answer_that_nobody_asked_for_is_no_border(void **unused)
{
    (void)unused;
    postgres_server("E");
    postgres_expect(BORDER_NOT_REACHED);
}

static void each_sync_of_a_pipeline_has_an_answer(void **unused)
{
    (void)unused;
    postgres_client("PBESPBESS");
    for (int i = 0; i < 3; i++) {
        postgres_expect(BORDER_NOT_REACHED);
        postgres_server("12C");
        postgres_ready('I');
    }
    postgres_expect(BORDER_REACHED);
}

static void messages_without_their_sync_are_an_open_transaction(void **unused)
{
    (void)unused;
    postgres_client("PBEH");
    postgres_server("12C");
    postgres_expect(BORDER_NOT_REACHED);
    postgres_client("S");
    postgres_expect(BORDER_NOT_REACHED);
    postgres_ready('I');
    postgres_expect(BORDER_REACHED);
}

static void after_an_error_each_sync_still_has_an_answer(void **unused)
{
    (void)unused;
    postgres_client("PBEPBESPBES");
    postgres_server("1E");
    postgres_ready('I');
    postgres_expect(BORDER_NOT_REACHED);
    postgres_server("12C");
    postgres_ready('I');
    postgres_expect(BORDER_REACHED);
}

static void a_query_that_an_error_may_have_swallowed_is_opaque(void **unused)
{
    (void)unused;
    postgres_client("PBEQS");
    postgres_server("E");
    postgres_expect(BORDER_LOST);
}

static void a_function_call_is_answered(void **unused)
{
    (void)unused;
    postgres_client("F");
    postgres_server("V");
    postgres_expect(BORDER_NOT_REACHED);
    postgres_ready('I');
    postgres_expect(BORDER_REACHED);
}

static void replication_is_opaque(void **unused)
{
    (void)unused;
    postgres_client("Q");
    postgres_server("W");
    postgres_expect(BORDER_LOST);
}

static void a_message_of_another_protocol_is_opaque(void **unused)
{
    (void)unused;
    postgres_client("z");
    postgres_expect(BORDER_LOST);
}

static void a_length_that_does_not_count_itself_is_opaque(void **unused)
{
    (void)unused;
    border_session_add(&postgres_session, false, span_of("Q\0\0\0\3", 5));
    postgres_expect(BORDER_LOST);
}

static void a_message_of_more_than_a_gigabyte_is_opaque(void **unused)
{
    (void)unused;
    border_session_add(&postgres_session, true, span_of("D\x7f\xff\xff\xff", 5));
    postgres_expect(BORDER_LOST);
}

static void a_readiness_that_nobody_asked_for_is_opaque(void **unused)
{
    (void)unused;
    postgres_ready('I');
    postgres_expect(BORDER_LOST);
}

static void after_terminate_there_is_no_border(void **unused)
{
    (void)unused;
    postgres_client("X");
    postgres_expect(BORDER_NOT_REACHED);
}

static void the_rest_of_a_long_row_may_pass_unseen(void **unused)
{
    (void)unused;
    struct border border = {0};
    postgres_client("Q");
    border_session_add(&postgres_session, true, span_of("D\0\x9f\xff\xfe..", 7));
    border_session_play(&postgres_session, &border);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        FROM(postgres_begin, a_login_with_a_password_ends_at_a_border),
        cmocka_unit_test(encryption_is_opaque),
        FROM(postgres_begin, encryption_refused_twice_leads_to_a_plain_login),
        FROM(postgres_begin, an_error_in_place_of_an_offer_ends_it),
        FROM(postgres_begin, a_client_that_does_not_wait_for_the_offer_is_opaque),
        FROM(postgres_begin, a_cancel_request_is_opaque),
        FROM(postgres_begin, another_version_of_the_protocol_is_opaque),
        FROM(postgres_begin, a_startup_packet_of_more_than_10000_bytes_is_opaque),
        FROM(postgres_begin, tls_without_asking_is_opaque),
        FROM(postgres_log_in, a_statement_by_itself_ends_no_block),
        FROM(postgres_log_in, a_block_is_no_border_until_it_ends),
        FROM(postgres_log_in, what_comes_while_idle_leaves_it_idle),
        FROM(postgres_log_in, an_answer_that_nobody_asked_for_is_no_border),
        FROM(postgres_log_in, each_sync_of_a_pipeline_has_an_answer),
        FROM(postgres_log_in, messages_without_their_sync_are_an_open_transaction),
        FROM(postgres_log_in, after_an_error_each_sync_still_has_an_answer),
        FROM(postgres_log_in, a_query_that_an_error_may_have_swallowed_is_opaque),
        FROM(postgres_log_in, a_function_call_is_answered),
        FROM(postgres_log_in, replication_is_opaque),
        FROM(postgres_log_in, a_message_of_another_protocol_is_opaque),
        FROM(postgres_log_in, a_length_that_does_not_count_itself_is_opaque),
        FROM(postgres_log_in, a_message_of_more_than_a_gigabyte_is_opaque),
        FROM(postgres_log_in, a_readiness_that_nobody_asked_for_is_opaque),
        FROM(postgres_log_in, after_terminate_there_is_no_border),
        FROM(postgres_log_in, the_rest_of_a_long_row_may_pass_unseen),
        cmocka_unit_test(recorded_sessions_have_the_borders_that_the_server_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
