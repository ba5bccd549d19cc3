/* rds.create_read_replica, next to its source and across regions. */
#include "tests/unit/rds_scene.h"
#include "tests/unit/unit.h"

#include <stdio.h>

#define ARN_WEST "arn:aws:rds:us-west-2:123456789012:db:orders"

static int begin_here(void **state)
{
    *state = rds_scene_new("rds.create_read_replica",
        "{\"source\": \"orders\", \"instance\": \"orders-2\", \"class\": \"db.r6g.large\"}");
    return 0;
}

static int begin_across(void **state)
{
    *state = rds_scene_new("rds.create_read_replica",
        "{\"source\": \"orders\", \"instance\": \"orders-2\", \"source_region\": \"us-west-2\"}");
    ((struct rds_scene *)*state)->step.region = "eu-west-1";
    return 0;
}

static int finish(void **state)
{
    rds_scene_free(*state);
    return 0;
}

static enum step_end look_at(struct rds_scene *scene, const char *status, const char *more)
{
    rds_scene_answer(scene, rds_scene_instance("orders-2", "db.r6g.large", status, more));
    return rds_scene_look(scene);
}

static enum step_end find_none(struct rds_scene *scene)
{
    rds_scene_refuse(scene, "DBInstanceNotFound", "DBInstance orders-2 not found.");
    return rds_scene_look(scene);
}

static void a_replica_that_replicates_is_done(void **state)
{
    assert_int_equal(
        look_at(*state, "available", REPLICA_OF("orders", "replicating", "true")), STEP_END_DONE);
}

static void one_that_is_missing_is_created_and_waited_for(void **state)
{
    struct rds_scene *scene = *state;
    assert_int_equal(find_none(scene), STEP_END_MUST);
    rds_scene_assert_words(scene, "create orders-2 in us-west-2");
    rds_scene_answer(scene, rds_scene_accepted);
    assert_int_equal(rds_scene_act(scene), STEP_END_ACTED);
    assert_string_equal(scene->asked[0],
        "CreateDBInstanceReadReplica us-west-2 DBInstanceIdentifier=orders-2"
        "&SourceDBInstanceIdentifier=orders&DBInstanceClass=db.r6g.large");
    assert_int_equal(find_none(scene), STEP_END_WAIT); /* shown late */
    assert_int_equal(look_at(scene, "creating",
                         "<ReadReplicaSourceDBInstanceIdentifier>orders"
                         "</ReadReplicaSourceDBInstanceIdentifier>"),
        STEP_END_WAIT);
    assert_int_equal(
        look_at(scene, "available", REPLICA_OF("orders", "connecting", "true")), STEP_END_WAIT);
    rds_scene_assert_words(scene, "does not replicate yet");
}

static void of_its_replication_rds_may_say_nothing(void **state)
{
    assert_int_equal(look_at(*state, "available",
                         "<ReadReplicaSourceDBInstanceIdentifier>orders"
                         "</ReadReplicaSourceDBInstanceIdentifier>"),
        STEP_END_DONE);
}

static void across_regions_the_source_is_named_by_its_arn(void **state)
{
    struct rds_scene *scene = *state;
    rds_scene_answer(scene, rds_scene_instance("orders", "db.r6g.large", "available", ""));
    rds_scene_answer(scene, rds_scene_accepted);
    assert_int_equal(rds_scene_act(scene), STEP_END_ACTED);
    rds_scene_assert_asked(scene, 0, "DescribeDBInstances us-west-2 DBInstanceIdentifier=orders");
    rds_scene_assert_asked(scene, 1, "CreateDBInstanceReadReplica eu-west-1 ");
    rds_scene_assert_asked(scene, 1,
        "SourceDBInstanceIdentifier=arn%3Aaws%3Ards%3Aus-west-2%3A123456789012%3Adb%3Aorders");
    assert_int_equal(
        look_at(scene, "available", REPLICA_OF(ARN_WEST, "replicating", "true")), STEP_END_DONE);
}

static void a_source_given_by_its_arn_is_not_looked_for(void **state)
{
    struct rds_scene *scene = *state;
    scene->step.parameters =
        cJSON_Parse("{\"source\": \"" ARN_WEST "\", \"instance\": \"orders-2\"}");
    rds_scene_answer(scene, rds_scene_accepted);
    assert_int_equal(rds_scene_act(scene), STEP_END_ACTED);
    rds_scene_assert_asked(scene, 0, "CreateDBInstanceReadReplica eu-west-1 ");
    assert_int_equal(
        look_at(scene, "available", REPLICA_OF(ARN_WEST, "replicating", "true")), STEP_END_DONE);
    cJSON_Delete((cJSON *)scene->step.parameters);
}

