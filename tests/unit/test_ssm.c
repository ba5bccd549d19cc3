/* What ssm.run sees, does and says. */
#include "tests/unit/compute_scene.h"

#include <stdio.h>
#include <string.h>

#define STEP                                                                                       \
    "{\"document\": \"AWS-RunShellScript\", \"targets\": [\"tag:role=web,api\", \"i-1\", "         \
    "{\"key\": \"tag:env\", \"values\": [\"dr\"]}, \"i-2\"], "                                     \
    "\"parameters\": {\"commands\": [\"true\", \"date\"], \"executionTimeout\": \"60\"}}"

static void begin(struct compute_scene *scene)
{
    compute_scene_init(scene, &ssm_run, STEP);
    look(scene);
    assert_end(scene, STEP_END_MUST, "run AWS-RunShellScript");
    act(scene);
    hear(scene, "SendCommand", token_of(scene, "run"));
    assert_true(scene->acts && !scene->repeatable);
}

static void begin_and_hear(struct compute_scene *scene)
{
    begin(scene);
    answer(scene, "{\"Command\": {\"CommandId\": \"c-ours\", \"Status\": \"Pending\"}}");
    assert_end(scene, STEP_END_ACTED, "c-ours");
}

static void answer_command(struct compute_scene *scene, const char *comment, const char *status,
    int targets, int completed)
{
    answer_format(scene,
        "{\"Commands\": [{\"CommandId\": \"c-theirs\", \"Comment\": \"\", \"Status\": \"Failed\"}, "
        "{\"CommandId\": \"c-ours\", \"Comment\": \"%s\", \"Status\": \"%s\", \"StatusDetails\": "
        "\"%s\", \"TargetCount\": %d, \"CompletedCount\": %d}]}",
        comment, status, status, targets, completed);
}

static void answer_results(struct compute_scene *scene, const char *one, const char *other)
{
    hear(scene, "ListCommandInvocations", "{\"CommandId\":\"c-ours\"");
    assert_string_equal(scene->paging->list, "CommandInvocations");
    answer_format(scene,
        "{\"CommandInvocations\": [{\"InstanceId\": \"i-1\", \"Status\": \"%s\", "
        "\"StatusDetails\": \"%s\"}%s%s%s%s%s]}",
        one, one, other ? ", {\"InstanceId\": \"i-2\", \"Status\": \"" : "", other ? other : "",
        other ? "\", \"StatusDetails\": \"" : "", other ? other : "", other ? "\"}" : "");
}

static void a_document_runs_and_its_results_are_waited_for(void **unused)
{
    (void)unused;
    static const char *const statuses[] = {"Pending", "InProgress", "Delayed", "Cancelling"};
    struct compute_scene scene;
    begin_and_hear(&scene);
    look(&scene);
    hear(&scene, "ListCommands", "{\"CommandId\":\"c-ours\"");
    answer(&scene, "{\"Commands\": []}"); /* stale: it is not sent twice */
    assert_end(&scene, STEP_END_WAIT, "does not show the command c-ours");
    for (int i = 0; i < 4; i++) {
        look(&scene);
        answer_command(&scene, "", statuses[i], 2, 1);
        assert_end(&scene, STEP_END_WAIT, statuses[i]);
        assert_says(&scene, "1 of 2 targets completed");
    }
    look(&scene);
    answer_command(&scene, "", "Success", 2, 1);
    answer_results(&scene, "Success", NULL); /* stale: one is missing */
    assert_end(&scene, STEP_END_WAIT, "1 of 2 results");
    look(&scene);
    answer_command(&scene, "", "Success", 2, 1);
    answer_results(&scene, "Success", "Success");
    assert_end(&scene, STEP_END_DONE, "succeeded on 2 targets");
    look(&scene);
    answer_command(&scene, "", "Success", 2, 2);
    assert_end(&scene, STEP_END_DONE, "succeeded on 2 targets");
    compute_scene_fini(&scene);
}

static void targets_and_parameters_go_as_systems_manager_wants_them(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    begin(&scene);
    hear(&scene, "SendCommand",
        "\"Targets\":[{\"Key\":\"tag:role\",\"Values\":[\"web\",\"api\"]},"
        "{\"Key\":\"InstanceIds\",\"Values\":[\"i-1\",\"i-2\"]},"
        "{\"Key\":\"tag:env\",\"Values\":[\"dr\"]}]");
    hear(&scene, "SendCommand",
        "\"Parameters\":{\"commands\":[\"true\",\"date\"],\"executionTimeout\":[\"60\"]}");
    compute_scene_fini(&scene);
    compute_scene_init(&scene, &ssm_run, "{\"document\": \"D\", \"targets\": [\"i-1\", \"i-2\"]}");
    act(&scene);
    hear(&scene, "SendCommand", "\"DocumentName\":\"D\",\"InstanceIds\":[\"i-1\",\"i-2\"]");
    hear_not(&scene, "Targets");
    compute_scene_fini(&scene);
}

