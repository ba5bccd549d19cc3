/* What may be looked at over HTTP: /metrics, /healthz, and a page. On the main loop. */
#pragma once

#include "base/address.h"
#include "base/metric.h"
#include "failover/status.h"

struct monitoring;

/* A bound and listening socket for one address, made before privileges are dropped; or a negative
 * errno with words. */
int monitoring_bind(const struct address *address, struct failure *why);

struct monitoring *monitoring_new(struct loop *main_loop, const struct status_source *source);
int monitoring_listen(struct monitoring *monitoring, int fd); /* takes fd */
void monitoring_add(struct monitoring *monitoring, metric_writer *writer, void *context);
void monitoring_free(struct monitoring *monitoring, loop_call *freed, void *context);
