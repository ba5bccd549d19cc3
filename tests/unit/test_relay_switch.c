/* What a fence, a drain and a switch do to connections; and when they are acknowledged. */
#include "tests/unit/relay_scene.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

static struct relays_numbers numbers(struct relay_scene *scene)
{
    return relay_scene_numbers(scene);
}

static const char drain[] = ", \"on_switch\": \"drain 1500ms\"";

/* A session that is followed and in the middle of a transaction. */
static void begin_transaction(struct relay_scene *scene, int *ret_client, int *ret_target)
{
    pair_new(scene, EU, ret_client, ret_target);
    say(*ret_client, "begin");
    hear(*ret_target, "begin");
    say(*ret_target, "begun");
    hear(*ret_client, "begun");
}

static void finish_transaction(int client, int target)
{
    say(client, "commit");
    hear(target, "commit");
    say(target, "committed;");
    hear(client, "committed;");
}

static void assert_not_acknowledged_for(struct relay_scene *scene, uint64_t time_ms)
{
    for (uint64_t started_ms = now_ms(); now_ms() - started_ms < time_ms;) {
        assert_false(scene->published);
        deadline_is_over(scene, started_ms);
    }
}

static void a_fence_leaves_nothing_open_and_dials_nothing(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int clients[20], targets[20], count = sizeof clients / sizeof *clients;
    relay_scene_init(&scene, (struct relay_scene_options){.threads = 2});
    for (int i = 0; i < count; i++) {
        pair_new(&scene, EU, &clients[i], &targets[i]);
        say(clients[i], "!");
        hear(targets[i], "!");
    }
    relay_scene_fence(&scene);
    assert_int_equal(numbers(&scene).open, 0);
    assert_int_equal(numbers(&scene).closed_by_switch, count);
    for (int i = 0; i < count; i++) {
        hear_end(clients[i]);
        hear_reset(targets[i]);
    }
    int held = client_new(&scene);
    AWAIT(&scene, numbers(&scene).held == 1);
    assert_false(target_is_asked(&scene, EU));
    relay_scene_open(&scene, US);
    close(target_accept(&scene, US));
    hear_end(held);
    assert_false(target_is_asked(&scene, EU));
    relay_scene_fini(&scene);
}

/* A listener whose queue is full answers no SYN: connects to it stay half made. */
static void half_made_connects_are_dropped_by_a_fence_and_held(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int clients[6], count = sizeof clients / sizeof *clients;
    relay_scene_init(&scene, (struct relay_scene_options){.backlog = 1});
    for (int i = 0; i < count; i++)
        clients[i] = client_new(&scene);
    AWAIT(&scene, numbers(&scene).open == 2);
    AWAIT(&scene, numbers(&scene).connecting == 4);
    relay_scene_fence(&scene);
    assert_int_equal(numbers(&scene).connecting, 0);
    AWAIT(&scene, numbers(&scene).held == 4);
    assert_int_equal(numbers(&scene).closed_by_switch, 2);
    for (int i = 0; i < 2; i++)
        hear_reset(target_accept(&scene, EU));
    relay_scene_settle(&scene);
    assert_false(target_is_asked(&scene, EU));
    relay_scene_open(&scene, US);
    for (int i = 0; i < 4; i++)
        close(target_accept(&scene, US));
    for (int i = 0; i < count; i++)
        hear_end(clients[i]);
    relay_scene_fini(&scene);
}

static void who_waits_for_an_address_is_held_by_a_fence(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    relay_scene_init(&scene, (struct relay_scene_options){.named = true});
    fake_lookup_hold(&scene.lookup);
    int client = client_new(&scene);
    say(client, "hello");
    AWAIT(&scene, numbers(&scene).connecting == 1);
    relay_scene_fence(&scene);
    assert_int_equal(numbers(&scene).connecting, 0);
    assert_int_equal(numbers(&scene).held, 1);
    fake_lookup_release(&scene.lookup);
    relay_scene_settle(&scene);
    assert_false(target_is_asked(&scene, EU));
    relay_scene_open(&scene, US);
    int target = target_accept(&scene, US);
    hear(target, "hello");
    close(target);
    hear_end(client);
    relay_scene_fini(&scene);
}

