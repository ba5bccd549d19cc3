#include "tests/unit/config_texts.h"

/* Group "data" has a database, "web" has none. The steps start on line 2, one a line. */
#define RUNBOOK(steps)                                                                             \
    "{" REGIONS ", \"endpoints\": {\"db\": {\"type\": \"database\", \"group\": \"data\", "         \
    "\"names\": [\"db.test\"], " TARGETS "}, \"www\": {\"type\": \"name\", \"group\": \"web\", "   \
    "\"names\": [\"www.test\"], " TARGETS "}}, \"runbooks\": {\"west\": {\"steps\": [\n" steps     \
    "]}}}"

#define FENCE "{\"id\": \"fence\", \"step\": \"fence\"}"
#define PROMOTE(more)                                                                              \
    "{\"id\": \"promote\", \"step\": \"rds.promote_read_replica\", \"instance\": \"i\"" more "}"
#define SWITCH(more) "{\"id\": \"switch\", \"step\": \"switch\"" more "}"
#define EXEC(id, more) "{\"id\": \"" id "\", \"step\": \"exec\", \"command\": [\"true\"]" more "}"
#define NEEDS(ids) ", \"needs\": [" ids "]"
#define SAFE SWITCH("")
#define AT "runbooks.west.steps"

static void steps_are_understood(void **unused)
{
    (void)unused;
    struct config *config = read_good(RUNBOOK(FENCE ",\n" PROMOTE(
        NEEDS(
            "\"fence\"") ", \"timeout\": "
                         "\"5m\", \"groups\": [\"data\"]") ",\n" SWITCH(NEEDS("\"promote\"") ", "
                                                                                             "\"gro"
                                                                                             "ups\""
                                                                                             ": "
                                                                                             "[\"da"
                                                                                             "ta\""
                                                                                             "]") ",\n" EXEC("x",
        ", \"when\": \"failover\", \"on_failure\": \"continue\"") ",\n" EXEC("y",
        ", \"when\": \"switchover\", \"reversible\": true") ",\n"
                                                            "{\"id\": \"dns\", \"step\": "
                                                            "\"route53.upsert\", \"zone\": \"Z\", "
                                                            "\"records\": [{\"name\": \"a\","
                                                            "\"type\": \"A\", \"ttl\": \"60s\", "
                                                            "\"values\": [\"10.0.0.1\"]}]}"));
    const struct config_runbook *runbook = &config->runbooks[1];
    const struct config_step *steps = runbook->steps;
    assert_false(config->runbooks[0].present);
    assert_true(runbook->present);
    assert_int_equal(runbook->target_rto_ms, 0);
    assert_int_equal(runbook->min_interval_ms, 3600000);
    assert_int_equal(runbook->ready_every_ms, 0);
    assert_int_equal(runbook->step_count, 6);
    assert_string_equal(steps[0].id, "fence");
    assert_string_equal(steps[0].type, "fence");
    assert_int_equal(steps[0].group_count, 2);
    assert_true(steps[0].on_failover && steps[0].on_switchover);
    assert_false(steps[0].promotes || steps[0].irreversible || steps[0].continue_on_failure);
    assert_int_equal(steps[1].timeout_ms, 300000);
    assert_int_equal(steps[1].need_count, 1);
    assert_string_equal(steps[1].needs[0], "fence");
    assert_true(steps[1].promotes && steps[1].irreversible);
    assert_int_equal(steps[2].group_count, 1);
    assert_int_equal(steps[2].groups[0], config_group(config, "data"));
    assert_true(steps[3].on_failover && !steps[3].on_switchover);
    assert_true(steps[3].continue_on_failure && steps[3].irreversible && !steps[3].promotes);
    assert_true(!steps[4].on_failover && steps[4].on_switchover && !steps[4].irreversible);
    assert_true(steps[5].continue_on_failure);
    config_unref(config);
}

