/* On the good day OpenSSL shakes hands by itself, within the first write and the reads after it. */
#include "tests/bench/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <sys/socket.h>
#include <unistd.h>

SSL_CTX *wire_tls_new(void)
{
    static const unsigned char protocols[] = "\x08http/1.1";
    SSL_CTX *tls = SSL_CTX_new(TLS_client_method());
    if (!tls || SSL_CTX_set_min_proto_version(tls, TLS1_3_VERSION) != 1 ||
        SSL_CTX_set_ciphersuites(tls, "TLS_AES_128_GCM_SHA256") != 1 ||
        SSL_CTX_set1_sigalgs_list(tls, "ECDSA+SHA256") != 1 ||
        SSL_CTX_set1_groups_list(tls, "X25519") != 1 ||
        SSL_CTX_set_alpn_protos(tls, protocols, sizeof protocols - 1) != 0) {
        SSL_CTX_free(tls);
        return NULL;
    }
    SSL_CTX_set_mode(tls, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    SSL_CTX_set_read_ahead(tls, 1);
    return tls;
}

bool wire_connect(struct wire *wire, const struct sockaddr_in *to, SSL_CTX *tls, const char *name)
{
    wire->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connect(wire->fd, (const struct sockaddr *)to, sizeof *to) < 0)
        return false;
    fcntl(wire->fd, F_SETFL, O_NONBLOCK);
    if (!tls)
        return true;
    wire->tls = SSL_new(tls);
    errno = ENOMEM;
    if (!wire->tls || SSL_set_fd(wire->tls, wire->fd) != 1 ||
        SSL_set_tlsext_host_name(wire->tls, name) != 1)
        return false;
    SSL_set_connect_state(wire->tls);
    return true;
}

ssize_t wire_send(struct wire *wire, const void *data, size_t size)
{
    size_t sent;
    if (!wire->tls)
        return send(wire->fd, data, size, MSG_NOSIGNAL);
    return SSL_write_ex(wire->tls, data, size, &sent) == 1 ? (ssize_t)sent : -1;
}

ssize_t wire_read(struct wire *wire, void *data, size_t room)
{
    size_t got;
    if (wire->tls && SSL_read_ex(wire->tls, data, room, &got) == 1)
        return (ssize_t)got;
    if (wire->tls)
        return SSL_get_error(wire->tls, 0) == SSL_ERROR_WANT_READ ? -1 : 0;
    ssize_t result = recv(wire->fd, data, room, 0);
    return result < 0 && errno != EAGAIN ? 0 : result;
}

bool wire_shakes_hands(const struct wire *wire)
{
    return wire->tls && !SSL_is_init_finished(wire->tls);
}

void wire_close(struct wire *wire)
{
    if (wire->tls && SSL_is_init_finished(wire->tls))
        SSL_shutdown(wire->tls);
    SSL_free(wire->tls);
    ERR_clear_error(); /* of this one: the next call shall not find it */
    wire->tls = NULL;
    close(wire->fd);
    wire->fd = -1;
}
