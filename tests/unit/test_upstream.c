#include "resolver/upstream.h"

#include "resolver/stream.h"
#include "tests/unit/unit.h"

#include <string.h>

#define NOW_MS 1000000

/* Stands in for the streams: this unit only closes them. */
static unsigned closed;

void stream_close(struct upstream *upstream, bool quietly)
{
    (void)quietly;
    assert_false(upstream->listed);
    closed++;
}

struct scene {
    struct config config;
    struct config_route routes[3];
    struct config_upstream ours[3], theirs[1], deeper[1];
    struct view view;
    struct upstreams *upstreams;
    struct upstream *choice[UPSTREAM_CHOICES_MAX];
    unsigned count;
    bool all_dead;
};

static struct scene scene;

static struct config_upstream server(unsigned last)
{
    struct config_upstream upstream = {0};
    upstream.address.v4.sin_family = AF_INET;
    upstream.address.v4.sin_port = 53;
    upstream.address.v4.sin_addr.s_addr = last;
    return upstream;
}

static struct config_route route(const char *suffix, struct config_upstream *list)
{
    struct config_route made = {.upstreams = {.list = list, .count = 1}};
    assert_true(name_from_text(suffix, &made.suffix));
    return made;
}

static int setup(void **unused)
{
    (void)unused;
    scene = (struct scene){
        .ours = {server(1), server(2), server(3)}, .theirs = {server(4)}, .deeper = {server(5)}};
    scene.routes[0] = route("deep.corp.example", scene.deeper);
    scene.routes[1] = route("corp.example", scene.theirs);
    scene.config.resolver.routes = scene.routes;
    scene.config.resolver.route_count = 2;
    scene.view.config = &scene.config;
    scene.view.upstreams = (struct config_upstreams){.list = scene.ours, .count = 3};
    scene.upstreams = upstreams_new();
    upstreams_take_view(scene.upstreams, &scene.view);
    closed = 0;
    return 0;
}

static void let_go(void)
{
    for (unsigned i = 0; i < scene.count; i++)
        upstream_unref(scene.choice[i]);
    scene.count = 0;
}

static int teardown(void **unused)
{
    (void)unused;
    let_go();
    upstreams_free(scene.upstreams);
    return 0;
}

static void choose(const char *text, uint64_t now_ms)
{
    struct name name;
    assert_true(name_from_text(text, &name));
    let_go();
    scene.count = upstreams_choose(
        scene.upstreams, &scene.view, name.wire, name.size, now_ms, scene.choice, &scene.all_dead);
}

static unsigned last_of(unsigned index)
{
    assert_true(index < scene.count);
    return scene.choice[index]->address.v4.sin_addr.s_addr;
}

/* Asks for a name of ours and gives the order of the choices as digits. */
static unsigned order(uint64_t now_ms)
{
    choose("a.example", now_ms);
    assert_int_equal(scene.count, 3);
    return last_of(0) * 100 + last_of(1) * 10 + last_of(2);
}

static struct upstream *get(unsigned last)
{
    choose("a.example", NOW_MS);
    for (unsigned i = 0; i < scene.count; i++) {
        if (last_of(i) == last)
            return scene.choice[i];
    }
    fail();
    return NULL;
}

static void unknown_servers_are_asked_in_the_order_of_the_file(void **unused)
{
    (void)unused;
    assert_int_equal(order(NOW_MS), 123);
    assert_false(scene.all_dead);
}

static void the_longest_route_wins(void **unused)
{
    (void)unused;
    choose("corp.example", NOW_MS);
    assert_int_equal(scene.count, 1);
    assert_int_equal(last_of(0), 4);
    choose("a.corp.example", NOW_MS);
    assert_int_equal(last_of(0), 4);
    choose("a.deep.corp.example", NOW_MS);
    assert_int_equal(last_of(0), 5);
    choose("notcorp.example", NOW_MS);
    assert_int_equal(scene.count, 3);
}

static void the_faster_server_is_asked_first(void **unused)
{
    (void)unused;
    upstream_answered(get(1), 50);
    upstream_answered(get(2), 20);
    upstream_answered(get(3), 30);
    assert_int_equal(order(NOW_MS), 231);
}

