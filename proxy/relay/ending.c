/* Connections to a region that is left.
 *
 * On the good day a PostgreSQL or MySQL session in clear text is cut between two transactions:
 * at once when it is idle, else when it has been quiet for a moment or has just ended a
 * transaction, and after some time at the next border that it passes. One that was opened a moment
 * ago is about to be used: it is not idle before that time has passed. Everything else is cut at
 * once. In a drain (planned moves only) all are given the time that the configuration says.
 *
 * What can go wrong: a session reaches no border in time, or its target does not even acknowledge
 * what was sent to it: it is cut where it is. */
#include "base/clock.h"
#include "proxy/relay/relay_parts.h"
#include "proxy/relay/tcp_state.h"

#include <sys/ioctl.h>
#include <sys/socket.h>

#define QUIET_FIRST_MS 150 /* so long a border counts only when nobody is about to go on */
#define ACKNOWLEDGE_WITHIN_MS 1000

static uint64_t moved_bytes(const struct connection *connection)
{
    return connection->flows[TO_TARGET].bytes + connection->flows[TO_CLIENT].bytes;
}

/* At a border, all of it delivered, and nothing new waits to be read. */
static bool may_be_cut(const struct connection *connection)
{
    int unread = 0;
    return border_reached(&connection->border) && pump_is_empty(&connection->flows[TO_TARGET]) &&
           pump_is_empty(&connection->flows[TO_CLIENT]) &&
           ioctl(connection->client.socket.fd, FIONREAD, &unread) == 0 && unread == 0;
}

static bool is_followed(const struct connection *connection)
{
    return connection->border.protocol == BORDER_POSTGRES ||
           connection->border.protocol == BORDER_MYSQL;
}

/* What was sent to it is lost on the way: there will be no border. */
static bool is_out_of_reach(const struct connection *connection)
{
    struct tcp_state peer;
    return tcp_state_read(connection->target.socket.fd, &peer) < 0 ||
           (peer.unacknowledged && (peer.retransmits || peer.silent_ms > ACKNOWLEDGE_WITHIN_MS));
}

static bool is_late(const struct connection *connection, uint64_t now_ms)
{
    return now_ms - connection->since_ms >= QUIET_FIRST_MS;
}

void ending_moved(struct connection *connection)
{
    if (!may_be_cut(connection))
        return;
    if (is_late(connection, clock_boot_ms()) || border_ends_transaction(&connection->border))
        connection_cut(connection);
}

static void look_at(struct connection *connection, uint64_t now_ms)
{
    bool quiet = connection->ending_bytes == moved_bytes(connection) &&
                 (!connection->is_young || is_late(connection, now_ms));
    connection->ending_bytes = moved_bytes(connection);
    if (now_ms >= connection->deadline_ms || (quiet && may_be_cut(connection)) ||
        (connection->owed && is_out_of_reach(connection)))
        connection_cut(connection);
}

void ending_look(struct point *point, uint64_t now_ms)
{
    for (struct connection *each = point->lists[CONNECTION_ENDING].first, *next; each;
         each = next) {
        next = each->next;
        look_at(each, now_ms);
    }
}

/* A drain that is still under way is over. */
static void hurry(struct point *point)
{
    uint64_t deadline_ms = clock_boot_ms() + RELAY_BORDER_WAIT_MS;
    for (struct connection *each = point->lists[CONNECTION_ENDING].first, *next; each;
         each = next) {
        next = each->next;
        if (each->owed)
            continue;
        each->owed = true;
        point->worker->owed++;
        each->deadline_ms = is_followed(each) ? deadline_ms : 0;
    }
}

static void let_go(struct connection *connection, uint64_t drain_ms)
{
    connection->owed = drain_ms == 0;
    connection->point->worker->owed += connection->owed;
    connection->is_young = clock_boot_ms() - connection->since_ms < RELAY_YOUNG_MS;
    connection->ending_bytes = UINT64_MAX; /* the first look finds nobody quiet */
    connection_enter(connection, CONNECTION_ENDING);
    uint64_t wait_ms = drain_ms > 0 ? drain_ms : is_followed(connection) ? RELAY_BORDER_WAIT_MS : 0;
    connection->deadline_ms = connection->since_ms + wait_ms;
}

void ending_start(struct point *point, uint64_t drain_ms)
{
    if (drain_ms == 0)
        hurry(point);
    while (point->lists[CONNECTION_OPEN].first)
        let_go(point->lists[CONNECTION_OPEN].first, drain_ms);
    ending_look(point, clock_boot_ms());
    worker_watch_borders(point->worker);
}

void ending_take_back(struct point *point)
{
    for (struct connection *each = point->lists[CONNECTION_ENDING].first, *next; each;
         each = next) {
        next = each->next;
        if (!each->owed)
            connection_enter(each, CONNECTION_OPEN);
    }
}
