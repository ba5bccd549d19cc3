/* Reaches the active target.
 *
 *     addresses (the target's own, or resolve.c) → connect to one → the next → open
 *
 * What can go wrong: an address refuses or is silent for 2 s, and the next one is tried at once;
 * none is left (reset, counted); an address is one of our own listeners, which would be a loop, and
 * is passed over; a fence comes, and then the half-made connect is dropped and the client held. */
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "proxy/relay/relay_parts.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>

/* Whoever closes the socket resets it, the kernel for us too when we are killed: what was not sent
 * dies. A silent target is liveness.c's. */
static void set_options(int fd)
{
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
}

/* Under way, or a negative errno. */
static int connect_to(struct connection *connection, const struct address *address)
{
    struct side *target = &connection->target;
    int fd = socket(address->any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return -errno;
    set_options(fd);
    target->socket.fd = fd;
    connection->has_timers = false;
    target->readable = target->writable = target->hangup = target->urgent = false;
    int status = 0;
    if (connect(fd, &address->any, address_size(address)) < 0 && errno != EINPROGRESS)
        status = -errno;
    if (status == 0)
        status = poller_add(&connection->point->worker->poller, &target->socket);
    if (status < 0)
        connection_drop_target(connection);
    return status;
}

static void log_unreachable(const struct connection *connection, const char *address, int status)
{
    log_debug("target_unreachable", LOG_TEXT("endpoint", connection->point->outlet->id),
        LOG_TEXT("address", address), LOG_ERROR(status));
}

/* Loud once for each turn of the point: whoever is reset comes back at once. */
static void log_ours(const struct connection *connection, const char *address)
{
    struct point *point = connection->point;
    if (point->ours_turn == point->turn)
        return;
    point->ours_turn = point->turn;
    log_warning("target_is_ourselves", LOG_TEXT("endpoint", point->outlet->id),
        LOG_TEXT("target", point->endpoint->target->text), LOG_TEXT("address", address),
        LOG_TEXT("what", "we listen there: not dialled, the client is reset"));
}

/* Tries addresses until a connect is under way; refuses when none is left. */
static void dial_next(struct connection *connection)
{
    struct dial *dial = connection->dial;
    int status = 0;
    while (dial->next < dial->answer.count) {
        struct address address = dial->answer.addresses[dial->next++];
        address_set_port(&address, connection->point->endpoint->target->port);
        bool is_ours = config_listens_on(connection->config, &address);
        status = is_ours ? -ELOOP : connect_to(connection, &address);
        if (status == 0) {
            connection->target_address = address;
            dial->started_us = uv_hrtime() / 1000;
            connection_enter(connection, CONNECTION_CONNECTING);
            return;
        }
        char text[ADDRESS_TEXT_SIZE];
        address_print(&address, text);
        if (is_ours)
            log_ours(connection, text);
        else
            log_unreachable(connection, text, status);
    }
    connection_refuse(connection, status == -EMFILE || status == -ENFILE
                                      ? RELAYS_REFUSED_DESCRIPTORS
                                      : RELAYS_REFUSED_UNREACHABLE);
}

static void count_latency(struct connection *connection)
{
    static const uint64_t bounds[] = RELAYS_LATENCY_BOUNDS_US;
    struct point_numbers *numbers = &connection->point->numbers;
    uint64_t took_us = uv_hrtime() / 1000 - connection->dial->started_us;
    size_t bucket = 0;
    while (bucket < sizeof bounds / sizeof *bounds && took_us > bounds[bucket])
        bucket++;
    number_add(&numbers->latency[bucket], 1);
    number_add(&numbers->latency_sum_us, took_us);
}

static int socket_error(int fd)
{
    int error = 0;
    socklen_t size = sizeof error;
    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);
    return -error;
}

void dial_event(struct connection *connection, uint32_t events)
{
    if (events & (EPOLLERR | EPOLLHUP)) {
        char text[ADDRESS_TEXT_SIZE];
        address_print(&connection->target_address, text);
        log_unreachable(connection, text, socket_error(connection->target.socket.fd));
        connection_drop_target(connection);
        dial_next(connection);
    } else if (events & EPOLLOUT) {
        count_latency(connection);
        connection_open(connection);
    }
}

void dial_with(struct connection *connection, const struct lookup_answer *answer)
{
    connection->dial->answer = *answer;
    connection->dial->next = 0;
    dial_next(connection);
}

void dial_start(struct connection *connection)
{
    struct point *point = connection->point;
    const struct config_target *target = point->endpoint->target;
    struct config *config = point->worker->view->config;
    config_unref(connection->config);
    connection->config = config_ref(config);
    connection->region = point->endpoint->region;
    free(connection->dial);
    connection->dial = memory_new(sizeof *connection->dial);
    if (target->is_address) {
        dial_with(connection, &(struct lookup_answer){.count = 1, .addresses = {target->address}});
    } else {
        connection_enter(connection, CONNECTION_RESOLVING);
        resolve_start(point);
    }
}

void dial_stop(struct connection *connection)
{
    connection_drop_target(connection);
    free(connection->dial);
    connection->dial = NULL;
}

void dial_expire(struct point *point, uint64_t now_ms)
{
    struct connection_list *connecting = &point->lists[CONNECTION_CONNECTING];
    while (connecting->first && now_ms >= connecting->first->since_ms + RELAY_CONNECT_TIMEOUT_MS) {
        struct connection *connection = connecting->first;
        char text[ADDRESS_TEXT_SIZE];
        address_print(&connection->target_address, text);
        log_unreachable(connection, text, -ETIMEDOUT);
        connection_drop_target(connection);
        dial_next(connection);
    }
}
