/* fence, switch and end: the acts of whoever drives a transition, the sidecar or a script.
 *
 * Each may be said again and then changes nothing. A transition that ends as failed either goes
 * back (a switchover, while it can) or stops where it is. */
#include "failover/decide_parts.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static bool are_members(struct deciding *d)
{
    const struct transition *running = d->now->transition;
    for (size_t i = 0; i < d->command->group_count; i++) {
        if (!transition_find_group(running, d->command->groups[i]))
            return decide_refuse(d, 0, "group \"%s\" is no part of the running %s to %s",
                d->command->groups[i], transition_kind_text(running->kind), running->to);
    }
    return true;
}

/* Buckets and plain names have nothing to fence: they stay open until the switch. */
void decide_fence(struct deciding *d)
{
    struct id_list fenced = {.used = 0};
    if (!are_members(d))
        return;
    decide_open(d);
    struct transition *running = d->next->transition;
    for (size_t i = 0; i < running->group_count; i++) {
        struct transition_group *group = &running->groups[i];
        if (group->progress != PROGRESS_OPEN || !decide_names(d, group->id) ||
            !decide_is_database(d, group->id))
            continue;
        decide_fence_group(d, group);
        id_list_add(&fenced, group->id);
    }
    decide_add_request(d, running);
    if (fenced.count == 0)
        decide_nothing(d, "nothing is left to fence");
    else
        decide_change(
            d, "%s %s", d->command->dry_run ? "would fence" : "fenced", id_list_text(&fenced));
}

/* What clients cached before the fence lives for a TTL, and a second for what was on its way. */
static uint64_t fence_wait_ms(const struct deciding *d, const char *group)
{
    const struct state_group *entry = state_find_group(d->now, group);
    size_t index = config_group(d->config, group);
    uint64_t wanted_ms = (uint64_t)d->config->resolver.ttl_s * 1000 + 1000;
    if (index == CONFIG_NONE || !d->config->groups[index].has_dns_only_database)
        return 0;
    if (!entry || !entry->fenced)
        return wanted_ms;
    uint64_t stood_ms = clock_since_ms(&entry->fenced_at, &d->world->now);
    return stood_ms < wanted_ms ? wanted_ms - stood_ms : 0;
}

void decide_switch(struct deciding *d)
{
    const char *to = d->now->transition->to;
    struct id_list switched = {.used = 0};
    if (!are_members(d))
        return;
    if (config_region(d->config, to) == CONFIG_NONE) {
        decide_refuse(d, 0, "the configuration has no region \"%s\" any more: put it back", to);
        return;
    }
    decide_open(d);
    struct transition *running = d->next->transition;
    for (size_t i = 0; i < running->group_count; i++) {
        struct transition_group *group = &running->groups[i];
        if (group->progress == PROGRESS_SWITCHED || !decide_names(d, group->id))
            continue;
        uint64_t wait_ms = fence_wait_ms(d, group->id);
        if (wait_ms > d->ret->fence_wait_ms)
            d->ret->fence_wait_ms = wait_ms;
        decide_switch_group(d, group, to);
        id_list_add(&switched, group->id);
    }
    decide_add_request(d, running);
    if (switched.count == 0)
        decide_nothing(d, "already in %s: nothing is left to switch", to);
    else
        decide_change(d, "%s %s to %s", d->command->dry_run ? "would switch" : "switched",
            id_list_text(&switched), to);
}

static void end_done(struct deciding *d)
{
    const struct transition *now = d->now->transition;
    struct id_list left = {.used = 0};
    for (size_t i = 0; i < now->group_count; i++) {
        if (now->groups[i].progress != PROGRESS_SWITCHED)
            id_list_add(&left, now->groups[i].id);
    }
    if (left.count > 0) {
        decide_refuse(d, 0,
            "%s is not switched to %s yet: switch it first, or end the transition as failed",
            id_list_text(&left), now->to);
        return;
    }
    decide_open(d);
    struct transition *running = d->next->transition;
    decide_add_request(d, running);
    free(running->error);
    running->error = NULL;
    decide_end_transition(d, running, RESULT_DONE);
    decide_change(d, "the %s to %s is done", transition_kind_text(now->kind), now->to);
}

/* A planned move never becomes an outage: it goes back by itself while it can. A failover stays
 * where it is, fenced, for a person to go on with. */
static void end_failed(struct deciding *d)
{
    const struct transition *now = d->now->transition;
    const char *reason = d->command->reason && *d->command->reason
                             ? d->command->reason
                             : "ended as failed by whoever drives it";
    if (now->kind == TRANSITION_SWITCHOVER && !decide_is_irreversible(now)) {
        decide_go_back(d, reason);
        return;
    }
    if (now->error && strcmp(now->error, reason) == 0) {
        decide_nothing(
            d, "the %s to %s has stopped already", transition_kind_text(now->kind), now->to);
        return;
    }
    decide_open(d);
    struct transition *running = d->next->transition;
    free(running->error);
    running->error = memory_text(reason);
    decide_add_request(d, running);
    decide_change(d,
        "the %s to %s has stopped: %.300s; it stays where it is until somebody goes on with it",
        transition_kind_text(now->kind), now->to, reason);
}

void decide_end(struct deciding *d)
{
    if (d->command->failed)
        end_failed(d);
    else
        end_done(d);
}
