/* What the positions of two databases say about each other, and whose databases are asked. */
#include "failover/aws/position.h"
#include "tests/unit/rds_scene.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

#define COLUMNS_MAX 6

/* Names and values in turn, NULL-terminated. */
struct columns {
    const char *texts[2 * COLUMNS_MAX + 1];
};

static void fill(struct sql_row *row, const struct columns *columns)
{
    row->count = 0;
    for (size_t i = 0; columns->texts[i]; i += 2)
        sql_row_add(row, columns->texts[i], columns->texts[i + 1]);
}

static void assert_judged(enum config_probe_type type, const struct columns *primary,
    const struct columns *replica, bool settled, enum position_verdict wanted, const char *part)
{
    struct sql_row rows[2];
    char words[POSITION_WORDS_SIZE];
    fill(&rows[0], primary);
    fill(&rows[1], replica);
    assert_int_equal(position_judge(type, &rows[0], &rows[1], settled, words), wanted);
    if (!strstr(words, part))
        fail_msg("\"%s\" is not in: %s", part, words);
    sql_row_fini(&rows[0]);
    sql_row_fini(&rows[1]);
}

static void assert_postgres(const char *inserted, const char *written, const char *replayed,
    bool settled, enum position_verdict wanted, const char *part)
{
    const struct columns primary = {{"inserted", inserted, "written", written, "system", "7"}};
    const struct columns replica = {{"recovers", "t", "replayed", replayed, "system", "7"}};
    assert_judged(CONFIG_PROBE_POSTGRES, &primary, &replica, settled, wanted, part);
}

static void postgres_compares_all_64_bits(void **unused)
{
    (void)unused;
    assert_postgres("1/0", "1/0", "0/FFFFFFFF", true, POSITION_BEHIND, "1 bytes behind");
    assert_postgres("0/FFFFFFFF", "0/FFFFFFFF", "1/0", false, POSITION_REACHED, "to its end");
    assert_postgres("A/10", "A/10", "9/F0", true, POSITION_BEHIND, "behind");
    assert_postgres("FFFFFFFF/10", "FFFFFFFF/10", "FFFFFFFF/10", false, POSITION_REACHED, "end");
}

static void what_is_not_written_yet_counts_until_it_had_its_time(void **unused)
{
    (void)unused;
    assert_postgres("0/300", "0/200", "0/200", false, POSITION_BEHIND, "256 bytes behind");
    assert_postgres("0/300", "0/200", "0/200", true, POSITION_REACHED, "0/200");
    assert_postgres("0/300", "0/200", "0/1FF", true, POSITION_BEHIND, "257 bytes behind");
}

static void odd_positions_are_unknown(void **unused)
{
    (void)unused;
    static const char *const odd[] = {
        "", "0", "/", "0/", "/0", "0/0 ", " 0/0", "-1/0", "0x1/0", "0/1/2", "123456789/0", NULL};
    for (size_t i = 0; odd[i]; i++) {
        assert_postgres("0/0", "0/0", odd[i], true, POSITION_UNKNOWN, "not known");
        assert_postgres(odd[i], "0/0", "0/0", true, POSITION_UNKNOWN, "not known");
    }
    assert_postgres("0/0", "0/0", NULL, true, POSITION_UNKNOWN, "not known");
}

static void who_is_no_replica_of_it_is_unknown(void **unused)
{
    (void)unused;
    const struct columns primary = {{"inserted", "0/1", "written", "0/1", "system", "7"}};
    const struct columns promoted = {{"recovers", "f", "replayed", "0/1", "system", "7"}};
    const struct columns foreign = {{"recovers", "t", "replayed", "0/1", "system", "8"}};
    assert_judged(
        CONFIG_PROBE_POSTGRES, &primary, &promoted, true, POSITION_UNKNOWN, "not in recovery");
    assert_judged(
        CONFIG_PROBE_POSTGRES, &primary, &foreign, true, POSITION_UNKNOWN, "not of the primary's");
}

static void assert_gtid(
    const char *primary, const char *replica, enum position_verdict wanted, const char *part)
{
    const struct columns columns[] = {{{"gtid", primary}}, {{"gtid", replica}}};
    assert_judged(CONFIG_PROBE_MYSQL, &columns[0], &columns[1], true, wanted, part);
}

