/* Tells a dead target from a busy one.
 *
 * On the good day a connection is over before the first look at it, and has cost nothing here.
 * Those that live longer get the kernel's timers (tcp(7)), and a silent target is noticed within
 * seconds.
 *
 * The kernel gives up on a peer that acknowledges nothing for TCP_USER_TIMEOUT, but it counts a
 * peer that acknowledges and has no room (a zero window, RFC 9293 section 3.8.6.1) as silent too:
 * a database that is busy for longer than that while its client sends a lot would be cut off. So
 * for as long as the window is closed the timeout is moved ahead of the last acknowledgement. Once
 * both sides have ended nobody waits for it any longer than that.
 *
 * Only connections that sent something since the last look, or owed an acknowledgement then, cost a
 * system call. */
#include "proxy/relay/relay_parts.h"
#include "proxy/relay/tcp_state.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#define CLOSED_WINDOW_MS 30000 /* without an acknowledgement: then it is dead all the same */

#define TARGET_KEEPALIVE_IDLE_S 10
#define TARGET_KEEPALIVE_INTERVAL_S 5
#define CLIENT_KEEPALIVE_IDLE_S 60
#define CLIENT_KEEPALIVE_INTERVAL_S 20

static void set(int fd, int level, int option, int value)
{
    setsockopt(fd, level, option, &value, sizeof value);
}

static void set_user_timeout(const struct connection *connection, uint64_t timeout_ms)
{
    set(connection->target.socket.fd, IPPROTO_TCP, TCP_USER_TIMEOUT, (int)timeout_ms);
}

static void set_keepalive(int fd, int idle_s, int interval_s)
{
    set(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
    set(fd, IPPROTO_TCP, TCP_KEEPIDLE, idle_s);
    set(fd, IPPROTO_TCP, TCP_KEEPINTVL, interval_s);
}

/* No TCP_USER_TIMEOUT for the client: it may read as slowly as it likes. */
static void set_timers(struct connection *connection)
{
    set_keepalive(
        connection->client.socket.fd, CLIENT_KEEPALIVE_IDLE_S, CLIENT_KEEPALIVE_INTERVAL_S);
    set_keepalive(
        connection->target.socket.fd, TARGET_KEEPALIVE_IDLE_S, TARGET_KEEPALIVE_INTERVAL_S);
    set_user_timeout(connection, RELAY_USER_TIMEOUT_MS);
    connection->has_timers = true;
}

static void look_at(struct connection *connection, uint64_t now_ms)
{
    struct tcp_state peer;
    if (tcp_state_read(connection->target.socket.fd, &peer) < 0)
        return;
    connection->unanswered = peer.owes;
    if (peer.window_closed && !connection_has_ended(connection)) {
        if (!connection->closed_window_ms)
            connection->closed_window_ms = now_ms;
        uint64_t closed_for_ms = now_ms - connection->closed_window_ms;
        uint64_t heard_at_ms = closed_for_ms > peer.silent_ms ? closed_for_ms - peer.silent_ms : 0;
        set_user_timeout(connection, heard_at_ms + CLOSED_WINDOW_MS);
    } else if (connection->closed_window_ms) {
        connection->closed_window_ms = 0;
        set_user_timeout(connection, RELAY_USER_TIMEOUT_MS);
    }
}

void liveness_look(struct point *point, uint64_t now_ms)
{
    static const enum connection_state states[] = {CONNECTION_OPEN, CONNECTION_ENDING};
    for (size_t i = 0; i < sizeof states / sizeof *states; i++) {
        for (struct connection *each = point->lists[states[i]].first; each; each = each->next) {
            uint64_t bytes = each->flows[TO_TARGET].bytes;
            if (!each->has_timers)
                set_timers(each);
            if (bytes != each->liveness_bytes || each->unanswered)
                look_at(each, now_ms);
            each->liveness_bytes = bytes;
        }
    }
}
