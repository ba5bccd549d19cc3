/* rds.promote_read_replica, by what RDS shows and refuses. */
#include "tests/unit/rds_scene.h"
#include "tests/unit/unit.h"

#include <string.h>

#define ORDERS "{\"instance\": \"orders\"}"
#define SOURCE "arn:aws:rds:eu-west-1:123456789012:db:orders"
#define REPLICATING REPLICA_OF(SOURCE, "replicating", "true")

static int begin(void **state)
{
    *state = rds_scene_new("rds.promote_read_replica", ORDERS);
    return 0;
}

static int finish(void **state)
{
    rds_scene_free(*state);
    return 0;
}

static enum step_end look_at(struct rds_scene *scene, const char *status, const char *more)
{
    rds_scene_answer(scene, rds_scene_instance("orders", "db.t4g.micro", status, more));
    return rds_scene_look(scene);
}

static void no_lag_is_known(struct rds_scene *scene)
{
    rds_scene_answer(scene, rds_scene_lags(NULL, 0));
}

static void an_instance_without_source_is_done(void **state)
{
    struct rds_scene *scene = *state;
    assert_int_equal(look_at(scene, "available", ""), STEP_END_DONE);
    rds_scene_assert_asked(scene, 0, "DescribeDBInstances us-west-2 DBInstanceIdentifier=orders");
    assert_int_equal(look_at(scene, "storage-optimization", ""), STEP_END_DONE);
    assert_int_equal(
        look_at(scene, "available",
            "<ReadReplicaSourceDBInstanceIdentifier></ReadReplicaSourceDBInstanceIdentifier>"),
        STEP_END_DONE);
}

static void the_goal_is_seen_three_times_in_a_row(void **state)
{
    struct rds_scene *scene = *state;
    assert_int_equal(scene->step.kind->confirm, 3);
}

static void a_replica_is_promoted_and_its_lag_is_noted(void **state)
{
    struct rds_scene *scene = *state;
    assert_int_equal(look_at(scene, "available", REPLICATING), STEP_END_MUST);
    rds_scene_assert_words(scene, "promote orders");
    struct rds_scene_lag lags[] = {{180, "9.0", "8.0"}, {60, "2.5", "1.0"}, {120, "7.0", "1.0"}};
    rds_scene_answer(scene, rds_scene_lags(lags, 3));
    rds_scene_answer(scene, rds_scene_accepted);
    assert_int_equal(rds_scene_act(scene), STEP_END_ACTED);
    rds_scene_assert_asked(scene, 0, "GetMetricStatistics us-west-2 ");
    rds_scene_assert_asked(scene, 0, "MetricName=ReplicaLag");
    rds_scene_assert_asked(scene, 0, "Dimensions.member.1.Value=orders");
    assert_string_equal(
        scene->asked[1], "PromoteReadReplica us-west-2 DBInstanceIdentifier=orders");
    assert_int_equal(scene->lag_ms, 2500);
}

static void backups_are_kept_as_the_runbook_says(void **state)
{
    struct rds_scene *scene = *state;
    scene->step.parameters = cJSON_Parse("{\"instance\": \"o\", \"backup_retention_days\": 7}");
    no_lag_is_known(scene);
    rds_scene_answer(scene, rds_scene_accepted);
    assert_int_equal(rds_scene_act(scene), STEP_END_ACTED);
    rds_scene_assert_asked(scene, 1, "DBInstanceIdentifier=o&BackupRetentionPeriod=7");
    cJSON_Delete((cJSON *)scene->step.parameters);
}

static void a_lag_that_is_not_known_holds_nothing_up_and_is_not_zero(void **state)
{
    struct rds_scene *scene = *state;
    struct rds_scene_lag inactive = {60, "-1.0", "-1.0"};
    rds_scene_answer(scene, rds_scene_lags(&inactive, 1));
    rds_scene_answer(scene, rds_scene_accepted);
    assert_int_equal(rds_scene_act(scene), STEP_END_ACTED);
    assert_int_equal(scene->lag_ms, -1);
}

