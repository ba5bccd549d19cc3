/* The small parts that every decision is made of: verdicts, questions about the command and the
 * configuration, and the few ways in which a record changes. */
#include "failover/decide_parts.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const command_names[] = {
    [COMMAND_FAILOVER] = "failover",
    [COMMAND_SWITCHOVER] = "switchover",
    [COMMAND_ABORT] = "abort",
    [COMMAND_RETRY] = "retry",
    [COMMAND_SKIP] = "skip",
    [COMMAND_APPROVE] = "approve",
    [COMMAND_READOPT] = "readopt",
    [COMMAND_BEGIN] = "begin",
    [COMMAND_FENCE] = "fence",
    [COMMAND_SWITCH] = "switch",
    [COMMAND_STEP] = "step",
    [COMMAND_END] = "end",
};

const char *command_kind_text(enum command_kind kind)
{
    return command_names[kind];
}

static void set_words(struct deciding *d, const char *format, va_list arguments)
{
    struct failure *words = &d->ret->words;
    vsnprintf(words->text, sizeof words->text, format, arguments);
}

bool decide_usage(struct deciding *d, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_words(d, format, arguments);
    va_end(arguments);
    d->ret->verdict = VERDICT_REFUSED;
    d->ret->status = EXIT_STATUS_USAGE;
    return false;
}

bool decide_refuse(struct deciding *d, unsigned force_word, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_words(d, format, arguments);
    va_end(arguments);
    d->ret->verdict = VERDICT_REFUSED;
    d->ret->status = EXIT_STATUS_REFUSED;
    d->ret->force_word = force_word;
    return false;
}

void decide_nothing(struct deciding *d, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_words(d, format, arguments);
    va_end(arguments);
    d->ret->verdict = VERDICT_NOTHING;
    state_free(d->next);
    d->next = NULL;
}

static bool answers_change(const struct deciding *d)
{
    if (d->world->undecided)
        return true;
    for (size_t i = 0; i < d->next->group_count; i++) {
        const struct state_group *after = &d->next->groups[i];
        const struct state_group *before = state_find_group(d->now, after->id);
        if (!before || before->fenced != after->fenced ||
            strcmp(before->active, after->active) != 0)
            return true;
    }
    return false;
}

void decide_change(struct deciding *d, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    set_words(d, format, arguments);
    va_end(arguments);
    d->next->revision++;
    d->next->epoch += answers_change(d);
    d->ret->verdict = VERDICT_CHANGE;
    d->ret->next = d->next;
    d->next = NULL;
}

bool decide_names(const struct deciding *d, const char *group)
{
    for (size_t i = 0; i < d->command->group_count; i++) {
        if (strcmp(d->command->groups[i], group) == 0)
            return true;
    }
    return d->command->group_count == 0;
}

bool decide_forced(const struct deciding *d, unsigned bit)
{
    return (d->command->force & bit) == bit;
}

bool decide_is_database(const struct deciding *d, const char *group)
{
    size_t index = config_group(d->config, group);
    return index == CONFIG_NONE || d->config->groups[index].has_database;
}

const struct config_runbook *decide_runbook(const struct deciding *d, const char *region)
{
    size_t index = config_region(d->config, region);
    if (index == CONFIG_NONE || !d->config->runbooks[index].present)
        return NULL;
    return &d->config->runbooks[index];
}

bool decide_is_irreversible(const struct transition *transition)
{
    for (size_t i = 0; i < transition->step_count; i++) {
        if (transition->steps[i].promotes || transition->steps[i].irreversible)
            return true;
    }
    return false;
}

const struct config_step *decide_config_step(const struct deciding *d, const char *id)
{
    const struct config_runbook *runbook = decide_runbook(d, d->now->transition->to);
    for (size_t i = 0; runbook && i < runbook->step_count; i++) {
        if (strcmp(runbook->steps[i].id, id) == 0)
            return &runbook->steps[i];
    }
    return NULL;
}

bool decide_step_covers(const struct deciding *d, const struct config_step *step, const char *group)
{
    for (size_t i = 0; step && i < step->group_count; i++) {
        if (strcmp(d->config->groups[step->groups[i]].id, group) == 0)
            return true;
    }
    return !step;
}

