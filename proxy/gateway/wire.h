/* One connection's socket, and what still has to be sent through it. The only place of the gateway
 * that reads and writes sockets, so that TLS finds its place here alone. */
#pragma once

#include "proxy/poller.h"

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#define WIRE_PARTS_MAX 64

struct wire {
    struct poller_socket socket;
    bool readable, writable; /* as far as we know: edge-triggered */
    bool hangup;             /* its peer has ended; read on to the end */
    bool broken;             /* reset, or gone both ways */
    bool ended;              /* read to the end */
    uint8_t *kept;           /* to be sent */
    size_t kept_start, kept_end, kept_room;
};

/* No socket yet. `on_event` begins with wire_note. */
void wire_init(struct wire *wire, poller_event *on_event, void *data);

/* Takes `fd`, nonblocking; on an error it is closed. */
int wire_open(struct wire *wire, struct poller *poller, int fd);
void wire_note(struct wire *wire, uint32_t events);

/* Bytes read, 0 at the end, -EAGAIN when there are none for now, or another negative errno. */
ssize_t wire_read(struct wire *wire, void *to, size_t size);

/* Adds to what has to be sent, and sends nothing: a head waits for the first bytes of its body. */
void wire_keep(struct wire *wire, const void *data, size_t size);

/* Sends what is kept, then `parts` (at most WIRE_PARTS_MAX); what does not go now is kept. 0, or a
 * negative errno: nothing more will go. */
int wire_send(struct wire *wire, const struct iovec *parts, unsigned count);
int wire_flush(struct wire *wire);

static inline bool wire_is_clear(const struct wire *wire)
{
    return wire->kept_start == wire->kept_end;
}

static inline bool wire_is_open(const struct wire *wire)
{
    return wire->socket.fd >= 0;
}

/* `reset`: the peer shall not take what came for the whole. */
void wire_close(struct wire *wire, bool reset);
