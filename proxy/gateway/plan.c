/* On the good day the bucket is active where the application's name for it is: the request goes on
 * as it is, signature included, and S3 judges it.
 *
 *     route (whose?) → map (which shape?) → as it is
 *                                         → verified → signed anew, its answer mapped back
 *
 * What can go wrong: a host that is neither mapped nor an S3 endpoint of a configured region (403,
 * never dialled), nobody knows which region is active (503), and all that plan_mapped.c says. */
#include "proxy/gateway/plan.h"

#include "base/memory.h"
#include "base/secret.h"
#include "proxy/gateway/plan_parts.h"
#include "proxy/gateway/vend.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

void plan_refuse(struct plan *plan, enum gateway_error error, const struct answer *answer)
{
    plan->verdict = PLAN_ANSWER;
    plan->error = error;
    plan->answer = *answer;
}

void plan_refuse_as(
    struct plan *plan, enum gateway_error error, enum s3_error_code code, const char *message)
{
    struct answer answer = answer_error(&(struct s3_error){code, message});
    plan_refuse(plan, error, &answer);
}

/* As it is counted. */
static enum gateway_error kind_of(enum s3_error_code code)
{
    switch (code) {
    case S3_ACCESS_DENIED:
    case S3_MISDIRECTED_REQUEST:
        return GATEWAY_ERROR_FOREIGN_HOST;
    case S3_SLOW_DOWN:
        return GATEWAY_ERROR_UNDECIDED;
    default:
        return GATEWAY_ERROR_BAD_REQUEST;
    }
}

static struct auth_request claim_of(const struct http_head *request)
{
    return (struct auth_request){.method = request->method,
        .target = request->target,
        .headers = request->headers,
        .header_count = request->header_count};
}

static bool is_vending(const struct plan_inputs *inputs, const struct route *route)
{
    return inputs->view->config->gateway.vend_credentials && route->style == ROUTE_ADDRESS &&
           vend_is_asked(inputs->request);
}

static int find_shape(struct plan *plan, const struct plan_inputs *inputs,
    const struct view_endpoint *endpoints, const struct auth_signer *signer)
{
    const struct http_head *request = inputs->request;
    const struct config *config = inputs->view->config;
    struct plan_parts *parts = plan->parts;
    struct s3_error error;
    struct route_inputs route = {.config = config,
        .method = request->method,
        .host = request->host,
        .target = request->target,
        .sni = inputs->sni,
        .signed_region = span_of_text(signer->region),
        .is_tls = inputs->is_tls};
    struct map_inputs map = {.config = config,
        .endpoints = endpoints,
        .route = &parts->route,
        .headers = request->headers,
        .header_count = request->header_count};
    int status = route_find(&route, &parts->route, &error);
    if (status == 0 && is_vending(inputs, &parts->route)) {
        vend_answer(plan, inputs);
        return -ECANCELED;
    }
    if (status == 0)
        status = map_request(&map, &parts->map, &error);
    if (status < 0)
        plan_refuse_as(plan, kind_of(error.code), error.code, error.message);
    return status;
}

static void set_origin(struct plan *plan)
{
    const struct map *map = &plan->parts->map;
    static_assert(sizeof plan->origin.host >= sizeof map->dial, "a host fits");
    memcpy(plan->origin.host, map->dial, strlen(map->dial) + 1);
    plan->origin.port = map->port;
    plan->origin.tls = map->tls;
}

/* The region whose bucket may have what the active one has not; CONFIG_NONE: there is none. With
 * more than two it is the one that the application's name means, else the first. */
static size_t region_elsewhere(const struct plan *plan, const struct config *config)
{
    const struct route *route = &plan->parts->route;
    size_t active = plan->parts->map.region;
    const struct config_endpoint *endpoint = route->endpoint;
    if (!endpoint || !endpoint->read_through || route->operation != ROUTE_OBJECT)
        return CONFIG_NONE;
    if (route->region != active)
        return route->region;
    for (size_t i = 0; i < config->region_count; i++) {
        if (strcmp(endpoint->buckets[i], endpoint->buckets[active]) != 0)
            return i;
    }
    return CONFIG_NONE;
}

/* `endpoints`: what is active, or taken for it. */
static void make(
    struct plan *plan, const struct plan_inputs *inputs, const struct view_endpoint *endpoints)
{
    const struct planner *planner = inputs->planner;
    struct auth_request claim = claim_of(inputs->request);
    struct auth_signer signer;
    *plan = (struct plan){.verdict = PLAN_FORWARD, .send = inputs->request};
    plan->parts = memory_new(sizeof *plan->parts);
    bool is_signed = auth_read_signer(&claim, &signer);
    if (find_shape(plan, inputs, endpoints, &signer) < 0)
        return;
    if (plan->parts->map.needs_rename)
        plan_map(plan, inputs);
    else
        plan->has_unknown_key = is_signed && !planner->is_waiting &&
                                !auth_keys_find(&planner->keys, signer.access_key_id);
    if (plan->verdict != PLAN_FORWARD)
        return;
    if (plan->parts->map.maps_answer)
        plan->mapper = plan_mapper_new(plan);
    set_origin(plan);
}

void plan_make(struct plan *plan, const struct plan_inputs *inputs)
{
    make(plan, inputs, inputs->view->endpoints);
    plan->may_read_elsewhere = plan->verdict == PLAN_FORWARD && !plan->request_filter &&
                               region_elsewhere(plan, inputs->view->config) != CONFIG_NONE;
}

void plan_read_elsewhere(
    struct plan *plan, const struct plan_inputs *inputs, const struct plan *first)
{
    const struct view *view = inputs->view;
    size_t count = view->config->endpoint_count;
    struct view_endpoint *endpoints = memory_new_array(count, sizeof *endpoints);
    memcpy(endpoints, view->endpoints, count * sizeof *endpoints);
    endpoints[first->parts->route.endpoint_index].region = region_elsewhere(first, view->config);
    make(plan, inputs, endpoints);
    plan->has_unknown_key = false; /* it was told by the first one, if it was to be */
    free(endpoints);
}

static void free_parts(struct plan_parts *parts)
{
    if (!parts)
        return;
    if (parts->shape)
        resign_fini(&parts->shape->resigned);
    free(parts->shape);
    map_fini(&parts->map);
    free(parts);
}

void plan_fini(struct plan *plan)
{
    if (plan->request_filter)
        plan->request_filter->free(plan->request_filter);
    if (plan->response_filter)
        plan->response_filter->free(plan->response_filter);
    if (plan->mapper)
        plan->mapper->free(plan->mapper);
    secret_text_fini(&plan->body);
    free_parts(plan->parts);
    *plan = (struct plan){0};
}