static void one_never_measured_is_tried(void **unused)
{
    (void)unused;
    upstream_answered(get(1), 1);
    assert_int_equal(order(NOW_MS), 231);
}

static void the_time_is_smoothed(void **unused)
{
    (void)unused;
    struct upstream *upstream = get(1);
    upstream_answered(upstream, 80);
    assert_int_equal(upstream->srtt_ms, 80);
    upstream_answered(upstream, 0);
    assert_int_equal(upstream->srtt_ms, 70);
    upstream_answered(upstream, UINT64_MAX);
    assert_true(upstream->srtt_ms < 2000);
    for (unsigned i = 0; i < 100; i++)
        upstream_answered(upstream, 0);
    assert_int_equal(upstream->srtt_ms, 1); /* 0 is for one never measured */
}

static void patience_follows_the_time_within_bounds(void **unused)
{
    (void)unused;
    struct upstream *upstream = get(1);
    uint64_t unknown_ms = upstream_timeout_ms(upstream);
    upstream_answered(upstream, 1);
    uint64_t fast_ms = upstream_timeout_ms(upstream);
    upstream->srtt_ms = 200;
    uint64_t usual_ms = upstream_timeout_ms(upstream);
    upstream->srtt_ms = 9000;
    uint64_t slow_ms = upstream_timeout_ms(upstream);
    assert_true(fast_ms >= 200 && fast_ms < usual_ms && usual_ms > 200 && usual_ms < slow_ms);
    assert_true(slow_ms <= 1500 && unknown_ms <= 1500);
}

static void a_server_that_failed_comes_after_the_others_for_a_while(void **unused)
{
    (void)unused;
    upstream_answered(get(1), 1);
    upstream_answered(get(2), 50);
    upstream_answered(get(3), 60);
    upstream_failed(get(1), NOW_MS);
    assert_false(upstream_is_dead(get(1)));
    assert_int_equal(order(NOW_MS), 231);
    assert_int_equal(order(NOW_MS + 999), 231);
    assert_int_equal(order(NOW_MS + 1000), 123); /* one glitch is forgiven */
    upstream_failed(get(1), NOW_MS + 1000);
    upstream_answered(get(1), 1);
    assert_int_equal(order(NOW_MS + 1000), 123);
}

static void silence_three_times_over_is_death_until_an_answer(void **unused)
{
    (void)unused;
    struct upstream *upstream = get(1);
    for (unsigned i = 0; i < UPSTREAM_DEAD_AFTER; i++) {
        assert_false(upstream_is_dead(upstream));
        upstream_failed(upstream, NOW_MS);
    }
    assert_true(upstream_is_dead(upstream));
    assert_int_equal(order(NOW_MS), 231);
    assert_false(scene.all_dead);
    upstream_answered(upstream, 5);
    assert_false(upstream_is_dead(upstream));
}

static void one_question_tries_a_dead_server_the_next_do_not(void **unused)
{
    (void)unused;
    upstream_answered(get(2), 50);
    upstream_answered(get(3), 60);
    for (unsigned i = 0; i < UPSTREAM_DEAD_AFTER; i++)
        upstream_failed(get(1), NOW_MS);
    assert_int_equal(order(NOW_MS + 1000), 123);
    assert_int_equal(order(NOW_MS + 1000), 231);
}

static void the_pause_doubles_up_to_a_bound(void **unused)
{
    (void)unused;
    static const uint64_t pauses_ms[] = {1000, 1000, 1000, 2000, 4000, 8000, 16000, 32000, 32000};
    struct upstream *upstream = get(1);
    uint64_t now_ms = NOW_MS;
    for (size_t i = 0; i < sizeof pauses_ms / sizeof *pauses_ms; i++) {
        upstream_failed(upstream, now_ms);
        assert_int_equal(upstream->retry_at_ms, now_ms + pauses_ms[i]);
        now_ms = upstream->retry_at_ms;
    }
}

static void questions_that_fail_together_cost_one_pause(void **unused)
{
    (void)unused;
    struct upstream *upstream = get(1);
    for (unsigned i = 0; i < 2000; i++)
        upstream_failed(upstream, NOW_MS + i % 1000);
    assert_int_equal(upstream->retry_at_ms, NOW_MS + 1000);
    assert_true(upstream_is_dead(upstream));
}

