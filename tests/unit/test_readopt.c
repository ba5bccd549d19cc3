/* A region that returned: the old primary is renamed, a replica created, waited for; by an AWS that
 * the test plays. */
#include "failover/aws/readopt.h"

#include "base/json.h"
#include "base/memory.h"
#include "tests/unit/aws_scene.h"
#include "tests/unit/rds_scene.h"

#include <string.h>

#define WEST_ARN "arn:aws:rds:us-west-2:123456789012:db:orders-standby"

#define RUNBOOK(promote)                                                                           \
    "{\"steps\": [{\"id\": \"fence\", \"step\": \"fence\"}, {\"id\": \"promote\", \"needs\": "     \
    "[\"fence\"], " promote "}, {\"id\": \"switch\", \"step\": \"switch\", \"needs\": "            \
    "[\"promote\"]}]}"
#define NO_PROMOTION                                                                               \
    "{\"steps\": [{\"id\": \"fence\", \"step\": \"fence\"}, {\"id\": \"switch\", \"step\": "       \
    "\"switch\", \"needs\": [\"fence\"]}]}"
#define PROMOTES(instance) "\"step\": \"rds.promote_read_replica\", \"instance\": \"" instance "\""
#define CLUSTER(region)                                                                            \
    "\"step\": \"rds.failover_global_cluster\", \"global_cluster\": \"orders\", \"target\": "      \
    "\"arn:aws:rds:" region ":123456789012:cluster:orders\""
#define COMMAND "\"step\": \"exec\", \"promotes\": true, \"command\": [\"/bin/true\"]"
#define CONFIG(eu, us)                                                                             \
    "{\"regions\": [\"eu-west-1\", \"us-west-2\"], \"endpoints\": {\"orders-db\": {\"type\": "     \
    "\"database\", \"group\": \"data\", \"names\": [\"db.shop.internal\"], \"targets\": "          \
    "{\"eu-west-1\": \"10.1.0.20:5432\", \"us-west-2\": \"10.2.0.20:5432\"}}}, \"runbooks\": {"    \
    "\"eu-west-1\": " eu ", \"us-west-2\": " us "}}"

static struct {
    struct aws_scene *aws;
    struct config *config;
    struct state *state;
    cJSON *result;
    bool dry_run;
} house;

static void configure(const char *text)
{
    struct config_errors errors = {.count = 0};
    if (config_parse("test.json", text, strlen(text), &house.config, &errors) < 0)
        fail_msg("%s", errors.lines[0]);
    house.state = state_at_home(house.config);
    struct state_group *group = state_find_group(house.state, "data");
    state_set_id(group->active, "us-west-2");
    group_latch(group, "eu-west-1");
}

/* The move away from eu-west-1. */
static void remember(const char *when)
{
    struct transition *past = memory_new(sizeof *past);
    past->groups = memory_new(sizeof *past->groups);
    past->group_count = 1;
    state_set_id(past->groups[0].id, "data");
    state_set_id(past->groups[0].from, "eu-west-1");
    state_set_id(past->to, "us-west-2");
    past->by = memory_text("alice");
    past->reason = memory_text("");
    past->result = RESULT_DONE;
    snprintf(past->started.wall, sizeof past->started.wall, "%s", when);
    house.state->history = memory_new(sizeof *house.state->history);
    house.state->history[0] = past;
    house.state->history_count = 1;
}

static int set_up(void **state)
{
    memset(&house, 0, sizeof house);
    aws_scene_set_up(state);
    house.aws = *state;
    configure(CONFIG(RUNBOOK(PROMOTES("orders")), RUNBOOK(PROMOTES("orders-standby"))));
    remember("2026-11-23T07:00:00.123Z");
    return 0;
}

static void forget(void)
{
    state_free(house.state);
    config_unref(house.config);
    house.state = NULL;
    house.config = NULL;
}

static int tear_down(void **state)
{
    forget();
    cJSON_Delete(house.result);
    return aws_scene_tear_down(state);
}

static void on_done(void *context, cJSON *result)
{
    (void)context;
    house.result = result;
}

