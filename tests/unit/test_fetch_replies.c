#include "tests/unit/fetch_scene.h"

#define MARK 0xc0000201 /* 192.0.2.1 */

static struct played *const a = &scene.peers[0];
static struct played *const b = &scene.peers[1];
static struct played *const c = &scene.peers[2];

static struct message *const reply = &scene.reply;

/* A datagram that must not end the wait, and one after it that does. */
static void is_passed_over(counter *counted)
{
    uint64_t before = *counted;
    says(a, reply);
    reply_a(reply, a, MARK);
    says(a, reply);
    ends_with_a(MARK);
    assert_int_equal(*counted, before + 1);
    assert_int_equal(scene.engine.counters.upstream_sent, 1);
}

static void another_id_is_not_the_answer(void **unused)
{
    (void)unused;
    ask("else.test");
    hears(a);
    reply_a(reply, a, 1);
    reply->data[1] ^= 1;
    is_passed_over(&scene.engine.counters.upstream_foreign);
}

static void another_question_is_not_the_answer(void **unused)
{
    (void)unused;
    ask("else.test");
    hears(a);
    reply_a(reply, a, 1);
    reply->data[DNS_HEADER_SIZE + 1] = 'f';
    is_passed_over(&scene.engine.counters.upstream_foreign);
}

static void other_letters_are_not_the_answer(void **unused)
{
    (void)unused;
    ask("eLse.test");
    hears(a);
    reply_a(reply, a, 1);
    reply->data[DNS_HEADER_SIZE + 2] = 'l';
    is_passed_over(&scene.engine.counters.upstream_foreign);
}

static void a_question_that_comes_back_is_not_the_answer(void **unused)
{
    (void)unused;
    ask("else.test");
    hears(a);
    *reply = a->heard;
    is_passed_over(&scene.engine.counters.upstream_foreign);
}

static void a_torn_answer_is_not_the_answer(void **unused)
{
    (void)unused;
    ask("else.test");
    hears(a);
    reply_a(reply, a, 1);
    reply->size--;
    is_passed_over(&scene.engine.counters.upstream_bad);
}

static void the_id_of_one_try_is_foreign_to_another(void **unused)
{
    (void)unused;
    upstreams_are(1);
    ask("else.test");
    hears(a);
    reply_a(reply, a, 1);
    uint16_t first = read_be16(reply->data);
    passes(800);
    hears(a);
    if (read_be16(a->heard.data) == first)
        skip();
    says(a, reply);
    runs_until(&scene.engine.loop.uv, &scene.engine.counters.upstream_foreign, 1);
    assert_int_equal(scene.ears[0].ends, 0);
}

static void another_upstream_cannot_answer_for_the_one_that_was_asked(void **unused)
{
    (void)unused;
    ask("else.test");
    hears(a);
    reply_a(reply, a, 1);
    b->asker = a->asker;
    says(b, reply);
    settle(&scene.engine.loop.uv);
    reply_a(reply, a, MARK);
    says(a, reply);
    ends_with_a(MARK);
    assert_int_equal(scene.engine.counters.upstream_foreign, 0); /* the kernel's work */
}

static void a_refusal_hands_over_to_the_next_at_once(void **unused)
{
    static const unsigned refusals[] = {RCODE_SERVFAIL, RCODE_REFUSED, RCODE_NOTIMP, RCODE_FORMERR};
    (void)unused;
    for (unsigned i = 0; i < sizeof refusals / sizeof *refusals; i++) {
        ask("else.test");
        hears(a);
        reply_start(reply, a, (uint16_t)refusals[i]);
        message_opt(reply, 1232, 0, "", 0);
        says(a, reply);
        answers_a(b, MARK);
        ends_with_a(MARK);
        scene.ears[0].ends = 0;
        known(0)->srtt_ms = known(1)->srtt_ms = 0;
    }
    assert_true(hears_nothing(c));
    assert_int_equal(known(0)->failures, 0);
}

static void where_all_refuse_the_last_ones_word_is_passed_on(void **unused)
{
    (void)unused;
    ask("else.test");
    answers_flags(a, RCODE_SERVFAIL);
    answers_flags(b, RCODE_SERVFAIL);
    answers_flags(c, RCODE_REFUSED);
    ends_with(RCODE_REFUSED, EDE_NONE);
    assert_true(hears_nothing(a));
}

static void other_refusals_are_a_servfail(void **unused)
{
    (void)unused;
    upstreams_are(1);
    ask("else.test");
    answers_flags(a, RCODE_NOTIMP); /* of EDNS */
    answers_flags(a, RCODE_NOTIMP); /* of the question */
    ends_with(RCODE_SERVFAIL, EDE_NONE);
    assert_true(hears_nothing(a));
}

