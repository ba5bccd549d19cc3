#include "tests/unit/stream_scene.h"

#include <errno.h>

#define IDLE_MS 8000
#define SILENT_MS 4500 /* longer than any fetch waits */
#define PENDING_MAX 256
#define UNSENT_MAX 65536
#define LARGE (DNS_UDP_SIZE_MIN - 1)

static struct played *const peer = &scene.peer;
static struct message message;

static void a_question_waits_for_the_connection_and_goes_out_with_its_length(void **unused)
{
    (void)unused;
    assert_int_equal(ask(0, 1), 0);
    takes_connection(peer);
    hears_question(1);
    assert_int_equal(peer->heard.size, QUESTION_SIZE);
    answers_id(1, 77);
    is_answered(0, 77);
    assert_int_equal(scene.fetches[0].answer.size, DNS_HEADER_SIZE + 1);
}

static void questions_share_a_connection_and_keep_their_order(void **unused)
{
    (void)unused;
    for (uint16_t id = 0; id < 5; id++)
        assert_int_equal(ask(id, id), 0);
    takes_connection(peer);
    for (uint16_t id = 0; id < 5; id++)
        hears_question(id);
    for (uint16_t id = 5; id < 10; id++)
        assert_int_equal(ask(id, id), 0);
    for (uint16_t id = 5; id < 10; id++)
        hears_question(id);
    assert_false(is_connected_to(peer));
}

static void answers_in_any_order_find_their_questions(void **unused)
{
    (void)unused;
    static const uint16_t order[] = {2, 0, 3, 1};
    for (uint16_t id = 0; id < 4; id++)
        assert_int_equal(ask(id, id), 0);
    takes_connection(peer);
    for (uint16_t id = 0; id < 4; id++)
        hears_question(id);
    for (unsigned i = 0; i < 4; i++)
        answers_id(order[i], (uint8_t)(100 + order[i]));
    for (unsigned i = 0; i < 4; i++) {
        is_answered(order[i], (uint8_t)(100 + order[i]));
        assert_int_equal(scene.fetches[order[i]].at, i + 1);
    }
}

static void an_answer_that_drips_is_put_together(void **unused)
{
    (void)unused;
    uint8_t framed[2 + DNS_HEADER_SIZE + 1] = {0, DNS_HEADER_SIZE + 1};
    assert_int_equal(ask(0, 1), 0);
    takes_connection(peer);
    hears_question(1);
    answer_of(1, 77, &message);
    memcpy(framed + 2, message.data, message.size);
    for (size_t i = 0; i < sizeof framed; i++) {
        assert_int_equal(scene.fetches[0].answers, 0);
        sends(peer, framed + i, 1);
        settle(&scene.engine.loop.uv);
    }
    is_answered(0, 77);
}

static void answers_that_come_in_one_piece_are_taken_apart(void **unused)
{
    (void)unused;
    uint8_t both[2 * (2 + DNS_HEADER_SIZE + 1)] = {0};
    for (uint16_t id = 0; id < 2; id++)
        assert_int_equal(ask(id, id), 0);
    takes_connection(peer);
    hears_question(0);
    hears_question(1);
    for (uint16_t id = 0; id < 2; id++) {
        uint8_t *at = both + id * (sizeof both / 2);
        answer_of(id, (uint8_t)(60 + id), &message);
        at[1] = DNS_HEADER_SIZE + 1;
        memcpy(at + 2, message.data, message.size);
    }
    sends(peer, both, sizeof both);
    is_answered(0, 60);
    is_answered(1, 61);
}

static void an_answer_of_64_kb_comes_whole(void **unused)
{
    (void)unused;
    assert_int_equal(ask(0, 1), 0);
    takes_connection(peer);
    hears_question(1);
    answer_of(1, 77, &message);
    message.size = DNS_MESSAGE_MAX;
    message.data[DNS_MESSAGE_MAX - 1] = 99;
    says_framed(peer, &message);
    is_answered(0, 77);
    assert_int_equal(scene.fetches[0].answer.size, DNS_MESSAGE_MAX);
    assert_int_equal(scene.fetches[0].answer.data[DNS_MESSAGE_MAX - 1], 99);
}

static void an_answer_to_nobody_is_passed_over(void **unused)
{
    (void)unused;
    assert_int_equal(ask(0, 1), 0);
    takes_connection(peer);
    hears_question(1);
    answers_id(2, 66);
    answers_id(1, 77);
    answers_id(1, 66);
    is_answered(0, 77);
    settle(&scene.engine.loop.uv);
    assert_int_equal(scene.fetches[0].answers, 1);
}

static void messages_too_short_to_have_a_header_are_passed_over(void **unused)
{
    (void)unused;
    assert_int_equal(ask(0, 1), 0);
    takes_connection(peer);
    hears_question(1);
    sends(peer, "\0\0\0\1\1\0\13\0\1hostile..", 2 + 3 + 2 + 11);
    answers_id(1, 77);
    is_answered(0, 77);
}