static struct readopt *start(void)
{
    struct aws_scene *scene = house.aws;
    if (!scene->aws)
        scene->aws = aws_new(&scene->loop, scene->client, house.config, "us-west-2");
    cJSON_Delete(house.result);
    house.result = NULL;
    struct readopt_options options = {.loop = &scene->loop,
        .aws = scene->aws,
        .config = house.config,
        .state = house.state,
        .region = "eu-west-1",
        .dry_run = house.dry_run};
    return readopt_start(&options, on_done, NULL);
}

static void readopt(void)
{
    uint64_t end_ms = clock_boot_ms() + 20000;
    start();
    assert_null(house.result);
    while (!house.result && clock_boot_ms() < end_ms)
        uv_run(&house.aws->loop.uv, UV_RUN_ONCE);
    assert_non_null(house.result);
}

static void assert_row(const char *status, const char *words)
{
    const cJSON *rows = json_member(house.result, "rows");
    const cJSON *row = cJSON_GetArrayItem(rows, 0);
    assert_int_equal(cJSON_GetArraySize(rows), 1);
    assert_string_equal(json_text(row, "group"), "data");
    if (!strstr(json_text(row, "words"), words))
        fail_msg("\"%s\" is not in: %s", words, json_text(row, "words"));
    assert_string_equal(json_text(row, "status"), status);
    assert_true(json_bool(house.result, "done", false) == (strcmp(status, "done") == 0));
}

static void assert_asked(size_t number, const char *region, const char *part)
{
    char scope[64];
    const char *text = played_http_asked(house.aws->server, number);
    snprintf(scope, sizeof scope, "/%s/rds/aws4_request", region);
    if (!strstr(text, scope) || !strstr(text, part))
        fail_msg("\"%s\" in %s is not in: %s", part, region, text);
}

#define PLAY(...)                                                                                  \
    do {                                                                                           \
        const struct played_answer answers[] = {__VA_ARGS__};                                      \
        aws_scene_play(house.aws, answers, sizeof answers / sizeof *answers);                      \
    } while (0)
#define SHOWN(id, status, more)                                                                    \
    {                                                                                              \
        "200 OK", NULL,                                                                            \
            "<DescribeDBInstancesResponse><DescribeDBInstancesResult><DBInstances><DBInstance>"    \
            "<DBInstanceIdentifier>" id "</DBInstanceIdentifier>"                                  \
            "<DBInstanceClass>db.r6g.large</DBInstanceClass><Engine>postgres</Engine>"             \
            "<DBInstanceStatus>" status "</DBInstanceStatus>" more                                 \
            "</DBInstance></DBInstances></DescribeDBInstancesResult>"                              \
            "</DescribeDBInstancesResponse>"                                                       \
    }
#define PRIMARY                                                                                    \
    SHOWN("orders-standby", "available",                                                           \
        "<BackupRetentionPeriod>1</BackupRetentionPeriod><DBInstanceArn>" WEST_ARN                 \
        "</DBInstanceArn>")
#define REFUSED(code, message)                                                                     \
    {                                                                                              \
        "400 Bad Request", NULL,                                                                   \
            "<ErrorResponse><Error><Code>" code "</Code><Message>" message                         \
            "</Message></Error><RequestId>4f2</RequestId></ErrorResponse>"                         \
    }
#define MISSING REFUSED("DBInstanceNotFound", "not found")
#define TAKEN                                                                                      \
    {                                                                                              \
        "200 OK", NULL,                                                                            \
            "<AResponse><AResult><DBInstance><DBInstanceStatus>available</DBInstanceStatus>"       \
            "</DBInstance></AResult></AResponse>"                                                  \
    }
#define OLD "orders-old-20261123-070000"

static void an_old_primary_is_renamed_and_never_deleted(void **state)
{
    (void)state;
    PLAY(PRIMARY, SHOWN("orders", "available", ""), TAKEN);
    readopt();
    assert_row("act", "rename the old primary");
    assert_asked(0, "us-west-2", "DBInstanceIdentifier=orders-standby");
    assert_asked(1, "eu-west-1", "Action=DescribeDBInstances");
    assert_asked(2, "eu-west-1",
        "Action=ModifyDBInstance&Version=2014-10-31&DBInstanceIdentifier=orders"
        "&NewDBInstanceIdentifier=" OLD "&ApplyImmediately=true");
}

