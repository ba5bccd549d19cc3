/* What a configuration may say and an operator should hear about: at the start and at a reload. */
#include "base/log.h"
#include "programs/pilotlightd_parts.h"

#include <string.h>

static bool is_loopback_only(const struct prefix *prefix)
{
    static const struct prefix v4 = {AF_INET, {127}, 8}, v6 = {AF_INET6, {[15] = 1}, 128};
    const struct prefix *loopback = prefix->family == AF_INET ? &v4 : &v6;
    struct address first = {0};
    first.any.sa_family = (sa_family_t)prefix->family;
    memcpy(prefix->family == AF_INET ? (void *)&first.v4.sin_addr : (void *)&first.v6.sin6_addr,
        prefix->bytes, prefix->family == AF_INET ? 4 : 16);
    return prefix->bits >= loopback->bits && prefix_contains(loopback, &first.any);
}

static bool lets_others_in(const struct config *config)
{
    for (size_t i = 0; i < config->resolver.allow_count; i++) {
        if (!is_loopback_only(&config->resolver.allow[i]))
            return true;
    }
    return false;
}

static bool answers_loopback(const struct config_endpoint *endpoint, size_t regions)
{
    const struct config_relay *relay = endpoint->relay;
    for (size_t i = 0; relay && i < relay->listen.count; i++) {
        const struct address *listen = &relay->listen.addresses[i];
        if (address_is_loopback(address_is_wildcard(listen) ? &relay->address : listen))
            return true;
    }
    for (size_t i = 0; !relay && endpoint->targets && i < regions; i++) {
        if (endpoint->targets[i].is_address && address_is_loopback(&endpoint->targets[i].address))
            return true;
    }
    return false;
}

/* Another host that asks us would talk to itself. */
static void warn_of_loopback(const struct config *config)
{
    for (size_t i = 0; lets_others_in(config) && i < config->endpoint_count; i++) {
        const struct config_endpoint *endpoint = &config->endpoints[i];
        if (answers_loopback(endpoint, config->region_count))
            log_warning("loopback_answer", LOG_TEXT("endpoint", endpoint->id),
                LOG_TEXT("what", "resolver.allow lets other hosts ask, and its names answer a "
                                 "loopback address, which is another one there"));
    }
}

void daemon_warn_of_config(const struct config *config)
{
    warn_of_loopback(config);
}
