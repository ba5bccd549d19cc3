/* What cloudformation.deploy sees, does and says. */
#include "tests/unit/compute_scene.h"

#include <stdio.h>
#include <string.h>

#define ID "arn:aws:cloudformation:us-west-2:123456789012:stack/net/50d6f0a0"
#define GIVEN "{\"stack\": \"net\", \"parameters\": {\"Size\": \"large\"}}"
#define WITH_TEMPLATE                                                                              \
    "{\"stack\": \"net\", \"template_url\": \"https://s3.us-west-2.amazonaws.com/t/net.yaml\", "   \
    "\"parameters\": {\"Size\": \"large\"}}"

static void answer_stack(struct compute_scene *scene, const char *status, const char *size)
{
    hear(scene, "DescribeStacks", "StackName=net");
    answer_format(scene,
        "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\">"
        "<DescribeStacksResult><Stacks><member><StackId>" ID "</StackId><StackName>net</StackName>"
        "<StackStatus>%s</StackStatus><Parameters>"
        "<member><ParameterKey>Size</ParameterKey><ParameterValue>%s</ParameterValue></member>"
        "<member><ParameterKey>Vpc</ParameterKey><ParameterValue>vpc-1</ParameterValue></member>"
        "<member><ParameterKey>Old</ParameterKey><ParameterValue/></member>"
        "</Parameters></member></Stacks></DescribeStacksResult></DescribeStacksResponse>",
        status, size);
}

static void answer_no_stack(struct compute_scene *scene)
{
    hear(scene, "DescribeStacks", "StackName=net");
    refuse(scene, "ValidationError", "Stack with id net does not exist");
}

static const char *event(
    struct compute_scene *scene, const char *token, const char *physical, const char *status)
{
    static char texts[8][600];
    static unsigned next;
    char *text = texts[next++ % 8];
    snprintf(text, sizeof texts[0],
        "<member><StackId>" ID "</StackId><EventId>e</EventId><LogicalResourceId>%s"
        "</LogicalResourceId><PhysicalResourceId>%s</PhysicalResourceId><ResourceType>%s"
        "</ResourceType><ResourceStatus>%s</ResourceStatus><ResourceStatusReason>%s because"
        "</ResourceStatusReason><ClientRequestToken>%s</ClientRequestToken></member>",
        strcmp(physical, ID) == 0 ? "net" : physical, physical,
        strcmp(physical, ID) == 0 ? "AWS::CloudFormation::Stack" : "AWS::EC2::Subnet", status,
        physical, token ? token : token_of(scene, "stack"));
    return text;
}

static void answer_events(struct compute_scene *scene, const char *const *events, const char *more)
{
    char text[8192] = "";
    hear(scene, "DescribeStackEvents", "StackName=net");
    for (; *events; events++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s", *events);
    char whole[sizeof text + 400];
    snprintf(whole, sizeof whole,
        "<DescribeStackEventsResponse><DescribeStackEventsResult><StackEvents>%s</StackEvents>%s"
        "</DescribeStackEventsResult></DescribeStackEventsResponse>",
        text, more);
    answer(scene, whole);
}

#define EVENTS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void begin_update(struct compute_scene *scene)
{
    compute_scene_init(scene, &cloudformation_deploy, GIVEN);
    look(scene);
    answer_stack(scene, "UPDATE_COMPLETE", "small");
    assert_end(scene, STEP_END_MUST, "update stack net: Size");
    act(scene);
    hear(scene, "UpdateStack", "StackName=net&ClientRequestToken=");
}

static void a_stack_with_these_parameters_is_done_already(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &cloudformation_deploy, GIVEN);
    look(&scene);
    answer_stack(&scene, "CREATE_COMPLETE", "large");
    assert_end(&scene, STEP_END_DONE, "stack net is as asked");
    compute_scene_fini(&scene);
}

