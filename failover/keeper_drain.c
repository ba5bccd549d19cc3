/* A fence is complete when the last connection to the old region is gone, which in a drain takes a
 * while. Its view is in force and its record written meanwhile, so that other commands go on; only
 * the reply waits, for on it whoever drives the transition promotes the other side.
 *
 * What can go wrong: the group is switched in the middle of a drain (then what drains is cut off
 * before the record is written), the transition is aborted (what is still open simply stays, and
 * who waits is told that there is no fence any more), the daemon stops (who waits is told that the
 * fence stands and is not complete). */
#include "base/memory.h"
#include "failover/keeper_parts.h"

#include <stdio.h>
#include <string.h>

static uint64_t behind(const struct keeper *keeper, const char *group)
{
    return keeper->relays ? keeper->relays->behind(keeper->relays, group) : 0;
}

static bool is_about(const struct command *command, const char *group)
{
    for (size_t i = 0; i < command->group_count; i++) {
        if (strcmp(command->groups[i], group) == 0)
            return true;
    }
    return command->group_count == 0;
}

static bool is_of_running_transition(const struct change *change)
{
    const struct transition *running = change->keeper->state->transition;
    const char *id = change->outcome.transition;
    return running && id && strcmp(running->id, id) == 0;
}

/* Whether somebody may take the change's answer for the end of a fence. */
static bool is_about_fences(const struct change *change)
{
    return change->outcome.status == EXIT_STATUS_DONE &&
           ((change->kind == CHANGE_ASK && is_of_running_transition(change)) ||
               (change->kind == CHANGE_COMMAND && !change->command.dry_run &&
                   (change->command.kind == COMMAND_FENCE ||
                       change->command.kind == COMMAND_BEGIN)));
}

static bool is_draining(const struct change *change)
{
    const struct keeper *keeper = change->keeper;
    for (size_t i = 0; i < keeper->config->group_count; i++) {
        const char *group = keeper->config->groups[i].id;
        if (is_about(&change->command, group) && behind(keeper, group) > 0)
            return true;
    }
    return false;
}

/* The record that it was taken from may be gone by then. */
static void keep_transition(struct change *change)
{
    const char *id = change->outcome.transition;
    if (!id)
        return;
    snprintf(change->id, sizeof change->id, "%s", id);
    change->outcome.transition = change->id;
}

bool keeper_drain_holds(struct change *change)
{
    struct keeper *keeper = change->keeper;
    if (!is_about_fences(change) || !is_draining(change))
        return false;
    keep_transition(change);
    change->next = keeper->draining;
    keeper->draining = change;
    if (keeper->hurried)
        keeper_drain_give_up(keeper);
    return true;
}

static void answer(struct change *change)
{
    const struct state *state = change->keeper->state;
    change->outcome.revision = state->revision;
    change->outcome.epoch = state->epoch;
    if (change->outcome.transition && !is_of_running_transition(change)) {
        change->outcome.status = EXIT_STATUS_FAILED;
        change->outcome.running = false;
        change->outcome.words = "the transition ended while connections to the old region drained, "
                                "and its fence with it";
    }
    keeper_reply_to(change);
}

void keeper_relays_ended(struct keeper *keeper)
{
    for (struct change **at = &keeper->draining; *at;) {
        struct change *change = *at;
        if (is_draining(change)) {
            at = &change->next;
        } else {
            *at = change->next;
            answer(change);
        }
    }
}

void keeper_drain_give_up(struct keeper *keeper)
{
    while (keeper->draining) {
        struct change *change = keeper->draining;
        keeper->draining = change->next;
        change->outcome.status = EXIT_STATUS_FAILED;
        change->outcome.words = "pilotlightd stops while connections to the old region drain; the "
                                "fence stands: ask again when it is back";
        keeper_reply_to(change);
    }
}

void keeper_drain_end(struct change *change)
{
    const struct keeper *keeper = change->keeper;
    struct decision *decision = &change->decision;
    for (size_t i = 0; i < keeper->state->group_count; i++) {
        const struct state_group *now = &keeper->state->groups[i];
        const struct state_group *next = state_find_group(decision->next, now->id);
        if (!next || strcmp(now->active, next->active) == 0 || behind(keeper, now->id) == 0)
            continue;
        decision->fence_first = memory_resize(
            decision->fence_first, decision->fence_first_count + 1, sizeof *decision->fence_first);
        decision->fence_first[decision->fence_first_count++] = memory_text(now->id);
    }
}
