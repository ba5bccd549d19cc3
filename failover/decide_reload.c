/* reload: whether another configuration may stand under this record.
 *
 * A record names groups and regions; a configuration that takes one of them away under it, or moves
 * an endpoint to a group that is active elsewhere, would change answers without a command. */
#include "failover/decide.h"

#include <errno.h>
#include <string.h>

static int check_regions(const struct state *state, const struct config *now,
    const struct config *next, struct failure *why)
{
    for (size_t i = 0; i < state->group_count; i++) {
        const struct state_group *group = &state->groups[i];
        if (config_group(now, group->id) == CONFIG_NONE ||
            config_region(now, group->active) == CONFIG_NONE)
            continue;
        if (config_region(next, group->active) == CONFIG_NONE)
            return failure_set(why, -EINVAL,
                "region \"%s\" is active for group \"%s\" and would vanish: fail over first",
                group->active, group->id);
    }
    return 0;
}

static int check_endpoints(const struct config *now, const struct config *next, struct failure *why)
{
    for (size_t i = 0; i < next->endpoint_count; i++) {
        const struct config_endpoint *endpoint = &next->endpoints[i];
        size_t before = config_endpoint(now, endpoint->id);
        if (before == CONFIG_NONE)
            continue;
        const char *group = next->groups[endpoint->group].id;
        const char *old_group = now->groups[now->endpoints[before].group].id;
        if (strcmp(group, old_group) != 0)
            return failure_set(why, -EINVAL,
                "endpoint \"%s\" would move from group \"%s\" to \"%s\": give it another name",
                endpoint->id, old_group, group);
    }
    return 0;
}

int decide_reload(const struct state *state, const struct config *now, const struct config *next,
    struct failure *why)
{
    if (state->transition)
        return failure_set(why, -EBUSY,
            "a %s to %s is running: reload when it has ended (pilotlight wait)",
            transition_kind_text(state->transition->kind), state->transition->to);
    int status = check_regions(state, now, next, why);
    return status < 0 ? status : check_endpoints(now, next, why);
}
