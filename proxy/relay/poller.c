/* On the good day libuv sees that the set has something, and every socket of one batch hears of it.
 *
 * What can go wrong: a handler closes a connection whose event stands later in the same batch.
 * Its descriptor is -1 then and the event is dropped; its memory is freed later. */
#include "proxy/relay/poller.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#define BATCH 128

static const uint32_t interest = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

static void on_ready(uv_poll_t *poll, int status, int events)
{
    struct poller *poller = poll->data;
    struct epoll_event batch[BATCH];
    (void)status;
    (void)events;
    int count = epoll_wait(poller->fd, batch, BATCH, 0);
    for (int i = 0; i < count; i++) {
        struct poller_socket *socket = batch[i].data.ptr;
        if (socket->fd >= 0)
            socket->on_event(socket, batch[i].events);
    }
}

int poller_init(struct poller *poller, uv_loop_t *loop)
{
    poller->fd = epoll_create1(EPOLL_CLOEXEC);
    if (poller->fd < 0)
        return -errno;
    poller->poll.data = poller;
    int status = uv_poll_init(loop, &poller->poll, poller->fd);
    if (status == 0)
        status = uv_poll_start(&poller->poll, UV_READABLE, on_ready);
    return status;
}

static void on_closed(uv_handle_t *handle)
{
    struct poller *poller = handle->data;
    close(poller->fd);
}

void poller_fini(struct poller *poller)
{
    uv_close((uv_handle_t *)&poller->poll, on_closed);
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
