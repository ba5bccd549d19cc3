/* On the good day nothing failed in the last quarter of an hour, and what is pending is younger
 * than that: the bound that S3's replication time control promises, taken for all.
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

struct metric {
    const char *id, *name, *statistic;
};

enum { FAILED, PENDING, LATENCY, METRICS };

static const struct metric metrics[METRICS] = {
    {"failed", "OperationsFailedReplication", "Sum"},
    {"pending", "OperationsPendingReplication", "Maximum"},
    {"latency", "ReplicationLatency", "Maximum"},
};

struct number {
    bool known;
    double newest, sum;
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

/* CloudWatch gives the newest value first. */
static struct number read_number(const cJSON *results, const char *id)
{
    struct number number = {0};
    const cJSON *result, *value;
    cJSON_ArrayForEach(result, results)
    {
        const char *own = tree_text(result, "Id");
        if (!own || strcmp(own, id) != 0)
            continue;
        cJSON_ArrayForEach(value, tree_find(result, "Values"))
        {
            double next = cJSON_IsString(value) ? strtod(value->valuestring, NULL) : 0;
            if (!number.known)
                number.newest = next;
            number.sum += next;
            number.known = true;
        }
    }
    return number;
}

static void say_well(const struct number numbers[METRICS], const char *bucket, char *words)
{
    if (!numbers[PENDING].known && !numbers[FAILED].known)
        snprintf(words, S3_LAG_WORDS_SIZE,
            "replication of bucket %s is enabled; CloudWatch has no replication metrics of it, so "
            "what is pending is not known",
            bucket);
    else
        snprintf(words, S3_LAG_WORDS_SIZE,
            "replication of bucket %s is enabled; %.0f pending, %.0f s behind", bucket,
            numbers[PENDING].newest, numbers[LATENCY].newest);
}

/* False: it is behind. */
static bool judge(const struct number numbers[METRICS], const char *bucket, char *words)
{
    const struct number *failed = &numbers[FAILED], *pending = &numbers[PENDING],
                        *latency = &numbers[LATENCY];
    bool is_well = false;
    if (failed->sum > 0) {
        snprintf(words, S3_LAG_WORDS_SIZE,
            "replication of %.0f objects of bucket %s failed in the last %d minutes", failed->sum,
            bucket, BOUND_S / 60);
    } else if (latency->known && latency->newest > BOUND_S) {
        snprintf(words, S3_LAG_WORDS_SIZE, "replication of bucket %s is %.0f s behind", bucket,
            latency->newest);
    } else if (pending->known && pending->newest > 0 && !latency->known) {
        snprintf(words, S3_LAG_WORDS_SIZE,
            "%.0f objects of bucket %s wait for replication, nobody knows for how long",
            pending->newest, bucket);
    } else {
        is_well = true;
        say_well(numbers, bucket, words);
    }
    return is_well;
}

bool s3_lag_judge(
    const struct aws_reply *reply, const char *bucket, char ret_words[S3_LAG_WORDS_SIZE])
{
    struct number numbers[METRICS];
    if (reply->result != AWS_ANSWERED) {
        snprintf(ret_words, S3_LAG_WORDS_SIZE,
            "replication of bucket %s is enabled; what is pending is not known: CloudWatch %s (%s)",
            bucket, reply->result == AWS_REFUSED ? "refuses" : "does not tell",
            reply->result == AWS_REFUSED ? reply->code : reply->words);
        return true;
    }
    const cJSON *results = tree_find(reply->body, "MetricDataResults");
    for (size_t i = 0; i < METRICS; i++)
        numbers[i] = read_number(results, metrics[i].id);
    return judge(numbers, bucket, ret_words);
}

void s3_lag_ask(struct text *form, const char *bucket, const char *rule, const char *destination)
{
    char from[TIME_SIZE], to[TIME_SIZE];
    const char *const dimensions[3][2] = {
        {"SourceBucket", bucket}, {"DestinationBucket", destination}, {"RuleId", rule}};
    for (unsigned i = 0; i < METRICS; i++)
        write_metric(form, i + 1, &metrics[i], dimensions);
    write_time(from, time(NULL) - BOUND_S);
    write_time(to, time(NULL));
    aws_form(form, "StartTime", from);
    aws_form(form, "EndTime", to);
}
