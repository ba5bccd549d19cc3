/* No two servers on one address, no question forwarded to ourselves, and no target that is us.
 *
 * Default listeners are left out: one that cannot be bound is no error. */
#include "config/check.h"

#include "base/json.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

struct listener {
    const struct address *address;
    const char *server; /* "resolver", "monitoring" … or an endpoint's id */
    const cJSON *where;
    size_t order; /* in the file */
};

struct listeners {
    struct listener *list;
    size_t count;
};

static int compare_addresses(const struct address *a, const struct address *b)
{
    if (a->any.sa_family != b->any.sa_family)
        return a->any.sa_family < b->any.sa_family ? -1 : 1;
    return memcmp(a, b, address_size(a));
}

static int compare(const void *a, const void *b)
{
    const struct listener *left = a, *right = b;
    int order = compare_addresses(left->address, right->address);
    return order ? order : (left->order > right->order) - (left->order < right->order);
}

static void collect(struct listeners *all, const struct config_listen *listen, const char *server,
    const cJSON *where)
{
    if (listen->is_default || !where)
        return;
    all->list = memory_resize(all->list, all->count + listen->count, sizeof *all->list);
    if (cJSON_IsArray(where))
        where = where->child;
    for (size_t i = 0; i < listen->count; i++, where = where->next) {
        if (!listen->addresses[i].any.sa_family)
            continue; /* noted as wrong already */
        all->list[all->count] = (struct listener){.address = &listen->addresses[i],
            .server = server,
            .where = where,
            .order = all->count};
        all->count++;
    }
}

static void collect_all(struct listeners *all, const struct check *check)
{
    const struct config *config = check->config;
    const cJSON *root = check->root, *endpoints = json_member(root, "endpoints");
    collect(all, &config->resolver.listen, "resolver",
        json_member(json_member(root, "resolver"), "listen"));
    collect(all, &config->gateway.listen, "gateway",
        json_member(json_member(root, "gateway"), "listen"));
    collect(all, &config->monitoring, "monitoring",
        json_member(json_member(root, "monitoring"), "listen"));
    const cJSON *where = endpoints ? endpoints->child : NULL;
    for (size_t i = 0; i < config->endpoint_count; i++, where = where->next) {
        if (config->endpoints[i].relay)
            collect(all, &config->endpoints[i].relay->listen, config->endpoints[i].id,
                json_member(json_member(where, "relay"), "listen"));
    }
}

static void check_upstream_is_not_us(
    struct check *check, const struct config_upstreams *upstreams, const cJSON *where)
{
    const struct config_listen *listen = &check->config->resolver.listen;
    where = where ? where->child : NULL;
    for (size_t i = 0; where && i < upstreams->count; i++, where = where->next) {
        const struct address *upstream = &upstreams->list[i].address;
        for (size_t j = 0; !listen->is_default && j < listen->count; j++) {
            if (upstream->any.sa_family && address_equal(&listen->addresses[j], upstream))
                check_wrong(check, where, "that is an address of our own resolver");
        }
    }
}

static int compare_found(const void *a, const void *b)
{
    const struct listener *left = a, *right = b;
    return compare_addresses(left->address, right->address);
}

static const struct listener *find(const struct listeners *all, const struct address *address)
{
    struct listener key = {.address = address};
    if (all->count == 0)
        return NULL;
    return bsearch(&key, all->list, all->count, sizeof *all->list, compare_found);
}

/* A wildcard listens on every address of this host, of which loopback is known here. */
static const struct listener *find_ours(
    const struct listeners *all, const struct config_target *target)
{
    struct address address = target->address, wildcard = {0};
    address_set_port(&address, target->port);
    const struct listener *found = find(all, &address);
    if (found || !address_is_loopback(&address))
        return found;
    wildcard.any.sa_family = address.any.sa_family;
    address_set_port(&wildcard, target->port);
    return find(all, &wildcard);
}

/* A relay would call itself. A target without a port is dialled by nobody. */
static void check_target_is_not_us(struct check *check, const struct listeners *all,
    const struct config_target *target, const cJSON *where)
{
    if (!target->is_address || !target->port)
        return;
    const struct listener *ours = find_ours(all, target);
    if (ours)
        check_wrong(check, where, "\"%s\" is an address of our own: \"%s\" listens there",
            target->text, ours->server);
}

static void check_targets_are_not_us(struct check *check, const struct listeners *all)
{
    const struct config *config = check->config;
    const cJSON *endpoint = json_member(check->root, "endpoints");
    endpoint = endpoint ? endpoint->child : NULL;
    for (size_t i = 0; i < config->endpoint_count; i++, endpoint = endpoint->next) {
        const struct config_target *targets = config->endpoints[i].targets;
        const cJSON *where = json_member(endpoint, "targets");
        for (size_t n = 0; targets && n < config->region_count; n++)
            check_target_is_not_us(check, all, &targets[n], json_member(where, config->regions[n]));
    }
}

void check_listeners(struct check *check)
{
    struct listeners all = {0};
    collect_all(&all, check);
    if (all.count)
        qsort(all.list, all.count, sizeof *all.list, compare);
    for (size_t i = 1; i < all.count; i++) {
        if (compare_addresses(all.list[i - 1].address, all.list[i].address) == 0)
            check_wrong(
                check, all.list[i].where, "\"%s\" listens there already", all.list[i - 1].server);
    }
    check_targets_are_not_us(check, &all);
    free(all.list);
    check_upstream_is_not_us(check, &check->config->resolver.upstreams,
        json_member(json_member(check->root, "resolver"), "upstreams"));
}
