/* Listeners: in come clients, a bounded number an event, so that a flood leaves time for those who
 * are served.
 *
 * What can go wrong: the descriptors that connections may take are used up, and then a client is
 * reset and counted, while the rest of the daemon still has its own; the whole machine has none,
 * and then the listener pauses for a tick: the kernel's backlog keeps the clients. */
#include "base/log.h"
#include "proxy/relay/relay_parts.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS_MAX 32 /* of one event */
#define CLIENT_KEEPALIVE_IDLE_S 60
#define CLIENT_KEEPALIVE_INTERVAL_S 20

/* Inherited by what is accepted. No TCP_USER_TIMEOUT here: a client may read as slowly as it
 * likes. */
static void set_options(int fd)
{
    static const struct {
        int level, option, value;
    } options[] = {{IPPROTO_TCP, TCP_NODELAY, 1}, {SOL_SOCKET, SO_KEEPALIVE, 1},
        {IPPROTO_TCP, TCP_KEEPIDLE, CLIENT_KEEPALIVE_IDLE_S},
        {IPPROTO_TCP, TCP_KEEPINTVL, CLIENT_KEEPALIVE_INTERVAL_S}};
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        setsockopt(fd, options[i].level, options[i].option, &options[i].value, sizeof(int));
}

static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void pause_for_a_tick(struct listener *listener, int error)
{
    struct point *point = listener->point;
    number_add(&point->numbers.accept_failures, 1);
    log_warning("accept_failed", LOG_TEXT("endpoint", point->outlet->id), LOG_ERROR(-error),
        LOG_TEXT("what", "clients wait in the kernel's backlog"));
    listener->paused = true;
    uv_poll_stop(&listener->poll);
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
    atomic_int *descriptors = &point->worker->relay->descriptors;
    if (atomic_fetch_sub(descriptors, 2) >= 2) {
        connection_accept(point, fd, client);
    } else {
        atomic_fetch_add(descriptors, 2);
        refuse(point, fd);
    }
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct listener *listener = poll->data;
    (void)status;
    (void)events;
    for (unsigned i = 0; i < ACCEPTS_MAX; i++) {
        struct address client = {0};
        socklen_t size = sizeof client;
        int fd = accept4(listener->fd, &client.any, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            take(listener->point, fd, &client);
        } else if (is_shortage(errno)) {
            pause_for_a_tick(listener, errno);
            return;
        } else if (errno == EAGAIN) {
            return;
        } /* else: this one client is gone (accept(2), "Error handling") */
    }
}

int listener_open(struct listener *listener, struct point *point, int fd)
{
    *listener = (struct listener){.point = point, .fd = fd, .paused = true};
    set_options(fd);
    listener->poll.data = listener;
    return uv_poll_init(&point->worker->loop.uv, &listener->poll, fd);
}

void listener_resume(struct listener *listener)
{
    if (listener->paused && uv_poll_start(&listener->poll, UV_READABLE, on_readable) == 0)
        listener->paused = false;
}

static void on_closed(uv_handle_t *handle)
{
    struct listener *listener = handle->data;
    close(listener->fd);
}

void listener_close(struct listener *listener)
{
    uv_close((uv_handle_t *)&listener->poll, on_closed);
}
