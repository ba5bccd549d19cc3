/* A nonblocking connection, through TLS or not. */
#pragma once

#include <netinet/in.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <sys/types.h>

struct wire {
    int fd;   /* -1: closed */
    SSL *tls; /* NULL: none */
};

/* For clients: TLS 1.3, one cipher, one kind of key, no session before, so that a handshake costs
 * the same everywhere. NULL: OpenSSL will not. */
SSL_CTX *wire_tls_new(void);

/* The handshake is part of the first reads and writes; `name`: whom it asks for. False: errno. */
bool wire_connect(struct wire *wire, const struct sockaddr_in *to, SSL_CTX *tls, const char *name);

/* -1: nothing goes now, or it is broken, which is read. */
ssize_t wire_send(struct wire *wire, const void *data, size_t size);

/* 0: the end, however it came; -1: nothing for now. */
ssize_t wire_read(struct wire *wire, void *data, size_t room);

bool wire_shakes_hands(const struct wire *wire);
void wire_close(struct wire *wire);
