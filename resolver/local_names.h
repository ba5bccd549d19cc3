/* Names that are answered here and never forwarded (RFC 6761, 6303, 9462): localhost, invalid, the
 * loopback networks' reverse zones, resolver.arpa. */
#pragma once

#include "resolver/cache.h"

/* An entry for such a name, not in any cache, with one reference; NULL when the name is not one of
 * them. */
struct cache_entry *local_names_answer(
    const struct cache_key *key, struct reply *scratch, uint64_t now_ms);
