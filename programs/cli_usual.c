/* On the good day there was a drill, and a bar shows how far a step has come by that measure. A bar
 * is full when a step takes longer than it used to: that is worth seeing. */
#include "programs/cli_usual.h"

#include "base/json.h"
#include "base/memory.h"
#include "programs/cli_page.h"

#include <stdlib.h>
#include <string.h>

#define TIMES_MAX 7
#define BAR_SIZE 10

static bool says(const cJSON *object, const char *key, const char *wanted)
{
    const char *text = json_text(object, key);
    return text && wanted && strcmp(text, wanted) == 0;
}

static void insert_sorted(uint64_t *times, size_t count, uint64_t time)
{
    for (; count > 0 && times[count - 1] > time; count--)
        times[count] = times[count - 1];
    times[count] = time;
}

bool usual_ms(const cJSON *history, const cJSON *transition, const char *step, uint64_t *ret_ms)
{
    uint64_t times[TIMES_MAX], ms;
    size_t count = 0;
    const char *to = json_text(transition, "to");
    for (int i = cJSON_GetArraySize(history); i > 0 && count < TIMES_MAX; i--) {
        const cJSON *past = cJSON_GetArrayItem(history, i - 1);
        const cJSON *then = json_member(json_member(past, "steps"), step);
        if (says(past, "to", to) && says(then, "status", "done") &&
            moment_span(json_member(then, "started"), json_member(then, "ended"), &ms))
            insert_sorted(times, count++, ms);
    }
    if (count > 0)
        *ret_ms = times[count / 2];
    return count > 0;
}

char *usual_text(
    const cJSON *history, const cJSON *transition, const cJSON *step, uint64_t elapsed_ms, bool bar)
{
    char filled[BAR_SIZE + 1], time[PAGE_DURATION_SIZE];
    uint64_t usual = 0;
    bool runs = says(step, "status", "running");
    if ((!runs && !says(step, "status", "waiting")) || !step->string ||
        !usual_ms(history, transition, step->string, &usual))
        return memory_text("");
    page_duration(usual, time);
    if (!runs || !bar)
        return memory_format("usually %s  ", time);
    uint64_t parts = elapsed_ms >= usual ? BAR_SIZE : elapsed_ms * BAR_SIZE / usual;
    memset(filled, '-', BAR_SIZE);
    memset(filled, '#', parts);
    filled[BAR_SIZE] = '\0';
    return memory_format("[%s] usually %s  ", filled, time);
}