static void a_badvers_is_a_refusal(void **unused)
{
    (void)unused;
    ask("else.test");
    hears(a);
    reply_start(reply, a, 0);
    message_opt(reply, 1232, 1u << 24, "", 0);
    says(a, reply);
    answers_a(b, MARK);
    ends_with_a(MARK);
}

static void nxdomain_is_an_answer_and_nobody_else_is_asked(void **unused)
{
    (void)unused;
    ask("else.test");
    answers_flags(a, RCODE_NXDOMAIN);
    ends_with(RCODE_NXDOMAIN, EDE_NONE);
    assert_true(hears_nothing(b));
}

static void an_upstream_from_before_edns_is_asked_again_without(void **unused)
{
    (void)unused;
    ask("else.test");
    answers_flags(a, RCODE_FORMERR);
    hears(a);
    assert_int_equal(read_be16(a->heard.data + 10), 0);
    assert_int_equal(a->heard.size, DNS_HEADER_SIZE + 15);
    reply_a(reply, a, MARK);
    says(a, reply);
    ends_with_a(MARK);
    assert_true(hears_nothing(b));
}

static void asking_again_without_edns_is_not_another_try(void **unused)
{
    (void)unused;
    upstreams_are(1);
    ask("else.test");
    answers_flags(a, RCODE_FORMERR);
    for (unsigned tries = 0; tries < FETCH_TRIES_MAX; tries++) {
        hears(a);
        passes(tries + 1 < FETCH_TRIES_MAX ? 800 : 1500);
    }
    ends_with(RCODE_SERVFAIL, EDE_NO_REACHABLE_AUTHORITY);
}

static void a_late_refusal_does_not_end_the_wait_for_the_next(void **unused)
{
    (void)unused;
    upstreams_are(2);
    ask("else.test");
    hears(a);
    passes(800);
    hears(b);
    reply_start(reply, a, RCODE_SERVFAIL);
    says(a, reply);
    runs_until(&scene.engine.loop.uv, &scene.engine.counters.upstream_answered, 1);
    reply_a(reply, b, MARK);
    says(b, reply);
    ends_with_a(MARK);
}

static void a_refusal_that_comes_twice_counts_once(void **unused)
{
    (void)unused;
    ask("else.test");
    hears(a);
    reply_start(reply, a, RCODE_SERVFAIL);
    says(a, reply);
    says(a, reply);
    hears(b);
    assert_true(hears_nothing(c));
    reply_a(reply, b, MARK);
    says(b, reply);
    ends_with_a(MARK);
}

static void after_a_late_refusal_the_silence_of_the_next_is_still_bounded(void **unused)
{
    (void)unused;
    upstreams_are(2);
    ask("else.test");
    hears(a);
    passes(800);
    hears(b);
    reply_start(reply, a, RCODE_REFUSED);
    says(a, reply);
    runs_until(&scene.engine.loop.uv, &scene.engine.counters.upstream_answered, 1);
    passes(800);
    hears(a);
    passes(1500);
    ends_with(RCODE_REFUSED, EDE_NONE);
}

static void a_late_complaint_about_edns_leaves_the_next_upstream_alone(void **unused)
{
    (void)unused;
    ask("else.test");
    hears(a);
    passes(800);
    hears(b);
    reply_start(reply, a, RCODE_FORMERR);
    says(a, reply);
    runs_until(&scene.engine.loop.uv, &scene.engine.counters.upstream_answered, 1);
    reply_a(reply, b, MARK);
    says(b, reply);
    ends_with_a(MARK);
    assert_int_equal(scene.engine.counters.upstream_sent, 2);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fetch_setup, fetch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(another_id_is_not_the_answer),
        TEST(another_question_is_not_the_answer),
        TEST(other_letters_are_not_the_answer),
        TEST(a_question_that_comes_back_is_not_the_answer),
        TEST(a_torn_answer_is_not_the_answer),
        TEST(the_id_of_one_try_is_foreign_to_another),
        TEST(another_upstream_cannot_answer_for_the_one_that_was_asked),
        TEST(a_refusal_hands_over_to_the_next_at_once),
        TEST(where_all_refuse_the_last_ones_word_is_passed_on),
        TEST(other_refusals_are_a_servfail),
        TEST(a_badvers_is_a_refusal),
        TEST(nxdomain_is_an_answer_and_nobody_else_is_asked),
        TEST(an_upstream_from_before_edns_is_asked_again_without),
        TEST(asking_again_without_edns_is_not_another_try),
        TEST(a_late_refusal_does_not_end_the_wait_for_the_next),
        TEST(a_refusal_that_comes_twice_counts_once),
        TEST(after_a_late_refusal_the_silence_of_the_next_is_still_bounded),
        TEST(a_late_complaint_about_edns_leaves_the_next_upstream_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
