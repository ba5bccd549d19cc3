/* All types of steps that there are. */
#include "failover/aws/step.h"

const struct step_kind *const step_kinds[] = {
    NULL,
};
