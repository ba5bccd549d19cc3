/* What ecs.scale sees, does and says. */
#include "tests/unit/compute_scene.h"

#include <string.h>

#define STEP "{\"cluster\": \"main\", \"service\": \"api\", \"desired\": 3}"
#define PRIMARY(rollout, more)                                                                     \
    "{\"id\": \"ecs-svc/1\", \"status\": \"PRIMARY\", \"rolloutState\": \"" rollout "\"" more "}"
#define OLDER "{\"id\": \"ecs-svc/0\", \"status\": \"ACTIVE\", \"rolloutState\": \"COMPLETED\"}"

static void answer_service(struct compute_scene *scene, int desired, int running,
    const char *deployments, const char *event)
{
    hear(scene, "DescribeServices", "{\"cluster\":\"main\",\"services\":[\"api\"]}");
    answer_format(scene,
        "{\"services\": [{\"serviceName\": \"api\", \"status\": \"ACTIVE\", \"desiredCount\": %d, "
        "\"runningCount\": %d, \"pendingCount\": 0, \"deployments\": [%s], "
        "\"events\": [{\"id\": \"1\", \"createdAt\": 1795417200.25, \"message\": \"%s\"}, "
        "{\"id\": \"0\", \"message\": \"old\"}]}], \"failures\": []}",
        desired, running, deployments, event);
}

static void a_steady_service_is_done_already(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &ecs_scale, STEP);
    look(&scene);
    answer_service(&scene, 3, 3, PRIMARY("COMPLETED", ""), "");
    assert_end(&scene, STEP_END_DONE, "3 tasks run");
    look(&scene);
    answer_service(&scene, 3, 3, "{\"status\": \"PRIMARY\"}", ""); /* no rollout state there */
    assert_end(&scene, STEP_END_DONE, "3 tasks run");
    compute_scene_fini(&scene);
}

static void a_service_is_scaled_and_its_tasks_are_waited_for(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &ecs_scale, STEP);
    look(&scene);
    answer_service(&scene, 0, 0, PRIMARY("COMPLETED", ""), "");
    assert_end(&scene, STEP_END_MUST, "to 3 tasks (now 0)");
    act(&scene);
    hear(&scene, "UpdateService", "{\"cluster\":\"main\",\"service\":\"api\",\"desiredCount\":3}");
    assert_true(scene.acts && scene.repeatable);
    lose(&scene);
    look(&scene);
    answer_service(&scene, 0, 0, PRIMARY("COMPLETED", ""), ""); /* stale */
    assert_end(&scene, STEP_END_MUST, "to 3 tasks");
    look(&scene);
    answer_service(&scene, 3, 1, PRIMARY("COMPLETED", ""),
        "(service api) was unable to place a task: no container instance met its requirements.");
    assert_end(&scene, STEP_END_WAIT, "1 of 3 tasks run");
    assert_says(&scene, "was unable to place a task");
    look(&scene);
    answer_service(&scene, 3, 3, PRIMARY("COMPLETED", ""), "(service api) has started 2 tasks.");
    assert_end(&scene, STEP_END_DONE, "3 tasks run");
    compute_scene_fini(&scene);
}

static void a_deployment_under_way_is_waited_for(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &ecs_scale, STEP);
    look(&scene);
    answer_service(
        &scene, 3, 3, PRIMARY("IN_PROGRESS", ""), "(service api) has reached a steady state.");
    assert_end(&scene, STEP_END_WAIT, "deployment IN_PROGRESS");
    assert_null(strstr(scene.words, "steady"));
    look(&scene);
    answer_service(&scene, 3, 3, PRIMARY("COMPLETED", "") "," OLDER, "");
    assert_end(&scene, STEP_END_WAIT, "3 of 3 tasks run");
    compute_scene_fini(&scene);
}

static void a_failed_deployment_fails_with_its_reason(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &ecs_scale, STEP);
    look(&scene);
    answer_service(&scene, 3, 1,
        PRIMARY("FAILED", ", \"rolloutStateReason\": \"ECS deployment circuit breaker: tasks "
                          "failed to start.\""),
        "");
    assert_end(&scene, STEP_END_FAIL, "circuit breaker: tasks failed to start.");
    compute_scene_fini(&scene);
}

static void a_missing_service_or_cluster_fails(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &ecs_scale, "{\"service\": \"api\", \"desired\": 3}");
    look(&scene);
    hear(&scene, "DescribeServices", "\"cluster\":\"default\"");
    answer(&scene, "{\"services\": [], \"failures\": [{\"arn\": \"arn:aws:ecs:us-west-2:1:service/"
                   "default/api\", \"reason\": \"MISSING\"}]}");
    assert_end(&scene, STEP_END_FAIL, "there is no ECS service api in cluster default (MISSING)");
    look(&scene);
    answer(&scene, "{\"services\": [{\"status\": \"INACTIVE\", \"desiredCount\": 0}]}");
    assert_end(&scene, STEP_END_FAIL, "is INACTIVE");
    look(&scene);
    refuse(&scene, "ClusterNotFoundException", "Cluster not found.");
    assert_end(&scene, STEP_END_FAIL, "there is no ECS cluster default in us-west-2");
    assert_string_equal(scene.code, "ClusterNotFoundException");
    compute_scene_fini(&scene);
}

static void a_refusal_for_good_names_code_and_request(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &ecs_scale, STEP);
    look(&scene);
    refuse(&scene, "AccessDeniedException", "not authorized");
    assert_end(&scene, STEP_END_FAIL, "cannot be looked at");
    act(&scene);
    refuse(&scene, "InvalidParameterException", "The daemon scheduling strategy has no count");
    assert_end(&scene, STEP_END_FAIL, "was not scaled");
    assert_string_equal(scene.code, "InvalidParameterException");
    assert_string_equal(scene.request_id, "r-400");
    compute_scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_steady_service_is_done_already),
        cmocka_unit_test(a_service_is_scaled_and_its_tasks_are_waited_for),
        cmocka_unit_test(a_deployment_under_way_is_waited_for),
        cmocka_unit_test(a_failed_deployment_fails_with_its_reason),
        cmocka_unit_test(a_missing_service_or_cluster_fails),
        cmocka_unit_test(a_refusal_for_good_names_code_and_request),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
