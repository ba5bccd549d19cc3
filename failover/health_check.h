/* One target's check: its timer, its connection, its history. Only health.c uses it. */
#pragma once

#include "failover/health_rule.h"

struct health_check;

/* What all checks share; `config` is the one in force. */
struct health_context {
    struct loop *loop;
    struct lookup *lookup;
    struct config *config;
};

#define HEALTH_SILENCE_MS 500 /* a MySQL server has greeted by then */

/* The first attempt comes after `delay_ms`. `target` is the endpoint's, in the region of this id.
 */
struct health_check *health_check_new(const struct health_context *context,
    const struct config_endpoint *endpoint, const char *region, const struct config_target *target,
    uint64_t delay_ms);

/* Ends it; `freed` runs later, after the last callback. */
void health_check_free(struct health_check *check, loop_call *freed, void *freed_context);

/* Whether it would be the same check if it were made anew, for the same endpoint. */
bool health_check_is_of(const struct health_check *check, const struct config_endpoint *endpoint,
    const struct config_target *target);
struct health_status health_check_get(const struct health_check *check);
