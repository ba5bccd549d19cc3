/* Health: a TCP connect to each target in each region, every interval, with fall and rise.
 *
 * Shown in status and metrics, never acted on. On the main loop; names are resolved through
 * `lookup`, past the managed names. A target without a port cannot be asked and stays unknown. */
#pragma once

#include "base/lookup.h"
#include "config/config.h"

enum health { HEALTH_UNKNOWN, HEALTH_UP, HEALTH_DOWN };

struct health_status {
    enum health health;
    const char *detail; /* why it is down or unknown, in words; NULL when up */
    uint64_t since_ms;  /* boot clock: when it became so; 0: never known */
};

struct health_checks;

struct health_checks *health_new(struct loop *main_loop, struct lookup *lookup);
/* `freed` runs later, when every handle is closed and every lookup has answered: the lookup must
 * still work. */
void health_free(struct health_checks *checks, loop_call *freed, void *context);

/* Takes over a new configuration (a reference): targets that stay keep their history. */
void health_configure(struct health_checks *checks, struct config *config);
const struct config *health_config(const struct health_checks *checks); /* NULL before the first */

struct health_status health_get(const struct health_checks *checks, size_t endpoint, size_t region);
const char *health_text(enum health health); /* "up", "down", "unknown" */
