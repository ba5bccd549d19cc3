/* Endpoints: names, and what they mean in each region. What an endpoint is decides which keys it
 * needs and which make no sense; what it means for the other endpoints is checked in names.c. */
#include "config/check.h"

#include "base/json.h"
#include "base/memory.h"
#include "config/value.h"

#include <stdlib.h>
#include <string.h>

#define DATABASE (1u << CONFIG_DATABASE)
#define BUCKET (1u << CONFIG_BUCKET)
#define NAME (1u << CONFIG_NAME)

static const struct {
    const char *key;
    unsigned needed, allowed; /* by which types */
} keys_of_types[] = {
    {"names", DATABASE | NAME, DATABASE | BUCKET | NAME},
    {"targets", DATABASE | NAME, DATABASE | NAME},
    {"relay", 0, DATABASE},
    {"buckets", BUCKET, BUCKET},
    {"path_style", 0, BUCKET},
    {"read_through", 0, BUCKET},
};

static const char *type_text(enum config_endpoint_type type)
{
    const struct choice *choice = config_endpoint_types;
    while (choice->value != type)
        choice++;
    return choice->word;
}

static bool has_known_type(const cJSON *object)
{
    const char *type = json_text(object, "type");
    const struct choice *choice = config_endpoint_types;
    while (type && choice->word && strcmp(choice->word, type) != 0)
        choice++;
    return type && choice->word;
}

static void check_type(struct check *check, const cJSON *object, enum config_endpoint_type type)
{
    for (size_t i = 0; i < sizeof keys_of_types / sizeof keys_of_types[0]; i++) {
        const cJSON *member = json_member(object, keys_of_types[i].key);
        if (!member && keys_of_types[i].needed & 1u << type)
            check_missing(check, object, keys_of_types[i].key);
        else if (member && !(keys_of_types[i].allowed & 1u << type))
            check_wrong(check, member, "not for an endpoint of type \"%s\"", type_text(type));
    }
}

static void read_endpoint(
    struct check *check, const cJSON *object, struct config_endpoint *endpoint)
{
    struct failure why;
    endpoint->id = memory_text(object->string);
    if (value_id(endpoint->id, &why) < 0)
        check_wrong(check, object, "%s", why.text);
    if (!cJSON_IsObject(object)) {
        check_wrong(check, object, "must be an object");
        return;
    }
    check_object(check, object, config_endpoint_options, endpoint);
    if (!has_known_type(object))
        return;
    check_type(check, object, endpoint->type);
    if (endpoint->type == CONFIG_DATABASE && endpoint->group < check->config->group_count) {
        struct config_group *group = &check->config->groups[endpoint->group];
        group->has_database = true;
        group->has_dns_only_database |= !endpoint->relay;
    }
}

void check_endpoints(
    struct check *check, const struct option *option, const cJSON *value, void *base)
{
    (void)option;
    struct config *config = base;
    const cJSON *member;
    config->endpoints =
        memory_new_array((size_t)cJSON_GetArraySize(value), sizeof *config->endpoints);
    cJSON_ArrayForEach(member, value)
        read_endpoint(check, member, &config->endpoints[config->endpoint_count++]);
}

/* A group comes to be by being named. */
void check_endpoint_group(
    struct check *check, const struct option *option, const cJSON *value, void *base)
{
    (void)option;
    struct config *config = check->config;
    struct config_endpoint *endpoint = base;
    struct failure why;
    if (value_id(value->valuestring, &why) < 0) {
        check_wrong(check, value, "%s", why.text);
        return;
    }
    endpoint->group = config_group(config, value->valuestring);
    if (endpoint->group != CONFIG_NONE)
        return;
    if (config->group_count == CONFIG_GROUPS_MAX) {
        check_wrong(check, value, "one group too many: %d at most", CONFIG_GROUPS_MAX);
        return;
    }
    config->groups = memory_resize(config->groups, config->group_count + 1, sizeof *config->groups);
    endpoint->group = config->group_count++;
    config->groups[endpoint->group] = (struct config_group){.id = memory_text(value->valuestring)};
}

