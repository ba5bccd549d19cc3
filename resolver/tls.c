#include "resolver/tls.h"

#include "base/address.h"
#include "base/memory.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define WAITING_MAX 65536 /* plain bytes kept until the handshake is done */

struct tls {
    SSL *ssl; /* owns both BIOs */
    BIO *in, *out;
    uint8_t *waiting;
    size_t waiting_size;
    bool ready;
};

static SSL_CTX *context; /* made once, by the first TLS upstream that is asked; never changed */
static pthread_once_t context_once = PTHREAD_ONCE_INIT;

static void make_context(void)
{
    context = SSL_CTX_new(TLS_client_method());
    if (!context)
        return;
    SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION);
    SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_default_verify_paths(context);
}

static bool set_peer(SSL *ssl, const char *name)
{
    struct address address;
    if (address_parse_ip(name, &address))
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name) == 1;
    return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

void tls_prepare(void)
{
    pthread_once(&context_once, make_context);
}

int tls_new(const char *name, struct tls **ret_tls)
{
    tls_prepare();
    struct tls *tls = memory_new(sizeof *tls);
    tls->ssl = context ? SSL_new(context) : NULL;
    tls->in = BIO_new(BIO_s_mem());
    tls->out = BIO_new(BIO_s_mem());
    if (!tls->ssl || !tls->in || !tls->out || !set_peer(tls->ssl, name)) {
        BIO_free(tls->in);
        BIO_free(tls->out);
        SSL_free(tls->ssl);
        free(tls);
        return -EINVAL;
    }
    SSL_set_bio(tls->ssl, tls->in, tls->out);
    SSL_set_connect_state(tls->ssl);
    SSL_do_handshake(tls->ssl);
    *ret_tls = tls;
    return 0;
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    SSL_free(tls->ssl);
    free(tls->waiting);
    free(tls);
}

static bool is_fatal(const struct tls *tls, int result)
{
    int error = SSL_get_error(tls->ssl, result);
    return error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE;
}

static int write_plain(struct tls *tls, const uint8_t *data, size_t size)
{
    ERR_clear_error();
    int written = size ? SSL_write(tls->ssl, data, (int)size) : 1;
    return written > 0 ? 0 : -EPROTO; /* memory takes everything, so a short write is an error */
}

int tls_receive(struct tls *tls, const uint8_t *data, size_t size)
{
    if (BIO_write(tls->in, data, (int)size) != (int)size)
        return -ENOMEM;
    if (tls->ready)
        return 0;
    ERR_clear_error(); /* SSL_get_error looks at the thread's queue */
    int result = SSL_do_handshake(tls->ssl);
    if (result != 1)
        return is_fatal(tls, result) ? -EPROTO : 0;
    tls->ready = true;
    int status = write_plain(tls, tls->waiting, tls->waiting_size);
    free(tls->waiting);
    tls->waiting = NULL;
    tls->waiting_size = 0;
    return status;
}

long tls_read(struct tls *tls, uint8_t *data, size_t room)
{
    if (!tls->ready)
        return 0;
    ERR_clear_error();
    int got = SSL_read(tls->ssl, data, (int)room);
    if (got > 0)
        return got;
    if (SSL_get_error(tls->ssl, got) == SSL_ERROR_ZERO_RETURN)
        return -ECONNRESET;
    return is_fatal(tls, got) ? -EPROTO : 0;
}

int tls_write(struct tls *tls, const uint8_t *data, size_t size)
{
    if (tls->ready)
        return write_plain(tls, data, size);
    if (tls->waiting_size + size > WAITING_MAX)
        return -EBUSY;
    tls->waiting = memory_resize(tls->waiting, tls->waiting_size + size, 1);
    memcpy(tls->waiting + tls->waiting_size, data, size);
    tls->waiting_size += size;
    return 0;
}

size_t tls_take(struct tls *tls, uint8_t *data, size_t room)
{
    int got = BIO_read(tls->out, data, (int)room);
    return got > 0 ? (size_t)got : 0;
}

const char *tls_error(const struct tls *tls)
{
    long result = SSL_get_verify_result(tls->ssl);
    return result == X509_V_OK ? "the TLS handshake failed" : X509_verify_cert_error_string(result);
}
