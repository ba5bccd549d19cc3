#include "failover/metrics.h"

#include <string.h>

static void write_gauge_of_groups(struct keeper *keeper, struct metric_text *out, const char *name,
    const char *help, double (*value)(struct keeper *keeper, const char *group))
{
    const struct config *config = keeper_config(keeper);
    metric_family(out, name, METRIC_GAUGE, help);
    for (size_t i = 0; i < config->group_count; i++) {
        const char *group = config->groups[i].id;
        metric_value(out, name, METRIC_LABELS({"group", group}), value(keeper, group));
    }
}

static double fenced(struct keeper *keeper, const char *id)
{
    const struct state_group *group = state_find_group(keeper_state(keeper), id);
    return group && group->fenced;
}

static double fence_age(struct keeper *keeper, const char *id)
{
    const struct state_group *group = state_find_group(keeper_state(keeper), id);
    if (!group || !group->fenced)
        return 0;
    return (double)clock_since_ms(&group->fenced_at, &keeper_world(keeper)->now) / 1000;
}

static double undecided(struct keeper *keeper, const char *id)
{
    const struct world *world = keeper_world(keeper);
    return world->undecided || !group_is_decided(keeper_state(keeper), world, id);
}

static void write_active(struct keeper *keeper, struct metric_text *out)
{
    const struct config *config = keeper_config(keeper);
    metric_family(out, "pilotlight_active", METRIC_GAUGE,
        "1 for the region that a group's answers follow, 0 for the others");
    for (size_t i = 0; i < config->group_count; i++) {
        const char *id = config->groups[i].id;
        const struct state_group *group = state_find_group(keeper_state(keeper), id);
        for (size_t region = 0; region < config->region_count; region++) {
            bool active = group && strcmp(group->active, config->regions[region]) == 0;
            metric_value(out, "pilotlight_active",
                METRIC_LABELS({"group", id}, {"region", config->regions[region]}), active);
        }
    }
}

void keeper_write_metrics(void *context, struct metric_text *out)
{
    struct keeper *keeper = context;
    metric_family(out, "pilotlight_epoch", METRIC_GAUGE, "Epoch of the record in force");
    metric_value(out, "pilotlight_epoch", METRIC_NO_LABELS, (double)keeper_state(keeper)->epoch);
    write_active(keeper, out);
    write_gauge_of_groups(keeper, out, "pilotlight_fenced",
        "1 while a group's databases are fenced off from the old region", fenced);
    write_gauge_of_groups(
        keeper, out, "pilotlight_fence_age_seconds", "How long the fence has stood", fence_age);
    write_gauge_of_groups(keeper, out, "pilotlight_undecided",
        "1 while it is not known which region a group's answers follow", undecided);
    metric_family(out, "pilotlight_store_age_seconds", METRIC_GAUGE,
        "Since the record was last known to be the store's; 0 for a file");
    metric_value(out, "pilotlight_store_age_seconds", METRIC_NO_LABELS, 0);
}

void health_write_metrics(void *context, struct metric_text *out)
{
    const struct health_checks *checks = context;
    const struct config *config = health_config(checks);
    metric_family(out, "pilotlight_endpoint_up", METRIC_GAUGE,
        "1 when a region's target accepts connections, 0 when not; absent while unknown");
    for (size_t endpoint = 0; config && endpoint < config->endpoint_count; endpoint++) {
        for (size_t region = 0; region < config->region_count; region++) {
            enum health health = health_get(checks, endpoint, region).health;
            if (health == HEALTH_UNKNOWN)
                continue;
            metric_value(out, "pilotlight_endpoint_up",
                METRIC_LABELS({"endpoint", config->endpoints[endpoint].id},
                    {"region", config->regions[region]}),
                health == HEALTH_UP);
        }
    }
}
