/* Who waits for the switch, how many, how long, with how many bytes; and how they are let go. */
#include "tests/unit/relay_scene.h"

#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct relays_numbers numbers(struct relay_scene *scene)
{
    return relay_scene_numbers(scene);
}

static uint64_t refused(struct relay_scene *scene, enum relays_refusal why)
{
    return numbers(scene).refused[why];
}

/* Fenced from the start. */
static void scene_init(struct relay_scene *scene, struct relay_scene_options options)
{
    relay_scene_init(scene, options);
    relay_scene_fence(scene);
}

static int held_client(struct relay_scene *scene)
{
    uint64_t before = numbers(scene).held;
    int client = client_new(scene);
    AWAIT(scene, numbers(scene).held == before + 1);
    return client;
}

static void a_held_client_goes_on_to_the_new_side_with_all_that_it_said(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    scene_init(&scene, (struct relay_scene_options){0});
    int client = held_client(&scene);
    say(client, "hello, ");
    relay_scene_settle(&scene);
    say(client, "who is there?");
    relay_scene_settle(&scene);
    assert_false(target_is_asked(&scene, EU));
    assert_int_equal(numbers(&scene).connecting, 0);
    relay_scene_open(&scene, US);
    int target = target_accept(&scene, US);
    hear(target, "hello, who is there?");
    say(target, "us");
    hear(client, "us");
    assert_int_equal(numbers(&scene).held, 0);
    assert_false(target_is_asked(&scene, EU));
    close(client);
    close(target);
    relay_scene_fini(&scene);
}

static void before_the_first_view_nobody_is_accepted_and_nobody_lost(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    relay_scene_prepare(&scene, (struct relay_scene_options){.threads = 2});
    int client = client_new(&scene);
    say(client, "hello");
    relay_scene_settle(&scene);
    assert_int_equal(numbers(&scene).accepted, 0);
    state_find_group(scene.state, "data")->fenced = true;
    relay_scene_publish(&scene);
    AWAIT(&scene, numbers(&scene).held == 1);
    assert_false(target_is_asked(&scene, EU));
    relay_scene_open(&scene, US);
    int target = target_accept(&scene, US);
    hear(target, "hello");
    close(client);
    close(target);
    relay_scene_fini(&scene);
}

static void an_undecided_endpoint_holds(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    relay_scene_prepare(&scene, (struct relay_scene_options){0});
    struct state_group *group = state_find_group(scene.state, "data");
    snprintf(group->active, sizeof group->active, "gone");
    relay_scene_publish(&scene);
    int client = held_client(&scene);
    relay_scene_open(&scene, US);
    close(target_accept(&scene, US));
    hear_end(client);
    relay_scene_fini(&scene);
}

static void no_more_are_held_than_configured(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    scene_init(&scene, (struct relay_scene_options){
                           .threads = 2, .relay = ", \"hold\": {\"max_connections\": 3}"});
    int held[3];
    for (int i = 0; i < 3; i++)
        held[i] = held_client(&scene);
    for (int i = 0; i < 5; i++)
        hear_reset(client_new(&scene));
    assert_int_equal(refused(&scene, RELAYS_REFUSED_HOLD_FULL), 5);
    assert_int_equal(numbers(&scene).held, 3);
    close(held[1]);
    AWAIT(&scene, numbers(&scene).held == 2);
    held[1] = held_client(&scene);
    relay_scene_open(&scene, US);
    for (int i = 0; i < 3; i++)
        close(target_accept(&scene, US));
    for (int i = 0; i < 3; i++)
        hear_end(held[i]);
    assert_int_equal(refused(&scene, RELAYS_REFUSED_HOLD_FULL), 5);
    relay_scene_fini(&scene);
}

static void each_is_held_for_its_own_time(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    scene_init(
        &scene, (struct relay_scene_options){.relay = ", \"hold\": {\"timeout\": \"600ms\"}"});
    uint64_t started_ms = now_ms();
    int first = held_client(&scene);
    AWAIT(&scene, now_ms() - started_ms >= 400);
    int second = held_client(&scene);
    hear_reset(first);
    assert_true(now_ms() - started_ms >= 600);
    assert_int_equal(refused(&scene, RELAYS_REFUSED_HOLD_TIMEOUT), 1);
    assert_int_equal(numbers(&scene).held, 1);
    hear_reset(second);
    assert_true(now_ms() - started_ms >= 1000);
    assert_int_equal(refused(&scene, RELAYS_REFUSED_HOLD_TIMEOUT), 2);
    assert_int_equal(numbers(&scene).held, 0);
    relay_scene_fini(&scene);
}

