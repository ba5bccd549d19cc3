/* On the good day epoll_wait returns a batch, and every socket in it hears of its events.
 *
 * What can go wrong: a handler closes a connection whose event stands later in the same batch.
 * Its descriptor is -1 then and the event is dropped; its memory is freed after the turn. Sockets
 * that never rest must not starve libuv's timers: they are looked at in every turn. */
#include "proxy/poller.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BATCH 128

static const uint32_t interest = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET;

int poller_init(struct poller *poller, uv_loop_t *uv)
{
    *poller = (struct poller){.fd = epoll_create1(EPOLL_CLOEXEC), .uv = uv};
    if (poller->fd < 0)
        return -errno;
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = NULL};
    return epoll_ctl(poller->fd, EPOLL_CTL_ADD, uv_backend_fd(uv), &event) < 0 ? -errno : 0;
}

void poller_fini(struct poller *poller)
{
    if (poller->fd >= 0)
        close(poller->fd);
    poller->fd = -1;
}

void poller_turn(struct poller *poller)
{
    struct epoll_event batch[BATCH];
    uv_update_time(poller->uv);
    int timeout_ms = uv_backend_timeout(poller->uv); /* 0 as well when its set is not up to date */
    int count = epoll_wait(poller->fd, batch, BATCH, timeout_ms);
    bool uv_is_due = timeout_ms == 0 || count <= 0;
    for (int i = 0; i < count; i++) {
        struct poller_socket *socket = batch[i].data.ptr;
        if (!socket)
            uv_is_due = true;
        else if (socket->fd >= 0)
            socket->on_event(socket, batch[i].events);
    }
    if (uv_is_due)
        uv_run(poller->uv, UV_RUN_NOWAIT);
}

int poller_add(struct poller *poller, struct poller_socket *socket)
{
    struct epoll_event event = {.events = interest, .data.ptr = socket};
    return epoll_ctl(poller->fd, EPOLL_CTL_ADD, socket->fd, &event) < 0 ? -errno : 0;
}

void poller_rearm(struct poller *poller, struct poller_socket *socket)
{
    struct epoll_event event = {.events = interest, .data.ptr = socket};
    int status = epoll_ctl(poller->fd, EPOLL_CTL_MOD, socket->fd, &event);
    assert(status == 0);
    (void)status;
}
