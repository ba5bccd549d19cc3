#include "proxy/gateway/regional_id.h"

#include "proxy/gateway/spans.h"

#include <inttypes.h>
#include <stdio.h>

#define DIGITS 8

/* FNV-1a: no secret, only short; with 16 regions at most a collision is not for this world. */
static uint32_t hash_of(const char *text)
{
    uint32_t hash = UINT32_C(2166136261);
    for (; *text; text++)
        hash = (hash ^ (uint8_t)*text) * UINT32_C(16777619);
    return hash;
}

void regional_id_mark(const struct config *config, size_t region, struct text *ret)
{
    text_format(ret, "~%08" PRIx32 "~", hash_of(config->regions[region]));
}

/* Some clients encode "~", which nobody has to. */
static bool take_tilde(struct span *rest)
{
    size_t size = spans_begins(*rest, "~") ? 1 : spans_begins_nocase(*rest, "%7e") ? 3 : 0;
    *rest = spans_after(*rest, size);
    return size > 0;
}

size_t regional_id_origin(
    const struct config *config, struct span raw, size_t unmarked, struct span *ret_id)
{
    struct span rest = raw;
    *ret_id = raw;
    if (!take_tilde(&rest) || rest.size < DIGITS)
        return unmarked;
    struct span digits = span_of(rest.data, DIGITS);
    rest = spans_after(rest, DIGITS);
    if (!take_tilde(&rest))
        return unmarked;
    *ret_id = rest;
    for (size_t i = 0; i < config->region_count; i++) {
        char text[DIGITS + 1];
        snprintf(text, sizeof text, "%08" PRIx32, hash_of(config->regions[i]));
        if (spans_is(digits, text))
            return i;
    }
    return CONFIG_NONE;
}
