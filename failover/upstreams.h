/* Lists of upstream servers that outlive the configuration or file they came from. */
#pragma once

#include "config/config.h"

/* A deep copy; NULL gives an empty list. */
struct config_upstreams upstreams_copy(const struct config_upstreams *upstreams);
void upstreams_fini(struct config_upstreams *upstreams);

/* The same servers in the same order. */
bool upstreams_equal(const struct config_upstreams *a, const struct config_upstreams *b);
