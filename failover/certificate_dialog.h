/* How a database is asked for its certificate: bytes in, bytes out, no socket.
 *
 *     PostgreSQL   SSLRequest → 'S' → TLS handshake
 *     MySQL        ← greeting; SSLRequest → TLS handshake → a login as nobody ← refusal
 *
 * MariaDB likewise. The chain is not verified: the certificate is read, not trusted. */
#pragma once

#include "base/failure.h"

#include <openssl/types.h>
#include <stddef.h>
#include <stdint.h>

/* ANY: whoever speaks first is MySQL, whoever waits is PostgreSQL (dialog_silence). */
enum dialog_protocol { DIALOG_ANY, DIALOG_POSTGRES, DIALOG_MYSQL };

enum dialog_state {
    DIALOG_GOES_ON,
    DIALOG_READ,   /* there is a certificate */
    DIALOG_NO_TLS, /* the server offers none */
    DIALOG_FAILED  /* `dialog_words` says why */
};

struct dialog;

/* `server_name` is sent as SNI (RFC 6066 section 3); NULL: none, the target is an address. */
struct dialog *dialog_new(enum dialog_protocol protocol, const char *server_name);
void dialog_free(struct dialog *dialog); /* NULL accepted */

/* Where it stands then; `size` 0 only asks. */
enum dialog_state dialog_receive(struct dialog *dialog, const uint8_t *data, size_t size);

/* The server is not heard any more, or not waited for: the end, if what was wanted is there. */
enum dialog_state dialog_end(struct dialog *dialog);

/* The server has said nothing for a while: with DIALOG_ANY it is taken for PostgreSQL. */
void dialog_silence(struct dialog *dialog);

/* Bytes for the server: how many were put into `data`; 0: none. Also after the end, so that the
 * server sees a clean one. */
size_t dialog_take(struct dialog *dialog, uint8_t *data, size_t room);

X509 *dialog_certificate(const struct dialog *dialog); /* borrowed; NULL: not read */
const char *dialog_words(const struct dialog *dialog); /* of DIALOG_FAILED */
