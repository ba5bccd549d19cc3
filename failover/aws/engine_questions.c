/* What the daemon asks for others: plan, ready, policy, readopt. */
#include "failover/aws/engine_parts.h"

#include "base/memory.h"

#include <stdlib.h>

void engine_asked(
    void *context, const char *method, const cJSON *params, struct link_question *question)
{
    (void)context;
    (void)params;
    char *words = memory_format("this sidecar knows no answer to \"%.64s\"", method);
    link_refuse(question, EXIT_STATUS_FAILED, words);
    free(words);
}
