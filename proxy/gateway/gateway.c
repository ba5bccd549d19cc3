/* The gateway: sockets bound while the daemon still may, one loop a thread, each with a listener
 * for every address, among which the kernel spreads the clients.
 *
 * What can go wrong is told at the start, in words: an address that is taken. */
#include "proxy/gateway/gateway.h"

#include "base/bind.h"
#include "base/log.h"
#include "base/memory.h"
#include "proxy/gateway/gateway_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 1024

/* One socket for each worker. */
static int make_sockets(
    struct gateway *gateway, const struct address *address, const int *inherited, int *ret_sockets)
{
    int given = bind_find_inherited(inherited, address, SOCK_STREAM);
    if (given < 0)
        return bind_tcp(address, BACKLOG, ret_sockets, gateway->worker_count);
    for (size_t i = 0; i < gateway->worker_count; i++) {
        ret_sockets[i] = fcntl(given, F_DUPFD_CLOEXEC, 3);
        if (ret_sockets[i] < 0)
            return -errno;
        fcntl(ret_sockets[i], F_SETFL, fcntl(ret_sockets[i], F_GETFL) | O_NONBLOCK);
    }
    return 0;
}

static int bind_on(
    struct gateway *gateway, const struct address *address, bool is_tls, const int *inherited)
{
    int *sockets = memory_new_array(gateway->worker_count, sizeof *sockets);
    int status = make_sockets(gateway, address, inherited, sockets);
    for (size_t i = 0; i < gateway->worker_count && status == 0; i++)
        status = gateway_listener_open(gateway->workers[i], sockets[i], is_tls);
    if (status == 0) {
        gateway->listener_count++;
        gateway->tls_listener_count += is_tls;
    }
    free(sockets);
    return status;
}

static int listen_on(struct gateway *gateway, const struct config_listen *listen, size_t index,
    const int *inherited, struct failure *why)
{
    const struct address *address = &listen->addresses[index];
    char text[ADDRESS_TEXT_SIZE];
    address_print(address, text);
    int status = bind_on(gateway, address, listen->tls && listen->tls[index], inherited);
    if (status == 0)
        return 0;
    if (!listen->is_default)
        return failure_set(why, status, "gateway.listen: %s: %s", text, strerror(-status));
    log_warning("listener_left_out", LOG_TEXT("option", "gateway.listen"),
        LOG_TEXT("address", text), LOG_ERROR(status));
    return 0;
}

static int make_workers(struct gateway *gateway, unsigned threads, struct failure *why)
{
    size_t count = threads > 0 ? threads : uv_available_parallelism();
    gateway->workers = memory_new_array(count, sizeof *gateway->workers);
    int status = 0;
    while (gateway->worker_count < count && status == 0) {
        size_t index = gateway->worker_count++;
        status = gateway_worker_new(gateway, index, &gateway->workers[index]);
    }
    return status < 0 ? failure_set(why, status, "the gateway: %s", uv_strerror(status)) : 0;
}

int gateway_new(
    const struct gateway_options *options, struct gateway **ret_gateway, struct failure *why)
{
    struct config *config = options->config;
    const struct config_listen *listen = &config->gateway.listen;
    struct gateway *gateway = memory_new(sizeof *gateway);
    int status = 0;
    gateway->config = config_ref(config);
    if (listen->count > 0)
        status = make_workers(gateway, config->proxy.threads, why);
    for (size_t i = 0; i < listen->count && status == 0; i++)
        status = listen_on(gateway, listen, i, options->inherited, why);
    if (status < 0) {
        gateway_free(gateway);
        return status;
    }
    *ret_gateway = gateway;
    return 0;
}

bool gateway_is_whole(const struct gateway *gateway)
{
    size_t asked_for = gateway->config->gateway.listen.count;
    return asked_for > 0 && gateway->listener_count == asked_for;
}

void gateway_subscribe(struct gateway *gateway, struct announce *announce)
{
    for (size_t i = 0; i < gateway->worker_count; i++)
        announce_subscribe(
            announce, &gateway->workers[i]->loop, gateway_worker_take, gateway->workers[i]);
}

int gateway_start(struct gateway *gateway, struct lookup *lookup, struct failure *why)
{
    gateway->lookup = lookup;
    if (gateway->worker_count > 0 && gateway_tls_start(gateway, why) < 0)
        return -EINVAL;
    for (size_t i = 0; i < gateway->worker_count; i++) {
        int status = gateway_worker_start(gateway->workers[i]);
        if (status < 0)
            return failure_set(why, status, "cannot start a thread of the gateway");
    }
    return 0;
}

void gateway_free(struct gateway *gateway)
{
    if (!gateway)
        return;
    for (size_t i = 0; i < gateway->worker_count; i++)
        gateway_worker_stop(gateway->workers[i]);
    for (size_t i = 0; i < gateway->worker_count; i++)
        gateway_worker_free(gateway->workers[i]);
    gateway_tls_free(gateway);
    free(gateway->workers);
    config_unref(gateway->config);
    free(gateway);
}

size_t gateway_loop_count(const struct gateway *gateway)
{
    return gateway->worker_count;
}

struct loop *gateway_loop(struct gateway *gateway, size_t index)
{
    return &gateway->workers[index]->loop;
}
