/* rds.fence_old_primary, in a region that answers and in one that does not. */
#include "tests/unit/rds_scene.h"
#include "tests/unit/unit.h"

#include <string.h>

#define GROUP(id, status)                                                                          \
    "<VpcSecurityGroupMembership><VpcSecurityGroupId>" id "</VpcSecurityGroupId><Status>" status   \
    "</Status></VpcSecurityGroupMembership>"
#define GROUPS(list) "<VpcSecurityGroups>" list "</VpcSecurityGroups>"

static int begin_stop(void **state)
{
    *state = rds_scene_new(
        "rds.fence_old_primary", "{\"instance\": \"orders\", \"region\": \"eu-west-1\"}");
    return 0;
}

static int begin_cut(void **state)
{
    *state = rds_scene_new("rds.fence_old_primary",
        "{\"instance\": \"orders\", \"region\": \"eu-west-1\", \"security_group\": \"sg-0\"}");
    return 0;
}

static int finish(void **state)
{
    rds_scene_free(*state);
    return 0;
}

static enum step_end look_at(struct rds_scene *scene, const char *status, const char *more)
{
    rds_scene_answer(scene, rds_scene_instance("orders", "db.r6g.large", status, more));
    return rds_scene_look(scene);
}

static void one_that_runs_is_stopped_in_its_own_region(void **state)
{
    struct rds_scene *scene = *state;
    assert_int_equal(look_at(scene, "available", ""), STEP_END_MUST);
    rds_scene_assert_asked(scene, 0, "DescribeDBInstances eu-west-1 ");
    rds_scene_answer(scene, rds_scene_accepted);
    assert_int_equal(rds_scene_act(scene), STEP_END_ACTED);
    assert_string_equal(scene->asked[0], "StopDBInstance eu-west-1 DBInstanceIdentifier=orders");
    assert_int_equal(look_at(scene, "stopping", ""), STEP_END_WAIT);
    assert_int_equal(look_at(scene, "stopped", ""), STEP_END_DONE);
}

static void what_rds_does_not_stop_is_said_before(void **state)
{
    static const char *const more[] = {
        "<ReadReplicaDBInstanceIdentifiers><ReadReplicaDBInstanceIdentifier>orders-2"
        "</ReadReplicaDBInstanceIdentifier></ReadReplicaDBInstanceIdentifiers>",
        REPLICA_OF("billing", "replicating", "true"),
    };
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(look_at(*state, "available", more[i]), STEP_END_FAIL);
        rds_scene_assert_words(*state, "give \"security_group\"");
    }
    assert_int_equal(
        look_at(*state, "available",
            "<ReadReplicaDBInstanceIdentifiers><ReadReplicaDBInstanceIdentifier>"
            "arn:aws:rds:us-west-2:123456789012:db:orders</ReadReplicaDBInstanceIdentifier>"
            "</ReadReplicaDBInstanceIdentifiers>"),
        STEP_END_MUST);
}

static void a_state_that_forbids_it_is_looked_at_again(void **state)
{
    struct rds_scene *scene = *state;
    rds_scene_refuse(scene, "InvalidDBInstanceState", "has read replicas");
    assert_int_equal(rds_scene_act(scene), STEP_END_WAIT);
    rds_scene_assert_words(scene, "InvalidDBInstanceState");
    rds_scene_refuse(scene, "AccessDenied", "no");
    assert_int_equal(rds_scene_act(scene), STEP_END_FAIL);
    assert_string_equal(scene->code, "AccessDenied");
}

static void one_that_is_missing_or_lost_fails(void **state)
{
    struct rds_scene *scene = *state;
    rds_scene_refuse(scene, "DBInstanceNotFound", "DBInstance orders not found.");
    assert_int_equal(rds_scene_look(scene), STEP_END_FAIL);
    rds_scene_assert_words(scene, "no DB instance orders in eu-west-1");
    assert_int_equal(look_at(scene, "failed", ""), STEP_END_FAIL);
}

/* Time that passes: the clock is not the test's, so the timeout is none. */
static void a_region_that_never_answers_leaves_it_unknown(void **state)
{
    struct rds_scene *scene = *state;
    scene->given.timeout_ms = 60000;
    rds_scene_silence(scene);
    assert_int_equal(rds_scene_look(scene), STEP_END_WAIT);
    rds_scene_silence(scene);
    assert_int_equal(rds_scene_look(scene), STEP_END_WAIT);
    scene->given.timeout_ms = 1;
    assert_int_equal(rds_scene_look(scene), STEP_END_UNKNOWN);
    rds_scene_assert_words(scene, "eu-west-1 does not answer");
    assert_int_equal(scene->asked_count, 0);
}

static void a_region_that_answered_once_is_waited_for(void **state)
{
    struct rds_scene *scene = *state;
    assert_int_equal(look_at(scene, "stopping", ""), STEP_END_WAIT);
    scene->given.timeout_ms = 1;
    assert_int_equal(look_at(scene, "stopping", ""), STEP_END_WAIT);
}

static void a_security_group_takes_the_place_of_all_others(void **state)
{
    struct rds_scene *scene = *state;
    assert_int_equal(look_at(scene, "available", GROUPS(GROUP("sg-1", "active"))), STEP_END_MUST);
    rds_scene_answer(scene, rds_scene_accepted);
    assert_int_equal(rds_scene_act(scene), STEP_END_ACTED);
    assert_string_equal(scene->asked[0],
        "ModifyDBInstance eu-west-1 DBInstanceIdentifier=orders"
        "&VpcSecurityGroupIds.VpcSecurityGroupId.1=sg-0&ApplyImmediately=true");
    assert_int_equal(
        look_at(scene, "available", GROUPS(GROUP("sg-0", "adding") GROUP("sg-1", "removing"))),
        STEP_END_WAIT);
    assert_int_equal(
        look_at(scene, "available", GROUPS(GROUP("sg-0", "active") GROUP("sg-1", "active"))),
        STEP_END_MUST);
    assert_int_equal(look_at(scene, "available", GROUPS(GROUP("sg-0", "active"))), STEP_END_DONE);
    assert_int_equal(look_at(scene, "available", GROUPS("")), STEP_END_MUST);
}

#define STOP(test) cmocka_unit_test_setup_teardown(test, begin_stop, finish)

int main(void)
{
    const struct CMUnitTest tests[] = {
        STOP(one_that_runs_is_stopped_in_its_own_region),
        STOP(what_rds_does_not_stop_is_said_before),
        STOP(a_state_that_forbids_it_is_looked_at_again),
        STOP(one_that_is_missing_or_lost_fails),
        STOP(a_region_that_never_answers_leaves_it_unknown),
        STOP(a_region_that_answered_once_is_waited_for),
        cmocka_unit_test_setup_teardown(
            a_security_group_takes_the_place_of_all_others, begin_cut, finish),
    };
    return cmocka_run_group_tests_name("rds_fence", tests, NULL, NULL);
}
