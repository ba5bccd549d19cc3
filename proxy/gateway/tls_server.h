/* The TLS side that applications see: a leaf of our CA for each managed name.
 *
 * TLS 1.2 and 1.3; http/1.1 is all it speaks (a client that offers other protocols alone gets
 * no_application_protocol, one that offers none goes on); no name or one that is not managed ends
 * the handshake with unrecognized_name. Sessions are resumed by ticket, on every loop, under the
 * name that they were made for. */
#pragma once

#include "proxy/gateway/ca.h"
#include "proxy/gateway/tickets.h"
#include "proxy/gateway/tls.h"

struct tls_server;

/* Whether this lower-case host name is the gateway's now. Asked at every handshake, resumed ones
 * too, on the loop's thread. */
typedef bool tls_is_managed(void *context, const char *host);

struct tls_server_options {
    const struct ca *ca;           /* of all loops; until the last tls_server_free */
    const struct tickets *tickets; /* likewise of all; copied */
    tls_is_managed *is_managed;
    void *context;
};

/* One a loop. -ENOMEM. */
int tls_server_new(const struct tls_server_options *options, struct tls_server **ret_server);

/* After its sessions. NULL accepted. */
void tls_server_free(struct tls_server *server);

/* A connection that was accepted on `fd`, which is non-blocking. -ENOMEM. */
int tls_server_accept(struct tls_server *server, int fd, struct tls_session **ret_session);
