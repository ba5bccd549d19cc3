/* On the good day nothing is renamed: the Host is that of the active region's bucket and the
 * request is only written down again.
 *
 * What can go wrong: no region is known to be active (503), an id was given out by another region
 * (404, 400), a header that the client signed is to be cut off by its Connection header (400). */
#include "proxy/gateway/map_parts.h"
#include "proxy/gateway/spans.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const struct config_s3_endpoint *store_of(const struct config *config, size_t region)
{
    const struct config_s3_endpoint *stores = config->gateway.s3_endpoints;
    return stores && stores[region].host ? &stores[region] : NULL;
}

/* A list of buckets is nobody's in particular: it is asked where the application would ask, unless
 * every bucket has left that region, which may be lost. */
static size_t list_region(const struct map_inputs *inputs)
{
    const struct config *config = inputs->config;
    size_t elsewhere = CONFIG_NONE;
    for (size_t i = 0; i < config->endpoint_count; i++) {
        size_t active = inputs->endpoints[i].region;
        if (!config->endpoints[i].buckets || active == CONFIG_NONE)
            continue;
        if (active == inputs->route->region)
            return active;
        elsewhere = elsewhere == CONFIG_NONE ? active : elsewhere;
    }
    return elsewhere == CONFIG_NONE ? inputs->route->region : elsewhere;
}

static size_t region_for(const struct map_inputs *inputs)
{
    const struct route *route = inputs->route;
    if (route->endpoint)
        return inputs->endpoints[route->endpoint_index].region;
    return route->operation == ROUTE_LIST_BUCKETS ? list_region(inputs) : route->region;
}

/* The bucket's name there; empty: none. An unmapped one is as the client wrote it. */
static struct span bucket_there(const struct map_inputs *inputs, size_t region)
{
    const struct route *route = inputs->route;
    return route->endpoint ? span_of_text(route->endpoint->buckets[region]) : route->bucket;
}

/* Whether the client's own Host reaches that bucket there. */
static bool is_real_host(const struct map_inputs *inputs, size_t region)
{
    const struct route *route = inputs->route;
    const struct config_s3_endpoint *store = store_of(inputs->config, region);
    bool is_virtual = route->style == ROUTE_VIRTUAL;
    if (route->style != ROUTE_VIRTUAL && route->style != ROUTE_PATH)
        return false;
    if (!route->endpoint && route->operation != ROUTE_LIST_BUCKETS)
        return true; /* where it is, is its own affair */
    if (route->is_store)
        return route->host_region == region && store && store->is_virtual == is_virtual;
    if (store)
        return !route->endpoint && route->host_region == region;
    return route->host_region == region || (is_virtual && route->host_region == CONFIG_NONE);
}

static bool is_same_bucket(const struct map_inputs *inputs, size_t region)
{
    const struct route *route = inputs->route;
    return !route->endpoint ||
           strcmp(route->endpoint->buckets[region], route->endpoint->buckets[route->region]) == 0;
}

/* Whoever signed for another of the regions signed nothing that this one's S3 would take. */
static bool is_signed_for(const struct route *route, size_t region)
{
    return !route->endpoint || route->signed_region == CONFIG_NONE ||
           route->signed_region == region;
}

/* Names in a body may be of any endpoint. */
static bool may_rename_body(const struct map_inputs *inputs)
{
    const struct route *route = inputs->route;
    for (size_t i = 0; i < inputs->config->endpoint_count; i++) {
        if (inputs->config->endpoints[i].buckets && inputs->endpoints[i].region != route->region)
            return route->endpoint && route->operation == ROUTE_NAMES;
    }
    return false;
}

/* At `at`, as much of it as there is room for; returns the end. By hand: printf five times a
 * request takes as long as all else in here. */
static size_t add(char ret[ROUTE_HOST_SIZE], size_t at, const char *text, size_t size)
{
    size_t room = ROUTE_HOST_SIZE - 1 - at;
    size = size < room ? size : room;
    memcpy(ret + at, text, size);
    ret[at + size] = '\0';
    return at + size;
}

static void print_host(char ret[ROUTE_HOST_SIZE], struct span bucket, const char *host)
{
    size_t at = 0;
    if (bucket.size > 0) {
        at = add(ret, at, (const char *)bucket.data, bucket.size);
        at = add(ret, at, ".", 1);
    }
    add(ret, at, host, strlen(host));
}

static void copy_dial(struct map *map, const char *host, size_t size)
{
    bool bracketed = size > 2 && host[0] == '[';
    add(map->dial, 0, host + bracketed, bracketed ? size - 2 : size);
}

