/* One step carried out: look, intent, act, look again, report. */
#include "failover/aws/run_parts.h"
#include "tests/unit/run_scene.h"

#include <stdlib.h>

static void what_is_so_already_is_done_without_an_act(void **state)
{
    struct scene *scene = *state;
    BEGIN(scene, &run_late, "safe", STEP_END_DONE);
    run_scene_turn(scene, 5000);
    assert_true(scene->over);
    assert_int_equal(scene->acts, 0);
    assert_int_equal(scene->said_count, 1);
    assert_string_equal(run_scene_last(scene)->status, "done");
    assert_int_equal(run_scene_last(scene)->attempt, 1);
}

static void the_intent_is_in_the_record_before_the_act(void **state)
{
    struct scene *scene = *state;
    scene->daemon = -1;
    BEGIN(scene, &run_late, "final", STEP_END_MUST, STEP_END_DONE);
    run_scene_turn(scene, 50);
    assert_int_equal(scene->said_count, 1);
    assert_string_equal(scene->said[0].method, "step");
    assert_string_equal(scene->said[0].status, "running");
    assert_true(scene->said[0].irreversible);
    assert_int_equal(scene->acts, 0);

    scene->daemon = 0;
    scene->said[0].answered = true;
    run_scene_answer(&scene->said[0]);
    assert_int_equal(scene->acts, 1);
    run_scene_turn(scene, 5000);
    assert_string_equal(run_scene_last(scene)->status, "done");
}

static void without_a_written_intent_nothing_is_done(void **state)
{
    struct scene *scene = *state;
    scene->daemon = EXIT_STATUS_FAILED;
    BEGIN(scene, &run_prompt, "final", STEP_END_MUST);
    run_scene_turn(scene, 200);
    assert_int_equal(scene->acts, 0);
    assert_true(scene->said_count >= 1);
}

/* A sidecar that was stopped meanwhile (a debugger, a host without memory) may not be the one that
 * drives any more. */
static void an_intent_that_was_written_long_ago_is_written_again(void **state)
{
    struct scene *scene = *state;
    scene->daemon = -1;
    BEGIN(scene, &run_prompt, "final", STEP_END_MUST, STEP_END_DONE);
    run_scene_turn(scene, RUN_INTENT_MS + 100);
    scene->daemon = 0;
    scene->said[0].answered = true;
    run_scene_answer(&scene->said[0]);
    assert_int_equal(scene->acts, 0);
    assert_int_equal(scene->said_count, 2);
    run_scene_turn(scene, 100);
    assert_int_equal(scene->acts, 1);
}

static void a_second_act_waits_until_looks_in_a_row_ask_for_it(void **state)
{
    struct scene *scene = *state;
    BEGIN(scene, &run_late, "safe", STEP_END_MUST, STEP_END_MUST, STEP_END_MUST, STEP_END_WAIT,
        STEP_END_MUST, STEP_END_MUST, STEP_END_MUST, STEP_END_DONE);
    run_scene_turn(scene, 5000);
    assert_true(scene->over);
    assert_int_equal(scene->acts, 2);
    assert_int_equal(scene->look, 8);
}

static void an_act_that_called_nothing_that_acts_is_repeated_at_once(void **state)
{
    struct scene *scene = *state;
    scene->act = STEP_END_WAIT;
    BEGIN(scene, &run_unrepeatable, "safe", STEP_END_MUST, STEP_END_MUST, STEP_END_DONE);
    run_scene_turn(scene, 5000);
    assert_int_equal(scene->acts, 2);
    assert_string_equal(run_scene_last(scene)->status, "done");
}

static void what_another_sidecar_began_may_have_acted(void **state)
{
    struct scene *scene = *state;
    struct transition_step *step = run_scene_recorded(scene, "safe");
    step->status = STEP_RUNNING;
    step->attempt = 4;
    BEGIN(scene, &run_late, "safe", STEP_END_MUST, STEP_END_MUST, STEP_END_DONE);
    run_scene_turn(scene, 5000);
    assert_int_equal(scene->acts, 0);
    assert_int_equal(run_scene_last(scene)->attempt, 4);
}

static void where_looks_are_never_late_an_act_is_repeated_at_once(void **state)
{
    struct scene *scene = *state;
    run_scene_recorded(scene, "final")->status = STEP_RUNNING;
    BEGIN(scene, &run_prompt, "final", STEP_END_MUST, STEP_END_DONE);
    run_scene_turn(scene, 5000);
    assert_int_equal(scene->acts, 1);
}

