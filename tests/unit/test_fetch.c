#include "tests/unit/fetch_scene.h"

#include <errno.h>

#define MARK 0xc0000201 /* 192.0.2.1 */

static struct played *const a = &scene.peers[0];
static struct played *const b = &scene.peers[1];
static struct played *const c = &scene.peers[2];

static void one_datagram_out_and_one_back_is_the_answer_for_the_cache_too(void **unused)
{
    (void)unused;
    struct cache_key key = key_of("else.test", false);
    ask("else.test");
    answers_a(a, MARK);
    ends_with_a(MARK);
    assert_ptr_equal(cache_find(scene.engine.cache, &key), scene.ears[0].entry);
    assert_int_equal(scene.engine.counters.upstream_sent, 1);
    assert_int_equal(scene.engine.counters.upstream_answered, 1);
    assert_true(hears_nothing(b) && hears_nothing(c));
}

static void the_question_goes_out_in_the_letters_it_came_in_and_with_an_opt(void **unused)
{
    (void)unused;
    ask("eLSE.tesT");
    hears(a);
    assert_int_equal(read_be16(a->heard.data + 2), DNS_RD | DNS_AD);
    assert_memory_equal(a->heard.data + DNS_HEADER_SIZE, "\4eLSE\4tesT\0\0\1\0\1", 15);
    assert_memory_equal(
        a->heard.data + DNS_HEADER_SIZE + 15, "\0\0\51\4\320\0\0\0\0\0\0", DNS_OPT_SIZE);
    assert_int_equal(a->heard.size, DNS_HEADER_SIZE + 15 + DNS_OPT_SIZE);
}

static void each_try_has_a_port_and_an_id_of_its_own(void **unused)
{
    (void)unused;
    struct address askers[FETCH_TRIES_MAX];
    uint16_t ids[FETCH_TRIES_MAX];
    upstreams_are(1);
    ask("else.test");
    for (unsigned i = 0; i < FETCH_TRIES_MAX; i++) {
        hears(a);
        askers[i] = a->asker;
        ids[i] = read_be16(a->heard.data);
        passes(800);
    }
    assert_false(address_equal(&askers[0], &askers[1]));
    assert_false(address_equal(&askers[0], &askers[2]));
    assert_false(address_equal(&askers[1], &askers[2]));
    assert_false(ids[0] == ids[1] && ids[1] == ids[2]);
}

static void those_who_ask_the_same_wait_for_one_datagram(void **unused)
{
    (void)unused;
    ask("else.test");
    assert_int_equal(join(&scene.ears[1], "ELSE.test", false), 0);
    answers_a(a, MARK);
    ends_with_a(MARK);
    assert_int_equal(scene.ears[1].ends, 1);
    assert_ptr_equal(scene.ears[1].entry, scene.ears[0].entry);
    assert_true(hears_nothing(a));
}

static void do_makes_it_another_question(void **unused)
{
    (void)unused;
    ask("else.test");
    hears(a);
    assert_int_equal(join(&scene.ears[1], "else.test", true), 0);
    answers_a(a, MARK);
    runs_until(&scene.engine.loop.uv, &scene.ears[1].ends, 1);
    assert_int_equal(scene.ears[0].ends, 0);
    assert_memory_equal(a->heard.data + a->heard.size - 4, "\x80\0\0\0", 4);
}

static void questions_whose_hashes_collide_are_not_taken_for_one_another(void **unused)
{
    (void)unused;
    uint64_t hash = key_of("else.test", false).hash;
    ask("else.test");
    hears(a);
    struct cache_key key = key_of("else.test", true);
    key.hash = hash;
    assert_int_equal(join_key(&scene.ears[1], &key, "else.test"), 0);
    hears(a);
    fetches_stop(scene.engine.fetches);
    ask("else.test");
    hears(a);
    key = key_of("evil.test", false);
    key.hash = hash;
    assert_int_equal(join_key(&scene.ears[1], &key, "evil.test"), 0);
    hears(a);
}

