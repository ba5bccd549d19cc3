/* What the CA's certificate and those of its leaves say (RFC 5280). Inside ca.c alone. */
#pragma once

#include "proxy/gateway/ca.h"

/* Whoever has the key: subject and key identifier follow from it, so that a certificate that is
 * issued again stands for the same CA. Never changes, so that all threads may sign with it. */
struct ca_identity {
    EVP_PKEY *key;
    X509_NAME *subject;
    ASN1_OCTET_STRING *key_id;
};

/* Takes the key. -ENOMEM; to be given to ca_identity_fini either way. */
int ca_identity_init(struct ca_identity *identity, EVP_PKEY *key);
void ca_identity_fini(struct ca_identity *identity);

/* EC P-256; NULL when there is no memory or no randomness. */
EVP_PKEY *ca_key_new(void);

/* Self-signed. -EINVAL: no names, or one is no host name. */
int ca_certificate_make(
    const struct ca_identity *identity, const struct ca_names *names, time_t now, X509 **ret);

/* Whether it was made for this identity: it has the key identifier that we derive, which others do
 * not, and the key's signature. */
bool ca_certificate_fits(const struct ca_identity *identity, X509 *certificate);

/* Whether its constraints permit every one of the names. */
bool ca_certificate_covers(X509 *certificate, const struct ca_names *names);

/* Whether it is valid now, and for another year. */
bool ca_certificate_is_fresh(const X509 *certificate, time_t now);

int ca_leaf_make(const struct ca_identity *identity, EVP_PKEY *key, const char *host, time_t from,
    time_t until, X509 **ret);
