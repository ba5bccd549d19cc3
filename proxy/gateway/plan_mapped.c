/* On the good day the client's signature is right, the request gets the shape that the active
 * region's S3 knows, and is signed anew with the same client's key, or with the host's.
 *
 * What can go wrong is the client's: no key that we know, a signature that is wrong, or over: S3's
 * own 403. Nothing is signed for whoever is not verified; who is anonymous stays so. With the
 * host's key only mapped buckets are opened, copies from other ones are not made either. */
#include "base/memory.h"
#include "proxy/gateway/http_fields.h"
#include "proxy/gateway/http_head.h"
#include "proxy/gateway/plan_parts.h"

#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

/* What a request is signed by. */
struct signing {
    const struct auth *auth;
    struct auth_key *key; /* NULL: anonymous */
    struct span payload;
};

struct auth_rules plan_auth_rules(const struct plan_inputs *inputs)
{
    const struct config *config = inputs->view->config;
    return (struct auth_rules){.sigv4 = &inputs->planner->sigv4,
        .keys = &inputs->planner->keys,
        .regions = (const char *const *)config->regions,
        .region_count = config->region_count,
        .now_s = inputs->now_s};
}

void plan_refuse_auth(
    struct plan *plan, const struct plan_inputs *inputs, const struct auth_refusal *refusal)
{
    struct answer answer = answer_auth(refusal);
    if (refusal == &auth_unknown_key && inputs->planner->is_waiting)
        plan_refuse_as(plan, GATEWAY_ERROR_UNAUTHORIZED, S3_SLOW_DOWN,
            "The host's own credentials are not known yet. Please retry.");
    else
        plan_refuse(plan, GATEWAY_ERROR_UNAUTHORIZED, &answer);
}

static bool verify(struct plan *plan, const struct plan_inputs *inputs, struct auth *ret)
{
    const struct http_head *request = inputs->request;
    struct auth_rules rules = plan_auth_rules(inputs);
    struct auth_request asked = {.method = request->method,
        .target = request->target,
        .headers = request->headers,
        .header_count = request->header_count};
    auth_verify(&rules, &asked, ret);
    if (ret->verdict != AUTH_REFUSED)
        return true;
    plan_refuse_auth(plan, inputs, ret->refusal);
    return false;
}

/* NULL: refused. */
static struct auth_key *host_key(struct plan *plan, const struct plan_inputs *inputs)
{
    struct auth_key *key = inputs->planner->host;
    if (!plan->parts->route.endpoint || plan->parts->map.has_foreign_source) {
        plan_refuse_as(plan, GATEWAY_ERROR_UNAUTHORIZED, S3_ACCESS_DENIED,
            "The bucket is not mapped, and the host's key is for those that are.");
        return NULL;
    }
    if (key && (key->expires_s == 0 || inputs->now_s < key->expires_s))
        return key;
    plan_refuse_as(plan, GATEWAY_ERROR_UNAUTHORIZED, S3_SERVICE_UNAVAILABLE,
        "The host's own credentials are not known.");
    return NULL;
}

struct auth_key *plan_signer(
    struct plan *plan, const struct plan_inputs *inputs, const struct auth *auth)
{
    bool by_host = inputs->view->config->gateway.sign_as == CONFIG_SIGN_AS_HOST;
    return by_host ? host_key(plan, inputs) : auth->key;
}

static void fill_head(struct plan *plan, const struct plan_inputs *inputs)
{
    const struct map *map = &plan->parts->map;
    struct http_head *head = &plan->parts->shape->head;
    const struct http_head *request = inputs->request;
    head->method = request->method;
    head->target = span_of(map->target.data, map->target.size);
    head->host = span_of_text(map->host);
    head->minor = request->minor;
    head->framing = inputs->body ? HTTP_FRAMING_LENGTH : request->framing;
    head->length = inputs->body ? plan->body.size + plan->parts->shape->rest : request->length;
    head->expects_continue = request->expects_continue && !inputs->body;
    plan->send = head;
}

/* What goes on of the client's headers; false: they are too many. */
static bool choose_headers(const struct plan *plan, const struct plan_inputs *inputs,
    struct http_header ret[HTTP_MESSAGE_HEADERS_MAX], size_t *ret_count)
{
    const struct map *map = &plan->parts->map;
    const char *md5 = plan->parts->shape->md5;
    *ret_count = 0;
    for (size_t i = 0; i < map->header_count; i++) {
        bool is_old = inputs->body && http_header_is(&map->headers[i], span_of_text("content-md5"));
        if (is_old || http_is_hop_by_hop(inputs->request, &map->headers[i]))
            continue;
        if (*ret_count == HTTP_MESSAGE_HEADERS_MAX - 1)
            return false;
        ret[(*ret_count)++] = map->headers[i];
    }
    if (*md5)
        ret[(*ret_count)++] = (struct http_header){span_of_text("Content-MD5"), span_of_text(md5)};
    return true;
}

static int sign(struct plan *plan, const struct plan_inputs *inputs, const struct signing *signing,
    const struct http_header *headers, size_t header_count)
{
    const struct map *map = &plan->parts->map;
    struct plan_shape *shape = plan->parts->shape;
    struct span target = shape->head.target;
    const uint8_t *mark = memchr(target.data, '?', target.size);
    size_t path = mark ? (size_t)(mark - target.data) : target.size;
    size_t query = mark ? path + 1 : path;
    struct resign_options options = {.sigv4 = &inputs->planner->sigv4,
        .key = signing->key,
        .region = inputs->view->config->regions[map->region],
        .now_s = inputs->now_s,
        .method = shape->head.method,
        .host = shape->head.host,
        .path = span_of(target.data, path),
        .query = span_of(target.data + query, target.size - query),
        .headers = headers,
        .header_count = header_count,
        .payload = signing->payload};
    int status = resign(&options, &shape->resigned);
    if (status == 0 && shape->resigned.header_count > HTTP_MESSAGE_HEADERS_MAX)
        status = -E2BIG;
    if (status < 0)
        return status;
    shape->head.header_count = shape->resigned.header_count;
    memcpy(shape->head.headers, shape->resigned.headers,
        shape->head.header_count * sizeof *shape->head.headers);
    return 0;
}

