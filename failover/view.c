/* Builds the snapshot: for each endpoint its status, region and target; for each name its endpoint.
 *
 * On the good day every group of the record names a configured region, and an endpoint's target is
 * the one of that region. What can go wrong is decided here once for all wings: a record that is
 * not believed, a group without an entry or in a region that is gone makes an endpoint undecided,
 * a fence stops databases (and nothing else). */
#include "failover/view.h"

#include "base/memory.h"
#include "failover/upstreams.h"

#include <stdlib.h>
#include <string.h>

static bool is_fenced_also(const struct view_inputs *inputs, const struct state_group *group)
{
    for (size_t i = 0; i < inputs->fence_also_count; i++) {
        if (strcmp(inputs->fence_also[i], group->id) == 0)
            return true;
    }
    return false;
}

static bool is_fenced(const struct view_inputs *inputs, const struct state_group *group)
{
    if (is_fenced_also(inputs, group))
        return true;
    const struct transition *transition = inputs->state->transition;
    const struct transition_group *moving =
        transition ? transition_find_group(transition, group->id) : NULL;
    return group->fenced || (moving && moving->progress == PROGRESS_FENCED);
}

/* The group's entry when its region is known, else NULL. */
static const struct state_group *decided_group(
    const struct view_inputs *inputs, size_t group, size_t *ret_region)
{
    const char *id = inputs->config->groups[group].id;
    if (!inputs->state || inputs->world->undecided ||
        !group_is_decided(inputs->state, inputs->world, id))
        return NULL;
    const struct state_group *entry = state_find_group(inputs->state, id);
    *ret_region = config_region(inputs->config, entry->active);
    return entry;
}

static void add_address(struct view_endpoint *endpoint, const struct address *address)
{
    for (unsigned i = 0; i < endpoint->address_count; i++) {
        if (address_same_ip(endpoint->addresses[i], address))
            return;
    }
    if (endpoint->address_count < sizeof endpoint->addresses / sizeof *endpoint->addresses)
        endpoint->addresses[endpoint->address_count++] = address;
}

/* A relay on two ports of one address is one answer; a wildcard is no address to answer with. */
static void add_relay_addresses(struct view_endpoint *endpoint, const struct config_relay *relay)
{
    for (size_t i = 0; i < relay->listen.count; i++) {
        const struct address *listen = &relay->listen.addresses[i];
        if (!address_is_wildcard(listen))
            add_address(endpoint, listen);
        else if (relay->has_address)
            add_address(endpoint, &relay->address);
    }
}

/* Whoever listens everywhere listens on loopback too, where the applications are. */
static void add_gateway_addresses(const struct view *view, struct view_endpoint *endpoint)
{
    const struct config_listen *listen = &view->config->gateway.listen;
    for (size_t i = 0; i < listen->count; i++) {
        const struct address *address = &listen->addresses[i];
        const struct address *loopback = &view->loopback[address->any.sa_family == AF_INET6];
        add_address(endpoint, address_is_wildcard(address) ? loopback : address);
    }
}

static void build_endpoint(const struct view *view, const struct view_inputs *inputs,
    const struct config_endpoint *config, struct view_endpoint *ret)
{
    *ret =
        (struct view_endpoint){.config = config, .status = VIEW_UNDECIDED, .region = CONFIG_NONE};
    if (config->relay)
        add_relay_addresses(ret, config->relay);
    if (config->type == CONFIG_BUCKET && inputs->gateway_answers)
        add_gateway_addresses(view, ret);

    size_t region = CONFIG_NONE;
    const struct state_group *group = decided_group(inputs, config->group, &region);
    if (!group || region == CONFIG_NONE)
        return;
    ret->region = region;
    ret->target = config->targets ? &config->targets[region] : NULL;
    ret->status =
        config->type == CONFIG_DATABASE && is_fenced(inputs, group) ? VIEW_FENCED : VIEW_OPEN;
    bool cuts = inputs->fence_also_cuts && is_fenced_also(inputs, group);
    if (ret->status == VIEW_FENCED && config->relay && inputs->planned && !cuts)
        ret->drain_ms = config->relay->drain_ms;
}

/* Twice as many buckets as names, so that a chain is rarely longer than one. */
static void names_init(struct view_names *names, size_t count)
{
    size_t buckets = 1;
    while (buckets < count * 2)
        buckets *= 2;
    names->buckets = memory_new_array(buckets, sizeof(struct view_name *));
    names->mask = buckets - 1;
}

static void names_fini(struct view_names *names)
{
    for (size_t i = 0; names->buckets && i <= names->mask; i++) {
        for (struct view_name *name = names->buckets[i], *next; name; name = next) {
            next = name->next;
            free(name);
        }
    }
    free(names->buckets);
}