static void say_bytes(int fd, size_t size)
{
    static char bytes[RELAY_HELD_BYTES_MAX];
    memset(bytes, 'x', size);
    assert_int_equal(send(fd, bytes, size, MSG_NOSIGNAL), size);
}

static void what_a_held_client_says_is_bounded(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    scene_init(&scene, (struct relay_scene_options){0});
    int full = held_client(&scene), talker = held_client(&scene);
    say_bytes(full, RELAY_HELD_BYTES_MAX - 1);
    relay_scene_settle(&scene);
    say_bytes(full, 1);
    say_bytes(talker, RELAY_HELD_BYTES_MAX);
    relay_scene_settle(&scene);
    assert_int_equal(numbers(&scene).held, 2);
    say_bytes(talker, 1);
    hear_reset(talker);
    assert_int_equal(refused(&scene, RELAYS_REFUSED_HOLD_BYTES), 1);
    assert_int_equal(numbers(&scene).held, 1);

    relay_scene_open(&scene, US);
    int target = target_accept(&scene, US);
    static char got[RELAY_HELD_BYTES_MAX + 1];
    assert_int_equal(recv(target, got, RELAY_HELD_BYTES_MAX, MSG_WAITALL), RELAY_HELD_BYTES_MAX);
    assert_int_equal(recv(target, got, 1, MSG_DONTWAIT), -1);
    close(full);
    close(target);
    relay_scene_fini(&scene);
}

static void what_was_held_counts_among_the_bytes_passed_on(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    scene_init(&scene, (struct relay_scene_options){0});
    int client = held_client(&scene);
    say(client, "hello");
    relay_scene_settle(&scene);
    assert_int_equal(numbers(&scene).bytes_to_target, 0);
    relay_scene_open(&scene, US);
    int target = target_accept(&scene, US);
    hear(target, "hello");
    say(client, " again");
    hear(target, " again");
    assert_int_equal(numbers(&scene).bytes_to_target, 11);
    close(client);
    close(target);
    relay_scene_fini(&scene);
}

static void a_held_client_that_goes_away_frees_its_place(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    scene_init(&scene, (struct relay_scene_options){0});
    int clients[3];
    for (int i = 0; i < 3; i++)
        clients[i] = held_client(&scene);
    close(clients[0]);
    AWAIT(&scene, numbers(&scene).held == 2);
    reset(clients[1]);
    AWAIT(&scene, numbers(&scene).held == 1);
    say(clients[2], "and gone");
    shutdown(clients[2], SHUT_WR);
    AWAIT(&scene, numbers(&scene).held == 0);
    hear_end(clients[2]);
    relay_scene_open(&scene, US);
    relay_scene_settle(&scene);
    assert_false(target_is_asked(&scene, US));
    relay_scene_fini(&scene);
}

enum { CROWD = 220 };

/* Two loops, 32 each: with so many clients every loop has more than its share. */
static void at_most_64_are_on_their_way_over_all_loops(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int clients[CROWD], targets[CROWD];
    scene_init(&scene, (struct relay_scene_options){.threads = 2, .named = true});
    for (int i = 0; i < CROWD; i++)
        clients[i] = client_new(&scene);
    AWAIT(&scene, numbers(&scene).held == CROWD);
    fake_lookup_hold(&scene.lookup);
    relay_scene_open(&scene, US);
    AWAIT(&scene, numbers(&scene).connecting == RELAY_RELEASE_MAX);
    relay_scene_settle(&scene);
    assert_int_equal(numbers(&scene).connecting, RELAY_RELEASE_MAX);
    assert_int_equal(numbers(&scene).held, CROWD - RELAY_RELEASE_MAX);
    assert_int_equal(fake_lookup_count(&scene.lookup, "us.test"), 2);

    fake_lookup_release(&scene.lookup);
    for (int i = 0; i < CROWD; i++)
        targets[i] = target_accept(&scene, US);
    AWAIT(&scene, numbers(&scene).open == CROWD);
    assert_int_equal(numbers(&scene).held + numbers(&scene).connecting, 0);
    for (int i = 0; i < CROWD; i++) {
        close(clients[i]);
        close(targets[i]);
    }
    AWAIT(&scene, numbers(&scene).open == 0);
    relay_scene_fini(&scene);
}

