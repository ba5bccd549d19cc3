/* Two ends of a socket, one of them the gateway's, the other an OpenSSL of the test's own that can
 * be told to misbehave. Nothing waits: both ends take steps in turn. */
#pragma once

#include "proxy/gateway/tls_client.h"
#include "proxy/gateway/tls_server.h"

#include <openssl/ssl.h>

#define ASSETS "shop-assets.s3.eu-west-1.amazonaws.com"
#define DOTTED "shop.logs.s3.amazonaws.com"

extern struct ca *scene_ca;
extern struct tickets scene_tickets;
extern const char *scene_unmanaged; /* a name that is managed no more; NULL: none */

int gateway_tls_begin(void **unused); /* a folder, the CA of ASSETS and DOTTED, ticket keys */
int gateway_tls_end(void **unused);

struct tls_server *scene_server(const struct tickets *tickets);

/* What the test's own client trusts, offers and speaks can be changed. */
SSL_CTX *peer_client_context(void);
/* A server with the leaf of `host`, made by the CA for that time from now, in seconds. */
SSL_CTX *peer_server_context(const char *host, long from_s, long until_s);

struct ends {
    int ours, theirs;
    struct tls_session *session;
    SSL *peer;
    int status;      /* of our handshake */
    int peer_reason; /* of theirs, as in <openssl/sslerr.h>; 0: it went well */
};

/* Connected, and not a byte of TLS has gone. `host` NULL: as below. */
struct ends ends_begin(struct tls_server *server, SSL_CTX *peer, const char *host);

/* Connected and shaken hands as far as it goes. `host` NULL: the peer asks for no name. */
struct ends ends_accept(struct tls_server *server, SSL_CTX *peer, const char *host);
struct ends ends_resume(
    struct tls_server *server, SSL_CTX *peer, const char *host, SSL_SESSION *session);
struct ends ends_connect(struct tls_client *client, SSL_CTX *peer, const char *host);
void ends_close(struct ends *ends); /* without a word */

void ends_open(struct ends *ends);        /* a pair of non-blocking sockets */
void ends_shake_hands(struct ends *ends); /* until nothing moves any more */

/* The peer says this, or has read exactly this. */
void peer_say(struct ends *ends, const char *text);
void assert_peer_reads(struct ends *ends, const char *text);
/* Ours reads exactly this. */
void assert_we_read(struct ends *ends, const char *text);
