/* What autoscaling.scale and autoscaling.refresh see, do and say. */
#include "tests/unit/compute_scene.h"

#include <stdio.h>
#include <string.h>

#define SCALE "{\"group\": \"web\", \"min\": 2, \"desired\": 2, \"max\": 6}"
#define IN_SERVICE                                                                                 \
    "<member><InstanceId>i-1</InstanceId><AvailabilityZone>us-west-2a</AvailabilityZone>"          \
    "<LifecycleState>InService</LifecycleState><HealthStatus>Healthy</HealthStatus></member>"
#define PENDING                                                                                    \
    "<member><InstanceId>i-2</InstanceId><LifecycleState>Pending</LifecycleState>"                 \
    "<HealthStatus>Healthy</HealthStatus></member>"
#define SICK                                                                                       \
    "<member><InstanceId>i-3</InstanceId><LifecycleState>InService</LifecycleState>"               \
    "<HealthStatus>Unhealthy</HealthStatus></member>"
#define HEAVY                                                                                      \
    "<member><InstanceId>i-4</InstanceId><LifecycleState>InService</LifecycleState>"               \
    "<HealthStatus>Healthy</HealthStatus><WeightedCapacity>3</WeightedCapacity></member>"

static void answer_group(
    struct compute_scene *scene, int min, int desired, int max, const char *instances)
{
    hear(scene, "DescribeAutoScalingGroups", "AutoScalingGroupNames.member.1=web");
    answer_format(scene,
        "<DescribeAutoScalingGroupsResponse "
        "xmlns=\"http://autoscaling.amazonaws.com/doc/2011-01-01/"
        "\"><DescribeAutoScalingGroupsResult>"
        "<AutoScalingGroups><member><AutoScalingGroupName>web</AutoScalingGroupName>"
        "<MinSize>%d</MinSize><MaxSize>%d</MaxSize><DesiredCapacity>%d</DesiredCapacity>"
        "<Instances>%s</Instances><SuspendedProcesses/></member></AutoScalingGroups>"
        "</DescribeAutoScalingGroupsResult><ResponseMetadata><RequestId>r</RequestId>"
        "</ResponseMetadata></DescribeAutoScalingGroupsResponse>",
        min, max, desired, instances);
}

static void answer_activities(struct compute_scene *scene, const char *activities)
{
    hear(scene, "DescribeScalingActivities", "AutoScalingGroupName=web");
    answer_format(scene,
        "<DescribeScalingActivitiesResponse><DescribeScalingActivitiesResult><Activities>%s"
        "</Activities></DescribeScalingActivitiesResult></DescribeScalingActivitiesResponse>",
        activities);
}

static void a_group_that_is_as_asked_is_done_already(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &autoscaling_scale, SCALE);
    look(&scene);
    answer_group(&scene, 2, 2, 6, IN_SERVICE IN_SERVICE);
    assert_end(&scene, STEP_END_DONE, "2 in service");
    compute_scene_fini(&scene);
}

static void a_group_is_scaled_and_its_instances_are_waited_for(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &autoscaling_scale, SCALE);
    look(&scene);
    answer_group(&scene, 0, 0, 4, "");
    assert_end(&scene, STEP_END_MUST, "min 2, desired 2, max 6 (now 0, 0, 4)");
    act(&scene);
    hear(&scene, "UpdateAutoScalingGroup", "MinSize=2&DesiredCapacity=2&MaxSize=6");
    hear(&scene, "UpdateAutoScalingGroup", "AutoScalingGroupName=web");
    assert_true(scene.acts && scene.repeatable);
    answer(&scene, "<UpdateAutoScalingGroupResponse/>");
    assert_end(&scene, STEP_END_ACTED, "web");
    look(&scene);
    answer_group(&scene, 0, 0, 4, ""); /* as it was: AWS shows an act late */
    assert_end(&scene, STEP_END_MUST, "min 2");
    look(&scene);
    answer_group(&scene, 2, 2, 6, IN_SERVICE PENDING);
    answer_activities(&scene, "<member><StatusCode>InProgress</StatusCode></member>");
    assert_end(&scene, STEP_END_WAIT, "1 of 2 in service");
    look(&scene);
    answer_group(&scene, 2, 2, 6, IN_SERVICE SICK);
    answer_activities(&scene, "");
    assert_end(&scene, STEP_END_WAIT, "1 of 2 in service");
    look(&scene);
    answer_group(&scene, 2, 2, 6, IN_SERVICE IN_SERVICE);
    assert_end(&scene, STEP_END_DONE, "2 in service");
    compute_scene_fini(&scene);
}

