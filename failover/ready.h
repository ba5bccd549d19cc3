/* `ready`: is a standby fit to take over? Rows from several sources (ready_source.h), one document:
 *
 *     {"ready": bool, "rows": [{"check": "target", "endpoint": id | null, "region": id,
 *                               "status": "pass" | "warn" | "fail", "words": text,
 *                               "advice": text | null}, …]}
 *
 * `ready` is false when a row says "fail". A run opens connections and anybody may ask, so one run
 * at a time looks at all regions for all who ask meanwhile, and what it found is shown again for a
 * while, unless the record or the configuration has changed since, or the sidecar came or went. On
 * the main loop. */
#pragma once

#include "base/lookup.h"
#include "failover/ready_source.h"
#include "failover/status.h"

#define READY_REUSE_MS 5000
#define READY_SOURCES_MAX 8

struct ready;

struct ready_options {
    struct loop *main_loop;
    struct lookup *lookup;
    const struct status_source *status;
};

struct ready *ready_new(const struct ready_options *options);

/* One more, from the next run on; it is taken. Rows stand in the order of their sources. */
void ready_add_source(struct ready *ready, struct ready_source *source);

/* `document` is the receiver's; NULL: the daemon stops. */
typedef void ready_answer(void *context, cJSON *document);

/* `region`: one of the configuration's, or NULL: every region that some group is not active in.
 * Answers exactly once, now or later. */
void ready_ask(struct ready *ready, const char *region, ready_answer *answer, void *context);

/* Answers all who wait; `freed` runs later. Nobody asks any more. */
void ready_free(struct ready *ready, loop_call *freed, void *context);
