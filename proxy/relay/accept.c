/* Listeners: in come clients, a bounded number an event, and at a pace when they are a flood
 * (flood.h).
 *
 * What can go wrong: the descriptors that connections may take are used up, and then a client is
 * reset and counted, while the rest of the daemon still has its own; the whole machine has none,
 * and then the listener pauses for a tick: the kernel's backlog keeps the clients. */
#include "base/clock.h"
#include "base/log.h"
#include "proxy/relay/relay_parts.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#define SAY_AGAIN_MS 10000

static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

/* Now and then: a shortage lasts. */
static void say(struct listener *listener, int error)
{
    uint64_t now_ms = clock_boot_ms();
    if (listener->said_ms && now_ms - listener->said_ms < SAY_AGAIN_MS)
        return;
    listener->said_ms = now_ms;
    log_warning("accept_failed", LOG_TEXT("endpoint", listener->point->outlet->id),
        LOG_ERROR(-error), LOG_TEXT("what", "clients wait in the kernel's backlog"));
}

static void pause_for_a_tick(struct listener *listener, int error)
{
    struct point *point = listener->point;
    number_add(&point->numbers.accept_failures, 1);
    say(listener, error);
    listener->paused = true;
    worker_watch_deadlines(point->worker);
}

static void refuse(struct point *point, int fd)
{
    number_add(&point->numbers.accepted, 1);
    number_add(&point->numbers.refused[RELAYS_REFUSED_DESCRIPTORS], 1);
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1}, sizeof(struct linger));
    close(fd);
}

static void take(struct point *point, int fd, const struct address *client)
{
    if (descriptors_take(&point->worker->relay->descriptors, 2))
        connection_accept(point, fd, client);
    else
        refuse(point, fd);
}

/* More of them wait, or may. */
static void go_on(struct listener *listener, unsigned taken)
{
    if (flood_note(&listener->flood, taken, false)) {
        listener->paused = true;
        worker_rest(listener->point->worker);
    } else {
        poller_rearm(&listener->point->worker->poller, &listener->socket);
    }
}

static void on_readable(struct poller_socket *socket, uint32_t events)
{
    struct listener *listener = socket->data;
    (void)events;
    if (listener->paused)
        return;
    unsigned batch = flood_batch(&listener->flood);
    for (unsigned i = 0; i < batch; i++) {
        struct address client = {0};
        socklen_t size = sizeof client;
        int fd = accept4(socket->fd, &client.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take(listener->point, fd, &client);
        } else if (is_shortage(errno)) {
            pause_for_a_tick(listener, errno);
            return;
        } else if (errno == EAGAIN) {
            flood_note(&listener->flood, i, true);
            return;
        } /* else: this one client is gone (accept(2), "Error handling") */
    }
    go_on(listener, batch);
}

int listener_open(struct listener *listener, struct point *point, int fd)
{
    *listener = (struct listener){.point = point,
        .socket = {.fd = fd, .on_event = on_readable, .data = listener},
        .paused = true};
    /* Inherited by what is accepted. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    int status = poller_add(&point->worker->poller, &listener->socket);
    if (status < 0)
        close(fd);
    return status;
}

void listener_resume(struct listener *listener)
{
    if (!listener->paused)
        return;
    listener->paused = false;
    poller_rearm(&listener->point->worker->poller, &listener->socket);
}

void listener_close(struct listener *listener)
{
    listener->paused = false; /* no tick starts it again */
    close(listener->socket.fd);
    listener->socket.fd = -1;
}
