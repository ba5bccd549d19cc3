/* The daemon's `watch`: the status at once, then again after each change. A daemon that restarts is
 * found again. */
#pragma once

#include "programs/cli_session.h"

struct watch {
    struct session *session;
    uint64_t patience_ms; /* how long the daemon may be away */
    bool connected;
};

/* Connects and asks; on failure `ret` says what the command ends with. The status is the caller's.
 */
int watch_start(
    struct watch *watch, struct session *session, cJSON **ret_status, struct reply *ret);

/* The next status, the caller's. -ETIMEDOUT: none before `until_ms`; -ECONNRESET: the daemon went
 * and did not come back within `patience_ms` or before `deadline_ms`. */
int watch_next(struct watch *watch, uint64_t until_ms, uint64_t deadline_ms, cJSON **ret_status);
