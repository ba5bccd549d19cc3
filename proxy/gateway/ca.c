/* On the good day the files are read, they are ours, and the certificate covers the names.
 *
 * What can go wrong: they are not there yet (a CA is made), they are not fit for use (refused), or
 * the certificate has become too narrow or too old (issued again). */
#include "proxy/gateway/ca.h"

#include "base/log.h"
#include "base/memory.h"
#include "base/privileges.h"
#include "proxy/gateway/ca_certificate.h"
#include "proxy/gateway/ca_file.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct ca {
    struct ca_identity identity;
    char *directory;
    X509 *certificate;
    char *pem;
};

void ca_free(struct ca *ca)
{
    if (!ca)
        return;
    ca_identity_fini(&ca->identity);
    X509_free(ca->certificate);
    free(ca->directory);
    free(ca->pem);
    free(ca);
}

const char *ca_pem(const struct ca *ca)
{
    return ca->pem;
}

int ca_sign_leaf(
    const struct ca *ca, EVP_PKEY *key, const char *host, time_t from, time_t until, X509 **ret)
{
    return ca_leaf_make(&ca->identity, key, host, from, until, ret);
}

static int fail_to_make(int status, struct failure *why)
{
    if (status == -EINVAL)
        return failure_set(why, status, "a CA needs host names to vouch for, and has none");
    return failure_set(why, status, "cannot make a certificate: %s", strerror(-status));
}

/* On disk first, then in memory. Takes the certificate. */
static int adopt(struct ca *ca, X509 *certificate, struct failure *why)
{
    int status = ca_file_write(ca->directory, ca->identity.key, certificate, why);
    char *pem = status == 0 ? ca_file_pem(certificate) : NULL;
    if (!pem) {
        X509_free(certificate);
        return status < 0 ? status : fail_to_make(-ENOMEM, why);
    }
    X509_free(ca->certificate);
    free(ca->pem);
    ca->certificate = certificate;
    ca->pem = pem;
    return ca_file_publish(ca->directory, pem, why);
}

static int issue(struct ca *ca, const struct ca_names *names, time_t now, struct failure *why)
{
    X509 *certificate;
    int status = ca_certificate_make(&ca->identity, names, now, &certificate);
    return status < 0 ? fail_to_make(status, why) : adopt(ca, certificate, why);
}

int ca_cover(struct ca *ca, const struct ca_names *names, time_t now, struct failure *why)
{
    bool covers = ca_certificate_covers(ca->certificate, names);
    if (covers && ca_certificate_is_fresh(ca->certificate, now))
        return 0;
    int status = issue(ca, names, now, why);
    if (status < 0)
        return status;
    log_warning("ca_reissued", LOG_TEXT("directory", ca->directory),
        LOG_TEXT("why", covers ? "it is not valid for another year"
                               : "a bucket's name was added, which it did not permit"),
        LOG_TEXT("what", covers ? "give applications the new certificate (pilotlight ca)"
                                : "applications that use the added names over TLS need the new "
                                  "certificate (pilotlight ca); the others go on as they are"));
    return 0;
}

static int make(struct ca *ca, const struct ca_names *names, time_t now, struct failure *why)
{
    EVP_PKEY *key = ca_key_new();
    if (!key)
        return fail_to_make(-ENOMEM, why);
    int status = ca_identity_init(&ca->identity, key);
    if (status < 0)
        return fail_to_make(status, why);
    status = issue(ca, names, now, why);
    if (status == 0)
        log_warning("ca_made", LOG_TEXT("directory", ca->directory),
            LOG_TEXT("what", "applications that use TLS must trust it (pilotlight ca)"));
    return status;
}

/* Takes key and certificate. */
static int accept(struct ca *ca, EVP_PKEY *key, X509 *certificate, struct failure *why)
{
    ca->certificate = certificate;
    int status = ca_identity_init(&ca->identity, key);
    if (status < 0)
        return fail_to_make(status, why);
    if (!ca_certificate_fits(&ca->identity, certificate))
        return failure_set(why, -EINVAL,
            "%.500s/" CA_KEY_FILE " is no CA that pilotlight made, or its key and certificate do "
            "not belong together: restore it, or remove it to have a new one made, which "
            "applications must then trust",
            ca->directory);
    ca->pem = ca_file_pem(certificate);
    return ca->pem ? ca_file_publish(ca->directory, ca->pem, why) : fail_to_make(-ENOMEM, why);
}

static int open_or_make(
    struct ca *ca, const struct ca_names *names, time_t now, struct failure *why)
{
    EVP_PKEY *key;
    X509 *certificate;
    int status = privileges_make_directory(ca->directory, 0755, NULL, why);
    if (status < 0)
        return status;
    status = ca_file_read(ca->directory, &key, &certificate, why);
    if (status == -ENOENT)
        return make(ca, names, now, why);
    if (status == 0)
        status = accept(ca, key, certificate, why);
    return status == 0 ? ca_cover(ca, names, now, why) : status;
}

int ca_open(const char *directory, const struct ca_names *names, time_t now, struct ca **ret_ca,
    struct failure *why)
{
    struct ca *ca = memory_new(sizeof *ca);
    ca->directory = memory_text(directory);
    int status = open_or_make(ca, names, now, why);
    if (status < 0)
        ca_free(ca);
    else
        *ret_ca = ca;
    return status;
}