void check_endpoint_names(
    struct check *check, const struct option *option, const cJSON *value, void *base)
{
    (void)option;
    struct config_endpoint *endpoint = base;
    struct failure why;
    const cJSON *element;
    endpoint->names = memory_new_array((size_t)cJSON_GetArraySize(value), sizeof *endpoint->names);
    if (!value->child && endpoint->type != CONFIG_BUCKET)
        check_wrong(check, value, "must have at least 1");
    cJSON_ArrayForEach(element, value)
    {
        struct config_name *name = &endpoint->names[endpoint->name_count++];
        const char *text = check_string(check, element);
        if (text && value_pattern(text, name, &why) < 0)
            check_wrong(check, element, "%s", why.text);
        name->text = memory_text(text);
    }
}

/* One value for each region; `what` is what the user calls it. */
static void need_every_region(struct check *check, const cJSON *map, const char *what)
{
    for (size_t i = 0; i < check->config->region_count; i++) {
        if (!json_member(map, check->config->regions[i]))
            check_wrong(check, map, "no %s for region \"%s\"", what, check->config->regions[i]);
    }
}

void check_endpoint_targets(
    struct check *check, const struct option *option, const cJSON *value, void *base)
{
    (void)option;
    struct config_endpoint *endpoint = base;
    struct failure why;
    const cJSON *member;
    endpoint->targets = memory_new_array(check->config->region_count, sizeof *endpoint->targets);
    cJSON_ArrayForEach(member, value)
    {
        struct config_target target;
        size_t region = check_region(check, member, member->string);
        const char *text = check_string(check, member);
        if (text && value_target(text, &target, &why) < 0) {
            check_wrong(check, member, "%s", why.text);
        } else if (text && region != CONFIG_NONE && !endpoint->targets[region].text) {
            endpoint->targets[region] = target;
            endpoint->targets[region].text = memory_text(text);
        }
    }
    need_every_region(check, value, "target");
}

/* S3 has one namespace: a bucket that two endpoints map would mean two things. */
static void check_bucket_is_new(
    struct check *check, const cJSON *where, const char *bucket, const struct config_endpoint *mine)
{
    const struct config *config = check->config;
    for (size_t i = 0; i < config->endpoint_count; i++) {
        const struct config_endpoint *other = &config->endpoints[i];
        for (size_t r = 0; other != mine && other->buckets && r < config->region_count; r++) {
            if (other->buckets[r] && strcmp(other->buckets[r], bucket) == 0)
                check_wrong(check, where, "\"%s\" is a bucket of endpoint \"%s\" already", bucket,
                    other->id);
        }
    }
}

void check_endpoint_buckets(
    struct check *check, const struct option *option, const cJSON *value, void *base)
{
    (void)option;
    struct config_endpoint *endpoint = base;
    struct failure why;
    const cJSON *member;
    endpoint->buckets = memory_new_array(check->config->region_count, sizeof(char *));
    cJSON_ArrayForEach(member, value)
    {
        size_t region = check_region(check, member, member->string);
        const char *text = check_string(check, member);
        if (text && value_bucket(text, &why) < 0) {
            check_wrong(check, member, "%s", why.text);
        } else if (text && region != CONFIG_NONE && !endpoint->buckets[region]) {
            check_bucket_is_new(check, member, text, endpoint);
            endpoint->buckets[region] = memory_text(text);
        }
    }
    need_every_region(check, value, "bucket");
}

static bool is_elsewhere(const struct config *config, size_t region)
{
    return config->gateway.s3_endpoints && config->gateway.s3_endpoints[region].host;
}

/* AWS has one namespace for all regions; stores of one's own may each have a bucket of that name.
 */
static void check_endpoint_has_different_buckets(
    struct check *check, const struct config_endpoint *endpoint, const cJSON *buckets)
{
    const struct config *config = check->config;
    for (size_t i = 1; i < config->region_count; i++) {
        for (size_t j = 0; j < i; j++) {
            const char *bucket = endpoint->buckets[i], *other = endpoint->buckets[j];
            if (bucket && other && strcmp(bucket, other) == 0 &&
                !(is_elsewhere(config, i) && is_elsewhere(config, j)))
                check_wrong(check, json_member(buckets, config->regions[i]),
                    "\"%s\" is the bucket of region \"%s\" already", bucket, config->regions[j]);
        }
    }
}

void check_buckets(struct check *check)
{
    const struct config *config = check->config;
    const cJSON *endpoints = json_member(check->root, "endpoints");
    const cJSON *where = endpoints ? endpoints->child : NULL;
    for (size_t i = 0; i < config->endpoint_count; i++, where = where->next) {
        if (config->endpoints[i].buckets)
            check_endpoint_has_different_buckets(
                check, &config->endpoints[i], json_member(where, "buckets"));
    }
}
