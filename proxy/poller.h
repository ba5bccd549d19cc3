/* The sockets of relayed connections: an edge-triggered epoll set, with libuv's own within it.
 *
 * Each socket is registered once for its life and tells when it becomes readable or writable; no
 * epoll_ctl per message, and closing it is enough to leave. uv_poll would cost three more system
 * calls a socket and two for every change of interest, and a set within libuv's a second
 * epoll_wait for every batch. So the thread waits here, and libuv has its turn when it has
 * something to do (uv_backend_fd, uv_backend_timeout). */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct poller_socket;

/* `events`: EPOLLIN, EPOLLPRI, EPOLLOUT, EPOLLRDHUP, EPOLLERR, EPOLLHUP. */
typedef void poller_event(struct poller_socket *socket, uint32_t events);

struct poller_socket {
    int fd; /* -1: none, and then its events are dropped */
    poller_event *on_event;
    void *data; /* the owner's */
};

struct poller {
    int fd;
    int alarm_fd;      /* timerfd_create(2), for libuv's timers */
    uint64_t alarm_ms; /* of libuv's clock, when it rings */
    uint64_t now_ms;   /* boot clock, when this turn's events came */
    uv_loop_t *uv;
};

int poller_init(struct poller *poller, uv_loop_t *uv);
void poller_fini(struct poller *poller); /* before libuv's loop is closed */

/* Waits until something happens, and tells of it: sockets first, then libuv's callbacks. */
void poller_turn(struct poller *poller);

/* Borrows `socket` until its descriptor is closed. Its memory must stay until the turn is over:
 * later events of the same batch may name it. */
int poller_add(struct poller *poller, struct poller_socket *socket);

/* Tells again what is true of a socket now: for one that was left before it was drained. */
void poller_rearm(struct poller *poller, struct poller_socket *socket);
