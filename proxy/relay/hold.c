/* Connections that wait for the switch.
 *
 *     accept → held → the switch → released, a few at a time → dial
 *
 * Each waits `hold.timeout` at most, by its own clock. What its client sends meanwhile is kept, to
 * a bound. What can go wrong is refused with a reset: too many wait, one waits too long, one sends
 * too much. A client that goes away is noticed, an end of its stream counting as that: a database's
 * client has nothing to say by half a connection. */
#include "base/memory.h"
#include "proxy/relay/relay_parts.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

bool point_is_open(const struct point *point)
{
    return point->endpoint->status == VIEW_OPEN && !point->awaits_writable;
}

static const struct config_relay *config_of(const struct point *point)
{
    return point->endpoint->config->relay;
}

void hold_add(struct connection *connection)
{
    struct outlet *outlet = connection->point->outlet;
    unsigned before = atomic_fetch_add(&outlet->held, 1);
    if (before >= config_of(connection->point)->hold_max_connections) {
        atomic_fetch_sub(&outlet->held, 1);
        connection_refuse(connection, RELAYS_REFUSED_HOLD_FULL);
        return;
    }
    connection_enter(connection, CONNECTION_HELD);
    hold_released_left(connection);
    hold_read(connection);
}

static void keep(struct flow *flow, const uint8_t *data, size_t size)
{
    flow->rest = memory_resize(flow->rest, flow->rest_end + size, 1);
    memcpy(flow->rest + flow->rest_end, data, size);
    flow->rest_end += (uint32_t)size;
    flow->bytes += size;
}

/* Until there is nothing more: the next byte is a new event. */
void hold_read(struct connection *connection)
{
    struct flow *flow = &connection->flows[TO_TARGET];
    uint8_t *chunk = connection->point->worker->chunk;
    while (connection->client.readable) {
        ssize_t got = recv(connection->client.socket.fd, chunk, RELAY_HELD_BYTES_MAX + 1, 0);
        if (got > 0 && flow->rest_end + (size_t)got <= RELAY_HELD_BYTES_MAX) {
            keep(flow, chunk, (size_t)got);
        } else if (got > 0) {
            connection_refuse(connection, RELAYS_REFUSED_HOLD_BYTES);
            return;
        } else if (got < 0 && errno == EAGAIN) {
            connection->client.readable = false;
        } else if (got == 0 || errno != EINTR) {
            connection_close(connection);
            return;
        }
    }
}

/* Each loop's part of what may be on its way at once. */
static unsigned share(const struct point *point)
{
    static_assert(RELAY_WORKERS_MAX <= RELAY_RELEASE_MAX, "each loop may release one at least");
    return RELAY_RELEASE_MAX / (unsigned)point->worker->relay->worker_count;
}

/* Dialling may fail at once, which comes back here: the loop below goes on then. */
void hold_release(struct point *point)
{
    if (point->in_release)
        return;
    point->in_release = true;
    struct connection_list *held = &point->lists[CONNECTION_HELD];
    while (held->first && point_is_open(point) && point->releasing < share(point)) {
        struct connection *connection = held->first;
        connection->released = true;
        point->releasing++;
        dial_start(connection);
    }
    point->in_release = false;
}

void hold_released_left(struct connection *connection)
{
    if (!connection->released)
        return;
    connection->released = false;
    connection->point->releasing--;
    hold_release(connection->point);
}

void hold_expire(struct point *point, uint64_t now_ms)
{
    uint64_t timeout_ms = config_of(point)->hold_timeout_ms;
    struct connection_list *held = &point->lists[CONNECTION_HELD];
    while (held->first && now_ms >= held->first->since_ms + timeout_ms)
        connection_refuse(held->first, RELAYS_REFUSED_HOLD_TIMEOUT);
}