static void a_stack_is_updated_and_what_is_not_given_stays(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    begin_update(&scene);
    assert_true(scene.acts && scene.repeatable);
    hear(&scene, "UpdateStack", token_of(&scene, "stack"));
    hear(&scene, "UpdateStack", "UsePreviousTemplate=true");
    hear(&scene, "UpdateStack", "Capabilities.member.3=CAPABILITY_AUTO_EXPAND");
    hear(&scene, "UpdateStack",
        "Parameters.member.1.ParameterKey=Size&Parameters.member.1.ParameterValue=large"
        "&Parameters.member.2.ParameterKey=Vpc&Parameters.member.2.UsePreviousValue=true"
        "&Parameters.member.3.ParameterKey=Old&Parameters.member.3.UsePreviousValue=true");
    answer(&scene, "<UpdateStackResponse><UpdateStackResult><StackId>" ID
                   "</StackId></UpdateStackResult></UpdateStackResponse>");
    assert_end(&scene, STEP_END_ACTED, "has begun");
    look(&scene);
    answer_stack(&scene, "UPDATE_COMPLETE", "small"); /* stale */
    answer_events(&scene,
        EVENTS(event(&scene, NULL, ID, "UPDATE_IN_PROGRESS"),
            event(&scene, "theirs", ID, "UPDATE_COMPLETE")),
        "");
    assert_end(&scene, STEP_END_WAIT, "under way");
    look(&scene);
    answer_stack(&scene, "UPDATE_IN_PROGRESS", "large");
    assert_end(&scene, STEP_END_WAIT, "UPDATE_IN_PROGRESS");
    look(&scene);
    answer_stack(&scene, "UPDATE_COMPLETE", "large");
    answer_events(&scene,
        EVENTS(event(&scene, NULL, ID, "UPDATE_COMPLETE"),
            event(&scene, NULL, ID, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS"),
            event(&scene, NULL, "subnet-1", "UPDATE_COMPLETE"),
            event(&scene, NULL, ID, "UPDATE_IN_PROGRESS")),
        "<NextToken>n</NextToken>");
    assert_end(&scene, STEP_END_DONE, "stack net is deployed");
    compute_scene_fini(&scene);
}

static void a_complete_stack_that_our_update_does_not_show_in_is_not_done(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    begin_update(&scene);
    lose(&scene);
    restart(&scene);
    look(&scene);
    answer_stack(&scene, "UPDATE_COMPLETE", "small");
    answer_events(&scene, EVENTS(event(&scene, "theirs", ID, "UPDATE_COMPLETE")), "");
    assert_end(&scene, STEP_END_MUST, "update stack net");
    act(&scene);
    hear(&scene, "UpdateStack", "Parameters.member.3.ParameterKey=Old");
    refuse(&scene, "TokenAlreadyExistsException", "exists");
    assert_end(&scene, STEP_END_ACTED, "had begun already");
    compute_scene_fini(&scene);
}

static void a_failure_names_the_first_resource_that_failed(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    begin_update(&scene);
    answer(&scene, "<UpdateStackResponse/>");
    look(&scene);
    answer_stack(&scene, "UPDATE_ROLLBACK_COMPLETE", "small");
    answer_events(&scene,
        EVENTS(event(&scene, "theirs", "other", "UPDATE_FAILED"),
            event(&scene, NULL, ID, "UPDATE_ROLLBACK_COMPLETE"),
            event(&scene, NULL, ID, "UPDATE_ROLLBACK_IN_PROGRESS"),
            event(&scene, NULL, "cancelled", "UPDATE_FAILED")),
        "<NextToken>page two</NextToken>");
    hear(&scene, "DescribeStackEvents", "NextToken=page%20two");
    answer_events(&scene,
        EVENTS(event(&scene, NULL, "subnet-1", "UPDATE_FAILED"),
            event(&scene, NULL, ID, "UPDATE_IN_PROGRESS"),
            event(&scene, NULL, "before", "UPDATE_FAILED")),
        "<NextToken>page three</NextToken>");
    assert_end(&scene, STEP_END_FAIL,
        "stack net was not deployed: subnet-1 (AWS::EC2::Subnet): subnet-1 because");
    compute_scene_fini(&scene);
}

static void events_need_not_say_whose_they_are(void **unused)
{
    (void)unused;
    static const char *const ends[] = {"update stack net", "update stack net", "is deployed"};
    struct compute_scene scene;
    compute_scene_init(&scene, &cloudformation_deploy,
        "{\"stack\": \"net\", \"template_url\": \"https://t.example/net.yaml\"}");
    look(&scene);
    answer_no_stack(&scene);
    act(&scene);
    hear(&scene, "CreateStack", "StackName=net");
    answer(&scene, "<CreateStackResponse/>");
    for (int i = 0; i < STEP_SETTLED; i++) {
        look(&scene);
        answer_stack(&scene, "CREATE_COMPLETE", "small");
        answer_events(&scene,
            EVENTS("<member><ResourceStatus>CREATE_COMPLETE</ResourceStatus>"
                   "</member>"),
            "");
        assert_end(&scene, i + 1 < STEP_SETTLED ? STEP_END_MUST : STEP_END_DONE, ends[i]);
    }
    compute_scene_fini(&scene);
}

static void events_without_ours_are_not_read_for_ever(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    begin_update(&scene);
    lose(&scene);
    look(&scene);
    answer_stack(&scene, "UPDATE_COMPLETE", "large");
    int pages = 0;
    for (; scene.action && strcmp(scene.action, "DescribeStackEvents") == 0; pages++)
        answer_events(&scene, EVENTS(event(&scene, "theirs", ID, "UPDATE_COMPLETE")),
            "<NextToken>more</NextToken>");
    assert_int_equal(pages, 40);
    assert_end(&scene, STEP_END_DONE, "as asked");
    compute_scene_fini(&scene);
}

static void nothing_to_update_is_done(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &cloudformation_deploy, WITH_TEMPLATE);
    look(&scene);
    answer_stack(&scene, "UPDATE_COMPLETE", "large");
    assert_end(&scene, STEP_END_MUST, "update stack net from its template");
    act(&scene);
    hear(&scene, "GetTemplateSummary",
        "TemplateURL=https%3A%2F%2Fs3.us-west-2.amazonaws.com%2Ft%2Fnet.yaml");
    assert_false(scene.acts);
    answer(&scene, "<GetTemplateSummaryResponse><GetTemplateSummaryResult><Parameters>"
                   "<member><ParameterKey>Size</ParameterKey></member>"
                   "<member><ParameterKey>Vpc</ParameterKey></member>"
                   "</Parameters></GetTemplateSummaryResult></GetTemplateSummaryResponse>");
    hear(&scene, "UpdateStack", "TemplateURL=https%3A%2F%2F");
    hear(&scene, "UpdateStack", "Parameters.member.2.ParameterKey=Vpc");
    hear_not(&scene, "Old"); /* the new template does not know it */
    hear_not(&scene, "UsePreviousTemplate");
    refuse(&scene, "ValidationError", "No updates are to be performed.");
    assert_end(&scene, STEP_END_ACTED, "nothing of stack net is to be updated");
    look(&scene);
    assert_end(&scene, STEP_END_DONE, "nothing is to be updated");
    compute_scene_fini(&scene);
}

