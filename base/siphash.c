#include "base/siphash.h"

#include <string.h>

struct sip {
    uint64_t v0, v1, v2, v3;
};

static inline uint64_t rotate(uint64_t x, unsigned bits)
{
    return x << bits | x >> (64 - bits);
}

static inline void sip_round(struct sip *s)
{
    s->v0 += s->v1;
    s->v1 = rotate(s->v1, 13) ^ s->v0;
    s->v0 = rotate(s->v0, 32);
    s->v2 += s->v3;
    s->v3 = rotate(s->v3, 16) ^ s->v2;
    s->v0 += s->v3;
    s->v3 = rotate(s->v3, 21) ^ s->v0;
    s->v2 += s->v1;
    s->v1 = rotate(s->v1, 17) ^ s->v2;
    s->v2 = rotate(s->v2, 32);
}

static inline uint64_t read_le64(const uint8_t *at)
{
    uint64_t value;
    memcpy(&value, at, sizeof value);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    value = __builtin_bswap64(value);
#endif
    return value;
}

static uint64_t last_block(const uint8_t *at, size_t rest, size_t size)
{
    uint64_t block = (uint64_t)size << 56;
    for (size_t i = 0; i < rest; i++)
        block |= (uint64_t)at[i] << 8 * i;
    return block;
}

uint64_t siphash(const struct siphash_key *key, const void *data, size_t size)
{
    struct sip s = {key->k0 ^ 0x736f6d6570736575u, key->k1 ^ 0x646f72616e646f6du,
        key->k0 ^ 0x6c7967656e657261u, key->k1 ^ 0x7465646279746573u};
    const uint8_t *at = data;
    for (size_t left = size; left >= 8; left -= 8, at += 8) {
        uint64_t block = read_le64(at);
        s.v3 ^= block;
        sip_round(&s);
        s.v0 ^= block;
    }
    uint64_t block = last_block(at, size % 8, size);
    s.v3 ^= block;
    sip_round(&s);
    s.v0 ^= block;
    s.v2 ^= 0xff;
    sip_round(&s);
    sip_round(&s);
    sip_round(&s);
    return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}
