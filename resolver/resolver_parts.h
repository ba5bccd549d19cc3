/* Inside resolver/ only: what resolver.c, lookup.c and resolver_metrics.c share. */
#pragma once

#include "resolver/engine.h"
#include "resolver/resolver.h"

struct resolver {
    struct lookup lookup; /* first: `struct lookup *` is a `struct resolver *` */
    struct engine **engines;
    size_t engine_count;
    struct address *listens; /* every address that was bound */
    size_t listen_count;
};

void lookup_init(struct resolver *resolver);
