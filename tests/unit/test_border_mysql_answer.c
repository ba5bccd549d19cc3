#include "tests/unit/border_mysql_scene.h"

#include <stdlib.h>

static void rows_that_look_like_other_packets(void)
{
    SERVER("\0");           /* an empty text */
    SERVER("\0\0\0\2\0\0"); /* a binary row, like an OK */
    SERVER("\xfb");         /* a NULL, like the name of a file */
    SERVER("\3abc");
    mysql_expect(BORDER_NOT_REACHED);
}

static void rows_end_with_an_eof(void **unused)
{
    (void)unused;
    COMMAND("\3select");
    SERVER("\2");
    mysql_definitions(2);
    mysql_eof(AUTOCOMMIT);
    mysql_expect(BORDER_NOT_REACHED);
    rows_that_look_like_other_packets();
    mysql_eof(AUTOCOMMIT);
    mysql_expect(BORDER_REACHED);
}

static void rows_end_with_an_ok_where_eof_is_deprecated(void **unused)
{
    (void)unused;
    COMMAND("\3select");
    SERVER("\xfc\2\0");
    mysql_definitions(2);
    rows_that_look_like_other_packets();
    mysql_late_ok(AUTOCOMMIT);
    mysql_expect(BORDER_REACHED);
}

static void a_client_that_knows_more_than_the_server_gets_an_eof(void **unused)
{
    (void)unused;
    mysql_begin(NULL);
    mysql_greet(MYSQL | PROTOCOL_41, 0);
    mysql_respond(MYSQL | PROTOCOL_41 | DEPRECATE_EOF, 0);
    mysql_ok(AUTOCOMMIT);
    rows_end_with_an_eof(NULL);
}

static void an_error_ends_rows(void **unused)
{
    (void)unused;
    COMMAND("\3select");
    SERVER("\1");
    mysql_definitions(1);
    SERVER("\1x");
    mysql_error();
    mysql_expect(BORDER_NOT_REACHED);
    COMMAND("\x0e");
    mysql_ok(AUTOCOMMIT);
    mysql_expect(BORDER_REACHED);
}

static void progress_is_no_error(void **unused)
{
    (void)unused;
    COMMAND("\3alter table");
    SERVER("\xff\xff\xff\1\1\2\0\0\0\4copy");
    mysql_expect(BORDER_NOT_REACHED);
    mysql_ok(AUTOCOMMIT);
    mysql_expect(BORDER_REACHED);
}

static void each_statement_of_a_command_has_a_result(void **unused)
{
    (void)unused;
    COMMAND("\3begin; select 1; commit");
    mysql_ok(AUTOCOMMIT | IN_TRANS | MORE_RESULTS);
    SERVER("\1");
    mysql_definitions(1);
    SERVER("\1"
           "1");
    mysql_late_ok(AUTOCOMMIT | IN_TRANS | MORE_RESULTS);
    mysql_expect(BORDER_NOT_REACHED);
    mysql_ok(AUTOCOMMIT);
    mysql_expect(BORDER_ENDS_TRANSACTION);
}

static void metadata_that_the_client_has_is_left_out(void **unused)
{
    (void)unused;
    COMMAND("\x17\1\0\0\0\0\1\0\0\0");
    SERVER("\2\1");
    mysql_definitions(2);
    SERVER("\0\0\0");
    mysql_late_ok(AUTOCOMMIT);
    mysql_expect(BORDER_REACHED);
    COMMAND("\x17\1\0\0\0\0\1\0\0\0");
    SERVER("\2\0");
    SERVER("\0\0\0");
    mysql_expect(BORDER_NOT_REACHED);
    mysql_late_ok(AUTOCOMMIT);
    mysql_expect(BORDER_REACHED);
}

static void output_parameters_are_followed_by_another_result(void **unused)
{
    (void)unused;
    COMMAND("\x17\1\0\0\0\0\1\0\0\0");
    SERVER("\1");
    mysql_definitions(1);
    mysql_eof(AUTOCOMMIT | OUT_PARAMS | MORE_RESULTS);
    SERVER("\0\0\0");
    mysql_eof(AUTOCOMMIT);
    mysql_expect(BORDER_NOT_REACHED);
    mysql_ok(AUTOCOMMIT);
    mysql_expect(BORDER_REACHED);
}

static void a_prepared_statement_has_definitions_and_no_status(void **unused)
{
    (void)unused;
    COMMAND("\x16select ?, ?");
    SERVER("\0\1\0\0\0\2\0\1\0\0\0\0");
    mysql_definitions(1);
    mysql_eof(0);
    mysql_definitions(2);
    mysql_expect(BORDER_NOT_REACHED);
    mysql_eof(0);
    mysql_expect(BORDER_REACHED);
    COMMAND("\x16"
            "begin");
    SERVER("\0\1\0\0\0\0\0\0\0\0\0\0");
    mysql_expect(BORDER_REACHED);
    COMMAND("\x19\1\0\0\0"); /* close */
    mysql_expect(BORDER_REACHED);
}