/* A store of one's own is dialled at its own address, whatever the Host says. */
static void use_store(struct map *map, const struct config_s3_endpoint *store, struct span bucket)
{
    struct span before = store->is_virtual ? bucket : span_of(NULL, 0);
    copy_dial(map, store->host, strlen(store->host));
    map->port = store->port;
    map->tls = store->tls;
    print_host(map->host, before, store->host);
    size_t size = strlen(map->host);
    if (store->port != (store->tls ? 443 : 80))
        snprintf(map->host + size, sizeof map->host - size, ":%u", store->port);
}

/* A wildcard certificate matches no dotted bucket: those are in the path. */
static bool is_dotted(struct span bucket)
{
    return spans_until(bucket, '.') < bucket.size;
}

static enum bucket_host_form form_for(const struct route *route)
{
    bool dualstack = !route->is_store && route->form == BUCKET_HOST_DUALSTACK;
    return dualstack ? BUCKET_HOST_DUALSTACK : BUCKET_HOST_REGIONAL;
}

static void use_aws(const struct map_inputs *inputs, struct map *map, struct span bucket)
{
    char host[BUCKET_HOST_SIZE];
    struct span before = is_dotted(bucket) || !inputs->route->endpoint ? span_of(NULL, 0) : bucket;
    bucket_host_print(inputs->config, form_for(inputs->route), map->region, before, host);
    copy_dial(map, host, strlen(host));
    map->port = 443;
    map->tls = true;
    add(map->host, 0, host, strlen(host));
}

/* As the client has it. A dotted bucket's own host has no certificate that fits: its region's is
 * dialled, and the Host says which bucket. */
static void keep_host(const struct map_inputs *inputs, struct map *map)
{
    const struct route *route = inputs->route;
    if (!store_of(inputs->config, map->region) && !is_dotted(route->bucket))
        copy_dial(map, route->host, route->name_size);
    add(map->host, 0, route->host, strlen(route->host));
}

/* Returns whether the bucket is in the host. */
static bool set_upstream(const struct map_inputs *inputs, struct map *map)
{
    struct span bucket = bucket_there(inputs, map->region);
    const struct config_s3_endpoint *store = store_of(inputs->config, map->region);
    if (store)
        use_store(map, store, bucket);
    else
        use_aws(inputs, map, bucket);
    if (!map->needs_rename) {
        keep_host(inputs, map);
        return inputs->route->style == ROUTE_VIRTUAL;
    }
    return store ? store->is_virtual && bucket.size > 0
                 : inputs->route->endpoint && !is_dotted(bucket);
}

static bool is_known_region(
    const struct map_inputs *inputs, struct map *map, struct s3_error *error)
{
    map->region = region_for(inputs);
    if (map->region != CONFIG_NONE)
        return true;
    s3_error_set(error, S3_SLOW_DOWN, "No region is known to be active.");
    return false;
}

int map_request(const struct map_inputs *inputs, struct map *ret, struct s3_error *error)
{
    const struct route *route = inputs->route;
    bool source_renamed = false, id_unmarked = false;
    *ret = (struct map){0};
    if (!is_known_region(inputs, ret, error))
        return -EPROTO;
    names_init(&ret->names, inputs->config, route, ret->region, inputs->endpoints);
    if (map_sources(inputs, ret, &source_renamed, error) < 0 ||
        map_target(inputs, ret, false, &id_unmarked, error) < 0)
        return -EPROTO;
    ret->needs_rename = !is_real_host(inputs, ret->region) ||
                        !is_same_bucket(inputs, ret->region) ||
                        !is_signed_for(route, ret->region) || source_renamed || id_unmarked ||
                        may_rename_body(inputs);
    ret->rewrites_body =
        ret->needs_rename && route->endpoint &&
        (route->operation == ROUTE_NAMES || route->operation == ROUTE_CREATE_BUCKET);
    ret->maps_answer =
        (ret->needs_rename && route->endpoint) || route->operation == ROUTE_LIST_BUCKETS;
    bool is_virtual = set_upstream(inputs, ret);
    if (map_target(inputs, ret, is_virtual, &id_unmarked, error) < 0)
        return -EPROTO;
    return map_headers(inputs, ret, error);
}

void map_fini(struct map *map)
{
    text_fini(&map->target);
    text_fini(&map->copy_source);
    text_fini(&map->rename_source);
    names_fini(&map->names);
    free(map->headers);
}
