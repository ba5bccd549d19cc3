/* On the good day everything goes at once, in one system call.
 *
 * What can go wrong: the peer is slow, and what does not go is kept; through TLS, reading may wait
 * for the socket to be writable, and writing for it to be readable. */
#include "proxy/gateway/wire.h"

#include "base/address.h"
#include "base/memory.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define RECORD (16u << 10)      /* what TLS sends at once (RFC 8446 section 5.1) */
#define TOGETHER_MAX (4u << 10) /* bytes that are copied to what is kept, and go with it */
#define KEPT_BETWEEN (8u << 10) /* bytes of buffer that stay while there is nothing to send */

void wire_init(struct wire *wire, poller_event *on_event, void *data)
{
    *wire = (struct wire){.socket = {.fd = -1, .on_event = on_event, .data = data}};
}

int wire_open(struct wire *wire, struct poller *poller, int fd)
{
    wire->socket.fd = fd;
    wire->readable = wire->writable = wire->hangup = wire->broken = wire->ended = false;
    wire->shaking = wire->said_goodbye = wire->read_waits_out = wire->write_waits_in = false;
    int status = poller_add(poller, &wire->socket);
    if (status < 0)
        wire_close(wire, false);
    return status;
}

void wire_note(struct wire *wire, uint32_t events)
{
    bool over = events & (EPOLLERR | EPOLLHUP);
    wire->broken |= over;
    bool in = over || events & (EPOLLIN | EPOLLRDHUP), out = over || events & EPOLLOUT;
    wire->readable |= in || (out && wire->read_waits_out);
    wire->writable |= out || (in && wire->write_waits_in);
    wire->read_waits_out &= !out;
    wire->write_waits_in &= !in;
    wire->hangup |= over || events & EPOLLRDHUP;
}

void wire_begin_tls(struct wire *wire, struct tls_session *session)
{
    wire->tls = session;
    wire->shaking = true;
}

/* A read through TLS found nothing. */
static void await_read(struct wire *wire)
{
    wire->readable = false;
    wire->read_waits_out = tls_session_wants(wire->tls) == UV_WRITABLE;
}

int wire_shake(struct wire *wire)
{
    int status = tls_session_handshake(wire->tls);
    wire->shaking = status == -EAGAIN;
    if (status == -EAGAIN)
        await_read(wire);
    else
        wire->readable = true; /* its last step may have read what came behind it */
    return status;
}

/* A record is 16 KiB at most, and there is room for several. What ends it is told after what came
 * before. */
static ssize_t read_tls(struct wire *wire, uint8_t *to, size_t size)
{
    size_t total = 0;
    ssize_t got;
    do {
        got = tls_session_read(wire->tls, to + total, size - total);
        total += got > 0 ? (size_t)got : 0;
    } while (got > 0 && total < size);
    if (got == -EAGAIN)
        await_read(wire);
    if (total > 0)
        return (ssize_t)total;
    wire->ended |= got != -EAGAIN;
    return got;
}

