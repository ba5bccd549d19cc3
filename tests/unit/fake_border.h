/* A database protocol of the tests, in the place of proxy/relay/border.c: a program that has this
 * links none of that.
 *
 * A session whose client begins with "!" is opaque. Any other is followed: what comes from the
 * client begins something, a piece from the server that ends with ";" ends it. */
#pragma once

#include <stdatomic.h>

struct fake_border {
    atomic_bool ends_transaction; /* every border that is reached */
    atomic_ullong skippable;      /* how much of a followed session may pass unseen */
    atomic_ullong seen, skipped;  /* bytes of all sessions, both ways */
};

extern struct fake_border fake_border;

void fake_border_reset(void);
