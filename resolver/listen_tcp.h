/* DNS over TCP (RFC 7766): pipelined questions, answers in any order, bounded in everything. */
#pragma once

#include "resolver/engine.h"

#define TCP_CONNECTIONS_MAX 256 /* a thread; beyond it the one idle for longest makes room */
#define TCP_QUERY_MAX 4096      /* a longer question is malformed; its connection is closed */
#define TCP_PENDING_MAX 32      /* questions of one connection that wait at once */
#define TCP_UNSENT_MAX 65536    /* bytes that a client does not take before we stop to read */
#define TCP_UNSENT_CLOSE (4 * TCP_UNSENT_MAX) /* late answers included: then it is closed */
#define TCP_IDLE_MS 10000 /* without a whole question (drip feed counts as idle) */

struct tcp_connection;

/* Takes the bound, listening, non-blocking socket. */
int tcp_listen(struct engine *engine, int socket);
void tcp_serve(struct engine *engine); /* from the first view on */
void tcp_stop(struct engine *engine);

/* A late answer. */
void tcp_send(struct tcp_connection *connection, const uint8_t *message, size_t size);

/* A new view is in force: connections with unsent answers of the old one are cut. */
void tcp_take_view(struct engine *engine);
