/* A request's target and copy source, on the second and third line, after a switch; the first says
 * the Host. What goes on names no bucket of the region that was left, and the key is as it came. */
#include "proxy/gateway/map.h"
#include "proxy/gateway/spans.h"
#include "tests/fuzz/bucket_config.h"

#define US 1

static struct span take_line(struct span *rest)
{
    struct span line = span_of(rest->data, spans_until(*rest, '\n'));
    *rest = spans_after(*rest, line.size < rest->size ? line.size + 1 : line.size);
    return line;
}

static void check(const struct map *map, const struct route *route)
{
    struct span target = span_of(map->target.data, map->target.size);
    if (!map->needs_rename || !route->endpoint)
        return;
    if (!spans_begins(target, "/") || map->region != US)
        abort();
    size_t query = spans_until(target, '?');
    if (query < route->key_path.size && !spans_is(route->key_path, "/"))
        abort(); /* the key is not whole */
    if (map->copy_source.size > 0 &&
        (strncmp(map->copy_source.data, "shop-eu/", 8) == 0 || map->header_count < 2))
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct config *config = bucket_config();
    struct view_endpoint endpoints[2] = {{.region = US}, {.region = US}};
    struct span rest = span_of(data, size);
    struct route route;
    struct map map;
    struct s3_error error;
    struct http_header headers[2] = {{.name = span_of_text("x-amz-copy-source")},
        {span_of_text("connection"), span_of_text("te, x-a")}};
    struct route_inputs inputs = {.config = config, .method = span_of_text("PUT")};
    inputs.host = take_line(&rest);
    inputs.target = take_line(&rest);
    headers[0].value = rest;
    if (route_find(&inputs, &route, &error) < 0)
        return 0;
    struct map_inputs of = {.config = config,
        .endpoints = endpoints,
        .route = &route,
        .headers = headers,
        .header_count = rest.size ? 2 : 0};
    if (map_request(&of, &map, &error) == 0)
        check(&map, &route);
    map_fini(&map);
    return 0;
}