static void cloudwatch_is_asked_once_and_need_not_answer(void **state)
{
    struct rds_scene *scene = *state;
    rds_scene_silence(scene);
    assert_int_equal(rds_scene_act(scene), STEP_END_WAIT);
    rds_scene_answer(scene, rds_scene_accepted);
    assert_int_equal(rds_scene_act(scene), STEP_END_ACTED);
    rds_scene_assert_asked(scene, 0, "PromoteReadReplica");
}

static void cloudwatch_may_refuse(void **state)
{
    struct rds_scene *scene = *state;
    rds_scene_refuse(scene, "AccessDenied", "not authorized");
    rds_scene_answer(scene, rds_scene_accepted);
    assert_int_equal(rds_scene_act(scene), STEP_END_ACTED);
}

static void passing_statuses_are_waited_out_before_and_after(void **state)
{
    static const char *const passing[] = {"backing-up", "configuring-enhanced-monitoring",
        "configuring-log-exports", "creating", "maintenance", "modifying", "moving-to-vpc",
        "rebooting", "renaming", "resetting-master-credentials", "starting", "stopping",
        "storage-full", "upgrading"};
    for (size_t i = 0; i < sizeof passing / sizeof *passing; i++) {
        assert_int_equal(look_at(*state, passing[i], REPLICATING), STEP_END_WAIT);
        rds_scene_assert_words(*state, passing[i]);
        assert_int_equal(look_at(*state, passing[i], ""), STEP_END_WAIT);
    }
}

static void failing_statuses_fail_at_once_in_words(void **state)
{
    static const char *const failing[] = {"failed", "deleting", "incompatible-network",
        "incompatible-parameters", "incompatible-restore", "stopped"};
    for (size_t i = 0; i < sizeof failing / sizeof *failing; i++) {
        assert_int_equal(look_at(*state, failing[i], REPLICATING), STEP_END_FAIL);
        rds_scene_assert_words(*state, failing[i]);
        rds_scene_assert_words(*state, "us-west-2");
    }
}

static void what_rds_accepted_is_not_asked_for_again_however_late_it_shows(void **state)
{
    struct rds_scene *scene = *state;
    no_lag_is_known(scene);
    rds_scene_answer(scene, rds_scene_accepted);
    assert_int_equal(rds_scene_act(scene), STEP_END_ACTED);
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(look_at(scene, "available", REPLICATING), STEP_END_WAIT);
    rds_scene_assert_words(scene, "is being promoted");
    assert_int_equal(look_at(scene, "modifying", REPLICATING), STEP_END_WAIT);
    assert_int_equal(look_at(scene, "rebooting", ""), STEP_END_WAIT);
    assert_int_equal(look_at(scene, "available", ""), STEP_END_DONE);
}

static void a_reply_that_is_lost_is_looked_for(void **state)
{
    struct rds_scene *scene = *state;
    no_lag_is_known(scene);
    rds_scene_silence(scene);
    assert_int_equal(rds_scene_act(scene), STEP_END_WAIT);
    assert_int_equal(look_at(scene, "available", REPLICATING), STEP_END_MUST); /* nobody knows */
    assert_int_equal(look_at(scene, "available", ""), STEP_END_DONE);
}

static void an_invalid_state_is_looked_at_again(void **state)
{
    struct rds_scene *scene = *state;
    no_lag_is_known(scene);
    rds_scene_refuse(scene, "InvalidDBInstanceState", "DB Instance is not a read replica");
    assert_int_equal(rds_scene_act(scene), STEP_END_WAIT);
    rds_scene_assert_words(scene, "InvalidDBInstanceState");
    rds_scene_assert_words(scene, "9135fff3-8509-11e0-bd9b-a7b1ece36d51");
}

static void another_refusal_fails_with_the_code(void **state)
{
    struct rds_scene *scene = *state;
    no_lag_is_known(scene);
    rds_scene_refuse(scene, "AccessDenied", "not authorized to perform: rds:PromoteReadReplica");
    assert_int_equal(rds_scene_act(scene), STEP_END_FAIL);
    assert_string_equal(scene->code, "AccessDenied");
}

