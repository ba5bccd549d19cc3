/* Is the new side writable yet? Asked before held connections are released to it, where the
 * configuration has a `probe`.
 *
 *     resolve → a fresh connection → ask → twice "yes" in a row → done
 *
 * Anything else (not reachable, still in recovery, read-only, no answer, a wrong password) is "not
 * yet", with words for `status` and the log, and is asked again. It never gives up: held clients
 * have a timeout of their own. */
#pragma once

#include "base/lookup.h"
#include "config/config.h"

#define WRITABLE_INTERVAL_MS 200 /* between the end of a question and the next */
#define WRITABLE_TIMEOUT_MS 2000 /* of one question, connecting included */

struct writable;

/* Loads the client library that the probe needs: at the start, or on the loop that asks when a
 * reload brings the probe; -ENOENT with words when it is not installed. Again: 0. A probe without
 * `user` needs none. */
int writable_prepare(enum config_probe_type type, struct failure *why);

/* On `loop`, in a later turn; exactly once unless it is stopped. */
typedef void writable_done(void *context);

/* `endpoint` (with a probe) and `target` are not needed after the call; a reference to `config` is
 * kept, which knows our own listeners: they are not asked. The password file is read anew for every
 * question. */
struct writable *writable_start(struct loop *loop, struct lookup *lookup, struct config *config,
    const struct config_endpoint *endpoint, const struct config_target *target, writable_done *done,
    void *context);

/* No `done` after this; frees itself once its last handle is closed and its last lookup answered,
 * for which the loop must run, and calls `freed` then (NULL: nobody waits). Also after `done`. NULL
 * accepted: nothing happens. */
void writable_stop(struct writable *writable, loop_call *freed, void *context);

/* Why it is not writable yet, in words; "asking" before the first answer. */
const char *writable_words(const struct writable *writable);
