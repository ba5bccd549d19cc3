/* On the good day the host is one that AWS gives a mapped bucket, and path and query are looked
 * through once.
 *
 * What can go wrong: a host that is nobody's (403, never dialled), one that differs from the TLS
 * handshake's (421), a target that is none (400). What is neither mapped nor a configured region's
 * own S3 endpoint never leaves here with a route. */
#include "proxy/gateway/route.h"

#include "proxy/gateway/route_target.h"
#include "proxy/gateway/spans.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct work {
    const struct route_inputs *in;
    struct route *route;
    struct s3_error *error;
    struct span name;   /* the host without its port */
    unsigned long port; /* 0: none given */
    uint8_t bucket[ROUTE_BUCKET_MAX];
};

static int refuse(struct work *work)
{
    return s3_error_set(work->error, S3_ACCESS_DENIED,
        "The host is neither a mapped bucket's nor a configured region's S3 endpoint.");
}

static int bad_host(struct work *work)
{
    return s3_error_set(work->error, S3_INVALID_REQUEST, "The Host header is not valid.");
}

static bool is_host_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_';
}

static bool parse_port(const char *text, unsigned long *ret)
{
    size_t digits = strspn(text, "0123456789");
    *ret = strtoul(text, NULL, 10);
    return digits > 0 && digits <= 5 && !text[digits] && *ret > 0 && *ret <= UINT16_MAX;
}

/* Lower case, without the name's final dot. */
static bool copy_host(struct route *route, struct span host)
{
    if (host.size == 0 || host.size >= sizeof route->host)
        return false;
    for (size_t i = 0; i < host.size; i++) {
        char c = (char)host.data[i];
        route->host[i] = c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
    }
    size_t name = route->host[0] == '[' ? strcspn(route->host, "]") + 1 : strcspn(route->host, ":");
    if (name > host.size || memchr(route->host, 0, host.size))
        return false;
    route->name_size = name;
    if (name > 1 && route->host[name - 1] == '.') {
        memmove(route->host + name - 1, route->host + name, host.size - name + 1);
        route->name_size--;
    }
    return true;
}

static int parse_host(struct work *work)
{
    struct route *route = work->route;
    if (!copy_host(route, work->in->host))
        return bad_host(work);
    const char *port = route->host + route->name_size;
    if (*port && (*port != ':' || !parse_port(port + 1, &work->port)))
        return bad_host(work);
    for (size_t i = 0; i < route->name_size && route->host[0] != '['; i++) {
        if (!is_host_byte(route->host[i]))
            return bad_host(work);
    }
    if (route->name_size == 0)
        return bad_host(work);
    work->name = span_of(route->host, route->name_size);
    struct span sni = work->in->sni;
    if (sni.size > 0 && sni.data[sni.size - 1] == '.')
        sni.size--;
    if (sni.size > 0 && !spans_equal_nocase(sni, work->name))
        return s3_error_set(work->error, S3_MISDIRECTED_REQUEST, NULL);
    return 0;
}

static bool is_bucket_of(const struct config_endpoint *endpoint, size_t region, struct span bucket)
{
    return region != CONFIG_NONE && spans_is(bucket, endpoint->buckets[region]);
}

/* Where two regions have a bucket of that name, the host says which is meant, or the signature. */
static size_t region_meant(
    const struct work *work, const struct config_bucket *found, struct span bucket)
{
    const struct config_endpoint *endpoint = &work->in->config->endpoints[found->endpoint];
    if (is_bucket_of(endpoint, work->route->host_region, bucket))
        return work->route->host_region;
    if (is_bucket_of(endpoint, work->route->signed_region, bucket))
        return work->route->signed_region;
    return found->region;
}

/* False: not mapped. `bucket` is decoded, route->bucket as it was sent. */
static bool take_bucket(struct work *work, struct span bucket)
{
    const struct config_bucket *found = bucket_names_find(work->in->config, bucket);
    if (!found)
        return false;
    work->route->endpoint = &work->in->config->endpoints[found->endpoint];
    work->route->endpoint_index = found->endpoint;
    work->route->region = region_meant(work, found, bucket);
    return true;
}

static int take_virtual(struct work *work, struct span bucket)
{
    work->route->style = ROUTE_VIRTUAL;
    work->route->key_path = work->route->path;
    if (!take_bucket(work, bucket))
        return refuse(work);
    /* The configuration's text, which outlives the host's. */
    work->route->bucket = span_of_text(work->route->endpoint->buckets[work->route->region]);
    return 0;
}

static size_t signed_region(const struct route_inputs *inputs)
{
    for (size_t i = 0; i < inputs->config->region_count; i++) {
        if (spans_is(inputs->signed_region, inputs->config->regions[i]))
            return i;
    }
    return CONFIG_NONE;
}

