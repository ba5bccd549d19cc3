/* On the good day a certificate is put together field by field and signed.
 *
 * What can go wrong is memory alone, once names and keys have been looked at; a step that fails
 * makes the whole certificate fail. */
#include "proxy/gateway/ca_certificate.h"

#include <errno.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <openssl/sha.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define DAY_S (24L * 60 * 60)
#define YEAR_S (365 * DAY_S)
#define CA_YEARS 10
#define CLOCK_FLOOR 1793491200L /* 2026-11-01: a clock that shows less is not set */
#define SERIAL_SIZE 16
#define KEY_ID_SIZE 20

EVP_PKEY *ca_key_new(void)
{
    return EVP_EC_gen("P-256");
}

/* RFC 7093 section 2 (4): 160 bits of the SHA-256 of the public key as certificates have it. */
static bool key_id_of(EVP_PKEY *key, uint8_t ret[KEY_ID_SIZE])
{
    uint8_t *encoded = NULL, digest[SHA256_DIGEST_LENGTH];
    int size = i2d_PUBKEY(key, &encoded);
    bool ok = size > 0 && SHA256(encoded, (size_t)size, digest);
    if (ok)
        memcpy(ret, digest, KEY_ID_SIZE);
    OPENSSL_free(encoded);
    return ok;
}

static X509_NAME *name_new(const char *common_name)
{
    X509_NAME *name = X509_NAME_new();
    const uint8_t *text = (const uint8_t *)common_name;
    if (name &&
        X509_NAME_add_entry_by_NID(
            name, NID_organizationName, MBSTRING_UTF8, (const uint8_t *)"pilotlight", -1, -1, 0) &&
        X509_NAME_add_entry_by_NID(name, NID_commonName, MBSTRING_UTF8, text, -1, -1, 0))
        return name;
    X509_NAME_free(name);
    return NULL;
}

int ca_identity_init(struct ca_identity *identity, EVP_PKEY *key)
{
    uint8_t id[KEY_ID_SIZE];
    char text[64];
    *identity = (struct ca_identity){.key = key};
    if (!key_id_of(key, id))
        return -ENOMEM;
    /* Two hosts' CAs in one store have different names, or one would hide the other. */
    snprintf(
        text, sizeof text, "pilotlight gateway CA %02x%02x%02x%02x", id[0], id[1], id[2], id[3]);
    identity->subject = name_new(text);
    identity->key_id = ASN1_OCTET_STRING_new();
    /* Encoded once now: OpenSSL keeps the encoding, and threads will only read it. */
    if (!identity->subject || i2d_X509_NAME(identity->subject, NULL) <= 0 || !identity->key_id ||
        !ASN1_OCTET_STRING_set(identity->key_id, id, sizeof id))
        return -ENOMEM;
    return 0;
}

void ca_identity_fini(struct ca_identity *identity)
{
    EVP_PKEY_free(identity->key);
    X509_NAME_free(identity->subject);
    ASN1_OCTET_STRING_free(identity->key_id);
    *identity = (struct ca_identity){0};
}

static bool is_host_letter(char letter)
{
    return (letter >= 'a' && letter <= 'z') || (letter >= '0' && letter <= '9') || letter == '-' ||
           letter == '_';
}

bool ca_is_host(const char *host)
{
    size_t label = 0, size = 0;
    for (; host[size] && size < CA_HOST_SIZE; size++) {
        if (host[size] == '.' ? label == 0 : !is_host_letter(host[size]) || label == 63)
            return false;
        label = host[size] == '.' ? 0 : label + 1;
    }
    return size < CA_HOST_SIZE && label > 0;
}

static bool set_serial(X509 *certificate)
{
    uint8_t bytes[SERIAL_SIZE];
    if (RAND_bytes(bytes, sizeof bytes) != 1)
        return false;
    bytes[0] = (bytes[0] & 0x7f) | 0x40; /* positive, and always of one length */
    BIGNUM *number = BN_bin2bn(bytes, sizeof bytes, NULL);
    bool ok = number && BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
    BN_free(number);
    return ok;
}

static X509 *begin(const struct ca_identity *identity, const X509_NAME *subject, EVP_PKEY *key,
    time_t from, time_t until)
{
    X509 *certificate = X509_new();
    if (certificate && X509_set_version(certificate, X509_VERSION_3) && set_serial(certificate) &&
        X509_set_issuer_name(certificate, identity->subject) &&
        X509_set_subject_name(certificate, subject) && X509_set_pubkey(certificate, key) &&
        ASN1_TIME_set(X509_getm_notBefore(certificate), from) &&
        ASN1_TIME_set(X509_getm_notAfter(certificate), until))
        return certificate;
    X509_free(certificate);
    return NULL;
}

