/* abort: every group back to the region where it started.
 *
 * On the good day nothing irreversible was intended, and afterwards answers are what they were.
 * Forced after a promotion, names go back but databases stay fenced: which side holds the data is
 * for a person to say. */
#include "failover/decide_parts.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static bool was_promoted(const struct transition *transition)
{
    for (size_t i = 0; i < transition->step_count; i++) {
        if (transition->steps[i].promotes)
            return true;
    }
    return false;
}

/* A region that is latched for the group is not opened by going back to it either. */
static bool stays_fenced(
    const struct deciding *d, const struct state_group *entry, const struct transition_group *group)
{
    return decide_is_database(d, group->id) &&
           (was_promoted(d->now->transition) || group_is_latched(entry, group->from));
}

static void go_back(struct deciding *d, const struct transition_group *group)
{
    struct state_group *entry = decide_entry(d, group->id);
    bool is_database = decide_is_database(d, group->id);
    bool moves = strcmp(entry->active, group->from) != 0;
    bool fence = stays_fenced(d, entry, group);
    if (is_database && !entry->fenced && (moves || fence))
        decide_fence_first(d, group->id);
    if (fence && !entry->fenced)
        entry->fenced_at = d->world->now;
    state_set_id(entry->active, group->from);
    entry->fenced = fence;
}

void decide_go_back(struct deciding *d, const char *error)
{
    struct id_list fenced = {.used = 0};
    decide_open(d);
    struct transition *running = d->next->transition;
    for (size_t i = 0; i < running->group_count; i++) {
        go_back(d, &running->groups[i]);
        if (state_find_group(d->next, running->groups[i].id)->fenced)
            id_list_add(&fenced, running->groups[i].id);
    }
    free(running->error);
    running->error = decide_cut(error, STATE_REASON_MAX);
    decide_add_request(d, running);
    decide_end_transition(d, running, RESULT_ABORTED);
    const char *kind = transition_kind_text(running->kind);
    const char *verb = d->command->dry_run ? "would abort" : "aborted";
    if (fenced.count > 0)
        decide_change(d,
            "%s the %s to %s: every group is back where it started, %s stays fenced until a "
            "failover says where the data is",
            verb, kind, running->to, id_list_text(&fenced));
    else
        decide_change(
            d, "%s the %s to %s: every group is back where it started", verb, kind, running->to);
}

void decide_abort(struct deciding *d)
{
    const struct transition *running = d->now->transition;
    if (decide_is_irreversible(running) && !decide_forced(d, FORCE_IRREVERSIBLE)) {
        decide_refuse(d, FORCE_IRREVERSIBLE,
            "the %s to %s has begun what cannot be undone: let it go on (or pilotlight failover %s "
            "--switch-only --force once it has stopped); --force=irreversible goes back all the "
            "same, and databases stay fenced after a promotion",
            transition_kind_text(running->kind), running->to, running->to);
        return;
    }
    const char *reason = d->command->reason && *d->command->reason ? d->command->reason : NULL;
    char *error = memory_format(
        "aborted by %s%s%s", d->command->by, reason ? ": " : "", reason ? reason : "");
    decide_go_back(d, error);
    free(error);
}
