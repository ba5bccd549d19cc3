/* What may stand in the way of a move, asked in the order of decide_move.
 *
 * Each question refuses in words and returns false, or is silent and returns true. */
#include "failover/decide_parts.h"

#include <inttypes.h>
#include <string.h>

bool decide_is_planned(const struct deciding *d)
{
    return d->command->kind == COMMAND_SWITCHOVER ||
           (d->command->kind == COMMAND_BEGIN && d->command->planned);
}

bool decide_is_settled(const struct deciding *d, const char *group)
{
    const struct state_group *entry = state_find_group(d->now, group);
    return group_is_decided(d->now, d->world, group) && !entry->fenced &&
           strcmp(entry->active, d->command->region) == 0 &&
           !group_is_latched(entry, entry->active);
}

bool decide_is_moving(const struct deciding *d, size_t group)
{
    const char *id = d->config->groups[group].id;
    return decide_names(d, id) && !decide_is_settled(d, id);
}

bool decide_applies(const struct deciding *d, const struct config_step *step)
{
    return decide_is_planned(d) ? step->on_switchover : step->on_failover;
}

static bool is_switch_only(const struct command *command)
{
    return command->kind == COMMAND_FAILOVER && command->switch_only;
}

/* A group that the stopped transition holds fenced, or whose old region it put out of use, may not
 * be left behind without a transition. */
static bool leaves_behind(struct deciding *d)
{
    const struct transition *stopped = d->now->transition;
    struct id_list left = {.used = 0};
    for (size_t i = 0; i < stopped->group_count; i++) {
        const struct state_group *entry = state_find_group(d->now, stopped->groups[i].id);
        bool open = entry && !entry->fenced && !group_is_latched(entry, entry->active);
        if (entry && !open && !decide_names(d, entry->id))
            id_list_add(&left, entry->id);
    }
    if (left.count == 0)
        return false;
    return !decide_refuse(d, 0,
        "transition %s stopped with %s fenced or latched: name these too, or leave --group out",
        stopped->id, id_list_text(&left));
}

bool decide_is_free(struct deciding *d)
{
    const struct transition *running = d->now->transition;
    if (!running)
        return true;
    const char *kind = transition_kind_text(running->kind);
    if (state_phase(d->now) != PHASE_STOPPED)
        return decide_refuse(d, 0,
            "a %s to %s is running (%s): pilotlight wait returns when it has ended, pilotlight "
            "abort takes it back",
            kind, running->to, running->id);
    if (is_switch_only(d->command) && decide_forced(d, FORCE_ALL))
        return !leaves_behind(d);
    return decide_refuse(d, 0,
        "a %s to %s has stopped (%s): pilotlight retry goes on with it, skip and approve with one "
        "step (pilotlight wait returns when it has ended), pilotlight abort takes it back; "
        "pilotlight failover %s --switch-only --force ends it and moves at once",
        kind, running->to, running->id, d->command->region);
}

bool decide_is_known(struct deciding *d)
{
    const struct command *command = d->command;
    struct id_list unknown = {.used = 0};
    for (size_t i = 0; i < d->config->group_count; i++) {
        const char *id = d->config->groups[i].id;
        if (decide_names(d, id) && !group_is_decided(d->now, d->world, id))
            id_list_add(&unknown, id);
    }
    bool may_move = command->group_count > 0 || decide_forced(d, FORCE_UNDECIDED);
    if (unknown.count == 0 || (is_switch_only(command) && may_move))
        return true;
    return decide_refuse(d, command->kind == COMMAND_FAILOVER ? FORCE_UNDECIDED : 0,
        "undecided: nobody knows where %s is active; pilotlight failover %s --switch-only with "
        "--group for each moves it, or --force=undecided moves all",
        id_list_text(&unknown), command->region);
}