static void a_source_that_is_missing_fails_and_its_region_is_named(void **state)
{
    struct rds_scene *scene = *state;
    rds_scene_refuse(scene, "DBInstanceNotFound", "DBInstance orders not found.");
    assert_int_equal(rds_scene_act(scene), STEP_END_FAIL);
    rds_scene_assert_words(scene, "no DB instance orders in us-west-2");
}

static void one_that_exists_already_is_looked_at(void **state)
{
    struct rds_scene *scene = *state;
    rds_scene_refuse(scene, "DBInstanceAlreadyExists", "DB instance already exists");
    assert_int_equal(rds_scene_act(scene), STEP_END_ACTED);
    assert_int_equal(
        look_at(scene, "available", REPLICA_OF("orders", "replicating", "true")), STEP_END_DONE);
}

static void somebody_elses_replica_is_left_alone(void **state)
{
    assert_int_equal(
        look_at(*state, "available", REPLICA_OF("billing", "replicating", "true")), STEP_END_FAIL);
    rds_scene_assert_words(*state, "a replica of billing, not of orders");
    assert_int_equal(
        look_at(*state, "available",
            REPLICA_OF("arn:aws:rds:eu-west-1:123456789012:db:orders", "replicating", "true")),
        STEP_END_FAIL);
}

static void an_instance_of_its_own_is_left_alone(void **state)
{
    assert_int_equal(look_at(*state, "available", ""), STEP_END_FAIL);
    rds_scene_assert_words(*state, "nobody's replica");
}

static void a_replication_that_ended_fails_with_its_words(void **state)
{
    static const char *const ended[] = {"error", "stopped", "terminated"};
    for (size_t i = 0; i < sizeof ended / sizeof *ended; i++) {
        char more[512];
        snprintf(more, sizeof more,
            "<ReadReplicaSourceDBInstanceIdentifier>orders</ReadReplicaSourceDBInstanceIdentifier>"
            "<StatusInfos><DBInstanceStatusInfo><StatusType>read replication</StatusType>"
            "<Status>%s</Status><Normal>false</Normal><Message>disk is full</Message>"
            "</DBInstanceStatusInfo></StatusInfos>",
            ended[i]);
        assert_int_equal(look_at(*state, "available", more), STEP_END_FAIL);
        rds_scene_assert_words(*state, ended[i]);
        rds_scene_assert_words(*state, "disk is full");
    }
    assert_int_equal(
        look_at(*state, "failed", REPLICA_OF("orders", "error", "false")), STEP_END_FAIL);
}

static void a_source_that_is_busy_is_waited_for(void **state)
{
    struct rds_scene *scene = *state;
    rds_scene_refuse(scene, "InvalidDBInstanceState", "DB instance is not available");
    assert_int_equal(rds_scene_act(scene), STEP_END_WAIT);
    rds_scene_assert_words(scene, "InvalidDBInstanceState");
}

static void a_source_without_backups_fails(void **state)
{
    struct rds_scene *scene = *state;
    rds_scene_refuse(scene, "InvalidDBInstanceState",
        "Automated backups are not enabled for this database instance.");
    assert_int_equal(rds_scene_act(scene), STEP_END_FAIL);
    assert_string_equal(scene->code, "InvalidDBInstanceState");
}

static void another_refusal_fails_with_the_code(void **state)
{
    struct rds_scene *scene = *state;
    rds_scene_refuse(scene, "InstanceQuotaExceeded", "too many");
    assert_int_equal(rds_scene_act(scene), STEP_END_FAIL);
    assert_string_equal(scene->code, "InstanceQuotaExceeded");
}

#define HERE(test) cmocka_unit_test_setup_teardown(test, begin_here, finish)
#define ACROSS(test) cmocka_unit_test_setup_teardown(test, begin_across, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        HERE(a_replica_that_replicates_is_done),
        HERE(of_its_replication_rds_may_say_nothing),
        HERE(one_that_is_missing_is_created_and_waited_for),
        ACROSS(across_regions_the_source_is_named_by_its_arn),
        ACROSS(a_source_given_by_its_arn_is_not_looked_for),
        ACROSS(a_source_that_is_missing_fails_and_its_region_is_named),
        HERE(one_that_exists_already_is_looked_at),
        HERE(somebody_elses_replica_is_left_alone),
        HERE(an_instance_of_its_own_is_left_alone),
        HERE(a_replication_that_ended_fails_with_its_words),
        HERE(a_source_that_is_busy_is_waited_for),
        HERE(a_source_without_backups_fails),
        HERE(another_refusal_fails_with_the_code),
    };
    return cmocka_run_group_tests_name("rds_replica", tests, NULL, NULL);
}
