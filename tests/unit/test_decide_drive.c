/* A transition under way: fence, step, switch, end and abort. */
#include "tests/unit/decide_tool.h"

#include <stdio.h>
#include <string.h>

static struct scene *begun(void **state)
{
    struct scene *scene = *state;
    changes(scene, COMMAND(BEGIN, .region = US, .request = "r-begin"));
    return scene;
}

static struct scene *begun_as_planned(void **state)
{
    struct scene *scene = *state;
    changes(scene,
        COMMAND(BEGIN, .region = US, .planned = true, .force = FORCE_DNS_ONLY, .request = "r-1"));
    return scene;
}

static void without_a_transition_there_is_nothing_to_drive(void **scene)
{
    is_refused(*scene, COMMAND(FENCE), 0, "no transition is running");
    is_refused(*scene, COMMAND(SWITCH), 0, "no transition is running");
    is_refused(*scene, COMMAND(END), 0, "no transition is running");
    is_refused(*scene, COMMAND(ABORT), 0, "nothing to abort");
    is_refused(*scene, STEP("x", .status = STEP_RUNNING), 0, "no transition is running");
}

static void who_means_another_transition_drives_nothing(void **state)
{
    struct scene *scene = begun(state);
    is_refused(scene, COMMAND(FENCE, .transition = "t-0"), 0, "is not the one that runs");
    is_refused(scene, COMMAND(ABORT, .transition = "t-0"), 0, "is not the one that runs");
    changes(scene, COMMAND(FENCE, .transition = "t-1"));
}

static void a_fence_is_for_databases_and_keeps_their_region(void **state)
{
    struct scene *scene = begun(state);
    changes(scene, COMMAND(FENCE));
    fences_first(scene, "data legacy");
    is_fenced_at(scene, "data", EU);
    is_fenced_at(scene, "legacy", EU);
    is_at(scene, "static", EU);
    assert_int_equal(scene->state->epoch, 1);
    assert_int_equal(state_find_group(scene->state, "data")->fenced_at.boot_ms, 1000000);
    assert_int_equal(state_phase(scene->state), PHASE_FENCED);
}

static void a_second_fence_changes_nothing(void **state)
{
    struct scene *scene = begun(state);
    changes(scene, COMMAND(FENCE, GROUPS("data")));
    changes_nothing(scene, COMMAND(FENCE, GROUPS("data")));
    changes_nothing(scene, COMMAND(FENCE, GROUPS("data", "static")));
    changes(scene, COMMAND(FENCE));
    fences_first(scene, "legacy");
}

static void a_switch_opens_the_new_region(void **state)
{
    struct scene *scene = begun(state);
    changes(scene, COMMAND(FENCE));
    changes(scene, COMMAND(SWITCH));
    fences_first(scene, "");
    is_at(scene, "data", US);
    is_at(scene, "static", US);
    assert_int_equal(scene->state->epoch, 2);
    assert_int_equal(state_phase(scene->state), PHASE_COMPLETING);
    assert_non_null(scene->state->transition);
}

static void a_switch_fences_a_database_that_nobody_fenced(void **state)
{
    struct scene *scene = begun(state);
    changes(scene, COMMAND(FENCE, GROUPS("legacy")));
    changes(scene, COMMAND(SWITCH));
    fences_first(scene, "data");
}

static void what_only_dns_fences_stays_fenced_for_a_ttl_and_a_second(void **state)
{
    struct scene *scene = begun(state);
    scene->config->resolver.ttl_s = 5;
    changes(scene, COMMAND(FENCE));
    passes(scene, 1500);
    changes(scene, COMMAND(SWITCH, GROUPS("data")));
    assert_int_equal(scene->decision.fence_wait_ms, 0);
    changes(scene, COMMAND(SWITCH, GROUPS("legacy")));
    assert_int_equal(scene->decision.fence_wait_ms, 4500);
}

static void an_unfenced_database_waits_in_full_for_its_switch(void **state)
{
    struct scene *scene = begun(state);
    scene->config->resolver.ttl_s = 5;
    changes(scene, COMMAND(SWITCH));
    fences_first(scene, "data legacy");
    assert_int_equal(scene->decision.fence_wait_ms, 6000);
}

