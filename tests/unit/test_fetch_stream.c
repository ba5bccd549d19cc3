#include "tests/unit/fetch_scene.h"

#define MARK 0xc0000201  /* 192.0.2.1 */
#define PATIENCE_MS 1500 /* with a stream, while there is somebody else to ask */

static struct played *const a = &scene.peers[0];
static struct played *const b = &scene.peers[1];
static struct played *const c = &scene.peers[2];

static struct message *const reply = &scene.reply;

/* A peer cuts its answer short and hears the question again on a connection. */
static void cuts_short(struct played *peer)
{
    reply_start(reply, peer, DNS_TC);
    says(peer, reply);
    takes_connection(peer);
    hears_framed(peer);
}

static void answers_framed(struct played *peer)
{
    reply_a(reply, peer, MARK);
    says_framed(peer, reply);
}

static void a_truncated_answer_is_asked_for_again_over_tcp(void **unused)
{
    (void)unused;
    ask("eLse.test");
    hears(a);
    struct message first = a->heard;
    cuts_short(a);
    assert_int_equal(a->heard.size, first.size);
    assert_memory_equal(a->heard.data + 2, first.data + 2, first.size - 2);
    answers_framed(a);
    ends_with_a(MARK);
    assert_int_equal(scene.engine.counters.upstream_tcp, 1);
    assert_true(hears_nothing(b));
}

static void the_records_of_a_truncated_answer_are_not_used(void **unused)
{
    (void)unused;
    struct cache_key key = key_of("else.test", false);
    ask("else.test");
    hears(a);
    reply_start(reply, a, DNS_TC);
    message_a(reply, SECTION_ANSWER, "@", 60, 1);
    says(a, reply);
    takes_connection(a);
    assert_int_equal(scene.ears[0].ends, 0);
    assert_null(cache_find(scene.engine.cache, &key));
}

static void after_a_truncated_answer_its_datagrams_are_not_heard_any_more(void **unused)
{
    (void)unused;
    ask("else.test");
    hears(a);
    struct message first = a->heard;
    cuts_short(a);
    struct message second = a->heard;
    a->heard = first;
    reply_a(reply, a, 1);
    says(a, reply);
    settle(&scene.engine.loop.uv);
    a->heard = second;
    answers_framed(a);
    ends_with_a(MARK);
}

static void a_truncated_answer_over_tcp_is_no_answer(void **unused)
{
    (void)unused;
    ask("else.test");
    hears(a);
    cuts_short(a);
    reply_start(reply, a, DNS_TC);
    says_framed(a, reply);
    answers_framed(a);
    ends_with_a(MARK);
}

static void a_foreign_answer_over_tcp_is_passed_over(void **unused)
{
    (void)unused;
    ask("else.test");
    hears(a);
    cuts_short(a);
    reply_a(reply, a, 1);
    reply->data[DNS_HEADER_SIZE + 1] = 'f';
    says_framed(a, reply);
    answers_framed(a);
    ends_with_a(MARK);
    assert_int_equal(scene.engine.counters.upstream_foreign, 1);
}

static void the_round_trip_over_tcp_begins_with_the_question_over_tcp(void **unused)
{
    (void)unused;
    ask("else.test");
    hears(a);
    passes(700);
    cuts_short(a);
    passes(30);
    answers_framed(a);
    ends_with_a(MARK);
    assert_int_equal(known(0)->srtt_ms, 30);
}

static void without_tcp_at_the_upstream_the_next_is_asked_at_once(void **unused)
{
    (void)unused;
    close_socket(&a->listener);
    ask("else.test");
    answers_flags(a, DNS_TC);
    answers_a(b, MARK);
    ends_with_a(MARK);
    assert_int_equal(known(0)->failures, 1);
}

static void a_connection_that_ends_in_mid_answer_hands_over_to_the_next(void **unused)
{
    (void)unused;
    ask("else.test");
    hears(a);
    cuts_short(a);
    sends(a, "\0\100half of it", 12);
    close_socket(&a->connection);
    answers_a(b, MARK);
    ends_with_a(MARK);
    assert_int_equal(known(0)->failures, 1);
}

