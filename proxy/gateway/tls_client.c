/* On the good day there is an earlier session with the host, and the server takes it up.
 *
 * What can go wrong is the server's certificate; OpenSSL judges it. A session that a failed
 * handshake was to resume is forgotten, so that the next one starts afresh. */
#include "proxy/gateway/tls_client.h"

#include "base/address.h"
#include "base/clock.h"
#include "base/memory.h"
#include "proxy/gateway/tls_parts.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct earlier {
    struct earlier *next;
    SSL_SESSION *session;
    uint64_t since_ms;
    char host[CA_HOST_SIZE];
};

struct tls_client {
    SSL_CTX *context;
    struct earlier *first; /* the newest */
    size_t count;
};

static int load(X509_STORE *trust, const char *ca_file, struct failure *why)
{
    const char *named = ca_file ? ca_file : getenv(X509_get_default_cert_file_env());
    if (named && X509_STORE_load_file(trust, named) != 1)
        return failure_set(why, -EINVAL, "%.500s: no CA certificates can be read from it%s", named,
            ca_file ? "" : " (SSL_CERT_FILE names it)");
    if (!ca_file && X509_STORE_set_default_paths(trust) != 1)
        return failure_set(why, -EINVAL, "the system's CA certificates cannot be read");
    return 0;
}

int tls_trust_load(const char *ca_file, X509_STORE **ret_trust, struct failure *why)
{
    X509_STORE *trust = X509_STORE_new();
    int status = trust ? load(trust, ca_file, why)
                       : failure_set(why, -ENOMEM, "no memory for CA certificates");
    ERR_clear_error();
    if (status < 0) {
        X509_STORE_free(trust);
        return status;
    }
    /* Whoever names a CA below a root means that one. */
    X509_STORE_set_flags(trust, X509_V_FLAG_PARTIAL_CHAIN);
    *ret_trust = trust;
    return 0;
}

static void free_earlier(struct earlier *earlier)
{
    if (!earlier)
        return;
    SSL_SESSION_free(earlier->session);
    free(earlier);
}

/* Out of the list; NULL when it is not there. */
static struct earlier *take(struct tls_client *client, const char *host)
{
    for (struct earlier **at = &client->first; *at; at = &(*at)->next) {
        struct earlier *earlier = *at;
        if (strcmp(earlier->host, host) == 0) {
            *at = earlier->next;
            client->count--;
            return earlier;
        }
    }
    return NULL;
}

void tls_client_forget(struct tls_client *client, const char *host)
{
    free_earlier(take(client, host));
}

static void drop_last(struct tls_client *client)
{
    struct earlier **at = &client->first;
    while ((*at)->next)
        at = &(*at)->next;
    free_earlier(*at);
    *at = NULL;
    client->count--;
}

/* SSL_CTX_sess_set_new_cb(3): after a verified handshake. A copy is kept and copies are resumed: a
 * connection that ends without a goodbye spoils its own. */
static int on_session(SSL *ssl, SSL_SESSION *session)
{
    const struct tls_session *tls = SSL_get_app_data(ssl);
    struct tls_client *client = tls->client;
    SSL_SESSION *copy = SSL_SESSION_dup(session);
    tls_client_forget(client, tls->host);
    if (!copy)
        return 0;
    if (client->count == TLS_CLIENT_SESSIONS_MAX)
        drop_last(client);
    struct earlier *earlier = memory_new(sizeof *earlier);
    *earlier =
        (struct earlier){.next = client->first, .session = copy, .since_ms = clock_boot_ms()};
    strcpy(earlier->host, tls->host);
    client->first = earlier;
    client->count++;
    return 0; /* OpenSSL keeps its own */
}

int tls_client_new(X509_STORE *trust, struct tls_client **ret_client)
{
    SSL_CTX *context = tls_context_new(TLS_client_method());
    static const unsigned char protocols[] = TLS_PROTOCOL_LIST;
    if (!context || SSL_CTX_set_alpn_protos(context, protocols, sizeof protocols - 1) != 0) {
        SSL_CTX_free(context);
        return -ENOMEM;
    }
    SSL_CTX_set1_cert_store(context, trust);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
    SSL_CTX_sess_set_new_cb(context, on_session);
    struct tls_client *client = memory_new(sizeof *client);
    client->context = context;
    *ret_client = client;
    return 0;
}

void tls_client_free(struct tls_client *client)
{
    if (!client)
        return;
    while (client->count > 0)
        drop_last(client);
    SSL_CTX_free(client->context);
    free(client);
}

/* What the certificate must name, and what the server is told. */
static bool set_host(SSL *ssl, const char *host)
{
    struct address address;
    if (address_parse_ip(host, &address))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return ca_is_host(host) && SSL_set1_host(ssl, host) == 1 &&
           SSL_set_tlsext_host_name(ssl, host) == 1;
}

static struct earlier *find(const struct tls_client *client, const char *host)
{
    struct earlier *earlier = client->first;
    while (earlier && strcmp(earlier->host, host) != 0)
        earlier = earlier->next;
    return earlier;
}

/* Without one, or without memory for it, the handshake is a full one. */
static void resume(const struct tls_client *client, SSL *ssl, const char *host)
{
    const struct earlier *earlier = find(client, host);
    if (!earlier || clock_boot_ms() - earlier->since_ms >= TLS_CLIENT_SESSION_LIFE_MS)
        return;
    SSL_SESSION *copy = SSL_SESSION_dup(earlier->session);
    if (copy)
        SSL_set_session(ssl, copy);
    SSL_SESSION_free(copy);
}

int tls_client_connect(
    struct tls_client *client, int fd, const char *host, struct tls_session **ret_session)
{
    struct tls_session *session;
    int status = tls_session_new(client->context, fd, &session);
    if (status < 0)
        return status;
    session->client = client;
    if (!set_host(session->ssl, host)) {
        tls_session_free(session);
        return -EINVAL;
    }
    resume(client, session->ssl, host);
    snprintf(session->host, sizeof session->host, "%s", host);
    SSL_set_connect_state(session->ssl);
    *ret_session = session;
    return 0;
}