static void a_second_switch_changes_nothing(void **state)
{
    struct scene *scene = begun(state);
    changes(scene, COMMAND(SWITCH, GROUPS("data")));
    changes_nothing(scene, COMMAND(SWITCH, GROUPS("data")));
    changes_nothing(scene, COMMAND(FENCE, GROUPS("data")));
    is_at(scene, "data", US);
    is_at(scene, "static", EU);
}

static void a_group_outside_the_transition_is_refused(void **state)
{
    struct scene *scene = *state;
    changes(scene, COMMAND(BEGIN, .region = US, GROUPS("data")));
    is_refused(scene, COMMAND(FENCE, GROUPS("legacy")), 0, "\"legacy\" is no part");
    is_refused(scene, COMMAND(SWITCH, GROUPS("data", "static")), 0, "\"static\" is no part");
    changes(scene, COMMAND(SWITCH));
    is_at(scene, "static", EU);
    changes(scene, COMMAND(END));
}

static void the_end_needs_every_group_switched(void **state)
{
    struct scene *scene = begun(state);
    is_refused(scene, COMMAND(END), 0, "data, legacy, static, search is not switched");
    changes(scene, COMMAND(SWITCH));
    uint64_t epoch = scene->state->epoch;
    changes(scene, COMMAND(END, .request = "r-end"));
    assert_null(scene->state->transition);
    assert_int_equal(last_of_history(scene)->result, RESULT_DONE);
    assert_string_equal(last_of_history(scene)->ended.wall, scene->world.now.wall);
    assert_ptr_equal(state_find_request(scene->state, "r-end"), last_of_history(scene));
    assert_ptr_equal(state_find_request(scene->state, "r-begin"), last_of_history(scene));
    assert_int_equal(scene->state->epoch, epoch);
}

static void a_failover_that_failed_stays_stopped_and_fenced(void **state)
{
    struct scene *scene = begun(state);
    changes(scene, COMMAND(FENCE));
    changes(scene, COMMAND(END, .failed = true, .reason = "no capacity"));
    assert_int_equal(state_phase(scene->state), PHASE_STOPPED);
    assert_string_equal(scene->state->transition->error, "no capacity");
    is_fenced_at(scene, "data", EU);
    changes_nothing(scene, COMMAND(END, .failed = true, .reason = "no capacity"));
}

static void somebody_who_goes_on_lifts_the_stop(void **state)
{
    struct scene *scene = begun(state);
    changes(scene, STEP("scale", .status = STEP_RUNNING));
    changes(scene, COMMAND(END, .failed = true));
    changes(scene, STEP("scale", .status = STEP_RUNNING));
    assert_int_equal(state_phase(scene->state), PHASE_PREPARING);
}

static void a_switchover_that_failed_aborts_by_itself(void **state)
{
    struct scene *scene = begun_as_planned(state);
    changes(scene, COMMAND(FENCE));
    changes(scene, COMMAND(END, .failed = true, .reason = "lag"));
    is_at(scene, "data", EU);
    assert_null(scene->state->transition);
    assert_int_equal(last_of_history(scene)->result, RESULT_ABORTED);
    assert_string_equal(last_of_history(scene)->error, "lag");
    assert_int_equal(scene->state->epoch, 2);
}

static void a_switchover_that_failed_after_a_promotion_stays_stopped(void **state)
{
    struct scene *scene = begun_as_planned(state);
    changes(scene, COMMAND(FENCE));
    changes(scene, STEP("promote", .status = STEP_RUNNING, .promotes = true));
    changes(scene, COMMAND(END, .failed = true));
    assert_int_equal(state_phase(scene->state), PHASE_STOPPED);
    is_fenced_at(scene, "data", EU);
}

/* There is no such instance, say: nothing was promoted, and nothing was about to be. */
static void a_switchover_whose_promotion_never_began_goes_back(void **state)
{
    struct scene *scene = begun_as_planned(state);
    changes(scene, COMMAND(FENCE));
    changes(scene, STEP("promote", .status = STEP_WAITING, .promotes = true));
    changes(scene, STEP("promote", .status = STEP_FAILED, .promotes = true, .irreversible = true));
    assert_int_equal(state_find_group(scene->state, "data")->latched_count, 0);
    changes(scene, COMMAND(END, .failed = true));
    assert_null(scene->state->transition);
    assert_int_equal(last_of_history(scene)->result, RESULT_ABORTED);
    is_at(scene, "data", EU);
}