static void a_fence_is_acknowledged_after_the_last_close(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int client, target, opaque_client, opaque_target;
    relay_scene_init(&scene, (struct relay_scene_options){.threads = 2});
    atomic_store(&fake_border.ends_transaction, true);
    begin_transaction(&scene, &client, &target);
    pair_new(&scene, EU, &opaque_client, &opaque_target);
    relay_scene_fence_begin(&scene);
    hear_end(opaque_client);
    hear_reset(opaque_target);
    assert_not_acknowledged_for(&scene, 100);
    finish_transaction(client, target);
    hear_end(client);
    hear_reset(target);
    relay_scene_wait(&scene);
    assert_int_equal(numbers(&scene).open, 0);
    assert_int_equal(numbers(&scene).closed_by_switch, 2);
    relay_scene_fini(&scene);
}

static void an_idle_session_is_cut_at_its_border(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int client, target;
    relay_scene_init(&scene, (struct relay_scene_options){0});
    begin_transaction(&scene, &client, &target);
    finish_transaction(client, target);
    uint64_t started_ms = now_ms();
    relay_scene_fence(&scene);
    assert_true(now_ms() - started_ms < RELAY_BORDER_WAIT_MS - 100);
    hear_end(client);
    hear_reset(target);
    relay_scene_fini(&scene);
}

static void a_session_without_a_border_is_cut_after_half_a_second(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int client, target;
    relay_scene_init(&scene, (struct relay_scene_options){0});
    begin_transaction(&scene, &client, &target);
    uint64_t started_ms = now_ms();
    relay_scene_fence(&scene);
    assert_true(now_ms() - started_ms >= RELAY_BORDER_WAIT_MS);
    hear_end(client);
    hear_reset(target);
    relay_scene_fini(&scene);
}

/* It asks again at once whenever it is answered: only a border that ends a transaction, or one
 * late enough, may be taken. */
static void a_busy_session_is_not_cut_between_two_statements_at_first(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int client, target;
    relay_scene_init(&scene, (struct relay_scene_options){0});
    begin_transaction(&scene, &client, &target);
    relay_scene_fence_begin(&scene);
    finish_transaction(client, target);
    say(client, "begin");
    hear(target, "begin");
    assert_not_acknowledged_for(&scene, 200);
    say(target, "begun;");
    hear(client, "begun;");
    hear_end(client);
    hear_reset(target);
    relay_scene_wait(&scene);
    relay_scene_fini(&scene);
}

static void fence_in_a_drain(struct relay_scene *scene, int *ret_client, int *ret_target)
{
    relay_scene_init(scene, (struct relay_scene_options){.threads = 2, .relay = drain});
    scene->planned = true;
    pair_new(scene, EU, ret_client, ret_target);
    relay_scene_fence(scene);
    assert_int_equal(numbers(scene).open, 1);
    assert_int_equal(numbers(scene).behind, 1);
    assert_int_equal(relay_relays(scene->relay)->behind(relay_relays(scene->relay), "data"), 1);
}

static void a_drain_lets_what_is_open_go_on_and_holds_what_is_new(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int client, target;
    fence_in_a_drain(&scene, &client, &target);
    uint64_t started_ms = now_ms();
    int held = client_new(&scene);
    AWAIT(&scene, numbers(&scene).held == 1);
    assert_false(target_is_asked(&scene, EU));
    say(client, "!still here?");
    hear(target, "!still here?");
    say(target, "yes;");
    hear(client, "yes;");
    hear_end(client);
    assert_true(now_ms() - started_ms >= 1300);
    hear_reset(target);
    AWAIT(&scene, scene.ended == 1);
    assert_int_equal(numbers(&scene).behind, 0);
    assert_int_equal(numbers(&scene).closed_by_switch, 1);
    close(held);
    relay_scene_fini(&scene);
}

static void in_a_drain_too_a_session_is_cut_at_its_border(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int client, target;
    fence_in_a_drain(&scene, &client, &target);
    uint64_t started_ms = now_ms();
    say(client, "begin");
    hear(target, "begin");
    AWAIT(&scene, now_ms() - started_ms >= RELAY_BORDER_WAIT_MS + 200);
    finish_transaction(client, target);
    hear_end(client);
    assert_true(now_ms() - started_ms < 1400);
    hear_reset(target);
    AWAIT(&scene, scene.ended == 1);
    relay_scene_fini(&scene);
}

static void a_session_that_ends_by_itself_in_a_drain_is_told_of(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int client, target;
    fence_in_a_drain(&scene, &client, &target);
    close(client);
    hear_end(target);
    AWAIT(&scene, scene.ended == 1);
    assert_int_equal(numbers(&scene).behind, 0);
    assert_int_equal(numbers(&scene).open, 0);
    assert_int_equal(numbers(&scene).closed_by_switch, 0);
    relay_scene_fini(&scene);
}

