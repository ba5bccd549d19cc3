/* plan: what the looks of a runbook find becomes rows, and nothing is changed. */
#include "tests/unit/inspect_scene.h"

static void a_plan_stands_in_the_order_in_which_it_would_run(void **unused)
{
    (void)unused;
    begin(
        CONFIG(STEP("b", "autoscaling.refresh", ", \"group\": \"g\", \"needs\": [\"c\"]") "," STEP(
            "a", "approve", ", \"needs\": [\"s\", \"home\"]") "," STEP("home", "approve",
            ", \"when\": \"switchover\"") "," SWITCHES "," STEP("c", "autoscaling.refresh",
            ", \"group\": \"g\"")),
        STEP_PLAN);
    finish();
    assert_string_equal(json_text(scene.result, "region"), "us-west-2");
    is_step(0, "f", "act", "fence");
    is_step(1, "s", "act", "do s");
    is_step(2, "a", "wait", "a");
    is_step(3, "c", "done", "c is there");
    is_step(4, "b", "done", "b is there");
    assert_int_equal(cJSON_GetArraySize(json_member(scene.result, "steps")), 5);
    const cJSON *needs = json_member(step_row(2), "needs");
    assert_int_equal(cJSON_GetArraySize(needs), 1); /* home takes no part */
    assert_string_equal(json_text(step_row(2), "type"), "approve");
}

static void what_calls_find_becomes_a_status(void **unused)
{
    (void)unused;
    begin(CONFIG(SCALE("x") "," SCALE("y") "," SCALE("z") "," SWITCHES), STEP_PLAN);
    assert_int_equal(scene.call_count, 3);
    answers("Describe", "<r/>");
    refuses("Describe", "AWS said no");
    has_trouble("Describe");
    finish();
    is_step(0, "x", "wait", "on its way from eu-west-1");
    is_step(1, "y", "fail", "not to be had: AWS said no");
    is_step(2, "z", "unknown", "no answer from AWS");
}

static void begin_forty(void)
{
    struct text steps = {0};
    text_put(&steps, "{\"regions\": [\"eu-west-1\", \"us-west-2\"], \"endpoints\": {\"x\": {"
                     "\"type\": \"name\", \"names\": [\"x.internal\"], \"targets\": {"
                     "\"eu-west-1\": \"192.0.2.1\", \"us-west-2\": \"192.0.2.2\"}}},"
                     "\"runbooks\": {\"us-west-2\": {\"steps\": [");
    for (int i = 0; i < 40; i++)
        text_format(&steps,
            "%s{\"id\": \"s%d\", \"step\": \"ecs.scale\", \"service\": \"x\","
            " \"desired\": 1}",
            i ? "," : "", i);
    text_put(&steps, "]}}}");
    begin(steps.data, STEP_PLAN);
    text_fini(&steps);
}

static void at_most_sixteen_look_side_by_side(void **unused)
{
    (void)unused;
    begin_forty();
    for (size_t i = 0; i < 40; i++) {
        answers("Describe", "<r/>");
        uv_run(&scene.loop.uv, UV_RUN_NOWAIT);
    }
    finish();
    assert_int_equal(scene.most_looking, 16);
    assert_int_equal(cJSON_GetArraySize(json_member(scene.result, "steps")), 40);
    is_step(39, "s39", "wait", "");
}

static void an_inspection_ends_in_time_however_many_steps_there_are(void **unused)
{
    (void)unused;
    scene.all_ms = 20;
    begin_forty();
    finish();
    assert_int_equal(scene.call_count, 16);
    assert_int_equal(scene.cancelled, 16);
    is_step(0, "s0", "unknown", "no answer in time");
    is_step(39, "s39", "unknown", "no answer in time");
}

static void a_region_without_a_runbook_has_an_empty_plan(void **unused)
{
    (void)unused;
    begin(SAMPLE_CONFIG, STEP_PLAN);
    finish();
    assert_int_equal(cJSON_GetArraySize(json_member(scene.result, "steps")), 0);
}

static void a_cancelled_look_is_put_away(void **unused)
{
    (void)unused;
    begin(CONFIG(SCALE("x") "," SCALE("y") "," SWITCHES), STEP_READY);
    answers("Describe", "<r/>");
    inspect_cancel(scene.inspection);
    uv_run(&scene.loop.uv, UV_RUN_NOWAIT);
    assert_int_equal(scene.cancelled, 1); /* the other one has ended */
    assert_true(scene.calls[0].cancelled && scene.calls[1].answered && scene.calls[2].cancelled);
    assert_false(scene.is_inspected);
}

static void a_look_without_an_answer_is_given_up(void **unused)
{
    (void)unused;
    scene.look_ms = 20;
    begin(CONFIG(SCALE("x") "," SWITCHES), STEP_PLAN);
    finish();
    is_step(0, "x", "unknown", "no answer in time");
    assert_true(scene.calls[0].cancelled);
    assert_int_equal(scene.cancelled, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_plan_stands_in_the_order_in_which_it_would_run),
        TEST(what_calls_find_becomes_a_status),
        TEST(at_most_sixteen_look_side_by_side),
        TEST(an_inspection_ends_in_time_however_many_steps_there_are),
        TEST(a_region_without_a_runbook_has_an_empty_plan),
        TEST(a_cancelled_look_is_put_away),
        TEST(a_look_without_an_answer_is_given_up),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
