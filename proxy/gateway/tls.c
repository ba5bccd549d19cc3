/* On the good day OpenSSL does as it is told.
 *
 * What can go wrong is told apart here, in one place, from OpenSSL's queue of errors, which belongs
 * to the thread: it is empty before each call and after it. */
#include "proxy/gateway/tls_parts.h"

#include "base/memory.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/x509_vfy.h>
#include <stdlib.h>
#include <uv.h>

/* AES-128 first: as good as the larger one for this, and cheaper. A client without AES in hardware
 * that puts ChaCha20 first gets that. */
#define CIPHERS_TLS13 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define CIPHERS_TLS12 "ECDHE+AESGCM:ECDHE+CHACHA20"
#define GROUPS "X25519:P-256:P-384"

SSL_CTX *tls_context_new(const SSL_METHOD *method)
{
    SSL_CTX *context = SSL_CTX_new(method);
    if (!context)
        return NULL;
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    /* Idle connections hold no buffers. */
    SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
                                  SSL_MODE_RELEASE_BUFFERS);
    SSL_CTX_set_read_ahead(context, 1);
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
        SSL_CTX_set_ciphersuites(context, CIPHERS_TLS13) == 1 &&
        SSL_CTX_set_cipher_list(context, CIPHERS_TLS12) == 1 &&
        SSL_CTX_set1_groups_list(context, GROUPS) == 1)
        return context;
    SSL_CTX_free(context);
    return NULL;
}

int tls_session_new(SSL_CTX *context, int fd, struct tls_session **ret_session)
{
    SSL *ssl = SSL_new(context);
    if (!ssl || SSL_set_fd(ssl, fd) != 1) {
        SSL_free(ssl);
        return -ENOMEM;
    }
    struct tls_session *session = memory_new(sizeof *session);
    session->ssl = ssl;
    SSL_set_app_data(ssl, session);
    *ret_session = session;
    return 0;
}

void tls_session_free(struct tls_session *session)
{
    if (!session)
        return;
    SSL_free(session->ssl);
    free(session);
}

static int fail(struct tls_session *session, int status, const char *words)
{
    session->failed = true;
    session->error = words;
    ERR_clear_error();
    return status;
}

static int fail_by_protocol(struct tls_session *session)
{
    unsigned long error = ERR_peek_error();
    const char *words = ERR_reason_error_string(error);
    if (ERR_GET_REASON(error) == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return fail(session, -ECONNRESET, "the peer closed the connection");
    if (ERR_GET_REASON(error) == SSL_R_CERTIFICATE_VERIFY_FAILED)
        return fail(session, -EKEYREJECTED,
            X509_verify_cert_error_string(SSL_get_verify_result(session->ssl)));
    if (session->error) /* our own words of why we ended it */
        words = session->error;
    return fail(session, -EPROTO, words ? words : "TLS failed");
}

/* What OpenSSL's `result` below 1 means; 0: the peer said goodbye. */
static int status_of(struct tls_session *session, int result)
{
    switch (SSL_get_error(session->ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
        return -EAGAIN;
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    case SSL_ERROR_SYSCALL:
        return fail(session, -ECONNRESET, "the connection broke");
    default:
        return fail_by_protocol(session);
    }
}

int tls_session_handshake(struct tls_session *session)
{
    ERR_clear_error();
    int result = SSL_do_handshake(session->ssl);
    int status = result == 1 ? 0 : status_of(session, result);
    if (result != 1 && status == 0) /* a goodbye instead of a handshake */
        status = fail(session, -ECONNRESET, "the peer closed the connection");
    if (status < 0 && status != -EAGAIN && session->client)
        tls_client_forget(session->client, session->host);
    return status;
}

ssize_t tls_session_read(struct tls_session *session, void *data, size_t room)
{
    size_t got;
    ERR_clear_error();
    int result = SSL_read_ex(session->ssl, data, room, &got);
    return result == 1 ? (ssize_t)got : status_of(session, result);
}

ssize_t tls_session_write(struct tls_session *session, const void *data, size_t size)
{
    size_t taken;
    ERR_clear_error();
    int result = SSL_write_ex(session->ssl, data, size, &taken);
    if (result == 1)
        return (ssize_t)taken;
    int status = status_of(session, result);
    return status == 0 ? fail(session, -ECONNRESET, "the session is over") : status;
}

int tls_session_shutdown(struct tls_session *session)
{
    if (session->failed || SSL_in_init(session->ssl))
        return fail(session, -ECONNRESET, session->error ? session->error : "there is no session");
    ERR_clear_error();
    int result = SSL_shutdown(session->ssl);
    return result >= 0 ? 0 : status_of(session, result);
}

int tls_session_wants(const struct tls_session *session)
{
    return SSL_want_write(session->ssl) ? UV_WRITABLE : UV_READABLE;
}

bool tls_session_pending(const struct tls_session *session)
{
    return SSL_has_pending(session->ssl) == 1;
}

const char *tls_session_host(const struct tls_session *session)
{
    return session->host;
}

bool tls_session_is_resumed(const struct tls_session *session)
{
    return SSL_session_reused(session->ssl) == 1;
}

const char *tls_session_error(const struct tls_session *session)
{
    return session->error ? session->error : "";
}
