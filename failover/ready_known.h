/* The rows that the daemon has without asking anybody: the record, latches, health of targets. */
#pragma once

#include "failover/ready_source.h"

struct ready_options;

struct ready_source *ready_known_new(const struct ready_options *options);
