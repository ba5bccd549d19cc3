/* UDP: the hot path. One socket a thread and address; datagrams are read, answered and sent in
 * batches, without allocation, lock or clock per datagram. */
#pragma once

#include "resolver/engine.h"
#include "resolver/question.h"

#define UDP_BATCH 64
#define UDP_QUERY_MAX 1500 /* a longer question is malformed: it has one name and one OPT */

/* Takes the bound, non-blocking socket. */
int udp_listen(struct engine *engine, int socket);
void udp_serve(struct engine *engine); /* from the first view on */
void udp_stop(struct engine *engine);

/* A late answer, alone. What the socket does not take is dropped and counted: the client asks
 * again. */
void udp_send(const struct origin_udp *origin, const uint8_t *message, size_t size);
