/* All relays of the daemon: sockets bound while it still may, one loop a thread, each with a
 * listener for every address, among which the kernel spreads the clients.
 *
 * What can go wrong is told at the start, in words: an address that is taken, a probe whose client
 * library is not installed. Without any relay there are no threads. */
#include "proxy/relay/relay.h"

#include "base/bind.h"
#include "base/file_limit.h"
#include "base/memory.h"
#include "proxy/relay/relay_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BACKLOG 1024
#define DESCRIPTORS_OF_LOOP 5 /* libuv's four and the poller's */

static void add_outlet(
    struct relay *relay, const struct config *config, const struct config_endpoint *endpoint)
{
    const struct config_listen *listen = &endpoint->relay->listen;
    struct outlet *outlet = &relay->outlets[relay->outlet_count++];
    outlet->relay = relay;
    outlet->id = memory_text(endpoint->id);
    outlet->group = memory_text(config->groups[endpoint->group].id);
    outlet->listen.count = listen->count;
    outlet->listen.addresses = memory_new_array(listen->count, sizeof *listen->addresses);
    memcpy(outlet->listen.addresses, listen->addresses, listen->count * sizeof *listen->addresses);
    pthread_mutex_init(&outlet->lock, NULL);
}

static int prepare_probe(const struct config_endpoint *endpoint, struct failure *why)
{
    struct failure words;
    if (!endpoint->relay->probe_user) /* without a login the probe needs no client library */
        return 0;
    int status = writable_prepare(endpoint->relay->probe, &words);
    return status < 0
               ? failure_set(why, status, "endpoints.%s.relay.probe: %s", endpoint->id, words.text)
               : 0;
}

static int add_outlets(struct relay *relay, const struct config *config, struct failure *why)
{
    relay->outlets = memory_new_array(config->endpoint_count, sizeof *relay->outlets);
    int status = 0;
    for (size_t i = 0; i < config->endpoint_count && status == 0; i++) {
        if (!config->endpoints[i].relay)
            continue;
        add_outlet(relay, config, &config->endpoints[i]);
        status = prepare_probe(&config->endpoints[i], why);
    }
    return status;
}

/* One socket for each worker. */
static int make_sockets(
    struct relay *relay, const struct address *address, const int *inherited, int *ret_sockets)
{
    int given = bind_find_inherited(inherited, address, SOCK_STREAM);
    if (given < 0)
        return bind_tcp(address, BACKLOG, ret_sockets, relay->worker_count);
    for (size_t i = 0; i < relay->worker_count; i++) {
        ret_sockets[i] = fcntl(given, F_DUPFD_CLOEXEC, 3);
        if (ret_sockets[i] < 0)
            return -errno;
        fcntl(ret_sockets[i], F_SETFL, fcntl(ret_sockets[i], F_GETFL) | O_NONBLOCK);
    }
    return 0;
}

static int listen_on(struct relay *relay, size_t outlet, const struct address *address,
    const int *inherited, struct failure *why)
{
    int *sockets = memory_new_array(relay->worker_count, sizeof *sockets);
    int status = make_sockets(relay, address, inherited, sockets);
    size_t made = status < 0 ? 0 : relay->worker_count;
    for (size_t i = 0; i < made; i++) {
        struct point *point = &relay->workers[i]->points[outlet];
        if (status == 0)
            status = listener_open(&point->listeners[point->listener_count], point, sockets[i]);
        else
            close(sockets[i]);
        point->listener_count += status == 0;
    }
    free(sockets);
    char text[ADDRESS_TEXT_SIZE];
    address_print(address, text);
    return status < 0 ? failure_set(why, status, "endpoints.%s.relay.listen: %s: %s",
                            relay->outlets[outlet].id, text, strerror(-status))
                      : 0;
}

size_t relay_workers_for(unsigned threads, unsigned cores)
{
    size_t count = threads > 0 ? threads : cores;
    return count < RELAY_WORKERS_MAX ? count : RELAY_WORKERS_MAX;
}

static int make_workers(struct relay *relay, unsigned threads, struct failure *why)
{
    size_t count = relay_workers_for(threads, uv_available_parallelism());
    relay->workers = memory_new_array(count, sizeof(struct worker *));
    int status = 0;
    while (relay->worker_count < count && status == 0) {
        size_t index = relay->worker_count++;
        status = worker_new(relay, index, &relay->workers[index]);
    }
    return status < 0 ? failure_set(why, status, "the relay: %s", uv_strerror(status)) : 0;
}

/* Of the relays' share, what their loops and listeners leave. */
static int descriptors_to_take(const struct relay *relay)
{
    size_t share = file_limit_share(file_limit_all(), true).relays;
    size_t each = DESCRIPTORS_OF_LOOP;
    for (size_t i = 0; i < relay->outlet_count; i++)
        each += relay->outlets[i].listen.count;
    size_t taken = each * relay->worker_count;
    return share > taken ? (int)(share - taken) : 0;
}

int relay_new(const struct relay_options *options, struct relay **ret_relay, struct failure *why)
{
    const struct config *config = options->config;
    struct relay *relay = memory_new(sizeof *relay);
    relay->relays =
        (struct relays){.numbers = numbers_of, .list = list_connections, .behind = numbers_behind};
    relay->main_loop = options->main_loop;
    int status = add_outlets(relay, config, why);
    if (status == 0 && relay->outlet_count > 0)
        status = make_workers(relay, config->proxy.threads, why);
    for (size_t i = 0; i < relay->outlet_count && status == 0; i++) {
        const struct config_listen *listen = &relay->outlets[i].listen;
        for (size_t n = 0; n < listen->count && status == 0; n++)
            status = listen_on(relay, i, &listen->addresses[n], options->inherited, why);
    }
    if (status < 0) {
        relay_free(relay);
        return status;
    }
    atomic_init(&relay->descriptors, descriptors_to_take(relay));
    *ret_relay = relay;
    return 0;
}

void relay_subscribe(struct relay *relay, struct announce *announce)
{
    for (size_t i = 0; i < relay->worker_count; i++)
        announce_subscribe(announce, &relay->workers[i]->loop, worker_take, relay->workers[i]);
}

int relay_start(struct relay *relay, struct lookup *lookup, struct failure *why)
{
    relay->lookup = lookup;
    for (size_t i = 0; i < relay->worker_count; i++) {
        int status = worker_start(relay->workers[i]);
        if (status < 0)
            return failure_set(why, status, "cannot start a thread of the relay");
    }
    return 0;
}

void relay_free(struct relay *relay)
{
    if (!relay)
        return;
    for (size_t i = 0; i < relay->worker_count; i++)
        worker_free(relay->workers[i]);
    for (size_t i = 0; i < relay->outlet_count; i++) {
        free(relay->outlets[i].id);
        free(relay->outlets[i].group);
        free(relay->outlets[i].listen.addresses);
        pthread_mutex_destroy(&relay->outlets[i].lock);
    }
    free(relay->workers);
    free(relay->outlets);
    free(relay);
}

void relay_on_ended(struct relay *relay, loop_call *ended, void *context)
{
    relay->ended = ended;
    relay->ended_context = context;
}

struct relays *relay_relays(struct relay *relay)
{
    return &relay->relays;
}

size_t relay_loop_count(const struct relay *relay)
{
    return relay->worker_count;
}

struct loop *relay_loop(struct relay *relay, size_t index)
{
    return &relay->workers[index]->loop;
}