static void names_add(struct view_names *names, const struct siphash_key *key,
    const struct name *name, const struct view_endpoint *endpoint)
{
    struct view_name *entry = memory_new(sizeof *entry);
    entry->name = *name;
    entry->hash = siphash(key, name->wire, name->size);
    entry->endpoint = endpoint;
    struct view_name **bucket = &names->buckets[entry->hash & names->mask];
    entry->next = *bucket;
    *bucket = entry;
}

static const struct view_endpoint *names_find(
    const struct view_names *names, const uint8_t *wire, size_t size, uint64_t hash)
{
    for (const struct view_name *name = names->buckets[hash & names->mask]; name;
         name = name->next) {
        if (name->hash == hash && name->name.size == size &&
            memcmp(name->name.wire, wire, size) == 0)
            return name->endpoint;
    }
    return NULL;
}

static void add_name(
    struct view *view, const struct config_name *name, const struct view_endpoint *endpoint)
{
    if (!name->wildcard) {
        names_add(&view->exact, &view->key, &name->name, endpoint);
        return;
    }
    unsigned labels = name_labels(name->name.wire);
    names_add(&view->wildcards, &view->key, &name->name, endpoint);
    view->wildcard_labels[labels / 64] |= UINT64_C(1) << labels % 64;
}

/* Regions' own S3 hosts belong to all endpoints that take path style: the first of them is as good
 * as any. */
static void add_host(
    struct view *view, const struct name *name, const struct view_endpoint *endpoint)
{
    uint64_t hash = siphash(&view->key, name->wire, name->size);
    if (!names_find(&view->exact, name->wire, name->size, hash))
        names_add(&view->exact, &view->key, name, endpoint);
}

/* A bucket is answered where the gateway listens: without it, its names are nobody's. */
static bool is_named(const struct view_endpoint *endpoint)
{
    return endpoint->config->type != CONFIG_BUCKET || endpoint->address_count > 0;
}

static void build_names(struct view *view)
{
    size_t exact = 0, wildcards = 0;
    for (size_t i = 0; i < view->config->endpoint_count; i++) {
        const struct config_endpoint *endpoint = &view->config->endpoints[i];
        exact += endpoint->host_count;
        for (size_t n = 0; n < endpoint->name_count; n++) {
            if (endpoint->names[n].wildcard)
                wildcards++;
            else
                exact++;
        }
    }
    names_init(&view->exact, exact);
    names_init(&view->wildcards, wildcards);

    for (size_t i = 0; i < view->config->endpoint_count; i++) {
        const struct config_endpoint *endpoint = &view->config->endpoints[i];
        if (!is_named(&view->endpoints[i]))
            continue;
        for (size_t n = 0; n < endpoint->name_count; n++)
            add_name(view, &endpoint->names[n], &view->endpoints[i]);
        for (size_t n = 0; n < endpoint->host_count; n++)
            add_host(view, &endpoint->hosts[n].name, &view->endpoints[i]);
    }
}

struct view *view_new(const struct view_inputs *inputs)
{
    struct config *config = inputs->config;
    struct view *view = memory_new(sizeof *view);
    view->epoch = inputs->state ? inputs->state->epoch : 0;
    view->config = config_ref(config);
    view->key = *inputs->key;
    view->upstreams =
        upstreams_copy(config->resolver.upstreams_from_resolv_conf ? inputs->upstreams
                                                                   : &config->resolver.upstreams);
    address_parse_ip("127.0.0.1", &view->loopback[0]);
    address_parse_ip("::1", &view->loopback[1]);
    view->endpoints = memory_new_array(config->endpoint_count, sizeof *view->endpoints);
    for (size_t i = 0; i < config->endpoint_count; i++)
        build_endpoint(view, inputs, &config->endpoints[i], &view->endpoints[i]);
    build_names(view);
    return view;
}

void view_free(struct view *view)
{
    if (!view)
        return;
    names_fini(&view->exact);
    names_fini(&view->wildcards);
    free(view->endpoints);
    upstreams_fini(&view->upstreams);
    config_unref(view->config);
    free(view);
}

static bool has_wildcard_of(const struct view *view, unsigned labels)
{
    return view->wildcard_labels[labels / 64] >> labels % 64 & 1;
}

const struct view_endpoint *view_find(
    const struct view *view, const uint8_t *wire, size_t size, uint64_t hash)
{
    const struct view_endpoint *found = names_find(&view->exact, wire, size, hash);
    if (found || !(view->wildcard_labels[0] | view->wildcard_labels[1]))
        return found;
    for (unsigned labels = name_labels(wire); labels > 0 && !found;) {
        size -= *wire + 1u;
        wire += *wire + 1u;
        if (has_wildcard_of(view, --labels))
            found = names_find(&view->wildcards, wire, size, siphash(&view->key, wire, size));
    }
    return found;
}
