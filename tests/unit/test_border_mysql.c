#include "tests/unit/border_mysql_scene.h"
#include "tests/unit/border_vectors.h"

static void a_login_may_take_more_than_one_answer(void **unused)
{
    (void)unused;
    mysql_greet(MYSQL | PROTOCOL_41, 0);
    mysql_expect(BORDER_NOT_REACHED);
    mysql_respond(MYSQL | PROTOCOL_41, 0);
    SERVER("\xfe"
           "caching_sha2_password\0salt");
    PACKET(false, 3, "hashed");
    SERVER("\1\4");
    PACKET(false, 5, "\2");
    mysql_expect(BORDER_NOT_REACHED);
    mysql_ok(AUTOCOMMIT);
    mysql_expect(BORDER_REACHED);
}

static void a_login_refused_is_opaque(void **unused)
{
    (void)unused;
    mysql_greet(MYSQL | PROTOCOL_41, 0);
    mysql_respond(MYSQL | PROTOCOL_41, 0);
    mysql_error();
    mysql_expect(BORDER_LOST);
}

static void a_greeting_refused_is_opaque(void **unused)
{
    (void)unused;
    mysql_error();
    mysql_expect(BORDER_LOST);
}

static void what_is_asked_for_in_the_response(uint32_t capabilities, enum border_verdict verdict)
{
    mysql_begin(NULL);
    mysql_greet(~0u, 0);
    mysql_respond(MYSQL | capabilities, 0);
    mysql_ok(AUTOCOMMIT);
    mysql_expect(verdict);
    border_session_check(&mysql_session);
}

static void tls_compression_and_left_out_metadata_are_opaque(void **unused)
{
    (void)unused;
    what_is_asked_for_in_the_response(PROTOCOL_41, BORDER_REACHED);
    what_is_asked_for_in_the_response(PROTOCOL_41 | SSL, BORDER_LOST);
    what_is_asked_for_in_the_response(PROTOCOL_41 | COMPRESS, BORDER_LOST);
    what_is_asked_for_in_the_response(PROTOCOL_41 | ZSTD, BORDER_LOST);
    what_is_asked_for_in_the_response(PROTOCOL_41 | OPTIONAL_METADATA, BORDER_LOST);
    what_is_asked_for_in_the_response(0, BORDER_LOST);
}

static void a_client_that_speaks_within_the_greeting_is_opaque(void **unused)
{
    (void)unused;
    border_session_add(&mysql_session, true, span_of("\x4a\0\0\0\x0a", 5));
    COMMAND("\x0e");
    mysql_expect(BORDER_LOST);
}

static void a_statement_by_itself_ends_no_block(void **unused)
{
    (void)unused;
    COMMAND("\3do 1");
    mysql_expect(BORDER_NOT_REACHED);
    mysql_ok(AUTOCOMMIT);
    mysql_expect(BORDER_REACHED);
}

static void a_block_is_no_border_until_it_ends(void **unused)
{
    (void)unused;
    COMMAND("\3begin");
    mysql_ok(AUTOCOMMIT | IN_TRANS);
    mysql_expect(BORDER_NOT_REACHED);
    COMMAND("\3commit");
    mysql_ok(AUTOCOMMIT);
    mysql_expect(BORDER_ENDS_TRANSACTION);
    COMMAND("\x0e");
    mysql_ok(AUTOCOMMIT);
    mysql_expect(BORDER_REACHED);
    COMMAND("\3start transaction read only");
    mysql_ok(AUTOCOMMIT | IN_TRANS_READONLY);
    mysql_expect(BORDER_NOT_REACHED);
}

static void after_an_error_nothing_is_known_until_the_next_status(void **unused)
{
    (void)unused;
    COMMAND("\3call begins_and_fails()");
    mysql_error();
    mysql_expect(BORDER_NOT_REACHED);
    COMMAND("\x09");
    SERVER("Uptime: 5");
    mysql_expect(BORDER_NOT_REACHED);
    COMMAND("\x0e");
    mysql_ok(AUTOCOMMIT | IN_TRANS);
    mysql_expect(BORDER_NOT_REACHED);
    COMMAND("\3rollback");
    mysql_ok(AUTOCOMMIT);
    mysql_expect(BORDER_ENDS_TRANSACTION);
}

