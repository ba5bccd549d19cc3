/* On the good day there are half a million and nobody meets a bound. Relays get what is left when
 * the others have enough: a thousand connections are two thousand descriptors, and a host's
 * questions that wait for an upstream are few.
 *
 * What can go wrong: there are few (a container's 1024), and then everybody has less. */
#include "base/file_limit.h"

#include <limits.h>
#include <sys/resource.h>

#define REST 448              /* or a quarter, beside relays; a half without any */
#define RESOLVER_AT_LEAST 384 /* beside relays, or a quarter */
#define RESOLVER_PART 64      /* of all, where that is more */

static unsigned least(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

unsigned file_limit_all(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur > INT_MAX)
        return INT_MAX;
    return (unsigned)limit.rlim_cur;
}

struct file_limit_shares file_limit_share(unsigned all, bool has_relays)
{
    if (!has_relays)
        return (struct file_limit_shares){.resolver = all - least(REST, all / 2)};
    unsigned rest = least(REST, all / 4);
    unsigned resolver = least(RESOLVER_AT_LEAST, all / 4);
    if (resolver < all / RESOLVER_PART)
        resolver = all / RESOLVER_PART;
    return (struct file_limit_shares){.relays = all - rest - resolver, .resolver = resolver};
}
