/* TLS servers that a test plays: a certificate authority of its own, and peers with certificates
 * from it or from elsewhere. */
#pragma once

#include <openssl/ssl.h>
#include <stdbool.h>

struct played_certificate {
    const char *names; /* "DNS:dns.example.net,IP:127.0.0.1" */
    bool expired;
    bool of_a_stranger; /* from an authority that nobody trusts */
};

/* Makes the authority and has this process trust it alone: before the first tls_new. For cmocka. */
int authority_open(void **unused);
int authority_close(void **unused);

/* The server's side of one connection; SSL_free it. */
SSL *played_tls_new(const struct played_certificate *certificate);
