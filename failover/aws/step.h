/* One step of a runbook, and what its type has to say about it.
 *
 * Every type answers one question, `look`: what is true now? Its answer is one of: the goal holds,
 * wait, something must be done, it cannot be had. Only the third leads to `act`, and only after the
 * intent is in the record; after the act it looks again, and again, until the goal holds. So a kill
 * at any instant loses nothing: whoever comes next looks first.
 *
 * AWS shows an act late. A second act is only done after STEP_SETTLED looks in a row ask for it,
 * where the first may have happened: in this process or in one that is gone. Where AWS said that it
 * happened, it takes STEP_SETTLED_TAKEN of them.
 *
 * The same look serves `plan` and `ready`, which never act. */
#pragma once

#include "failover/aws/call.h"
#include "failover/state.h"

#define STEP_SETTLED 3
#define STEP_SETTLED_TAKEN 12 /* two minutes, as a rule */
#define STEP_TIMEOUT_MS (30u * 60 * 1000)
#define STEP_FOR_EVER UINT64_MAX

struct step;

/* What a call of a step comes back to; AWS_ANSWERED or AWS_REFUSED, never AWS_TROUBLE: trouble ends
 * the look (or act) with "wait" by itself. */
typedef void step_replied(struct step *step, const struct aws_reply *reply);
/* What the daemon said to fence, switch: 0 or an exit status with words. */
typedef void step_told(struct step *step, int status, const char *words);

/* For policies: "rds:PromoteReadReplica" on "arn:{partition}:rds:{region}:{account}:db:{instance}",
 * where {NAME} is a parameter of the step (a list: one resource each) and {account} is "*". */
struct step_permission {
    const char *action;
    const char *resource;
};

struct step_kind {
    const char *type; /* "rds.modify" */
    /* Ends, now or later, with exactly one of step_done, step_wait, step_must, step_fail,
     * step_unknown, step_ask. */
    void (*look)(struct step *step);
    /* Ends with step_acted, with step_done where that is all, or, like a look, with step_wait,
     * step_fail or step_unknown. NULL: there is nothing to do but to wait. */
    void (*act)(struct step *step);
    void (*cancel)(struct step *step);         /* what it holds besides calls ends; NULL: nothing */
    const struct step_permission *permissions; /* ends with an empty one; NULL: none */
    uint64_t timeout_ms; /* unless the file says another; 0: half an hour; STEP_FOR_EVER */
    unsigned confirm;    /* looks in a row that must find the goal; 0 is 1 */
    bool unrepeatable;   /* an act of unknown outcome is never repeated: step is `unknown` */
    bool prompt;         /* what it sees is never late: a second act needs no settling */
};

extern const struct step_kind *const step_kinds[];        /* ends with NULL */
const struct step_kind *step_kind_find(const char *type); /* NULL: no configuration says it */

enum step_purpose { STEP_CARRY_OUT, STEP_PLAN, STEP_READY };

struct step_host;

/* What a type may read; whoever carries it out writes. */
struct step {
    const struct step_kind *kind;
    const struct config_step *given;
    const cJSON *parameters;
    const struct config *config;
    const char *region; /* the runbook's */
    enum step_purpose purpose;
    struct step_host *host;
    struct loop *loop; /* for what it has running besides calls; NULL in a plan */

    /* Of the transition; in a plan it has no id. */
    char transition[40];
    bool planned;            /* a switchover */
    unsigned force;          /* bits of `enum force` that it was begun with */
    state_id from;           /* where the first of its groups was, "" when nobody knows */
    bool fenced;             /* all of its databases are */
    struct moment fenced_at; /* the last of them */
    bool switched;           /* all of its groups are */

    unsigned attempt;
    struct moment started; /* this attempt, as the record has it; `wall` "" when nobody knows */
    bool acted;            /* it may have acted in this attempt: now, or before a restart */
    void *memory;          /* the type's own, from step_memory; freed with the step */
};

/* How a look or act ended. */
enum step_end {
    STEP_END_DONE,    /* the goal holds */
    STEP_END_WAIT,    /* look again, later */
    STEP_END_MUST,    /* act is needed */
    STEP_END_ACTED,   /* look whether it helped */
    STEP_END_FAIL,    /* it cannot be had */
    STEP_END_UNKNOWN, /* a person must say what became of it */
    STEP_END_ASK      /* a person must approve */
};

/* What whoever carries out a step does for it; tests play it. */
struct step_host {
    void (*call)(struct step_host *host, struct step *step, struct aws_request *request,
        step_replied *replied);
    void (*tell)(struct step_host *host, struct step *step, const char *method, step_told *told);
    void (*end)(struct step_host *host, struct step *step, enum step_end end, const char *words,
        const struct aws_reply *reply);
    void (*lag)(struct step_host *host, struct step *step, int64_t lag_ms);
    void (*say)(struct step_host *host, struct step *step, const char *words);
};

/* Parameters, checked already: text or NULL, numbers or a fallback. */
const char *step_text(const struct step *step, const char *name);
uint64_t step_number(const struct step *step, const char *name, uint64_t fallback);
bool step_has(const struct step *step, const char *name);
bool step_flag(const struct step *step, const char *name);
/* The region that the parameter names; the runbook's where it does not. */
const char *step_region(const struct step *step, const char *name);

/* At most 64 letters, digits and hyphens, the same for every attempt to do `what` for this step of
 * this transition until an operator retries it. */
#define STEP_TOKEN_SIZE 65
void step_token(const struct step *step, const char *what, char ret[STEP_TOKEN_SIZE]);

void *step_memory(struct step *step, size_t size); /* zeroed at first, the same one ever after */

/* Begins a call. `replied` comes later unless the step is cancelled; one call at a time. */
void step_call(struct step *step, struct aws_request *request, step_replied *replied);
/* "fence" or "switch", of the step's groups. */
void step_tell(struct step *step, const char *method, step_told *told);
/* AWS said that what was asked for is not to be: the next act need not wait for it. */
void step_came_to_nothing(struct step *step);

/* How far the replica was behind when the old region was left: the bound of what is lost. */
void step_set_lag(struct step *step, int64_t lag_ms);

/* What goes on in a look or act that is long; it ends nothing. */
void step_say(struct step *step, const char *words);

/* The ends of a look or act. Words are for people, in the record's `detail`: what is true, in a
 * plan what would be done ("promote orders-standby"). */
#define STEP_WORDS __attribute__((format(printf, 2, 3)))
void step_done(struct step *step, const char *format, ...) STEP_WORDS;
void step_wait(struct step *step, const char *format, ...) STEP_WORDS; /* looks again, later */
void step_must(struct step *step, const char *format, ...) STEP_WORDS; /* act is needed */
void step_acted(struct step *step, const char *format, ...) STEP_WORDS;
void step_unknown(struct step *step, const char *format, ...) STEP_WORDS; /* a person must say */
void step_ask(struct step *step, const char *format, ...) STEP_WORDS;     /* for approval */
/* `reply` (may be NULL) gives AWS's code, request id and words, after ours. */
void step_fail(struct step *step, const struct aws_reply *reply, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
