#include "resolver/listen_tcp.h"

#include "tests/unit/engine_scene.h"

#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#define DEADLINE_MS 10000
#define LOOK_AGAIN_MS 10
#define ADDRESS 0xc0000207 /* 192.0.2.7 */
#define FIXED "fixed.internal. 5 A 192.0.2.1"
#define LARGE 3700 /* addresses: an answer of 59 KB */
#define ASKED 64   /* of them, by a client that does not read */

static struct engine *const engine = &scene.engine;

static uint64_t answered(void)
{
    uint64_t sum = 0;
    for (unsigned i = 0; i < ANSWER_SOURCES; i++)
        sum += engine->counters.answers[TRANSPORT_TCP][i][RCODE_NOERROR];
    return sum;
}

/* Accepted and looked at. */
static int new_guest(const char *from)
{
    int client = tcp_client(from);
    comes_to_rest();
    return client;
}

static bool is_open(int client, uint16_t id)
{
    asks(client, id, "fixed.internal");
    is_told(client, id, RCODE_NOERROR, FIXED);
    return true;
}

/* Waits until so many connections are left. */
static void are_open(unsigned count)
{
    for (unsigned tries = 0; engine->counters.tcp_open != count; tries++) {
        assert_true(tries < DEADLINE_MS / LOOK_AGAIN_MS);
        poll(NULL, 0, LOOK_AGAIN_MS);
        comes_to_rest();
    }
}

static void a_question_in_single_bytes_is_answered_like_any_other(void **unused)
{
    int client = new_guest(ALLOWED);
    uint8_t length[2];
    (void)unused;
    write_question(1, "fixed.internal", TYPE_A);
    write_be16(length, (uint16_t)scene.question.size);
    for (unsigned i = 0; i < 2; i++) {
        sends_bytes(client, length + i, 1);
        comes_to_rest();
    }
    for (size_t i = 0; i < scene.question.size; i++) {
        assert_true(is_told_nothing(client));
        sends_bytes(client, scene.question.data + i, 1);
    }
    is_told(client, 1, RCODE_NOERROR, FIXED);
    assert_true(is_open(client, 2));
}

static void questions_in_one_segment_are_all_answered_and_half_of_one_waits(void **unused)
{
    static struct message all;
    int client = new_guest(ALLOWED);
    (void)unused;
    all.size = 0;
    for (uint16_t id = 1; id <= 20; id++) {
        write_question(id, "fixed.internal", TYPE_A);
        message_put16(&all, (uint16_t)scene.question.size);
        message_put(&all, scene.question.data, scene.question.size);
    }
    sends_bytes(client, all.data, all.size - 7);
    for (uint16_t id = 1; id < 20; id++)
        is_told(client, id, RCODE_NOERROR, FIXED);
    assert_true(is_told_nothing(client));
    sends_bytes(client, all.data + all.size - 7, 7);
    is_told(client, 20, RCODE_NOERROR, FIXED);
}

static void a_question_that_waits_holds_up_no_other(void **unused)
{
    int client = new_guest(ALLOWED);
    (void)unused;
    asks(client, 1, "else.test");
    upstream_hears("else.test");
    asks(client, 2, "fixed.internal");
    is_told(client, 2, RCODE_NOERROR, FIXED);
    upstream_says_a(60, ADDRESS);
    is_told(client, 1, RCODE_NOERROR, "else.test. 60 A 192.0.2.7");
    assert_int_equal(answered(), 2);
}

static void an_answer_of_almost_64_kib_is_whole(void **unused)
{
    int client = new_guest(ALLOWED);
    (void)unused;
    asks(client, 1, "large.test");
    upstream_hears("large.test");
    upstream_says_many(LARGE);
    for (unsigned i = 0; i < 2; i++) {
        receives(client);
        assert_int_equal(read_be16(scene.received.data + 2) & DNS_TC, 0);
        assert_int_equal(read_be16(scene.received.data + 6), LARGE);
        asks(client, 2, "large.test");
    }
}

