/* Upstreams that a test plays itself, on loopback and line by line: hear a question, say something,
 * let time pass.
 *
 * The clock of the loops stands still until the test moves it, so that a timeout is reached to the
 * millisecond and takes no time. What has to come through a socket is waited for, up to a deadline
 * of the real clock. */
#pragma once

#include "resolver/engine.h"
#include "tests/unit/dns_message.h"

/* UDP and TCP at one address of its own. */
struct played {
    uv_loop_t *loop; /* of those who ask */
    struct address address;
    int datagrams, listener; /* -1: closed, so that the host refuses in its name */
    int connection;          /* the last one taken; -1: none */
    struct address asker;    /* who sent the datagram that was heard last */
    struct message heard;    /* the last question, over UDP or TCP */
};

void played_open(struct played *played, uv_loop_t *loop);
void played_close(struct played *played);
void close_socket(int *socket); /* and sets it to -1 */

/* Moves the clock and runs whatever is due then. */
void time_passes(uv_loop_t *loop, uint64_t ms);

/* Runs the loop until nothing is left that can be done at this time. */
void settle(uv_loop_t *loop);

/* Runs the loop until `*count` is at least `wanted`, until the socket has something to read. */
void runs_until(uv_loop_t *loop, const counter *count, uint64_t wanted);
void wait_readable(uv_loop_t *loop, int socket);

/* The next datagram; what is there already counts. */
void hears(struct played *played);
bool hears_nothing(struct played *played);                       /* settles first */
void says(struct played *played, const struct message *message); /* to who was heard last */

/* The next connection, in place of the one before. */
void takes_connection(struct played *played);
bool is_connected_to(struct played *played); /* a connection waits to be taken; settles first */
void hears_framed(struct played *played);    /* the next message on it */
void sends(struct played *played, const void *data, size_t size);
void says_framed(struct played *played, const struct message *message);
/* The other side has closed the connection, with nothing left to read on it. */
void hears_the_end(struct played *played);

/* Header and question of an answer to what was heard. */
void reply_start(struct message *reply, const struct played *played, uint16_t flags);
/* All of an answer: one A record. */
void reply_a(struct message *reply, const struct played *played, uint32_t address);
