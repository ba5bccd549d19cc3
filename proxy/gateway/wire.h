/* One connection's socket, and what still has to be sent through it. The only place of the gateway
 * that reads and writes sockets; whether bytes go through TLS is known here alone, but to those who
 * would go around it (splice(2)). */
#pragma once

#include "proxy/gateway/tls.h"
#include "proxy/poller.h"

#include <stddef.h>
#include <sys/types.h>
#include <sys/uio.h>

#define WIRE_PARTS_MAX 64

struct wire {
    struct poller_socket socket;
    struct tls_session *tls; /* NULL: none */
    /* Whether it is worth a try, as far as we know: edge-triggered. Through TLS `readable` stays
     * until a read found nothing, for the session may hold bytes that no event tells of. */
    bool readable, writable;
    bool hangup;         /* its peer has ended; read on to the end */
    bool broken;         /* reset, or gone both ways */
    bool ended;          /* read to the end */
    bool shaking;        /* TLS: the handshake is not over */
    bool said_goodbye;   /* TLS: our side of it is over */
    bool read_waits_out; /* TLS: a read goes on when the socket is writable */
    bool write_waits_in; /* TLS: a write goes on when it is readable */
    bool is_secret;      /* what is kept is wiped when it was sent, or never will be */
    uint8_t *kept;       /* to be sent */
    size_t kept_start, kept_end, kept_room;
};

/* No socket yet. `on_event` begins with wire_note. */
void wire_init(struct wire *wire, poller_event *on_event, void *data);

/* Takes `fd`, nonblocking; on an error it is closed. */
int wire_open(struct wire *wire, struct poller *poller, int fd);
void wire_note(struct wire *wire, uint32_t events);

/* From now on it speaks TLS: takes `session`, which is for this socket. */
void wire_begin_tls(struct wire *wire, struct tls_session *session);

/* Goes on with the handshake: before it is over nothing is read or sent. As
 * tls_session_handshake. */
int wire_shake(struct wire *wire);

/* Bytes read, 0 at the end, -EAGAIN when there are none for now, or another negative errno. */
ssize_t wire_read(struct wire *wire, void *to, size_t size);

/* Whether nothing was said or ended meanwhile, as far as can be known, on a connection where nobody
 * was asked. After false it is of no use. */
bool wire_is_quiet(struct wire *wire);

/* Adds to what has to be sent, and sends nothing: a head waits for the first bytes of its body. */
void wire_keep(struct wire *wire, const void *data, size_t size);

/* Sends what is kept, then `parts` (at most WIRE_PARTS_MAX); what does not go now is kept. 0, or a
 * negative errno: nothing more will go. */
int wire_send(struct wire *wire, const struct iovec *parts, unsigned count);
int wire_flush(struct wire *wire);

/* Its peer's address is one of this host's. */
bool wire_is_local(const struct wire *wire);

/* All that there will be was sent: the peer sees the end. Again until it returns 0; -EAGAIN. */
int wire_end(struct wire *wire);

static inline bool wire_is_clear(const struct wire *wire)
{
    return wire->kept_start == wire->kept_end;
}

static inline bool wire_is_open(const struct wire *wire)
{
    return wire->socket.fd >= 0;
}

/* With a goodbye over TLS, if it goes at once; `reset`: without, the peer shall not take what came
 * for the whole. */
void wire_close(struct wire *wire, bool reset);
