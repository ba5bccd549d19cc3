/* Path and query, byte for byte as they came but for the bucket, the marks of ids, and what
 * presigned the old request. */
#include "proxy/gateway/map_parts.h"
#include "proxy/gateway/regional_id.h"
#include "proxy/gateway/route_target.h"
#include "proxy/gateway/spans.h"

#include <errno.h>

static void put_path(const struct map_inputs *inputs, struct map *map, bool is_virtual)
{
    const struct route *route = inputs->route;
    if (!map->needs_rename) {
        text_add(&map->target, route->path.data, route->path.size);
        return;
    }
    struct span key_path = route->key_path;
    if (!is_virtual && route->bucket.size > 0) {
        struct span bucket =
            route->endpoint ? span_of_text(route->endpoint->buckets[map->region]) : route->bucket;
        text_put(&map->target, "/");
        text_add(&map->target, bucket.data, bucket.size);
        if (spans_is(key_path, "/"))
            key_path.size = 0;
    } else if (key_path.size == 0) {
        key_path = span_of_text("/");
    }
    text_add(&map->target, key_path.data, key_path.size);
}

static bool is_presigning(const struct route_parameter *parameter)
{
    static const char *const names[] = {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date",
        "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Security-Token"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (route_parameter_is(parameter, names[i]))
            return true;
    }
    return false;
}

/* Ids of the region that they are sent to lose their mark; of any other they are worth nothing. */
static int check_id(const struct map_inputs *inputs, const struct map *map,
    const struct route_parameter *parameter, struct span *ret_id, struct s3_error *error)
{
    bool upload = route_parameter_is(parameter, "uploadId");
    bool marker = route_parameter_is(parameter, "upload-id-marker");
    bool token = route_parameter_is(parameter, "continuation-token");
    *ret_id = parameter->value;
    if (!inputs->route->endpoint || parameter->value.size == 0 || (!upload && !marker && !token))
        return 0;
    size_t origin =
        regional_id_origin(inputs->config, parameter->value, inputs->route->region, ret_id);
    if (origin == map->region)
        return 0;
    if (upload)
        return s3_error_set(error, S3_NO_SUCH_UPLOAD, NULL);
    return s3_error_set(error, S3_INVALID_ARGUMENT,
        token ? "The continuation token provided is incorrect" : "Invalid uploadId marker");
}

/* A presigned request may have its headers here. Encoded once more, a copy source is still one. */
static int put_parameter(const struct map_inputs *inputs, struct map *map,
    const struct route_parameter *parameter, bool *ret_renamed, struct s3_error *error)
{
    struct span value;
    struct text source = {0};
    int status = check_id(inputs, map, parameter, &value, error);
    if (status == 0 && route_parameter_is(parameter, "x-amz-copy-source"))
        status = map_source(map, parameter->value, &source, error);
    if (source.size > 0)
        value = span_of(source.data, source.size);
    *ret_renamed |= value.size != parameter->value.size || source.size > 0;
    text_add(&map->target, parameter->whole.data, parameter->whole.size - parameter->value.size);
    text_add(&map->target, value.data, value.size);
    text_fini(&source);
    return status;
}

int map_target(const struct map_inputs *inputs, struct map *map, bool is_virtual, bool *ret_renamed,
    struct s3_error *error)
{
    const struct route *route = inputs->route;
    struct span query = route->query;
    struct route_parameter parameter;
    const char *between = "?";
    text_fini(&map->target);
    put_path(inputs, map, is_virtual);
    if (route->has_query && query.size == 0)
        text_put(&map->target, "?");
    while (route_next_parameter(&query, &parameter)) {
        if (map->needs_rename && route->is_presigned && is_presigning(&parameter))
            continue;
        text_put(&map->target, between);
        between = "&";
        if (put_parameter(inputs, map, &parameter, ret_renamed, error) < 0)
            return -EPROTO;
    }
    bool ends_open = route->query.size > 0 && route->query.data[route->query.size - 1] == '&';
    if (ends_open && !map->needs_rename)
        text_put(&map->target, "&");
    return 0;
}
