/* How many clients a listener takes at once.
 *
 * A pool that fills, or all of a host's pools after a switch, are taken as fast as they come. Who
 * never lets the listener's backlog run empty is taken at a pace: 4,000 a second and loop, so that
 * a flood of connects leaves the machine to DNS and to those who are connected. The rest waits in
 * the kernel's backlog (listen(2)). */
#ifndef PILOTLIGHT_PROXY_RELAY_FLOOD_H
#define PILOTLIGHT_PROXY_RELAY_FLOOD_H

#include <stdbool.h>

#define FLOOD_REST_MS 4

struct flood {
    unsigned unbroken; /* taken since the backlog was last found empty */
};

/* How many may be taken now, one at least. */
unsigned flood_batch(const struct flood *flood);

/* So many were taken, and then the backlog was empty or not. True: FLOOD_REST_MS pass before the
 * next is taken. */
bool flood_note(struct flood *flood, unsigned taken, bool emptied);

#endif
