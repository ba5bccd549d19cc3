/* The token that an application shows to be given the host's credentials: in a file that its user
 * may read (AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE), and in nobody's configuration. */
#pragma once

#include "base/failure.h"

#define VEND_TOKEN_FILE "credentials.token"
#define VEND_TOKEN_SIZE 65 /* in hexadecimal, and NUL */

/* The file's, when it is a good one, so that who may read it (its group, its ACL) stays as somebody
 * made it; else a new one, of mode 0640. `*ret_token` is for secret_free. */
int vend_token_open(const char *file, char **ret_token, struct failure *why);