static void data_for_a_statement_waits_for_its_execution(void **unused)
{
    (void)unused;
    COMMAND("\x18\1\0\0\0\0\0data");
    mysql_expect(BORDER_NOT_REACHED);
    COMMAND("\x17\1\0\0\0\0\1\0\0\0");
    mysql_ok(AUTOCOMMIT);
    mysql_expect(BORDER_REACHED);
}

static void a_file_of_the_client_is_no_command(void **unused)
{
    (void)unused;
    COMMAND("\3load data local infile");
    SERVER("\xfb"
           "file.csv");
    PACKET(false, 2, "\3some rows");
    PACKET(false, 0, "\1more rows, much later");
    mysql_expect(BORDER_NOT_REACHED);
    PACKET(false, 1, "");
    mysql_expect(BORDER_NOT_REACHED);
    mysql_ok(AUTOCOMMIT);
    mysql_expect(BORDER_REACHED);
}

static void an_answer_before_the_end_of_the_file_is_no_border(void **unused)
{
    (void)unused;
    COMMAND("\3load data local infile");
    SERVER("\xfb"
           "file.csv");
    PACKET(false, 2, "\3some rows");
    mysql_ok(AUTOCOMMIT);
    mysql_expect(BORDER_NOT_REACHED);
    PACKET(false, 3, "");
    mysql_expect(BORDER_REACHED);
}

static void a_greeting_too_short_for_its_flags_is_opaque(void **unused)
{
    (void)unused;
    PACKET(true, 0,
        "\x0a"
        "5.0\0\1\0\0\0saltsalt\0\xff\xff");
    mysql_expect(BORDER_LOST);
}

static void a_response_too_short_for_its_flags_is_opaque(void **unused)
{
    (void)unused;
    mysql_greet(MYSQL | PROTOCOL_41, 0);
    PACKET(false, 1, "\1\2\0\0\0\0\0\1");
    mysql_expect(BORDER_LOST);
}

static void a_command_sent_before_the_file_is_asked_for_is_opaque(void **unused)
{
    (void)unused;
    COMMAND("\3load data local infile");
    COMMAND("\x0e");
    SERVER("\xfb"
           "file.csv");
    mysql_expect(BORDER_LOST);
}

static void a_command_begun_before_the_file_is_asked_for_is_opaque(void **unused)
{
    (void)unused;
    COMMAND("\3load data local infile");
    border_session_add(&mysql_session, false, span_of("\1\0", 2));
    SERVER("\xfb"
           "file.csv");
    mysql_expect(BORDER_LOST);
}

static void another_version_of_the_protocol_is_opaque(void **unused)
{
    (void)unused;
    PACKET(true, 0,
        "\x09"
        "3.20");
    mysql_expect(BORDER_LOST);
}

static void answers_of_many_kinds_come_in_the_order_of_the_commands(void **unused)
{
    (void)unused;
    COMMAND("\x09");
    COMMAND("\4table\0");
    COMMAND("\x16select ?");
    COMMAND("\x17\xff\xff\xff\xff\0\1\0\0\0");
    COMMAND("\x1b\0\0");
    SERVER("\0like an OK, but text");
    mysql_definitions(3);
    mysql_late_ok(AUTOCOMMIT | IN_TRANS);
    SERVER("\0\1\0\0\0\0\0\1\0\0\0\0");
    mysql_definitions(1);
    mysql_ok(AUTOCOMMIT);
    mysql_expect(BORDER_NOT_REACHED);
    mysql_eof(AUTOCOMMIT);
    mysql_expect(BORDER_REACHED);
}

