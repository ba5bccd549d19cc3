/* What all loops of the relay may still open, so that the rest of the daemon keeps its own. NULL:
 * no bound. */
#pragma once

#include <stdatomic.h>
#include <stdbool.h>

static inline void descriptors_give(atomic_int *left, int count)
{
    if (left)
        atomic_fetch_add(left, count);
}

static inline bool descriptors_take(atomic_int *left, int count)
{
    if (!left || atomic_fetch_sub(left, count) >= count)
        return true;
    descriptors_give(left, count);
    return false;
}
