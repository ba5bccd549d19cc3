#include "resolver/engine.h"

#include "resolver/question.h"
#include "tests/unit/engine_scene.h"

#include <stdlib.h>

#define ADDRESS 0xc0000207 /* 192.0.2.7 */
#define DRAWS 4096

static struct engine *const engine = &scene.engine;

static void before_the_first_view_questions_wait_at_the_door(void **unused)
{
    int udp = udp_client(ALLOWED), tcp = tcp_client(ALLOWED);
    (void)unused;
    asks(udp, 1, "fixed.internal");
    asks(tcp, 2, "fixed.internal");
    assert_true(is_told_nothing(udp) && is_told_nothing(tcp));
    look();
    is_told(udp, 1, RCODE_NOERROR, "fixed.internal. 5 A 192.0.2.1");
    is_told(tcp, 2, RCODE_NOERROR, "fixed.internal. 5 A 192.0.2.1");
}

static void once_a_view_is_acknowledged_every_answer_follows_it(void **unused)
{
    int udp = udp_client(ALLOWED), tcp = tcp_client(ALLOWED);
    (void)unused;
    asks(tcp, 1, "fixed.internal");
    is_told(tcp, 1, RCODE_NOERROR, "fixed.internal. 5 A 192.0.2.1");
    activate("fixed", US);
    asks(udp, 2, "fixed.internal");
    asks(tcp, 3, "fixed.internal");
    is_told(udp, 2, RCODE_NOERROR, "fixed.internal. 5 A 192.0.2.2");
    is_told(tcp, 3, RCODE_NOERROR, "fixed.internal. 5 A 192.0.2.2");
}

static void a_view_leaves_the_rest_of_the_cache_alone(void **unused)
{
    int client = udp_client(ALLOWED);
    (void)unused;
    asks(client, 1, "else.test");
    upstream_tells("else.test", ADDRESS);
    receives(client);
    activate("search", US);
    asks(client, 2, "else.test");
    is_told(client, 2, RCODE_NOERROR, "else.test. 60 A 192.0.2.7");
    assert_true(hears_nothing(&scene.upstream));
    assert_int_equal(engine->counters.cache_entries, 1);
    assert_true(engine->counters.cache_bytes > 0);
}

/* What was left undone is found by the sanitizers. */
static void a_stop_under_way_ends_every_connection_question_and_fetch(void **unused)
{
    int udp = udp_client(ALLOWED), tcp = tcp_client(ALLOWED), idle = tcp_client(ALLOWED);
    (void)unused;
    asks(udp, 1, "else.test");
    asks(tcp, 2, "db.shop.internal");
    upstream_hears("else.test");
    upstream_hears("orders-eu.test");
    comes_to_rest();
    engine_stop(engine);
    assert_int_equal(engine->question_count, 0);
    assert_int_equal(engine->counters.tcp_open, 0);
    upstream_says_a(60, ADDRESS);
    sees_the_end(tcp);
    sees_the_end(idle);
    assert_true(is_told_nothing(udp));
}

static bool allows(const char *ip)
{
    struct address address;
    assert_true(address_parse_ip(ip, &address));
    return engine_allows(engine, &address.any);
}

static void who_may_ask_is_what_allow_says_and_others_are_counted(void **unused)
{
    (void)unused;
    assert_true(allows("127.0.0.1"));
    assert_true(allows("::1"));
    assert_true(allows("::ffff:127.0.0.1"));
    assert_int_equal(engine->counters.dropped_not_allowed, 0);
    assert_false(allows("127.0.0.2"));
    assert_false(allows("::2"));
    assert_false(allows("::ffff:127.0.0.2"));
    assert_false(allows("192.0.2.1"));
    assert_int_equal(engine->counters.dropped_not_allowed, 4);
}

static int by_value(const void *a, const void *b)
{
    return *(const uint16_t *)a - *(const uint16_t *)b;
}

/* Of 4096 draws from 65536 about 3970 differ; of a pool used twice far fewer would. */
static void random_numbers_are_not_used_twice(void **unused)
{
    static uint16_t drawn[DRAWS];
    unsigned different = 1;
    (void)unused;
    for (unsigned i = 0; i < DRAWS; i++)
        drawn[i] = engine_random(engine);
    qsort(drawn, DRAWS, sizeof *drawn, by_value);
    for (unsigned i = 1; i < DRAWS; i++)
        different += drawn[i] != drawn[i - 1];
    assert_true(different > 3800);
}

static void codes_without_a_name_are_counted_together(void **unused)
{
    struct answer answer = {.source = ANSWER_CACHED, .rcode = RCODE_REFUSED};
    (void)unused;
    engine_count_answer(engine, TRANSPORT_TCP, &answer);
    answer.rcode = RCODE_REFUSED + 1;
    engine_count_answer(engine, TRANSPORT_TCP, &answer);
    answer.rcode = RCODE_BADVERS;
    engine_count_answer(engine, TRANSPORT_TCP, &answer);
    const counter *counted = engine->counters.answers[TRANSPORT_TCP][ANSWER_CACHED];
    assert_int_equal(counted[RCODE_REFUSED], 1);
    assert_int_equal(counted[COUNTED_RCODES - 1], 2);
}

static void a_duration_is_counted_up_to_and_with_its_bound(void **unused)
{
    const counter *durations = engine->counters.durations;
    (void)unused;
    engine_count_duration(engine, 0, 1);
    engine_count_duration(engine, 100 * 1000, 2);
    engine_count_duration(engine, 101 * 1000, 1);
    engine_count_duration(engine, 5000000ull * 1000, 1);
    engine_count_duration(engine, 5000001ull * 1000, 3);
    assert_int_equal(durations[0], 3);
    assert_int_equal(durations[1], 1);
    assert_int_equal(durations[DURATION_BUCKETS - 1], 1);
    assert_int_equal(durations[DURATION_BUCKETS], 3);
    assert_int_equal(engine->counters.duration_sum_us, 200 + 101 + 5000000 + 3 * 5000001ull);
}

#define ENGINE_TEST(name) cmocka_unit_test_setup_teardown(name, engine_setup, engine_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            before_the_first_view_questions_wait_at_the_door, engine_setup_silent, engine_teardown),
        ENGINE_TEST(once_a_view_is_acknowledged_every_answer_follows_it),
        ENGINE_TEST(a_view_leaves_the_rest_of_the_cache_alone),
        ENGINE_TEST(a_stop_under_way_ends_every_connection_question_and_fetch),
        ENGINE_TEST(who_may_ask_is_what_allow_says_and_others_are_counted),
        ENGINE_TEST(random_numbers_are_not_used_twice),
        ENGINE_TEST(codes_without_a_name_are_counted_together),
        ENGINE_TEST(a_duration_is_counted_up_to_and_with_its_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
