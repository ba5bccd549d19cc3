/* What a region's rows say of habits: `drill`, when it was last moved there; `ttl`, how long
 * clients keep the old answer. Asks nobody. */
#pragma once

#include "failover/ready_source.h"
#include "failover/state.h"

#define READY_DRILL_DAYS_MAX 90
#define READY_TTL_MAX_S 60

void ready_add_drill(
    struct ready_rows *rows, const struct state *state, const struct moment *now, size_t region);
void ready_add_ttl(struct ready_rows *rows, size_t region);