static void what_the_fetch_does_not_take_for_its_answer_leaves_it_waiting(void **unused)
{
    (void)unused;
    scene.fetches[0].passes_over = 2;
    assert_int_equal(ask(0, 1), 0);
    takes_connection(peer);
    hears_question(1);
    answers_id(1, 66);
    answers_id(1, 67);
    answers_id(1, 77);
    is_answered(0, 77);
}

static void nobody_at_the_port_is_told_to_all_later(void **unused)
{
    (void)unused;
    close_socket(&peer->listener);
    assert_int_equal(ask(0, 1), 0);
    assert_int_equal(ask(1, 2), 0);
    assert_int_equal(scene.fetches[0].failures, 0);
    is_failed(0);
    is_failed(1);
    assert_null(scene.upstream.stream);
}

static void an_end_in_mid_answer_is_told_to_all_and_the_next_question_connects_anew(void **unused)
{
    (void)unused;
    assert_int_equal(ask(0, 1), 0);
    assert_int_equal(ask(1, 2), 0);
    takes_connection(peer);
    hears_question(1);
    hears_question(2);
    sends(peer, "\0\100half", 6);
    close_socket(&peer->connection);
    is_failed(0);
    is_failed(1);
    assert_int_equal(ask(2, 1), 0);
    takes_connection(peer);
    hears_question(1);
    answers_id(1, 77); /* half a message of the old connection is not in front of it */
    is_answered(2, 77);
}

static void who_asks_again_when_told_of_the_end_gets_a_new_connection(void **unused)
{
    (void)unused;
    scene.fetches[0].asks_again = true;
    scene.fetches[0].asked_again = -1;
    assert_int_equal(ask(0, 1), 0);
    assert_int_equal(ask(1, 2), 0);
    takes_connection(peer);
    hears_question(1);
    close_socket(&peer->connection);
    is_failed(0);
    is_failed(1);
    assert_int_equal(scene.fetches[0].asked_again, 0);
    takes_connection(peer);
    hears_question(0x4242);
}

static void an_id_that_is_under_way_is_refused_until_it_is_answered(void **unused)
{
    (void)unused;
    assert_int_equal(ask(0, 1), 0);
    assert_int_equal(ask(1, 1), -EBUSY);
    takes_connection(peer);
    hears_question(1);
    answers_id(1, 77);
    is_answered(0, 77);
    assert_int_equal(ask(1, 1), 0);
    hears_question(1);
}

static void no_more_than_so_many_questions_are_under_way(void **unused)
{
    (void)unused;
    for (uint16_t id = 0; id < PENDING_MAX; id++)
        assert_int_equal(ask(id, id), 0);
    assert_int_equal(ask(PENDING_MAX, PENDING_MAX), -EBUSY);
    takes_connection(peer);
    for (uint16_t id = 0; id < PENDING_MAX; id++)
        hears_question(id);
    answers_id(100, 77);
    is_answered(100, 77);
    assert_int_equal(ask(PENDING_MAX, PENDING_MAX), 0);
    hears_question(PENDING_MAX);
}

static void what_waits_for_the_connection_is_bounded_and_arrives_whole(void **unused)
{
    (void)unused;
    uint16_t accepted = 0;
    while (ask_large(accepted, accepted, LARGE) == 0)
        accepted++;
    assert_in_range(accepted * (2 + LARGE), UNSENT_MAX - LARGE - 2, UNSENT_MAX);
    assert_int_equal(scene.fetches[accepted].failures, 0);
    takes_connection(peer);
    for (uint16_t id = 0; id < accepted; id++)
        hears_question(id);
    assert_int_equal(ask_large(accepted, accepted, LARGE), 0);
    hears_question(accepted);
}

static void an_upstream_that_has_left_the_view_is_not_connected_to(void **unused)
{
    (void)unused;
    scene.upstream.listed = false;
    assert_int_equal(ask(0, 1), -ENOENT);
    assert_false(is_connected_to(peer));
}

static void an_idle_connection_is_closed_and_the_next_question_connects_anew(void **unused)
{
    (void)unused;
    assert_int_equal(ask(0, 1), 0);
    takes_connection(peer);
    hears_question(1);
    answers_id(1, 77);
    is_answered(0, 77);
    passes(IDLE_MS - 1);
    assert_non_null(scene.upstream.stream);
    passes(1);
    hears_the_end(peer);
    assert_int_equal(ask(1, 2), 0);
    takes_connection(peer);
    hears_question(2);
}

static void a_connection_without_a_word_is_given_up_whatever_is_asked_meanwhile(void **unused)
{
    (void)unused;
    assert_int_equal(ask(0, 1), 0);
    takes_connection(peer);
    hears_question(1);
    passes(SILENT_MS - 1000);
    assert_int_equal(ask(1, 2), 0);
    hears_question(2);
    passes(999);
    assert_int_equal(scene.fetches[0].failures, 0);
    passes(1);
    is_failed(0);
    is_failed(1);
    hears_the_end(peer);
}

