/* One loop's certificates: a leaf for each name that is asked for, made when it is first asked for,
 * kept, and made anew ahead of its end. All have one key, which lives in memory alone.
 *
 * A name asked for is in use, so the least recently used goes when there are too many. */
#pragma once

#include "proxy/gateway/ca.h"

#define LEAF_CACHE_MAX 1024
#define LEAF_LIFE_S (7L * 24 * 60 * 60)
#define LEAF_BACKDATE_S (24L * 60 * 60) /* clients' clocks differ */
#define LEAF_AHEAD_S (2L * 24 * 60 * 60)

struct leaf_cache;

/* The CA stays the caller's, until leaf_cache_free. NULL: no memory or no randomness. */
struct leaf_cache *leaf_cache_new(const struct ca *ca, size_t most);
void leaf_cache_free(struct leaf_cache *cache); /* NULL accepted; wipes the key */

EVP_PKEY *leaf_cache_key(struct leaf_cache *cache); /* borrowed */

/* Borrowed until the next call. -EINVAL: no host name; -ENOMEM. */
int leaf_cache_get(struct leaf_cache *cache, const char *host, time_t now, X509 **ret_leaf);
