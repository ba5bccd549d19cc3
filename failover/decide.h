/* Pure decisions: (state, world, command) → a new state, or a refusal in words.
 *
 * No clock, no file, no socket: everything that counts is in the arguments, so that a unit test can
 * stand in any night. `exit_status` values are those of pilotlight(1). */
#pragma once

#include "failover/state.h"

enum exit_status {
    EXIT_STATUS_DONE = 0,
    EXIT_STATUS_FAILED = 1,
    EXIT_STATUS_USAGE = 2,
    EXIT_STATUS_REFUSED = 3,
    EXIT_STATUS_NO_DAEMON = 4,
    EXIT_STATUS_TIMEOUT = 5
};

enum command_kind {
    COMMAND_FAILOVER,
    COMMAND_SWITCHOVER,
    COMMAND_ABORT,
    COMMAND_RETRY,   /* a step that failed or is unknown, or all that stopped it, waits again */
    COMMAND_SKIP,    /* a step is left out */
    COMMAND_APPROVE, /* a step that waits for a person's word has it */
    COMMAND_READOPT, /* the latches of `region` are lifted: it is a replica of what is primary now
                      */
    COMMAND_BEGIN,   /* start a transition that the caller drives: fence, step, switch, end */
    COMMAND_FENCE,   /* of the running transition's groups */
    COMMAND_SWITCH,  /* likewise */
    COMMAND_STEP,    /* what is true of a step now; intent is written before the act */
    COMMAND_END      /* the running transition is over */
};

const char *command_kind_text(enum command_kind kind); /* "failover", as its method is called */

struct command {
    enum command_kind kind;
    const char *region;  /* where to; NULL where it does not apply */
    const char **groups; /* ids; none: all */
    size_t group_count;
    const char *reason;     /* NULL: none */
    const char *request;    /* NULL: none */
    const char *by;         /* who; never NULL */
    const char *transition; /* abort, fence, switch, step, end: the one meant; NULL: what runs */
    const char *id;         /* a new transition's id, made by the keeper */
    bool switch_only, dry_run, planned; /* planned: `begin` of a switchover */
    unsigned force;
    /* Borrowed. COMMAND_STEP: the fields reported; retry (NULL: all that stopped), skip and
     * approve: `id` alone. */
    const struct transition_step *step;
    bool failed; /* COMMAND_END: it failed rather than being done */
};

/* What a decision may depend on besides the record. */
struct world {
    const struct config *config;
    bool undecided;            /* the stored record was refused: nothing is known */
    const char *undecided_why; /* in words, when undecided */
    uint64_t seen_revision,
        seen_epoch; /* the largest that could be read; a forced record exceeds them */
    bool sidecar_connected;
    struct moment now;
};

enum verdict {
    VERDICT_NOTHING, /* already so: done, nothing changes */
    VERDICT_CHANGE,  /* `next` is to be written and announced */
    VERDICT_REFUSED
};

struct decision {
    enum verdict verdict;
    enum exit_status status; /* of a refusal: EXIT_STATUS_USAGE or EXIT_STATUS_REFUSED */
    unsigned force_word;     /* the bit that overrides the refusal; 0: nothing does */
    struct failure words; /* refusal: what, why, what to do. Otherwise: what was or will be done */
    struct state *next;   /* VERDICT_CHANGE: the caller's; revision already raised */
    char **fence_first;   /* group ids that every loop must fence before `next` is written */
    size_t fence_first_count;
    /* How long the fence has to stand yet before `next` may be written, milliseconds: DNS alone
     * stops only new resolutions, so answers of before must have expired. 0: not at all. */
    uint64_t fence_wait_ms;
};

void decide(const struct state *now, const struct world *world, const struct command *command,
    struct decision *ret);
void decision_fini(struct decision *decision);

/* Whether a group's answers are known: it has an entry, and its region is still configured. */
bool group_is_decided(const struct state *state, const struct world *world, const char *group);

/* Whether `next` may take the place of `now` under this record (`reload`): no transition runs, no
 * active region vanishes, no endpoint moves to another group, … -EINVAL / -EBUSY with words. */
int decide_reload(const struct state *state, const struct config *now, const struct config *next,
    struct failure *why);
