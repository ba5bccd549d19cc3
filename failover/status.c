#include "failover/status.h"

#include "base/json.h"

#include <stdio.h>
#include <string.h>

/* One look at everything, so that a document does not contradict itself. */
struct look {
    const struct status_source *source;
    const struct config *config;
    const struct state *state;
    const struct world *world;
};

static struct look look_now(const struct status_source *source)
{
    return (struct look){.source = source,
        .config = keeper_config(source->keeper),
        .state = keeper_state(source->keeper),
        .world = keeper_world(source->keeper)};
}

const char *status_undecided(
    const struct state *state, const struct world *world, const char *group)
{
    if (group_is_decided(state, world, group))
        return NULL;
    if (world->undecided)
        return world->undecided_why;
    return state_find_group(state, group)
               ? "its active region is not in the configuration"
               : "the record does not know it: say where it is with failover --switch-only --group";
}

static const char *group_active(const struct look *look, size_t group)
{
    const char *id = look->config->groups[group].id;
    if (!group_is_decided(look->state, look->world, id))
        return NULL;
    return state_find_group(look->state, id)->active;
}

static bool group_is_fenced(const struct look *look, size_t group)
{
    const struct state_group *found = state_find_group(look->state, look->config->groups[group].id);
    return found && found->fenced;
}

static const char *group_status(const struct look *look, size_t group)
{
    if (!group_active(look, group))
        return "undecided";
    return group_is_fenced(look, group) ? "fenced" : "open";
}

/* Only databases stop between two regions; everything else stays on the old one until the switch.
 */
static const char *endpoint_status(const struct look *look, const struct config_endpoint *endpoint)
{
    if (!group_active(look, endpoint->group))
        return "undecided";
    bool fenced = endpoint->type == CONFIG_DATABASE && group_is_fenced(look, endpoint->group);
    return fenced ? "fenced" : "open";
}

static const char *endpoint_type(const struct config_endpoint *endpoint)
{
    static const char *const names[] = {
        [CONFIG_DATABASE] = "database", [CONFIG_BUCKET] = "bucket", [CONFIG_NAME] = "name"};
    return names[endpoint->type];
}

static struct health_status target_health(const struct look *look, size_t endpoint, size_t region)
{
    if (!look->source->health)
        return (struct health_status){.health = HEALTH_UNKNOWN, .detail = "not checked"};
    return health_get(look->source->health, endpoint, region);
}

static void add_target(const struct look *look, cJSON *targets, size_t index, size_t region)
{
    const struct config_endpoint *endpoint = &look->config->endpoints[index];
    struct health_status health = target_health(look, index, region);
    cJSON *target = cJSON_AddObjectToObject(targets, look->config->regions[region]);
    json_add_text(target, "target",
        endpoint->targets ? endpoint->targets[region].text : endpoint->buckets[region]);
    json_add_text(target, "health", health_text(health.health));
    json_add_text(target, "detail", health.detail);
    uint64_t now_ms = look->world->now.boot_ms;
    if (health.since_ms > 0 && now_ms >= health.since_ms)
        cJSON_AddNumberToObject(target, "since_ms", (double)(now_ms - health.since_ms));
    else
        cJSON_AddNullToObject(target, "since_ms");
}

static void add_endpoint(const struct look *look, cJSON *endpoints, size_t index)
{
    const struct config_endpoint *endpoint = &look->config->endpoints[index];
    cJSON *json = cJSON_AddObjectToObject(endpoints, endpoint->id);
    json_add_text(json, "type", endpoint_type(endpoint));
    json_add_text(json, "group", look->config->groups[endpoint->group].id);
    cJSON *names = cJSON_AddArrayToObject(json, "names");
    for (size_t i = 0; i < endpoint->name_count; i++)
        cJSON_AddItemToArray(names, cJSON_CreateString(endpoint->names[i].text));
    json_add_text(json, "active", group_active(look, endpoint->group));
    json_add_text(json, "status", endpoint_status(look, endpoint));
    cJSON *targets = cJSON_AddObjectToObject(json, "targets");
    for (size_t region = 0; region < look->config->region_count; region++)
        add_target(look, targets, index, region);
    cJSON *relay = relay_to_json(look->source->relays, endpoint);
    if (relay)
        cJSON_AddItemToObject(json, "relay", relay);
}

