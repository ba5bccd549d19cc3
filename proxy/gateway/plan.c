/* On the good day the Host is the active region's own name for a bucket, or a region's S3 endpoint
 * with a bucket in the path that is served there: the request goes on as it is.
 *
 * What can go wrong: a host that is neither mapped nor an S3 endpoint of a configured region (403,
 * never dialled); nobody knows which region is active (503); the bucket is served elsewhere now, or
 * the name is one that S3 does not know, and the request would have to be signed anew (503). */
#include "proxy/gateway/plan.h"

#include "config/bucket_names.h"
#include "proxy/gateway/http_fields.h"

#include <stdio.h>
#include <stdlib.h>

#define HTTP_PORT 80
#define HTTPS_PORT 443

static void refuse(struct plan *plan, enum gateway_error error, const struct answer *answer)
{
    plan->verdict = PLAN_ANSWER;
    plan->error = error;
    plan->answer = *answer;
}

static void refuse_foreign(struct plan *plan)
{
    static const struct answer foreign = {
        403, "AccessDenied", "This host is neither mapped nor an S3 endpoint of a region here."};
    refuse(plan, GATEWAY_ERROR_FOREIGN_HOST, &foreign);
}

/* "HOST[:PORT]" in lower case, without the port and a final dot. False: it is too long. */
static bool read_host(struct span value, char ret[ORIGIN_HOST_SIZE], uint16_t *ret_port)
{
    const uint8_t *colon = memrchr(value.data, ':', value.size);
    const uint8_t *bracket = memrchr(value.data, ']', value.size);
    size_t size = value.size;
    *ret_port = HTTP_PORT;
    if (colon && (!bracket || bracket < colon)) {
        char digits[6] = "";
        size = (size_t)(colon - value.data);
        size_t count = value.size - size - 1;
        if (count > sizeof digits - 1)
            return false;
        memcpy(digits, colon + 1, count);
        *ret_port = (uint16_t)strtoul(digits, NULL, 10);
    }
    if (size > 0 && value.data[size - 1] == '.')
        size--;
    if (size == 0 || size >= ORIGIN_HOST_SIZE)
        return false;
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = value.data[i];
        ret[i] = (char)(byte >= 'A' && byte <= 'Z' ? byte + 'a' - 'A' : byte);
    }
    ret[size] = 0;
    return true;
}

/* The path's first segment, as it stands there: bucket names need no escapes. */
static struct span bucket_in_path(struct span target)
{
    size_t size = 0;
    struct span rest = span_of(target.data + 1, target.size - 1);
    while (size < rest.size && rest.data[size] != '/' && rest.data[size] != '?')
        size++;
    return span_of(rest.data, size);
}

/* AWS's own hosts are spoken to over TLS, whatever the client speaks with us. */
static void set_origin(
    struct plan *plan, const struct config *config, size_t region, const char *host)
{
    const struct config_s3_endpoint *own =
        config->gateway.s3_endpoints ? &config->gateway.s3_endpoints[region] : NULL;
    bool is_own = own && own->host;
    const char *name = is_own ? own->host : host;
    size_t size = strlen(name);
    bool has_brackets = size > 2 && *name == '[';
    snprintf(plan->origin.host, sizeof plan->origin.host, "%.*s", (int)(size - 2 * has_brackets),
        name + has_brackets);
    plan->origin.port = is_own ? own->port : HTTPS_PORT;
    plan->origin.tls = !is_own || own->tls;
}

/* Whether the bucket's endpoint has this one active now. */
static bool is_active(
    struct plan *plan, const struct view *view, const struct config_bucket *bucket)
{
    static const struct answer undecided = {503, "SlowDown",
        "Which region is active is not known here. Please retry.", .retry_after_s = 1};
    static const struct answer elsewhere = {503, "ServiceUnavailable",
        "The bucket is served by another region now.", .retry_after_s = 1};
    const struct view_endpoint *endpoint = &view->endpoints[bucket->endpoint];
    if (endpoint->status == VIEW_OPEN && endpoint->region == bucket->region)
        return true;
    refuse(plan, GATEWAY_ERROR_UNDECIDED, endpoint->status == VIEW_OPEN ? &elsewhere : &undecided);
    return false;
}

/* The region whose S3 endpoint that is. */
static size_t find_s3_endpoint(const struct config *config, const char *host, uint16_t port)
{
    const struct config_s3_endpoint *endpoints = config->gateway.s3_endpoints;
    for (size_t i = 0; endpoints && i < config->region_count; i++) {
        if (endpoints[i].host && endpoints[i].port == port && strcmp(endpoints[i].host, host) == 0)
            return i;
    }
    return CONFIG_NONE;
}

/* Where a request for `host` may go as it is. False: nowhere, `plan` says why. */
static bool find_origin(struct plan *plan, const struct view *view, const struct http_head *request)
{
    const struct config *config = view->config;
    char host[ORIGIN_HOST_SIZE];
    uint16_t port;
    if (!read_host(request->host, host, &port)) {
        refuse_foreign(plan);
        return false;
    }
    struct bucket_host s3 = {.region = find_s3_endpoint(config, host, port)};
    bool is_aws = s3.region == CONFIG_NONE;
    if (is_aws && !bucket_host_parse(config, span_of_text(host), &s3)) {
        refuse_foreign(plan);
        return false;
    }
    struct span name = s3.bucket.size > 0 ? s3.bucket : bucket_in_path(request->target);
    const struct config_bucket *bucket = bucket_names_find(config, name);
    if (!bucket && (s3.bucket.size > 0 || s3.region == CONFIG_NONE)) {
        refuse_foreign(plan);
        return false;
    }
    if (bucket && !is_active(plan, view, bucket))
        return false;
    size_t region = s3.region == CONFIG_NONE ? bucket->region : s3.region;
    set_origin(plan, config, region, host);
    return true;
}

void plan_make(struct plan *plan, const struct view *view, const struct http_head *request,
    const struct span *body)
{
    (void)body; /* nothing that passes through is read */
    *plan = (struct plan){.verdict = PLAN_FORWARD};
    if (find_origin(plan, view, request))
        plan->send = request;
}

void plan_fini(struct plan *plan)
{
    if (plan->request_filter)
        plan->request_filter->free(plan->request_filter);
    if (plan->response_filter)
        plan->response_filter->free(plan->response_filter);
    if (plan->mapper)
        plan->mapper->free(plan->mapper);
    text_fini(&plan->body);
    *plan = (struct plan){0};
}