static void a_step_in_another_region_continues_after_30_seconds(void **unused)
{
    (void)unused;
    struct config *config =
        read_good(RUNBOOK(SAFE ",\n"
                               "{\"id\": \"a\", \"step\": \"rds.fence_old_primary\", \"instance\": "
                               "\"i\", \"region\": \"east\"},\n"
                               "{\"id\": \"b\", \"step\": \"rds.fence_old_primary\", \"instance\": "
                               "\"i\", \"region\": \"west\"},\n"
                               "{\"id\": \"c\", \"step\": \"rds.fence_old_primary\", \"instance\": "
                               "\"i\", \"region\": \"east\","
                               "\"on_failure\": \"stop\", \"timeout\": \"1m\"}"));
    const struct config_step *steps = config->runbooks[1].steps;
    assert_true(steps[1].continue_on_failure);
    assert_int_equal(steps[1].timeout_ms, 30000);
    assert_false(steps[2].continue_on_failure);
    assert_int_equal(steps[2].timeout_ms, 0);
    assert_false(steps[3].continue_on_failure);
    assert_int_equal(steps[3].timeout_ms, 60000);
    config_unref(config);
    assert_wrong(
        RUNBOOK("{\"id\": \"a\", \"step\": \"rds.fence_old_primary\", \"instance\": \"i\", "
                "\"region\": \"east\"},\n" SWITCH(NEEDS("\"a\""))),
        "a.json:3: " AT
        "[1].needs: \"a\" calls another region, which may be lost: nothing may need "
        "it\n");
    config_unref(read_good(RUNBOOK(
        "{\"id\": \"a\", \"step\": \"rds.fence_old_primary\", \"instance\": "
        "\"i\", \"region\": \"east\", \"when\": \"switchover\"},\n" SWITCH(NEEDS("\"a\"")))));
}

#define STEP(type, more) "{\"id\": \"x\", \"step\": \"" type "\"" more "}"

static void a_bucket_in_another_region_is_a_step_there(void **unused)
{
    (void)unused;
    struct config *config = read_good(
        "{" REGIONS ", \"endpoints\": {\"assets\": {\"type\": \"bucket\","
        "\"buckets\": {\"east\": \"assets-e\", \"west\": \"assets-w\"}}},"
        "\"runbooks\": {\"west\": {\"steps\": ["
        "{\"id\": \"a\", \"step\": \"s3.check_replication\", \"bucket\": \"assets-e\"},"
        "{\"id\": \"b\", \"step\": \"s3.check_replication\", \"bucket\": \"assets-w\"},"
        "{\"id\": \"c\", \"step\": \"s3.check_replication\", \"bucket\": \"assets-x\"}]}}}");
    const struct config_step *steps = config->runbooks[1].steps;
    assert_true(steps[0].continue_on_failure);
    assert_int_equal(steps[0].timeout_ms, 30000);
    assert_false(steps[1].continue_on_failure || steps[2].continue_on_failure);
    config_unref(config);
}