static void add_group(const struct look *look, cJSON *groups, size_t group)
{
    cJSON *json = cJSON_AddObjectToObject(groups, look->config->groups[group].id);
    json_add_text(json, "active", group_active(look, group));
    json_add_text(json, "status", group_status(look, group));
    cJSON *endpoints = cJSON_AddArrayToObject(json, "endpoints");
    for (size_t i = 0; i < look->config->endpoint_count; i++) {
        if (look->config->endpoints[i].group == group)
            cJSON_AddItemToArray(endpoints, cJSON_CreateString(look->config->endpoints[i].id));
    }
}

static void add_groups(const struct look *look, cJSON *root)
{
    cJSON *undecided = cJSON_AddObjectToObject(root, "undecided");
    cJSON *groups = cJSON_AddObjectToObject(root, "groups");
    cJSON *ages = cJSON_AddObjectToObject(root, "fence_age_ms");
    for (size_t i = 0; i < look->config->group_count; i++) {
        const char *id = look->config->groups[i].id;
        const char *why = status_undecided(look->state, look->world, id);
        if (why)
            json_add_text(undecided, id, why);
        add_group(look, groups, i);
        if (group_is_fenced(look, i))
            cJSON_AddNumberToObject(ages, id,
                (double)clock_since_ms(
                    &state_find_group(look->state, id)->fenced_at, &look->world->now));
    }
}

static void add_sidecar(const struct look *look, cJSON *root)
{
    cJSON *sidecar = cJSON_AddObjectToObject(root, "sidecar");
    cJSON_AddBoolToObject(sidecar, "connected", look->source->sidecar_connected);
    json_add_text(
        sidecar, "since", look->source->sidecar_connected ? look->source->sidecar_since : NULL);
}

static void add_hosts(const struct look *look, cJSON *root)
{
    cJSON *hosts = cJSON_AddObjectToObject(root, "hosts");
    cJSON *host = cJSON_AddObjectToObject(hosts, look->source->host);
    cJSON_AddNumberToObject(host, "epoch", (double)look->state->epoch);
    json_add_text(host, "version", PILOTLIGHT_VERSION);
}

/* The store describes itself as "KIND WHERE". */
static void add_store(const struct look *look, cJSON *root)
{
    cJSON *store = cJSON_AddObjectToObject(root, "store");
    const char *text = keeper_store_text(look->source->keeper);
    size_t kind_size = strcspn(text, " ");
    char kind[16];
    snprintf(kind, sizeof kind, "%.*s", (int)kind_size, text);
    json_add_text(store, "kind", kind);
    json_add_text(store, "where", text + kind_size + (text[kind_size] == ' '));
    json_add_text(store, "error", keeper_store_error(look->source->keeper));
}

cJSON *status_to_json(const struct status_source *source)
{
    struct look look = look_now(source);
    cJSON *root = cJSON_CreateObject();
    json_add_text(root, "version", PILOTLIGHT_VERSION);
    json_add_text(root, "host", source->host);
    cJSON *regions = cJSON_AddArrayToObject(root, "regions");
    for (size_t i = 0; i < look.config->region_count; i++)
        cJSON_AddItemToArray(regions, cJSON_CreateString(look.config->regions[i]));
    cJSON_AddItemToObject(root, "state", state_to_json(look.state));
    add_sidecar(&look, root);
    add_groups(&look, root);
    cJSON *endpoints = cJSON_AddObjectToObject(root, "endpoints");
    for (size_t i = 0; i < look.config->endpoint_count; i++)
        add_endpoint(&look, endpoints, i);
    add_hosts(&look, root);
    add_store(&look, root);
    return root;
}