bool decide_is_unlatched(struct deciding *d)
{
    const char *region = d->command->region;
    struct id_list latched = {.used = 0};
    for (size_t i = 0; i < d->config->group_count; i++) {
        const struct state_group *entry = state_find_group(d->now, d->config->groups[i].id);
        if (decide_is_moving(d, i) && entry && group_is_latched(entry, region))
            id_list_add(&latched, entry->id);
    }
    if (latched.count == 0 || decide_forced(d, FORCE_LATCH))
        return true;
    return decide_refuse(d, FORCE_LATCH,
        "%s is latched for %s: a promotion away from it was begun, its data may be old; "
        "pilotlight readopt %s makes it a replica of the new primary first; --force=latch goes "
        "there all the same",
        region, id_list_text(&latched), region);
}

static bool straddles(const struct deciding *d, const struct config_step *step)
{
    size_t inside = 0;
    for (size_t i = 0; i < step->group_count; i++)
        inside += decide_names(d, d->config->groups[step->groups[i]].id);
    return inside > 0 && inside < step->group_count;
}

bool decide_fits(struct deciding *d, const struct config_runbook *runbook)
{
    for (size_t i = 0; runbook && i < runbook->step_count; i++) {
        const struct config_step *step = &runbook->steps[i];
        if (decide_applies(d, step) && straddles(d, step))
            return decide_refuse(d, 0,
                "step \"%s\" of the runbook of %s is also for groups that --group leaves out; name "
                "them too, or leave --group out",
                step->id, d->command->region);
    }
    return true;
}

/* `begin` needs neither: whoever sends it drives. */
bool decide_has_driver(struct deciding *d, const struct config_runbook *runbook)
{
    const char *region = d->command->region;
    if (d->command->kind == COMMAND_BEGIN)
        return true;
    if (!runbook)
        return decide_refuse(d, 0,
            "%s has no runbook, so nothing can move there without loss; pilotlight failover %s "
            "switches at once",
            region, region);
    if (d->world->sidecar_connected)
        return true;
    if (d->command->kind == COMMAND_SWITCHOVER)
        return decide_refuse(d, 0,
            "%s has a runbook and no sidecar is connected to run it: start pilotlight-sidecar "
            "on this host (systemctl start pilotlight-sidecar)",
            region);
    return decide_refuse(d, 0,
        "%s has a runbook and no sidecar is connected to run it: start pilotlight-sidecar "
        "on this host (systemctl start pilotlight-sidecar), or switch without the runbook: "
        "pilotlight failover %s --switch-only",
        region, region);
}

static const struct transition *last_that_counts(const struct state *state)
{
    for (size_t i = state->history_count; i > 0; i--) {
        if (state->history[i - 1]->result != RESULT_ABORTED)
            return state->history[i - 1];
    }
    return NULL;
}

bool decide_is_late_enough(struct deciding *d, const struct config_runbook *runbook)
{
    const struct transition *last = last_that_counts(d->now);
    if (!runbook || !last || decide_forced(d, FORCE_FLAP))
        return true;
    uint64_t since_ms = clock_since_ms(&last->ended, &d->world->now);
    if (since_ms >= runbook->min_interval_ms)
        return true;
    return decide_refuse(d, FORCE_FLAP,
        "the last move, to %s, ended %" PRIu64 " s ago, and the runbook of %s wants %" PRIu64
        " s between two; --force=flap goes all the same",
        last->to, since_ms / 1000, d->command->region, runbook->min_interval_ms / 1000);
}

bool decide_can_fence(struct deciding *d)
{
    struct id_list dns_only = {.used = 0};
    for (size_t i = 0; i < d->config->group_count; i++) {
        if (decide_is_moving(d, i) && d->config->groups[i].has_dns_only_database)
            id_list_add(&dns_only, d->config->groups[i].id);
    }
    if (!decide_is_planned(d) || dns_only.count == 0 || decide_forced(d, FORCE_DNS_ONLY))
        return true;
    return decide_refuse(d, FORCE_DNS_ONLY,
        "%s has databases without a relay: DNS alone cannot keep connected writers from the old "
        "region, so writes may be lost; --force=dns-only goes all the same",
        id_list_text(&dns_only));
}
