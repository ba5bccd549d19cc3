/* failover, switchover and begin: a way to another region.
 *
 * On the good day the region's runbook begins, or, without one (or with --switch-only), the groups
 * move at once: one write, one rise of the epoch, and the finished transition in the history.
 *
 * In the way stand, in this order: another transition, groups that nobody knows, a latch, a missing
 * runbook or sidecar, steps that straddle the selection, a move too soon, databases that only DNS
 * fences. A group that is there already goes along and is not touched. */
#include "failover/decide_parts.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool step_names(const struct config_step *step, size_t group)
{
    for (size_t i = 0; i < step->group_count; i++) {
        if (step->groups[i] == group)
            return true;
    }
    return false;
}

static bool runbook_names(
    const struct deciding *d, const struct config_runbook *runbook, const char *type, size_t group)
{
    for (size_t i = 0; i < runbook->step_count; i++) {
        const struct config_step *step = &runbook->steps[i];
        if (strcmp(step->type, type) == 0 && decide_applies(d, step) && step_names(step, group))
            return true;
    }
    return false;
}

static struct transition *new_transition(struct deciding *d, enum transition_kind kind)
{
    const struct command *command = d->command;
    struct transition *transition = memory_new(sizeof *transition);
    snprintf(transition->id, sizeof transition->id, "%s", command->id);
    state_set_id(transition->to, command->region);
    transition->kind = kind;
    transition->by = decide_cut(command->by, STATE_WORD_MAX);
    transition->reason = memory_text(command->reason ? command->reason : "");
    transition->started = d->world->now;
    transition->lag_ms = -1;
    transition->force = command->force & FORCE_WORDS;
    transition->groups = memory_new_array(d->config->group_count, sizeof *transition->groups);
    decide_add_request(d, transition);
    return transition;
}

static struct transition_group *add_group(
    struct deciding *d, struct transition *transition, const char *id)
{
    const struct state_group *entry = state_find_group(d->now, id);
    struct transition_group *group = &transition->groups[transition->group_count++];
    state_set_id(group->id, id);
    if (entry && !d->world->undecided)
        state_set_id(group->from, entry->active);
    group->progress = decide_is_settled(d, id) ? PROGRESS_SWITCHED
                      : entry && entry->fenced ? PROGRESS_FENCED
                                               : PROGRESS_OPEN;
    return group;
}

/* The stopped transition ends with this command: done if all of it is now where it was to go. */
static void end_stopped(struct deciding *d)
{
    struct transition *stopped = d->next->transition;
    size_t arrived = 0;
    for (size_t i = 0; i < stopped->group_count; i++) {
        struct transition_group *group = &stopped->groups[i];
        const struct state_group *entry = state_find_group(d->next, group->id);
        if (!entry || entry->fenced || strcmp(entry->active, stopped->to) != 0)
            continue;
        group->progress = PROGRESS_SWITCHED;
        arrived++;
    }
    decide_add_request(d, stopped);
    free(stopped->error);
    stopped->error =
        memory_format("stopped, and ended by a forced switch to %s", d->command->region);
    decide_end_transition(
        d, stopped, arrived == stopped->group_count ? RESULT_DONE : RESULT_FAILED);
}

/* What a fresh record must exceed is all that is left of one that cannot be believed. */
static void open_next(struct deciding *d)
{
    const struct world *world = d->world;
    if (!world->undecided) {
        decide_open(d);
        return;
    }
    d->next = state_new();
    d->next->revision =
        world->seen_revision > d->now->revision ? world->seen_revision : d->now->revision;
    d->next->epoch = world->seen_epoch > d->now->epoch ? world->seen_epoch : d->now->epoch;
}

static void switch_at_once(struct deciding *d)
{
    bool switch_only = d->command->switch_only;
    struct id_list moved = {.used = 0};
    open_next(d);
    struct transition *transition =
        new_transition(d, switch_only ? TRANSITION_SWITCH_ONLY : TRANSITION_FAILOVER);
    for (size_t i = 0; i < d->config->group_count; i++) {
        if (!decide_is_moving(d, i))
            continue;
        const char *id = d->config->groups[i].id;
        decide_switch_group(d, add_group(d, transition, id), d->command->region);
        id_list_add(&moved, id);
    }
    if (d->next->transition)
        end_stopped(d);
    if (moved.count > 0)
        decide_end_transition(d, transition, RESULT_DONE);
    else
        transition_free(transition);
    decide_change(d, "%s %s to %s", d->command->dry_run ? "would switch" : "switched",
        moved.count > 0 ? id_list_text(&moved) : "what was left", d->command->region);
}

/* A database that no step fences is fenced now; what has no database and no step that switches it
 * has nothing to wait for. */
static void start_group(
    struct deciding *d, const struct config_runbook *runbook, struct transition_group *group)
{
    size_t index = config_group(d->config, group->id);
    bool is_database = d->config->groups[index].has_database;
    if (group->progress != PROGRESS_OPEN)
        return;
    if (is_database && !runbook_names(d, runbook, "fence", index))
        decide_fence_group(d, group);
    else if (!is_database && !runbook_names(d, runbook, "switch", index))
        decide_switch_group(d, group, d->command->region);
}

/* All that is to come stands in the record at once. A script that begins by itself has steps of its
 * own. */
static void add_steps(struct deciding *d, const struct config_runbook *runbook)
{
    for (size_t i = 0; i < runbook->step_count; i++) {
        const struct config_step *step = &runbook->steps[i];
        bool named =
            step->group_count == 0 || decide_names(d, d->config->groups[step->groups[0]].id);
        if (named && decide_applies(d, step))
            transition_add_step(d->next->transition, step->id);
    }
}

static void begin(struct deciding *d, const struct config_runbook *runbook)
{
    const char *region = d->command->region;
    struct id_list groups = {.used = 0};
    bool planned = decide_is_planned(d);
    decide_open(d);
    d->next->transition = new_transition(d, planned ? TRANSITION_SWITCHOVER : TRANSITION_FAILOVER);
    d->next->transition->target_rto_ms = runbook ? runbook->target_rto_ms : 0;
    for (size_t i = 0; i < d->config->group_count; i++) {
        const char *id = d->config->groups[i].id;
        if (!decide_names(d, id))
            continue;
        struct transition_group *group = add_group(d, d->next->transition, id);
        if (runbook)
            start_group(d, runbook, group);
        id_list_add(&groups, id);
    }
    if (runbook && d->command->kind != COMMAND_BEGIN)
        add_steps(d, runbook);
    const char *kind = planned ? "switchover" : "failover";
    decide_change(d, "%s a %s of %s to %s", d->command->dry_run ? "would begin" : "began", kind,
        id_list_text(&groups), region);
}

static bool is_there(const struct deciding *d)
{
    for (size_t i = 0; i < d->config->group_count; i++) {
        if (decide_is_moving(d, i))
            return false;
    }
    return true;
}

void decide_move(struct deciding *d)
{
    const struct command *command = d->command;
    const struct config_runbook *runbook = decide_runbook(d, command->region);
    if (!decide_is_free(d) || !decide_is_known(d))
        return;
    if (is_there(d) && !d->now->transition) {
        decide_nothing(d, "already in %s: nothing to do", command->region);
        return;
    }
    if (!decide_is_unlatched(d))
        return;
    if (command->kind == COMMAND_FAILOVER && (command->switch_only || !runbook))
        switch_at_once(d);
    else if (decide_has_driver(d, runbook) && decide_fits(d, runbook) &&
             decide_is_late_enough(d, runbook) && decide_can_fence(d))
        begin(d, runbook);
}