static void sixteen_commands_may_wait(void **unused)
{
    (void)unused;
    for (int i = 0; i < 16; i++)
        COMMAND("\x0e");
    for (int i = 0; i < 16; i++) {
        mysql_expect(BORDER_NOT_REACHED);
        mysql_ok(AUTOCOMMIT);
    }
    mysql_expect(BORDER_REACHED);
    for (int i = 0; i < 17; i++)
        COMMAND("\x0e");
    mysql_expect(BORDER_LOST);
}

static void another_user_logs_in_anew(void **unused)
{
    (void)unused;
    COMMAND("\x11somebody\0");
    SERVER("\xfe"
           "mysql_native_password\0salt");
    mysql_expect(BORDER_NOT_REACHED);
    PACKET(false, 2, "\3like a query");
    mysql_ok(AUTOCOMMIT);
    mysql_expect(BORDER_REACHED);
    COMMAND("\x0e");
    mysql_ok(AUTOCOMMIT);
    mysql_expect(BORDER_REACHED);
}

static void replication_is_opaque(void **unused)
{
    (void)unused;
    COMMAND("\x15\1\0\0\0");
    mysql_expect(BORDER_LOST);
}

static void an_unknown_command_is_opaque(void **unused)
{
    (void)unused;
    COMMAND("\x99");
    mysql_expect(BORDER_LOST);
}

static void a_command_that_does_not_begin_a_sequence_is_opaque(void **unused)
{
    (void)unused;
    PACKET(false, 1, "\x0e");
    mysql_expect(BORDER_LOST);
}

static void an_answer_that_nobody_asked_for_is_opaque(void **unused)
{
    (void)unused;
    mysql_error();
    mysql_expect(BORDER_LOST);
}

static void after_quit_there_is_no_border(void **unused)
{
    (void)unused;
    COMMAND("\1");
    mysql_expect(BORDER_NOT_REACHED);
}

static void recorded_sessions_have_the_borders_that_the_server_had(void **unused)
{
    (void)unused;
    assert_int_equal(border_vectors_check("mysql"), 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        FROM(mysql_begin, a_login_may_take_more_than_one_answer),
        FROM(mysql_begin, a_login_refused_is_opaque),
        FROM(mysql_begin, a_greeting_refused_is_opaque),
        cmocka_unit_test(tls_compression_and_left_out_metadata_are_opaque),
        FROM(mysql_begin, a_client_that_speaks_within_the_greeting_is_opaque),
        FROM(mysql_classic, a_statement_by_itself_ends_no_block),
        FROM(mysql_classic, a_block_is_no_border_until_it_ends),
        FROM(mysql_classic, after_an_error_nothing_is_known_until_the_next_status),
        FROM(mysql_classic, data_for_a_statement_waits_for_its_execution),
        FROM(mysql_classic, a_file_of_the_client_is_no_command),
        FROM(mysql_classic, an_answer_before_the_end_of_the_file_is_no_border),
        FROM(mysql_classic, a_command_begun_before_the_file_is_asked_for_is_opaque),
        FROM(mysql_begin, another_version_of_the_protocol_is_opaque),
        FROM(mysql_begin, a_greeting_too_short_for_its_flags_is_opaque),
        FROM(mysql_begin, a_response_too_short_for_its_flags_is_opaque),
        FROM(mysql_classic, a_command_sent_before_the_file_is_asked_for_is_opaque),
        FROM(mysql_without_eof, answers_of_many_kinds_come_in_the_order_of_the_commands),
        FROM(mysql_classic, sixteen_commands_may_wait),
        FROM(mysql_classic, another_user_logs_in_anew),
        FROM(mysql_classic, replication_is_opaque),
        FROM(mysql_classic, an_unknown_command_is_opaque),
        FROM(mysql_classic, a_command_that_does_not_begin_a_sequence_is_opaque),
        FROM(mysql_classic, an_answer_that_nobody_asked_for_is_opaque),
        FROM(mysql_classic, after_quit_there_is_no_border),
        cmocka_unit_test(recorded_sessions_have_the_borders_that_the_server_had),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
