/* On the good day the backlog is empty after a few clients, and nothing here has an effect. */
#include "proxy/relay/flood.h"

#define BATCH 32        /* then other sockets of the loop have their turn */
#define FLOOD_AFTER 256 /* without a gap */
#define FLOOD_BATCH 16

unsigned flood_batch(const struct flood *flood)
{
    return flood->unbroken < FLOOD_AFTER ? BATCH : FLOOD_BATCH;
}

bool flood_note(struct flood *flood, unsigned taken, bool emptied)
{
    if (emptied)
        flood->unbroken = 0;
    else if (flood->unbroken < FLOOD_AFTER)
        flood->unbroken += taken;
    return flood->unbroken >= FLOOD_AFTER;
}