static void a_step_that_failed_stops_unless_it_may_fail(void **state)
{
    struct scene *scene = begun(state);
    changes(scene, STEP("dns", .status = STEP_FAILED, .continue_on_failure = true));
    assert_int_equal(state_phase(scene->state), PHASE_PREPARING);
    changes(scene, STEP("fence old", .status = STEP_UNKNOWN, .continue_on_failure = true));
    assert_int_equal(state_phase(scene->state), PHASE_PREPARING);
    changes(scene, STEP("scale", .status = STEP_FAILED));
    assert_int_equal(state_phase(scene->state), PHASE_STOPPED);
    changes(scene, STEP("scale", .status = STEP_RUNNING));
    assert_int_equal(state_phase(scene->state), PHASE_PREPARING);
    changes(scene, STEP("scale", .status = STEP_UNKNOWN));
    assert_int_equal(state_phase(scene->state), PHASE_STOPPED);
    changes(scene, STEP("scale", .status = STEP_SKIPPED));
    changes(scene, STEP("ask", .status = STEP_NEEDS_APPROVAL));
    assert_int_equal(state_phase(scene->state), PHASE_STOPPED);
}

static void a_step_remembers_its_times_and_attempts(void **state)
{
    struct scene *scene = begun(state);
    changes(scene, STEP("scale", .status = STEP_WAITING));
    passes(scene, 1000);
    changes(scene, STEP("scale", .status = STEP_RUNNING, .detail = TEXT("1 of 3")));
    passes(scene, 1000);
    changes(scene, STEP("scale", .status = STEP_RUNNING, .detail = TEXT("2 of 3")));
    changes_nothing(scene, STEP("scale", .status = STEP_RUNNING, .detail = TEXT("2 of 3")));
    changes(scene, STEP("scale", .status = STEP_FAILED, .aws_code = TEXT("Throttling")));
    const struct transition_step *step = transition_find_step(scene->state->transition, "scale");
    assert_int_equal(step->attempt, 1);
    assert_int_equal(step->started.boot_ms, 1001000);
    assert_int_equal(step->ended.boot_ms, 1002000);
    assert_string_equal(step->aws_code, "Throttling");
    assert_null(step->detail);
    passes(scene, 1000);
    changes(scene, STEP("scale", .status = STEP_RUNNING));
    step = transition_find_step(scene->state->transition, "scale");
    assert_int_equal(step->attempt, 2);
    assert_int_equal(step->started.boot_ms, 1003000);
    assert_string_equal(step->ended.wall, "");
    assert_int_equal(scene->state->epoch, 0);
}

static void a_long_detail_is_cut_between_characters(void **state)
{
    struct scene *scene = begun(state);
    char detail[STATE_DETAIL_MAX + 3];
    memset(detail, 'x', sizeof detail);
    memcpy(detail + STATE_DETAIL_MAX - 1, "\xc3\xbc", 3);
    changes(scene, STEP("scale", .status = STEP_RUNNING, .detail = detail));
    const struct transition_step *step = transition_find_step(scene->state->transition, "scale");
    assert_int_equal(strlen(step->detail), STATE_DETAIL_MAX - 1);
}

static void a_promotion_latches_the_old_region_of_databases(void **state)
{
    struct scene *scene = begun(state);
    changes(scene, STEP("promote", .status = STEP_WAITING, .promotes = true));
    assert_int_equal(state_find_group(scene->state, "data")->latched_count, 0);
    changes(scene, STEP("promote", .status = STEP_RUNNING, .promotes = true));
    changes(scene, STEP("promote", .status = STEP_DONE));
    assert_true(group_is_latched(state_find_group(scene->state, "data"), EU));
    assert_true(group_is_latched(state_find_group(scene->state, "legacy"), EU));
    assert_int_equal(state_find_group(scene->state, "data")->latched_count, 1);
    assert_int_equal(state_find_group(scene->state, "static")->latched_count, 0);
}