static void steps_have_what_their_type_needs(void **unused)
{
    (void)unused;
    assert_all_wrong((const struct wrong[]){
        {RUNBOOK(SAFE ",\n5"), "a.json:3: " AT "[1]: must be an object\n"},
        {RUNBOOK(SAFE ",\n{\"id\": \"x\"}"), "a.json:3: " AT "[1].step: missing\n"},
        {RUNBOOK(SAFE ",\n" STEP("swich", "")),
            "a.json:3: " AT "[1].step: unknown step \"swich\", did you mean \"switch\"?\n"},
        {RUNBOOK(SAFE ",\n" STEP("approve", ", \"mesage\": \"?\"")),
            "a.json:3: " AT "[1].mesage: unknown key of a step \"approve\", did you mean "
            "\"message\"?\n"},
        {RUNBOOK(SAFE ",\n" STEP("exec", "")), "a.json:3: " AT "[1].command: missing\n"},
        {RUNBOOK(SAFE ",\n" STEP("exec", ", \"command\": \"true\"")),
            "a.json:3: " AT "[1].command: must be an array\n"},
        {RUNBOOK(SAFE ",\n" STEP("exec", ", \"command\": [\"true\"], \"env\": {\"A\": 1}")),
            "a.json:3: " AT "[1].env.A: must be a string\n"},
        {RUNBOOK(SAFE ",\n" STEP("ec2.start", "")),
            "a.json:3: " AT "[1]: needs \"instances\" or \"tags\", and not both\n"},
        {RUNBOOK(SAFE ",\n" STEP("cloudwatch.wait", ", \"metric\": 5, \"below\": 1")),
            "a.json:3: " AT "[1].metric: must be a string or an object\n"},
        {RUNBOOK(SAFE ",\n" STEP("rds.modify", ", \"instance\": \"i\"")),
            "a.json:3: " AT "[1]: has nothing to do: give \"class\", for one\n"},
        {RUNBOOK(SAFE
             ",\n" STEP("autoscaling.scale", ", \"group\": \"g\", \"min\": 3, \"desired\": 2")),
            "a.json:3: " AT "[1]: \"min\", \"desired\", \"max\" must not decrease\n"},
        {RUNBOOK(SAFE
             ",\n" STEP("rds.fence_old_primary", ", \"instance\": \"i\", \"region\": \"estt\"")),
            "a.json:3: " AT "[1].region: unknown region \"estt\", did you mean "
            "\"east\"?\n"},
        {RUNBOOK(SAFE ",\n" STEP("fence", ", \"groups\": [\"daat\"]")),
            "a.json:3: " AT "[1].groups[0]: unknown group \"daat\", did you mean "
            "\"data\"?\n"},
        {RUNBOOK(SAFE ",\n" STEP("approve", ", \"groups\": [\"web\", \"web\"]")),
            "a.json:3: " AT "[1].groups[1]: group \"web\" is given twice\n"},
        {RUNBOOK(SAFE ",\n" STEP("approve", ", \"when\": \"always\"")),
            "a.json:3: " AT "[1].when: must be \"failover\", \"switchover\" or \"both\", not "
            "\"always\"\n"},
        {0},
    });
}

static void a_runbook_belongs_to_a_region_and_has_steps(void **unused)
{
    (void)unused;
    assert_all_wrong((const struct wrong[]){
        {"{" REGIONS ", \"endpoints\": {},\n\"runbooks\": {\"wets\": {\"steps\": []}}}",
            "a.json:2: runbooks.wets: unknown region \"wets\", did you mean \"west\"?\n"},
        {"{" REGIONS ", \"endpoints\": {},\n\"runbooks\": {\"west\": {}}}",
            "a.json:2: runbooks.west.steps: missing\n"},
        {0},
    });
    config_unref(
        read_good("{" REGIONS ", \"endpoints\": {},\n\"runbooks\": {\"west\": {\"steps\": []}}}"));
}

static void needs_lead_to_steps_and_never_in_a_circle(void **unused)
{
    (void)unused;
    assert_all_wrong((const struct wrong[]){
        {RUNBOOK(SAFE ",\n" STEP("approve", NEEDS("\"switch\", \"nothing\""))),
            "a.json:3: " AT "[1].needs[1]: there is no step \"nothing\"\n"},
        {RUNBOOK(SAFE ",\n" SWITCH("")),
            "a.json:3: " AT "[1].id: \"switch\" is another step's id already\n"},
        {RUNBOOK(SAFE ",\n" STEP("approve", NEEDS("\"x\""))),
            "a.json:3: " AT "[1].needs: a circle: the step needs itself, directly or not\n"},
        {RUNBOOK(SAFE ",\n" EXEC("a", NEEDS("\"c\"")) ",\n" EXEC("b", NEEDS("\"a\"")) ",\n" EXEC(
             "c", NEEDS("\"b\"")) ",\n" EXEC("d", NEEDS("\"c\""))),
            "a.json:3: " AT "[1].needs: a circle: the step needs itself, directly or not\n"
            "a.json:4: " AT "[2].needs: a circle: the step needs itself, directly or not\n"
            "a.json:5: " AT "[3].needs: a circle: the step needs itself, directly or not\n"},
        {0},
    });
    /* Two that never run together make no circle. */
    config_unref(read_good(
        RUNBOOK(SAFE ",\n" EXEC("a", NEEDS("\"b\"") ", \"when\": \"failover\"") ",\n" EXEC(
            "b", NEEDS("\"a\"") ", \"when\": \"switchover\""))));
}

