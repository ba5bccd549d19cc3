/* A fence is answered when the last connection to the old region is gone. */
#include "tests/unit/keeper_scene.h"

static const char *relayed[] = {"relayed"};

static struct command about_relayed(enum command_kind kind, const char *request)
{
    struct command command = driven(kind, request);
    command.groups = relayed;
    command.group_count = 1;
    command.planned = kind == COMMAND_BEGIN;
    return command;
}

/* Fenced in a planned move, with a connection that drains: not answered. */
static void drain(struct scene *scene, struct answer *fence)
{
    assert_int_equal(
        carry_out(scene, about_relayed(COMMAND_BEGIN, "b1")).outcome.status, EXIT_STATUS_DONE);
    scene->behind = 1;
    *fence = answer_to(scene);
    submit(scene, about_relayed(COMMAND_FENCE, "f1"), fence);
}

static void begin_draining(struct scene *scene, struct answer *fence)
{
    scene_init(scene);
    drain(scene, fence);
}

static bool is_fenced(void *context)
{
    struct scene *scene = context;
    return endpoint(scene, "relay-db")->status == VIEW_FENCED && !keeper_busy(scene->keeper);
}

static void end_drain(struct scene *scene)
{
    scene->behind = 0;
    keeper_relays_ended(scene->keeper);
}

static struct command step_of(const struct transition_step *step)
{
    struct command command = driven(COMMAND_STEP, NULL);
    command.step = step;
    return command;
}

static void a_fence_is_answered_when_the_last_connection_has_ended(void **unused)
{
    (void)unused;
    struct scene scene;
    struct answer fence;
    begin_draining(&scene, &fence);
    run_until(&scene.loop, is_fenced, &scene);
    assert_false(fence.there);
    assert_true(state_find_group(scene.store.state, "relayed")->fenced);
    scene.behind = 1;
    keeper_relays_ended(scene.keeper);
    assert_false(fence.there);
    end_drain(&scene);
    assert_true(fence.there);
    assert_int_equal(fence.outcome.status, EXIT_STATUS_DONE);
    assert_true(fence.outcome.changed);
    scene_fini(&scene);
}

static void a_fence_with_nothing_behind_is_answered_at_once(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    carry_out(&scene, about_relayed(COMMAND_BEGIN, NULL));
    assert_int_equal(
        carry_out(&scene, about_relayed(COMMAND_FENCE, NULL)).outcome.status, EXIT_STATUS_DONE);
    scene_fini(&scene);
}

static void steps_go_on_meanwhile(void **unused)
{
    (void)unused;
    struct scene scene;
    struct answer fence;
    struct transition_step step = {.id = "scale", .status = STEP_RUNNING};
    begin_draining(&scene, &fence);
    run_until(&scene.loop, is_fenced, &scene);
    assert_int_equal(carry_out(&scene, step_of(&step)).outcome.status, EXIT_STATUS_DONE);
    assert_false(fence.there);
    end_drain(&scene);
    assert_int_equal(fence.outcome.status, EXIT_STATUS_DONE);
    assert_string_equal(fence.transition, keeper_state(scene.keeper)->transition->id);
    scene_fini(&scene);
}

static void whoever_asks_by_the_requests_id_waits_too(void **unused)
{
    (void)unused;
    struct scene scene;
    struct answer fence;
    struct transition_step step = {.id = "scale", .status = STEP_RUNNING};
    begin_draining(&scene, &fence);
    run_until(&scene.loop, is_fenced, &scene);
    struct answer asked = answer_to(&scene), unknown = answer_to(&scene);
    keeper_ask(scene.keeper, "f1", on_reply, &asked);
    keeper_ask(scene.keeper, "f2", on_reply, &unknown);
    run_until(&scene.loop, is_set, &unknown.there);
    assert_int_equal(unknown.outcome.status, EXIT_STATUS_FAILED);
    assert_false(asked.there);
    carry_out(&scene, step_of(&step));
    assert_false(asked.there);
    end_drain(&scene);
    assert_true(asked.there);
    assert_int_equal(asked.outcome.status, EXIT_STATUS_DONE);
    assert_string_equal(asked.transition, keeper_state(scene.keeper)->transition->id);
    scene_fini(&scene);
}

