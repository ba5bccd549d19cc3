/* readopt: the latches of a region are lifted, because it is a replica of what is primary now.
 *
 * Whether it is so was asked of AWS before (control_readopt.c). Here is what the record has to say
 * about it: nothing moves meanwhile, and nobody is latched who is active. */
#include "failover/decide_parts.h"

#include <string.h>

static bool is_quiet(struct deciding *d)
{
    const struct transition *running = d->now->transition;
    if (!running)
        return true;
    return decide_refuse(d, 0,
        "a %s to %s is running (%s): readopt when it has ended; pilotlight wait says when",
        transition_kind_text(running->kind), running->to, running->id);
}

/* After an abort that was forced back over a promotion: what is primary is for a person to say. */
static bool is_elsewhere(struct deciding *d)
{
    const char *region = d->command->region;
    struct id_list active = {.used = 0};
    for (size_t i = 0; i < d->now->group_count; i++) {
        const struct state_group *entry = &d->now->groups[i];
        if (decide_names(d, entry->id) && group_is_latched(entry, region) &&
            strcmp(entry->active, region) == 0)
            id_list_add(&active, entry->id);
    }
    if (active.count == 0)
        return true;
    return decide_refuse(d, 0,
        "%s is the active region of %s: a failover says first where the primary is", region,
        id_list_text(&active));
}

void decide_readopt(struct deciding *d)
{
    const char *region = d->command->region;
    struct id_list lifted = {.used = 0};
    if (!is_quiet(d) || !is_elsewhere(d))
        return;
    decide_open(d);
    for (size_t i = 0; i < d->next->group_count; i++) {
        struct state_group *entry = &d->next->groups[i];
        if (!decide_names(d, entry->id) || !group_is_latched(entry, region))
            continue;
        group_unlatch(entry, region);
        id_list_add(&lifted, entry->id);
    }
    if (d->next->history_count > 0) /* the record keeps the request with what came before it */
        decide_add_request(d, d->next->history[d->next->history_count - 1]);
    if (lifted.count == 0)
        decide_nothing(d, "nothing is latched for %s", region);
    else
        decide_change(d, "%s the latch of %s for %s", d->command->dry_run ? "would lift" : "lifted",
            region, id_list_text(&lifted));
}
