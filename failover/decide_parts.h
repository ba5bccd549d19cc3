/* What the files of `decide` share: one decision while it is made. Nobody else includes this. */
#pragma once

#include "failover/decide.h"

struct deciding {
    const struct state *now;
    const struct world *world;
    const struct config *config;
    const struct command *command;
    struct decision *ret;
    struct state *next; /* what changes; NULL until decide_open */
};

/* One function a family of commands; each ends in a verdict. */
void decide_move(struct deciding *d);  /* failover, switchover, begin */
void decide_fence(struct deciding *d); /* and the other acts of whoever drives */
void decide_switch(struct deciding *d);
void decide_step(struct deciding *d);
void decide_end(struct deciding *d);
void decide_abort(struct deciding *d);
void decide_retry(struct deciding *d); /* and the other words of an operator about a step */
void decide_skip(struct deciding *d);
void decide_approve(struct deciding *d);
void decide_readopt(struct deciding *d);

/* Verdicts. The refusals return false, so that a check can end in one. */
bool decide_usage(struct deciding *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool decide_refuse(struct deciding *d, unsigned force_word, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void decide_nothing(struct deciding *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* `next` becomes the decision: revision raised, and the epoch if answers change. */
void decide_change(struct deciding *d, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Questions. */
bool decide_names(const struct deciding *d, const char *group); /* named by the command, or all */
bool decide_forced(const struct deciding *d, unsigned bit);
/* A group that the configuration does not know counts as one: the careful side. */
bool decide_is_database(const struct deciding *d, const char *group);
/* Of the region where the command or the running transition goes; NULL: it has none. */
const struct config_runbook *decide_runbook(const struct deciding *d, const char *region);
/* Of the running transition's runbook; NULL: it knows no such step. */
const struct config_step *decide_config_step(const struct deciding *d, const char *id);
bool decide_step_covers(/* NULL covers all groups */
    const struct deciding *d, const struct config_step *step, const char *group);
/* Something was intended in the running transition that abort cannot take back. */
bool decide_is_irreversible(const struct transition *transition);

bool decide_is_planned(const struct deciding *d);
bool decide_is_settled(const struct deciding *d, const char *group); /* there, open, fit */
bool decide_is_moving(const struct deciding *d, size_t group); /* index: named, and not settled */
bool decide_applies(const struct deciding *d, const struct config_step *step); /* its "when" */

/* What may stand in the way of a move; false: refused. `runbook` NULL: the region has none. */
bool decide_is_free(struct deciding *d);      /* of another transition */
bool decide_is_known(struct deciding *d);     /* where each group is active */
bool decide_is_unlatched(struct deciding *d); /* the region, for each group that moves */
bool decide_has_driver(struct deciding *d, const struct config_runbook *runbook);
bool decide_fits(struct deciding *d, const struct config_runbook *runbook); /* the selection */
bool decide_is_late_enough(struct deciding *d, const struct config_runbook *runbook);
bool decide_can_fence(struct deciding *d); /* a planned move's databases, by more than DNS */

/* Changes, on `next`. */
void decide_open(struct deciding *d); /* `next` is a copy of `now` */
struct state_group *decide_entry(struct deciding *d, const char *group);
void decide_fence_first(struct deciding *d, const char *group);
void decide_fence_group(struct deciding *d, struct transition_group *group);
void decide_switch_group(struct deciding *d, struct transition_group *group, const char *to);
/* From the moment that a promotion is begun the old region may hold old data. */
void decide_latch_old_region(struct deciding *d, const struct config_step *step);
void decide_add_request(struct deciding *d, struct transition *transition);
void decide_go_back(struct deciding *d, const char *error); /* the transition is aborted */
/* The transition ends and joins the history, which takes it. */
void decide_end_transition(
    struct deciding *d, struct transition *transition, enum transition_result result);

/* A copy of at most `max` bytes, cut between two characters of UTF-8; NULL stays NULL. */
char *decide_cut(const char *text, size_t max);

/* "data, static and 3 more", for words. */
struct id_list {
    char text[512];
    size_t used, count, left_out;
};
void id_list_add(struct id_list *list, const char *id);
const char *id_list_text(struct id_list *list);
