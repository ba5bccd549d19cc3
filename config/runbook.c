/* Runbooks: each step is read by its type; then the whole is checked as a graph (graph.c). */
#include "config/check.h"

#include "base/json.h"
#include "base/memory.h"
#include "config/suggest.h"

#include <stdio.h>
#include <string.h>

#define ELSEWHERE_TIMEOUT_MS 30000

static const struct step_type *find_type(const char *name)
{
    for (const struct step_type *type = config_step_types; type->name; type++) {
        if (strcmp(type->name, name) == 0)
            return type;
    }
    return NULL;
}

static void unknown_type(struct check *check, const cJSON *where, const char *name)
{
    struct suggest suggest = {.word = name};
    char meant[SUGGEST_TEXT_SIZE];
    for (const struct step_type *type = config_step_types; type->name; type++)
        suggest_consider(&suggest, type->name);
    check_wrong(check, where, "unknown step \"%.100s\"%s", name, suggest_text(&suggest, meant));
}

void check_step_needs(
    struct check *check, const struct option *option, const cJSON *value, void *base)
{
    (void)option;
    struct config_step *step = base;
    const cJSON *element;
    step->needs = memory_new_array((size_t)cJSON_GetArraySize(value), sizeof(char *));
    cJSON_ArrayForEach(element, value)
    {
        const char *id = check_string(check, element);
        if (id)
            step->needs[step->need_count++] = memory_text(id);
    }
}

static bool names_group(const struct config_step *step, size_t group)
{
    size_t i = 0;
    while (i < step->group_count && step->groups[i] != group)
        i++;
    return i < step->group_count;
}

static void read_group(
    struct check *check, const cJSON *where, const char *id, struct config_step *step)
{
    const struct config *config = check->config;
    struct suggest suggest = {.word = id};
    char meant[SUGGEST_TEXT_SIZE];
    size_t group = config_group(config, id);
    for (size_t i = 0; i < config->group_count; i++)
        suggest_consider(&suggest, config->groups[i].id);
    if (group == CONFIG_NONE)
        check_wrong(check, where, "unknown group \"%.100s\"%s", id, suggest_text(&suggest, meant));
    else if (names_group(step, group))
        check_wrong(check, where, "group \"%s\" is given twice", id);
    else
        step->groups[step->group_count++] = group;
}

void check_step_groups(
    struct check *check, const struct option *option, const cJSON *value, void *base)
{
    (void)option;
    struct config_step *step = base;
    const cJSON *element;
    step->groups = memory_new_array((size_t)cJSON_GetArraySize(value), sizeof *step->groups);
    cJSON_ArrayForEach(element, value)
    {
        const char *id = check_string(check, element);
        if (id)
            read_group(check, element, id, step);
    }
}

static void name_all_groups(const struct config *config, struct config_step *step)
{
    step->groups = memory_new_array(config->group_count, sizeof *step->groups);
    for (; step->group_count < config->group_count; step->group_count++)
        step->groups[step->group_count] = step->group_count;
}

bool check_step_is_elsewhere(
    const struct check *check, const struct config_runbook *runbook, const cJSON *step)
{
    const char *region = json_text(step, "region");
    size_t index = region ? config_region(check->config, region) : CONFIG_NONE;
    return index != CONFIG_NONE && index != (size_t)(runbook - check->config->runbooks);
}

/* A bucket of another region's, by the endpoints: its region is called where the step is S3's. */
static bool has_bucket_elsewhere(
    const struct check *check, const struct config_runbook *runbook, const cJSON *step)
{
    const struct config *config = check->config;
    const char *type = json_text(step, "step"), *bucket = json_text(step, "bucket");
    if (!bucket || strncmp(type, "s3.", 3) != 0)
        return false;
    for (size_t i = 0; i < config->endpoint_count; i++) {
        char *const *buckets = config->endpoints[i].buckets;
        for (size_t r = 0; buckets && r < config->region_count; r++) {
            if (buckets[r] && strcmp(buckets[r], bucket) == 0)
                return r != (size_t)(runbook - config->runbooks);
        }
    }
    return false;
}