/* Every piece of such a body is signed. */
static bool is_in_pieces(const struct signing *signing)
{
    const struct auth *auth = signing->auth;
    return signing->key &&
           (auth->payload == AUTH_PAYLOAD_CHUNKS || auth->payload == AUTH_PAYLOAD_CHUNKS_TRAILER);
}

static struct chunked_options pieces_of(
    const struct plan_inputs *inputs, const struct signing *signing)
{
    const struct auth *auth = signing->auth;
    const struct http_header *trailers = http_find(inputs->request, "x-amz-trailer");
    return (struct chunked_options){.sigv4 = &inputs->planner->sigv4,
        .has_trailer = auth->payload == AUTH_PAYLOAD_CHUNKS_TRAILER,
        .trailers = trailers ? trailers->value : span_of(NULL, 0),
        .decoded_length = auth->decoded_length};
}

/* Its pieces are cut anew; S3 takes them without a length too. */
static void frame_pieces(
    struct http_head *head, const struct plan_inputs *inputs, const struct signing *signing)
{
    const struct chunked_options pieces = pieces_of(inputs, signing);
    bool is_known = chunked_length(&pieces, &head->length);
    head->framing = is_known ? HTTP_FRAMING_LENGTH : HTTP_FRAMING_CHUNKED;
}

static int shape_request(
    struct plan *plan, const struct plan_inputs *inputs, const struct signing *signing)
{
    struct http_header headers[HTTP_MESSAGE_HEADERS_MAX];
    struct http_head *head = &plan->parts->shape->head;
    size_t count;
    fill_head(plan, inputs);
    if (is_in_pieces(signing))
        frame_pieces(head, inputs, signing);
    if (!choose_headers(plan, inputs, headers, &count))
        return -E2BIG;
    if (signing->key)
        return sign(plan, inputs, signing, headers, count);
    head->header_count = count;
    memcpy(head->headers, headers, count * sizeof *headers);
    return 0;
}

static void set_chain(
    struct chunked_chain *chain, struct auth_key *key, const char *time, const char *signature)
{
    chain->key = key;
    memcpy(chain->time, time, sizeof chain->time);
    memcpy(chain->signature, signature, sizeof chain->signature);
}

/* The client's chain of signatures becomes ours. */
static void chain_pieces(
    struct plan *plan, const struct plan_inputs *inputs, const struct signing *signing)
{
    const struct auth *auth = signing->auth;
    const struct resigned *resigned = &plan->parts->shape->resigned;
    struct chunked_options options = pieces_of(inputs, signing);
    set_chain(&options.client, auth->key, auth->time, auth->signature);
    set_chain(&options.upstream, signing->key, resigned->time, resigned->signature);
    memcpy(options.client.region, auth->region, sizeof options.client.region);
    snprintf(options.upstream.region, sizeof options.upstream.region, "%s",
        inputs->view->config->regions[plan->parts->map.region]);
    plan->request_filter = plan_chunked_filter_new(&options);
}

static void send_shape(
    struct plan *plan, const struct plan_inputs *inputs, const struct signing *signing)
{
    int status = shape_request(plan, inputs, signing);
    if (status == -E2BIG)
        plan_refuse_as(plan, GATEWAY_ERROR_BAD_REQUEST, S3_REQUEST_HEAD_TOO_LARGE, NULL);
    else if (status < 0)
        plan_refuse_as(plan, GATEWAY_ERROR_UNAUTHORIZED, S3_INTERNAL_ERROR, NULL);
    else if (is_in_pieces(signing))
        chain_pieces(plan, inputs, signing);
}

void plan_send_unsigned(struct plan *plan, const struct plan_inputs *inputs)
{
    struct signing nobody = {.key = NULL};
    send_shape(plan, inputs, &nobody);
}

static bool has_body(const struct http_head *request)
{
    return request->framing == HTTP_FRAMING_CHUNKED ||
           (request->framing == HTTP_FRAMING_LENGTH && request->length > 0);
}

struct plan_shape *plan_shape_new(void)
{
    struct plan_shape *shape = memory_resize(NULL, 1, sizeof *shape);
    memset(shape, 0, offsetof(struct plan_shape, head));
    http_clear(&shape->head);
    resign_init(&shape->resigned);
    return shape;
}

void plan_map(struct plan *plan, const struct plan_inputs *inputs)
{
    struct plan_parts *parts = plan->parts;
    struct auth auth;
    if (parts->route.operation == ROUTE_POST_FORM && parts->route.endpoint) {
        plan_map_form(plan, inputs);
        return;
    }
    if (!verify(plan, inputs, &auth))
        return;
    struct signing signing = {.auth = &auth, .payload = auth.payload_text};
    if (auth.verdict == AUTH_VERIFIED) {
        signing.key = plan_signer(plan, inputs, &auth);
        if (!signing.key)
            return;
    }
    parts->shape = plan_shape_new();
    if (parts->map.rewrites_body && has_body(inputs->request)) {
        if (!plan_rewrite_body(plan, inputs, &auth))
            return;
        signing.payload = span_of_text(parts->shape->hash);
    }
    send_shape(plan, inputs, &signing);
}
