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

/* A runbook on its way into a list. */
struct list {
    const struct config_runbook *runbook;
    bool switchover;
    size_t **needs; /* of each step: indexes of those that take part */
    size_t *need_counts;
    bool *listed;
};

static size_t find_step(const struct config_runbook *runbook, const char *id)
{
    size_t i = 0;
    while (i < runbook->step_count && strcmp(runbook->steps[i].id, id) != 0)
        i++;
    return i;
}

/* A need on a step that takes no part is met. */
static void find_needs(struct list *list, size_t index)
{
    const struct config_runbook *runbook = list->runbook;
    const struct config_step *step = &runbook->steps[index];
    list->needs[index] = memory_new_array(step->need_count, sizeof(size_t));
    for (size_t i = 0; i < step->need_count; i++) {
        size_t need = find_step(runbook, step->needs[i]);
        if (need < runbook->step_count &&
            inspect_takes_part(&runbook->steps[need], list->switchover))
            list->needs[index][list->need_counts[index]++] = need;
    }
}

static void list_init(struct list *list, const struct config_runbook *runbook, bool switchover)
{
    size_t count = runbook->step_count;
    *list = (struct list){.runbook = runbook, .switchover = switchover};
    list->needs = memory_new_array(count, sizeof *list->needs);
    list->need_counts = memory_new_array(count, sizeof *list->need_counts);
    list->listed = memory_new_array(count, sizeof *list->listed);
    for (size_t i = 0; i < count; i++)
        find_needs(list, i);
}

static void list_fini(struct list *list)
{
    for (size_t i = 0; i < list->runbook->step_count; i++)
        free(list->needs[i]);
    free(list->needs);
    free(list->need_counts);
    free(list->listed);
}

static bool is_next(const struct list *list, size_t index)
{
    size_t i = 0;
    if (list->listed[index] || !inspect_takes_part(&list->runbook->steps[index], list->switchover))
        return false;
    while (i < list->need_counts[index] && list->listed[list->needs[index][i]])
        i++;
    return i == list->need_counts[index];
}

size_t *inspect_order(const struct config_runbook *runbook, bool switchover, size_t *ret_count)
{
    size_t *order = memory_new_array(runbook->step_count, sizeof *order);
    size_t count = 0, i = 0;
    struct list list;
    list_init(&list, runbook, switchover);
    while (i < runbook->step_count) {
        bool next = is_next(&list, i);
        if (next) {
            list.listed[i] = true;
            order[count++] = i;
        }
        i = next ? 0 : i + 1; /* one that stood before may be next now */
    }
    list_fini(&list);
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