static void an_abort_in_a_drain_keeps_what_is_still_open(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int client, target;
    fence_in_a_drain(&scene, &client, &target);
    int held = client_new(&scene);
    AWAIT(&scene, numbers(&scene).held == 1);
    relay_scene_open(&scene, EU);
    assert_int_equal(numbers(&scene).behind, 0);
    int second = target_accept(&scene, EU);
    uint64_t started_ms = now_ms();
    AWAIT(&scene, now_ms() - started_ms > 1700);
    say(client, "still here?");
    hear(target, "still here?");
    assert_int_equal(numbers(&scene).open, 2);
    assert_int_equal(numbers(&scene).closed_by_switch, 0);
    close(client);
    close(target);
    close(held);
    close(second);
    AWAIT(&scene, numbers(&scene).open == 0);
    assert_int_equal(scene.ended, 0);
    relay_scene_fini(&scene);
}

static void only_planned_moves_drain(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int client, target;
    relay_scene_init(&scene, (struct relay_scene_options){.relay = drain});
    pair_new(&scene, EU, &client, &target);
    relay_scene_fence(&scene);
    assert_int_equal(numbers(&scene).open, 0);
    hear_end(client);
    hear_reset(target);
    relay_scene_fini(&scene);
}

static void a_switch_in_the_middle_of_a_drain_cuts_first(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int client, target;
    fence_in_a_drain(&scene, &client, &target);
    scene.cuts = true;
    relay_scene_fence(&scene);
    assert_int_equal(numbers(&scene).behind, 0);
    assert_int_equal(numbers(&scene).open, 0);
    hear_end(client);
    hear_reset(target);
    scene.cuts = false;
    relay_scene_open(&scene, US);
    pair_new(&scene, US, &client, &target);
    close(client);
    close(target);
    relay_scene_fini(&scene);
}

static void even_a_switch_without_the_cut_leaves_nothing_behind(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int client, target;
    fence_in_a_drain(&scene, &client, &target);
    relay_scene_open(&scene, US);
    assert_int_equal(numbers(&scene).open, 0);
    assert_int_equal(numbers(&scene).behind, 0);
    hear_end(client);
    hear_reset(target);
    relay_scene_fini(&scene);
}

static void another_target_in_the_same_region_moves_what_is_open(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int client, target, kept_client, kept_target;
    char us[ADDRESS_TEXT_SIZE], eu[ADDRESS_TEXT_SIZE];
    relay_scene_init(&scene, (struct relay_scene_options){0});
    pair_new(&scene, EU, &client, &target);
    address_print(&scene.target_addresses[EU], eu);
    address_print(&scene.target_addresses[US], us);
    relay_scene_retarget(&scene, us, eu);
    relay_scene_publish(&scene);
    hear_end(client);
    hear_reset(target);
    pair_new(&scene, US, &kept_client, &kept_target);
    relay_scene_retarget(&scene, us, us);
    relay_scene_publish(&scene);
    say(kept_client, "still here?");
    hear(kept_target, "still here?");
    assert_int_equal(numbers(&scene).closed_by_switch, 1);
    close(kept_client);
    close(kept_target);
    relay_scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fence_leaves_nothing_open_and_dials_nothing),
        cmocka_unit_test(half_made_connects_are_dropped_by_a_fence_and_held),
        cmocka_unit_test(who_waits_for_an_address_is_held_by_a_fence),
        cmocka_unit_test(a_fence_is_acknowledged_after_the_last_close),
        cmocka_unit_test(an_idle_session_is_cut_at_its_border),
        cmocka_unit_test(a_session_without_a_border_is_cut_after_half_a_second),
        cmocka_unit_test(a_busy_session_is_not_cut_between_two_statements_at_first),
        cmocka_unit_test(a_drain_lets_what_is_open_go_on_and_holds_what_is_new),
        cmocka_unit_test(in_a_drain_too_a_session_is_cut_at_its_border),
        cmocka_unit_test(a_session_that_ends_by_itself_in_a_drain_is_told_of),
        cmocka_unit_test(an_abort_in_a_drain_keeps_what_is_still_open),
        cmocka_unit_test(only_planned_moves_drain),
        cmocka_unit_test(a_switch_in_the_middle_of_a_drain_cuts_first),
        cmocka_unit_test(even_a_switch_without_the_cut_leaves_nothing_behind),
        cmocka_unit_test(another_target_in_the_same_region_moves_what_is_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