static void what_cannot_be_repeated_is_left_to_a_person(void **state)
{
    struct scene *scene = *state;
    run_scene_recorded(scene, "final")->status = STEP_RUNNING;
    BEGIN(scene, &run_unrepeatable, "final", STEP_END_MUST);
    run_scene_turn(scene, 5000);
    assert_int_equal(scene->acts, 0);
    assert_string_equal(run_scene_last(scene)->status, "unknown");
    assert_non_null(strstr(run_scene_last(scene)->detail, "nobody knows"));
}

static void a_goal_that_flickers_is_looked_at_again(void **state)
{
    struct scene *scene = *state;
    BEGIN(scene, &run_careful, "safe", STEP_END_DONE, STEP_END_DONE, STEP_END_WAIT, STEP_END_DONE);
    run_scene_turn(scene, 5000);
    assert_true(scene->over);
    assert_int_equal(scene->look, 6);
}

static void a_retried_step_is_another_attempt(void **state)
{
    struct scene *scene = *state;
    run_scene_recorded(scene, "safe")->attempt = 2;
    BEGIN(scene, &run_late, "safe", STEP_END_DONE);
    run_scene_turn(scene, 5000);
    assert_int_equal(run_scene_last(scene)->attempt, 3);
}

static void what_takes_too_long_has_failed(void **state)
{
    struct scene *scene = *state;
    BEGIN(scene, &run_late, "safe", STEP_END_WAIT);
    run_scene_turn(scene, 5000);
    assert_string_equal(run_scene_last(scene)->status, "failed");
    assert_string_equal(run_scene_last(scene)->detail, "timed out after 300ms: these words");
}

static void the_time_that_a_dead_sidecar_took_counts(void **state)
{
    struct scene *scene = *state;
    struct transition_step *step = run_scene_recorded(scene, "safe");
    step->status = STEP_RUNNING;
    step->started = clock_now();
    step->started.boot_ms -= 1000;
    BEGIN(scene, &run_late, "safe", STEP_END_WAIT);
    run_scene_turn(scene, 200); /* of 300 */
    assert_true(scene->over);
    assert_string_equal(run_scene_last(scene)->status, "failed");
}

static void what_came_true_while_nobody_looked_has_not_timed_out(void **state)
{
    struct scene *scene = *state;
    struct transition_step *step = run_scene_recorded(scene, "safe");
    step->status = STEP_RUNNING;
    step->started = clock_now();
    step->started.boot_ms -= 1000;
    BEGIN(scene, &run_careful, "safe", STEP_END_DONE);
    run_scene_turn(scene, 5000);
    assert_string_equal(run_scene_last(scene)->status, "done");
}

static void a_look_that_hangs_is_cut_short(void **state)
{
    struct scene *scene = *state;
    scene->hangs = true;
    BEGIN(scene, &run_late, "safe", STEP_END_WAIT);
    run_scene_turn(scene, 5000);
    assert_true(scene->over);
    assert_int_equal(scene->cancels, 1);
}

static void words_are_written_once_while_they_stay_the_same(void **state)
{
    struct scene *scene = *state;
    BEGIN(scene, &run_late, "safe", STEP_END_WAIT);
    run_scene_turn(scene, 200);
    assert_true(scene->look > 3);
    assert_int_equal(scene->said_count, 1);
    assert_string_equal(run_scene_last(scene)->status, "running");
}

static void what_only_waited_has_not_begun_what_cannot_be_undone(void **state)
{
    struct scene *scene = *state;
    BEGIN(scene, &run_late, "final", STEP_END_WAIT);
    run_scene_turn(scene, 100);
    assert_string_equal(run_scene_last(scene)->status, "waiting");
    assert_int_equal(run_scene_last(scene)->attempt, 0);
}

static void the_end_is_said_until_the_daemon_has_it(void **state)
{
    struct scene *scene = *state;
    scene->daemon = EXIT_STATUS_NO_DAEMON;
    BEGIN(scene, &run_late, "safe", STEP_END_FAIL);
    run_scene_turn(scene, 50);
    assert_false(scene->over);
    scene->daemon = 0;
    run_scene_turn(scene, 5000);
    assert_true(scene->over);
    assert_string_equal(run_scene_last(scene)->status, "failed");
    assert_int_equal(scene->look, 1);
}

static void in_a_transition_that_has_stopped_nothing_new_is_done_or_said(void **state)
{
    struct scene *scene = *state;
    run_scene_recorded(scene, "final")->status = STEP_RUNNING;
    scene->state->transition->error = memory_text("step safe: failed");
    BEGIN(scene, &run_prompt, "final", STEP_END_MUST, STEP_END_MUST, STEP_END_MUST, STEP_END_DONE);
    run_scene_turn(scene, 5000);
    assert_int_equal(scene->acts, 0);
    assert_int_equal(scene->said_count, 1);
    assert_string_equal(run_scene_last(scene)->status, "done");
}

