/* What codedeploy.deploy sees, does and says. */
#include "tests/unit/compute_scene.h"

#include <stdio.h>
#include <string.h>

#define STEP                                                                                       \
    "{\"application\": \"shop\", \"deployment_group\": \"dr\", \"revision\": \"s3://b/r/1.zip\"}"
#define LAST_REVISION "{\"application\": \"shop\", \"deployment_group\": \"dr\"}"
#define NAMES "\"applicationName\":\"shop\",\"deploymentGroupName\":\"dr\""

static void answer_group(struct compute_scene *scene, const char *last_status)
{
    hear(scene, "GetDeploymentGroup", "{" NAMES "}");
    answer_format(scene,
        "{\"deploymentGroupInfo\": {\"deploymentGroupName\": \"dr\", \"targetRevision\": "
        "{\"revisionType\": \"S3\", \"s3Location\": {\"bucket\": \"b\", \"key\": \"r/0.tgz\", "
        "\"bundleType\": \"tgz\", \"eTag\": \"e\"}}, \"lastAttemptedDeployment\": "
        "{\"deploymentId\": \"d-THEIRS\", \"status\": \"%s\"}}}",
        last_status);
}

static void answer_list(struct compute_scene *scene, const char *ids)
{
    hear(scene, "ListDeployments", NAMES ",\"createTimeRange\":{\"start\":1795417140}");
    answer_format(scene, "{\"deployments\": [%s]}", ids);
}

static void answer_deployment(struct compute_scene *scene, const char *id, const char *description,
    const char *status, const char *more)
{
    answer_format(scene,
        "{\"deploymentsInfo\": [{\"deploymentId\": \"d-THEIRS\", \"status\": \"Failed\", "
        "\"description\": null}, {\"deploymentId\": \"%s\", \"description\": \"%s\", "
        "\"status\": \"%s\"%s}]}",
        id, description, status, more);
}

static void begin(struct compute_scene *scene)
{
    compute_scene_init(scene, &codedeploy_deploy, STEP);
    look(scene);
    answer_group(scene, "Succeeded");
    assert_end(scene, STEP_END_MUST, "deploy to dr");
    act(scene);
    answer_group(scene, "Succeeded");
    hear(scene, "CreateDeployment",
        "{" NAMES ",\"revision\":{\"revisionType\":\"S3\",\"s3Location\":"
        "{\"bucket\":\"b\",\"key\":\"r/1.zip\",\"bundleType\":\"zip\"}},\"description\":\"");
    hear(scene, "CreateDeployment", token_of(scene, "deploy"));
    assert_true(scene->acts && !scene->repeatable);
}

static void begin_and_hear(struct compute_scene *scene)
{
    begin(scene);
    answer(scene, "{\"deploymentId\": \"d-OURS\"}");
    assert_end(scene, STEP_END_ACTED, "d-OURS");
}

static void a_revision_is_deployed_and_followed(void **unused)
{
    (void)unused;
    static const char *const statuses[] = {"Created", "Queued", "InProgress", "Baking", "Ready"};
    struct compute_scene scene;
    begin_and_hear(&scene);
    look(&scene);
    hear(&scene, "BatchGetDeployments", "{\"deploymentIds\":[\"d-OURS\"]}");
    answer(&scene, "{\"deploymentsInfo\": []}"); /* stale: it is not created twice */
    assert_end(&scene, STEP_END_WAIT, "does not show deployment d-OURS");
    for (int i = 0; i < 5; i++) {
        look(&scene);
        answer_deployment(&scene, "d-OURS", "", statuses[i],
            ", \"deploymentOverview\": {\"Succeeded\": 1, \"InProgress\": 2, \"Pending\": 0}");
        assert_end(&scene, STEP_END_WAIT, statuses[i]);
        assert_says(&scene, "instances: Succeeded 1, InProgress 2");
    }
    assert_says(&scene, "waits for somebody to continue it");
    look(&scene);
    answer_deployment(&scene, "d-OURS", "", "Succeeded", "");
    assert_end(&scene, STEP_END_DONE, "deployment d-OURS to dr succeeded");
    compute_scene_fini(&scene);
}

