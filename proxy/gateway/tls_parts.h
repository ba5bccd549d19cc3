/* What tls.c, tls_server.c and tls_client.c share. */
#pragma once

#include "proxy/gateway/ca.h"
#include "proxy/gateway/tls.h"

#include <openssl/ssl.h>

#define TLS_PROTOCOL "http/1.1"               /* the only one here, and its form on the wire: */
#define TLS_PROTOCOL_LIST "\x08" TLS_PROTOCOL /* RFC 7301 section 3.1 */

struct tls_client;

struct tls_session {
    SSL *ssl;
    struct tls_client *client; /* NULL: the server's side */
    char host[CA_HOST_SIZE];
    const char *error; /* static words; NULL: none */
    bool failed;
};

/* What both sides want of OpenSSL. NULL: no memory. */
SSL_CTX *tls_context_new(const SSL_METHOD *method);

/* -ENOMEM. */
int tls_session_new(SSL_CTX *context, int fd, struct tls_session **ret_session);

/* tls_client.c: an earlier session with this host was of no use. */
void tls_client_forget(struct tls_client *client, const char *host);
