/* What a runbook wants next, from the record alone. */
#include "failover/aws/runbook.h"

#include "base/memory.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define STEP(id, type, rest) "{\"id\": \"" id "\", \"step\": \"" type "\"" rest "}"
#define DATA ", \"groups\": [\"data\"]"

static const char text[] =
    "{\"regions\": [\"eu\", \"us\", \"ap\"], \"endpoints\": {"
    "\"db\": {\"type\": \"database\", \"group\": \"data\", \"names\": [\"db.x\"],"
    " \"targets\": {\"eu\": \"192.0.2.1:1\", \"us\": \"192.0.2.2:1\", \"ap\": \"192.0.2.3:1\"}},"
    "\"web\": {\"type\": \"name\", \"group\": \"web\", \"names\": [\"web.x\"],"
    " \"targets\": {\"eu\": \"192.0.2.1\", \"us\": \"192.0.2.2\", \"ap\": \"192.0.2.3\"}}},"
    "\"runbooks\": {\"us\": {\"steps\": [" STEP("fence", "fence", DATA) "," STEP("wait", "approve",
        DATA ", \"needs\": [\"fence\"], \"when\": \"switchover\"") "," STEP("work", "exec",
        DATA ", \"needs\": [\"fence\", \"wait\"], \"command\": [\"true\"]") "," STEP("try", "exec",
        DATA ", \"needs\": [\"fence\"], \"command\": [\"true\"],"
             " \"on_failure\": \"continue\"") "," STEP("web", "exec",
        ", \"groups\": [\"web\"], \"command\": [\"true\"]") "," STEP("switch", "switch",
        DATA ", \"needs\": [\"work\", \"try\"]") "]}}}";

enum { FENCE, WAIT, WORK, TRY, WEB, SWITCH };

struct scene {
    struct config *config;
    struct state *state;
    struct transition *transition;
    struct runbook_now now;
};

static int setup(void **ret)
{
    struct scene *scene = memory_new(sizeof *scene);
    struct config_errors errors;
    if (config_parse("runbook.json", text, strlen(text), &scene->config, &errors) < 0)
        fail_msg("%s", errors.lines[0]);
    scene->state = state_new();
    scene->transition = scene->state->transition = memory_new(sizeof *scene->transition);
    struct transition *transition = scene->transition;
    state_set_id(transition->to, "us");
    transition->by = memory_text("test");
    transition->reason = memory_text("");
    transition->groups = memory_new_array(2, sizeof *transition->groups);
    transition->group_count = 2;
    state_set_id(transition->groups[0].id, "data");
    state_set_id(transition->groups[1].id, "web");
    *ret = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    runbook_fini(&scene->now);
    state_free(scene->state);
    config_unref(scene->config);
    free(scene);
    return 0;
}

static void set(struct scene *scene, const char *id, enum step_status status)
{
    struct transition_step *step = transition_find_step(scene->transition, id);
    if (!step)
        step = transition_add_step(scene->transition, id);
    step->status = status;
}

static const enum runbook_standing *read_now(struct scene *scene)
{
    runbook_fini(&scene->now);
    runbook_read(scene->config, scene->transition, &scene->now);
    return scene->now.steps;
}

static void what_needs_nothing_starts_at_once(void **state)
{
    struct scene *scene = *state;
    const enum runbook_standing *steps = read_now(scene);
    assert_int_equal(steps[FENCE], RUNBOOK_STARTS);
    assert_int_equal(steps[WEB], RUNBOOK_STARTS);
    assert_int_equal(steps[WORK], RUNBOOK_WAITS);
    assert_int_equal(steps[SWITCH], RUNBOOK_WAITS);
    assert_int_equal(scene->now.verdict, RUNBOOK_GOES_ON);
}

static void a_need_that_is_not_for_the_occasion_is_met(void **state)
{
    struct scene *scene = *state;
    set(scene, "fence", STEP_DONE);
    assert_int_equal(read_now(scene)[WAIT], RUNBOOK_LEFT_OUT);
    assert_int_equal(scene->now.steps[WORK], RUNBOOK_STARTS);
    scene->transition->kind = TRANSITION_SWITCHOVER;
    assert_int_equal(read_now(scene)[WAIT], RUNBOOK_STARTS);
    assert_int_equal(scene->now.steps[WORK], RUNBOOK_WAITS);
}

static void steps_of_groups_that_stay_are_left_out(void **state)
{
    struct scene *scene = *state;
    scene->transition->group_count = 1;
    assert_int_equal(read_now(scene)[WEB], RUNBOOK_LEFT_OUT);
    assert_int_equal(scene->now.steps[FENCE], RUNBOOK_STARTS);
}

