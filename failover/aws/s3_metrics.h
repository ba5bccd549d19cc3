/* How far a bucket's replication is behind, by CloudWatch. */
#pragma once

#include "failover/aws/step.h"

/* Ends the look of a step whose rule is enabled. `destination`: the bucket's ARN, or NULL. */
void s3_metrics_look(
    struct step *step, const char *region, const char *rule, const char *destination);