static void what_keeps_instances_from_coming_up_is_said(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &autoscaling_scale, SCALE);
    look(&scene);
    answer_group(&scene, 2, 2, 6, "");
    answer_activities(&scene,
        "<member><StatusCode>PreInService</StatusCode></member>"
        "<member><StatusCode>Failed</StatusCode><StatusMessage>We currently do not have sufficient "
        "m5.large capacity. Launching EC2 instance failed.</StatusMessage></member>"
        "<member><StatusCode>Failed</StatusCode><StatusMessage>older</StatusMessage></member>");
    assert_end(&scene, STEP_END_WAIT, "0 of 2 in service; We currently do not have sufficient");
    look(&scene);
    answer_group(&scene, 2, 2, 6, "");
    answer_activities(&scene, "<member><StatusCode>Successful</StatusCode></member>"
                              "<member><StatusCode>Failed</StatusCode>"
                              "<StatusMessage>last year</StatusMessage></member>");
    assert_end(&scene, STEP_END_WAIT, "0 of 2 in service");
    assert_null(strstr(scene.words, "last year"));
    look(&scene);
    answer_group(&scene, 2, 2, 6, "");
    hear(&scene, "DescribeScalingActivities", "");
    refuse(&scene, "AccessDenied", "no");
    assert_end(&scene, STEP_END_WAIT, "0 of 2 in service");
    compute_scene_fini(&scene);
}

static void a_busy_group_is_asked_again(void **unused)
{
    (void)unused;
    static const char *const codes[] = {"ScalingActivityInProgress", "ResourceContention"};
    for (int i = 0; i < 2; i++) {
        struct compute_scene scene;
        compute_scene_init(&scene, &autoscaling_scale, SCALE);
        look(&scene);
        answer_group(&scene, 0, 0, 4, "");
        act(&scene);
        refuse(&scene, codes[i], "busy");
        assert_end(&scene, STEP_END_WAIT, codes[i]);
        compute_scene_fini(&scene);
    }
}

static void a_size_that_is_not_given_stays(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &autoscaling_scale, "{\"group\": \"web\", \"desired\": 3}");
    look(&scene);
    answer_group(&scene, 1, 1, 4, IN_SERVICE);
    assert_end(&scene, STEP_END_MUST, "min 1, desired 3, max 4");
    act(&scene);
    hear(&scene, "UpdateAutoScalingGroup", "MinSize=1&DesiredCapacity=3&MaxSize=4");
    compute_scene_fini(&scene);
}

static void sizes_that_do_not_fit_are_for_people_to_say(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &autoscaling_scale, "{\"group\": \"web\", \"desired\": 5}");
    look(&scene);
    answer_group(&scene, 1, 1, 4, IN_SERVICE);
    assert_end(&scene, STEP_END_FAIL, "desired 5 is above max 4");
    compute_scene_fini(&scene);
    compute_scene_init(&scene, &autoscaling_scale, "{\"group\": \"web\", \"min\": 2}");
    look(&scene);
    answer_group(&scene, 1, 1, 4, IN_SERVICE);
    assert_end(&scene, STEP_END_FAIL, "min 2 is above desired 1");
    compute_scene_fini(&scene);
}

static void weights_count_as_capacity(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &autoscaling_scale, "{\"group\": \"web\", \"desired\": 5}");
    look(&scene);
    answer_group(&scene, 1, 5, 9, HEAVY HEAVY);
    assert_end(&scene, STEP_END_DONE, "6 in service");
    compute_scene_fini(&scene);
    compute_scene_init(&scene, &autoscaling_scale, "{\"group\": \"web\", \"desired\": 6}");
    look(&scene);
    answer_group(&scene, 1, 6, 9, HEAVY HEAVY);
    assert_end(&scene, STEP_END_DONE, "6 in service");
    look(&scene);
    answer_group(&scene, 1, 6, 9, HEAVY);
    answer_activities(&scene, "");
    assert_end(&scene, STEP_END_WAIT, "3 of 6 in service");
    compute_scene_fini(&scene);
}