static void what_was_begun_goes_on_whoever_began_it(void **state)
{
    struct scene *scene = *state;
    set(scene, "fence", STEP_RUNNING);
    set(scene, "web", STEP_NEEDS_APPROVAL);
    assert_int_equal(read_now(scene)[FENCE], RUNBOOK_RUNS);
    assert_int_equal(scene->now.steps[WEB], RUNBOOK_RUNS);
    assert_int_equal(scene->now.steps[WORK], RUNBOOK_WAITS);
}

static void a_skipped_need_is_met(void **state)
{
    struct scene *scene = *state;
    set(scene, "fence", STEP_SKIPPED);
    assert_int_equal(read_now(scene)[WORK], RUNBOOK_STARTS);
}

static void a_failure_stops_what_has_not_begun(void **state)
{
    struct scene *scene = *state;
    set(scene, "fence", STEP_DONE);
    set(scene, "web", STEP_RUNNING);
    set(scene, "work", STEP_FAILED);
    transition_find_step(scene->transition, "work")->detail = memory_text("no such host");
    assert_int_equal(read_now(scene)[WORK], RUNBOOK_STOPS);
    assert_int_equal(scene->now.steps[WEB], RUNBOOK_RUNS);
    assert_int_equal(scene->now.steps[TRY], RUNBOOK_WAITS);
    assert_int_equal(scene->now.verdict, RUNBOOK_FAILED);
    assert_string_equal(scene->now.words.text, "step work: no such host");
}

static void an_outcome_that_nobody_knows_stops_it_too(void **state)
{
    struct scene *scene = *state;
    set(scene, "fence", STEP_UNKNOWN);
    read_now(scene);
    assert_int_equal(scene->now.verdict, RUNBOOK_FAILED);
    assert_string_equal(scene->now.words.text, "step fence: its outcome is not known");
}

static void a_failure_that_may_be_meets_a_need(void **state)
{
    struct scene *scene = *state;
    set(scene, "fence", STEP_DONE);
    set(scene, "work", STEP_DONE);
    set(scene, "try", STEP_FAILED);
    assert_int_equal(read_now(scene)[SWITCH], RUNBOOK_STARTS);
    set(scene, "try", STEP_UNKNOWN);
    assert_int_equal(read_now(scene)[SWITCH], RUNBOOK_STARTS);
}

static void what_has_stopped_is_left_to_a_person(void **state)
{
    struct scene *scene = *state;
    scene->transition->error = memory_text("step work: no such host");
    set(scene, "fence", STEP_DONE);
    set(scene, "work", STEP_FAILED);
    read_now(scene);
    assert_int_equal(scene->now.verdict, RUNBOOK_GOES_ON);
    assert_int_equal(scene->now.steps[TRY], RUNBOOK_WAITS);
}

static void finish_all(struct scene *scene)
{
    static const char *const ids[] = {"fence", "work", "try", "web", "switch"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++)
        set(scene, ids[i], STEP_DONE);
}

static void it_is_done_when_every_step_is_over_and_every_group_switched(void **state)
{
    struct scene *scene = *state;
    finish_all(scene);
    scene->transition->groups[0].progress = PROGRESS_SWITCHED;
    scene->transition->groups[1].progress = PROGRESS_SWITCHED;
    read_now(scene);
    assert_int_equal(scene->now.verdict, RUNBOOK_DONE);
    set(scene, "try", STEP_RUNNING);
    read_now(scene);
    assert_int_equal(scene->now.verdict, RUNBOOK_GOES_ON);
}

static void a_group_that_was_left_behind_is_a_failure(void **state)
{
    struct scene *scene = *state;
    finish_all(scene);
    set(scene, "switch", STEP_SKIPPED);
    scene->transition->groups[0].progress = PROGRESS_FENCED;
    scene->transition->groups[1].progress = PROGRESS_SWITCHED;
    read_now(scene);
    assert_int_equal(scene->now.verdict, RUNBOOK_FAILED);
    assert_non_null(strstr(scene->now.words.text, "data is not switched to us"));
}

static void without_a_runbook_others_drive(void **state)
{
    struct scene *scene = *state;
    state_set_id(scene->transition->to, "ap");
    read_now(scene);
    assert_null(scene->now.runbook);
    assert_int_equal(scene->now.verdict, RUNBOOK_GOES_ON);
}

#define unit(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(what_needs_nothing_starts_at_once),
        unit(a_need_that_is_not_for_the_occasion_is_met),
        unit(steps_of_groups_that_stay_are_left_out),
        unit(what_was_begun_goes_on_whoever_began_it),
        unit(a_skipped_need_is_met),
        unit(a_failure_stops_what_has_not_begun),
        unit(an_outcome_that_nobody_knows_stops_it_too),
        unit(a_failure_that_may_be_meets_a_need),
        unit(what_has_stopped_is_left_to_a_person),
        unit(it_is_done_when_every_step_is_over_and_every_group_switched),
        unit(a_group_that_was_left_behind_is_a_failure),
        unit(without_a_runbook_others_drive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
