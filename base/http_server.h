/* A small HTTP/1.1 server for looking in: GET and HEAD, one reply at a time, everything bounded.
 *
 * For monitoring on loopback, not for bulk: a handler answers at once, from memory. Connections,
 * heads, the time for a head and the time for a reply all have limits, so that no peer costs more
 * than HTTP_HEAD_MAX and one reply. */
#pragma once

#include "base/loop.h"

#include <stddef.h>

#define HTTP_HEAD_MAX 8192 /* bytes of a request's line and fields; more: 431 */
#define HTTP_CONNECTIONS_MAX 64
#define HTTP_TIMEOUT_MS 10000 /* to send a head, to be idle, to take some of a reply */

struct http_reply {
    unsigned status;
    const char *content_type; /* outlives the call */
    char *body;               /* the server's to free */
    size_t size;
};

/* `path` is that of the request target, without its query. */
typedef void http_handler(void *context, const char *path, struct http_reply *reply);

struct http_server_options {
    http_handler *handler;
    void *context;
    unsigned connections_max; /* 0: HTTP_CONNECTIONS_MAX */
    unsigned timeout_ms;      /* 0: HTTP_TIMEOUT_MS */
};

struct http_server;

struct http_server *http_server_new(struct loop *loop, const struct http_server_options *options);

/* Serves a bound stream socket, and takes it (closes it on failure too). */
int http_server_listen(struct http_server *server, int fd);

/* Closes everything; `freed` (may be NULL) runs once the last handle is gone. */
void http_server_free(struct http_server *server, loop_call *freed, void *context);
