/* The keys that clients' signatures are verified by: immutable, counted, made on the main loop
 * (keyring.h), taken by every loop, which keeps its own copy. Secrets are wiped with the last
 * reference. */
#pragma once

#include "base/credentials.h"
#include "proxy/gateway/gateway.h"

#include <stdatomic.h>

struct gateway_keys {
    atomic_uint references;
    struct credential **list; /* one with the same id as an earlier one counts instead of that */
    size_t count;
    const struct credential *host; /* among them: the host's own, now; NULL: none */
    char *vend_token;              /* NULL: nobody is given them */
    bool is_waiting;               /* the host's own are still being looked for */
};

/* Empty, with one reference. */
struct gateway_keys *gateway_keys_new(void);
void gateway_keys_add(struct gateway_keys *keys, const struct credential *credential); /* a copy */
void gateway_keys_unref(struct gateway_keys *keys);

/* Every loop of the gateway takes them, before any view that is published afterwards. On the main
 * loop, before gateway_free. */
void gateway_set_keys(struct gateway *gateway, struct gateway_keys *keys);

/* When the last request passed whose key is not among them, on the boot clock; 0: none did. */
uint64_t gateway_unverified_ms(const struct gateway *gateway);
