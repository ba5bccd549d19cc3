/* One step of a transition, carried out: look → intent → act → look again → report.
 *
 * On the good day it looks, writes into the record what it is about to do, acts once the daemon has
 * that on its disk, looks until the goal holds, and reports the step as done.
 *
 * Nothing is done without a written intent, and what may have been done is looked at before it is
 * done again; so it can be dropped at any instant, and another run for the same step goes on.
 * Trouble is waited out until the step's timeout. */
#pragma once

#include "base/loop.h"
#include "failover/aws/step.h"
#include "failover/decide.h"

struct run;

/* As link_call: `replied` runs later, exactly once. */
typedef void run_replied(void *context, int status, const char *words, const cJSON *result);

struct run_owner {
    void (*call)(void *context, const char *method, cJSON *params, run_replied *replied,
        void *reply_context);
    /* A report is in the record since this revision; the step's last one with `over`. After that
     * the run is the owner's to drop, then or later. */
    void (*reported)(void *context, struct run *run, uint64_t revision, bool over);
    void *context;
};

/* Of all runs of a sidecar: so many look at AWS at once, the others wait in line. Zero it. */
#define RUN_LOOKS_MOST 64
struct run_gate {
    unsigned inside;
    struct run *waiting;
};

struct run_options {
    struct loop *loop;
    struct config *config; /* a reference is taken */
    const char *region;    /* whose runbook; of the configuration */
    const struct config_step *given;
    const struct step_kind *kind;
    const struct state *state; /* with the transition */
    unsigned force;
    struct run_gate *gate; /* NULL: none; outlives the run, as does the next */
    struct aws *aws;       /* NULL where the kind calls nothing; outlives the run */
    struct run_owner owner;
};

/* Starts with a look. A step that the record says is running is taken up where the truth is. */
struct run *run_new(const struct run_options *options);

/* Another record, with the same transition. False: it says something else about this step than we
 * do, so the run is to be dropped. */
bool run_follow(struct run *run, const struct state *state);

/* The transition is about to stop: what is under way may end, nothing new is done. */
void run_stop(struct run *run);

/* Ends it where it is, without a word; it frees itself when the last reply is there. */
void run_drop(struct run *run);

const struct config_step *run_step(const struct run *run);
