/* The keys of a loop, from those of all. */
#pragma once

#include "proxy/gateway/keys.h"
#include "proxy/gateway/plan.h"

int planner_init(struct planner *planner);
void planner_fini(struct planner *planner);

/* A key that stays keeps what was derived from it. */
void planner_take_keys(struct planner *planner, const struct gateway_keys *keys);
