/* What ec2.start sees, does and says. */
#include "tests/unit/compute_scene.h"

#include <stdio.h>
#include <string.h>

#define LISTED "{\"instances\": [\"i-1\", \"i-2\"]}"
#define TAGGED "{\"tags\": {\"role\": \"batch\", \"env\": \"dr\"}}"

static const char *instance(const char *id, const char *state)
{
    static char texts[4][256];
    static unsigned next;
    char *text = texts[next++ % 4];
    snprintf(text, sizeof texts[0],
        "<item><reservationId>r-%s</reservationId><instancesSet><item><instanceId>%s</instanceId>"
        "<instanceState><code>0</code><name>%s</name></instanceState></item></instancesSet></item>",
        id, id, state);
    return text;
}

static void answer_instances(struct compute_scene *scene, const char *one, const char *other)
{
    hear(scene, "DescribeInstances", "");
    answer_format(scene,
        "<DescribeInstancesResponse xmlns=\"http://ec2.amazonaws.com/doc/2016-11-15/\">"
        "<requestId>r</requestId><reservationSet>%s%s</reservationSet></DescribeInstancesResponse>",
        one, other);
}

static const char *status(const char *id, const char *system, const char *checks)
{
    static char texts[4][512];
    static unsigned next;
    char *text = texts[next++ % 4];
    snprintf(text, sizeof texts[0],
        "<item><instanceId>%s</instanceId><instanceState><name>running</name></instanceState>"
        "<systemStatus><status>%s</status></systemStatus><instanceStatus><status>%s</status>"
        "</instanceStatus></item>",
        id, system, checks);
    return text;
}

static void answer_status(struct compute_scene *scene, const char *one, const char *other)
{
    hear(scene, "DescribeInstanceStatus", "IncludeAllInstances=true");
    answer_format(scene,
        "<DescribeInstanceStatusResponse><instanceStatusSet>%s%s</instanceStatusSet>"
        "</DescribeInstanceStatusResponse>",
        one, other);
}

static void instances_that_run_and_pass_are_done_already(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &ec2_start, LISTED);
    look(&scene);
    hear(&scene, "DescribeInstances", "InstanceId.1=i-1&InstanceId.2=i-2");
    assert_null(scene.paging);
    answer_instances(&scene, instance("i-1", "running"), instance("i-2", "running"));
    hear(&scene, "DescribeInstanceStatus", "InstanceId.1=i-1&InstanceId.2=i-2");
    answer_status(&scene, status("i-1", "ok", "ok"), status("i-2", "ok", "ok"));
    assert_end(&scene, STEP_END_DONE, "2 instances run and pass");
    compute_scene_fini(&scene);
}

static void only_stopped_instances_are_started(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &ec2_start, LISTED);
    look(&scene);
    answer_instances(&scene, instance("i-1", "running"), instance("i-2", "stopped"));
    assert_end(&scene, STEP_END_MUST, "start i-2");
    act(&scene);
    hear(&scene, "StartInstances", "InstanceId.1=i-2");
    hear_not(&scene, "i-1");
    assert_true(scene.acts);
    answer(&scene, "<StartInstancesResponse><instancesSet/></StartInstancesResponse>");
    assert_end(&scene, STEP_END_ACTED, "started 1");
    look(&scene);
    answer_instances(&scene, instance("i-1", "running"), instance("i-2", "stopped")); /* stale */
    assert_end(&scene, STEP_END_MUST, "start i-2");
    look(&scene);
    answer_instances(&scene, instance("i-1", "running"), instance("i-2", "pending"));
    assert_end(&scene, STEP_END_WAIT, "i-2 is pending");
    look(&scene);
    answer_instances(&scene, instance("i-1", "running"), instance("i-2", "running"));
    answer_status(&scene, status("i-1", "ok", "ok"), status("i-2", "ok", "initializing"));
    assert_end(&scene, STEP_END_WAIT, "1 of 2 instances pass their status checks; i-2: ok, init");
    look(&scene);
    answer_instances(&scene, instance("i-1", "running"), instance("i-2", "running"));
    answer_status(&scene, status("i-1", "ok", "ok"), ""); /* stale: it does not show the other */
    assert_end(&scene, STEP_END_WAIT, "1 of 2 instances");
    look(&scene);
    answer_instances(&scene, instance("i-1", "running"), instance("i-2", "running"));
    answer_status(&scene, status("i-1", "ok", "ok"), status("i-2", "ok", "ok"));
    assert_end(&scene, STEP_END_DONE, "2 instances");
    compute_scene_fini(&scene);
}

static void instances_that_are_stopping_are_waited_for(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &ec2_start, LISTED);
    look(&scene);
    answer_instances(&scene, instance("i-1", "stopping"), instance("i-2", "running"));
    assert_end(&scene, STEP_END_WAIT, "i-1 is stopping");
    look(&scene);
    answer_instances(&scene, instance("i-1", "stopped"), instance("i-2", "running"));
    assert_end(&scene, STEP_END_MUST, "start i-1");
    act(&scene);
    refuse(&scene, "IncorrectInstanceState", "not in a state from which it can be started");
    assert_end(&scene, STEP_END_WAIT, "tries again");
    compute_scene_fini(&scene);
}

