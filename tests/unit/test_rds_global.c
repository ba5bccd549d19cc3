/* rds.failover_global_cluster and rds.switchover_global_cluster. */
#include "tests/unit/rds_scene.h"
#include "tests/unit/unit.h"

#include <stdio.h>

#define WEST "arn:aws:rds:us-west-2:123456789012:cluster:orders-west"
#define EAST "arn:aws:rds:us-east-1:123456789012:cluster:orders-east"
#define PARAMETERS "{\"global_cluster\": \"orders\", \"target\": \"" WEST "\"}"

static int begin_failover(void **state)
{
    struct rds_scene *scene = rds_scene_new("rds.failover_global_cluster", PARAMETERS);
    scene->step.region = "eu-west-1";
    *state = scene;
    return 0;
}

static int begin_switchover(void **state)
{
    *state = rds_scene_new("rds.switchover_global_cluster", PARAMETERS);
    return 0;
}

static int finish(void **state)
{
    rds_scene_free(*state);
    return 0;
}

static enum step_end look_at(
    struct rds_scene *scene, const char *status, const char *writer, const char *failover_state)
{
    char xml[4096];
    snprintf(xml, sizeof xml,
        "<DescribeGlobalClustersResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\">"
        "<DescribeGlobalClustersResult><GlobalClusters><GlobalClusterMember>"
        "<GlobalClusterIdentifier>orders</GlobalClusterIdentifier><Status>%s</Status>"
        "<GlobalClusterMembers>"
        "<GlobalClusterMember><DBClusterArn>" EAST "</DBClusterArn><IsWriter>%s</IsWriter>"
        "<Readers><member>" WEST "</member></Readers></GlobalClusterMember>"
        "<GlobalClusterMember><DBClusterArn>" WEST "</DBClusterArn><IsWriter>%s</IsWriter>"
        "<Readers/></GlobalClusterMember>"
        "</GlobalClusterMembers>%s</GlobalClusterMember></GlobalClusters>"
        "</DescribeGlobalClustersResult></DescribeGlobalClustersResponse>",
        status, *writer == 'e' ? "true" : "false", *writer == 'w' ? "true" : "false",
        failover_state);
    rds_scene_answer(scene, xml);
    return rds_scene_look(scene);
}

#define MOVING_TO(arn)                                                                             \
    "<FailoverState><Status>failing-over</Status><FromDbClusterArn>" EAST                          \
    "</FromDbClusterArn><ToDbClusterArn>" arn "</ToDbClusterArn></FailoverState>"

static void a_target_that_writes_is_done(void **state)
{
    struct rds_scene *scene = *state;
    assert_int_equal(look_at(scene, "available", "w", ""), STEP_END_DONE);
    rds_scene_assert_asked(
        scene, 0, "DescribeGlobalClusters us-west-2 GlobalClusterIdentifier=orders");
    assert_int_equal(scene->step.kind->confirm, 3);
}

static void a_failover_takes_the_loss_and_is_waited_for(void **state)
{
    struct rds_scene *scene = *state;
    assert_int_equal(look_at(scene, "available", "e", "<FailoverState/>"), STEP_END_MUST);
    rds_scene_answer(scene, rds_scene_accepted);
    assert_int_equal(rds_scene_act(scene), STEP_END_ACTED);
    rds_scene_assert_asked(scene, 0, "FailoverGlobalCluster us-west-2 ");
    rds_scene_assert_asked(scene, 0, "GlobalClusterIdentifier=orders&TargetDbClusterIdentifier=");
    rds_scene_assert_asked(scene, 0, "cluster%3Aorders-west&AllowDataLoss=true");
    assert_int_equal(look_at(scene, "available", "e", ""), STEP_END_WAIT); /* shown late */
    assert_int_equal(look_at(scene, "failing-over", "e", ""), STEP_END_WAIT);
    assert_int_equal(look_at(scene, "available", "w", MOVING_TO(WEST)), STEP_END_WAIT);
    rds_scene_assert_words(scene, "moving to orders-west (\"failing-over\")");
}

static void a_switchover_loses_nothing(void **state)
{
    struct rds_scene *scene = *state;
    rds_scene_answer(scene, rds_scene_accepted);
    assert_int_equal(rds_scene_act(scene), STEP_END_ACTED);
    assert_string_equal(scene->asked[0],
        "SwitchoverGlobalCluster us-west-2 GlobalClusterIdentifier=orders"
        "&TargetDbClusterIdentifier=arn%3Aaws%3Ards%3Aus-west-2%3A123456789012%3Acluster%3A"
        "orders-west");
}

static void a_state_that_forbids_it_is_looked_at_again(void **state)
{
    struct rds_scene *scene = *state;
    rds_scene_refuse(scene, "InvalidGlobalClusterStateFault", "a failover is in progress");
    assert_int_equal(rds_scene_act(scene), STEP_END_WAIT);
    rds_scene_refuse(scene, "InvalidDBClusterStateFault", "upgrading");
    assert_int_equal(rds_scene_act(scene), STEP_END_WAIT);
    rds_scene_assert_words(scene, "InvalidDBClusterStateFault");
    rds_scene_refuse(scene, "DBClusterNotFoundFault", "gone");
    assert_int_equal(rds_scene_act(scene), STEP_END_FAIL);
    assert_string_equal(scene->code, "DBClusterNotFoundFault");
}

static void what_is_not_there_fails_in_words(void **state)
{
    struct rds_scene *scene = *state;
    rds_scene_refuse(scene, "GlobalClusterNotFoundFault", "orders not found");
    assert_int_equal(rds_scene_look(scene), STEP_END_FAIL);
    rds_scene_assert_words(scene, "global cluster orders in us-west-2");
    scene->step.parameters = cJSON_Parse("{\"global_cluster\": \"orders\", \"target\": \"west\"}");
    assert_int_equal(look_at(scene, "available", "e", ""), STEP_END_FAIL);
    rds_scene_assert_words(scene, "west is no member of the global cluster orders");
    rds_scene_assert_asked(scene, 0, "DescribeGlobalClusters eu-west-1 ");
    cJSON_Delete((cJSON *)scene->step.parameters);
}

static void a_reply_that_is_lost_is_looked_for(void **state)
{
    struct rds_scene *scene = *state;
    rds_scene_silence(scene);
    assert_int_equal(rds_scene_act(scene), STEP_END_WAIT);
    assert_int_equal(look_at(scene, "available", "w", ""), STEP_END_DONE);
}

static void one_that_is_being_deleted_fails(void **state)
{
    assert_int_equal(look_at(*state, "deleting", "e", ""), STEP_END_FAIL);
    assert_int_equal(look_at(*state, "upgrading", "e", ""), STEP_END_WAIT);
}

#define FAILOVER(test) cmocka_unit_test_setup_teardown(test, begin_failover, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        FAILOVER(a_target_that_writes_is_done),
        FAILOVER(a_failover_takes_the_loss_and_is_waited_for),
        cmocka_unit_test_setup_teardown(a_switchover_loses_nothing, begin_switchover, finish),
        FAILOVER(a_state_that_forbids_it_is_looked_at_again),
        FAILOVER(what_is_not_there_fails_in_words),
        FAILOVER(a_reply_that_is_lost_is_looked_for),
        FAILOVER(one_that_is_being_deleted_fails),
    };
    return cmocka_run_group_tests_name("rds_global", tests, NULL, NULL);
}