static void a_database_group_has_a_switch(void **unused)
{
    (void)unused;
    assert_all_wrong((const struct wrong[]){
        {RUNBOOK(""), "a.json:1: " AT ": database group \"data\" has no switch\n"},
        {RUNBOOK(SWITCH(", \"groups\": [\"web\"], \"when\": \"failover\"")),
            "a.json:1: " AT ": database group \"data\" has no switch (in a failover)\n"},
        {RUNBOOK(SWITCH(", \"when\": \"failover\"") ",\n" FENCE),
            "a.json:1: " AT ": database group \"data\" has no switch (in a switchover)\n"
            "a.json:2: " AT "[0]: switches database group \"data\" without needing its fence "
            "\"fence\" (in a failover)\n"},
        {0},
    });
    config_unref(read_good(RUNBOOK(SWITCH(", \"groups\": [\"data\"]"))));
}

static void a_switch_needs_the_fence_and_every_promotion(void **unused)
{
    (void)unused;
#define FAILOVER ", \"when\": \"failover\""
    assert_all_wrong((const struct wrong[]){
        {RUNBOOK("{\"id\": \"fence\", \"step\": \"fence\"" FAILOVER "},\n" PROMOTE(
             NEEDS("\"fence\"") FAILOVER) ",\n" SWITCH(NEEDS("\"fence\"") FAILOVER)),
            "a.json:4: " AT "[2]: switches database group \"data\" without needing the promotion "
            "\"promote\" (in a failover)\n"},
        {RUNBOOK("{\"id\": \"fence\", \"step\": \"fence\"" FAILOVER
                 "},\n" PROMOTE(FAILOVER) ",\n" SWITCH(NEEDS("\"fence\", \"promote\"") FAILOVER)),
            "a.json:3: " AT "[1]: promotes database group \"data\" without needing its fence "
            "\"fence\" (in a failover)\n"},
        {RUNBOOK(EXEC("e", ", \"promotes\": true" FAILOVER) ",\n" SWITCH(FAILOVER)),
            "a.json:3: " AT "[1]: switches database group \"data\" without needing the promotion "
            "\"e\" (in a failover)\n"},
        {RUNBOOK(
             EXEC("e", ", \"promotes\": true, \"reversible\": true") ",\n" SWITCH(NEEDS("\"e\""))),
            "a.json:2: " AT "[0].reversible: a promotion is irreversible\n"},
        {0},
    });
    config_unref(read_good(RUNBOOK(FENCE ",\n" EXEC("a", NEEDS("\"fence\"")) ",\n" PROMOTE(
        NEEDS("\"a\"")) ",\n" EXEC("b", NEEDS("\"promote\"")) ",\n" SWITCH(NEEDS("\"b\"")))));
    /* Another group's fence and promotion are not this group's. */
    config_unref(
        read_good(RUNBOOK("{\"id\": \"f\", \"step\": \"fence\", \"groups\": [\"web\"]},\n" PROMOTE(
            ", \"groups\": [\"web\"]") ",\n" SWITCH(""))));
}

static void a_need_that_takes_no_part_orders_nothing(void **unused)
{
    (void)unused;
    assert_wrong(RUNBOOK(FENCE ",\n" EXEC("a",
                     NEEDS("\"fence\"") ", \"when\": \"switchover\"") ",\n" SWITCH(NEEDS("\"a\""))),
        "a.json:4: " AT "[2]: switches database group \"data\" without needing its fence \"fence\" "
        "(in a failover)\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_are_understood),
        cmocka_unit_test(a_step_in_another_region_continues_after_30_seconds),
        cmocka_unit_test(a_bucket_in_another_region_is_a_step_there),
        cmocka_unit_test(steps_have_what_their_type_needs),
        cmocka_unit_test(a_runbook_belongs_to_a_region_and_has_steps),
        cmocka_unit_test(needs_lead_to_steps_and_never_in_a_circle),
        cmocka_unit_test(a_database_group_has_a_switch),
        cmocka_unit_test(a_switch_needs_the_fence_and_every_promotion),
        cmocka_unit_test(a_need_that_takes_no_part_orders_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
