/* `ready` by itself, every `ready_every` of a region's runbook: what it found is in the metrics,
 * and a line in the log says when it is not what it was. On the main loop. */
#pragma once

#include "base/metric.h"
#include "failover/keeper.h"
#include "failover/ready.h"

#define READY_FIRST_MS 60000 /* after the start at the latest: by then a sidecar has come */

struct ready_schedule;

/* Both outlive it but for ready_free, which comes first. */
struct ready_schedule *ready_schedule_new(
    struct loop *loop, struct ready *ready, struct keeper *keeper);
void ready_schedule_configure(struct ready_schedule *schedule); /* after each change */
void ready_schedule_free(struct ready_schedule *schedule, loop_call *freed, void *context);

metric_writer ready_schedule_write_metrics; /* context: the schedule */