static void a_promotion_of_the_runbook_latches_its_own_groups(void **state)
{
    struct scene *scene = *state;
    sample_runbook(scene->config);
    changes(scene, COMMAND(BEGIN, .region = US));
    changes(scene, STEP("promote", .status = STEP_RUNNING));
    assert_true(group_is_latched(state_find_group(scene->state, "data"), EU));
    assert_false(group_is_latched(state_find_group(scene->state, "legacy"), EU));
    is_refused(scene, COMMAND(ABORT), FORCE_IRREVERSIBLE, "--force=irreversible");
}

static void a_transition_has_a_bounded_number_of_steps(void **state)
{
    struct scene *scene = begun(state);
    for (int i = 0; i < STATE_STEPS_MAX; i++) {
        char id[16];
        snprintf(id, sizeof id, "step-%d", i);
        transition_add_step(scene->state->transition, id);
    }
    is_refused(scene, STEP("one-more", .status = STEP_RUNNING), 0, "at most 512 steps");
    changes(scene, STEP("step-7", .status = STEP_RUNNING));
    is_wrong_usage(scene, STEP("", .status = STEP_RUNNING), "which step");
}

static void abort_takes_everything_back(void **state)
{
    struct scene *scene = begun(state);
    changes(scene, COMMAND(FENCE));
    changes(scene, COMMAND(SWITCH, GROUPS("legacy", "static")));
    changes(scene, COMMAND(ABORT, .request = "r-abort", .reason = "false alarm"));
    fences_first(scene, "legacy"); /* it had moved; data is fenced already */
    is_at(scene, "data", EU);
    is_at(scene, "legacy", EU);
    is_at(scene, "static", EU);
    assert_null(scene->state->transition);
    assert_int_equal(last_of_history(scene)->result, RESULT_ABORTED);
    assert_string_equal(last_of_history(scene)->error, "aborted by alice: false alarm");
    assert_ptr_equal(state_find_request(scene->state, "r-abort"), last_of_history(scene));
}

static void abort_without_a_change_of_answers_keeps_the_epoch(void **state)
{
    struct scene *scene = begun(state);
    changes(scene, COMMAND(ABORT));
    assert_int_equal(scene->state->epoch, 0);
}

static void abort_after_something_irreversible_is_refused(void **state)
{
    struct scene *scene = begun(state);
    changes(scene, STEP("deploy", .status = STEP_WAITING, .irreversible = true));
    changes(scene, STEP("skipped", .status = STEP_SKIPPED, .irreversible = true));
    changes(scene, STEP("deploy", .status = STEP_RUNNING, .irreversible = true));
    is_refused(scene, COMMAND(ABORT), FORCE_IRREVERSIBLE, "cannot be undone");
    changes(scene, STEP("deploy", .status = STEP_WAITING)); /* what was intended stays so */
    is_refused(scene, COMMAND(ABORT, .force = FORCE_LATCH), FORCE_IRREVERSIBLE, "irreversible");
    changes(scene, COMMAND(ABORT, .force = FORCE_IRREVERSIBLE));
    is_at(scene, "data", EU);
}

static void what_was_only_planned_can_be_aborted(void **state)
{
    struct scene *scene = begun(state);
    changes(scene, STEP("promote", .status = STEP_WAITING, .promotes = true));
    changes(scene, STEP("other", .status = STEP_SKIPPED, .irreversible = true));
    changes(scene, COMMAND(ABORT));
}

static void a_forced_abort_after_a_promotion_keeps_databases_fenced(void **state)
{
    struct scene *scene = begun(state);
    changes(scene, COMMAND(FENCE, GROUPS("data")));
    changes(scene, STEP("promote", .status = STEP_RUNNING, .promotes = true));
    changes(scene, COMMAND(ABORT, .force = FORCE_ALL));
    fences_first(scene, "legacy");
    is_fenced_at(scene, "data", EU);
    is_fenced_at(scene, "legacy", EU);
    is_at(scene, "static", EU);
    assert_null(scene->state->transition);
    is_refused(scene, COMMAND(FAILOVER, .region = EU, .switch_only = true), FORCE_LATCH, "data");
    changes(scene,
        COMMAND(FAILOVER, .region = EU, .switch_only = true, .force = FORCE_LATCH, GROUPS("data")));
    is_at(scene, "data", EU);
    changes(scene, COMMAND(FAILOVER, .region = US, .switch_only = true));
    is_at(scene, "legacy", US);
}

