/* What a running daemon cannot change: sockets bound before it gave up its rights, threads that
 * have started, the place of its record and of its CA, whom it trusts. */
#include "config/config.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static bool same_listen(const struct config_listen *a, const struct config_listen *b)
{
    bool same = a->count == b->count;
    for (size_t i = 0; same && i < a->count; i++)
        same = address_equal(&a->addresses[i], &b->addresses[i]) &&
               (!a->tls || a->tls[i] == b->tls[i]);
    return same;
}

static bool same_text(const char *a, const char *b) /* NULL: none */
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static const struct config_listen *relay_listen(const struct config *config, const char *id)
{
    size_t index = config_endpoint(config, id);
    const struct config_relay *relay = index == CONFIG_NONE ? NULL : config->endpoints[index].relay;
    return relay ? &relay->listen : NULL;
}

/* Every relay of `of` listens where its namesake in `in` does. */
static bool relays_stay(const struct config *of, const struct config *in)
{
    for (size_t i = 0; i < of->endpoint_count; i++) {
        const struct config_endpoint *endpoint = &of->endpoints[i];
        const struct config_listen *other = endpoint->relay ? relay_listen(in, endpoint->id) : NULL;
        if (endpoint->relay && (!other || !same_listen(&endpoint->relay->listen, other)))
            return false;
    }
    return true;
}

int config_check_reload(const struct config *now, const struct config *next, struct failure *why)
{
    const struct {
        const char *key;
        bool same;
    } fixed[] = {
        {"application", strcmp(now->application, next->application) == 0},
        {"user", strcmp(now->user, next->user) == 0},
        {"resolver.listen", same_listen(&now->resolver.listen, &next->resolver.listen)},
        {"resolver.threads", now->resolver.threads == next->resolver.threads},
        {"resolver.cache_size", now->resolver.cache_size == next->resolver.cache_size},
        {"proxy.threads", now->proxy.threads == next->proxy.threads},
        {"control.socket", strcmp(now->control.socket, next->control.socket) == 0},
        {"state.file", strcmp(now->state.file, next->state.file) == 0},
        {"gateway.listen", same_listen(&now->gateway.listen, &next->gateway.listen)},
        {"gateway.ca_dir", strcmp(now->gateway.ca_dir, next->gateway.ca_dir) == 0},
        {"gateway.upstream_ca", same_text(now->gateway.upstream_ca, next->gateway.upstream_ca)},
        {"monitoring.listen", same_listen(&now->monitoring, &next->monitoring)},
        {"relay.listen", relays_stay(now, next) && relays_stay(next, now)},
    };
    char keys[256] = "";
    size_t used = 0;
    for (size_t i = 0; i < sizeof fixed / sizeof fixed[0]; i++) {
        if (!fixed[i].same)
            used += (size_t)snprintf(
                keys + used, sizeof keys - used, "%s%s", used ? ", " : "", fixed[i].key);
    }
    if (used == 0)
        return 0;
    return failure_set(why, -EINVAL, "only a restart can change %s", keys);
}