static void a_deployment_whose_reply_was_lost_is_found_by_its_description(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    char description[200];
    begin(&scene);
    lose(&scene);
    restart(&scene);
    look(&scene);
    answer_list(&scene, ""); /* stale: the engine asks as often as it takes to be sure */
    answer_group(&scene, "Succeeded");
    assert_end(&scene, STEP_END_MUST, "deploy to dr");
    look(&scene);
    answer_list(&scene, "\"d-THEIRS\", \"d-OURS\"");
    hear(&scene, "BatchGetDeployments", "[\"d-THEIRS\",\"d-OURS\"]");
    snprintf(description, sizeof description, "%s: step it", token_of(&scene, "deploy"));
    answer_deployment(&scene, "d-OURS", description, "InProgress", "");
    assert_end(&scene, STEP_END_WAIT, "deployment d-OURS to dr is InProgress");
    look(&scene);
    hear(&scene, "BatchGetDeployments", "[\"d-OURS\"]");
    answer_deployment(&scene, "d-OURS", description, "Succeeded", "");
    assert_end(&scene, STEP_END_DONE, "d-OURS");
    compute_scene_fini(&scene);
}

static void a_deployment_of_another_attempt_is_not_ours(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    char description[200];
    begin(&scene);
    snprintf(description, sizeof description, "%s: step it", token_of(&scene, "deploy"));
    lose(&scene);
    restart(&scene);
    scene.step.attempt = 2;
    look(&scene);
    answer_list(&scene, "\"d-1\"");
    answer_deployment(&scene, "d-1", description, "Succeeded", "");
    answer_group(&scene, "Succeeded");
    assert_end(&scene, STEP_END_MUST, "deploy to dr");
    compute_scene_fini(&scene);
}

static void many_deployments_are_asked_for_25_at_a_time(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    char ids[2000] = "";
    begin(&scene);
    lose(&scene);
    look(&scene);
    for (int i = 0; i < 120; i++)
        snprintf(ids + strlen(ids), sizeof ids - strlen(ids), "%s\"d-%d\"", i ? "," : "", i);
    answer_list(&scene, ids);
    hear(&scene, "BatchGetDeployments", "\"d-24\"]");
    answer(&scene, "{\"deploymentsInfo\": []}");
    hear(&scene, "BatchGetDeployments", "[\"d-25\"");
    answer(&scene, "{\"deploymentsInfo\": []}");
    answer(&scene, "{\"deploymentsInfo\": []}");
    hear(&scene, "BatchGetDeployments", "\"d-99\"]");
    answer(&scene, "{\"deploymentsInfo\": []}");
    answer_group(&scene, "Failed");
    assert_end(&scene, STEP_END_MUST, "deploy to dr");
    compute_scene_fini(&scene);
}

static void a_deployment_that_failed_says_why(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    begin_and_hear(&scene);
    look(&scene);
    answer_deployment(&scene, "d-OURS", "", "Failed",
        ", \"errorInformation\": {\"code\": \"HEALTH_CONSTRAINTS\", \"message\": \"too many "
        "individual instances failed\"}, \"deploymentOverview\": {\"Failed\": 2}");
    assert_end(&scene, STEP_END_FAIL, "Failed: HEALTH_CONSTRAINTS: too many individual instances");
    assert_says(&scene, "instances: Failed 2");
    look(&scene);
    answer_deployment(&scene, "d-OURS", "", "Stopped", "");
    assert_end(&scene, STEP_END_FAIL, "Stopped");
    compute_scene_fini(&scene);
}

static void another_deployment_is_waited_for(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &codedeploy_deploy, STEP);
    look(&scene);
    answer_group(&scene, "InProgress");
    assert_end(&scene, STEP_END_WAIT, "d-THEIRS to dr is InProgress");
    look(&scene);
    answer_group(&scene, "Stopped");
    act(&scene);
    answer_group(&scene, "Stopped");
    hear(&scene, "CreateDeployment", "");
    refuse(&scene, "DeploymentLimitExceededException", "already has an active Deployment");
    assert_end(&scene, STEP_END_WAIT, "another deployment to dr is under way");
    compute_scene_fini(&scene);
}

