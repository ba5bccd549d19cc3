/* What `status`, `explain` and the metrics say of an endpoint's relay, in the same words:
 *
 *     {"listen": ["127.0.0.54:5432"],
 *      "open": 12, "connecting": 1, "held": 0, "behind": 0,             connections now
 *      "accepted": 90, "closed_by_switch": 12,                          ever, as all that follow
 *      "refused": {"hold_full": 0, "hold_timeout": 0, "hold_bytes": 0, "unresolved": 0,
 *                  "unreachable": 0, "descriptors": 0},
 *      "bytes_to_target": 4096, "bytes_to_client": 8192,
 *      "connect_us": {"count": 90, "mean": 640 | null},                 null: none yet
 *      "waiting_for": text | null}                                      base/relays.h has them all
 */
#pragma once

#include "base/metric.h"
#include "base/relays.h"
#include "failover/status.h"

/* The caller's. NULL: the endpoint has no relay, or there are none at all (`relays` NULL). */
cJSON *relay_to_json(struct relays *relays, const struct config_endpoint *endpoint);

/* "hold_full", "hold_timeout" … */
const char *relay_refusal_text(enum relays_refusal refusal);

metric_writer relays_write_metrics; /* context: the struct status_source; in relay_metrics.c */
