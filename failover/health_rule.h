/* Fall and rise: what a row of attempts says about a target. */
#pragma once

#include "failover/health.h"

struct health_rule {
    enum health health;
    unsigned successes, failures; /* in a row, the last ones */
};

/* Counts one attempt. `rise` successes in a row make the target up, `fall` failures in a row make
 * it down; between them it stays what it was, at first unknown. Whether it changed. */
bool health_rule_count(struct health_rule *rule, bool success, unsigned fall, unsigned rise);
