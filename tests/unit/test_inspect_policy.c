/* The least policy of a runbook, as an IAM policy document. */
#include "failover/aws/inspect.h"

#include "tests/unit/sample.h"

#include <stdlib.h>

#define CONFIG(region, steps)                                                                      \
    "{\"regions\": [\"eu-west-1\", \"" region "\"], \"endpoints\": {\"x\": {\"type\": \"name\","   \
    " \"names\": [\"x.internal\"], \"targets\": {\"eu-west-1\": \"192.0.2.1\", \"" region "\":"    \
    " \"192.0.2.2\"}}}, \"runbooks\": {\"" region "\": {\"steps\": [" steps "]}}}"
#define RECORDS                                                                                    \
    "\"records\": [{\"name\": \"x.example\", \"type\": \"A\", \"ttl\": 60, \"values\": "           \
    "[\"192.0.2.1\"]}]"

static void is_policy(const char *text, const char *region, const char *statements)
{
    struct config *config = sample_config(text);
    cJSON *policy = inspect_policy(config, region);
    char *is = cJSON_PrintUnformatted(policy);
    char expected[4096];
    snprintf(
        expected, sizeof expected, "{\"Version\":\"2012-10-17\",\"Statement\":[%s]}", statements);
    assert_string_equal(is, expected);
    cJSON_free(is);
    cJSON_Delete(policy);
    config_unref(config);
}

static void actions_on_the_same_resources_share_a_statement(void **unused)
{
    (void)unused;
    is_policy(
        CONFIG("us-west-2",
            "{\"id\": \"r\", \"step\": \"route53.upsert\", \"zone\": \"/hostedzone/Z9\"," RECORDS
            "},"
            "{\"id\": \"q\", \"step\": \"route53.upsert\", \"zone\": \"Z1\"," RECORDS "},"
            "{\"id\": \"p\", \"step\": \"route53.upsert\", \"zone\": \"Z9\"," RECORDS "}"),
        "us-west-2",
        "{\"Effect\":\"Allow\",\"Action\":[\"route53:ChangeResourceRecordSets\","
        "\"route53:ListResourceRecordSets\"],\"Resource\":[\"arn:aws:route53:::hostedzone/Z1\","
        "\"arn:aws:route53:::hostedzone/Z9\"]},"
        "{\"Effect\":\"Allow\",\"Action\":[\"route53:GetChange\"],"
        "\"Resource\":[\"arn:aws:route53:::change/*\"]}");
}

static void a_zone_that_has_only_a_name_is_searched_for(void **unused)
{
    (void)unused;
    is_policy(
        CONFIG("us-west-2",
            "{\"id\": \"r\", \"step\": \"route53.upsert\", \"zone\": \"x.example\"," RECORDS "}"),
        "us-west-2",
        "{\"Effect\":\"Allow\",\"Action\":[\"route53:ChangeResourceRecordSets\","
        "\"route53:ListResourceRecordSets\"],\"Resource\":[\"arn:aws:route53:::hostedzone/*\"]},"
        "{\"Effect\":\"Allow\",\"Action\":[\"route53:GetChange\"],"
        "\"Resource\":[\"arn:aws:route53:::change/*\"]},"
        "{\"Effect\":\"Allow\",\"Action\":[\"route53:ListHostedZonesByName\"],\"Resource\":[\"*\"]"
        "}");
}

static void a_role_is_passed_to_its_service_only_and_partitions_differ(void **unused)
{
    (void)unused;
    is_policy(CONFIG("cn-north-1",
                  "{\"id\": \"r\", \"step\": \"s3.put_replication\", \"bucket\": \"{bucket}-x\"}"),
        "cn-north-1",
        "{\"Effect\":\"Allow\",\"Action\":[\"iam:PassRole\"],"
        "\"Resource\":[\"arn:aws-cn:iam::*:role/*\"],"
        "\"Condition\":{\"StringEquals\":{\"iam:PassedToService\":\"s3.amazonaws.com\"}}},"
        "{\"Effect\":\"Allow\",\"Action\":[\"s3:GetReplicationConfiguration\","
        "\"s3:PutReplicationConfiguration\"],\"Resource\":[\"arn:aws-cn:s3:::{bucket}-x\"]}");
}

static void a_runbook_that_calls_nobody_needs_nothing(void **unused)
{
    (void)unused;
    is_policy(CONFIG("us-west-2", "{\"id\": \"a\", \"step\": \"approve\"}"), "us-west-2", "");
    is_policy(SAMPLE_CONFIG, "eu-west-1", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(actions_on_the_same_resources_share_a_statement),
        cmocka_unit_test(a_zone_that_has_only_a_name_is_searched_for),
        cmocka_unit_test(a_role_is_passed_to_its_service_only_and_partitions_differ),
        cmocka_unit_test(a_runbook_that_calls_nobody_needs_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
