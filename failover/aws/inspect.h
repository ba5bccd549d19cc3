/* plan and ready: each step's look, none of its acts.
 *
 * The steps of a region's runbook look side by side, a few at a time, each once, and what they find
 * becomes a row. Nothing is changed. */
#pragma once

#include "failover/aws/step.h"

#define INSPECT_LOOK_MS 15000
#define INSPECT_MS 45000 /* all of it, however many steps: whoever asked does not wait for ever */

struct inspection;

/* What `pilotlight plan` and `pilotlight ready` show of the runbook (pilotlight-control(7)):
 *     plan   {"region", "steps": [{"step": id, "type", "needs": [id …],
 *             "status": "done" | "act" | "wait" | "fail" | "unknown", "words"} …]}
 *     ready  {"rows": [{"check", "endpoint": null, "region", "status", "words", "advice"} …]}
 * The result is the receiver's. */
typedef void inspected(void *context, cJSON *result);

/* `occasion`: whether `switchover` is what would be done. `from`: where the groups are now. */
struct inspect_options {
    struct loop *loop;
    struct aws *aws; /* NULL: it cannot be called */
    const struct config *config;
    const char *region;
    const char *from; /* "" when nobody knows */
    bool switchover;
    enum step_purpose purpose;
    unsigned look_ms; /* how long a look may take; 0: INSPECT_LOOK_MS */
    unsigned all_ms;  /* and all of them; 0: INSPECT_MS */
};
struct inspection *inspect_start(
    const struct inspect_options *options, inspected *done, void *context);
void inspect_cancel(struct inspection *inspection);

/* The least policy with which the sidecar can do all of a region's runbook, and look at it: an IAM
 * policy document, the caller's. Asks nobody. */
cJSON *inspect_policy(const struct config *config, const char *region);
