/* What the rest of the house needs of the resolver, as an interface that programs/ connects, so
 * that no wing includes another: name → addresses for whoever dials, and the two questions that an
 * operator asks. Callbacks run later, exactly once, on the loop that asked (`home`). */
#pragma once

#include "base/address.h"
#include "base/loop.h"
#include "base/name.h"

#include <cjson/cJSON.h>

#define LOOKUP_ADDRESSES_MAX 16

struct lookup_answer {
    unsigned count;
    bool stale;                                     /* from beyond its TTL (RFC 8767) */
    struct address addresses[LOOKUP_ADDRESSES_MAX]; /* ports are 0 */
};

/* `status`: 0, UV_EAI_NONAME (no such name, no address) or UV_EAI_AGAIN (no answer for now); with
 * an error `answer` is empty. */
typedef void lookup_done(void *context, int status, const struct lookup_answer *answer);
/* `explanation` is the receiver's. */
typedef void lookup_explained(void *context, cJSON *explanation);
typedef void lookup_flushed(void *context, uint64_t entries);

struct lookup {
    /* A and AAAA, past the managed names. `name` is copied. */
    void (*start)(struct lookup *lookup, struct loop *home, const struct name *name,
        lookup_done *done, void *context);
    /* How `name` would be answered now, and why; asks nobody. `type` is an RR type's number. */
    void (*explain)(struct lookup *lookup, struct loop *home, const struct name *name,
        uint16_t type, lookup_explained *done, void *context);
    /* Drops what is cached for `name` (all types), or everything when it is NULL. */
    void (*flush)(struct lookup *lookup, struct loop *home, const struct name *name,
        lookup_flushed *done, void *context);
    /* "A", "TYPE65": the number of an RR type, false when it is none. */
    bool (*parse_type)(const char *text, uint16_t *ret);
};
