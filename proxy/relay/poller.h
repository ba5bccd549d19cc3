/* An edge-triggered epoll set within a libuv loop, for the sockets of relayed connections.
 *
 * Each socket is registered once for its life and tells when it becomes readable or writable; no
 * epoll_ctl per message, and closing it is enough to leave. uv_poll would cost three more system
 * calls a socket and two for every change of interest. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <uv.h>

struct poller_socket;

/* `events`: EPOLLIN, EPOLLOUT, EPOLLRDHUP, EPOLLERR, EPOLLHUP. */
typedef void poller_event(struct poller_socket *socket, uint32_t events);

struct poller_socket {
    int fd; /* -1: none, and then its events are dropped */
    poller_event *on_event;
    void *data; /* the owner's */
};

struct poller {
    int fd;
    uv_poll_t poll;
};

int poller_init(struct poller *poller, uv_loop_t *loop);
void poller_fini(struct poller *poller); /* the uv handle closes in a later turn of the loop */

/* Borrows `socket` until its descriptor is closed. Its memory must stay until the loop's check
 * phase after that: events of the same batch may name it. */
int poller_add(struct poller *poller, struct poller_socket *socket);

/* Tells again what is true of a socket now: for one that was left before it was drained. */
void poller_rearm(struct poller *poller, struct poller_socket *socket);