static void who_has_sent_all_still_gets_every_answer_and_then_the_end(void **unused)
{
    int client = new_guest(ALLOWED), silent = new_guest(ALLOWED);
    (void)unused;
    asks(client, 1, "else.test");
    asks(client, 2, "fixed.internal");
    shutdown(client, SHUT_WR);
    is_told(client, 2, RCODE_NOERROR, FIXED);
    assert_true(is_told_nothing(client));
    upstream_tells("else.test", ADDRESS);
    is_told(client, 1, RCODE_NOERROR, "else.test. 60 A 192.0.2.7");
    sees_the_end(client);
    sends_bytes(silent, "\0\35half", 6);
    shutdown(silent, SHUT_WR);
    sees_the_end(silent);
    assert_int_equal(engine->counters.tcp_open, 0);
}

static void what_is_no_question_ends_the_connection_without_an_answer(void **unused)
{
    int empty = new_guest(ALLOWED), reply = new_guest(ALLOWED), large = new_guest(ALLOWED);
    (void)unused;
    sends_bytes(empty, "\0\0", 2);
    sees_the_end(empty);
    write_question(1, "fixed.internal", TYPE_A);
    write_be16(scene.question.data + 2, DNS_QR | DNS_RD);
    sends_question(reply);
    sees_the_end(reply);
    sends_bytes(large, "\377\377\0\1\200\0\0\1\0\0\0\0\0\0", 14);
    sees_the_end(large);
    assert_int_equal(engine->counters.dropped_malformed, 2);
}

/* However much of it was sent before we looked. */
static void a_whole_question_beyond_all_reason_is_refused_too(void **unused)
{
    int client = tcp_client(ALLOWED);
    (void)unused;
    write_question(7, "fixed.internal", TYPE_A);
    while (scene.question.size < 3 * TCP_QUERY_MAX)
        message_put(&scene.question, "", 1);
    sends_question(client);
    receives(client);
    assert_int_equal(scene.received.size, DNS_HEADER_SIZE);
    assert_int_equal(read_be16(scene.received.data), 7);
    assert_int_equal(scene.received.data[3] & DNS_RCODE, RCODE_FORMERR);
    sees_the_end(client);
}

static void a_malformed_question_is_told_so_and_the_next_one_is_answered(void **unused)
{
    int client = new_guest(ALLOWED);
    (void)unused;
    write_question(1, "fixed.internal", TYPE_A);
    write_be16(scene.question.data + 4, 0);
    sends_question(client);
    receives(client);
    assert_int_equal(scene.received.size, DNS_HEADER_SIZE);
    assert_int_equal(scene.received.data[3] & DNS_RCODE, RCODE_FORMERR);
    assert_true(is_open(client, 2));
}

static void a_question_beyond_all_reason_is_refused_by_its_header_and_ends_it(void **unused)
{
    uint8_t start[2 + DNS_HEADER_SIZE] = {0x10, 0x01, 0x12, 0x34, 0x01, 0};
    int client = new_guest(ALLOWED), longest = new_guest(ALLOWED);
    (void)unused;
    assert_int_equal(read_be16(start), TCP_QUERY_MAX + 1);
    sends_bytes(client, start, sizeof start - 1);
    assert_true(is_told_nothing(client));
    sends_bytes(client, start + sizeof start - 1, 1);
    receives(client);
    assert_int_equal(scene.received.size, DNS_HEADER_SIZE);
    assert_int_equal(read_be16(scene.received.data), 0x1234);
    assert_int_equal(scene.received.data[3] & DNS_RCODE, RCODE_FORMERR);
    sees_the_end(client);
    write_question(1, "fixed.internal", TYPE_A);
    while (scene.question.size < TCP_QUERY_MAX)
        message_put(&scene.question, "", 1);
    sends_question(longest);
    receives(longest);
    assert_true(is_open(longest, 2));
}

static void who_asks_nothing_is_shown_out_and_a_drip_feed_is_nothing(void **unused)
{
    int idle = new_guest(ALLOWED), drip = new_guest(ALLOWED), busy = new_guest(ALLOWED);
    (void)unused;
    passes(TCP_IDLE_MS - 1);
    sends_bytes(drip, "\0", 1);
    assert_true(is_open(busy, 1));
    assert_true(is_told_nothing(idle) && is_told_nothing(drip));
    passes(1);
    sees_the_end(idle);
    sees_the_end(drip);
    assert_true(is_open(busy, 2));
    passes(TCP_IDLE_MS);
    sees_the_end(busy);
    assert_int_equal(engine->tcp_connection_count, 0);
}

