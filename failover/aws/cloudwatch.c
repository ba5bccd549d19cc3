/* CloudWatch's datapoints: asked for, sorted, newest first. */
#include "failover/aws/cloudwatch.h"

#include "base/xml.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LAG_WINDOW_S 900 /* CloudWatch shows a datapoint minutes late at times */

const struct cloudwatch_metric cloudwatch_replica_lag = {.namespace = "AWS/RDS",
    .name = "ReplicaLag",
    .statistics = {"Maximum", "Minimum"},
    .period_s = 60};

static void add_time(struct text *form, const char *name, time_t when)
{
    char text[32];
    struct tm utc;
    gmtime_r(&when, &utc);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &utc);
    aws_form(form, name, text);
}

static void add_dimension(struct text *form, unsigned number, const char *name, const char *value)
{
    char key[64];
    snprintf(key, sizeof key, "Dimensions.member.%u.Name", number);
    aws_form(form, key, name);
    snprintf(key, sizeof key, "Dimensions.member.%u.Value", number);
    aws_form(form, key, value);
}

void cloudwatch_ask(struct step *step, const char *region, const struct cloudwatch_metric *metric,
    unsigned window_s, step_replied *replied)
{
    struct aws_request request = {
        .service = &aws_cloudwatch, .region = region, .action = "GetMetricStatistics"};
    struct text *form = &request.body;
    const cJSON *dimension;
    unsigned count = 0;
    time_t now = time(NULL);
    aws_form(form, "Namespace", metric->namespace);
    aws_form(form, "MetricName", metric->name);
    if (metric->dimension)
        add_dimension(form, ++count, metric->dimension, metric->value);
    cJSON_ArrayForEach(dimension, metric->dimensions)
        add_dimension(form, ++count, dimension->string, dimension->valuestring);
    add_time(form, "StartTime", now - (time_t)window_s);
    add_time(form, "EndTime", now + (time_t)metric->period_s); /* the minute that is not over too */
    aws_form_format(form, "Period", "%u", metric->period_s);
    aws_form(form, "Statistics.member.1", metric->statistics[0]);
    if (metric->statistics[1])
        aws_form(form, "Statistics.member.2", metric->statistics[1]);
    step_call(step, &request, replied);
}

void cloudwatch_ask_lag(
    struct step *step, const char *region, const char *instance, step_replied *replied)
{
    struct cloudwatch_metric metric = cloudwatch_replica_lag;
    metric.dimension = "DBInstanceIdentifier";
    metric.value = instance;
    cloudwatch_ask(step, region, &metric, LAG_WINDOW_S, replied);
}

int64_t cloudwatch_time(const char *text)
{
    struct tm utc;
    memset(&utc, 0, sizeof utc);
    const char *end = text ? strptime(text, "%Y-%m-%dT%H:%M:%S", &utc) : NULL;
    return end && (*end == 'Z' || *end == '.' || *end == '+') ? (int64_t)timegm(&utc) : -1;
}

static bool read_number(const cJSON *datapoint, const char *name, double *ret)
{
    const char *text = tree_text(datapoint, name);
    char *end;
    if (!text)
        return false;
    *ret = strtod(text, &end);
    return end != text && !*end && isfinite(*ret);
}

/* Whoever gives fewer statistics than were asked for says the same with those that there are. */
static bool read_statistic(const cJSON *tree, const char *name, double *ret)
{
    static const char *const others[] = {"Maximum", "Average", "Minimum"};
    bool found = read_number(tree, name, ret);
    for (unsigned i = 0; !found && !tree_text(tree, name) && i < 3; i++)
        found = read_number(tree, others[i], ret);
    return found;
}

static bool read_datapoint(
    const cJSON *tree, const struct cloudwatch_metric *metric, struct cloudwatch_datapoint *ret)
{
    ret->start_s = cloudwatch_time(tree_text(tree, "Timestamp"));
    ret->values[1] = 0;
    return ret->start_s >= 0 && read_statistic(tree, metric->statistics[0], &ret->values[0]) &&
           (!metric->statistics[1] || read_statistic(tree, metric->statistics[1], &ret->values[1]));
}

size_t cloudwatch_newest(const struct aws_reply *reply, const struct cloudwatch_metric *metric,
    struct cloudwatch_datapoint *ret, size_t room)
{
    size_t count = 0;
    const cJSON *member;
    cJSON_ArrayForEach(member, tree_find(reply->body, "Datapoints"))
    {
        struct cloudwatch_datapoint datapoint;
        if (!read_datapoint(member, metric, &datapoint))
            continue;
        size_t at = 0;
        while (at < count && ret[at].start_s > datapoint.start_s)
            at++;
        if (at == room)
            continue;
        count += count < room;
        memmove(&ret[at + 1], &ret[at], (count - at - 1) * sizeof *ret);
        ret[at] = datapoint;
    }
    return count;
}