static void a_command_whose_reply_was_lost_is_found_by_its_comment(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    begin(&scene);
    lose(&scene);
    restart(&scene);
    look(&scene);
    hear(&scene, "ListCommands",
        "{\"Filters\":[{\"key\":\"InvokedAfter\",\"value\":\"2026-11-23T06:59:00Z\"}]");
    assert_non_null(scene.paging);
    answer(&scene, "{\"Commands\": [{\"CommandId\": \"c-theirs\", \"Status\": \"Success\"}]}");
    assert_end(&scene, STEP_END_MUST, "run AWS-RunShellScript"); /* stale: the engine makes sure */
    look(&scene);
    answer_command(&scene, token_of(&scene, "run"), "InProgress", 2, 0);
    assert_end(&scene, STEP_END_WAIT, "c-ours");
    look(&scene);
    hear(&scene, "ListCommands", "{\"CommandId\":\"c-ours\"");
    answer_command(&scene, token_of(&scene, "run"), "Success", 1, 1);
    assert_end(&scene, STEP_END_DONE, "1 targets");
    compute_scene_fini(&scene);
}

static void a_command_of_another_attempt_is_not_ours(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    begin(&scene);
    char token[STEP_TOKEN_SIZE];
    snprintf(token, sizeof token, "%s", token_of(&scene, "run"));
    lose(&scene);
    restart(&scene);
    scene.step.attempt = 2;
    look(&scene);
    answer_command(&scene, token, "Success", 1, 1);
    assert_end(&scene, STEP_END_MUST, "run");
    compute_scene_fini(&scene);
}

static void a_command_that_failed_somewhere_says_where(void **unused)
{
    (void)unused;
    static const char *const statuses[] = {"Failed", "TimedOut", "Cancelled"};
    for (int i = 0; i < 3; i++) {
        struct compute_scene scene;
        begin_and_hear(&scene);
        look(&scene);
        answer_command(&scene, "", statuses[i], 2, 2);
        answer_results(&scene, "Success", "Undeliverable");
        assert_end(&scene, STEP_END_FAIL, "succeeded on 1 of 2 targets; i-2: Undeliverable");
        assert_says(&scene, statuses[i]);
        compute_scene_fini(&scene);
    }
}

static void a_success_that_one_result_denies_is_none(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    begin_and_hear(&scene);
    look(&scene);
    answer_command(&scene, "", "Success", 2, 1);
    answer_results(&scene, "Terminated", "Success");
    assert_end(&scene, STEP_END_FAIL, "i-1: Terminated");
    compute_scene_fini(&scene);
}

static void a_command_that_reached_nobody_fails(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    begin_and_hear(&scene);
    look(&scene);
    answer_command(&scene, "", "Success", 0, 0);
    assert_end(&scene, STEP_END_FAIL, "reached no instance");
    compute_scene_fini(&scene);
}

static void instances_that_have_just_come_up_are_waited_for(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    begin(&scene);
    refuse(&scene, "InvalidInstanceId", "Instances [[i-1]] not in a valid state for account 1");
    assert_end(&scene, STEP_END_WAIT, "does not know all of the instances yet");
    compute_scene_fini(&scene);
}

static void a_document_is_looked_for_before_a_transition(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &ssm_run, STEP);
    scene.step.purpose = STEP_PLAN;
    look(&scene);
    hear(&scene, "DescribeDocument", "{\"Name\":\"AWS-RunShellScript\"}");
    answer(&scene, "{\"Document\": {\"Name\": \"AWS-RunShellScript\", \"Status\": \"Active\"}}");
    assert_end(&scene, STEP_END_MUST, "run AWS-RunShellScript");
    look(&scene);
    refuse(&scene, "InvalidDocument", "Document does not exist");
    assert_end(&scene, STEP_END_FAIL, "there is no SSM document AWS-RunShellScript in us-west-2");
    assert_string_equal(scene.code, "InvalidDocument");
    compute_scene_fini(&scene);
}

static void a_refusal_for_good_names_code_and_request(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    begin(&scene);
    refuse(&scene, "InvalidParameters", "parameter \"commands\" is wrong");
    assert_end(&scene, STEP_END_FAIL, "AWS-RunShellScript was not run");
    assert_string_equal(scene.code, "InvalidParameters");
    assert_string_equal(scene.request_id, "r-400");
    compute_scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_document_runs_and_its_results_are_waited_for),
        cmocka_unit_test(targets_and_parameters_go_as_systems_manager_wants_them),
        cmocka_unit_test(a_command_whose_reply_was_lost_is_found_by_its_comment),
        cmocka_unit_test(a_command_of_another_attempt_is_not_ours),
        cmocka_unit_test(a_command_that_failed_somewhere_says_where),
        cmocka_unit_test(a_success_that_one_result_denies_is_none),
        cmocka_unit_test(a_command_that_reached_nobody_fails),
        cmocka_unit_test(instances_that_have_just_come_up_are_waited_for),
        cmocka_unit_test(a_document_is_looked_for_before_a_transition),
        cmocka_unit_test(a_refusal_for_good_names_code_and_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