static void at_the_cap_the_one_idle_for_longest_makes_room(void **unused)
{
    int first = new_guest(ALLOWED), second = new_guest(ALLOWED), third = new_guest(ALLOWED);
    (void)unused;
    assert_true(is_open(first, 1));
    int fourth = new_guest(ALLOWED);
    sees_the_end(second);
    assert_true(is_open(first, 2) && is_open(third, 3) && is_open(fourth, 4));
    assert_int_equal(engine->counters.tcp_open, SCENE_CONNECTIONS_MAX);
    assert_int_equal(engine->counters.tcp_refused, 0);
}

static void at_the_cap_who_waits_for_an_answer_stays_and_a_new_one_is_refused(void **unused)
{
    int clients[SCENE_CONNECTIONS_MAX];
    (void)unused;
    for (unsigned i = 0; i < SCENE_CONNECTIONS_MAX; i++) {
        clients[i] = new_guest(ALLOWED);
        asks(clients[i], (uint16_t)i, "else.test");
    }
    upstream_hears("else.test");
    sees_the_end(new_guest(ALLOWED));
    assert_int_equal(engine->counters.tcp_refused, 1);
    upstream_says_a(60, ADDRESS);
    for (unsigned i = 0; i < SCENE_CONNECTIONS_MAX; i++)
        is_told(clients[i], (uint16_t)i, RCODE_NOERROR, "else.test. 60 A 192.0.2.7");
}

static void a_stranger_is_shown_out_and_pushes_nobody_out(void **unused)
{
    int clients[SCENE_CONNECTIONS_MAX];
    (void)unused;
    sees_the_end(new_guest(STRANGER));
    for (unsigned i = 0; i < SCENE_CONNECTIONS_MAX; i++)
        clients[i] = new_guest(ALLOWED);
    sees_the_end(new_guest(STRANGER));
    assert_int_equal(engine->counters.dropped_not_allowed, 2);
    assert_int_equal(engine->counters.tcp_refused, 0);
    for (unsigned i = 0; i < SCENE_CONNECTIONS_MAX; i++)
        assert_true(is_open(clients[i], (uint16_t)i));
}

static void one_connection_has_so_many_questions_waiting_and_no_more(void **unused)
{
    int client = new_guest(ALLOWED);
    char name[32];
    (void)unused;
    for (unsigned i = 0; i <= TCP_PENDING_MAX; i++) {
        snprintf(name, sizeof name, "n%u.test", i);
        asks(client, (uint16_t)i, name);
    }
    for (unsigned i = 0; i < TCP_PENDING_MAX; i++)
        hears(&scene.upstream);
    assert_true(hears_nothing(&scene.upstream));
    upstream_says_a(60, ADDRESS);
    receives(client);
    upstream_tells(name, ADDRESS);
    is_told(client, TCP_PENDING_MAX, RCODE_NOERROR, "n32.test. 60 A 192.0.2.7");
}

static void who_leaves_takes_the_questions_along_and_nobody_elses(void **unused)
{
    int rude = new_guest(ALLOWED), other = new_guest(ALLOWED);
    (void)unused;
    asks(rude, 1, "else.test");
    asks(rude, 2, "more.test");
    asks(other, 3, "else.test");
    upstream_hears("else.test");
    struct played first = scene.upstream;
    upstream_hears("more.test");
    assert_int_equal(engine->question_count, 3);
    leaves(rude);
    are_open(1);
    assert_int_equal(engine->question_count, 1);
    reply_a(&scene.said, &first, ADDRESS);
    says(&first, &scene.said);
    is_told(other, 3, RCODE_NOERROR, "else.test. 60 A 192.0.2.7");
    assert_int_equal(answered(), 1);
}