static void an_instance_that_is_not_there_fails_and_the_region_is_named(void **state)
{
    struct rds_scene *scene = *state;
    rds_scene_refuse(scene, "DBInstanceNotFound", "DBInstance orders not found.");
    assert_int_equal(rds_scene_look(scene), STEP_END_FAIL);
    assert_string_equal(scene->code, "DBInstanceNotFound");
    rds_scene_assert_words(scene, "no DB instance orders in us-west-2");
}

static void a_look_that_is_refused_fails(void **state)
{
    struct rds_scene *scene = *state;
    rds_scene_refuse(scene, "AccessDenied", "not authorized");
    assert_int_equal(rds_scene_look(scene), STEP_END_FAIL);
    rds_scene_assert_words(scene, "cannot look at orders in us-west-2");
}

static void aurora_is_sent_to_its_own_steps(void **state)
{
    struct rds_scene *scene = *state;
    rds_scene_answer(scene,
        "<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances><DBInstance>"
        "<DBInstanceIdentifier>orders</DBInstanceIdentifier>"
        "<Engine>aurora-postgresql</Engine><DBInstanceStatus>available</DBInstanceStatus>"
        "<DBClusterIdentifier>orders-cluster</DBClusterIdentifier>"
        "</DBInstance></DBInstances></DescribeDBInstancesResult></DescribeDBInstancesResponse>");
    assert_int_equal(rds_scene_look(scene), STEP_END_FAIL);
    rds_scene_assert_words(scene, "rds.failover_global_cluster");
}

static void a_member_of_a_cluster_is_refused(void **state)
{
    assert_int_equal(
        look_at(*state, "available", "<DBClusterIdentifier>trio</DBClusterIdentifier>"),
        STEP_END_FAIL);
    rds_scene_assert_words(*state, "member of the cluster trio");
}

static void ready_wants_a_replica_that_replicates(void **state)
{
    struct rds_scene *scene = *state;
    scene->step.purpose = STEP_READY;
    assert_int_equal(look_at(scene, "available", REPLICATING), STEP_END_MUST);
    assert_int_equal(
        look_at(scene, "available", REPLICA_OF(SOURCE, "error", "false")), STEP_END_FAIL);
    rds_scene_assert_words(scene, "\"error\"");
    assert_int_equal(look_at(scene, "available", ""), STEP_END_FAIL);
    rds_scene_assert_words(scene, "replicates from nowhere");
    strcpy(scene->step.from, "us-west-2");
    assert_int_equal(look_at(scene, "available", ""), STEP_END_DONE);
}

#define PROMOTE(test) cmocka_unit_test_setup_teardown(test, begin, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        PROMOTE(an_instance_without_source_is_done),
        PROMOTE(the_goal_is_seen_three_times_in_a_row),
        PROMOTE(a_replica_is_promoted_and_its_lag_is_noted),
        PROMOTE(backups_are_kept_as_the_runbook_says),
        PROMOTE(a_lag_that_is_not_known_holds_nothing_up_and_is_not_zero),
        PROMOTE(cloudwatch_is_asked_once_and_need_not_answer),
        PROMOTE(cloudwatch_may_refuse),
        PROMOTE(passing_statuses_are_waited_out_before_and_after),
        PROMOTE(failing_statuses_fail_at_once_in_words),
        PROMOTE(what_rds_accepted_is_not_asked_for_again_however_late_it_shows),
        PROMOTE(a_reply_that_is_lost_is_looked_for),
        PROMOTE(an_invalid_state_is_looked_at_again),
        PROMOTE(another_refusal_fails_with_the_code),
        PROMOTE(an_instance_that_is_not_there_fails_and_the_region_is_named),
        PROMOTE(a_look_that_is_refused_fails),
        PROMOTE(aurora_is_sent_to_its_own_steps),
        PROMOTE(a_member_of_a_cluster_is_refused),
        PROMOTE(ready_wants_a_replica_that_replicates),
    };
    return cmocka_run_group_tests_name("rds_promote", tests, NULL, NULL);
}
