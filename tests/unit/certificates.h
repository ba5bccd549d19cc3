/* Certificates made in the test, self-signed, on an elliptic curve. */
#pragma once

#include "tests/unit/unit.h"

#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <stdbool.h>

#define DAY 86400L

struct certificate_recipe {
    const char *common_name; /* NULL: none */
    const char *names;       /* as in a configuration of OpenSSL's: "DNS:a.example,IP:192.0.2.1" */
    long from_s, until_s;    /* from now; both 0: valid for a year */
};

static inline X509 *certificate_make(const struct certificate_recipe *recipe, EVP_PKEY *key)
{
    X509 *made = X509_new();
    bool plain = recipe->from_s == 0 && recipe->until_s == 0;
    assert_int_equal(X509_set_version(made, X509_VERSION_3), 1);
    assert_int_equal(ASN1_INTEGER_set(X509_get_serialNumber(made), 7), 1);
    assert_non_null(X509_gmtime_adj(X509_getm_notBefore(made), plain ? -DAY : recipe->from_s));
    assert_non_null(X509_gmtime_adj(X509_getm_notAfter(made), plain ? 365 * DAY : recipe->until_s));
    assert_int_equal(X509_set_pubkey(made, key), 1);
    X509_NAME *subject = X509_get_subject_name(made);
    if (recipe->common_name)
        assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
                             (const unsigned char *)recipe->common_name, -1, -1, 0),
            1);
    assert_int_equal(X509_set_issuer_name(made, subject), 1);
    if (recipe->names) {
        X509_EXTENSION *names =
            X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, recipe->names);
        assert_non_null(names);
        assert_int_equal(X509_add_ext(made, names, -1), 1);
        X509_EXTENSION_free(names);
    }
    assert_true(X509_sign(made, key, EVP_sha256()) > 0);
    return made;
}

static inline EVP_PKEY *certificate_key(void)
{
    EVP_PKEY *key = EVP_EC_gen("P-256");
    assert_non_null(key);
    return key;
}