static void any_word_of_the_peer_turns_its_clock_back(void **unused)
{
    (void)unused;
    assert_int_equal(ask(0, 1), 0);
    assert_int_equal(ask(1, 2), 0);
    takes_connection(peer);
    hears_question(1);
    passes(SILENT_MS - 1);
    answers_id(2, 77);
    is_answered(1, 77);
    assert_int_equal(ask(1, 2), 0);
    passes(SILENT_MS - 1);
    assert_int_equal(scene.fetches[0].failures, 0);
    passes(1);
    is_failed(0);
}

static void who_waited_alone_in_vain_takes_the_connection_along(void **unused)
{
    (void)unused;
    assert_int_equal(ask(0, 1), 0);
    takes_connection(peer);
    hears_question(1);
    stream_forget(&scene.upstream, &scene.fetches[0]);
    hears_the_end(peer);
    assert_int_equal(scene.fetches[0].failures, 0);
}

static void who_leaves_others_behind_leaves_them_the_connection(void **unused)
{
    (void)unused;
    assert_int_equal(ask(0, 1), 0);
    assert_int_equal(ask(1, 2), 0);
    takes_connection(peer);
    hears_question(1);
    hears_question(2);
    stream_forget(&scene.upstream, &scene.fetches[0]);
    answers_id(1, 66);
    answers_id(2, 77);
    is_answered(1, 77);
    assert_int_equal(scene.fetches[0].answers + scene.fetches[0].failures, 0);
}

static void who_does_not_wait_here_takes_nothing_along(void **unused)
{
    (void)unused;
    stream_forget(&scene.upstream, &scene.fetches[0]);
    assert_int_equal(ask(0, 1), 0);
    takes_connection(peer);
    hears_question(1);
    answers_id(1, 77);
    is_answered(0, 77);
    stream_forget(&scene.upstream, &scene.fetches[0]);
    assert_int_equal(ask(1, 2), 0);
    hears_question(2);
}

static void closing_tells_everybody_once_or_quietly_nobody(void **unused)
{
    (void)unused;
    for (unsigned quietly = 0; quietly < 2; quietly++) {
        assert_int_equal(ask(2 * quietly, 1), 0);
        assert_int_equal(ask(2 * quietly + 1, 2), 0);
        takes_connection(peer);
        hears_question(1);
        hears_question(2);
        stream_close(&scene.upstream, quietly);
        stream_close(&scene.upstream, quietly);
        hears_the_end(peer);
        assert_int_equal(scene.fetches[2 * quietly].failures, !quietly);
        assert_int_equal(scene.fetches[2 * quietly + 1].failures, !quietly);
    }
}

static void a_connection_can_be_closed_before_it_stands(void **unused)
{
    (void)unused;
    assert_int_equal(ask(0, 1), 0);
    stream_close(&scene.upstream, false);
    is_failed(0);
    settle(&scene.engine.loop.uv);
    assert_int_equal(scene.upstream.references, 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, stream_setup, stream_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_question_waits_for_the_connection_and_goes_out_with_its_length),
        TEST(questions_share_a_connection_and_keep_their_order),
        TEST(answers_in_any_order_find_their_questions),
        TEST(an_answer_that_drips_is_put_together),
        TEST(answers_that_come_in_one_piece_are_taken_apart),
        TEST(an_answer_of_64_kb_comes_whole),
        TEST(an_answer_to_nobody_is_passed_over),
        TEST(messages_too_short_to_have_a_header_are_passed_over),
        TEST(what_the_fetch_does_not_take_for_its_answer_leaves_it_waiting),
        TEST(nobody_at_the_port_is_told_to_all_later),
        TEST(an_end_in_mid_answer_is_told_to_all_and_the_next_question_connects_anew),
        TEST(who_asks_again_when_told_of_the_end_gets_a_new_connection),
        TEST(an_id_that_is_under_way_is_refused_until_it_is_answered),
        TEST(no_more_than_so_many_questions_are_under_way),
        TEST(what_waits_for_the_connection_is_bounded_and_arrives_whole),
        TEST(an_upstream_that_has_left_the_view_is_not_connected_to),
        TEST(an_idle_connection_is_closed_and_the_next_question_connects_anew),
        TEST(a_connection_without_a_word_is_given_up_whatever_is_asked_meanwhile),
        TEST(any_word_of_the_peer_turns_its_clock_back),
        TEST(who_waited_alone_in_vain_takes_the_connection_along),
        TEST(who_leaves_others_behind_leaves_them_the_connection),
        TEST(who_does_not_wait_here_takes_nothing_along),
        TEST(closing_tells_everybody_once_or_quietly_nobody),
        TEST(a_connection_can_be_closed_before_it_stands),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
