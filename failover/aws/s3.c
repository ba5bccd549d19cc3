/* s3.check_replication, s3.put_replication: a bucket's replication is on.
 *
 * On the good day the bucket has a rule that is Enabled; `put` sets a rule that is not to Enabled
 * and leaves all else of the configuration as it came. A bucket without a configuration is told in
 * words: roles and destinations are nobody's to invent in an outage. GetBucketReplication may be
 * stale for a while after a change, so a rule that is still off is waited for.
 *
 * A bucket that the configuration knows is called in its own region, others in the runbook's. */
#include "failover/aws/s3.h"

#include "base/json.h"
#include "base/xml.h"
#include "base/xml_write.h"
#include "config/bucket_names.h"
#include "failover/aws/s3_lag.h"
#include "failover/aws/step.h"

#include <stdio.h>
#include <string.h>

#define NAMESPACE "http://s3.amazonaws.com/doc/2006-03-01/"
#define BUCKET_MAX 255 /* bytes: 63 today, 255 in the oldest buckets */
#define RULE_MAX 255   /* likewise, of a rule's ID */

const char *s3_region(const struct config *config, const char *bucket, const char *fallback)
{
    const struct config_bucket *known = bucket_names_find(config, span_of_text(bucket));
    return known ? config->regions[known->region] : fallback;
}

static const char *region_of(const struct step *step)
{
    return s3_region(step->config, step_text(step, "bucket"), step->region);
}

static void call(
    struct step *step, const char *action, struct aws_request request, step_replied *replied)
{
    char path[BUCKET_MAX + 2];
    snprintf(path, sizeof path, "/%s", step_text(step, "bucket"));
    request.service = &aws_s3;
    request.region = region_of(step);
    request.action = action;
    request.path = path;
    request.query = "replication";
    step_call(step, &request, replied);
}

static void get(struct step *step, step_replied *replied)
{
    call(step, "GetBucketReplication", (struct aws_request){.method = "GET"}, replied);
}

static void refused(struct step *step, const struct aws_reply *reply)
{
    const char *bucket = step_text(step, "bucket");
    if (strcmp(reply->code, "ReplicationConfigurationNotFoundError") == 0)
        step_fail(step, reply,
            "bucket %s has no replication: set it up with a role and a rule first", bucket);
    else
        step_fail(step, reply, "bucket %s in %s", bucket, region_of(step));
}

static bool is_rule(const cJSON *element)
{
    return element->string && strcmp(element->string, "Rule") == 0;
}

static bool is_enabled(const cJSON *rule)
{
    const char *status = tree_text(rule, "Status");
    return status && strcmp(status, "Enabled") == 0;
}

static const char *id_of(const cJSON *rule)
{
    const char *id = tree_text(rule, "ID");
    return id ? id : "";
}

struct rules {
    cJSON
        *rule; /* the one that is meant: the named one, else one that is Enabled, else the first */
    size_t count;
};

static struct rules find_rules(const cJSON *configuration, const char *name)
{
    struct rules found = {0};
    cJSON *element;
    cJSON_ArrayForEach(element, configuration)
    {
        if (!is_rule(element))
            continue;
        found.count++;
        bool meant = name ? strcmp(id_of(element), name) == 0 : is_enabled(element);
        if (meant && (!found.rule || name || !is_enabled(found.rule)))
            found.rule = element;
        else if (!name && !found.rule)
            found.rule = element;
    }
    return found;
}

/* False: the step has ended in words. */
static bool find_rule(struct step *step, const struct aws_reply *reply, struct rules *ret)
{
    const char *name = step_text(step, "rule"), *bucket = step_text(step, "bucket");
    if (reply->result != AWS_ANSWERED) {
        refused(step, reply);
        return false;
    }
    *ret = find_rules(reply->body, name);
    if (!ret->rule && name)
        step_fail(step, NULL, "bucket %s has no replication rule \"%s\"", bucket, name);
    else if (!ret->rule)
        step_fail(step, NULL, "bucket %s has no replication rule", bucket);
    return ret->rule != NULL;
}

/* What CloudWatch said of an enabled rule, and where it leads. */
struct metrics {
    struct s3_lag lag;
    char rule[RULE_MAX + 1], destination[BUCKET_MAX + 1];
};

static void judge_metrics(struct step *step, const struct metrics *metrics)
{
    char words[S3_LAG_WORDS_SIZE];
    if (s3_lag_judge(&metrics->lag, step_text(step, "bucket"), words))
        step_done(step, "%s", words);
    else
        step_wait(step, "%s", words);
}

static void ask_metrics(struct step *step, const struct metrics *metrics, enum s3_lag_side side,
    const char *region, step_replied *replied)
{
    struct aws_request request = {
        .service = &aws_cloudwatch, .region = region, .action = "GetMetricData"};
    s3_lag_ask(&request.body, side, step_text(step, "bucket"), metrics->rule, metrics->destination);
    step_call(step, &request, replied);
}

static void on_pending(struct step *step, const struct aws_reply *reply)
{
    struct metrics *metrics = step_memory(step, sizeof *metrics);
    s3_lag_take(&metrics->lag, reply);
    judge_metrics(step, metrics);
}