static void a_group_fenced_by_a_forced_abort_stays_so_when_the_next_try_aborts(void **state)
{
    struct scene *scene = begun(state);
    changes(scene, STEP("promote", .status = STEP_RUNNING, .promotes = true));
    changes(scene, COMMAND(ABORT, .force = FORCE_ALL));
    changes(scene, COMMAND(BEGIN, .region = US));
    changes_nothing(scene, COMMAND(FENCE));
    changes(scene, COMMAND(ABORT));
    is_fenced_at(scene, "data", EU);
}

static void requests_are_bounded_and_the_first_is_kept(void **state)
{
    struct scene *scene = begun(state);
    for (int i = 0; i < 2 * STATE_REQUESTS_MAX; i++) {
        char request[16], detail[16];
        snprintf(request, sizeof request, "r-%d", i);
        snprintf(detail, sizeof detail, "%d", i);
        changes(scene, COMMAND(STEP, .request = request,
                           .step = &(const struct transition_step){
                               .id = "scale", .status = STEP_RUNNING, .detail = detail}));
    }
    const struct transition *running = scene->state->transition;
    assert_int_equal(running->request_count, STATE_REQUESTS_MAX);
    assert_true(transition_has_request(running, "r-begin"));
    assert_true(transition_has_request(running, "r-63"));
    assert_true(transition_has_request(running, "r-33"));
    assert_false(transition_has_request(running, "r-32"));
    assert_string_equal(running->requests[0].command, "begin");
    assert_string_equal(running->requests[1].command, "step");
}

static void a_region_that_the_configuration_lost_is_not_switched_to(void **state)
{
    struct scene *scene = *state;
    changes(scene, COMMAND(BEGIN, .region = AP));
    scene->config->region_count = 2;
    is_refused(scene, COMMAND(SWITCH), 0, "no region \"ap-south-1\"");
    changes(scene, COMMAND(ABORT));
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_setup, scene_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(without_a_transition_there_is_nothing_to_drive),
        SCENE(who_means_another_transition_drives_nothing),
        SCENE(a_fence_is_for_databases_and_keeps_their_region),
        SCENE(a_second_fence_changes_nothing),
        SCENE(a_switch_opens_the_new_region),
        SCENE(a_switch_fences_a_database_that_nobody_fenced),
        SCENE(what_only_dns_fences_stays_fenced_for_a_ttl_and_a_second),
        SCENE(an_unfenced_database_waits_in_full_for_its_switch),
        SCENE(a_second_switch_changes_nothing),
        SCENE(a_group_outside_the_transition_is_refused),
        SCENE(the_end_needs_every_group_switched),
        SCENE(a_failover_that_failed_stays_stopped_and_fenced),
        SCENE(somebody_who_goes_on_lifts_the_stop),
        SCENE(a_switchover_that_failed_aborts_by_itself),
        SCENE(a_switchover_that_failed_after_a_promotion_stays_stopped),
        SCENE(a_switchover_whose_promotion_never_began_goes_back),
        SCENE(a_step_that_failed_stops_unless_it_may_fail),
        SCENE(a_step_remembers_its_times_and_attempts),
        SCENE(a_long_detail_is_cut_between_characters),
        SCENE(a_promotion_latches_the_old_region_of_databases),
        SCENE(a_promotion_of_the_runbook_latches_its_own_groups),
        SCENE(a_transition_has_a_bounded_number_of_steps),
        SCENE(abort_takes_everything_back),
        SCENE(abort_without_a_change_of_answers_keeps_the_epoch),
        SCENE(abort_after_something_irreversible_is_refused),
        SCENE(what_was_only_planned_can_be_aborted),
        SCENE(a_forced_abort_after_a_promotion_keeps_databases_fenced),
        SCENE(a_group_fenced_by_a_forced_abort_stays_so_when_the_next_try_aborts),
        SCENE(requests_are_bounded_and_the_first_is_kept),
        SCENE(a_region_that_the_configuration_lost_is_not_switched_to),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