static void a_silent_connection_hands_over_when_there_is_somebody_else(void **unused)
{
    (void)unused;
    ask("else.test");
    hears(a);
    cuts_short(a);
    passes(PATIENCE_MS - 1);
    assert_true(hears_nothing(b));
    passes(1);
    hears(b);
    assert_int_equal(known(0)->failures, 1);
}

static void the_only_upstream_has_until_the_deadline_to_answer_over_tcp(void **unused)
{
    (void)unused;
    upstreams_are(1);
    ask("else.test");
    hears(a);
    cuts_short(a);
    passes(FETCH_STALE_AFTER_MS);
    passes(FETCH_DEADLINE_MS - FETCH_STALE_AFTER_MS - 1);
    assert_int_equal(scene.ears[0].ends, 0);
    assert_true(hears_nothing(a));
    answers_framed(a);
    ends_with_a(MARK);
}

static void silence_on_a_connection_is_laid_to_the_one_it_leads_to(void **unused)
{
    (void)unused;
    ask("else.test");
    hears(a);
    passes(800);
    hears(b);
    assert_int_equal(known(0)->failures, 1);
    cuts_short(a);
    passes(PATIENCE_MS);
    hears(c);
    assert_int_equal(known(0)->failures, 2);
    assert_int_equal(known(1)->failures, 0);
}

static void a_connection_that_breaks_late_does_not_end_the_wait_for_the_next(void **unused)
{
    (void)unused;
    ask("else.test");
    hears(a);
    cuts_short(a);
    passes(PATIENCE_MS);
    hears(b);
    passes(800);
    hears(c);
    close_socket(&a->connection);
    runs_until(&scene.engine.loop.uv, &scene.engine.counters.upstream_errors, 1);
    reply_a(reply, c, MARK);
    says(c, reply);
    ends_with_a(MARK);
}

static void questions_that_need_tcp_share_one_connection(void **unused)
{
    (void)unused;
    ask("one.test");
    hears(a);
    cuts_short(a);
    struct message first = a->heard;
    assert_int_equal(join(&scene.ears[1], "two.test", false), 0);
    answers_flags(a, DNS_TC);
    hears_framed(a);
    answers_framed(a); /* the second first */
    runs_until(&scene.engine.loop.uv, &scene.ears[1].ends, 1);
    assert_int_equal(scene.ears[0].ends, 0);
    a->heard = first;
    answers_framed(a);
    ends_with_a(MARK);
    assert_false(is_connected_to(a));
}

static void an_upstream_that_leaves_the_view_takes_its_connection_along(void **unused)
{
    (void)unused;
    ask("else.test");
    hears(a);
    cuts_short(a);
    scene.view.upstreams.list++; /* a new view without the first */
    scene.view.upstreams.count--;
    upstreams_take_view(scene.engine.upstreams, &scene.view);
    answers_a(b, MARK);
    ends_with_a(MARK);
    hears_the_end(a);
}

static void stopping_closes_the_connection_and_wakes_nobody(void **unused)
{
    (void)unused;
    ask("else.test");
    hears(a);
    cuts_short(a);
    fetches_stop(scene.engine.fetches);
    hears_the_end(a);
    assert_int_equal(scene.ears[0].ends, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fetch_setup, fetch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_truncated_answer_is_asked_for_again_over_tcp),
        TEST(the_records_of_a_truncated_answer_are_not_used),
        TEST(after_a_truncated_answer_its_datagrams_are_not_heard_any_more),
        TEST(a_truncated_answer_over_tcp_is_no_answer),
        TEST(a_foreign_answer_over_tcp_is_passed_over),
        TEST(the_round_trip_over_tcp_begins_with_the_question_over_tcp),
        TEST(without_tcp_at_the_upstream_the_next_is_asked_at_once),
        TEST(a_connection_that_ends_in_mid_answer_hands_over_to_the_next),
        TEST(a_silent_connection_hands_over_when_there_is_somebody_else),
        TEST(the_only_upstream_has_until_the_deadline_to_answer_over_tcp),
        TEST(silence_on_a_connection_is_laid_to_the_one_it_leads_to),
        TEST(a_connection_that_breaks_late_does_not_end_the_wait_for_the_next),
        TEST(questions_that_need_tcp_share_one_connection),
        TEST(an_upstream_that_leaves_the_view_takes_its_connection_along),
        TEST(stopping_closes_the_connection_and_wakes_nobody),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
