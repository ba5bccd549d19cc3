#include "proxy/gateway/names.h"

#include "base/memory.h"
#include "proxy/gateway/spans.h"

#include <assert.h>
#include <stdlib.h>

void names_init(struct names *names, const struct config *config, const struct route *route,
    size_t region, const struct view_endpoint *endpoints)
{
    static_assert(CONFIG_REGIONS_MAX < NAMES_UNDECIDED, "a region fits a byte");
    *names = (struct names){.config = config, .route = route, .region = region};
    names->active = memory_new_array(config->endpoint_count, sizeof *names->active);
    for (size_t i = 0; i < config->endpoint_count; i++)
        names->active[i] =
            endpoints[i].region == CONFIG_NONE ? NAMES_UNDECIDED : (uint8_t)endpoints[i].region;
}

void names_fini(struct names *names)
{
    free(names->active);
    names->active = NULL;
}

/* The two names of a mapped bucket's endpoint. False: not mapped, or undecided. */
static bool find(
    const struct names *names, struct span bucket, const char **ret_app, const char **ret_active)
{
    const struct config_bucket *found = bucket_names_find(names->config, bucket);
    if (!found || names->active[found->endpoint] == NAMES_UNDECIDED)
        return false;
    char **buckets = names->config->endpoints[found->endpoint].buckets;
    *ret_app = buckets[names->route->region];
    *ret_active = buckets[names->active[found->endpoint]];
    return true;
}

static bool change(struct span from, const char *to, struct text *ret)
{
    if (spans_is(from, to))
        return false;
    text_put(ret, to);
    return true;
}

bool names_bucket(
    const struct names *names, enum names_direction direction, struct span bucket, struct text *ret)
{
    const char *app, *active;
    return find(names, bucket, &app, &active) &&
           change(bucket, direction == NAMES_TO_S3 ? active : app, ret);
}

bool names_swap(
    const struct names *names, enum names_direction direction, struct span bucket, struct text *ret)
{
    const char *app, *active;
    (void)direction; /* twice is not at all */
    if (!find(names, bucket, &app, &active))
        return false;
    if (spans_is(bucket, app))
        return change(bucket, active, ret);
    return spans_is(bucket, active) && change(bucket, app, ret);
}

/* The bytes before the bucket, 0: not such an ARN. */
static size_t arn_prefix(struct span arn)
{
    static const char *const partitions[] = {
        "arn:aws:s3:::", "arn:aws-cn:s3:::", "arn:aws-us-gov:s3:::"};
    for (size_t i = 0; i < sizeof partitions / sizeof *partitions; i++) {
        if (spans_begins(arn, partitions[i]))
            return strlen(partitions[i]);
    }
    return 0;
}

bool names_arn(const struct names *names, enum names_direction direction, names_function *function,
    struct span arn, struct text *ret)
{
    size_t prefix = arn_prefix(arn), before = ret->size;
    if (prefix == 0)
        return false;
    struct span rest = spans_after(arn, prefix);
    size_t size = spans_until(rest, '/');
    text_add(ret, arn.data, prefix);
    if (function(names, direction, span_of(rest.data, size), ret)) {
        text_add(ret, rest.data + size, rest.size - size);
        return true;
    }
    ret->size = before;
    return false;
}

bool names_region(const struct names *names, struct span region, struct text *ret)
{
    return spans_is(region, names->config->regions[names->region]) &&
           change(region, names->config->regions[names->route->region], ret);
}

static const char *constraint_of(const char *region)
{
    return strcmp(region, "us-east-1") == 0 ? "" : region;
}

static bool is_constraint(struct span text, const char *region)
{
    return spans_is(text, constraint_of(region)) || spans_is(text, region) ||
           (spans_is(text, "EU") && strcmp(region, "eu-west-1") == 0);
}

bool names_location_constraint(
    const struct names *names, enum names_direction direction, struct span region, struct text *ret)
{
    const struct config *config = names->config;
    const char *to = config->regions[names->region];
    if (direction == NAMES_TO_APP)
        return names->region != names->route->region && is_constraint(region, to) &&
               change(region, constraint_of(config->regions[names->route->region]), ret);
    /* It may sign for, and so create in, any configured region: the endpoint's is meant. */
    for (size_t i = 0; i < config->region_count; i++) {
        if (i != names->region && is_constraint(region, config->regions[i]))
            return change(region, constraint_of(to), ret);
    }
    return false;
}

bool names_is_undecided(const struct names *names, struct span bucket)
{
    const struct config_bucket *found = bucket_names_find(names->config, bucket);
    return found && names->active[found->endpoint] == NAMES_UNDECIDED;
}
