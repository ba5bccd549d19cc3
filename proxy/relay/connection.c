/* The life of a connection, from the accepted socket to the freed memory.
 *
 * On the good day: accept → dial → bytes move → both sides have ended → free. While the endpoint is
 * fenced: accept → hold → (released) dial → …
 *
 * What can go wrong: no address answers (reset, counted), a side breaks (the other is reset, so
 * that nobody takes half an answer for a whole one; first what the broken one said last is passed
 * on), the region is left (the target's socket is reset, so that unsent bytes die there). */
#include "proxy/relay/connection.h"

#include "base/clock.h"
#include "base/memory.h"
#include "proxy/relay/relay_parts.h"
#include "proxy/relay/tcp_state.h"

#include <assert.h>
#include <errno.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define FROM(state) (1u << CONNECTION_##state)
#define NEW (1u << CONNECTION_STATES)

/* From which states a state may be entered. */
static const unsigned legal_moves[CONNECTION_STATES] = {
    [CONNECTION_HELD] = NEW | FROM(RESOLVING) | FROM(CONNECTING),
    [CONNECTION_RESOLVING] = NEW | FROM(HELD) | FROM(CONNECTING) | FROM(RESOLVING) | FROM(OPEN),
    [CONNECTION_CONNECTING] = NEW | FROM(HELD) | FROM(RESOLVING) | FROM(CONNECTING),
    [CONNECTION_OPEN] = FROM(CONNECTING) | FROM(ENDING),
    [CONNECTION_ENDING] = FROM(OPEN),
};

static void leave(struct connection *connection)
{
    if (connection->state == CONNECTION_STATES)
        return;
    struct connection_list *list = &connection->point->lists[connection->state];
    *(connection->previous ? &connection->previous->next : &list->first) = connection->next;
    *(connection->next ? &connection->next->previous : &list->last) = connection->previous;
    number_add(&connection->point->numbers.states[connection->state], (uint64_t)-1);
    if (connection->state == CONNECTION_HELD)
        atomic_fetch_sub(&connection->point->outlet->held, 1);
}

void connection_enter(struct connection *connection, enum connection_state state)
{
    assert(legal_moves[state] & 1u << connection->state);
    leave(connection);
    struct connection_list *list = &connection->point->lists[state];
    connection->state = state;
    connection->since_ms = clock_boot_ms();
    connection->previous = list->last;
    connection->next = NULL;
    *(list->last ? &list->last->next : &list->first) = connection;
    list->last = connection;
    number_add(&connection->point->numbers.states[state], 1);
    if (state < CONNECTION_OPEN)
        worker_watch_deadlines(connection->point->worker);
}

/* A target's socket is reset by this, unless both sides have ended (dial.c). */
static void close_side(struct side *side)
{
    if (side->socket.fd >= 0)
        close(side->socket.fd);
    side->socket.fd = -1;
}

static void reset_when_closed(struct side *side)
{
    setsockopt(side->socket.fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1},
        sizeof(struct linger));
}

void connection_free_dead(struct connection *connection)
{
    config_unref(connection->config);
    free(connection);
}

static void end(struct connection *connection)
{
    struct point *point = connection->point;
    struct worker *worker = point->worker;
    pump_fini(connection, TO_TARGET);
    pump_fini(connection, TO_CLIENT);
    free(connection->dial);
    close_side(&connection->target);
    leave(connection); /* a fence is complete when nobody is left; a client finds its place free */
    close_side(&connection->client);
    descriptors_give(&worker->relay->descriptors, 2);
    connection->next = worker->dead;
    worker->dead = connection;
    hold_released_left(connection);
    worker_connection_ended(connection);
}

void connection_drop_target(struct connection *connection)
{
    close_side(&connection->target);
}

void connection_close(struct connection *connection)
{
    end(connection);
}

void connection_reset(struct connection *connection)
{
    reset_when_closed(&connection->client);
    end(connection);
}

void connection_refuse(struct connection *connection, enum relays_refusal why)
{
    number_add(&connection->point->numbers.refused[why], 1);
    connection_reset(connection);
}

void connection_cut(struct connection *connection)
{
    number_add(&connection->point->numbers.closed_by_switch, 1);
    end(connection);
}

/* Both ends are passed on. What the target has not taken yet stays ours to reset at a fence, so the
 * socket is closed when it has it all: an edge tells. */
static void close_when_delivered(struct connection *connection)
{
    int queued = 0;
    struct tcp_state target;
    int fd = connection->target.socket.fd;
    if (ioctl(fd, SIOCOUTQ, &queued) < 0 || queued == 0 || tcp_state_read(fd, &target) < 0 ||
        !target.owes)
        connection_close(connection);
    else
        shutdown(connection->client.socket.fd, SHUT_WR); /* the client need not wait for that */
}

static void move_bytes(struct connection *connection, enum direction first)
{
    enum direction second = first == TO_TARGET ? TO_CLIENT : TO_TARGET;
    int status = pump_run(connection, first);
    int other = pump_run(connection, second); /* also the last words of a side that broke */
    if (status < 0 || other < 0)
        connection_reset(connection);
    else if (connection_has_ended(connection))
        close_when_delivered(connection);
    else if (connection->state == CONNECTION_ENDING)
        ending_moved(connection);
}

static void note(struct side *side, uint32_t events)
{
    bool over = events & (EPOLLERR | EPOLLHUP);
    side->readable |= over || events & (EPOLLIN | EPOLLRDHUP);
    side->writable |= over || events & EPOLLOUT;
    side->hangup |= over || events & EPOLLRDHUP;
    side->urgent |= (events & EPOLLPRI) != 0;
}

static void on_client(struct poller_socket *socket, uint32_t events)
{
    struct connection *connection = socket->data;
    note(&connection->client, events);
    if (connection->state >= CONNECTION_OPEN)
        move_bytes(connection, TO_TARGET);
    else if (events & (EPOLLERR | EPOLLHUP))
        connection_reset(connection); /* the client is gone before anything was sent for it */
    else if (connection->state == CONNECTION_HELD)
        hold_read(connection);
}

static void on_target(struct poller_socket *socket, uint32_t events)
{
    struct connection *connection = socket->data;
    note(&connection->target, events);
    if (connection->state >= CONNECTION_OPEN)
        move_bytes(connection, TO_CLIENT);
    else
        dial_event(connection, events);
}

void connection_accept(struct point *point, int fd, const struct address *client)
{
    struct connection *connection = memory_new(sizeof *connection);
    *connection = (struct connection){
        .point = point,
        .state = CONNECTION_STATES,
        .client = {.socket = {.fd = fd, .on_event = on_client, .data = connection}},
        .target = {.socket = {.fd = -1, .on_event = on_target, .data = connection}},
        .client_address = *client,
    };
    number_add(&point->numbers.accepted, 1);
    if (poller_add(&point->worker->poller, &connection->client.socket) < 0)
        connection_refuse(connection, RELAYS_REFUSED_DESCRIPTORS);
    else if (point_is_open(point))
        dial_start(connection);
    else
        hold_add(connection);
}

void connection_open(struct connection *connection)
{
    struct flow *held = &connection->flows[TO_TARGET];
    free(connection->dial);
    connection->dial = NULL;
    connection_enter(connection, CONNECTION_OPEN);
    hold_released_left(connection);
    if (held->rest) {
        border_from_client(&connection->border, span_of(held->rest, held->rest_end));
        number_add(&connection->point->numbers.bytes[TO_TARGET], held->rest_end);
    }
    move_bytes(connection, TO_TARGET);
}