static void who_has_left_is_not_woken_and_the_others_are(void **unused)
{
    (void)unused;
    ask("else.test");
    assert_int_equal(join(&scene.ears[1], "else.test", false), 0);
    assert_int_equal(join(&scene.ears[2], "else.test", false), 0);
    fetch_leave(&scene.ears[1].waiter);
    fetch_leave(&scene.ears[1].waiter);
    answers_a(a, MARK);
    ends_with_a(MARK);
    assert_int_equal(scene.ears[1].ends, 0);
    assert_int_equal(scene.ears[2].ends, 1);
}

static void what_nobody_waits_for_any_more_still_fills_the_cache(void **unused)
{
    (void)unused;
    struct cache_key key = key_of("else.test", false);
    ask("else.test");
    fetch_leave(&scene.ears[0].waiter);
    answers_a(a, MARK);
    runs_until(&scene.engine.loop.uv, &scene.engine.counters.upstream_answered, 1);
    assert_non_null(cache_find(scene.engine.cache, &key));
    assert_int_equal(scene.ears[0].ends, 0);
}

static void beyond_the_maximum_only_what_is_under_way_can_be_joined(void **unused)
{
    (void)unused;
    assert_int_equal(FETCHES_MAX, 2);
    ask("one.test");
    assert_int_equal(join(&scene.ears[1], "two.test", false), 0);
    assert_int_equal(join(&scene.ears[2], "three.test", false), -EBUSY);
    assert_null(scene.ears[2].waiter.fetch);
    assert_int_equal(join(&scene.ears[2], "one.test", false), 0);
    hears(a);
    hears(a);
    fetches_stop(scene.engine.fetches);
    settle(&scene.engine.loop.uv);
    assert_int_equal(join(&scene.ears[2], "three.test", false), 0);
}

static void stopping_wakes_nobody(void **unused)
{
    (void)unused;
    ask("else.test");
    hears(a);
    fetches_stop(scene.engine.fetches);
    assert_null(scene.ears[0].waiter.fetch);
    reply_a(&scene.reply, a, MARK);
    says(a, &scene.reply);
    passes(FETCH_DEADLINE_MS);
    assert_int_equal(scene.ears[0].ends + scene.ears[0].slow, 0);
}

static void without_anybody_to_ask_it_fails_at_once_but_not_from_within_the_join(void **unused)
{
    (void)unused;
    upstreams_are(0);
    ask("else.test");
    assert_int_equal(scene.ears[0].slow + scene.ears[0].ends, 0);
    ends_with(RCODE_SERVFAIL, EDE_NETWORK_ERROR);
}

static void silence_up_to_the_timeout_hands_over_to_the_next(void **unused)
{
    (void)unused;
    ask("else.test");
    hears(a);
    passes(799);
    assert_true(hears_nothing(b));
    passes(1);
    answers_a(b, MARK);
    ends_with_a(MARK);
    assert_int_equal(scene.engine.counters.upstream_timeouts, 1);
    assert_int_equal(known(0)->failures, 1);
    assert_int_equal(known(1)->failures, 0);
    assert_true(hears_nothing(c));
}

static void a_late_answer_still_counts(void **unused)
{
    (void)unused;
    ask("else.test");
    hears(a);
    passes(800);
    hears(b);
    reply_a(&scene.reply, a, MARK);
    says(a, &scene.reply);
    ends_with_a(MARK);
    assert_int_equal(known(0)->failures, 0);
}

static void the_round_trip_of_a_late_answer_begins_with_its_own_try(void **unused)
{
    (void)unused;
    ask("else.test");
    hears(a);
    passes(800);
    hears(b);
    passes(100);
    reply_a(&scene.reply, a, MARK);
    says(a, &scene.reply);
    ends_with_a(MARK);
    assert_int_equal(known(0)->srtt_ms, 900);
    assert_int_equal(known(1)->srtt_ms, 0);
}

static void the_round_trip_of_a_second_try_begins_with_the_second(void **unused)
{
    (void)unused;
    ask("else.test");
    hears(a);
    passes(800);
    hears(b);
    passes(100);
    reply_a(&scene.reply, b, MARK);
    says(b, &scene.reply);
    ends_with_a(MARK);
    assert_int_equal(known(1)->srtt_ms, 100);
    assert_int_equal(known(0)->srtt_ms, 0);
}

