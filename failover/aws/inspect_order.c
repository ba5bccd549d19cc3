/* A runbook as a list: who takes part, in which order, and who calls another region. */
#include "failover/aws/inspect_parts.h"

#include "base/json.h"
#include "base/memory.h"
#include "failover/aws/s3.h"

#include <stdlib.h>
#include <string.h>

bool inspect_takes_part(const struct config_step *step, bool switchover)
{
    return switchover ? step->on_switchover : step->on_failover;
}

static const struct config_step *find_step(const struct config_runbook *runbook, const char *id)
{
    for (size_t i = 0; i < runbook->step_count; i++) {
        if (strcmp(runbook->steps[i].id, id) == 0)
            return &runbook->steps[i];
    }
    return NULL;
}

/* A need on a step that takes no part is met. */
static bool is_next(const struct config_runbook *runbook, const struct config_step *step,
    const bool *listed, bool switchover)
{
    for (size_t i = 0; i < step->need_count; i++) {
        const struct config_step *need = find_step(runbook, step->needs[i]);
        if (need && inspect_takes_part(need, switchover) && !listed[need - runbook->steps])
            return false;
    }
    return true;
}

size_t *inspect_order(const struct config_runbook *runbook, bool switchover, size_t *ret_count)
{
    size_t *order = memory_new_array(runbook->step_count, sizeof *order);
    bool *listed = memory_new_array(runbook->step_count, sizeof *listed);
    size_t count = 0, i = 0;
    while (i < runbook->step_count) {
        const struct config_step *step = &runbook->steps[i];
        bool next = !listed[i] && inspect_takes_part(step, switchover) &&
                    is_next(runbook, step, listed, switchover);
        if (next) {
            listed[i] = true;
            order[count++] = i;
        }
        i = next ? 0 : i + 1; /* one that stood before may be next now */
    }
    free(listed);
    *ret_count = count;
    return order;
}

const char *inspect_elsewhere(
    const struct config *config, const struct config_step *step, const char *region)
{
    const char *bucket = json_text(step->parameters, "bucket");
    const char *named = json_text(step->parameters, "region");
    if (!named)
        named = json_text(step->parameters, "source_region");
    if (!named && bucket && strncmp(step->type, "s3.", 3) == 0)
        named = s3_region(config, bucket, region);
    return named && strcmp(named, region) != 0 ? named : NULL;
}