static void whoever_comes_while_others_are_released_is_served(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int clients[CROWD];
    scene_init(&scene, (struct relay_scene_options){.named = true});
    for (int i = 0; i < CROWD; i++)
        clients[i] = client_new(&scene);
    AWAIT(&scene, numbers(&scene).held == CROWD);
    fake_lookup_hold(&scene.lookup);
    relay_scene_open(&scene, US);
    int late = client_new(&scene);
    AWAIT(&scene, numbers(&scene).connecting == RELAY_RELEASE_MAX + 1);
    fake_lookup_release(&scene.lookup);
    for (int i = 0; i < CROWD + 1; i++)
        close(target_accept(&scene, US));
    hear_end(late);
    for (int i = 0; i < CROWD; i++)
        hear_end(clients[i]);
    relay_scene_fini(&scene);
}

static const char probe[] = ", \"probe\": {\"type\": \"postgres\", \"user\": \"u\","
                            "  \"password_file\": \"/none\", \"database\": \"d\"}";

static void with_a_probe_they_wait_until_the_new_side_is_writable(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    scene_init(&scene, (struct relay_scene_options){.threads = 2, .relay = probe});
    int clients[8], count = sizeof clients / sizeof *clients;
    for (int i = 0; i < count; i++)
        clients[i] = held_client(&scene);
    assert_null(numbers(&scene).waiting_for);
    relay_scene_open(&scene, US);
    int late = held_client(&scene);
    relay_scene_settle(&scene);
    assert_false(target_is_asked(&scene, US));
    assert_string_equal(numbers(&scene).waiting_for, "still in recovery");
    assert_int_equal(fake_writable.started, 1);

    fake_writable_say_yes();
    for (int i = 0; i < count + 1; i++)
        close(target_accept(&scene, US));
    for (int i = 0; i < count; i++)
        hear_end(clients[i]);
    hear_end(late);
    AWAIT(&scene, numbers(&scene).waiting_for == NULL);
    assert_int_equal(fake_writable.stopped, 1);
    relay_scene_fini(&scene);
}

static void an_answer_about_an_earlier_turn_opens_nothing(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    scene_init(&scene, (struct relay_scene_options){.threads = 2, .relay = probe});
    relay_scene_open(&scene, US);
    relay_scene_fence(&scene);
    assert_int_equal(fake_writable.stopped, 1);
    fake_writable_say_yes();
    relay_scene_open(&scene, US);
    assert_int_equal(fake_writable.started, 2);
    int client = held_client(&scene);
    relay_scene_settle(&scene);
    assert_false(target_is_asked(&scene, US));
    fake_writable_say_yes();
    close(target_accept(&scene, US));
    hear_end(client);
    relay_scene_fini(&scene);
}

static void at_the_start_nobody_waits_for_a_probe(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    relay_scene_init(&scene, (struct relay_scene_options){.relay = probe});
    int client, target;
    pair_new(&scene, EU, &client, &target);
    assert_int_equal(fake_writable.started, 0);
    close(client);
    close(target);
    relay_scene_fini(&scene);
}

static void no_number_of_cores_is_more_loops_than_may_release_at_once(void **unused)
{
    (void)unused;
    assert_int_equal(relay_workers_for(0, 2), 2);
    assert_int_equal(relay_workers_for(0, 64), 64);
    assert_int_equal(relay_workers_for(0, 192), RELAY_RELEASE_MAX);
    assert_int_equal(relay_workers_for(3, 192), 3);
    assert_int_equal(relay_workers_for(64, 2), 64);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_held_client_goes_on_to_the_new_side_with_all_that_it_said),
        cmocka_unit_test(before_the_first_view_nobody_is_accepted_and_nobody_lost),
        cmocka_unit_test(an_undecided_endpoint_holds),
        cmocka_unit_test(no_more_are_held_than_configured),
        cmocka_unit_test(each_is_held_for_its_own_time),
        cmocka_unit_test(what_a_held_client_says_is_bounded),
        cmocka_unit_test(what_was_held_counts_among_the_bytes_passed_on),
        cmocka_unit_test(a_held_client_that_goes_away_frees_its_place),
        cmocka_unit_test(at_most_64_are_on_their_way_over_all_loops),
        cmocka_unit_test(whoever_comes_while_others_are_released_is_served),
        cmocka_unit_test(with_a_probe_they_wait_until_the_new_side_is_writable),
        cmocka_unit_test(an_answer_about_an_earlier_turn_opens_nothing),
        cmocka_unit_test(at_the_start_nobody_waits_for_a_probe),
        cmocka_unit_test(no_number_of_cores_is_more_loops_than_may_release_at_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
