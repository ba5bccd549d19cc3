/* A request on its way through route and map. Zero it, set `config`, ask. */
#pragma once

#include "tests/unit/bucket_scene.h"

#include "proxy/gateway/map.h"

#define MAP_SCENE_HEADERS 16

struct map_scene {
    struct config *config;
    struct view_endpoint endpoints[3];
    struct http_header headers[MAP_SCENE_HEADERS];
    size_t header_count;
    const char *signed_headers, *signed_region; /* NULL: none */
    struct route route;
    struct map map;
    struct s3_error error;
};

static inline void scene_open(struct map_scene *scene, const char *config)
{
    *scene = (struct map_scene){.config = read_good(config)};
}

static inline void scene_activate(struct map_scene *scene, size_t region)
{
    for (size_t i = 0; i < sizeof scene->endpoints / sizeof *scene->endpoints; i++)
        scene->endpoints[i].region = region;
}

static inline void scene_header(struct map_scene *scene, const char *name, const char *value)
{
    scene->headers[scene->header_count++] =
        (struct http_header){span_of_text(name), span_of_text(value)};
}

static inline void scene_close(struct map_scene *scene)
{
    map_fini(&scene->map);
    config_unref(scene->config);
}

/* Route and map; 0 or -EPROTO. The Host is among the headers too, as a client sends it. */
static inline int scene_ask(
    struct map_scene *scene, const char *method, const char *host, const char *target)
{
    struct http_header headers[MAP_SCENE_HEADERS + 1] = {
        {span_of_text("host"), span_of_text(host)}};
    memcpy(headers + 1, scene->headers, sizeof scene->headers);
    struct route_inputs inputs = {.config = scene->config,
        .method = span_of_text(method),
        .host = span_of_text(host),
        .target = span_of_text(target),
        .signed_region = span_of_text(scene->signed_region ? scene->signed_region : "")};
    map_fini(&scene->map);
    scene->map = (struct map){0};
    int status = route_find(&inputs, &scene->route, &scene->error);
    if (status < 0)
        return status;
    struct map_inputs map = {.config = scene->config,
        .endpoints = scene->endpoints,
        .route = &scene->route,
        .headers = headers,
        .header_count = scene->header_count + 1,
        .signed_headers = span_of_text(scene->signed_headers ? scene->signed_headers : "")};
    return map_request(&map, &scene->map, &scene->error);
}

static inline void scene_good(
    struct map_scene *scene, const char *method, const char *host, const char *target)
{
    int status = scene_ask(scene, method, host, target);
    if (status < 0)
        print_error("%s %s: %s\n", host, target, s3_error_message(&scene->error));
    assert_int_equal(status, 0);
}

/* NULL: not among the headers that go on. */
static inline const struct http_header *scene_sent(const struct map_scene *scene, const char *name)
{
    for (size_t i = 0; i < scene->map.header_count; i++) {
        if (spans_is_nocase(scene->map.headers[i].name, name))
            return &scene->map.headers[i];
    }
    return NULL;
}
