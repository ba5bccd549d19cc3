/* A source of `ready`: what the sidecar sees of the region's runbook in AWS. */
#pragma once

#include "failover/ready.h"
#include "failover/sidecar_desk.h"

struct ready_source *ready_sidecar_new(
    const struct ready_options *options, struct sidecar_desk *desk);