static void then_the_replica_is_created_as_the_old_one_was(void **state)
{
    (void)state;
    PLAY(PRIMARY, MISSING,
        SHOWN(OLD, "available",
            "<DBSubnetGroup><DBSubnetGroupName>private</DBSubnetGroupName></DBSubnetGroup>"
            "<VpcSecurityGroups><VpcSecurityGroupMembership><VpcSecurityGroupId>sg-1"
            "</VpcSecurityGroupId></VpcSecurityGroupMembership></VpcSecurityGroups>"
            "<PubliclyAccessible>false</PubliclyAccessible><KmsKeyId>key-1</KmsKeyId>"),
        TAKEN);
    readopt();
    assert_row("act", "create the replica: begun");
    assert_asked(2, "eu-west-1", "DBInstanceIdentifier=" OLD);
    assert_asked(3, "eu-west-1",
        "Action=CreateDBInstanceReadReplica&Version=2014-10-31&DBInstanceIdentifier=orders"
        "&SourceDBInstanceIdentifier=arn%3Aaws%3Ards%3Aus-west-2%3A123456789012%3Adb%3A"
        "orders-standby&DBInstanceClass=db.r6g.large&DBSubnetGroupName=private"
        "&PubliclyAccessible=false&KmsKeyId=key-1"
        "&VpcSecurityGroupIds.VpcSecurityGroupId.1=sg-1");
}

static void then_it_is_waited_for_until_it_replicates(void **state)
{
    (void)state;
    PLAY(PRIMARY, SHOWN("orders", "creating", REPLICA_OF(WEST_ARN, "", "true")), PRIMARY,
        SHOWN("orders", "available", REPLICA_OF(WEST_ARN, "replicating", "true")));
    readopt();
    assert_row("wait", "\"creating\"");
    readopt();
    assert_row("done", "orders replicates from orders-standby in us-west-2");
}

static void a_dry_run_asks_and_does_nothing(void **state)
{
    (void)state;
    house.dry_run = true;
    PLAY(PRIMARY, SHOWN("orders", "available", ""), PRIMARY, MISSING, MISSING);
    readopt();
    assert_row("act", "rename the old primary orders to " OLD);
    readopt();
    assert_row("act", "create orders in eu-west-1");
    assert_int_equal(played_http_count(house.aws->server), 5);
}

static void a_look_that_shows_late_ends_in_a_refusal_and_is_repeated(void **state)
{
    (void)state;
    PLAY(PRIMARY, SHOWN("orders", "available", ""),
        REFUSED("DBInstanceAlreadyExists", "the name is taken"), PRIMARY, MISSING, MISSING,
        REFUSED("DBInstanceAlreadyExists", "exists"), PRIMARY, MISSING, SHOWN(OLD, "renaming", ""));
    readopt();
    assert_row("wait", "DBInstanceAlreadyExists");
    readopt();
    assert_row("wait", "DBInstanceAlreadyExists");
    readopt();
    assert_row("wait", "is being renamed");
}

static void what_people_must_do_is_said(void **state)
{
    (void)state;
    PLAY(PRIMARY, SHOWN("orders", "stopped", ""), PRIMARY,
        SHOWN("orders", "available", REPLICA_OF("billing", "replicating", "true")), PRIMARY,
        SHOWN("orders", "available", REPLICA_OF(WEST_ARN, "error", "false")), MISSING,
        SHOWN("orders-standby", "available",
            "<BackupRetentionPeriod>0</BackupRetentionPeriod><DBInstanceArn>x</DBInstanceArn>"),
        PRIMARY, MISSING, MISSING, REFUSED("InstanceQuotaExceeded", "too many"));
    static const char *const words[] = {"start it", "is a replica of billing", "\"error\"",
        "cannot see the primary orders-standby in us-west-2", "no automated backups",
        "InstanceQuotaExceeded: too many (request 4f2)"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        readopt();
        assert_row("fail", words[i]);
    }
}

