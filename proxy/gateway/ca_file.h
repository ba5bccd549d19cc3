/* The CA's two files; see ca.h for what they are. */
#pragma once

#include "base/failure.h"

#include <openssl/x509.h>

/* What `directory` holds, and that nobody else can reach it; what it means is not looked at.
 * -ENOENT: there is no CA yet. -EACCES, -EINVAL … with words. */
int ca_file_read(
    const char *directory, EVP_PKEY **ret_key, X509 **ret_certificate, struct failure *why);

/* Key and certificate, in one step: after an error the former file is whole. */
int ca_file_write(
    const char *directory, const EVP_PKEY *key, X509 *certificate, struct failure *why);

/* The public file has this text, and is written anew if not. */
int ca_file_publish(const char *directory, const char *pem, struct failure *why);

/* The certificate as PEM; free() it. NULL: no memory. */
char *ca_file_pem(X509 *certificate);
