/* What is seen of two buckets, and what it says about a switch. */
#include "failover/aws/bucket_rule.h"

#include "base/xml.h"
#include "tests/unit/unit.h"

#include <string.h>

#define RULE(id, to, status)                                                                       \
    "<Rule><ID>" id "</ID><Status>" status "</Status><Destination><Bucket>arn:aws:s3:::" to        \
    "</Bucket></Destination></Rule>"
#define RULES(rules) "<ReplicationConfiguration>" rules "</ReplicationConfiguration>"
#define VERSIONS(status)                                                                           \
    "<VersioningConfiguration><Status>" status "</Status></VersioningConfiguration>"

struct pair {
    struct bucket_seen eu, us; /* eu is active */
    struct bucket_verdict verdict;
};

typedef bool bucket_take(struct bucket_seen *seen, const struct aws_reply *reply);

static bool hear(bucket_take *take, struct bucket_seen *seen, const char *xml)
{
    struct failure why;
    cJSON *body = NULL;
    if (*xml)
        assert_int_equal(xml_parse(xml, strlen(xml), &body, &why), 0);
    bool goes_on =
        take(seen, &(struct aws_reply){.result = AWS_ANSWERED, .status = 200, .body = body});
    cJSON_Delete(body);
    return goes_on;
}

static bool refuse(bucket_take *take, struct bucket_seen *seen, unsigned status, const char *code)
{
    return take(
        seen, &(struct aws_reply){
                  .result = AWS_REFUSED, .status = status, .code = code, .words = "s3 says no"});
}

static bool be_silent(bucket_take *take, struct bucket_seen *seen, unsigned status)
{
    return take(seen, &(struct aws_reply){
                          .result = AWS_TROUBLE, .status = status, .words = "s3 does not answer"});
}

static void see_well(struct bucket_seen *seen, const char *rules)
{
    assert_true(hear(bucket_take_versioning, seen, VERSIONS("Enabled")));
    assert_true(hear(bucket_take_head, seen, ""));
    assert_true(hear(bucket_take_replication, seen, rules));
}

static int set_up(void **state)
{
    static struct pair pair;
    pair = (struct pair){.eu = {.bucket = "shop-eu", .region = "eu-west-1"},
        .us = {.bucket = "shop-us", .region = "us-west-2"}};
    *state = &pair;
    return 0;
}

static int tear_down(void **state)
{
    struct pair *pair = *state;
    bucket_seen_fini(&pair->eu);
    bucket_seen_fini(&pair->us);
    return 0;
}

static void assert_verdict(const struct pair *pair, enum ready_status status, const char *part)
{
    const struct bucket_verdict *verdict = &pair->verdict;
    if (verdict->status != status || !strstr(verdict->words, part))
        fail_msg("%d: %s", verdict->status, verdict->words);
    assert_true((status == READY_PASS) == (*verdict->advice == '\0'));
}

static void judge_there(struct pair *pair, enum ready_status status, const char *part)
{
    bucket_judge_there(&pair->us, &pair->verdict);
    assert_verdict(pair, status, part);
}

static void judge_move(struct pair *pair, enum ready_status status, const char *part)
{
    bucket_judge_replication(&pair->eu, &pair->us, NULL, false, &pair->verdict);
    assert_verdict(pair, status, part);
}

static void judge_back(struct pair *pair, enum ready_status status, const char *part)
{
    assert_true(bucket_judge_failback(&pair->us, &pair->eu, &pair->verdict));
    assert_verdict(pair, status, part);
}

static void assert_no_more_rows(struct pair *pair)
{
    assert_false(bucket_judge_versioning(&pair->us, &pair->verdict));
    assert_false(bucket_judge_failback(&pair->us, &pair->eu, &pair->verdict));
}