static bool add_extension(X509 *certificate, int nid, void *value, bool critical)
{
    return value && X509_add1_ext_i2d(certificate, nid, value, critical, X509V3_ADD_DEFAULT) == 1;
}

static bool add_constraint_of_path(X509 *certificate, bool is_ca)
{
    BASIC_CONSTRAINTS *basic = BASIC_CONSTRAINTS_new();
    bool ok = basic && (!is_ca || (basic->pathlen = ASN1_INTEGER_new())); /* made as 0 */
    if (ok) {
        basic->ca = is_ca ? 0xff : 0;
        ok = add_extension(certificate, NID_basic_constraints, basic, true);
    }
    BASIC_CONSTRAINTS_free(basic);
    return ok;
}

static bool add_usage(X509 *certificate, bool is_ca)
{
    ASN1_BIT_STRING *usage = ASN1_BIT_STRING_new();
    EXTENDED_KEY_USAGE *servers = EXTENDED_KEY_USAGE_new();
    int bit = is_ca ? 5 : 0; /* keyCertSign, digitalSignature */
    bool ok = usage && ASN1_BIT_STRING_set_bit(usage, bit, 1) &&
              add_extension(certificate, NID_key_usage, usage, true) && servers &&
              sk_ASN1_OBJECT_push(servers, OBJ_nid2obj(NID_server_auth)) > 0 &&
              add_extension(certificate, NID_ext_key_usage, servers, false);
    ASN1_BIT_STRING_free(usage);
    EXTENDED_KEY_USAGE_free(servers);
    return ok;
}

static bool add_authority(X509 *certificate, const struct ca_identity *identity)
{
    AUTHORITY_KEYID *authority = AUTHORITY_KEYID_new();
    bool ok = authority && (authority->keyid = ASN1_OCTET_STRING_dup(identity->key_id)) &&
              add_extension(certificate, NID_authority_key_identifier, authority, false);
    AUTHORITY_KEYID_free(authority);
    return ok;
}

static bool set_dns(GENERAL_NAME *name, const char *host)
{
    ASN1_IA5STRING *text = ASN1_IA5STRING_new();
    if (!text || !ASN1_STRING_set(text, host, -1)) {
        ASN1_IA5STRING_free(text);
        return false;
    }
    GENERAL_NAME_set0_value(name, GEN_DNS, text);
    return true;
}

/* Address and mask, all zero: every address of the family. */
static bool set_all_addresses(GENERAL_NAME *name, int size)
{
    static const uint8_t zeros[32];
    ASN1_OCTET_STRING *range = ASN1_OCTET_STRING_new();
    if (!range || !ASN1_OCTET_STRING_set(range, zeros, size)) {
        ASN1_OCTET_STRING_free(range);
        return false;
    }
    GENERAL_NAME_set0_value(name, GEN_IPADD, range);
    return true;
}

/* An empty subtree at the end of the list; NULL when there is no memory. */
static GENERAL_NAME *add_subtree(STACK_OF(GENERAL_SUBTREE) * *trees)
{
    GENERAL_SUBTREE *tree = GENERAL_SUBTREE_new();
    if (!*trees)
        *trees = sk_GENERAL_SUBTREE_new_null();
    if (tree && *trees && sk_GENERAL_SUBTREE_push(*trees, tree) > 0)
        return tree->base;
    GENERAL_SUBTREE_free(tree);
    return NULL;
}

static bool add_name_constraints(X509 *certificate, const struct ca_names *names)
{
    NAME_CONSTRAINTS *constraints = NAME_CONSTRAINTS_new();
    GENERAL_NAME *name = NULL;
    bool ok = constraints;
    for (size_t i = 0; ok && i < names->count; i++) {
        name = add_subtree(&constraints->permittedSubtrees);
        ok = name && set_dns(name, names->list[i]);
    }
    for (int size = 8; ok && size <= 32; size *= 4) { /* IPv4, IPv6 */
        name = add_subtree(&constraints->excludedSubtrees);
        ok = name && set_all_addresses(name, size);
    }
    ok = ok && add_extension(certificate, NID_name_constraints, constraints, true);
    NAME_CONSTRAINTS_free(constraints);
    return ok;
}

