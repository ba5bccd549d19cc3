/* What ssm.run sends. */
#pragma once

#include "failover/aws/step.h"

cJSON *ssm_command(const struct step *step); /* SendCommand's body */
cJSON *ssm_sent_after(uint64_t time_s);      /* ListCommands' */