static void a_missing_group_fails_unless_an_earlier_step_may_make_it(void **unused)
{
    (void)unused;
    static const char none[] =
        "<DescribeAutoScalingGroupsResponse><DescribeAutoScalingGroupsResult>"
        "<AutoScalingGroups/></DescribeAutoScalingGroupsResult>"
        "</DescribeAutoScalingGroupsResponse>";
    struct compute_scene scene;
    compute_scene_init(&scene, &autoscaling_scale, SCALE);
    look(&scene);
    answer(&scene, none);
    assert_end(&scene, STEP_END_FAIL, "there is no Auto Scaling group web in us-west-2");
    scene.step.purpose = STEP_PLAN;
    look(&scene);
    answer(&scene, none);
    assert_end(&scene, STEP_END_FAIL, "there is no Auto Scaling group web");
    need_a_stack(&scene);
    look(&scene);
    answer(&scene, none);
    assert_end(&scene, STEP_END_WAIT, "it may come by the step \"net\"");
    scene.step.purpose = STEP_CARRY_OUT;
    look(&scene);
    answer(&scene, none);
    assert_end(&scene, STEP_END_FAIL, "there is no Auto Scaling group web");
    compute_scene_fini(&scene);
}

static void a_refusal_for_good_names_code_and_request(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &autoscaling_scale, SCALE);
    look(&scene);
    answer_group(&scene, 0, 0, 4, "");
    act(&scene);
    refuse(&scene, "AccessDenied", "not authorized");
    assert_end(&scene, STEP_END_FAIL, "was not scaled");
    assert_string_equal(scene.code, "AccessDenied");
    assert_string_equal(scene.request_id, "r-400");
    look(&scene);
    refuse(&scene, "AccessDenied", "not authorized");
    assert_end(&scene, STEP_END_FAIL, "cannot be looked at");
    assert_string_equal(scene.code, "AccessDenied");
    compute_scene_fini(&scene);
}

#define REFRESH "{\"group\": \"web\"}"
#define OLD                                                                                        \
    "<member><InstanceRefreshId>old</InstanceRefreshId><Status>Successful</Status>"                \
    "<StartTime>2026-11-22T06:00:00Z</StartTime><EndTime>2026-11-22T06:30:00Z</EndTime></member>"

static void answer_refreshes(struct compute_scene *scene, const char *refreshes)
{
    hear(scene, "DescribeInstanceRefreshes", "AutoScalingGroupName=web");
    answer_format(scene,
        "<DescribeInstanceRefreshesResponse><DescribeInstanceRefreshesResult><InstanceRefreshes>%s"
        "</InstanceRefreshes></DescribeInstanceRefreshesResult></"
        "DescribeInstanceRefreshesResponse>",
        refreshes);
}

static const char *refresh(const char *id, const char *status, const char *more)
{
    static char text[512];
    snprintf(text, sizeof text,
        "<member><InstanceRefreshId>%s</InstanceRefreshId><Status>%s</Status>"
        "<StartTime>2026-11-23T07:00:05Z</StartTime>%s</member>" OLD,
        id, status, more);
    return text;
}

static void begin_refresh(struct compute_scene *scene)
{
    compute_scene_init(scene, &autoscaling_refresh, REFRESH);
    look(scene);
    answer_refreshes(scene, OLD);
    assert_end(scene, STEP_END_MUST, "start an instance refresh of web");
    act(scene);
    hear(scene, "StartInstanceRefresh", "AutoScalingGroupName=web");
    assert_true(scene->acts && !scene->repeatable);
}

static void a_refresh_is_started_and_followed(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    begin_refresh(&scene);
    answer(&scene, "<StartInstanceRefreshResponse><StartInstanceRefreshResult><InstanceRefreshId>"
                   "new</InstanceRefreshId></StartInstanceRefreshResult>"
                   "</StartInstanceRefreshResponse>");
    assert_end(&scene, STEP_END_ACTED, "new");
    look(&scene);
    answer_refreshes(&scene, OLD); /* stale: it is not begun twice */
    assert_end(&scene, STEP_END_WAIT, "does not show the instance refresh new");
    look(&scene);
    answer_refreshes(
        &scene, refresh("new", "InProgress", "<PercentageComplete>40</PercentageComplete>"));
    assert_end(&scene, STEP_END_WAIT, "InProgress, 40%");
    look(&scene);
    answer_refreshes(&scene, refresh("new", "Successful", ""));
    assert_end(&scene, STEP_END_DONE, "new");
    compute_scene_fini(&scene);
}

