/* readopt: a region that came back gets a replica of what is primary now, then its latch is lifted.
 *
 * Stateless: each call looks at what is true, does the next thing that is needed, and says so; the
 * command asks again until all is done. So a kill at any instant loses nothing. Which instances are
 * meant the runbooks say: what the active region's runbook promotes is the primary now, what the
 * returned region's runbook would promote is the replica to be. An old primary of that name is
 * renamed ("orders" to "orders-old-20261123-070000", the time when the region was left), never
 * deleted, and the replica gets its class, network and key.
 *
 * Where a promotion is a command of the user's (`exec`), or the runbooks do not say which instance
 * is whose, nobody here can know: the row is "fail" and says what to do by hand, and the way back
 * is `switchover REGION --force=latch`. A cluster of Aurora is added back by Aurora itself: it is
 * waited for. A group that is not latched has no row; without rows all is done. */
#pragma once

#include "failover/aws/call.h"
#include "failover/state.h"

struct readopt;

/* {"done": bool, "rows": [{"group", "instance", "status": "done"|"act"|"wait"|"fail", "words"} …]},
 * the receiver's. When done, the latch may be lifted. */
typedef void readopted(void *context, cJSON *result);

struct readopt_options {
    struct loop *loop;
    struct aws *aws;
    const struct config *config;
    const struct state *state; /* copied */
    const char *region;
    bool dry_run; /* look only */
};
struct readopt *readopt_start(
    const struct readopt_options *options, readopted *done, void *context);
void readopt_cancel(struct readopt *readopt);