static void a_request_of_an_earlier_transition_is_answered_at_once(void **unused)
{
    (void)unused;
    struct scene scene;
    struct answer fence;
    static const char *others[] = {"data"};
    struct command earlier = switch_to("us-west-2", "e1");
    earlier.groups = others;
    earlier.group_count = 1;
    scene_init(&scene);
    assert_int_equal(carry_out(&scene, earlier).outcome.status, EXIT_STATUS_DONE);
    drain(&scene, &fence);
    run_until(&scene.loop, is_fenced, &scene);
    struct answer asked = ask(&scene, "e1");
    assert_false(fence.there);
    assert_int_equal(asked.outcome.status, EXIT_STATUS_DONE);
    end_drain(&scene);
    scene_fini(&scene);
}

/* Whoever drives would promote the other side on a "done". */
static void an_abort_ends_the_wait_and_nobody_is_told_that_the_fence_is_done(void **unused)
{
    (void)unused;
    struct scene scene;
    struct answer fence;
    begin_draining(&scene, &fence);
    run_until(&scene.loop, is_fenced, &scene);
    struct answer aborted = {.scene = &scene};
    scene.behind = 0; /* what is still open simply stays, and nothing ends */
    submit(&scene, driven(COMMAND_ABORT, NULL), &aborted);
    run_until(&scene.loop, is_set, &aborted.there);
    assert_int_equal(aborted.outcome.status, EXIT_STATUS_DONE);
    run_until(&scene.loop, is_set, &fence.there);
    assert_int_equal(fence.outcome.status, EXIT_STATUS_FAILED);
    assert_non_null(strstr(fence.words, "ended"));
    assert_int_equal(endpoint(&scene, "relay-db")->status, VIEW_OPEN);
    scene_fini(&scene);
}

static void a_stop_answers_who_waits_and_the_fence_stands(void **unused)
{
    (void)unused;
    struct scene scene;
    struct answer fence;
    begin_draining(&scene, &fence);
    run_until(&scene.loop, is_fenced, &scene);
    keeper_hurry(scene.keeper);
    assert_true(fence.there);
    assert_int_equal(fence.outcome.status, EXIT_STATUS_FAILED);
    assert_non_null(strstr(fence.words, "the fence stands"));
    assert_true(state_find_group(scene.store.state, "relayed")->fenced);
    struct answer asked = ask(&scene, "f1");
    assert_int_equal(asked.outcome.status, EXIT_STATUS_FAILED);
    scene_fini(&scene);
}

/* "view:" is told of orders-db alone: what is looked at is relay-db's own view. */
static bool has_cut_view(void *context)
{
    struct scene *scene = context;
    const struct view_endpoint *relay = endpoint(scene, "relay-db");
    return relay->status == VIEW_FENCED && relay->drain_ms == 0 && scene->held;
}

static void a_switch_in_the_middle_of_a_drain_cuts_before_it_writes(void **unused)
{
    (void)unused;
    struct scene scene;
    struct answer fence;
    begin_draining(&scene, &fence);
    run_until(&scene.loop, is_fenced, &scene);
    struct answer answer = {.scene = &scene};
    unsigned writes = scene.store.writes;
    scene.hold = true;
    submit(&scene, about_relayed(COMMAND_SWITCH, NULL), &answer);
    run_until(&scene.loop, has_cut_view, &scene);
    assert_int_equal(scene.store.writes, writes);
    scene.behind = 0;
    release(&scene);
    run_until(&scene.loop, is_set, &answer.there);
    assert_int_equal(answer.outcome.status, EXIT_STATUS_DONE);
    assert_int_equal(endpoint(&scene, "relay-db")->status, VIEW_OPEN);
    assert_int_equal(endpoint(&scene, "relay-db")->region, 1);
    keeper_relays_ended(scene.keeper);
    assert_int_equal(fence.outcome.status, EXIT_STATUS_DONE);
    scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fence_is_answered_when_the_last_connection_has_ended),
        cmocka_unit_test(a_fence_with_nothing_behind_is_answered_at_once),
        cmocka_unit_test(steps_go_on_meanwhile),
        cmocka_unit_test(whoever_asks_by_the_requests_id_waits_too),
        cmocka_unit_test(a_request_of_an_earlier_transition_is_answered_at_once),
        cmocka_unit_test(an_abort_ends_the_wait_and_nobody_is_told_that_the_fence_is_done),
        cmocka_unit_test(a_stop_answers_who_waits_and_the_fence_stands),
        cmocka_unit_test(a_switch_in_the_middle_of_a_drain_cuts_before_it_writes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
