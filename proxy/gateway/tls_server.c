/* On the good day a ClientHello asks for a managed name, and gets its leaf.
 *
 * What can go wrong: another name or none, no protocol in common. The peer is told by an alert, and
 * the session says why. Everything that is decided here is decided before OpenSSL looks for an
 * earlier session, so that a ticket opens no other door than the one it was given at. */
#include "proxy/gateway/tls_server.h"

#include "base/clock.h"
#include "base/memory.h"
#include "proxy/gateway/leaf.h"
#include "proxy/gateway/sni.h"
#include "proxy/gateway/tls_parts.h"

#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <stdlib.h>
#include <string.h>

struct tls_server {
    SSL_CTX *context;
    struct leaf_cache *leaves;
    struct tickets tickets;
    EVP_CIPHER *ticket_cipher; /* fetched once: that costs more than using it */
    tls_is_managed *is_managed;
    void *managed_context;
};

static struct tls_server *server_of(SSL *ssl)
{
    return SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
}

static bool read_host(SSL *ssl, char ret_host[CA_HOST_SIZE])
{
    const unsigned char *data;
    size_t size;
    return SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &data, &size) == 1 &&
           sni_read(span_of(data, size), ret_host);
}

/* RFC 6066 section 3: a session is resumed under its own name alone. */
static bool bind_to_host(SSL *ssl, const char *host)
{
    uint8_t digest[SHA256_DIGEST_LENGTH];
    return SHA256((const uint8_t *)host, strlen(host), digest) &&
           SSL_set_session_id_context(ssl, digest, SSL_MAX_SID_CTX_LENGTH) == 1;
}

static int on_client_hello(SSL *ssl, int *alert, void *context)
{
    struct tls_server *server = context;
    struct tls_session *session = SSL_get_app_data(ssl);
    X509 *leaf;
    *alert = SSL_AD_UNRECOGNIZED_NAME;
    session->error = "the client asks for no name, or for none of ours";
    if (!read_host(ssl, session->host)) {
        session->host[0] = '\0';
        return SSL_CLIENT_HELLO_ERROR;
    }
    if (!server->is_managed(server->managed_context, session->host))
        return SSL_CLIENT_HELLO_ERROR;
    *alert = SSL_AD_INTERNAL_ERROR;
    session->error = "no certificate could be made";
    if (!bind_to_host(ssl, session->host) ||
        leaf_cache_get(server->leaves, session->host, time(NULL), &leaf) < 0 ||
        SSL_use_cert_and_key(ssl, leaf, leaf_cache_key(server->leaves), NULL, 1) != 1)
        return SSL_CLIENT_HELLO_ERROR;
    session->error = NULL;
    return SSL_CLIENT_HELLO_SUCCESS;
}

static int on_protocols(SSL *ssl, const unsigned char **ret, unsigned char *ret_size,
    const unsigned char *offered, unsigned size, void *unused)
{
    (void)unused;
    struct tls_session *session = SSL_get_app_data(ssl);
    static const unsigned char ours[] = TLS_PROTOCOL_LIST;
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, ret_size, ours, sizeof ours - 1, offered, size) ==
        OPENSSL_NPN_NEGOTIATED) {
        *ret = chosen;
        return SSL_TLSEXT_ERR_OK;
    }
    session->error = "the client does not offer " TLS_PROTOCOL;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static bool use_key(const struct tls_server *server, const struct ticket_key *key, uint8_t *iv,
    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int is_new)
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)key->mac, sizeof key->mac),
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end()};
    return EVP_CipherInit_ex2(cipher, server->ticket_cipher, key->cipher, iv, is_new, NULL) == 1 &&
           EVP_MAC_CTX_set_params(mac, params) == 1;
}

/* SSL_CTX_set_tlsext_ticket_key_evp_cb(3). */
static int on_ticket(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
    EVP_MAC_CTX *mac, int is_new)
{
    struct tls_server *server = server_of(ssl);
    uint64_t now_ms = clock_boot_ms();
    int is_old = 0;
    const struct ticket_key *key = is_new ? tickets_newest(&server->tickets, now_ms)
                                          : tickets_find(&server->tickets, now_ms, name, &is_old);
    if (!key)
        return 0;
    if (is_new) {
        memcpy(name, key->name, sizeof key->name);
        if (RAND_bytes(iv, EVP_CIPHER_get_iv_length(server->ticket_cipher)) != 1)
            return -1;
    }
    if (!use_key(server, key, iv, cipher, mac, is_new))
        return -1;
    return is_old ? 2 : 1;
}

static void configure(struct tls_server *server)
{
    SSL_CTX *context = server->context;
    SSL_CTX_set_app_data(context, server);
    SSL_CTX_set_client_hello_cb(context, on_client_hello, server);
    SSL_CTX_set_alpn_select_cb(context, on_protocols, NULL);
    /* All of a session is in its ticket, one of which will do. */
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_tlsext_ticket_key_evp_cb(context, on_ticket);
    SSL_CTX_set_timeout(context, TICKETS_LIFE_S);
    SSL_CTX_set_num_tickets(context, 1);
}

int tls_server_new(const struct tls_server_options *options, struct tls_server **ret_server)
{
    struct tls_server *server = memory_new(sizeof *server);
    server->context = tls_context_new(TLS_server_method());
    server->leaves = leaf_cache_new(options->ca, LEAF_CACHE_MAX);
    server->tickets = *options->tickets;
    server->ticket_cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
    server->is_managed = options->is_managed;
    server->managed_context = options->context;
    if (!server->context || !server->leaves || !server->ticket_cipher) {
        tls_server_free(server);
        return -ENOMEM;
    }
    configure(server);
    *ret_server = server;
    return 0;
}

void tls_server_free(struct tls_server *server)
{
    if (!server)
        return;
    SSL_CTX_free(server->context);
    leaf_cache_free(server->leaves);
    EVP_CIPHER_free(server->ticket_cipher);
    tickets_wipe(&server->tickets);
    free(server);
}

int tls_server_accept(struct tls_server *server, int fd, struct tls_session **ret_session)
{
    int status = tls_session_new(server->context, fd, ret_session);
    if (status == 0)
        SSL_set_accept_state((*ret_session)->ssl);
    return status;
}