static void a_promotion_by_a_command_is_left_to_people(void **state)
{
    (void)state;
    forget();
    configure(CONFIG(RUNBOOK(COMMAND), RUNBOOK(COMMAND)));
    readopt();
    assert_row("fail", "switchover eu-west-1 --force=latch");
}

static void runbooks_that_do_not_say_who_is_whose_are_left_to_people(void **state)
{
    (void)state;
    forget();
    configure(CONFIG(NO_PROMOTION, RUNBOOK(PROMOTES("orders-standby"))));
    readopt();
    assert_row("fail", "rds.promote_read_replica");
    forget();
    configure(CONFIG(RUNBOOK(CLUSTER("eu-west-1")), RUNBOOK(PROMOTES("orders-standby"))));
    readopt();
    assert_row("fail", "not of one kind");
}

#define MEMBERS(list)                                                                              \
    {                                                                                              \
        "200 OK", NULL,                                                                            \
            "<DescribeGlobalClustersResponse><DescribeGlobalClustersResult><GlobalClusters>"       \
            "<GlobalClusterMember><Status>available</Status><GlobalClusterMembers>" list           \
            "</GlobalClusterMembers></GlobalClusterMember></GlobalClusters>"                       \
            "</DescribeGlobalClustersResult></DescribeGlobalClustersResponse>"                     \
    }
#define MEMBER(region, writes)                                                                     \
    "<GlobalClusterMember><DBClusterArn>arn:aws:rds:" region ":123456789012:cluster:orders"        \
    "</DBClusterArn><IsWriter>" writes "</IsWriter></GlobalClusterMember>"

static void a_cluster_of_aurora_is_waited_for(void **state)
{
    (void)state;
    forget();
    configure(CONFIG(RUNBOOK(CLUSTER("eu-west-1")), RUNBOOK(CLUSTER("us-west-2"))));
    PLAY(MEMBERS(MEMBER("us-west-2", "true")),
        MEMBERS(MEMBER("us-west-2", "true") MEMBER("eu-west-1", "false")),
        MEMBERS(MEMBER("us-west-2", "false") MEMBER("eu-west-1", "true")));
    readopt();
    assert_row("wait", "Aurora adds it back");
    assert_asked(0, "us-west-2", "GlobalClusterIdentifier=orders");
    readopt();
    assert_row("done", "is a secondary of orders");
    readopt();
    assert_row("fail", "is the writer");
}

static void without_a_latch_there_is_nothing_to_do(void **state)
{
    (void)state;
    group_unlatch(state_find_group(house.state, "data"), "eu-west-1");
    readopt();
    assert_int_equal(cJSON_GetArraySize(json_member(house.result, "rows")), 0);
    assert_true(json_bool(house.result, "done", false));
}

static void one_that_is_cancelled_is_heard_of_no_more(void **state)
{
    (void)state;
    PLAY({"silent", NULL, NULL});
    struct readopt *running = start();
    aws_scene_wait_asked(house.aws, 1);
    readopt_cancel(running);
    uv_run(&house.aws->loop.uv, UV_RUN_NOWAIT);
    assert_null(house.result);
}

#define READOPT(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        READOPT(an_old_primary_is_renamed_and_never_deleted),
        READOPT(then_the_replica_is_created_as_the_old_one_was),
        READOPT(then_it_is_waited_for_until_it_replicates),
        READOPT(a_dry_run_asks_and_does_nothing),
        READOPT(a_look_that_shows_late_ends_in_a_refusal_and_is_repeated),
        READOPT(what_people_must_do_is_said),
        READOPT(a_promotion_by_a_command_is_left_to_people),
        READOPT(runbooks_that_do_not_say_who_is_whose_are_left_to_people),
        READOPT(a_cluster_of_aurora_is_waited_for),
        READOPT(without_a_latch_there_is_nothing_to_do),
        READOPT(one_that_is_cancelled_is_heard_of_no_more),
    };
    return cmocka_run_group_tests_name("readopt", tests, NULL, NULL);
}