static void a_pair_that_replicates_both_ways_passes(void **state)
{
    struct pair *pair = *state;
    see_well(&pair->eu, RULES(RULE("there", "shop-us", "Enabled")));
    see_well(&pair->us, RULES(RULE("back", "shop-eu", "Enabled")));
    judge_there(pair, READY_PASS, "shop-us is there in us-west-2");
    assert_true(bucket_judge_versioning(&pair->us, &pair->verdict));
    assert_verdict(pair, READY_PASS, "versioning of bucket shop-us is enabled");
    judge_move(pair, READY_PASS, "what is pending is not known");
    judge_back(pair, READY_PASS, "\"back\"");
}

static void a_bucket_that_is_not_there_fails_in_one_row(void **state)
{
    struct pair *pair = *state;
    assert_false(refuse(bucket_take_versioning, &pair->us, 404, "NoSuchBucket"));
    judge_there(pair, READY_FAIL, "there is no bucket shop-us in us-west-2");
    assert_no_more_rows(pair);
}

static void a_head_without_a_body_tells_as_much(void **state)
{
    struct pair *pair = *state;
    assert_true(refuse(bucket_take_versioning, &pair->us, 403, "AccessDenied"));
    assert_false(refuse(bucket_take_head, &pair->us, 404, "HTTP 404"));
    judge_there(pair, READY_FAIL, "there is no bucket shop-us");
    assert_false(refuse(bucket_take_head, &pair->us, 301, "HTTP 301"));
    judge_there(pair, READY_FAIL, "is not in us-west-2");
    assert_true(refuse(bucket_take_head, &pair->us, 403, "HTTP 403"));
    judge_there(pair, READY_WARN, "may not see whether bucket shop-us is there");
    assert_non_null(strstr(pair->verdict.advice, "s3:ListBucket"));
}

static void who_signs_for_the_wrong_region_learns_that_the_bucket_is_elsewhere(void **state)
{
    struct pair *pair = *state;
    assert_false(refuse(bucket_take_versioning, &pair->us, 400, "AuthorizationHeaderMalformed"));
    judge_there(pair, READY_FAIL, "is not in us-west-2: s3 says no");
    assert_no_more_rows(pair);
}

static void a_standby_that_does_not_answer_fails_and_an_active_one_is_a_warning(void **state)
{
    struct pair *pair = *state;
    assert_false(be_silent(bucket_take_versioning, &pair->us, 503));
    assert_false(be_silent(bucket_take_versioning, &pair->eu, 0));
    judge_there(pair, READY_FAIL, "s3 does not answer");
    assert_no_more_rows(pair);
    judge_move(pair, READY_WARN, "s3 does not answer");
}

static void a_store_that_has_no_such_thing_cannot_tell(void **state)
{
    struct pair *pair = *state;
    assert_true(refuse(bucket_take_versioning, &pair->us, 501, "NotImplemented"));
    assert_true(hear(bucket_take_head, &pair->us, ""));
    assert_false(refuse(bucket_take_replication, &pair->us, 400, "MethodNotAllowed"));
    assert_true(bucket_judge_versioning(&pair->us, &pair->verdict));
    assert_verdict(pair, READY_WARN, "this store cannot tell whether versioning");
    judge_back(pair, READY_WARN, "this store cannot tell");
    assert_true(be_silent(bucket_take_versioning, &pair->eu, 501)); /* without a word of why */
    assert_true(hear(bucket_take_head, &pair->eu, ""));
    assert_false(be_silent(bucket_take_replication, &pair->eu, 405));
    judge_move(pair, READY_WARN, "this store cannot tell");
}

static void versioning_that_was_never_on_or_is_suspended_fails(void **state)
{
    struct pair *pair = *state;
    static const char *const replies[] = {VERSIONS("Suspended"), "<VersioningConfiguration/>", ""};
    for (size_t i = 0; i < 3; i++) {
        assert_true(hear(bucket_take_versioning, &pair->us, replies[i]));
        assert_true(hear(bucket_take_versioning, &pair->eu, replies[i]));
        assert_true(bucket_judge_versioning(&pair->us, &pair->verdict));
        assert_verdict(pair, READY_FAIL, "versioning of bucket shop-us is not enabled");
        judge_move(pair, READY_FAIL, "shop-eu does not replicate");
    }
    assert_false(bucket_judge_failback(&pair->us, &pair->eu, &pair->verdict));
}