static size_t region_of_unmapped(const struct route *route, enum route_style style)
{
    if (style == ROUTE_PATH)
        return route->host_region;
    return route->signed_region == CONFIG_NONE ? 0 : route->signed_region;
}

static int take_path(struct work *work, enum route_style style)
{
    struct route *route = work->route;
    size_t size;
    route->style = style;
    if (route_target_bucket(route, work->bucket, &size, work->error) < 0)
        return -EPROTO;
    if (!take_bucket(work, span_of(work->bucket, size)))
        route->region = region_of_unmapped(route, style);
    return 0;
}

/* The host of an S3-compatible store, itself or with a bucket before it. -ENOENT: none. */
static int take_store(struct work *work)
{
    const struct config *config = work->in->config;
    const struct config_s3_endpoint *stores = config->gateway.s3_endpoints;
    for (size_t i = 0; stores && i < config->region_count; i++) {
        const struct config_s3_endpoint *store = &stores[i];
        size_t size = store->host ? strlen(store->host) : 0;
        unsigned long port = work->port ? work->port : store->tls ? 443 : 80;
        if (size == 0 || port != store->port || work->name.size < size ||
            memcmp(work->name.data + work->name.size - size, store->host, size) != 0)
            continue;
        size_t before = work->name.size - size;
        if (before == 1 || (before > 1 && work->name.data[before - 1] != '.'))
            continue;
        work->route->is_store = true;
        work->route->host_region = i;
        return before ? take_virtual(work, span_of(work->name.data, before - 1))
                      : take_path(work, ROUTE_PATH);
    }
    return -ENOENT;
}

static bool is_own_address(const struct work *work)
{
    const struct config_listen *listen = &work->in->config->gateway.listen;
    char text[ROUTE_HOST_SIZE];
    struct address address;
    bool bracketed = work->name.data[0] == '[';
    size_t size = work->name.size - (bracketed ? 2 : 0);
    memcpy(text, work->name.data + bracketed, size);
    text[size] = '\0';
    if (!address_parse_ip(text, &address) || bracketed != (address.any.sa_family == AF_INET6))
        return false;
    for (size_t i = 0; i < listen->count; i++) {
        if (address_same_ip(&listen->addresses[i], &address) ||
            address_is_wildcard(&listen->addresses[i]))
            return true;
    }
    return false;
}

static bool is_named(const struct config_name *name, const struct name *host)
{
    if (!name->wildcard)
        return name_equal(&name->name, host);
    return host->size > name->name.size && name_within(host->wire, host->size, &name->name);
}

/* An exact name before a wildcard, the longest wildcard first, as the resolver has it. */
static bool take_custom(struct work *work)
{
    const struct config *config = work->in->config;
    const struct config_name *best = NULL;
    struct name host;
    char text[ROUTE_HOST_SIZE];
    snprintf(text, sizeof text, "%.*s", (int)work->name.size, (const char *)work->name.data);
    if (!name_from_text(text, &host))
        return false;
    for (size_t i = 0; i < config->endpoint_count; i++) {
        const struct config_endpoint *endpoint = &config->endpoints[i];
        for (size_t n = 0; endpoint->buckets && n < endpoint->name_count; n++) {
            const struct config_name *name = &endpoint->names[n];
            bool better =
                !best || (best->wildcard && (!name->wildcard || name->name.size > best->name.size));
            if (!better || !is_named(name, &host))
                continue;
            best = name;
            work->route->endpoint = endpoint;
            work->route->endpoint_index = i;
        }
    }
    return best;
}

static int find_host(struct work *work)
{
    struct route *route = work->route;
    struct bucket_host host;
    int status = take_store(work);
    if (status != -ENOENT)
        return status;
    if (bucket_host_parse(work->in->config, work->name, &host)) {
        route->form = host.form;
        route->host_region = host.region;
        if (host.bucket.size == 0)
            return take_path(work, ROUTE_PATH);
        status = take_virtual(work, host.bucket);
        if (status == 0)
            return 0;
        route->host_region = CONFIG_NONE;
    }
    if (is_own_address(work))
        return take_path(work, ROUTE_ADDRESS);
    if (!take_custom(work))
        return refuse(work);
    route->style = ROUTE_CUSTOM;
    route->region = 0;
    route->bucket = span_of_text(route->endpoint->buckets[0]);
    route->key_path = route->path;
    return 0;
}

int route_find(const struct route_inputs *inputs, struct route *ret, struct s3_error *error)
{
    struct work work = {.in = inputs, .route = ret, .error = error};
    *ret = (struct route){.endpoint_index = CONFIG_NONE,
        .host_region = CONFIG_NONE,
        .is_tls = inputs->is_tls,
        .signed_region = signed_region(inputs)};
    int status = parse_host(&work);
    if (status == 0)
        status = route_target_parse(inputs->target, inputs->host, ret, error);
    if (status == 0)
        status = find_host(&work);
    if (status == 0)
        route_target_operation(ret, inputs->method);
    return status;
}