static void gtids_are_compared_in_each_domain(void **unused)
{
    (void)unused;
    assert_gtid("0-1-100", "0-1-100", POSITION_REACHED, "0-1-100");
    assert_gtid("0-1-100", "0-1-99", POSITION_BEHIND, "it is at GTID 0-1-99");
    assert_gtid("0-1-100", "0-1-1000", POSITION_REACHED, "0-1-100");
    assert_gtid("0-1-100,3-1-7", "3-1-7,0-1-100", POSITION_REACHED, "3-1-7");
    assert_gtid("0-1-100,3-1-7", "3-1-6,0-1-100", POSITION_BEHIND, "3-1-6");
    assert_gtid("0-1-100,3-1-7", "0-1-100", POSITION_BEHIND, "0-1-100");
    assert_gtid("0-1-1", "", POSITION_BEHIND, "(none)");
}

static void gtids_of_another_server_prove_nothing(void **unused)
{
    (void)unused;
    assert_gtid("0-1-100", "0-2-100", POSITION_UNKNOWN, "another server");
    assert_gtid("0-2-100", "0-1-99", POSITION_BEHIND, "0-1-99");
    assert_gtid("", "0-1-100", POSITION_UNKNOWN, "no GTID");
    assert_gtid("0-1-100,", "0-1-100", POSITION_UNKNOWN, "no GTID");
    assert_gtid("0-1-100", "0-1-100x", POSITION_BEHIND, "0-1-100x");
    assert_gtid("0-1-", "0-1-100", POSITION_UNKNOWN, "no GTID");
}

#define RUNS "Replica_IO_Running", "Yes", "Replica_SQL_Running", "Yes"

static void assert_binlog(
    const char *file, const char *offset, enum position_verdict wanted, const char *part)
{
    const struct columns primary = {{"File", "bin.000999", "Position", "900"}};
    const struct columns replica = {
        {RUNS, "Relay_Source_Log_File", file, "Exec_Source_Log_Pos", offset}};
    const struct columns old = {{"Slave_IO_Running", "Yes", "Slave_SQL_Running", "Yes",
        "Relay_Master_Log_File", file, "Exec_Master_Log_Pos", offset}};
    assert_judged(CONFIG_PROBE_MYSQL, &primary, &replica, true, wanted, part);
    assert_judged(CONFIG_PROBE_MYSQL, &primary, &old, true, wanted, part);
}

static void binlogs_are_compared_by_number_then_by_offset(void **unused)
{
    (void)unused;
    assert_binlog("bin.000999", "900", POSITION_REACHED, "bin.000999:900");
    assert_binlog("bin.000999", "899", POSITION_BEHIND, "bin.000999:899");
    assert_binlog("bin.000998", "1000", POSITION_BEHIND, "bin.000998:1000");
    assert_binlog("bin.001000", "4", POSITION_REACHED, "bin.001000:4");
    assert_binlog("bin.1000000", "4", POSITION_REACHED, "bin.1000000:4");
    assert_binlog("other.000999", "900", POSITION_UNKNOWN, "no position");
    assert_binlog("", "0", POSITION_UNKNOWN, "no position");
    assert_binlog("bin.000999", "", POSITION_UNKNOWN, "no position");
}

static void a_replica_that_does_not_replicate_is_unknown(void **unused)
{
    (void)unused;
    const struct columns primary = {{"File", "bin.1", "Position", "9"}};
    const struct columns stopped = {{"Slave_IO_Running", "Connecting", "Slave_SQL_Running", "Yes",
        "Relay_Master_Log_File", "bin.1", "Exec_Master_Log_Pos", "9"}};
    assert_judged(
        CONFIG_PROBE_MYSQL, &primary, &stopped, true, POSITION_UNKNOWN, "does not replicate");
    const struct columns blind = {{"gtid", "0-1-1"}};
    assert_judged(CONFIG_PROBE_MYSQL, &blind, &stopped, true, POSITION_UNKNOWN, "no binlog");
}

/* Whose databases are asked. */