ssize_t wire_read(struct wire *wire, void *to, size_t size)
{
    if (!wire->readable)
        return -EAGAIN;
    if (wire->tls)
        return read_tls(wire, to, size);
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

bool wire_is_quiet(struct wire *wire)
{
    char byte;
    if (wire->tls)
        return tls_session_read(wire->tls, &byte, 1) == -EAGAIN;
    return recv(wire->socket.fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN;
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
    while (room < size + more) /* no more than it takes: many may wait at once */
        room += room < KEPT_BETWEEN ? room : KEPT_BETWEEN;
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

static void wipe(struct wire *wire)
{
    if (wire->is_secret && wire->kept)
        OPENSSL_cleanse(wire->kept, wire->kept_room);
    wire->is_secret = false;
}

static void drop_kept(struct wire *wire)
{
    wipe(wire);
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

/* One record's worth, or -EAGAIN; then the same bytes must come first again. */
static ssize_t write_record(struct wire *wire, const uint8_t *data, size_t size)
{
    ssize_t taken = wire->writable
                        ? tls_session_write(wire->tls, data, size < RECORD ? size : RECORD)
                        : -EAGAIN;
    if (taken == -EAGAIN && wire->writable) {
        wire->writable = false;
        wire->write_waits_in = tls_session_wants(wire->tls) == UV_READABLE;
    }
    return taken;
}

/* What is kept, as long as there is at least `least` of it. */
static int write_kept(struct wire *wire, size_t least)
{
    ssize_t taken = 0;
    while (taken >= 0 && wire->kept_end - wire->kept_start >= least && !wire_is_clear(wire)) {
        taken =
            write_record(wire, wire->kept + wire->kept_start, wire->kept_end - wire->kept_start);
        wire->kept_start += taken > 0 ? (size_t)taken : 0;
    }
    return taken < 0 && taken != -EAGAIN ? (int)taken : 0;
}

/* Small parts are put together, for each record has its price; whole records are written from
 * where they are. */
static int write_part(struct wire *wire, const uint8_t *data, size_t size)
{
    size_t kept = wire->kept_end - wire->kept_start;
    size_t first = kept < RECORD ? RECORD - kept : 0;
    ssize_t taken = 0;
    if (kept > 0) {
        first = first < size ? first : size;
        wire_keep(wire, data, first);
        data += first;
        size -= first;
        int status = write_kept(wire, RECORD);
        if (status < 0)
            return status;
    }
    while (wire_is_clear(wire) && size >= RECORD && taken >= 0) {
        taken = write_record(wire, data, size);
        data += taken > 0 ? taken : 0;
        size -= taken > 0 ? (size_t)taken : 0;
    }
    if (taken < 0 && taken != -EAGAIN)
        return (int)taken;
    wire_keep(wire, data, size);
    return 0;
}

static int send_tls(struct wire *wire, const struct iovec *parts, unsigned count)
{
    int status = 0;
    for (unsigned i = 0; i < count && status == 0; i++)
        status = write_part(wire, parts[i].iov_base, parts[i].iov_len);
    if (status == 0)
        status = write_kept(wire, 1);
    if (wire_is_clear(wire))
        drop_kept(wire);
    return status;
}

int wire_send(struct wire *wire, const struct iovec *parts, unsigned count)
{
    if (wire->tls)
        return send_tls(wire, parts, count);
    struct iovec all[WIRE_PARTS_MAX + 1];
    unsigned used = 0;
    size_t size = 0;
    if (count == 1 && !wire_is_clear(wire) && parts->iov_len <= TOGETHER_MAX) {
        wire_keep(wire, parts->iov_base, parts->iov_len); /* cheaper than two parts */
        count = 0;
    }
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

int wire_end(struct wire *wire)
{
    if (wire->said_goodbye)
        return 0;
    int status = wire->tls ? tls_session_shutdown(wire->tls) : 0;
    if (status == -EAGAIN) {
        wire->writable = false;
        return status;
    }
    wire->said_goodbye = true;
    shutdown(wire->socket.fd, SHUT_WR);
    return 0;
}

static void close_tls(struct wire *wire, bool reset)
{
    if (wire->tls && !reset && !wire->shaking && !wire->said_goodbye)
        tls_session_shutdown(wire->tls);
    tls_session_free(wire->tls);
    wire->tls = NULL;
    wire->shaking = false;
}

bool wire_is_local(const struct wire *wire)
{
    struct address peer, own;
    socklen_t peer_size = sizeof peer, own_size = sizeof own;
    if (getpeername(wire->socket.fd, &peer.any, &peer_size) < 0 ||
        getsockname(wire->socket.fd, &own.any, &own_size) < 0)
        return false;
    return address_is_loopback(&peer) || address_same_ip(&peer, &own);
}

void wire_close(struct wire *wire, bool reset)
{
    close_tls(wire, reset);
    wipe(wire);
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
