/* The lists that become arrays of something: regions, upstreams, routes, prefixes. */
#include "config/check.h"

#include "base/json.h"
#include "base/memory.h"
#include "config/value.h"

#include <stdlib.h>
#include <string.h>

void check_regions(struct check *check, const struct option *option, const cJSON *value, void *base)
{
    (void)option;
    struct config *config = base;
    struct failure why;
    const cJSON *element;
    config->regions = memory_new_array((size_t)cJSON_GetArraySize(value), sizeof(char *));
    cJSON_ArrayForEach(element, value)
    {
        const char *text = check_string(check, element);
        if (text && value_id(text, &why) < 0)
            check_wrong(check, element, "%s", why.text);
        else if (text && config_region(config, text) != CONFIG_NONE)
            check_wrong(check, element, "region \"%s\" is given twice", text);
        else if (text)
            config->regions[config->region_count++] = memory_text(text);
    }
}

void check_upstreams(
    struct check *check, const struct option *option, const cJSON *value, void *base)
{
    struct config_upstreams *upstreams = (void *)((char *)base + option->offset);
    struct failure why;
    const cJSON *element;
    upstreams->list = memory_new_array((size_t)cJSON_GetArraySize(value), sizeof *upstreams->list);
    cJSON_ArrayForEach(element, value)
    {
        const char *text = check_string(check, element);
        if (text && value_upstream(text, &upstreams->list[upstreams->count], &why) < 0)
            check_wrong(check, element, "%s", why.text);
        upstreams->count++;
    }
}

static void read_route(
    struct check *check, const struct option *option, const cJSON *value, struct config *config)
{
    struct config_route *route = &config->resolver.routes[config->resolver.route_count++];
    struct failure why;
    if (value_name(value->string, &route->suffix, &why) < 0)
        check_wrong(check, value, "%s", why.text);
    for (struct config_route *other = config->resolver.routes; other < route; other++) {
        if (route->suffix.size && name_equal(&other->suffix, &route->suffix))
            check_wrong(check, value, "given twice");
    }
    check_value(check, option, value, route);
}

static int longer_first(const void *a, const void *b)
{
    const struct config_route *left = a, *right = b;
    unsigned left_labels = name_labels(left->suffix.wire);
    unsigned right_labels = name_labels(right->suffix.wire);
    return (left_labels < right_labels) - (left_labels > right_labels);
}

void check_routes(struct check *check, const struct option *option, const cJSON *value, void *base)
{
    struct config *config = base;
    const cJSON *member;
    config->resolver.routes =
        memory_new_array((size_t)cJSON_GetArraySize(value), sizeof *config->resolver.routes);
    cJSON_ArrayForEach(member, value) read_route(check, option->members, member, config);
    qsort(config->resolver.routes, config->resolver.route_count, sizeof *config->resolver.routes,
        longer_first);
}

void check_allow(struct check *check, const struct option *option, const cJSON *value, void *base)
{
    (void)option;
    struct config *config = base;
    struct failure why;
    const cJSON *element;
    config->resolver.allow =
        memory_new_array((size_t)cJSON_GetArraySize(value), sizeof *config->resolver.allow);
    cJSON_ArrayForEach(element, value)
    {
        struct prefix *prefix = &config->resolver.allow[config->resolver.allow_count++];
        const char *text = check_string(check, element);
        if (text && prefix_parse(text, prefix, &why) < 0)
            check_wrong(check, element, "%s", why.text);
    }
}

/* The other members' types and words were checked by the table. */
static void read_s3_endpoint(
    struct check *check, const cJSON *value, struct config_s3_endpoint *endpoint)
{
    const cJSON *where = cJSON_IsObject(value) ? json_member(value, "url") : value;
    const char *style = json_text(value, "style");
    struct failure why;
    if (!cJSON_IsString(where) || value_url(where->valuestring, &why) < 0)
        return; /* noted */
    if (value_s3_url(where->valuestring, endpoint, &why) < 0)
        check_wrong(check, where, "%s", why.text);
    endpoint->is_virtual = style && strcmp(style, "virtual") == 0;
}

void check_s3_endpoints(
    struct check *check, const struct option *option, const cJSON *value, void *base)
{
    struct config *config = base;
    const cJSON *member;
    check_elements(check, option, value);
    config->gateway.s3_endpoints =
        memory_new_array(config->region_count, sizeof *config->gateway.s3_endpoints);
    cJSON_ArrayForEach(member, value)
    {
        size_t region = check_region(check, member, member->string);
        if (region != CONFIG_NONE && !config->gateway.s3_endpoints[region].host)
            read_s3_endpoint(check, member, &config->gateway.s3_endpoints[region]);
    }
}

void check_clients(struct check *check, const struct option *option, const cJSON *value, void *base)
{
    struct config *config = base;
    const cJSON *element;
    config->gateway.clients =
        memory_new_array((size_t)cJSON_GetArraySize(value), sizeof *config->gateway.clients);
    cJSON_ArrayForEach(element, value)
    {
        struct config_key *client = &config->gateway.clients[config->gateway.client_count];
        check_value(check, option->members, element, client);
        for (size_t i = 0; client->access_key_id && i < config->gateway.client_count; i++) {
            const char *other = config->gateway.clients[i].access_key_id;
            if (other && strcmp(other, client->access_key_id) == 0)
                check_wrong(check, json_member(element, "access_key_id"), "given twice");
        }
        config->gateway.client_count++;
    }
}
