/* On the good day: bind, make an engine a thread, share out the sockets, start.
 *
 * What can go wrong is all at the start: an address that somebody else has, or that this machine
 * does not know. Later changes of listeners need a restart (config_check_reload). */
#include "resolver/resolver.h"

#include "base/bind.h"
#include "base/file_limit.h"
#include "base/memory.h"
#include "base/promptness.h"
#include "resolver/fetch.h"
#include "resolver/listen_tcp.h"
#include "resolver/listen_udp.h"
#include "resolver/resolver_parts.h"
#include "resolver/tls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define SHARE_MIN 64 /* of a thread, however few there are */
#define TCP_BACKLOG 128

static bool has_relays(const struct config *config)
{
    for (size_t i = 0; i < config->endpoint_count; i++) {
        if (config->endpoints[i].relay)
            return true;
    }
    return false;
}

/* One datagram socket a try, three tries a fetch: never so many, and never so many clients over TCP
 * besides, that a command cannot come in or its record cannot be written. */
static struct engine_limits find_limits(const struct config *config)
{
    struct file_limit_shares shares = file_limit_share(file_limit_all(), has_relays(config));
    unsigned share = shares.resolver / config->resolver.threads;
    if (share < SHARE_MIN)
        share = SHARE_MIN;
    unsigned connections = share / 4 < TCP_CONNECTIONS_MAX ? share / 4 : TCP_CONNECTIONS_MAX;
    unsigned fetches = (share - connections) / FETCH_TRIES_MAX;
    return (struct engine_limits){
        .fetches = fetches < ENGINE_FETCHES_MAX ? fetches : ENGINE_FETCHES_MAX,
        .tcp_connections = connections,
    };
}

/* An inherited socket is shared by all threads: each polls its own duplicate. */
static int share_inherited(int inherited, int *sockets, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        sockets[i] = fcntl(inherited, F_DUPFD_CLOEXEC, 3);
        if (sockets[i] < 0)
            return -errno;
    }
    return 0;
}

static int get_sockets(const struct resolver_options *options, const struct address *address,
    int type, int *sockets, size_t count)
{
    int inherited = bind_find_inherited(options->inherited, address, type);
    if (inherited >= 0)
        return share_inherited(inherited, sockets, count);
    return type == SOCK_DGRAM ? bind_udp(address, sockets, count)
                              : bind_tcp(address, TCP_BACKLOG, sockets, count);
}

static int serve_udp(struct resolver *resolver, const int *sockets)
{
    int status = 0;
    for (size_t i = 0; i < resolver->engine_count; i++) {
        int one = udp_listen(resolver->engines[i], sockets[i]);
        status = one < 0 ? one : status;
    }
    return status;
}

static int serve_tcp(struct resolver *resolver, const int *sockets)
{
    int status = 0;
    for (size_t i = 0; i < resolver->engine_count; i++) {
        int one = tcp_listen(resolver->engines[i], sockets[i]);
        status = one < 0 ? one : status;
    }
    return status;
}

/* UDP and TCP on one address, or neither. */
static int listen_on(struct resolver *resolver, const struct resolver_options *options,
    const struct address *address)
{
    size_t count = resolver->engine_count;
    int *sockets = memory_new_array(2 * count, sizeof *sockets);
    int status = get_sockets(options, address, SOCK_DGRAM, sockets, count);
    if (status == 0) {
        status = get_sockets(options, address, SOCK_STREAM, sockets + count, count);
        for (size_t i = 0; status < 0 && i < count; i++)
            close(sockets[i]);
    }
    if (status == 0) {
        int udp = serve_udp(resolver, sockets), tcp = serve_tcp(resolver, sockets + count);
        status = udp < 0 ? udp : tcp;
    }
    free(sockets);
    if (status < 0)
        return status;
    resolver->listens =
        memory_resize(resolver->listens, resolver->listen_count + 1, sizeof *resolver->listens);
    resolver->listens[resolver->listen_count++] = *address;
    return 0;
}

