/* Inside inspect: who looks, who asks what is allowed, and what both make of it. */
#pragma once

#include "failover/aws/inspect.h"
#include "failover/ready_source.h"

enum found { FOUND_DONE, FOUND_ACT, FOUND_WAIT, FOUND_ASK, FOUND_FAIL, FOUND_UNKNOWN };

struct look {
    struct step step;
    struct inspection *inspection;
    struct aws_call *call;
    step_replied *replied;
    uint64_t began_ms;
    bool begun, ended, denied;
    enum found found;
    char *words;
};

struct inspection {
    struct step_host host;
    struct inspect_options options;
    struct config *config;
    char *region;
    const struct config_runbook *runbook;
    struct look *looks; /* in the order of the rows */
    size_t count, begun, ended;
    uint64_t began_ms;
    struct access *access; /* NULL: not asked, or done */
    cJSON *rows;           /* of ready: what `access` found */
    uv_timer_t timer;
    inspected *done;
    void *context;
};

/* The results, as inspect.h has them. The second takes `rows`. */
cJSON *inspect_plan(const struct inspection *inspection);
cJSON *inspect_ready(struct inspection *inspection);

/* Who we are, and whether we may do what the runbook does: rows of `ready`. */
struct access;
typedef void access_done(void *context, cJSON *rows);
struct access *access_start(
    const struct inspect_options *options, access_done *done, void *context);
void access_cancel(struct access *access); /* NULL accepted; not after `done` */

/* Which of a runbook's steps take part, in an order in which it would run: each after what it
 * needs, else as in the file. Indexes into its steps; free() it. */
size_t *inspect_order(const struct config_runbook *runbook, bool switchover, size_t *ret_count);

/* Whether the step has a part in a failover or switchover. */
bool inspect_takes_part(const struct config_step *step, bool switchover);

/* A region that the step calls besides the runbook's, which a failover may find lost; NULL: none.
 */
const char *inspect_elsewhere(
    const struct config *config, const struct config_step *step, const char *region);

cJSON *inspect_row(const char *check, const char *region, enum ready_status status,
    const char *words, const char *advice);

/* inspect_policy for one account; "*" is all of them. */
cJSON *inspect_policy_of(const struct config *config, const char *region, const char *account);

#define INSPECT_NO_AWS "AWS cannot be called: libcurl is not installed"
#define INSPECT_ADVICE_POLICY "pilotlight plan %s --iam shows the least policy"
