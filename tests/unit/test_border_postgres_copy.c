#include "tests/unit/border_postgres_scene.h"

static void rows_to_the_server_end_with_one_answer(void **unused)
{
    (void)unused;
    postgres_client("Q");
    postgres_server("G");
    postgres_client("dd");
    postgres_expect(BORDER_NOT_REACHED);
    postgres_client("c");
    postgres_server("C");
    postgres_expect(BORDER_NOT_REACHED);
    postgres_ready('I');
    postgres_expect(BORDER_REACHED);
}

static void a_sync_before_the_rows_has_no_answer(void **unused)
{
    (void)unused;
    postgres_client("PBES");
    postgres_server("12G");
    postgres_client("ddc");
    postgres_server("C");
    postgres_expect(BORDER_NOT_REACHED);
    postgres_client("S");
    postgres_expect(BORDER_NOT_REACHED);
    postgres_ready('I');
    postgres_expect(BORDER_REACHED);
}

static void rows_sent_without_waiting_are_counted_too(void **unused)
{
    (void)unused;
    postgres_client("QdcQ");
    postgres_server("GC");
    postgres_ready('I');
    postgres_expect(BORDER_NOT_REACHED);
    postgres_server("TC");
    postgres_ready('I');
    postgres_expect(BORDER_REACHED);
}

static void two_files_of_rows_sent_without_waiting_are_opaque(void **unused)
{
    (void)unused;
    postgres_client("QdcQdc");
    postgres_server("GC");
    postgres_expect(BORDER_LOST);
}

static void rows_refused_leave_one_answer_and_late_ends_are_dropped(void **unused)
{
    (void)unused;
    postgres_client("Q");
    postgres_server("G");
    postgres_client("d");
    postgres_server("E");
    postgres_expect(BORDER_NOT_REACHED);
    postgres_ready('I');
    postgres_expect(BORDER_REACHED);
    postgres_client("dc");
    postgres_expect(BORDER_REACHED);
    postgres_client("Q");
    postgres_server("G");
    postgres_client("df");
    postgres_server("E");
    postgres_ready('I');
    postgres_expect(BORDER_REACHED);
}

static void rows_refused_after_an_early_sync_are_opaque(void **unused)
{
    (void)unused;
    postgres_client("PBES");
    postgres_server("12G");
    postgres_client("dcS");
    postgres_server("E");
    postgres_expect(BORDER_LOST);
}

static void rows_of_a_query_or_of_a_batch_pipelined_together_are_opaque(void **unused)
{
    (void)unused;
    postgres_client("PBESQ");
    postgres_server("12C");
    postgres_ready('I');
    postgres_server("G");
    postgres_expect(BORDER_LOST);
}

static void a_query_in_place_of_the_sync_behind_rows_may_be_swallowed(void **unused)
{
    (void)unused;
    postgres_client("PBES");
    postgres_server("12G");
    postgres_client("dc");
    postgres_server("C");
    postgres_client("Q");
    postgres_server("E");
    postgres_expect(BORDER_LOST);
}

static void readiness_while_rows_are_taken_is_opaque(void **unused)
{
    (void)unused;
    postgres_client("Q");
    postgres_server("G");
    postgres_ready('I');
    postgres_expect(BORDER_LOST);
}

static void rows_to_the_client_are_an_answer_like_any(void **unused)
{
    (void)unused;
    postgres_client("Q");
    postgres_server("HddcC");
    postgres_expect(BORDER_NOT_REACHED);
    postgres_ready('I');
    postgres_expect(BORDER_REACHED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FROM(postgres_log_in, rows_to_the_server_end_with_one_answer),
        FROM(postgres_log_in, a_sync_before_the_rows_has_no_answer),
        FROM(postgres_log_in, rows_sent_without_waiting_are_counted_too),
        FROM(postgres_log_in, two_files_of_rows_sent_without_waiting_are_opaque),
        FROM(postgres_log_in, rows_refused_leave_one_answer_and_late_ends_are_dropped),
        FROM(postgres_log_in, rows_refused_after_an_early_sync_are_opaque),
        FROM(postgres_log_in, rows_of_a_query_or_of_a_batch_pipelined_together_are_opaque),
        FROM(postgres_log_in, a_query_in_place_of_the_sync_behind_rows_may_be_swallowed),
        FROM(postgres_log_in, readiness_while_rows_are_taken_is_opaque),
        FROM(postgres_log_in, rows_to_the_client_are_an_answer_like_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
