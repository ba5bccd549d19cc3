/* The keys whose signatures can be verified, and made. Each loop has a set of its own.
 *
 * A key lives for as long as a set or a request under way holds it: one that was rotated out of the
 * set still finishes the upload that it began. Secrets are wiped with the last hold. */
#pragma once

#include "base/sigv4.h"

#define AUTH_KEY_SLOTS 4 /* signing keys that are kept: date and region, the client's and ours */

struct auth_key {
    char *access_key_id, *secret;
    char *session_token; /* NULL: a key that lasts */
    uint64_t expires_s;  /* seconds since 1970; 0: never */
    unsigned holds;
    unsigned next_slot; /* the one that is given up next */
    struct sigv4_key slots[AUTH_KEY_SLOTS];
};

/* With one hold, the caller's. `session_token` may be NULL. */
struct auth_key *auth_key_new(
    const char *access_key_id, const char *secret, const char *session_token, uint64_t expires_s);
struct auth_key *auth_key_hold(struct auth_key *key);
void auth_key_drop(struct auth_key *key); /* NULL accepted */

/* The signing key for S3 in `region` at `time` ("20150830T123600Z", or its date). It is the
 * auth_key's, and good until the next call. As sigv4_key_prepare. */
int auth_key_prepare(struct auth_key *key, const struct sigv4 *sigv4, const char *time,
    const char *region, struct sigv4_key **ret);

/* A set of keys. Zero it to begin. */
struct auth_keys {
    struct auth_key **keys; /* ordered by their ids */
    size_t count;
};

void auth_keys_fini(struct auth_keys *keys);

/* Takes the caller's hold. One with the same id gives way. */
void auth_keys_add(struct auth_keys *keys, struct auth_key *key);
struct auth_key *auth_keys_find(const struct auth_keys *keys, const char *access_key_id);
