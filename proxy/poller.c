/* On the good day epoll_wait returns a batch, and every socket in it hears of its events.
 *
 * It waits without a time: one would be set up and taken down in the kernel with every batch.
 * libuv's next timer is a timerfd in the same set instead, which is set anew only when that timer
 * is earlier than what it rings for; where there is none any more it rings once in vain.
 *
 * What can go wrong: a handler closes a connection whose event stands later in the same batch.
 * Its descriptor is -1 then and the event is dropped; its memory is freed after the turn. Sockets
 * that never rest must not starve libuv's timers: the timerfd is an event among theirs. */
#include "proxy/poller.h"

#include "base/clock.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define BATCH 128
#define NOT_SET UINT64_MAX
#define COARSE_MS 1 /* libuv's clock may be that much behind the timerfd's */

static const uint32_t interest = EPOLLIN | EPOLLPRI | EPOLLOUT | EPOLLRDHUP | EPOLLET;

static int watch(struct poller *poller, int fd, uint32_t events)
{
    struct epoll_event event = {.events = events, .data.ptr = NULL};
    return epoll_ctl(poller->fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int poller_init(struct poller *poller, uv_loop_t *uv)
{
    *poller = (struct poller){.fd = -1, .alarm_fd = -1, .alarm_ms = NOT_SET, .uv = uv};
    poller->now_ms = clock_boot_ms();
    poller->fd = epoll_create1(EPOLL_CLOEXEC);
    if (poller->fd < 0)
        return -errno;
    poller->alarm_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (poller->alarm_fd < 0)
        return -errno;
    int status = watch(poller, poller->alarm_fd, EPOLLIN | EPOLLET); /* each ring, never read */
    return status < 0 ? status : watch(poller, uv_backend_fd(uv), EPOLLIN);
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

void poller_fini(struct poller *poller)
{
    close_fd(&poller->alarm_fd);
    close_fd(&poller->fd);
}

static void set_alarm(struct poller *poller, uint64_t due_ms)
{
    uint64_t at_ms = due_ms + COARSE_MS;
    struct itimerspec at = {.it_value = {
                                .tv_sec = (time_t)(at_ms / 1000),
                                .tv_nsec = (long)(at_ms % 1000) * 1000000,
                            }};
    int status = timerfd_settime(poller->alarm_fd, TFD_TIMER_ABSTIME, &at, NULL);
    assert(status == 0);
    (void)status;
    poller->alarm_ms = due_ms;
}

/* As epoll_wait takes it: 0 when libuv has something to do now, else for ever. */
static int time_to_wait(struct poller *poller)
{
    int next_ms = uv_backend_timeout(poller->uv);
    if (next_ms <= 0)
        return next_ms;
    uint64_t due_ms = uv_now(poller->uv) + (uint64_t)next_ms;
    if (due_ms < poller->alarm_ms)
        set_alarm(poller, due_ms);
    return -1;
}

void poller_turn(struct poller *poller)
{
    struct epoll_event batch[BATCH];
    int timeout_ms = time_to_wait(poller);
    int count = epoll_wait(poller->fd, batch, BATCH, timeout_ms);
    uv_update_time(poller->uv); /* for timers that handlers start */
    poller->now_ms = clock_boot_ms();
    bool uv_is_due = timeout_ms == 0 || count <= 0;
    for (int i = 0; i < count; i++) {
        struct poller_socket *socket = batch[i].data.ptr;
        if (!socket)
            uv_is_due = true;
        else if (socket->fd >= 0)
            socket->on_event(socket, batch[i].events);
    }
    if (!uv_is_due)
        return;
    poller->alarm_ms = NOT_SET; /* it may have been what rang */
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
