#include "tests/unit/played_tls.h"

#include "tests/unit/unit.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define DAY_S 86400

struct authority {
    EVP_PKEY *key;
    X509 *certificate;
};

static struct authority trusted, stranger;
static char trusted_path[] = "/tmp/played_tls.XXXXXX";

static void extend(X509 *certificate, int what, const char *value)
{
    X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, what, value);
    assert_non_null(extension);
    assert_int_equal(X509_add_ext(certificate, extension, -1), 1);
    X509_EXTENSION_free(extension);
}

static X509 *make_certificate(EVP_PKEY *key, const char *subject, long until_s)
{
    X509 *certificate = X509_new();
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_set_version(certificate, X509_VERSION_3);
    ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
    X509_gmtime_adj(X509_getm_notBefore(certificate), -2 * DAY_S);
    X509_gmtime_adj(X509_getm_notAfter(certificate), until_s);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)subject, -1, -1, 0);
    X509_set_pubkey(certificate, key);
    return certificate;
}

static struct authority make_authority(const char *subject)
{
    struct authority made = {.key = EVP_EC_gen("P-256")};
    made.certificate = make_certificate(made.key, subject, DAY_S);
    X509_set_issuer_name(made.certificate, X509_get_subject_name(made.certificate));
    extend(made.certificate, NID_basic_constraints, "critical,CA:TRUE");
    assert_true(X509_sign(made.certificate, made.key, EVP_sha256()) > 0);
    return made;
}

static void authority_free(struct authority *authority)
{
    EVP_PKEY_free(authority->key);
    X509_free(authority->certificate);
}

int authority_open(void **unused)
{
    (void)unused;
    trusted = make_authority("played authority");
    stranger = make_authority("stranger");
    FILE *file = fdopen(mkstemp(trusted_path), "w");
    assert_non_null(file);
    assert_int_equal(PEM_write_X509(file, trusted.certificate), 1);
    assert_int_equal(fclose(file), 0);
    setenv("SSL_CERT_FILE", trusted_path, 1);
    setenv("SSL_CERT_DIR", "/nonexistent", 1);
    return 0;
}

int authority_close(void **unused)
{
    (void)unused;
    unlink(trusted_path);
    authority_free(&trusted);
    authority_free(&stranger);
    return 0;
}

SSL *played_tls_new(const struct played_certificate *wanted)
{
    const struct authority *authority = wanted->of_a_stranger ? &stranger : &trusted;
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *leaf = make_certificate(key, "leaf", wanted->expired ? -DAY_S : DAY_S);
    X509_set_issuer_name(leaf, X509_get_subject_name(authority->certificate));
    extend(leaf, NID_subject_alt_name, wanted->names);
    assert_true(X509_sign(leaf, authority->key, EVP_sha256()) > 0);
    assert_int_equal(SSL_CTX_use_certificate(context, leaf), 1);
    assert_int_equal(SSL_CTX_use_PrivateKey(context, key), 1);
    SSL *server = SSL_new(context);
    SSL_set_accept_state(server);
    SSL_CTX_free(context); /* the connection has a reference */
    EVP_PKEY_free(key);
    X509_free(leaf);
    return server;
}
