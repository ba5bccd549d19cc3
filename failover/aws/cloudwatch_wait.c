/* cloudwatch.wait: the newest datapoint of a metric is below, or above, a number.
 *
 * A metric without datapoints is not known, and waited for: it is never taken for zero. */
#include "failover/aws/cloudwatch.h"

#include "base/json.h"

#include <stdio.h>
#include <string.h>

#define WINDOW_MIN_S 900
#define PERIOD_S 60

/* "Namespace/Name" in text: a namespace may have a slash in it, a name has none. */
struct wait_memory {
    char text[1024];
    struct cloudwatch_metric metric;
};

static void read_text(struct wait_memory *memory, const char *text)
{
    snprintf(memory->text, sizeof memory->text, "%s", text);
    char *slash = strrchr(memory->text, '/');
    memory->metric.namespace = memory->text;
    memory->metric.name = "";
    if (slash) {
        *slash = '\0';
        memory->metric.name = slash + 1;
    }
}

static unsigned read_period_s(const cJSON *metric)
{
    uint64_t ms;
    const char *text = json_text(metric, "period");
    return text && config_parse_duration(text, &ms) ? (unsigned)(ms / 1000) : PERIOD_S;
}

static struct cloudwatch_metric *metric_of(struct step *step)
{
    struct wait_memory *memory = step_memory(step, sizeof *memory);
    const cJSON *metric = json_member(step->parameters, "metric");
    const char *statistic = json_text(metric, "statistic");
    if (cJSON_IsString(metric)) {
        read_text(memory, metric->valuestring);
    } else {
        memory->metric.namespace = json_text(metric, "namespace");
        memory->metric.name = json_text(metric, "name");
        memory->metric.dimensions = json_member(metric, "dimensions");
    }
    memory->metric.statistics[0] = statistic ? statistic : "Average";
    memory->metric.period_s = read_period_s(metric);
    return &memory->metric;
}

static void judge(struct step *step, const char *name, double value)
{
    const cJSON *below = json_member(step->parameters, "below");
    const cJSON *bound = below ? below : json_member(step->parameters, "above");
    bool holds = below ? value < bound->valuedouble : value > bound->valuedouble;
    const char *words = below ? "below" : "above";
    if (holds)
        step_done(step, "%s is %g, %s %g", name, value, words, bound->valuedouble);
    else
        step_wait(step, "%s is %g, not %s %g", name, value, words, bound->valuedouble);
}

static void heard(struct step *step, const struct aws_reply *reply)
{
    const struct cloudwatch_metric *metric = metric_of(step);
    struct cloudwatch_datapoint newest;
    if (reply->result != AWS_ANSWERED)
        step_fail(step, reply, "cannot ask CloudWatch in %s for %s", step->region, metric->name);
    else if (cloudwatch_newest(reply, metric, &newest, 1) == 1)
        judge(step, metric->name, newest.values[0]);
    else
        step_wait(step, "CloudWatch in %s has no datapoint of %s %s", step->region,
            metric->namespace, metric->name);
}

static void look(struct step *step)
{
    const struct cloudwatch_metric *metric = metric_of(step);
    unsigned window_s = 3 * metric->period_s;
    if (!*metric->name)
        step_fail(step, NULL, "\"metric\" is Namespace/Name, as in AWS/SQS/NumberOfMessagesSent");
    else
        cloudwatch_ask(
            step, step->region, metric, window_s > WINDOW_MIN_S ? window_s : WINDOW_MIN_S, heard);
}

static const struct step_permission permissions[] = {
    {"cloudwatch:GetMetricStatistics", "*"},
    {0},
};

const struct step_kind cloudwatch_wait = {
    .type = "cloudwatch.wait",
    .look = look,
    .permissions = permissions,
    .timeout_ms = 30 * 60 * 1000,
};