static bool are_hosts(const struct ca_names *names)
{
    for (size_t i = 0; i < names->count; i++) {
        if (!ca_is_host(names->list[i]))
            return false;
    }
    return names->count > 0; /* without a permitted name, a constraint permits all */
}

int ca_certificate_make(
    const struct ca_identity *identity, const struct ca_names *names, time_t now, X509 **ret)
{
    time_t from = (now < CLOCK_FLOOR ? now : CLOCK_FLOOR) - DAY_S;
    time_t until = (now > CLOCK_FLOOR ? now : CLOCK_FLOOR) + CA_YEARS * YEAR_S;
    if (!are_hosts(names))
        return -EINVAL;
    X509 *made = begin(identity, identity->subject, identity->key, from, until);
    if (made && add_constraint_of_path(made, true) && add_usage(made, true) &&
        add_extension(made, NID_subject_key_identifier, identity->key_id, false) &&
        add_name_constraints(made, names) && X509_sign(made, identity->key, EVP_sha256()) > 0) {
        *ret = made;
        return 0;
    }
    X509_free(made);
    return -ENOMEM;
}

bool ca_certificate_fits(const struct ca_identity *identity, X509 *certificate)
{
    const ASN1_OCTET_STRING *key_id = X509_get0_subject_key_id(certificate);
    return key_id && ASN1_OCTET_STRING_cmp(key_id, identity->key_id) == 0 &&
           X509_verify(certificate, identity->key) == 1;
}

/* Whether `host` is the subtree's name or below it (RFC 5280 section 4.2.1.10). */
static bool is_within(const char *host, const GENERAL_NAME *subtree)
{
    if (subtree->type != GEN_DNS)
        return false;
    size_t size = strlen(host), top = (size_t)ASN1_STRING_length(subtree->d.dNSName);
    return size >= top && (size == top || host[size - top - 1] == '.') &&
           memcmp(host + size - top, ASN1_STRING_get0_data(subtree->d.dNSName), top) == 0;
}

static bool is_permitted(const NAME_CONSTRAINTS *constraints, const char *host)
{
    STACK_OF(GENERAL_SUBTREE) *trees = constraints->permittedSubtrees;
    for (int i = 0; i < sk_GENERAL_SUBTREE_num(trees); i++) {
        if (is_within(host, sk_GENERAL_SUBTREE_value(trees, i)->base))
            return true;
    }
    return false;
}

bool ca_certificate_covers(X509 *certificate, const struct ca_names *names)
{
    NAME_CONSTRAINTS *constraints = X509_get_ext_d2i(certificate, NID_name_constraints, NULL, NULL);
    bool covers = constraints;
    for (size_t i = 0; covers && i < names->count; i++)
        covers = is_permitted(constraints, names->list[i]);
    NAME_CONSTRAINTS_free(constraints);
    return covers;
}

bool ca_certificate_is_fresh(const X509 *certificate, time_t now)
{
    time_t later = now + YEAR_S;
    return X509_cmp_time(X509_get0_notBefore(certificate), &now) < 0 &&
           X509_cmp_time(X509_get0_notAfter(certificate), &later) > 0;
}

static bool add_host(X509 *certificate, const char *host)
{
    GENERAL_NAMES *names = GENERAL_NAMES_new();
    GENERAL_NAME *name = GENERAL_NAME_new();
    bool ok = names && name && set_dns(name, host) && sk_GENERAL_NAME_push(names, name) > 0;
    if (!ok)
        GENERAL_NAME_free(name);
    ok = ok && add_extension(certificate, NID_subject_alt_name, names, false);
    GENERAL_NAMES_free(names);
    return ok;
}

int ca_leaf_make(const struct ca_identity *identity, EVP_PKEY *key, const char *host, time_t from,
    time_t until, X509 **ret)
{
    if (!ca_is_host(host))
        return -EINVAL;
    /* The same for all: what counts is the alternative name, and hosts exceed a common name's 64
     * bytes. */
    X509_NAME *subject = name_new("pilotlight gateway");
    X509 *made = subject ? begin(identity, subject, key, from, until) : NULL;
    X509_NAME_free(subject);
    if (made && add_constraint_of_path(made, false) && add_usage(made, false) &&
        add_authority(made, identity) && add_host(made, host) &&
        X509_sign(made, identity->key, EVP_sha256()) > 0) {
        *ret = made;
        return 0;
    }
    X509_free(made);
    return -ENOMEM;
}
