/* The TLS side that S3 sees: always verified.
 *
 * The certificate must lead to a CA that is trusted, and name the host that was asked for. Earlier
 * sessions with the same host are resumed for an hour, so that a change of trust is felt. */
#pragma once

#include "base/failure.h"
#include "proxy/gateway/tls.h"

#include <openssl/x509_vfy.h>

#define TLS_CLIENT_SESSIONS_MAX 64 /* hosts whose last session is kept */
#define TLS_CLIENT_SESSION_LIFE_MS (60u * 60 * 1000)

struct tls_client;

/* Whom to trust: the CAs of `ca_file`, or with NULL the system's (SSL_CERT_FILE and SSL_CERT_DIR
 * are honoured). It takes a while and some memory: once, for all loops. The caller's, to be given
 * to X509_STORE_free. -EINVAL with words: a file that cannot be read or has no CA in it. */
int tls_trust_load(const char *ca_file, X509_STORE **ret_trust, struct failure *why);

/* One a loop; keeps a reference to the trust. -ENOMEM. */
int tls_client_new(X509_STORE *trust, struct tls_client **ret_client);

/* After its sessions. NULL accepted. */
void tls_client_free(struct tls_client *client);

/* A connection to `host` (a lower-case host name or an IP address), made or being made on `fd`,
 * which is non-blocking. -EINVAL: no such name, -ENOMEM. */
int tls_client_connect(
    struct tls_client *client, int fd, const char *host, struct tls_session **ret_session);