static void without_a_revision_the_last_one_is_deployed(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &codedeploy_deploy, LAST_REVISION);
    look(&scene);
    answer_group(&scene, "Succeeded");
    assert_end(&scene, STEP_END_MUST, "deploy to dr");
    act(&scene);
    answer_group(&scene, "Succeeded");
    hear(&scene, "CreateDeployment",
        "\"revision\":{\"revisionType\":\"S3\",\"s3Location\":{\"bucket\":\"b\",\"key\":"
        "\"r/0.tgz\",\"bundleType\":\"tgz\",\"eTag\":\"e\"}}");
    answer(&scene, "{\"deploymentId\": \"d-OURS\"}");
    compute_scene_fini(&scene);
    compute_scene_init(&scene, &codedeploy_deploy, LAST_REVISION);
    look(&scene);
    answer(&scene, "{\"deploymentGroupInfo\": {\"deploymentGroupName\": \"dr\"}}");
    assert_end(&scene, STEP_END_FAIL, "nothing was ever deployed to dr");
    compute_scene_fini(&scene);
}

static void a_revision_is_read_from_a_text_or_its_parts(void **unused)
{
    (void)unused;
    static const struct {
        const char *given, *sent;
    } cases[] = {
        {"\"s3://b/app.tar.gz\"", "\"key\":\"app.tar.gz\",\"bundleType\":\"tgz\""},
        {"\"s3://b/a/b.yml\"", "\"key\":\"a/b.yml\",\"bundleType\":\"YAML\""},
        {"{\"bucket\": \"b\", \"key\": \"k\", \"bundle_type\": \"zip\", \"version\": \"v\", "
         "\"etag\": \"e\"}",
            "{\"bucket\":\"b\",\"key\":\"k\",\"version\":\"v\",\"eTag\":\"e\","
            "\"bundleType\":\"zip\"}"},
        {"\"s3://b/app\"", NULL},
        {"\"s3://b/\"", NULL},
        {"\"s3:///k.zip\"", NULL},
        {"\"https://b/k.zip\"", NULL},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct compute_scene scene;
        char given[300];
        snprintf(given, sizeof given,
            "{\"application\": \"shop\", \"deployment_group\": \"dr\", \"revision\": %s}",
            cases[i].given);
        compute_scene_init(&scene, &codedeploy_deploy, given);
        look(&scene);
        answer_group(&scene, "Succeeded");
        if (cases[i].sent) {
            act(&scene);
            answer_group(&scene, "Succeeded");
            hear(&scene, "CreateDeployment", cases[i].sent);
        } else {
            assert_end(&scene, STEP_END_FAIL, "the ");
            assert_says(&scene, "revision");
        }
        compute_scene_fini(&scene);
    }
}

static void a_missing_group_or_application_fails(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &codedeploy_deploy, STEP);
    look(&scene);
    refuse(&scene, "DeploymentGroupDoesNotExistException", "No Deployment Group found");
    assert_end(&scene, STEP_END_FAIL, "there is no deployment group dr of application shop");
    look(&scene);
    refuse(&scene, "ApplicationDoesNotExistException", "No application found");
    assert_end(&scene, STEP_END_FAIL, "there is no CodeDeploy application shop in us-west-2");
    scene.step.purpose = STEP_READY;
    need_a_stack(&scene);
    look(&scene);
    refuse(&scene, "ApplicationDoesNotExistException", "No application found");
    assert_end(&scene, STEP_END_WAIT, "it may come by the step \"net\"");
    compute_scene_fini(&scene);
}

static void a_refusal_for_good_names_code_and_request(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    begin(&scene);
    refuse(&scene, "RevisionDoesNotExistException", "no such revision");
    assert_end(&scene, STEP_END_FAIL, "nothing was deployed to dr");
    assert_string_equal(scene.code, "RevisionDoesNotExistException");
    assert_string_equal(scene.request_id, "r-400");
    compute_scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_revision_is_deployed_and_followed),
        cmocka_unit_test(a_deployment_whose_reply_was_lost_is_found_by_its_description),
        cmocka_unit_test(a_deployment_of_another_attempt_is_not_ours),
        cmocka_unit_test(many_deployments_are_asked_for_25_at_a_time),
        cmocka_unit_test(a_deployment_that_failed_says_why),
        cmocka_unit_test(another_deployment_is_waited_for),
        cmocka_unit_test(without_a_revision_the_last_one_is_deployed),
        cmocka_unit_test(a_revision_is_read_from_a_text_or_its_parts),
        cmocka_unit_test(a_missing_group_or_application_fails),
        cmocka_unit_test(a_refusal_for_good_names_code_and_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
