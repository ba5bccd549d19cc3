/* What codedeploy.deploy deploys. */
#pragma once

#include "failover/aws/step.h"

/* The step's revision as CreateDeployment takes it; where the step has none, the one that the group
 * had last, from GetDeploymentGroup's reply. The caller's; NULL with words. */
cJSON *codedeploy_revision(const struct step *step, const cJSON *group, struct failure *why);