static void without_eof_definitions_are_all(void **unused)
{
    (void)unused;
    COMMAND("\x16select ?, ?");
    SERVER("\0\1\0\0\0\2\0\1\0\0\0\0");
    mysql_definitions(2);
    mysql_expect(BORDER_NOT_REACHED);
    mysql_definitions(1);
    mysql_expect(BORDER_REACHED);
}

static void rows_behind_a_cursor_are_waited_for(void **unused)
{
    (void)unused;
    COMMAND("\x17\1\0\0\0\1\1\0\0\0");
    SERVER("\1");
    mysql_definitions(1);
    mysql_eof(AUTOCOMMIT | CURSOR_EXISTS);
    mysql_expect(BORDER_NOT_REACHED);
    COMMAND("\x1c\1\0\0\0\2\0\0\0");
    SERVER("\0\0\0");
    mysql_eof(AUTOCOMMIT | CURSOR_EXISTS);
    mysql_expect(BORDER_NOT_REACHED);
    COMMAND("\x1c\1\0\0\0\2\0\0\0");
    mysql_eof(AUTOCOMMIT | CURSOR_EXISTS | LAST_ROW_SENT);
    mysql_expect(BORDER_REACHED);
}

/* A value of 16 MB begins with the byte of an EOF, and goes on in another packet. */
static void a_row_of_16_mb_is_no_eof_and_may_pass_unseen(void **unused)
{
    (void)unused;
    struct border border;
    memset(&border, 0, sizeof border);
    mysql_log_in(MYSQL | DEPRECATE_EOF, 0);
    COMMAND("\3select");
    SERVER("\1");
    mysql_definitions(1);
    border_session_add(&mysql_session, true,
        span_of("\xff\xff\xff\5\xfe\0\0\0\2\0\0\0\0a value that is long", 33));
    border_session_play(&mysql_session, &border);
    uint64_t left = border_skippable_from_server(&border);
    assert_int_equal(left, 0xffffff - (33 - 4));
    border_skip_from_server(&border, left);
    assert_false(border_reached(&border));
    assert_int_equal(border_skippable_from_server(&border), 0);
    mysql_begin(NULL);
    PACKET(true, 6, "\xfe\0\0\2\0\0\0"); /* the rest of the row */
    border_session_play(&mysql_session, &border);
    assert_int_equal(border_verdict_of(&border), BORDER_NOT_REACHED);
    mysql_begin(NULL);
    mysql_late_ok(AUTOCOMMIT);
    border_session_play(&mysql_session, &border);
    assert_int_equal(border_verdict_of(&border), BORDER_REACHED);
}

static void mysql_itself_leaves_out_no_metadata(void **unused)
{
    (void)unused;
    mysql_begin(NULL);
    mysql_log_in(MYSQL | DEPRECATE_EOF, CACHE_METADATA);
    COMMAND("\3select");
    SERVER("\2\1");
    mysql_expect(BORDER_LOST);
}

/* More in one piece than the relay reads, and with the end of the row in a piece of its own. */
static void a_row_of_16_mb_goes_on_in_another_packet(void **unused)
{
    (void)unused;
    size_t size = 4 + 0xffffff;
    uint8_t *row = calloc(1, size);
    assert_non_null(row);
    memcpy(row, "\xff\xff\xff\5\xfd", 5);
    struct border border;
    memset(&border, 0, sizeof border);
    mysql_log_in(MYSQL | DEPRECATE_EOF, 0);
    COMMAND("\3select");
    SERVER("\1");
    mysql_definitions(1);
    border_session_play(&mysql_session, &border);
    border_from_server(&border, span_of(row, size));
    free(row);
    mysql_begin(NULL);
    SERVER("the rest of the row");
    SERVER("\3row");
    mysql_late_ok(AUTOCOMMIT);
    border_session_play(&mysql_session, &border);
    assert_int_equal(border_verdict_of(&border), BORDER_REACHED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FROM(mysql_classic, rows_end_with_an_eof),
        FROM(mysql_without_eof, rows_end_with_an_ok_where_eof_is_deprecated),
        FROM(mysql_begin, a_client_that_knows_more_than_the_server_gets_an_eof),
        FROM(mysql_without_eof, an_error_ends_rows),
        FROM(mysql_mariadb, progress_is_no_error),
        FROM(mysql_without_eof, each_statement_of_a_command_has_a_result),
        FROM(mysql_mariadb, metadata_that_the_client_has_is_left_out),
        FROM(mysql_classic, output_parameters_are_followed_by_another_result),
        FROM(mysql_classic, a_prepared_statement_has_definitions_and_no_status),
        FROM(mysql_without_eof, without_eof_definitions_are_all),
        FROM(mysql_classic, rows_behind_a_cursor_are_waited_for),
        cmocka_unit_test(a_row_of_16_mb_is_no_eof_and_may_pass_unseen),
        FROM(mysql_begin, mysql_itself_leaves_out_no_metadata),
        cmocka_unit_test(a_row_of_16_mb_goes_on_in_another_packet),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
