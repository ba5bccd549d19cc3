/* What elbv2.wait_healthy sees and says. */
#include "tests/unit/compute_scene.h"

#include <string.h>

#define BY_NAME "{\"target_group\": \"web\", \"count\": 2}"
#define ARN "arn:aws:elasticloadbalancing:us-west-2:123456789012:targetgroup/web/73e2d6bc24d8a067"
#define HEALTHY                                                                                    \
    "<member><HealthCheckPort>80</HealthCheckPort><TargetHealth><State>healthy</State>"            \
    "</TargetHealth><Target><Port>80</Port><Id>i-1</Id></Target></member>"
#define SICK                                                                                       \
    "<member><TargetHealth><State>unhealthy</State><Reason>Target.ResponseCodeMismatch</Reason>"   \
    "<Description>Health checks failed with these codes: [502]</Description></TargetHealth>"       \
    "<Target><Port>80</Port><Id>i-2</Id></Target></member>"

static void answer_name(struct compute_scene *scene)
{
    hear(scene, "DescribeTargetGroups", "Names.member.1=web");
    answer(scene,
        "<DescribeTargetGroupsResponse "
        "xmlns=\"http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/\">"
        "<DescribeTargetGroupsResult><TargetGroups><member><TargetGroupArn>" ARN "</TargetGroupArn>"
        "<TargetGroupName>web</TargetGroupName></member></TargetGroups>"
        "</DescribeTargetGroupsResult></DescribeTargetGroupsResponse>");
}

static void answer_health(struct compute_scene *scene, const char *targets)
{
    hear(scene, "DescribeTargetHealth", "TargetGroupArn=arn%3Aaws%3Aelasticloadbalancing");
    answer_format(scene,
        "<DescribeTargetHealthResponse><DescribeTargetHealthResult><TargetHealthDescriptions>%s"
        "</TargetHealthDescriptions></DescribeTargetHealthResult></DescribeTargetHealthResponse>",
        targets);
}

static void healthy_targets_are_done_already(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &elbv2_wait_healthy, BY_NAME);
    look(&scene);
    answer_name(&scene);
    answer_health(&scene, HEALTHY HEALTHY SICK);
    assert_end(&scene, STEP_END_DONE, "2 targets of web are healthy");
    compute_scene_fini(&scene);
}

static void what_holds_targets_up_is_said_until_they_are_healthy(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &elbv2_wait_healthy, BY_NAME);
    assert_null(elbv2_wait_healthy.act);
    look(&scene);
    answer_name(&scene);
    answer_health(&scene, HEALTHY SICK);
    assert_end(&scene, STEP_END_WAIT, "1 of 2 targets of web healthy");
    assert_says(&scene, "i-2 is unhealthy (Target.ResponseCodeMismatch)");
    look(&scene); /* its ARN is known by now */
    answer_health(&scene, "");
    assert_end(&scene, STEP_END_WAIT, "no target is registered");
    look(&scene);
    answer_health(&scene, HEALTHY HEALTHY);
    assert_end(&scene, STEP_END_DONE, "2 targets");
    compute_scene_fini(&scene);
}

static void an_arn_is_not_looked_up_and_one_target_is_enough(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &elbv2_wait_healthy, "{\"target_group\": \"" ARN "\"}");
    look(&scene);
    answer_health(&scene, SICK);
    assert_end(&scene, STEP_END_WAIT, "0 of 1 targets");
    look(&scene);
    answer_health(&scene, HEALTHY);
    assert_end(&scene, STEP_END_DONE, "1 targets");
    compute_scene_fini(&scene);
}

static void many_sick_targets_are_counted_not_listed(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &elbv2_wait_healthy, "{\"target_group\": \"" ARN "\"}");
    look(&scene);
    answer_health(&scene, SICK SICK SICK SICK SICK SICK SICK SICK SICK SICK);
    assert_end(&scene, STEP_END_WAIT, " and 5 more");
    compute_scene_fini(&scene);
}

static void before_a_transition_it_is_enough_that_the_group_is_there(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &elbv2_wait_healthy, BY_NAME);
    scene.step.purpose = STEP_READY;
    look(&scene);
    answer_name(&scene);
    answer_health(&scene, SICK);
    assert_end(&scene, STEP_END_DONE, "0 of its 1 targets are healthy");
    compute_scene_fini(&scene);
}

static void a_missing_group_fails_and_is_looked_up_again(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &elbv2_wait_healthy, BY_NAME);
    look(&scene);
    refuse(&scene, "TargetGroupNotFound", "One or more target groups not found");
    assert_end(&scene, STEP_END_FAIL, "there is no target group web in us-west-2");
    assert_string_equal(scene.code, "TargetGroupNotFound");
    look(&scene);
    answer_name(&scene);
    refuse(&scene, "TargetGroupNotFound", "Target groups '" ARN "' not found");
    assert_end(&scene, STEP_END_FAIL, "there is no target group web");
    look(&scene);
    hear(&scene, "DescribeTargetGroups", "web");
    refuse(&scene, "AccessDenied", "not authorized");
    assert_end(&scene, STEP_END_FAIL, "cannot be looked at");
    assert_string_equal(scene.request_id, "r-400");
    compute_scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(healthy_targets_are_done_already),
        cmocka_unit_test(what_holds_targets_up_is_said_until_they_are_healthy),
        cmocka_unit_test(an_arn_is_not_looked_up_and_one_target_is_enough),
        cmocka_unit_test(many_sick_targets_are_counted_not_listed),
        cmocka_unit_test(before_a_transition_it_is_enough_that_the_group_is_there),
        cmocka_unit_test(a_missing_group_fails_and_is_looked_up_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
