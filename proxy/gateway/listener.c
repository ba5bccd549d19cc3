/* Listeners: in come clients, a bounded number an event, so that a flood leaves time for those who
 * are served. When the machine has no descriptors left, the kernel's backlog keeps the clients
 * until a later tick. */
#include "base/log.h"
#include "proxy/gateway/gateway_parts.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#define ACCEPTS_MAX 32 /* of one event */

static bool is_shortage(int error)
{
    return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void accept_some(struct gateway_listener *listener)
{
    struct gateway_worker *worker = listener->worker;
    for (unsigned i = 0; i < ACCEPTS_MAX; i++) {
        int fd = accept4(listener->socket.fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
            session_accept(worker, fd, listener->is_tls);
        } else if (errno == EAGAIN) {
            return;
        } else if (is_shortage(errno)) {
            log_warning("accept_failed", LOG_ERROR(-errno),
                LOG_TEXT("what", "the gateway's clients wait in the kernel's backlog"));
            worker->accept_again = true;
            return;
        } /* else: this one client is gone (accept(2), "Error handling") */
    }
    poller_rearm(&worker->poller, &listener->socket);
}

static void on_event(struct poller_socket *socket, uint32_t events)
{
    struct gateway_listener *listener = socket->data;
    (void)events;
    if (listener->worker->view)
        accept_some(listener);
}

int gateway_listener_open(struct gateway_worker *worker, int fd, bool is_tls)
{
    struct gateway_listener *listener = &worker->listeners[worker->listener_count++];
    *listener = (struct gateway_listener){.worker = worker,
        .is_tls = is_tls,
        .socket = {.fd = fd, .on_event = on_event, .data = listener}};
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)); /* inherited */
    return poller_add(&worker->poller, &listener->socket);
}

void gateway_listener_resume(struct gateway_worker *worker)
{
    worker->accept_again = false;
    for (size_t i = 0; i < worker->listener_count; i++) {
        if (worker->listeners[i].socket.fd >= 0)
            poller_rearm(&worker->poller, &worker->listeners[i].socket);
    }
}

static void close_listener(struct gateway_listener *listener)
{
    if (listener->socket.fd >= 0)
        close(listener->socket.fd);
    listener->socket.fd = -1;
}

void gateway_listener_close_tls(struct gateway_worker *worker)
{
    for (size_t i = 0; i < worker->listener_count; i++) {
        if (worker->listeners[i].is_tls)
            close_listener(&worker->listeners[i]);
    }
}

void gateway_listener_close(struct gateway_worker *worker)
{
    for (size_t i = 0; i < worker->listener_count; i++)
        close_listener(&worker->listeners[i]);
    worker->listener_count = 0;
}