#define DATABASE(id, port, eu, us)                                                                 \
    "\"" id "\": {\"type\": \"database\", \"group\": \"data\", \"names\": [\"" id                  \
    ".shop.test\"], "                                                                              \
    "\"targets\": {\"eu-west-1\": \"" eu ":5432\", \"us-west-2\": \"" us ":5432\"}, "              \
    "\"relay\": {\"listen\": \"127.0.0.1:" port                                                    \
    "\", \"probe\": {\"type\": \"postgres\", \"user\": "                                           \
    "\"u\"}}}"
#define RDS(id) id ".c9.us-west-2.rds.amazonaws.com"
#define WAIT(id, instance)                                                                         \
    "{\"id\": \"" id "\", \"step\": \"rds.wait_caught_up\", \"instance\": \"" instance "\"}"

static void assert_asked(const char *endpoints, const char *steps, bool wanted)
{
    struct config_errors errors = {0};
    struct config *config;
    struct loop loop;
    char *text = NULL;
    if (asprintf(&text,
            "{\"regions\": [\"eu-west-1\", \"us-west-2\"], \"endpoints\": {%s}, "
            "\"runbooks\": {\"us-west-2\": {\"steps\": [%s, "
            "{\"id\": \"fence\", \"step\": \"fence\"}, "
            "{\"id\": \"switch\", \"step\": \"switch\", \"needs\": [\"fence\"]}]}}}",
            endpoints, steps) < 0)
        abort();
    if (config_parse("test.json", text, strlen(text), &config, &errors) < 0)
        fail_msg("%s", errors.lines[0]);
    assert_int_equal(loop_init(&loop, "test"), 0);
    struct rds_scene *scene = rds_scene_new("rds.wait_caught_up", "{\"instance\": \"orders\"}");
    scene->given.groups = config->runbooks[1].steps[0].groups;
    scene->given.group_count = config->runbooks[1].steps[0].group_count;
    scene->step.config = config;
    scene->step.loop = &loop;
    scene->step.fenced = true;
    scene->step.kind->look(&scene->step);
    assert_int_equal(scene->asked_count, !wanted); /* who is not asked is asked of AWS */
    scene->step.kind->cancel(&scene->step);
    rds_scene_free(scene);
    uv_run(&loop.uv, UV_RUN_NOWAIT);
    loop_fini(&loop);
    config_errors_fini(&errors);
    config_unref(config);
    free(text);
}

static void a_name_of_rds_says_whose_database_it_is(void **unused)
{
    (void)unused;
    const char *wait = WAIT("w", "orders");
    assert_asked(DATABASE("a", "5401", "a.test", RDS("orders")), wait, true);
    assert_asked(DATABASE("a", "5401", "a.test", RDS("orders2")), wait, false);
    assert_asked(DATABASE("a", "5401", "a.test", RDS("users")) "," DATABASE(
                     "b", "5402", "b.test", RDS("Orders")),
        wait, true);
    assert_asked(
        DATABASE("a", "5401", "a.test", RDS("users")) "," DATABASE("b", "5402", "b.test", "c.test"),
        wait, false);
}

static void another_name_is_believed_where_there_is_but_one(void **unused)
{
    (void)unused;
    assert_asked(DATABASE("a", "5401", "a.test", "b.test"), WAIT("w", "orders"), true);
    assert_asked(
        DATABASE("a", "5401", "a.test", "b.test") "," DATABASE("b", "5402", "c.test", "d.test"),
        WAIT("w", "orders"), false);
    assert_asked(DATABASE("a", "5401", "a.test", "b.test"),
        WAIT("w", "orders") "," WAIT("v", "users"), false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(postgres_compares_all_64_bits),
        cmocka_unit_test(what_is_not_written_yet_counts_until_it_had_its_time),
        cmocka_unit_test(odd_positions_are_unknown),
        cmocka_unit_test(who_is_no_replica_of_it_is_unknown),
        cmocka_unit_test(gtids_are_compared_in_each_domain),
        cmocka_unit_test(gtids_of_another_server_prove_nothing),
        cmocka_unit_test(binlogs_are_compared_by_number_then_by_offset),
        cmocka_unit_test(a_replica_that_does_not_replicate_is_unknown),
        cmocka_unit_test(a_name_of_rds_says_whose_database_it_is),
        cmocka_unit_test(another_name_is_believed_where_there_is_but_one),
    };
    return cmocka_run_group_tests_name("position", tests, NULL, NULL);
}
