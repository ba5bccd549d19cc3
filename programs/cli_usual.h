/* How long a step of a runbook usually takes, from the transitions of the past. */
#pragma once

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stdint.h>

/* The middle one of its last times, when it was done on the way to the same region. `history` is
 * the record's, NULL: none. False: nobody knows. */
bool usual_ms(const cJSON *history, const cJSON *transition, const char *step, uint64_t *ret_ms);

/* "[###-------] usually 40s"; "" when nobody knows, or the step is over. Where `bar` is false, or
 * it has not begun, only the words. The caller frees. */
char *usual_text(const cJSON *history, const cJSON *transition, const cJSON *step,
    uint64_t elapsed_ms, bool bar);
