/* Who may have how many file descriptors. What clients take at their busiest must never be what a
 * command needs to come in, or its record to be written: so the wings' shares add up to less than
 * there are. */
#pragma once

#include <stdbool.h>

struct file_limit_shares {
    unsigned relays;   /* connections, two each, pipes, listeners and loops */
    unsigned resolver; /* of all its threads: questions at upstreams, clients over TCP */
}; /* the rest: control, monitoring, health, the resolver's listeners and loops */

/* How many this process may have (RLIMIT_NOFILE). */
unsigned file_limit_all(void);

struct file_limit_shares file_limit_share(unsigned all, bool has_relays);