static void a_stack_is_created(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &cloudformation_deploy, WITH_TEMPLATE);
    look(&scene);
    answer_no_stack(&scene);
    assert_end(&scene, STEP_END_MUST, "create stack net");
    act(&scene);
    hear(&scene, "CreateStack", "Parameters.member.1.ParameterValue=large");
    hear(&scene, "CreateStack", token_of(&scene, "stack"));
    lose(&scene);
    look(&scene);
    answer_no_stack(&scene); /* stale */
    assert_end(&scene, STEP_END_MUST, "create stack net");
    act(&scene);
    hear(&scene, "CreateStack", token_of(&scene, "stack"));
    refuse(&scene, "AlreadyExistsException", "Stack [net] already exists");
    assert_end(&scene, STEP_END_ACTED, "had begun already");
    look(&scene);
    answer_stack(&scene, "CREATE_COMPLETE", "large");
    answer_events(&scene,
        EVENTS(event(&scene, NULL, ID, "CREATE_COMPLETE"),
            event(&scene, NULL, ID, "CREATE_IN_PROGRESS")),
        "");
    assert_end(&scene, STEP_END_DONE, "deployed");
    compute_scene_fini(&scene);
}

static void a_creation_that_failed_says_which_resource(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &cloudformation_deploy, WITH_TEMPLATE);
    look(&scene);
    answer_no_stack(&scene);
    act(&scene);
    answer(&scene, "<CreateStackResponse/>");
    look(&scene);
    answer_stack(&scene, "ROLLBACK_COMPLETE", "large");
    answer_events(&scene,
        EVENTS(event(&scene, NULL, ID, "ROLLBACK_COMPLETE"),
            event(&scene, NULL, "subnet-1", "CREATE_FAILED"),
            event(&scene, NULL, ID, "CREATE_IN_PROGRESS")),
        "");
    assert_end(&scene, STEP_END_FAIL, "subnet-1 (AWS::EC2::Subnet)");
    look(&scene);
    answer_stack(&scene, "ROLLBACK_COMPLETE", "large");
    answer_events(&scene,
        EVENTS(event(&scene, NULL, ID, "ROLLBACK_IN_PROGRESS"),
            event(&scene, NULL, ID, "CREATE_IN_PROGRESS")),
        "");
    assert_end(&scene, STEP_END_FAIL, "net (AWS::CloudFormation::Stack)");
    scene.step.acted = false;
    look(&scene); /* of another attempt */
    answer_stack(&scene, "ROLLBACK_COMPLETE", "large");
    assert_end(&scene, STEP_END_FAIL, "is ROLLBACK_COMPLETE; delete it by hand");
    compute_scene_fini(&scene);
}