static void a_record_that_says_otherwise_ends_the_run(void **state)
{
    struct scene *scene = *state;
    BEGIN(scene, &run_late, "safe", STEP_END_WAIT);
    run_scene_turn(scene, 50);
    run_scene_recorded(scene, "safe")->status = STEP_RUNNING;
    run_scene_recorded(scene, "safe")->attempt = 1;
    assert_true(run_follow(scene->run, scene->state));
    run_scene_recorded(scene, "safe")->attempt = 2;
    assert_false(run_follow(scene->run, scene->state));
    run_scene_recorded(scene, "safe")->attempt = 1;
    run_scene_recorded(scene, "safe")->status = STEP_SKIPPED;
    assert_false(run_follow(scene->run, scene->state));
    run_scene_recorded(scene, "safe")->status = STEP_WAITING; /* retried */
    assert_false(run_follow(scene->run, scene->state));
}

/* A command that runs: its act has not ended. */
static void retry_what_runs(struct scene *scene)
{
    run_scene_recorded(scene, "final")->status = STEP_RUNNING;
    scene->state->transition->error = memory_text("step safe: failed");
    BEGIN(scene, &run_prompt, "final", STEP_END_MUST);
    free(scene->state->transition->error);
    scene->state->transition->error = NULL;
    scene->act_hangs = true;
    assert_true(run_follow(scene->run, scene->state));
}

static void nothing_looks_or_acts_while_an_act_is_under_way(void **state)
{
    struct scene *scene = *state;
    retry_what_runs(scene);
    run_scene_turn(scene, 200);
    assert_int_equal(scene->look, 2);
    assert_int_equal(scene->acts, 1);
}

static void a_person_is_asked_once(void **state)
{
    struct scene *scene = *state;
    BEGIN(scene, &run_prompt, "final", STEP_END_ASK);
    run_scene_turn(scene, 100);
    assert_int_equal(scene->said_count, 1);
    assert_string_equal(run_scene_last(scene)->status, "needs_approval");
    assert_int_equal(scene->look, 1);
}

static void of_hundreds_of_looks_at_aws_the_rest_wait_in_line(void **state)
{
    struct scene *scene = *state;
    struct run_gate gate = {.inside = 0};
    struct run *runs[RUN_LOOKS_MOST + 3];
    const size_t count = sizeof runs / sizeof *runs;
    scene->hangs = true;
    for (size_t i = 0; i < count; i++)
        runs[i] = run_scene_start(scene, &run_late, "aws", &gate);
    run_scene_turn(scene, 20);
    assert_int_equal(scene->look, RUN_LOOKS_MOST);
    run_drop(runs[RUN_LOOKS_MOST]); /* one of those who wait */
    run_drop(runs[0]);
    run_scene_turn(scene, 300); /* the loop beats by then */
    assert_int_equal(scene->look, RUN_LOOKS_MOST + 1);
    for (size_t i = 1; i < count; i++) {
        if (i != RUN_LOOKS_MOST)
            run_drop(runs[i]);
    }
    assert_int_equal(gate.inside, 0);
    assert_null(gate.waiting);
}

#define unit(test) cmocka_unit_test_setup_teardown(test, run_scene_setup, run_scene_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(what_is_so_already_is_done_without_an_act),
        unit(the_intent_is_in_the_record_before_the_act),
        unit(without_a_written_intent_nothing_is_done),
        unit(an_intent_that_was_written_long_ago_is_written_again),
        unit(a_second_act_waits_until_looks_in_a_row_ask_for_it),
        unit(an_act_that_called_nothing_that_acts_is_repeated_at_once),
        unit(what_another_sidecar_began_may_have_acted),
        unit(where_looks_are_never_late_an_act_is_repeated_at_once),
        unit(what_cannot_be_repeated_is_left_to_a_person),
        unit(a_goal_that_flickers_is_looked_at_again),
        unit(a_retried_step_is_another_attempt),
        unit(what_takes_too_long_has_failed),
        unit(the_time_that_a_dead_sidecar_took_counts),
        unit(what_came_true_while_nobody_looked_has_not_timed_out),
        unit(a_look_that_hangs_is_cut_short),
        unit(words_are_written_once_while_they_stay_the_same),
        unit(what_only_waited_has_not_begun_what_cannot_be_undone),
        unit(the_end_is_said_until_the_daemon_has_it),
        unit(in_a_transition_that_has_stopped_nothing_new_is_done_or_said),
        unit(a_record_that_says_otherwise_ends_the_run),
        unit(nothing_looks_or_acts_while_an_act_is_under_way),
        unit(a_person_is_asked_once),
        unit(of_hundreds_of_looks_at_aws_the_rest_wait_in_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