/* A client whose side of the network holds little. */
static int narrow_guest(void)
{
    int size = SCENE_BUFFER, client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    scene.clients[scene.client_count++] = client;
    setsockopt(client, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    assert_int_equal(connect(client, &scene.tcp.any, address_size(&scene.tcp)), 0);
    return client;
}

static void late_answers_that_a_client_does_not_read_are_bounded(void **unused)
{
    int client = narrow_guest();
    (void)unused;
    for (uint16_t id = 0; id < TCP_PENDING_MAX; id++)
        asks(client, id, "large.test");
    upstream_hears("large.test");
    comes_to_rest();
    assert_int_equal(engine->question_count, TCP_PENDING_MAX);
    upstream_says_many(LARGE);
    are_open(0);
    assert_int_equal(engine->question_count, 0);
}

static void fill_cache(int client)
{
    asks(client, 0, "large.test");
    upstream_hears("large.test");
    upstream_says_many(LARGE);
    receives(client);
}

static void who_does_not_read_is_asked_nothing_more_until_it_reads(void **unused)
{
    int client = narrow_guest();
    (void)unused;
    fill_cache(client);
    for (uint16_t id = 0; id < ASKED; id++)
        asks(client, id, "large.test");
    comes_to_rest();
    assert_int_equal(engine->counters.tcp_open, 1);
    assert_true(answered() < ASKED / 2);
    for (uint16_t id = 0; id < ASKED; id++) {
        receives(client);
        assert_int_equal(read_be16(scene.received.data), id);
    }
    assert_int_equal(answered(), 1 + ASKED);
}

static void who_never_reads_is_shown_out_like_anybody_idle(void **unused)
{
    int client = narrow_guest();
    (void)unused;
    fill_cache(client);
    for (uint16_t id = 0; id < ASKED; id++)
        asks(client, id, "large.test");
    passes(TCP_IDLE_MS - 1);
    assert_int_equal(engine->counters.tcp_open, 1);
    passes(1);
    assert_int_equal(engine->counters.tcp_open, 0);
}

static void a_new_view_cuts_off_answers_of_the_old_one_that_nobody_took(void **unused)
{
    int reader = new_guest(ALLOWED), narrow = narrow_guest();
    (void)unused;
    fill_cache(reader);
    for (uint16_t id = 0; id < ASKED; id++)
        asks(narrow, id, "large.test");
    comes_to_rest();
    assert_int_equal(engine->counters.tcp_open, 2);
    activate("fixed", US);
    assert_int_equal(engine->counters.tcp_open, 1);
    asks(reader, 1, "fixed.internal");
    is_told(reader, 1, RCODE_NOERROR, "fixed.internal. 5 A 192.0.2.2");
}

#define ENGINE_TEST(name) cmocka_unit_test_setup_teardown(name, engine_setup, engine_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        ENGINE_TEST(a_question_in_single_bytes_is_answered_like_any_other),
        ENGINE_TEST(questions_in_one_segment_are_all_answered_and_half_of_one_waits),
        ENGINE_TEST(a_question_that_waits_holds_up_no_other),
        ENGINE_TEST(an_answer_of_almost_64_kib_is_whole),
        ENGINE_TEST(who_has_sent_all_still_gets_every_answer_and_then_the_end),
        ENGINE_TEST(what_is_no_question_ends_the_connection_without_an_answer),
        ENGINE_TEST(a_malformed_question_is_told_so_and_the_next_one_is_answered),
        ENGINE_TEST(a_question_beyond_all_reason_is_refused_by_its_header_and_ends_it),
        ENGINE_TEST(a_whole_question_beyond_all_reason_is_refused_too),
        ENGINE_TEST(who_asks_nothing_is_shown_out_and_a_drip_feed_is_nothing),
        ENGINE_TEST(at_the_cap_the_one_idle_for_longest_makes_room),
        ENGINE_TEST(at_the_cap_who_waits_for_an_answer_stays_and_a_new_one_is_refused),
        ENGINE_TEST(a_stranger_is_shown_out_and_pushes_nobody_out),
        ENGINE_TEST(one_connection_has_so_many_questions_waiting_and_no_more),
        ENGINE_TEST(who_leaves_takes_the_questions_along_and_nobody_elses),
        ENGINE_TEST(late_answers_that_a_client_does_not_read_are_bounded),
        ENGINE_TEST(who_does_not_read_is_asked_nothing_more_until_it_reads),
        ENGINE_TEST(who_never_reads_is_shown_out_like_anybody_idle),
        ENGINE_TEST(a_new_view_cuts_off_answers_of_the_old_one_that_nobody_took),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