static void another_operation_is_waited_for(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &cloudformation_deploy, GIVEN);
    look(&scene);
    answer_stack(&scene, "UPDATE_ROLLBACK_IN_PROGRESS", "small");
    assert_end(&scene, STEP_END_WAIT, "UPDATE_ROLLBACK_IN_PROGRESS");
    look(&scene);
    answer_stack(&scene, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", "large");
    assert_end(&scene, STEP_END_WAIT, "CLEANUP");
    look(&scene);
    answer_stack(&scene, "UPDATE_ROLLBACK_COMPLETE", "small");
    assert_end(&scene, STEP_END_MUST, "update stack net");
    act(&scene);
    refuse(&scene, "ValidationError",
        "Stack:" ID " is in UPDATE_IN_PROGRESS state and can not be updated.");
    assert_end(&scene, STEP_END_WAIT, "another operation");
    compute_scene_fini(&scene);
}

static void what_only_people_can_repair_is_said(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &cloudformation_deploy, GIVEN);
    look(&scene);
    answer_stack(&scene, "UPDATE_ROLLBACK_FAILED", "small");
    assert_end(&scene, STEP_END_FAIL, "repair it by hand");
    look(&scene);
    answer_stack(&scene, "REVIEW_IN_PROGRESS", "small");
    assert_end(&scene, STEP_END_FAIL, "waits for a change set");
    look(&scene);
    answer_no_stack(&scene);
    assert_end(&scene, STEP_END_FAIL, "no template_url to create it");
    compute_scene_fini(&scene);
    compute_scene_init(&scene, &cloudformation_deploy,
        "{\"stack\": \"net\", \"parameters\": {\"Colour\": \"red\"}}");
    look(&scene);
    answer_stack(&scene, "UPDATE_COMPLETE", "small");
    assert_end(&scene, STEP_END_FAIL, "has no parameter Colour");
    compute_scene_fini(&scene);
}

static void a_refusal_for_good_names_code_and_request(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    begin_update(&scene);
    refuse(&scene, "AccessDenied", "not authorized");
    assert_end(&scene, STEP_END_FAIL, "was not deployed");
    assert_string_equal(scene.code, "AccessDenied");
    assert_string_equal(scene.request_id, "r-400");
    look(&scene);
    refuse(&scene, "AccessDenied", "not authorized");
    assert_end(&scene, STEP_END_FAIL, "stack net cannot be looked at");
    look(&scene);
    answer_stack(&scene, "UPDATE_COMPLETE", "small");
    refuse(&scene, "AccessDenied", "not authorized");
    assert_end(&scene, STEP_END_FAIL, "events of stack net cannot be looked at");
    compute_scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_stack_with_these_parameters_is_done_already),
        cmocka_unit_test(a_stack_is_updated_and_what_is_not_given_stays),
        cmocka_unit_test(a_complete_stack_that_our_update_does_not_show_in_is_not_done),
        cmocka_unit_test(a_failure_names_the_first_resource_that_failed),
        cmocka_unit_test(events_need_not_say_whose_they_are),
        cmocka_unit_test(events_without_ours_are_not_read_for_ever),
        cmocka_unit_test(nothing_to_update_is_done),
        cmocka_unit_test(a_stack_is_created),
        cmocka_unit_test(a_creation_that_failed_says_which_resource),
        cmocka_unit_test(another_operation_is_waited_for),
        cmocka_unit_test(what_only_people_can_repair_is_said),
        cmocka_unit_test(a_refusal_for_good_names_code_and_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