static void two_tries_at_one_upstream_are_told_apart(void **unused)
{
    (void)unused;
    upstreams_are(1);
    for (unsigned answered = 0; answered < 2; answered++) {
        known(0)->srtt_ms = 0;
        ask(answered ? "second.test" : "first.test");
        hears(a);
        struct address first = a->asker;
        reply_a(&scene.reply, a, MARK);
        passes(800);
        hears(a);
        passes(100);
        if (answered)
            reply_a(&scene.reply, a, MARK);
        else
            a->asker = first;
        says(a, &scene.reply);
        runs_until(&scene.engine.loop.uv, &scene.ears[0].ends, answered + 1);
        assert_int_equal(known(0)->srtt_ms, answered ? 100 : 900);
    }
}

static void three_tries_are_all_and_the_last_waits_longest(void **unused)
{
    (void)unused;
    struct cache_key key = key_of("else.test", false);
    upstreams_are(1);
    ask("else.test");
    hears(a);
    passes(800);
    hears(a);
    passes(800);
    hears(a);
    passes(1499);
    assert_int_equal(scene.ears[0].ends, 0);
    passes(1);
    ends_with(RCODE_SERVFAIL, EDE_NO_REACHABLE_AUTHORITY);
    assert_true(hears_nothing(a));
    assert_true(upstream_is_dead(known(0)));
    assert_int_equal(scene.engine.counters.upstream_timeouts, 3);
    assert_ptr_equal(cache_find(scene.engine.cache, &key), scene.ears[0].entry);
}

static void the_deadline_ends_the_wait_whatever_the_last_try_may_take(void **unused)
{
    (void)unused;
    upstreams_are(1);
    known(0)->srtt_ms = 480; /* patience: 1490 */
    ask("else.test");
    hears(a);
    passes(1490);
    hears(a);
    passes(1490);
    hears(a);
    passes(FETCH_DEADLINE_MS - 2 * 1490 - 1);
    assert_int_equal(scene.ears[0].ends, 0);
    passes(1);
    ends_with(RCODE_SERVFAIL, EDE_NO_REACHABLE_AUTHORITY);
}

static void those_who_wait_long_are_told_once_and_wait_on(void **unused)
{
    (void)unused;
    struct cache_key key = key_of("else.test", false);
    ask("else.test");
    assert_int_equal(join(&scene.ears[1], "else.test", false), 0);
    hears(a);
    passes(800);
    passes(800);
    passes(FETCH_STALE_AFTER_MS - 1600 - 1);
    assert_int_equal(scene.ears[0].slow, 0);
    assert_false(fetch_is_slow(scene.engine.fetches, &key));
    passes(1);
    assert_int_equal(scene.ears[0].slow, 1);
    assert_int_equal(scene.ears[1].slow, 1);
    assert_true(fetch_is_slow(scene.engine.fetches, &key));
    passes(500);
    reply_a(&scene.reply, a, MARK);
    says(a, &scene.reply);
    ends_with_a(MARK);
    assert_int_equal(scene.ears[0].slow, 1);
    assert_false(fetch_is_slow(scene.engine.fetches, &key));
}

static void where_all_are_known_to_be_dead_that_is_told_at_once_and_one_is_tried(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < PEERS; i++)
        known(i)->failures = UPSTREAM_DEAD_AFTER;
    ask("else.test");
    hears(a);
    assert_int_equal(scene.ears[0].slow, 1);
    reply_a(&scene.reply, a, MARK);
    says(a, &scene.reply);
    ends_with_a(MARK);
    assert_false(upstream_is_dead(known(0)));
}

static void nobody_at_the_port_hands_over_to_the_next_at_once(void **unused)
{
    (void)unused;
    close_socket(&a->datagrams);
    ask("else.test");
    answers_a(b, MARK);
    ends_with_a(MARK);
    assert_int_equal(known(0)->failures, 1);
    assert_int_equal(scene.engine.counters.upstream_errors, 1);
}

