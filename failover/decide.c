/* Where a command meets the record: checks that every command shares, then the family that knows
 * it, then a verdict.
 *
 * A refusal changes nothing and always says what to do next; one that can be overridden names its
 * word. Nothing here reads a clock, a file or a socket. */
#include "failover/decide_parts.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

bool group_is_decided(const struct state *state, const struct world *world, const char *group)
{
    const struct state_group *entry = state_find_group(state, group);
    return !world->undecided && entry && config_region(world->config, entry->active) != CONFIG_NONE;
}

static bool is_known_region(struct deciding *d)
{
    const char *region = d->command->region;
    if (!region)
        return decide_usage(d, "say which region to go to");
    if (config_region(d->config, region) != CONFIG_NONE)
        return true;
    struct id_list regions = {.used = 0};
    for (size_t i = 0; i < d->config->region_count; i++)
        id_list_add(&regions, d->config->regions[i]);
    return decide_usage(
        d, "unknown region \"%.80s\"; the configuration has %s", region, id_list_text(&regions));
}

static bool are_known_groups(struct deciding *d)
{
    for (size_t i = 0; i < d->command->group_count; i++) {
        const char *group = d->command->groups[i];
        if (config_group(d->config, group) != CONFIG_NONE)
            continue;
        struct id_list groups = {.used = 0};
        for (size_t g = 0; g < d->config->group_count; g++)
            id_list_add(&groups, d->config->groups[g].id);
        return decide_usage(
            d, "unknown group \"%.80s\"; the configuration has %s", group, id_list_text(&groups));
    }
    return true;
}

static bool is_request_id(const char *request)
{
    size_t size = 0;
    for (; request[size]; size++) {
        if (request[size] <= ' ' || request[size] > '~')
            return false;
    }
    return size > 0 && size <= STATE_REQUEST_MAX;
}

static bool is_well_formed(struct deciding *d)
{
    const struct command *command = d->command;
    if (command->reason && strlen(command->reason) > STATE_REASON_MAX)
        return decide_usage(d, "the reason is longer than %d bytes", STATE_REASON_MAX);
    if (command->request && !is_request_id(command->request))
        return decide_usage(d, "a request id is 1 to %d printable ASCII characters without spaces",
            STATE_REQUEST_MAX);
    return are_known_groups(d);
}

/* A refused record leaves one way: an operator who says where everything is. */
static bool is_decided_world(struct deciding *d)
{
    const struct command *command = d->command;
    if (!d->world->undecided)
        return true;
    bool is_failover = command->kind == COMMAND_FAILOVER;
    if (is_failover && command->switch_only && decide_forced(d, FORCE_UNDECIDED))
        return true;
    return decide_refuse(d, is_failover ? FORCE_UNDECIDED : 0,
        "this host is undecided: %.300s; when you know where the primary is, say so with "
        "pilotlight failover %s --switch-only --force=undecided",
        d->world->undecided_why ? d->world->undecided_why : "its record cannot be believed",
        command->region ? command->region : "REGION");
}

static bool is_operators(enum command_kind kind)
{
    return kind == COMMAND_ABORT || kind == COMMAND_RETRY || kind == COMMAND_SKIP ||
           kind == COMMAND_APPROVE;
}

/* Whoever drives one transition must not act on another that has taken its place. */
static bool has_transition(struct deciding *d)
{
    const struct transition *running = d->now->transition;
    const char *meant = d->command->transition;
    if (running && meant && strcmp(running->id, meant) != 0)
        return decide_refuse(
            d, 0, "transition \"%.80s\" is not the one that runs: that is %s", meant, running->id);
    if (running)
        return true;
    return decide_refuse(d, 0,
        "no transition is running: nothing to %s; pilotlight status shows where things are",
        is_operators(d->command->kind) ? command_kind_text(d->command->kind) : "do");
}

static void decide_transition(struct deciding *d)
{
    static void (*const families[])(struct deciding *) = {
        [COMMAND_ABORT] = decide_abort,
        [COMMAND_RETRY] = decide_retry,
        [COMMAND_SKIP] = decide_skip,
        [COMMAND_APPROVE] = decide_approve,
        [COMMAND_FENCE] = decide_fence,
        [COMMAND_SWITCH] = decide_switch,
        [COMMAND_STEP] = decide_step,
        [COMMAND_END] = decide_end,
    };
    if (has_transition(d))
        families[d->command->kind](d);
}

void decide(const struct state *now, const struct world *world, const struct command *command,
    struct decision *ret)
{
    struct deciding d = {
        .now = now, .world = world, .config = world->config, .command = command, .ret = ret};
    *ret = (struct decision){.verdict = VERDICT_REFUSED};
    bool moves = command->kind == COMMAND_FAILOVER || command->kind == COMMAND_SWITCHOVER ||
                 command->kind == COMMAND_BEGIN;
    bool readopts = command->kind == COMMAND_READOPT;
    if (((moves || readopts) && !is_known_region(&d)) || !is_well_formed(&d) ||
        !is_decided_world(&d))
        return;
    if (moves)
        decide_move(&d);
    else if (readopts)
        decide_readopt(&d);
    else
        decide_transition(&d);
    assert((ret->verdict == VERDICT_CHANGE) == (ret->next != NULL));
}

void decision_fini(struct decision *decision)
{
    state_free(decision->next);
    for (size_t i = 0; i < decision->fence_first_count; i++)
        free(decision->fence_first[i]);
    free(decision->fence_first);
    *decision = (struct decision){.verdict = VERDICT_REFUSED};
}