static int listen_on_all(
    struct resolver *resolver, const struct resolver_options *options, struct failure *why)
{
    const struct config_listen *listen = &options->config->resolver.listen;
    for (size_t i = 0; i < listen->count; i++) {
        char text[ADDRESS_TEXT_SIZE];
        int status = listen_on(resolver, options, &listen->addresses[i]);
        if (status == 0)
            continue;
        address_print(&listen->addresses[i], text);
        if (!listen->is_default)
            return failure_set(why, status,
                "resolver.listen: cannot bind %s: %s (is another server there? may this user bind "
                "it?)",
                text, log_error_text(status));
        log_warning("listener_left_out", LOG_TEXT("option", "resolver.listen"),
            LOG_TEXT("address", text), LOG_ERROR(status));
    }
    if (listen->count > 0 && resolver->listen_count == 0)
        return failure_set(why, -EADDRNOTAVAIL,
            "resolver.listen: none of the default addresses can be bound (is another DNS server "
            "there?); name others, or [] for none");
    return 0;
}

static bool any_tls(const struct config_upstreams *upstreams)
{
    for (size_t i = 0; i < upstreams->count; i++) {
        if (upstreams->list[i].tls_name)
            return true;
    }
    return false;
}

static bool has_tls_upstream(const struct config *config)
{
    for (size_t i = 0; i < config->resolver.route_count; i++) {
        if (any_tls(&config->resolver.routes[i].upstreams))
            return true;
    }
    return any_tls(&config->resolver.upstreams);
}

int resolver_new(
    const struct resolver_options *options, struct resolver **ret_resolver, struct failure *why)
{
    struct resolver *resolver = memory_new(sizeof *resolver);
    unsigned threads = options->config->resolver.threads;
    size_t cache_bytes = (size_t)options->config->resolver.cache_size / threads;
    lookup_init(resolver);
    if (has_tls_upstream(options->config))
        tls_prepare();
    resolver->engines = memory_new_array(threads, sizeof(struct engine *));
    struct engine_limits limits = find_limits(options->config);
    for (unsigned i = 0; i < threads; i++) {
        resolver->engines[i] = memory_new(sizeof(struct engine));
        resolver->engine_count++;
        int status = engine_init(resolver->engines[i], i, cache_bytes, &limits);
        if (status < 0) {
            resolver_free(resolver);
            return failure_set(
                why, status, "cannot make an event loop: %s", log_error_text(status));
        }
    }
    int status = listen_on_all(resolver, options, why);
    if (status < 0) {
        resolver_free(resolver);
        return status;
    }
    *ret_resolver = resolver;
    return 0;
}

void resolver_subscribe(struct resolver *resolver, struct announce *announce)
{
    for (size_t i = 0; i < resolver->engine_count; i++)
        announce_subscribe(
            announce, &resolver->engines[i]->loop, engine_take_view, resolver->engines[i]);
}

static void run(void *context)
{
    struct engine *engine = context;
    promptness_ask();
    uv_run(&engine->loop.uv, UV_RUN_DEFAULT);
}

int resolver_start(struct resolver *resolver, struct failure *why)
{
    for (size_t i = 0; i < resolver->engine_count; i++) {
        struct engine *engine = resolver->engines[i];
        int status = loop_start_with(&engine->loop, run, engine);
        if (status < 0)
            return failure_set(why, status, "cannot start a thread: %s", log_error_text(status));
    }
    return 0;
}

void resolver_free(struct resolver *resolver)
{
    if (!resolver)
        return;
    for (size_t i = 0; i < resolver->engine_count; i++) {
        struct engine *engine = resolver->engines[i];
        if (engine->loop.started)
            loop_post(&engine->loop, engine_stop, engine);
        else
            engine_stop(engine);
        loop_fini(&engine->loop);
        engine_fini(engine);
        free(engine);
    }
    free(resolver->engines);
    free(resolver->listens);
    free(resolver);
}

struct lookup *resolver_lookup(struct resolver *resolver)
{
    return &resolver->lookup;
}

size_t resolver_loop_count(const struct resolver *resolver)
{
    return resolver->engine_count;
}

struct loop *resolver_loop(struct resolver *resolver, size_t index)
{
    return &resolver->engines[index]->loop;
}

bool resolver_listens_on(const struct resolver *resolver, const struct address *address)
{
    for (size_t i = 0; i < resolver->listen_count; i++) {
        const struct address *ours = &resolver->listens[i];
        if (address_equal(ours, address))
            return true;
        if (address_is_wildcard(ours) && address_is_loopback(address) &&
            address_port(ours) == address_port(address))
            return true;
    }
    return false;
}
