/* TLS for streams to upstreams (RFC 7858): OpenSSL behind memory, so that the loop owns the socket.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls;

/* Reads the CAs now, which takes a while, rather than at the first use. */
void tls_prepare(void);

/* Verifies the peer for `name` (a host name or an IP address) against the system's CAs
 * (SSL_CERT_FILE and SSL_CERT_DIR are honoured). -ENOMEM, -EINVAL. */
int tls_new(const char *name, struct tls **ret_tls);
void tls_free(struct tls *tls); /* NULL accepted */

/* Bytes from the socket. 0, or -EPROTO: handshake or record failed. */
int tls_receive(struct tls *tls, const uint8_t *data, size_t size);

/* Decrypted bytes: how many, 0: none for now, -EPROTO, -ECONNRESET: the peer closed. */
long tls_read(struct tls *tls, uint8_t *data, size_t room);

/* Plain bytes to send; up to 64 KiB are kept until the handshake is done. -EBUSY, -EPROTO. */
int tls_write(struct tls *tls, const uint8_t *data, size_t size);

/* Bytes for the socket: how many were put into `data`, 0: none. */
size_t tls_take(struct tls *tls, uint8_t *data, size_t room);

/* Why the peer was not accepted, in words; for the log. */
const char *tls_error(const struct tls *tls);