/* What the type and the other parameters make of a step. */
static void derive(
    const cJSON *object, const struct step_type *type, bool elsewhere, struct config_step *step)
{
    const char *when = json_text(object, "when"), *reaction = json_text(object, "on_failure");
    step->on_failover = !when || strcmp(when, "switchover") != 0;
    step->on_switchover = !when || strcmp(when, "failover") != 0;
    if (elsewhere && step->on_failover && !step->timeout_ms)
        step->timeout_ms = ELSEWHERE_TIMEOUT_MS;
    step->continue_on_failure = reaction ? strcmp(reaction, "continue") == 0
                                         : type->continues || (elsewhere && step->on_failover);
    step->promotes = type->promotes || json_bool(object, "promotes", false);
    step->irreversible = step->promotes || (strcmp(type->name, "exec") == 0 &&
                                               !json_bool(object, "reversible", false));
}

static size_t count_of(const cJSON *object, const char *const *keys)
{
    size_t count = 0;
    for (; *keys; keys++)
        count += json_member(object, *keys) != NULL;
    return count;
}

/* Rules between the parameters of one step. */
static void check_parameters(struct check *check, const cJSON *object, const struct step_type *type)
{
    uint64_t min, desired, max;
    if (type->one_of && count_of(object, type->one_of) != 1)
        check_wrong(check, object, "needs \"%s\" or \"%s\", and not both", type->one_of[0],
            type->one_of[1]);
    if (type->some_of && count_of(object, type->some_of) == 0)
        check_wrong(check, object, "has nothing to do: give \"%s\", for one", type->some_of[0]);
    if (json_bool(object, "promotes", false) && json_bool(object, "reversible", false))
        check_wrong(check, json_member(object, "reversible"), "a promotion is irreversible");
    if (!json_integer(object, "min", &min))
        min = 0;
    if (!json_integer(object, "max", &max))
        max = UINT64_MAX;
    if (!json_integer(object, "desired", &desired))
        desired = min <= max ? min : max;
    if (min > max || desired < min || desired > max)
        check_wrong(check, object, "\"min\", \"desired\", \"max\" must not decrease");
}

static void read_step(struct check *check, const struct config_runbook *runbook,
    const cJSON *object, struct config_step *step)
{
    if (!cJSON_IsObject(object)) {
        check_wrong(check, object, "must be an object");
        return;
    }
    const char *name = json_text(object, "step");
    const struct step_type *type = name ? find_type(name) : NULL;
    check_options(check, object, config_step_options, step);
    step->parameters = cJSON_Duplicate(object, true);
    if (!json_member(object, "groups"))
        name_all_groups(check->config, step);
    if (!type) {
        if (name)
            unknown_type(check, json_member(object, "step"), name);
        return;
    }
    char of[64];
    snprintf(of, sizeof of, " of a step \"%s\"", name);
    check_keys(check, object, config_step_options, type->options, of);
    check_options(check, object, type->options, NULL);
    check_parameters(check, object, type);
    bool elsewhere = check_step_is_elsewhere(check, runbook, object) ||
                     has_bucket_elsewhere(check, runbook, object);
    derive(object, type, elsewhere, step);
}

void check_steps(struct check *check, const struct option *option, const cJSON *value, void *base)
{
    (void)option;
    struct config_runbook *runbook = base;
    const cJSON *element;
    runbook->steps = memory_new_array((size_t)cJSON_GetArraySize(value), sizeof *runbook->steps);
    cJSON_ArrayForEach(element, value)
        read_step(check, runbook, element, &runbook->steps[runbook->step_count++]);
    check_graph(check, runbook, value);
}

void check_runbooks(
    struct check *check, const struct option *option, const cJSON *value, void *base)
{
    (void)option;
    struct config *config = base;
    const cJSON *member;
    config->runbooks = memory_new_array(config->region_count, sizeof *config->runbooks);
    cJSON_ArrayForEach(member, value)
    {
        size_t region = check_region(check, member, member->string);
        if (!cJSON_IsObject(member)) {
            check_wrong(check, member, "must be an object");
        } else if (region != CONFIG_NONE && !config->runbooks[region].present) {
            config->runbooks[region].present = true;
            check_object(check, member, config_runbook_options, &config->runbooks[region]);
        }
    }
}