static void that_all_are_dead_is_known(void **unused)
{
    (void)unused;
    for (unsigned last = 1; last <= 3; last++) {
        for (unsigned i = 0; i < UPSTREAM_DEAD_AFTER; i++)
            upstream_failed(get(last), NOW_MS);
    }
    choose("a.example", NOW_MS);
    assert_int_equal(scene.count, 3);
    assert_true(scene.all_dead);
    choose("a.corp.example", NOW_MS);
    assert_false(scene.all_dead);
}

static void without_servers_there_is_nobody_to_ask(void **unused)
{
    (void)unused;
    scene.view.upstreams.count = 0;
    upstreams_take_view(scene.upstreams, &scene.view);
    choose("a.example", NOW_MS);
    assert_int_equal(scene.count, 0);
    assert_true(scene.all_dead);
}

static void no_more_are_chosen_than_there_is_room_for(void **unused)
{
    (void)unused;
    struct config_upstream many[UPSTREAM_CHOICES_MAX + 4];
    for (unsigned i = 0; i < sizeof many / sizeof *many; i++)
        many[i] = server(i + 1);
    scene.view.upstreams =
        (struct config_upstreams){.list = many, .count = sizeof many / sizeof *many};
    upstreams_take_view(scene.upstreams, &scene.view);
    choose("a.example", NOW_MS);
    assert_int_equal(scene.count, UPSTREAM_CHOICES_MAX);
    let_go();
}

static void a_new_view_keeps_what_is_known_of_those_that_stay(void **unused)
{
    (void)unused;
    upstream_answered(get(2), 7);
    struct upstream *gone = upstream_ref(get(3));
    struct config_upstream next[] = {server(6), server(2)};
    scene.view.upstreams = (struct config_upstreams){.list = next, .count = 2};
    upstreams_take_view(scene.upstreams, &scene.view);
    assert_int_equal(closed, 2); /* 1 and 3 */
    assert_false(gone->listed);
    upstream_unref(gone);
    choose("a.example", NOW_MS);
    assert_int_equal(scene.count, 2);
    assert_int_equal(last_of(0), 6);
    assert_int_equal(scene.choice[1]->srtt_ms, 7);
}

static void the_certificates_name_makes_another_server(void **unused)
{
    (void)unused;
    upstream_answered(get(1), 7);
    struct config_upstream next[] = {server(1), server(1)};
    char name[] = "dns.example";
    next[0].tls_name = name;
    scene.view.upstreams = (struct config_upstreams){.list = next, .count = 2};
    upstreams_take_view(scene.upstreams, &scene.view);
    choose("a.example", NOW_MS);
    assert_int_equal(scene.count, 2);
    assert_string_equal(scene.choice[0]->tls_name, "dns.example");
    assert_ptr_not_equal(scene.choice[0]->tls_name, name);
    assert_int_equal(scene.choice[0]->srtt_ms, 0);
    assert_null(scene.choice[1]->tls_name);
    assert_int_equal(scene.choice[1]->srtt_ms, 7);
}

static void at_the_end_none_is_listed(void **unused)
{
    (void)unused;
    struct upstream *upstream = get(1);
    upstreams_stop(scene.upstreams);
    assert_false(upstream->listed);
    assert_int_equal(closed, 5);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(unknown_servers_are_asked_in_the_order_of_the_file),
        TEST(the_longest_route_wins),
        TEST(the_faster_server_is_asked_first),
        TEST(one_never_measured_is_tried),
        TEST(the_time_is_smoothed),
        TEST(patience_follows_the_time_within_bounds),
        TEST(a_server_that_failed_comes_after_the_others_for_a_while),
        TEST(silence_three_times_over_is_death_until_an_answer),
        TEST(the_pause_doubles_up_to_a_bound),
        TEST(one_question_tries_a_dead_server_the_next_do_not),
        TEST(questions_that_fail_together_cost_one_pause),
        TEST(that_all_are_dead_is_known),
        TEST(without_servers_there_is_nobody_to_ask),
        TEST(no_more_are_chosen_than_there_is_room_for),
        TEST(a_new_view_keeps_what_is_known_of_those_that_stay),
        TEST(the_certificates_name_makes_another_server),
        TEST(at_the_end_none_is_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
