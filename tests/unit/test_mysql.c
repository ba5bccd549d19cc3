#include "base/mysql.h"

#include "tests/unit/unit.h"

#include <errno.h>

#define BYTES(literal) span_of(literal, sizeof(literal) - 1)
#define GREETING "\x0b\0\0\0\n10.11\0salt"
#define REFUSAL "\x0b\0\0\2\xff\x15\x04#28000no"
#define SWITCH "\x03\0\0\2\xfex\0"
#define MORE "\x02\0\0\4\x01\x04"
#define WELCOME "\x07\0\0\2\0\0\0\2\0\0\0"

static enum mysql_visit_state receive(struct mysql_visit *visit, struct span bytes)
{
    return mysql_visit_receive(visit, bytes);
}

static void assert_says(struct mysql_visit *visit, struct span bytes)
{
    assert_int_equal(visit->out_size, bytes.size);
    assert_memory_equal(visit->out, bytes.data, bytes.size);
    visit->out_size = 0;
}

static void assert_logs_in(struct mysql_visit *visit)
{
    uint8_t login[MYSQL_LOGIN_SIZE];
    mysql_login_write(login, 1, false);
    assert_says(visit, span_of(login, sizeof login));
}

static void a_login_is_what_the_protocol_says(void **unused)
{
    (void)unused;
    uint8_t login[MYSQL_LOGIN_SIZE];
    mysql_login_write(login, 1, false);
    assert_memory_equal(login,
        "\x49\0\0\1\x01\xa2\x08\0\0\0\0\1\x21"
        "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
        "pilotlight-nobody\0\0mysql_native_password",
        sizeof login);
    mysql_login_write(login, 2, true);
    assert_memory_equal(login, "\x49\0\0\2\x01\xaa\x08\0", 8);
}

static void a_packet_is_read_when_it_is_all_there(void **unused)
{
    (void)unused;
    struct mysql_packet packet;
    assert_int_equal(mysql_packet_read(BYTES(""), 10, &packet), 0);
    assert_int_equal(mysql_packet_read(BYTES("\2\0\0"), 10, &packet), 0);
    assert_int_equal(mysql_packet_read(BYTES("\2\0\0\7x"), 10, &packet), 0);
    assert_int_equal(mysql_packet_read(BYTES("\2\0\0\7xyz"), 10, &packet), 6);
    assert_int_equal(packet.number, 7);
    assert_int_equal(packet.payload.size, 2);
    assert_memory_equal(packet.payload.data, "xy", 2);
    assert_int_equal(mysql_packet_read(BYTES("\0\0\0\0"), 10, &packet), -EPROTO);
    assert_int_equal(mysql_packet_read(BYTES("\x0b\0\0\0"), 10, &packet), -EPROTO);
    assert_int_equal(mysql_packet_read(BYTES("\1\0\1\0"), 10, &packet), -EPROTO);
}

static void who_is_greeted_logs_in_and_leaves_when_refused(void **unused)
{
    (void)unused;
    struct mysql_visit visit = {0};
    assert_int_equal(receive(&visit, BYTES(GREETING)), MYSQL_VISIT_GOES_ON);
    assert_logs_in(&visit);
    assert_int_equal(receive(&visit, BYTES(REFUSAL)), MYSQL_VISIT_OVER);
    assert_says(&visit, BYTES(""));
}

static void pieces_are_as_good_as_the_whole(void **unused)
{
    (void)unused;
    static const char all[] = GREETING SWITCH REFUSAL;
    struct mysql_visit visit = {0};
    for (size_t i = 0; i + 2 < sizeof all; i++)
        assert_int_equal(receive(&visit, span_of(all + i, 1)), MYSQL_VISIT_GOES_ON);
    assert_int_equal(visit.out_size, MYSQL_LOGIN_SIZE + MYSQL_HEADER_SIZE);
    assert_int_equal(receive(&visit, span_of(all + sizeof all - 2, 1)), MYSQL_VISIT_OVER);
}

static void another_way_to_prove_it_gets_an_empty_answer(void **unused)
{
    (void)unused;
    struct mysql_visit visit = {0};
    receive(&visit, BYTES(GREETING));
    assert_logs_in(&visit);
    assert_int_equal(receive(&visit, BYTES(SWITCH)), MYSQL_VISIT_GOES_ON);
    assert_says(&visit, BYTES("\0\0\0\3"));
    assert_int_equal(receive(&visit, BYTES(MORE)), MYSQL_VISIT_GOES_ON);
    assert_says(&visit, BYTES("\0\0\0\5"));
}

static void who_is_let_in_after_all_quits(void **unused)
{
    (void)unused;
    struct mysql_visit visit = {0};
    receive(&visit, BYTES(GREETING));
    assert_logs_in(&visit);
    assert_int_equal(receive(&visit, BYTES(WELCOME)), MYSQL_VISIT_OVER);
    assert_says(&visit, BYTES("\1\0\0\0\1"));
}

static void a_login_may_be_said_before_the_greeting_comes(void **unused)
{
    (void)unused;
    struct mysql_visit visit = {0};
    mysql_visit_log_in(&visit, 1, false);
    assert_logs_in(&visit);
}

static void what_is_no_greeting_gets_no_login(void **unused)
{
    (void)unused;
    static const struct span cases[] = {
        {(const uint8_t *)"HTTP/1.1 400", 12},            /* no length that could be */
        {(const uint8_t *)"\3\0\0\1\nx\0", 7},            /* not the first packet */
        {(const uint8_t *)"\3\0\0\0\nxy", 7},             /* a version without end */
        {(const uint8_t *)"\3\0\0\0\x09x\0", 7},          /* another protocol */
        {(const uint8_t *)"\7\0\0\0\xff\x10\x04many", 11} /* no room for us */
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct mysql_visit visit = {0};
        assert_int_equal(receive(&visit, cases[i]), MYSQL_VISIT_OVER);
        assert_false(visit.logged_in);
        assert_says(&visit, BYTES(""));
    }
}

static void a_server_that_never_has_enough_is_left(void **unused)
{
    (void)unused;
    struct mysql_visit visit = {0};
    receive(&visit, BYTES(GREETING));
    unsigned turns = 0;
    while (receive(&visit, BYTES(SWITCH)) == MYSQL_VISIT_GOES_ON && turns < 1000)
        turns++;
    assert_true(turns < 1000);
    assert_true(visit.out_size <= sizeof visit.out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_login_is_what_the_protocol_says),
        cmocka_unit_test(a_packet_is_read_when_it_is_all_there),
        cmocka_unit_test(who_is_greeted_logs_in_and_leaves_when_refused),
        cmocka_unit_test(pieces_are_as_good_as_the_whole),
        cmocka_unit_test(another_way_to_prove_it_gets_an_empty_answer),
        cmocka_unit_test(who_is_let_in_after_all_quits),
        cmocka_unit_test(a_login_may_be_said_before_the_greeting_comes),
        cmocka_unit_test(what_is_no_greeting_gets_no_login),
        cmocka_unit_test(a_server_that_never_has_enough_is_left),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
