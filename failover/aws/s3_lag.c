/* On the good day nothing failed in the last quarter of an hour, and what is pending is younger
 * than that: the bound that S3's replication time control promises, taken for all.
 *
 * S3 counts failures in the source bucket's region, what is pending in the destination's ("Using S3
 * Replication metrics" of its User Guide), so CloudWatch is asked in both.
 *
 * The metrics exist only where replication metrics are switched on, and only while something is
 * replicated. What is missing is not known, and is told so: the rule is enabled, which is the goal,
 * and a quiet bucket must not stop a switch. */
#include "failover/aws/s3_lag.h"

#include "base/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BOUND_S 900
#define TIME_SIZE sizeof "2026-11-23T07:00:00Z"
#define METRICS 3

static const struct metric {
    const char *id, *name, *statistic;
    enum s3_lag_side side;
} metrics[METRICS] = {
    {"failed", "OperationsFailedReplication", "Sum", S3_LAG_SOURCE},
    {"pending", "OperationsPendingReplication", "Maximum", S3_LAG_DESTINATION},
    {"latency", "ReplicationLatency", "Maximum", S3_LAG_DESTINATION},
};

static void write_time(char ret[TIME_SIZE], time_t time)
{
    struct tm parts;
    gmtime_r(&time, &parts);
    strftime(ret, TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

static void write_metric(struct text *form, unsigned number, const struct metric *metric,
    const char *const dimensions[3][2])
{
    char name[96];
    int size = snprintf(name, sizeof name, "MetricDataQueries.member.%u.", number);
    char *rest = name + size;
    size_t room = sizeof name - (size_t)size;
    snprintf(rest, room, "Id");
    aws_form(form, name, metric->id);
    snprintf(rest, room, "MetricStat.Metric.Namespace");
    aws_form(form, name, "AWS/S3");
    snprintf(rest, room, "MetricStat.Metric.MetricName");
    aws_form(form, name, metric->name);
    for (unsigned i = 0; i < 3; i++) {
        snprintf(rest, room, "MetricStat.Metric.Dimensions.member.%u.Name", i + 1);
        aws_form(form, name, dimensions[i][0]);
        snprintf(rest, room, "MetricStat.Metric.Dimensions.member.%u.Value", i + 1);
        aws_form(form, name, dimensions[i][1]);
    }
    snprintf(rest, room, "MetricStat.Period");
    aws_form(form, name, "60");
    snprintf(rest, room, "MetricStat.Stat");
    aws_form(form, name, metric->statistic);
}

void s3_lag_ask(struct text *form, enum s3_lag_side side, const char *bucket, const char *rule,
    const char *destination)
{
    char from[TIME_SIZE], to[TIME_SIZE];
    const char *const dimensions[3][2] = {
        {"SourceBucket", bucket}, {"DestinationBucket", destination}, {"RuleId", rule}};
    unsigned number = 0;
    for (unsigned i = 0; i < METRICS; i++) {
        if (metrics[i].side == side)
            write_metric(form, ++number, &metrics[i], dimensions);
    }
    write_time(from, time(NULL) - BOUND_S);
    write_time(to, time(NULL));
    aws_form(form, "StartTime", from);
    aws_form(form, "EndTime", to);
}

/* CloudWatch gives the newest value first. */
static void read_number(const cJSON *results, const char *id, struct s3_lag_number *ret)
{
    const cJSON *result, *value;
    cJSON_ArrayForEach(result, results)
    {
        const char *own = tree_text(result, "Id");
        if (!own || strcmp(own, id) != 0)
            continue;
        cJSON_ArrayForEach(value, tree_find(result, "Values"))
        {
            double next = cJSON_IsString(value) ? strtod(value->valuestring, NULL) : 0;
            if (!ret->known)
                ret->newest = next;
            ret->sum += next;
            ret->known = true;
        }
    }
}

void s3_lag_take(struct s3_lag *lag, const struct aws_reply *reply)
{
    struct s3_lag_number *const numbers[METRICS] = {&lag->failed, &lag->pending, &lag->latency};
    if (reply->result == AWS_REFUSED)
        snprintf(lag->unheard, sizeof lag->unheard, "CloudWatch refuses (%s)", reply->code);
    else if (reply->result == AWS_TROUBLE)
        snprintf(lag->unheard, sizeof lag->unheard, "%s", reply->words);
    const cJSON *results = reply->body ? tree_find(reply->body, "MetricDataResults") : NULL;
    for (size_t i = 0; i < METRICS && results; i++)
        read_number(results, metrics[i].id, numbers[i]);
}

static void say_well(const struct s3_lag *lag, const char *bucket, char *words)
{
    if (*lag->unheard)
        snprintf(words, S3_LAG_WORDS_SIZE,
            "replication of bucket %s is enabled; what failed or is pending is not known: %s",
            bucket, lag->unheard);
    else if (!lag->pending.known)
        snprintf(words, S3_LAG_WORDS_SIZE,
            "replication of bucket %s is enabled; CloudWatch has no replication metrics of it, so "
            "what is pending is not known",
            bucket);
    else
        snprintf(words, S3_LAG_WORDS_SIZE,
            "replication of bucket %s is enabled; %.0f pending, %.0f s behind", bucket,
            lag->pending.newest, lag->latency.newest);
}

bool s3_lag_judge(const struct s3_lag *lag, const char *bucket, char ret_words[S3_LAG_WORDS_SIZE])
{
    bool is_well = false;
    if (lag->failed.sum > 0) {
        snprintf(ret_words, S3_LAG_WORDS_SIZE,
            "replication of %.0f objects of bucket %s failed in the last %d minutes",
            lag->failed.sum, bucket, BOUND_S / 60);
    } else if (lag->latency.known && lag->latency.newest > BOUND_S) {
        snprintf(ret_words, S3_LAG_WORDS_SIZE, "replication of bucket %s is %.0f s behind", bucket,
            lag->latency.newest);
    } else if (lag->pending.known && lag->pending.newest > 0 && !lag->latency.known) {
        snprintf(ret_words, S3_LAG_WORDS_SIZE,
            "%.0f objects of bucket %s wait for replication, nobody knows for how long",
            lag->pending.newest, bucket);
    } else {
        is_well = true;
        say_well(lag, bucket, ret_words);
    }
    return is_well;
}
