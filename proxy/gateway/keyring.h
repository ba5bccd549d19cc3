/* Where the gateway's keys come from: the files that `gateway.clients` and `gateway.credentials`
 * name, or for the host's own the AWS chain (base/credentials.h).
 *
 * The files are read by the daemon's own user, at the start and at each reload. One that cannot be
 * read is said in the log, and its key is not known. A host's key that was rotated verifies until
 * it expires. On the main loop. */
#pragma once

#include "proxy/gateway/keys.h"

struct keyring;

/* For a gateway without loops it does nothing. */
struct keyring *keyring_new(struct loop *main_loop, struct gateway *gateway);

/* Reads the files of a configuration that is not the one before. */
void keyring_configure(struct keyring *keyring, struct config *config);

/* The host's own, good until the next turn of the loop; NULL: there is none, and `*ret_why` says
 * why. */
const struct credential *keyring_host(const struct keyring *keyring, const char **ret_why);

/* Before the gateway; `freed` runs once the last handle is gone. */
void keyring_free(struct keyring *keyring, loop_call *freed, void *context);
