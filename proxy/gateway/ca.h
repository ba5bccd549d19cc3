/* The gateway's own certificate authority: applications trust it once, and then speak TLS with the
 * gateway under the names of their buckets.
 *
 *     ca_dir/ca.key   mode 0600: the private key and its certificate, one file, so that there is no
 *                     moment at which one exists without the other
 *     ca_dir/ca.crt   the certificate alone, for everybody; written anew when it is not that of
 *                     ca.key
 *
 * Made at the first start: EC P-256, valid for ten years, path length 0, for TLS servers only.
 * Critical name constraints permit the managed names and nothing else, no IP address either. So
 * whoever steals the key can pretend to be what the gateway handles anyway, not the rest of S3 or
 * of the internet. (A constraint on a name permits the names below it; S3 has none there but other
 * buckets' dotted ones. With `path_style` a region's host is managed, and so all below it.)
 *
 * (Java ignores the constraints of a CA in its trust store. A constrained intermediate would bind
 * it too; but then nothing could be issued again below a root whose key was thrown away, and with a
 * root whose key is kept nothing is won.)
 *
 * A name that is added later lies outside the constraints. Then the certificate is issued again for
 * all names of today, with the same key and subject: whoever trusts the former one goes on as
 * before with the names that it permits, and needs the new one for the added names alone. Wider
 * constraints (all of S3's suffixes) would spare that step, and let this key vouch for every bucket
 * there is: too much for a key that lies on every application host. The log says it loudly
 * (ca_reissued). Names that are taken away stay permitted until then: no leaf is made for them.
 *
 * The same happens when less than a year is left, or when the clock has jumped out of the validity.
 * A clock that is not set yet at the first start harms nothing: validity begins before this program
 * was written and ends ten years after the later of then and now.
 *
 * What is damaged, not ours, or within reach of others is refused and never replaced by itself:
 * applications trust it.
 *
 * Wall-clock times are `time_t`, for certificates are about nothing else. */
#pragma once

#include "base/failure.h"

#include <openssl/x509.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#define CA_KEY_FILE "ca.key"
#define CA_CERTIFICATE_FILE "ca.crt"
#define CA_HOST_SIZE 254 /* a host name and NUL */

struct ca;

/* The names that it vouches for: lower-case host names, without the "*." of a wildcard. */
struct ca_names {
    const char *const *list;
    size_t count;
};

/* Opens the CA in `directory`, or makes it there; as the daemon's own user, who owns the directory.
 * -EACCES, -EINVAL … with words that say what to do. */
int ca_open(const char *directory, const struct ca_names *names, time_t now, struct ca **ret_ca,
    struct failure *why);
void ca_free(struct ca *ca); /* NULL accepted; wipes the key */

/* After a reload, and once a day: the certificate covers these names and is not about to expire, or
 * is issued again. After an error the former one goes on. On the main loop. */
int ca_cover(struct ca *ca, const struct ca_names *names, time_t now, struct failure *why);

/* The certificate as PEM, until the next ca_cover. On the main loop. */
const char *ca_pem(const struct ca *ca);

/* Lower case: letters, digits, "-" and "_" between single dots; at most 253 bytes. */
bool ca_is_host(const char *host);

/* A certificate for `host` and nothing else, for a TLS server that holds `key`. From any thread.
 * -EINVAL when it is no host name, -ENOMEM. */
int ca_sign_leaf(
    const struct ca *ca, EVP_PKEY *key, const char *host, time_t from, time_t until, X509 **ret);
