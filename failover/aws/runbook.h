/* Pure decisions about a runbook under way: (configuration, record) → what may start, what goes on,
 * whether it is over.
 *
 * No clock, no socket, no AWS: everything that counts is in the arguments. */
#pragma once

#include "base/failure.h"
#include "failover/state.h"

enum runbook_standing {
    RUNBOOK_LEFT_OUT, /* not its occasion, or its groups do not lie wholly in the transition's */
    RUNBOOK_WAITS,    /* for what it needs, or because something has stopped the transition */
    RUNBOOK_STARTS,   /* now */
    RUNBOOK_RUNS,     /* was begun, by us or by a sidecar that is gone, or waits for a person */
    RUNBOOK_OVER,     /* nothing has to wait for it any more */
    RUNBOOK_STOPS     /* failed, or nobody knows: the transition stops at it */
};

enum runbook_verdict {
    RUNBOOK_GOES_ON,
    RUNBOOK_DONE,  /* every step is over and every group switched */
    RUNBOOK_FAILED /* `words` say what stopped it */
};

struct runbook_now {
    const struct config_runbook *runbook; /* of where the transition goes; NULL: others drive it */
    enum runbook_standing *steps;         /* in the order of the runbook's */
    enum runbook_verdict verdict;         /* one that has stopped already goes on, by a person */
    struct failure words;
};

void runbook_read(
    const struct config *config, const struct transition *transition, struct runbook_now *ret);
void runbook_fini(struct runbook_now *now);

/* The record's word on a step; STEP_WAITING where it has none. */
enum step_status runbook_status(
    const struct transition *transition, const struct config_step *step);