void decide_latch_old_region(struct deciding *d, const struct config_step *step)
{
    struct transition *running = d->next->transition;
    for (size_t i = 0; i < running->group_count; i++) {
        const struct transition_group *group = &running->groups[i];
        if (decide_is_database(d, group->id) && decide_step_covers(d, step, group->id) &&
            strcmp(group->from, running->to) != 0)
            group_latch(decide_entry(d, group->id), group->from);
    }
}

void decide_open(struct deciding *d)
{
    d->next = state_copy(d->now);
}

/* The record keeps groups that the configuration lost, until one that it has needs their place. */
static void make_room(struct deciding *d)
{
    struct state *next = d->next;
    for (size_t i = 0; i < next->group_count && next->group_count >= CONFIG_GROUPS_MAX; i++) {
        if (config_group(d->config, next->groups[i].id) == CONFIG_NONE)
            next->groups[i--] = next->groups[--next->group_count];
    }
}

struct state_group *decide_entry(struct deciding *d, const char *group)
{
    struct state_group *entry = state_find_group(d->next, group);
    if (entry)
        return entry;
    make_room(d);
    return state_add_group(d->next, group);
}

void decide_fence_first(struct deciding *d, const char *group)
{
    struct decision *ret = d->ret;
    ret->fence_first =
        memory_resize(ret->fence_first, ret->fence_first_count + 1, sizeof *ret->fence_first);
    ret->fence_first[ret->fence_first_count++] = memory_text(group);
}

void decide_fence_group(struct deciding *d, struct transition_group *group)
{
    struct state_group *entry = decide_entry(d, group->id);
    decide_fence_first(d, group->id);
    entry->fenced = true;
    entry->fenced_at = d->world->now;
    group->progress = PROGRESS_FENCED;
}

/* A database never goes from one region to another but through the fence. */
void decide_switch_group(struct deciding *d, struct transition_group *group, const char *to)
{
    struct state_group *entry = decide_entry(d, group->id);
    if (decide_is_database(d, group->id) && !entry->fenced)
        decide_fence_first(d, group->id);
    state_set_id(entry->active, to);
    entry->fenced = false;
    group_unlatch(entry, to);
    group->progress = PROGRESS_SWITCHED;
}

/* When the list is full the oldest makes room, but never the one that began the transition: that is
 * the one that somebody waits for. */
void decide_add_request(struct deciding *d, struct transition *transition)
{
    const char *request = d->command->request;
    if (!request || transition_has_request(transition, request))
        return;
    struct transition_request *list = transition->requests;
    if (transition->request_count == STATE_REQUESTS_MAX)
        memmove(&list[1], &list[2], (--transition->request_count - 1) * sizeof *list);
    struct transition_request *added = &list[transition->request_count++];
    snprintf(added->id, sizeof added->id, "%s", request);
    snprintf(added->command, sizeof added->command, "%s", command_kind_text(d->command->kind));
}

void decide_end_transition(
    struct deciding *d, struct transition *transition, enum transition_result result)
{
    struct state *next = d->next;
    transition->result = result;
    transition->ended = d->world->now;
    next->history =
        memory_resize(next->history, next->history_count + 1, sizeof(struct transition *));
    next->history[next->history_count++] = transition;
    if (next->transition == transition)
        next->transition = NULL;
}

char *decide_cut(const char *text, size_t max)
{
    size_t size = text ? strlen(text) : 0;
    if (size <= max)
        return memory_text(text);
    while (max > 0 && (text[max] & 0xc0) == 0x80)
        max--;
    return memory_text_of(text, max);
}

void id_list_add(struct id_list *list, const char *id)
{
    size_t room = sizeof list->text - 32 - list->used; /* for "and N more" */
    list->count++;
    if (strlen(id) + 2 >= room) {
        list->left_out++;
        return;
    }
    list->used +=
        (size_t)snprintf(list->text + list->used, room, "%s%s", list->used ? ", " : "", id);
}

const char *id_list_text(struct id_list *list)
{
    if (list->left_out > 0)
        snprintf(list->text + list->used, 32, " and %zu more", list->left_out);
    return list->used > 0 ? list->text : "nothing";
}
