/* The lists that become arrays of something: regions, upstreams, routes, prefixes. */
#include "config/check.h"

#include "base/memory.h"
#include "config/value.h"

#include <stdlib.h>

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

void check_s3_endpoints(
    struct check *check, const struct option *option, const cJSON *value, void *base)
{
    (void)base;
    const cJSON *member;
    cJSON_ArrayForEach(member, value) check_region(check, member, member->string);
    check_elements(check, option, value);
}
