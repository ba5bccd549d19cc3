/* A client's connection: its requests are served one after the other, in order. */
#pragma once

#include "base/address.h"
#include "proxy/gateway/intake.h"

enum session_state {
    SESSION_HEAD,     /* shakes hands, waits for a request's head, or reads it */
    SESSION_EXCHANGE, /* a request is being served */
    SESSION_LINGER,   /* answered for the last time; what still comes is thrown away */
    SESSION_DEAD
};

struct exchange;
struct gateway_worker;

struct session {
    struct gateway_worker *worker;
    struct session *next, *previous; /* of the loop's; or among the dead */
    enum session_state state;
    uint64_t since_ms; /* boot clock: in this state; in SESSION_HEAD since its first byte */
    struct wire client;
    struct intake intake;
    struct exchange *exchange; /* in SESSION_EXCHANGE */
    uint64_t served;           /* exchanges that have ended */
    bool running;              /* requests are being read: those at hand follow by themselves */
};

/* Takes fd, of a client that speaks TLS or not. */
void session_accept(struct gateway_worker *worker, int fd, bool is_tls);

/* The exchange has ended: the next request, or (`closes`) the end, once the client has had time to
 * read. */
void session_exchange_ended(struct session *session, bool closes);

/* At once. `reset`: what the client got is not whole. */
void session_close(struct session *session, bool reset);

void session_expire(struct session *session, uint64_t now_ms);
void session_free_dead(struct gateway_worker *worker);
