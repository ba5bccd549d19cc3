/* SipHash-1-3 (Aumasson and Bernstein, 2012; one and three rounds as in hash tables elsewhere):
 * keyed, so that nobody outside can choose names that collide. */
#pragma once

#include <stddef.h>
#include <stdint.h>

struct siphash_key {
    uint64_t k0, k1;
};

uint64_t siphash(const struct siphash_key *key, const void *data, size_t size);