static void a_refresh_that_failed_says_why_and_how_far_it_was(void **unused)
{
    (void)unused;
    static const char *const statuses[] = {
        "Failed", "Cancelled", "RollbackSuccessful", "RollbackFailed"};
    for (int i = 0; i < 4; i++) {
        struct compute_scene scene;
        begin_refresh(&scene);
        answer(&scene, "<R><StartInstanceRefreshResult><InstanceRefreshId>new</InstanceRefreshId>"
                       "</StartInstanceRefreshResult></R>");
        look(&scene);
        answer_refreshes(&scene, refresh("new", statuses[i],
                                     "<PercentageComplete>60</"
                                     "PercentageComplete><StatusReason>unhealthy</StatusReason>"));
        assert_end(&scene, STEP_END_FAIL, "at 60%: unhealthy");
        assert_says(&scene, statuses[i]);
        compute_scene_fini(&scene);
    }
}

static void a_refresh_whose_reply_was_lost_is_found(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    begin_refresh(&scene);
    lose(&scene);
    restart(&scene);
    look(&scene);
    answer_refreshes(&scene, OLD); /* stale: the engine asks as often as it takes to be sure */
    assert_end(&scene, STEP_END_MUST, "start");
    look(&scene);
    answer_refreshes(
        &scene, refresh("new", "Successful", "<EndTime>2026-11-23T07:20:00Z</EndTime>"));
    assert_end(&scene, STEP_END_DONE, "new");
    compute_scene_fini(&scene);
}

static void a_refresh_of_somebody_else_is_waited_for(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &autoscaling_refresh, REFRESH);
    look(&scene);
    answer_refreshes(&scene, refresh("theirs", "InProgress", ""));
    assert_end(&scene, STEP_END_WAIT, "theirs");
    look(&scene);
    answer_refreshes(
        &scene, refresh("theirs", "Failed", "<EndTime>2026-11-23T07:20:00Z</EndTime>"));
    assert_end(&scene, STEP_END_MUST, "start an instance refresh");
    act(&scene);
    refuse(&scene, "InstanceRefreshInProgress", "An Instance Refresh is already in progress");
    assert_end(&scene, STEP_END_ACTED, "runs already");
    look(&scene);
    answer_refreshes(&scene, /* stale */
        refresh("theirs", "Failed", "<EndTime>2026-11-23T07:20:00Z</EndTime>"));
    assert_end(&scene, STEP_END_MUST, "start");
    look(&scene);
    answer_refreshes(&scene, refresh("other", "InProgress", ""));
    assert_end(&scene, STEP_END_WAIT, "other");
    compute_scene_fini(&scene);
}

static void a_refresh_that_cannot_be_started_fails_or_waits(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    begin_refresh(&scene);
    refuse(&scene, "ResourceContention", "busy");
    assert_end(&scene, STEP_END_WAIT, "ResourceContention");
    act(&scene);
    refuse(&scene, "ValidationError", "no launch template");
    assert_end(&scene, STEP_END_FAIL, "was not started");
    assert_string_equal(scene.code, "ValidationError");
    look(&scene);
    refuse(&scene, "ValidationError", "AutoScalingGroup name not found - 'web' not found");
    assert_end(&scene, STEP_END_FAIL, "there is no Auto Scaling group web");
    compute_scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_that_is_as_asked_is_done_already),
        cmocka_unit_test(a_group_is_scaled_and_its_instances_are_waited_for),
        cmocka_unit_test(what_keeps_instances_from_coming_up_is_said),
        cmocka_unit_test(a_busy_group_is_asked_again),
        cmocka_unit_test(a_size_that_is_not_given_stays),
        cmocka_unit_test(sizes_that_do_not_fit_are_for_people_to_say),
        cmocka_unit_test(weights_count_as_capacity),
        cmocka_unit_test(a_missing_group_fails_unless_an_earlier_step_may_make_it),
        cmocka_unit_test(a_refusal_for_good_names_code_and_request),
        cmocka_unit_test(a_refresh_is_started_and_followed),
        cmocka_unit_test(a_refresh_that_failed_says_why_and_how_far_it_was),
        cmocka_unit_test(a_refresh_whose_reply_was_lost_is_found),
        cmocka_unit_test(a_refresh_of_somebody_else_is_waited_for),
        cmocka_unit_test(a_refresh_that_cannot_be_started_fails_or_waits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