/* A failover waits for no word from another region than its target: it may be the lost one. */
static bool may_be_lost(const struct step *step, const char *region)
{
    return step->purpose == STEP_CARRY_OUT && !step->planned && strcmp(region, step->region) != 0;
}

static void on_failures(struct step *step, const struct aws_reply *reply)
{
    struct metrics *metrics = step_memory(step, sizeof *metrics);
    const char *region = s3_region(step->config, metrics->destination, step->region);
    s3_lag_take(&metrics->lag, reply);
    if (!may_be_lost(step, region)) {
        ask_metrics(step, metrics, S3_LAG_DESTINATION, region, on_pending);
        return;
    }
    snprintf(metrics->lag.unheard, sizeof metrics->lag.unheard,
        "CloudWatch in %s was not asked, in a failover to %s", region, step->region);
    judge_metrics(step, metrics);
}

static void look_at_metrics(struct step *step, const cJSON *rule)
{
    struct metrics *metrics = step_memory(step, sizeof *metrics);
    const char *arn = tree_text(rule, "Destination/Bucket");
    const char *colon = arn ? strrchr(arn, ':') : NULL;
    *metrics = (struct metrics){.lag = {.unheard = ""}};
    snprintf(metrics->rule, sizeof metrics->rule, "%s", id_of(rule));
    snprintf(metrics->destination, sizeof metrics->destination, "%s", colon ? colon + 1 : "");
    ask_metrics(step, metrics, S3_LAG_SOURCE, region_of(step), on_failures);
}

static void on_checked(struct step *step, const struct aws_reply *reply)
{
    struct rules found;
    if (!find_rule(step, reply, &found))
        return;
    if (is_enabled(found.rule))
        look_at_metrics(step, found.rule);
    else
        step_wait(step, "replication rule \"%s\" of bucket %s is not enabled", id_of(found.rule),
            step_text(step, "bucket"));
}

static void check(struct step *step)
{
    get(step, on_checked);
}

static void on_looked(struct step *step, const struct aws_reply *reply)
{
    const char *bucket = step_text(step, "bucket");
    struct rules found;
    if (!find_rule(step, reply, &found))
        return;
    if (is_enabled(found.rule))
        step_done(
            step, "replication rule \"%s\" of bucket %s is enabled", id_of(found.rule), bucket);
    else if (found.count > 1 && !step_has(step, "rule"))
        step_fail(step, NULL,
            "bucket %s has %zu replication rules, none enabled: say which \"rule\"", bucket,
            found.count);
    else
        step_must(step, "enable replication rule \"%s\" of bucket %s", id_of(found.rule), bucket);
}

static void look(struct step *step)
{
    get(step, on_looked);
}

static void on_put(struct step *step, const struct aws_reply *reply)
{
    if (reply->result == AWS_ANSWERED)
        step_acted(step, "replication of bucket %s is being enabled", step_text(step, "bucket"));
    else if (strcmp(reply->code, "OperationAborted") == 0)
        step_wait(step, "another change of bucket %s is under way", step_text(step, "bucket"));
    else
        refused(step, reply);
}

static void enable(cJSON *rule)
{
    cJSON *status = cJSON_CreateString("Enabled");
    if (json_member(rule, "Status"))
        cJSON_ReplaceItemInObjectCaseSensitive(rule, "Status", status);
    else
        cJSON_AddItemToObject(rule, "Status", status);
}

/* What is put is what came a moment ago, with one word changed. */
static void on_read(struct step *step, const struct aws_reply *reply)
{
    struct aws_request request = {.method = "PUT", .acts = true, .repeatable = true};
    struct rules found;
    if (!find_rule(step, reply, &found))
        return;
    cJSON *configuration = cJSON_Duplicate(reply->body, true);
    enable(find_rules(configuration, step_text(step, "rule")).rule);
    text_put(&request.body, "<ReplicationConfiguration xmlns=\"" NAMESPACE "\">");
    xml_write_tree(&request.body, configuration);
    text_put(&request.body, "</ReplicationConfiguration>");
    cJSON_Delete(configuration);
    call(step, "PutBucketReplication", request, on_put);
}

static void put(struct step *step)
{
    get(step, on_read);
}

static const struct step_permission check_permissions[] = {
    {"s3:GetReplicationConfiguration", "arn:{partition}:s3:::{bucket}"},
    {"cloudwatch:GetMetricData", "*"},
    {0},
};

/* S3 takes the configuration's role from us, as IAM sees it, though it is the one that was there.
 */
static const struct step_permission put_permissions[] = {
    {"s3:GetReplicationConfiguration", "arn:{partition}:s3:::{bucket}"},
    {"s3:PutReplicationConfiguration", "arn:{partition}:s3:::{bucket}"},
    {"iam:PassRole", "arn:{partition}:iam::{account}:role/*"},
    {0},
};

const struct step_kind step_s3_check_replication = {.type = "s3.check_replication",
    .look = check,
    .permissions = check_permissions,
    .timeout_ms = 30 * 60 * 1000};
const struct step_kind step_s3_put_replication = {.type = "s3.put_replication",
    .look = look,
    .act = put,
    .permissions = put_permissions,
    .timeout_ms = 10 * 60 * 1000};
