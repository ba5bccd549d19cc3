/* s3.check_replication and s3.put_replication, against what S3 and CloudWatch answer. */
#include "tests/unit/acting_step.h"

#include <string.h>

extern const struct step_kind step_s3_check_replication, step_s3_put_replication;

#define RULE(id, status)                                                                           \
    "<Rule><ID>" id "</ID><Priority>1</Priority><Filter><Prefix></Prefix></Filter><Status>" status \
    "</Status><SourceSelectionCriteria><ReplicaModifications><Status>Enabled</Status>"             \
    "</ReplicaModifications></SourceSelectionCriteria><Destination>"                               \
    "<Bucket>arn:aws:s3:::assets-eu</Bucket></Destination><DeleteMarkerReplication>"               \
    "<Status>Disabled</Status></DeleteMarkerReplication></Rule>"
#define ROLE "<Role>arn:aws:iam::123456789012:role/a&amp;b</Role>"
#define CONFIGURATION(rules)                                                                       \
    "<ReplicationConfiguration xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">" rules ROLE      \
    "</ReplicationConfiguration>"
#define RESULT(id, values)                                                                         \
    "<member><Id>" id "</Id><StatusCode>Complete</StatusCode><Timestamps/><Values>" values         \
    "</Values></member>"
#define METRICS(results)                                                                           \
    "<GetMetricDataResult><MetricDataResults>" results "</MetricDataResults></"                    \
    "GetMetricDataResult>"
#define FAILURES(failed) METRICS(RESULT("failed", failed))
#define PENDING(pending, latency) METRICS(RESULT("pending", pending) RESULT("latency", latency))
#define NUMBER(number) "<member>" number "</member>"

static struct acting_step acting;

static void begin(const struct step_kind *kind, const char *parameters)
{
    acting_init(&acting, kind, parameters);
    acting_look(&acting);
    acting_asks(&acting, "GetBucketReplication", "/assets-");
    assert_string_equal(acting.query, "replication");
}

static int teardown(void **unused)
{
    (void)unused;
    acting_fini(&acting);
    return 0;
}

static void check(void)
{
    begin(&step_s3_check_replication, "{\"bucket\": \"assets-us\", \"rule\": \"to-eu\"}");
    acting.step.planned = true;
    acting_answers(&acting, CONFIGURATION(RULE("other", "Disabled") RULE("to-eu", "Enabled")));
}

/* Each side's region has its own numbers. */
static void hear(const char *failures, const char *pending)
{
    acting_asks(&acting, "GetMetricData", "OperationsFailedReplication");
    assert_string_equal(acting.request.region, "us-west-2");
    assert_null(strstr(acting.body, "Pending"));
    acting_answers(&acting, failures);
    acting_asks(&acting, "GetMetricData", "OperationsPendingReplication");
    acting_asks(&acting, "GetMetricData",
        "MetricDataQueries.member.2.MetricStat.Metric.Dimensions.member.2.Value=assets-eu");
    assert_string_equal(acting.request.region, "eu-west-1");
    assert_null(strstr(acting.body, "Failed"));
    acting_answers(&acting, pending);
}

static void a_quiet_bucket_with_an_enabled_rule_is_done(void **unused)
{
    (void)unused;
    check();
    hear(FAILURES(""), PENDING("", ""));
    acting_ends(&acting, STEP_END_DONE, "what is pending is not known");
}

static void metrics_that_may_not_be_read_are_told(void **unused)
{
    (void)unused;
    check();
    acting_refuses(&acting, "AccessDenied");
    acting_answers(&acting, PENDING(NUMBER("0"), NUMBER("0")));
    acting_ends(&acting, STEP_END_DONE, "not known: CloudWatch refuses (AccessDenied)");
}

static void what_is_young_may_be_pending(void **unused)
{
    (void)unused;
    check();
    hear(FAILURES(NUMBER("0.0") NUMBER("0.0")),
        PENDING(NUMBER("12.0") NUMBER("900.0"), NUMBER("30.0")));
    acting_ends(&acting, STEP_END_DONE, "12 pending, 30 s behind");
}

static void what_failed_or_is_late_is_waited_for(void **unused)
{
    (void)unused;
    check();
    hear(FAILURES(NUMBER("0.0") NUMBER("2.0")), PENDING(NUMBER("0"), NUMBER("0")));
    acting_ends(&acting, STEP_END_WAIT, "2 objects of bucket assets-us failed");
    acting_look(&acting);
    acting_answers(&acting, CONFIGURATION(RULE("to-eu", "Enabled")));
    hear(FAILURES(""), PENDING(NUMBER("7"), NUMBER("901")));
    acting_ends(&acting, STEP_END_WAIT, "901 s behind");
    acting_look(&acting);
    acting_answers(&acting, CONFIGURATION(RULE("to-eu", "Enabled")));
    hear(FAILURES(""), PENDING(NUMBER("7"), ""));
    acting_ends(&acting, STEP_END_WAIT, "7 objects");
}

