/* A TLS session over a non-blocking socket, either side of it: applications' (tls_server.h) or S3's
 * (tls_client.h). OpenSSL reads and writes the socket itself: that saves the copy, and the calls,
 * that a session behind memory costs.
 *
 *     handshake until 0 → read and write until the end → shutdown → free → close the socket
 *
 * Every call may want the socket: -EAGAIN, and tls_session_wants says for what. (A read may want to
 * write, and the other way round.) A session reads ahead: after -EAGAIN wait for the socket, but
 * whoever stops reading for other reasons asks tls_session_pending, or just reads, before waiting.
 *
 * A session belongs to one thread. SIGPIPE is ignored by the process. Errors besides -EAGAIN are
 * final:
 *
 *     -ECONNRESET    the peer went away without a goodbye, or the socket's own error
 *     -EPROTO        it speaks no TLS, or another than we do
 *     -EKEYREJECTED  (client) its certificate is not accepted */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct tls_session;

int tls_session_handshake(struct tls_session *session);

/* How many bytes; 0: the peer said goodbye (it may still read what we write). */
ssize_t tls_session_read(struct tls_session *session, void *data, size_t room);

/* How many bytes were taken, at most one record's 16 KiB. After -EAGAIN the next call has the same
 * bytes at its beginning, wherever they are by then. */
ssize_t tls_session_write(struct tls_session *session, const void *data, size_t size);

/* Says goodbye, once; what the peer still sends can be read. 0 when it was sent. */
int tls_session_shutdown(struct tls_session *session);

/* Before the socket is closed, which stays the caller's. NULL accepted. */
void tls_session_free(struct tls_session *session);

/* UV_READABLE or UV_WRITABLE, after -EAGAIN. */
int tls_session_wants(const struct tls_session *session);

/* Bytes were read from the socket and not yet from here. */
bool tls_session_pending(const struct tls_session *session);

/* The name that the client asked for, or that the server was asked for; "" before that is known. */
const char *tls_session_host(const struct tls_session *session);

/* After the handshake: it went on from an earlier session. */
bool tls_session_is_resumed(const struct tls_session *session);

/* Why it failed, in words, for the log. */
const char *tls_session_error(const struct tls_session *session);
