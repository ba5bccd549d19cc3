/* The record: which region is active for each group, what is under way, what happened before.
 *
 * Plain data with no behaviour beyond its shape: reading and writing JSON (pilotlight-control(7)),
 * copying, looking things up. What may become of it is decided in decide.h; where it is kept is
 * store.h's business. Names are at most CONFIG_ID_MAX bytes. */
#pragma once

#include "base/clock.h"
#include "base/failure.h"
#include "config/config.h"

#include <cjson/cJSON.h>

#define STATE_FORMAT 1
#define STATE_SIZE_MAX (512u << 10) /* bytes of the record as JSON */
#define STATE_HISTORY_MAX 50
#define STATE_REASON_MAX 1024 /* bytes, without NUL */
#define STATE_REQUEST_MAX 64  /* bytes of a request id, without NUL: printable ASCII, no space */
#define STATE_REQUESTS_MAX 32 /* per transition; the oldest make room */
#define STATE_STEPS_MAX 512
#define STATE_DETAIL_MAX 512
#define STATE_WORD_MAX 256                    /* bytes of `by`, of an AWS code or request id */
#define STATE_COUNTER_MAX (UINT64_C(1) << 52) /* a revision or epoch beyond it is not believed */

typedef char state_id[CONFIG_ID_MAX + 1];
void state_set_id(state_id to, const char *id); /* `id` fits: the configuration's do */

struct state_group {
    state_id id;
    state_id active; /* region */
    bool fenced;
    struct moment fenced_at; /* counts while fenced */
    state_id latched[CONFIG_REGIONS_MAX];
    unsigned latched_count;
};

/* Words that override a refusal, as bits; bare --force is FORCE_ALL. */
enum force {
    FORCE_LAG = 1 << 0,
    FORCE_FLAP = 1 << 1,
    FORCE_LATCH = 1 << 2,
    FORCE_ACKS = 1 << 3,
    FORCE_UNDECIDED = 1 << 4,
    FORCE_DNS_ONLY = 1 << 5,
    FORCE_IRREVERSIBLE = 1 << 6,
    FORCE_WORDS = 0x7f, /* all that have a word */
    FORCE_ALL = 1 << 7 | FORCE_WORDS
};
bool force_parse(const char *word, unsigned *ret_bit);
const char *force_text(unsigned bit);

enum transition_kind { TRANSITION_FAILOVER, TRANSITION_SWITCHOVER, TRANSITION_SWITCH_ONLY };
enum transition_result { RESULT_NONE, RESULT_DONE, RESULT_ABORTED, RESULT_FAILED };
enum transition_progress { PROGRESS_OPEN, PROGRESS_FENCED, PROGRESS_SWITCHED };

/* Derived, never stored as a fact: see state_phase. */
enum state_phase { PHASE_STEADY, PHASE_PREPARING, PHASE_FENCED, PHASE_COMPLETING, PHASE_STOPPED };

enum step_status {
    STEP_WAITING,
    STEP_RUNNING,
    STEP_DONE,
    STEP_FAILED,
    STEP_SKIPPED,
    STEP_UNKNOWN,
    STEP_NEEDS_APPROVAL
};

struct transition_group {
    state_id id;
    state_id from; /* the region where it started; "" when it was undecided */
    enum transition_progress progress;
};

struct transition_step {
    state_id id;
    enum step_status status;
    unsigned attempt;
    struct moment started, ended; /* wall "" until then */
    bool promotes, irreversible;  /* intended: written before the act */
    bool continue_on_failure;     /* a failure does not stop the transition */
    char *detail;                 /* NULL or text */
    char *aws_code, *aws_request_id;
    bool has_lag;    /* it looked at a replica: */
    uint64_t lag_ms; /* how far that was behind */
};

struct transition_request {
    char id[STATE_REQUEST_MAX + 1];
    char command[16]; /* "failover", "abort" … */
};

struct transition {
    char id[40]; /* never changes; seeds idempotency tokens */
    state_id to;
    enum transition_kind kind;
    struct transition_group *groups;
    size_t group_count;
    struct transition_step *steps;
    size_t step_count;
    struct transition_request requests[STATE_REQUESTS_MAX];
    unsigned request_count;
    char *by;     /* "alice" or "uid 1000"; never NULL */
    char *reason; /* never NULL */
    struct moment started, ended;
    enum transition_result result; /* RESULT_NONE while it runs */
    char *error;                   /* of the whole, NULL or text */
    int64_t lag_ms;         /* replica lag at the switch, the most of all steps'; -1: not known */
    unsigned force;         /* bits of `enum force` that it was begun with, within FORCE_WORDS */
    uint64_t target_rto_ms; /* of the runbook as it was then; 0: none */
};

struct state {
    uint64_t revision, epoch;
    struct state_group *groups;
    size_t group_count;
    struct transition *transition; /* NULL when steady */
    struct transition **history;   /* oldest first */
    size_t history_count;
};

struct state *state_new(void); /* revision 0, epoch 0, nothing in it */
struct state *state_copy(const struct state *state);
void state_free(struct state *state);
void transition_free(struct transition *transition);

/* Every group of the configuration at home: what a host without any record starts with. */
struct state *state_at_home(const struct config *config);

struct state_group *state_find_group(const struct state *state, const char *id);
struct state_group *state_add_group(struct state *state, const char *id); /* or the one there is */
struct transition_group *transition_find_group(const struct transition *transition, const char *id);
struct transition_step *transition_find_step(const struct transition *transition, const char *id);
struct transition_step *transition_add_step(struct transition *transition, const char *id);
bool group_is_latched(const struct state_group *group, const char *region);
void group_latch(struct state_group *group, const char *region);
void group_unlatch(struct state_group *group, const char *region);

/* It failed, or nobody knows what became of it, and the transition does not go on without it. */
bool transition_stops_at(const struct transition_step *step);

bool transition_has_request(const struct transition *transition, const char *request);
/* The transition (running or past) that a request id belongs to; NULL when it is not known. */
const struct transition *state_find_request(const struct state *state, const char *request);

enum state_phase state_phase(const struct state *state);
const char *state_phase_text(enum state_phase phase); /* PHASE_STEADY: NULL */
const char *transition_kind_text(enum transition_kind kind);
const char *transition_result_text(enum transition_result result);
const char *step_status_text(enum step_status status);
bool step_status_parse(const char *text, enum step_status *ret);

/* JSON as in pilotlight-control(7). `state_to_json` is what `status --json` shows under "state". */
cJSON *state_to_json(const struct state *state);
cJSON *transition_to_json(const struct transition *transition, enum state_phase phase);
int state_from_json(const cJSON *json, struct state **ret_state, struct failure *why);

/* The file's form: one JSON object and a newline, whose last member "checksum" is
 * "sha256:HEX" over all bytes before the comma that precedes it. Trims history (oldest first, into
 * the log) to STATE_HISTORY_MAX and until it is within STATE_SIZE_MAX; the caller frees. -EFBIG
 * when that does not help; -EINVAL when what was printed could not be read back. */
int state_print(struct state *state, char **ret_text, size_t *ret_size, struct failure *why);

/* The reverse; anything that state_print would not have written is refused: -EINVAL with words
 * (truncated, edited, foreign), -EPROTONOSUPPORT when the format is a newer one. */
int state_parse(const char *text, size_t size, struct state **ret_state, struct failure *why);

/* The largest revision and epoch that a damaged text still shows; 0 where there is none. */
void state_salvage(const char *text, size_t size, uint64_t *ret_revision, uint64_t *ret_epoch);