static void a_rule_counts_when_it_leads_to_that_very_bucket(void **state)
{
    struct pair *pair = *state;
    see_well(
        &pair->eu, RULES(RULE("a", "shop-us-2", "Enabled") RULE("b", "my-shop-us", "Enabled")));
    judge_move(pair, READY_FAIL, "no replication rule of bucket shop-eu leads to bucket shop-us");
    assert_non_null(strstr(pair->verdict.advice, "arn:aws:s3:::shop-us"));
}

static void of_several_rules_an_enabled_one_counts(void **state)
{
    struct pair *pair = *state;
    see_well(&pair->eu, RULES(RULE("a", "shop-us", "Disabled") RULE("b", "shop-us", "Enabled")
                                RULE("c", "shop-us", "Disabled")));
    judge_move(pair, READY_PASS, "\"b\"");
}

static void a_rule_that_is_off_fails_and_only_warns_for_the_way_back(void **state)
{
    struct pair *pair = *state;
    see_well(&pair->eu, RULES(RULE("a", "shop-us", "Disabled")));
    see_well(&pair->us, RULES(RULE("z", "shop-eu", "Disabled")));
    judge_move(pair, READY_FAIL, "\"a\" from bucket shop-eu to bucket shop-us is not enabled");
    judge_back(pair, READY_WARN, "\"z\" from bucket shop-us to bucket shop-eu is not enabled");
}

static void a_bucket_without_replication_fails(void **state)
{
    struct pair *pair = *state;
    see_well(&pair->eu, RULES(""));
    assert_false(
        refuse(bucket_take_replication, &pair->eu, 404, "ReplicationConfigurationNotFoundError"));
    judge_move(pair, READY_FAIL, "no replication rule");
}

static void what_is_late_is_a_warning_and_does_not_hide_a_rule_that_is_off(void **state)
{
    struct pair *pair = *state;
    see_well(&pair->eu, RULES(RULE("a", "shop-us", "Enabled")));
    bucket_judge_replication(&pair->eu, &pair->us, "4000 s behind", true, &pair->verdict);
    assert_verdict(pair, READY_WARN, "4000 s behind");
    bucket_judge_replication(&pair->eu, &pair->us, "0 pending", false, &pair->verdict);
    assert_verdict(pair, READY_PASS, "0 pending");
    bucket_seen_fini(&pair->eu);
    pair->eu = (struct bucket_seen){.bucket = "shop-eu", .region = "eu-west-1"};
    see_well(&pair->eu, RULES(RULE("a", "shop-us", "Disabled")));
    bucket_judge_replication(&pair->eu, &pair->us, "0 pending", false, &pair->verdict);
    assert_verdict(pair, READY_FAIL, "not enabled");
}

static void what_there_was_no_time_for_is_a_warning(void **state)
{
    struct pair *pair = *state;
    judge_there(pair, READY_WARN, "there was no time left");
    assert_no_more_rows(pair);
    judge_move(pair, READY_WARN, "there was no time left");
}

int main(void)
{
#define PAIR(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        PAIR(a_pair_that_replicates_both_ways_passes),
        PAIR(a_bucket_that_is_not_there_fails_in_one_row),
        PAIR(a_head_without_a_body_tells_as_much),
        PAIR(who_signs_for_the_wrong_region_learns_that_the_bucket_is_elsewhere),
        PAIR(a_standby_that_does_not_answer_fails_and_an_active_one_is_a_warning),
        PAIR(a_store_that_has_no_such_thing_cannot_tell),
        PAIR(versioning_that_was_never_on_or_is_suspended_fails),
        PAIR(a_rule_counts_when_it_leads_to_that_very_bucket),
        PAIR(of_several_rules_an_enabled_one_counts),
        PAIR(a_rule_that_is_off_fails_and_only_warns_for_the_way_back),
        PAIR(a_bucket_without_replication_fails),
        PAIR(what_is_late_is_a_warning_and_does_not_hide_a_rule_that_is_off),
        PAIR(what_there_was_no_time_for_is_a_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