static void nobody_at_any_port_is_a_quick_failure_that_says_network(void **unused)
{
    (void)unused;
    for (unsigned i = 0; i < PEERS; i++)
        close_socket(&scene.peers[i].datagrams);
    ask("else.test");
    ends_with(RCODE_SERVFAIL, EDE_NETWORK_ERROR);
    assert_int_equal(scene.engine.counters.upstream_sent, FETCH_TRIES_MAX);
}

static void an_upstream_that_has_left_the_view_is_passed_over(void **unused)
{
    (void)unused;
    ask("else.test");
    hears(a);
    known(1)->listed = false; /* as a new view without it would have it */
    passes(800);
    answers_a(c, MARK);
    ends_with_a(MARK);
    assert_true(hears_nothing(b));
}

static void a_failure_is_kept_but_not_in_place_of_stale_data(void **unused)
{
    (void)unused;
    struct cache_key key = key_of("else.test", false);
    ask("else.test");
    answers_a(a, MARK);
    ends_with_a(MARK);
    struct cache_entry *stale = cache_find(scene.engine.cache, &key);
    passes(61000);
    upstreams_are(1);
    scene.ears[0].ends = 0;
    ask("else.test");
    answers_flags(a, RCODE_SERVFAIL);
    ends_with(RCODE_SERVFAIL, EDE_NONE);
    assert_ptr_equal(cache_find(scene.engine.cache, &key), stale);
    assert_int_equal(stale->failed_until_ms, uv_now(&scene.engine.loop.uv) + CACHE_FAILURE_MS);
}

static void what_is_not_worth_keeping_is_passed_on_and_not_kept(void **unused)
{
    (void)unused;
    struct cache_key key = key_of("else.test", false);
    ask("else.test");
    answers_flags(a, RCODE_NXDOMAIN); /* without a SOA */
    ends_with(RCODE_NXDOMAIN, EDE_NONE);
    assert_int_equal(scene.ears[0].entry->kind, CACHE_OTHER);
    assert_null(cache_find(scene.engine.cache, &key));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, fetch_setup, fetch_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(one_datagram_out_and_one_back_is_the_answer_for_the_cache_too),
        TEST(the_question_goes_out_in_the_letters_it_came_in_and_with_an_opt),
        TEST(each_try_has_a_port_and_an_id_of_its_own),
        TEST(those_who_ask_the_same_wait_for_one_datagram),
        TEST(do_makes_it_another_question),
        TEST(questions_whose_hashes_collide_are_not_taken_for_one_another),
        TEST(who_has_left_is_not_woken_and_the_others_are),
        TEST(what_nobody_waits_for_any_more_still_fills_the_cache),
        TEST(beyond_the_maximum_only_what_is_under_way_can_be_joined),
        TEST(stopping_wakes_nobody),
        TEST(without_anybody_to_ask_it_fails_at_once_but_not_from_within_the_join),
        TEST(silence_up_to_the_timeout_hands_over_to_the_next),
        TEST(a_late_answer_still_counts),
        TEST(the_round_trip_of_a_late_answer_begins_with_its_own_try),
        TEST(the_round_trip_of_a_second_try_begins_with_the_second),
        TEST(two_tries_at_one_upstream_are_told_apart),
        TEST(three_tries_are_all_and_the_last_waits_longest),
        TEST(the_deadline_ends_the_wait_whatever_the_last_try_may_take),
        TEST(those_who_wait_long_are_told_once_and_wait_on),
        TEST(where_all_are_known_to_be_dead_that_is_told_at_once_and_one_is_tried),
        TEST(nobody_at_the_port_hands_over_to_the_next_at_once),
        TEST(nobody_at_any_port_is_a_quick_failure_that_says_network),
        TEST(an_upstream_that_has_left_the_view_is_passed_over),
        TEST(a_failure_is_kept_but_not_in_place_of_stale_data),
        TEST(what_is_not_worth_keeping_is_passed_on_and_not_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
