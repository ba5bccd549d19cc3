/* A folder for a CA, and a client's eyes: does somebody who trusts this certificate accept that
 * leaf? */
#pragma once

#include "proxy/gateway/ca.h"

#define CA_SCENE_NOW 1795000000 /* November 2026 */
#define CA_SCENE_DAY (24 * 60 * 60)
#define CA_SCENE_YEAR (365L * CA_SCENE_DAY)

extern char ca_folder[64];

int ca_scene_begin(void **unused); /* an empty folder */
int ca_scene_end(void **unused);

/* "ca.key" in the folder; the caller's to free. */
char *ca_scene_path(const char *file);
char *ca_scene_content(const char *file); /* NULL: no such file */

/* `names`: up to the first NULL. */
int ca_scene_try(time_t now, struct ca **ret, struct failure *why, const char *const *names);
struct ca *ca_scene_open(time_t now, const char *const *names);
struct ca_names ca_scene_names(const char *const *names);

EVP_PKEY *ca_scene_key(void); /* one for all leaves; borrowed */
/* The CA's, as its thief would have it: straight from the file. */
EVP_PKEY *ca_scene_stolen_key(void);
X509 *ca_scene_leaf(const struct ca *ca, const char *host, time_t from, time_t until);
X509 *ca_scene_certificate(const char *pem);

/* X509_V_OK, or why not; as strictly as OpenSSL can (Python 3.13 does). */
int ca_scene_verify(const char *trusted_pem, X509 *leaf, const char *host, time_t now);
