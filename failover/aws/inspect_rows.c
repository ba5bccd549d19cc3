/* What the looks found, in the words of `plan` and of `ready`. */
#include "failover/aws/inspect_parts.h"

#include "base/json.h"
#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Needs on steps that take no part are met, and not shown. */
static cJSON *needs_to_json(const struct inspection *inspection, const struct config_step *step)
{
    cJSON *needs = cJSON_CreateArray();
    for (size_t i = 0; i < step->need_count; i++) {
        for (size_t j = 0; j < inspection->count; j++) {
            if (strcmp(inspection->looks[j].step.given->id, step->needs[i]) == 0)
                cJSON_AddItemToArray(needs, cJSON_CreateString(step->needs[i]));
        }
    }
    return needs;
}

static cJSON *plan_row(const struct inspection *inspection, const struct look *look)
{
    static const char *const texts[] = {[FOUND_DONE] = "done",
        [FOUND_ACT] = "act",
        [FOUND_WAIT] = "wait",
        [FOUND_ASK] = "wait",
        [FOUND_FAIL] = "fail",
        [FOUND_UNKNOWN] = "unknown"};
    const struct config_step *step = look->step.given;
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "step", step->id);
    cJSON_AddStringToObject(row, "type", step->type);
    cJSON_AddItemToObject(row, "needs", needs_to_json(inspection, step));
    cJSON_AddStringToObject(row, "status", texts[look->found]);
    cJSON_AddStringToObject(row, "words", look->words);
    return row;
}

cJSON *inspect_plan(const struct inspection *inspection)
{
    cJSON *plan = cJSON_CreateObject();
    cJSON_AddStringToObject(plan, "region", inspection->region);
    cJSON *steps = cJSON_AddArrayToObject(plan, "steps");
    for (size_t i = 0; i < inspection->count; i++)
        cJSON_AddItemToArray(steps, plan_row(inspection, &inspection->looks[i]));
    return plan;
}

/* A step that nothing needs, in a region that may be lost, does not make the standby unfit. */
static enum ready_status ready_status(const struct inspection *inspection, const struct look *look)
{
    static const enum ready_status statuses[] = {[FOUND_DONE] = READY_PASS,
        [FOUND_ACT] = READY_PASS,
        [FOUND_WAIT] = READY_WARN,
        [FOUND_ASK] = READY_PASS, /* a person will be asked, as the runbook wants it */
        [FOUND_FAIL] = READY_FAIL,
        [FOUND_UNKNOWN] = READY_FAIL};
    const struct config_step *step = look->step.given;
    bool spared = look->found == FOUND_UNKNOWN && step->continue_on_failure &&
                  inspect_elsewhere(inspection->config, step, inspection->region);
    return spared ? READY_WARN : statuses[look->found];
}

static cJSON *ready_row(const struct inspection *inspection, const struct look *look)
{
    bool unknown = look->found == FOUND_UNKNOWN;
    char advice[160];
    snprintf(advice, sizeof advice,
        look->denied ? INSPECT_ADVICE_POLICY : "look at the way from here to AWS in %s",
        inspection->region);
    char *words = memory_format("%s (%s): %s%s", look->step.given->id, look->step.given->type,
        unknown ? "cannot be checked: " : "", look->words);
    cJSON *row = inspect_row("step", inspection->region, ready_status(inspection, look), words,
        look->denied || unknown ? advice : NULL);
    free(words);
    return row;
}

static void add_elsewhere(struct inspection *inspection, const struct config_step *step)
{
    const char *region = inspect_elsewhere(inspection->config, step, inspection->region);
    if (!region)
        return;
    bool stops = !step->continue_on_failure;
    char *words = memory_format("%s calls %s, which may be lost: %s", step->id, region,
        stops ? "a failover would stop there" : "a failover goes on without it");
    cJSON_AddItemToArray(
        inspection->rows, inspect_row("region", inspection->region, stops ? READY_WARN : READY_PASS,
                              words, stops ? "give the step \"on_failure\": \"continue\"" : NULL));
    free(words);
}

cJSON *inspect_ready(struct inspection *inspection)
{
    cJSON *ready = cJSON_CreateObject();
    for (size_t i = 0; i < inspection->count && !inspection->options.switchover; i++)
        add_elsewhere(inspection, inspection->looks[i].step.given);
    for (size_t i = 0; i < inspection->count; i++)
        cJSON_AddItemToArray(inspection->rows, ready_row(inspection, &inspection->looks[i]));
    cJSON_AddItemToObject(ready, "rows", inspection->rows);
    inspection->rows = NULL;
    return ready;
}

cJSON *inspect_row(const char *check, const char *region, enum ready_status status,
    const char *words, const char *advice)
{
    static const char *const texts[] = {
        [READY_PASS] = "pass", [READY_WARN] = "warn", [READY_FAIL] = "fail"};
    cJSON *row = cJSON_CreateObject();
    cJSON_AddStringToObject(row, "check", check);
    cJSON_AddNullToObject(row, "endpoint");
    cJSON_AddStringToObject(row, "region", region);
    cJSON_AddStringToObject(row, "status", texts[status]);
    cJSON_AddStringToObject(row, "words", words);
    json_add_text(row, "advice", advice);
    return row;
}