static void a_failover_does_not_ask_the_region_that_may_be_lost(void **unused)
{
    (void)unused;
    check();
    acting.step.planned = false;
    acting_answers(&acting, FAILURES(NUMBER("0")));
    acting_ends(&acting, STEP_END_DONE, "CloudWatch in eu-west-1 was not asked");
}

static void a_rule_that_is_off_is_waited_for(void **unused)
{
    (void)unused;
    begin(&step_s3_check_replication, "{\"bucket\": \"assets-us\", \"rule\": \"to-eu\"}");
    acting_answers(&acting, CONFIGURATION(RULE("to-eu", "Disabled")));
    acting_ends(&acting, STEP_END_WAIT, "\"to-eu\" of bucket assets-us is not enabled");
}

static void a_bucket_without_rule_or_replication_fails_in_words(void **unused)
{
    (void)unused;
    begin(&step_s3_check_replication, "{\"bucket\": \"assets-us\", \"rule\": \"to-eu\"}");
    acting_answers(&acting, CONFIGURATION(RULE("other", "Enabled")));
    acting_ends(&acting, STEP_END_FAIL, "has no replication rule \"to-eu\"");
    acting_look(&acting);
    acting_refuses(&acting, "ReplicationConfigurationNotFoundError");
    acting_ends(&acting, STEP_END_FAIL, "set it up with a role and a rule first");
}

static void any_enabled_rule_will_do_where_none_is_named(void **unused)
{
    (void)unused;
    begin(&step_s3_put_replication, "{\"bucket\": \"assets-us\"}");
    acting_answers(&acting, CONFIGURATION(RULE("a", "Disabled") RULE("b", "Enabled")));
    acting_ends(&acting, STEP_END_DONE, "\"b\"");
    acting_look(&acting);
    acting_answers(&acting, CONFIGURATION(RULE("a", "Disabled") RULE("b", "Disabled")));
    acting_ends(&acting, STEP_END_FAIL, "say which \"rule\"");
}

static void enabling_changes_one_word(void **unused)
{
    (void)unused;
    begin(&step_s3_put_replication, "{\"bucket\": \"assets-us\", \"rule\": \"to-eu\"}");
    acting_answers(&acting, CONFIGURATION(RULE("other", "Disabled") RULE("to-eu", "Disabled")));
    acting_ends(&acting, STEP_END_MUST, "enable replication rule \"to-eu\" of bucket assets-us");
    acting_act(&acting);
    acting_asks(&acting, "GetBucketReplication", "/assets-us");
    acting_answers(&acting, CONFIGURATION(RULE("other", "Disabled") RULE("to-eu", "Disabled")));
    acting_asks(&acting, "PutBucketReplication", "/assets-us");
    assert_string_equal(acting.request.method, "PUT");
    assert_true(acting.request.acts && acting.request.repeatable);
    /* "&amp;" and "&#38;" are the same. */
    char *escape = strstr(acting.body, "&#38;");
    assert_non_null(escape);
    memmove(escape, "&amp;", 5);
    assert_string_equal(
        acting.body, CONFIGURATION(RULE("other", "Disabled") RULE("to-eu", "Enabled")));
    acting_answers(&acting, "<Empty/>");
    acting_ends(&acting, STEP_END_ACTED, "");
}

static void a_change_that_meets_another_waits(void **unused)
{
    (void)unused;
    begin(&step_s3_put_replication, "{\"bucket\": \"assets-us\"}");
    acting_answers(&acting, CONFIGURATION(RULE("to-eu", "Disabled")));
    acting_act(&acting);
    acting_answers(&acting, CONFIGURATION(RULE("to-eu", "Disabled")));
    acting_refuses(&acting, "OperationAborted");
    acting_ends(&acting, STEP_END_WAIT, "another change");
}

static void a_bucket_is_called_where_it_is(void **unused)
{
    (void)unused;
    begin(&step_s3_check_replication, "{\"bucket\": \"assets-eu\"}");
    assert_string_equal(acting.request.region, "eu-west-1");
    acting_fini(&acting);
    begin(&step_s3_check_replication, "{\"bucket\": \"assets-unknown\"}");
    assert_string_equal(acting.request.region, "us-west-2");
}

#define TEST(name) cmocka_unit_test_teardown(name, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_quiet_bucket_with_an_enabled_rule_is_done),
        TEST(metrics_that_may_not_be_read_are_told),
        TEST(what_is_young_may_be_pending),
        TEST(what_failed_or_is_late_is_waited_for),
        TEST(a_failover_does_not_ask_the_region_that_may_be_lost),
        TEST(a_rule_that_is_off_is_waited_for),
        TEST(a_bucket_without_rule_or_replication_fails_in_words),
        TEST(any_enabled_rule_will_do_where_none_is_named),
        TEST(enabling_changes_one_word),
        TEST(a_change_that_meets_another_waits),
        TEST(a_bucket_is_called_where_it_is),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
