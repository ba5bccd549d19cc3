/* A metric's newest datapoints, as CloudWatch has them.
 *
 * On the good day there is one a minute. A metric that nobody has written, or that is late, shows
 * none: that is "not known", never zero. */
#pragma once

#include "failover/aws/step.h"

struct cloudwatch_metric {
    const char *namespace, *name;
    const char *dimension, *value; /* one dimension, or NULL */
    const cJSON *dimensions;       /* more of them, a map; NULL: none */
    const char *statistics[2];     /* the second may be NULL */
    unsigned period_s;
};

/* Begins GetMetricStatistics over the last `window_s`, in `region`. */
void cloudwatch_ask(struct step *step, const char *region, const struct cloudwatch_metric *metric,
    unsigned window_s, step_replied *replied);

struct cloudwatch_datapoint {
    int64_t start_s;  /* of its period, since 1970 */
    double values[2]; /* as the metric's `statistics` */
};

/* The newest first, up to `room` of them; how many there are. What is no number is left out. */
size_t cloudwatch_newest(const struct aws_reply *reply, const struct cloudwatch_metric *metric,
    struct cloudwatch_datapoint *ret, size_t room);

/* "2026-11-23T07:00:00Z", with or without a fraction: seconds since 1970, or -1. */
int64_t cloudwatch_time(const char *text);

/* A replica's lag, in seconds: `values[0]` the largest of the minute, `values[1]` the least, which
 * is -1 where the replication is not active. */
extern const struct cloudwatch_metric cloudwatch_replica_lag;
void cloudwatch_ask_lag(
    struct step *step, const char *region, const char *instance, step_replied *replied);