static void tags_find_instances_in_pages_but_none_that_are_gone(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &ec2_start, TAGGED);
    look(&scene);
    hear(&scene, "DescribeInstances", "Filter.1.Name=instance-state-name&Filter.1.Value.1=pending");
    hear(&scene, "DescribeInstances", "Filter.2.Name=tag%3Arole&Filter.2.Value.1=batch");
    hear(&scene, "DescribeInstances", "Filter.3.Name=tag%3Aenv&Filter.3.Value.1=dr");
    hear_not(&scene, "terminated");
    assert_string_equal(scene.paging->list, "reservationSet");
    answer_instances(&scene, instance("i-7", "stopped"), instance("i-8", "stopped"));
    assert_end(&scene, STEP_END_MUST, "start i-7, i-8");
    look(&scene);
    answer_instances(&scene, "", "");
    assert_end(&scene, STEP_END_FAIL, "no instance in us-west-2 has these tags");
    compute_scene_fini(&scene);
}

static void a_terminated_instance_fails(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &ec2_start, LISTED);
    look(&scene);
    answer_instances(&scene, instance("i-1", "terminated"), instance("i-2", "stopped"));
    assert_end(&scene, STEP_END_FAIL, "never comes back: i-1 is terminated");
    look(&scene);
    refuse(&scene, "InvalidInstanceID.NotFound", "The instance ID 'i-1' does not exist");
    assert_end(&scene, STEP_END_FAIL, "does not exist in us-west-2");
    assert_string_equal(scene.code, "InvalidInstanceID.NotFound");
    compute_scene_fini(&scene);
}

static void capacity_is_waited_for_and_then_asked_for_one_by_one(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &ec2_start, LISTED);
    look(&scene);
    answer_instances(&scene, instance("i-1", "stopped"), instance("i-2", "stopped"));
    act(&scene);
    hear(&scene, "StartInstances", "InstanceId.1=i-1&InstanceId.2=i-2");
    refuse(&scene, "InsufficientInstanceCapacity", "We currently do not have sufficient capacity");
    assert_end(&scene, STEP_END_WAIT, "no capacity (InsufficientInstanceCapacity) for 2");
    look(&scene);
    answer_instances(&scene, instance("i-1", "stopped"), instance("i-2", "stopped"));
    assert_end(&scene, STEP_END_MUST, "EC2 had no capacity");
    act(&scene);
    hear(&scene, "StartInstances", "InstanceId.1=i-1");
    hear_not(&scene, "i-2");
    refuse(&scene, "InsufficientInstanceCapacity", "We currently do not have sufficient capacity");
    hear(&scene, "StartInstances", "InstanceId.1=i-2");
    answer(&scene, "<StartInstancesResponse/>");
    assert_end(&scene, STEP_END_WAIT, "no capacity (InsufficientInstanceCapacity) for 1");
    compute_scene_fini(&scene);
}

static void a_refusal_for_good_names_code_and_request(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    compute_scene_init(&scene, &ec2_start, LISTED);
    look(&scene);
    answer_instances(&scene, instance("i-1", "stopped"), instance("i-2", "stopped"));
    act(&scene);
    refuse(&scene, "UnauthorizedOperation", "not authorized");
    assert_end(&scene, STEP_END_FAIL, "were not started");
    assert_string_equal(scene.code, "UnauthorizedOperation");
    assert_string_equal(scene.request_id, "r-400");
    compute_scene_fini(&scene);
}

static void many_instances_are_checked_a_hundred_at_a_time(void **unused)
{
    (void)unused;
    struct compute_scene scene;
    static char all[120 * 200], reply[sizeof all + 100];
    size_t used = 0;
    for (int i = 0; i < 120; i++) {
        char id[8];
        snprintf(id, sizeof id, "i-%d", i);
        used += (size_t)snprintf(all + used, sizeof all - used, "%s", instance(id, "running"));
    }
    compute_scene_init(&scene, &ec2_start, TAGGED);
    look(&scene);
    snprintf(reply, sizeof reply, "<R><reservationSet>%s</reservationSet></R>", all);
    answer(&scene, reply);
    hear(&scene, "DescribeInstanceStatus", "InstanceId.100=i-99");
    hear_not(&scene, "i-100");
    answer_status(&scene, "", "");
    hear(&scene, "DescribeInstanceStatus", "InstanceId.20=i-119");
    answer_status(&scene, "", "");
    assert_end(&scene, STEP_END_WAIT, "0 of 120 instances");
    compute_scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(instances_that_run_and_pass_are_done_already),
        cmocka_unit_test(only_stopped_instances_are_started),
        cmocka_unit_test(instances_that_are_stopping_are_waited_for),
        cmocka_unit_test(tags_find_instances_in_pages_but_none_that_are_gone),
        cmocka_unit_test(a_terminated_instance_fails),
        cmocka_unit_test(capacity_is_waited_for_and_then_asked_for_one_by_one),
        cmocka_unit_test(a_refusal_for_good_names_code_and_request),
        cmocka_unit_test(many_instances_are_checked_a_hundred_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
