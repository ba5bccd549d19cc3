#include "proxy/gateway/wire.h"

#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEPT_BETWEEN (8u << 10) /* bytes of buffer that stay while there is nothing to send */

void wire_init(struct wire *wire, poller_event *on_event, void *data)
{
    *wire = (struct wire){.socket = {.fd = -1, .on_event = on_event, .data = data}};
}

int wire_open(struct wire *wire, struct poller *poller, int fd)
{
    wire->socket.fd = fd;
    wire->readable = wire->writable = wire->hangup = wire->broken = wire->ended = false;
    int status = poller_add(poller, &wire->socket);
    if (status < 0)
        wire_close(wire, false);
    return status;
}

void wire_note(struct wire *wire, uint32_t events)
{
    bool over = events & (EPOLLERR | EPOLLHUP);
    wire->broken |= over;
    wire->readable |= over || events & (EPOLLIN | EPOLLRDHUP);
    wire->writable |= over || events & EPOLLOUT;
    wire->hangup |= over || events & EPOLLRDHUP;
}

ssize_t wire_read(struct wire *wire, void *to, size_t size)
{
    if (!wire->readable)
        return -EAGAIN;
    ssize_t got;
    do
        got = recv(wire->socket.fd, to, size, 0);
    while (got < 0 && errno == EINTR);
    if (got < 0 && errno != EAGAIN)
        return -errno;
    wire->ended |= got == 0;
    if (got < 0 || (got < (ssize_t)size && !wire->hangup))
        wire->readable = false; /* drained: the next byte is a new event */
    return got < 0 ? -EAGAIN : got;
}

static void make_room(struct wire *wire, size_t more)
{
    size_t size = wire->kept_end - wire->kept_start;
    if (wire->kept_end + more <= wire->kept_room)
        return;
    if (wire->kept_start > 0)
        memmove(wire->kept, wire->kept + wire->kept_start, size);
    wire->kept_start = 0;
    wire->kept_end = size;
    if (size + more <= wire->kept_room)
        return;
    size_t room = wire->kept_room ? wire->kept_room : 1024;
    while (room < size + more)
        room *= 2;
    wire->kept = memory_resize(wire->kept, room, 1);
    wire->kept_room = room;
}

void wire_keep(struct wire *wire, const void *data, size_t size)
{
    if (size == 0)
        return;
    make_room(wire, size);
    memcpy(wire->kept + wire->kept_end, data, size);
    wire->kept_end += size;
}

static void drop_kept(struct wire *wire)
{
    wire->kept_start = wire->kept_end = 0;
    if (wire->kept_room <= KEPT_BETWEEN)
        return;
    free(wire->kept);
    wire->kept = NULL;
    wire->kept_room = 0;
}

/* What was sent goes off what was kept first, then off the parts; what is left is kept. */
static void keep_rest(struct wire *wire, const struct iovec *parts, unsigned count, size_t sent)
{
    size_t kept = wire->kept_end - wire->kept_start;
    size_t off_kept = sent < kept ? sent : kept;
    wire->kept_start += off_kept;
    sent -= off_kept;
    for (unsigned i = 0; i < count; i++) {
        size_t gone = sent < parts[i].iov_len ? sent : parts[i].iov_len;
        wire_keep(wire, (const uint8_t *)parts[i].iov_base + gone, parts[i].iov_len - gone);
        sent -= gone;
    }
    if (wire_is_clear(wire))
        drop_kept(wire);
}

/* As much as goes now; a negative errno, -EAGAIN among them. */
static ssize_t send_parts(struct wire *wire, struct iovec *parts, unsigned count)
{
    struct msghdr message = {.msg_iov = parts, .msg_iovlen = count};
    ssize_t sent;
    do
        sent = count == 1 ? send(wire->socket.fd, parts->iov_base, parts->iov_len, MSG_NOSIGNAL)
                          : sendmsg(wire->socket.fd, &message, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : sent;
}

int wire_send(struct wire *wire, const struct iovec *parts, unsigned count)
{
    struct iovec all[WIRE_PARTS_MAX + 1];
    unsigned used = 0;
    size_t size = 0;
    if (!wire_is_clear(wire))
        all[used++] =
            (struct iovec){wire->kept + wire->kept_start, wire->kept_end - wire->kept_start};
    for (unsigned i = 0; i < count; i++)
        all[used++] = parts[i];
    for (unsigned i = 0; i < used; i++)
        size += all[i].iov_len;
    if (size == 0)
        return 0;
    ssize_t sent = wire->writable ? send_parts(wire, all, used) : -EAGAIN;
    if (sent < 0 && sent != -EAGAIN)
        return (int)sent;
    wire->writable = sent == (ssize_t)size;
    keep_rest(wire, parts, count, sent < 0 ? 0 : (size_t)sent);
    return 0;
}

int wire_flush(struct wire *wire)
{
    return wire_send(wire, NULL, 0);
}

void wire_close(struct wire *wire, bool reset)
{
    free(wire->kept);
    wire->kept = NULL;
    wire->kept_start = wire->kept_end = wire->kept_room = 0;
    if (!wire_is_open(wire))
        return;
    if (reset)
        setsockopt(wire->socket.fd, SOL_SOCKET, SO_LINGER, &(struct linger){.l_onoff = 1},
            sizeof(struct linger));
    close(wire->socket.fd);
    wire->socket.fd = -1;
}
