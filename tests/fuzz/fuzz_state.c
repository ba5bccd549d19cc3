/* The record's file, from whoever may have written it. Two ways in: the bytes as they are, which
 * the checksum turns away at once, and the same bytes as JSON, past the checksum. What is believed
 * must survive being printed and read again. */
#include "base/json.h"
#include "base/log.h"
#include "failover/state.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool so)
{
    if (!so)
        abort();
}

static void print_and_read_again(struct state *state)
{
    char *text = NULL, *again_text = NULL;
    size_t size = 0, again_size = 0;
    struct state *again = NULL;
    struct failure why;
    if (state_print(state, &text, &size, &why) < 0)
        return;
    must(state_parse(text, size, &again, &why) == 0);
    must(state_print(again, &again_text, &again_size, &why) == 0);
    must(size == again_size && memcmp(text, again_text, size) == 0);
    uint64_t revision = 0, epoch = 0;
    state_salvage(text, size, &revision, &epoch);
    must(revision <= STATE_COUNTER_MAX && epoch <= STATE_COUNTER_MAX);
    state_free(again);
    free(again_text);
    free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct failure why;
    struct state *state = NULL;
    cJSON *json = NULL;
    uint64_t revision = 0, epoch = 0;
    log_configure(LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
    state_salvage((const char *)data, size, &revision, &epoch);
    must(revision <= STATE_COUNTER_MAX && epoch <= STATE_COUNTER_MAX);
    if (state_parse((const char *)data, size, &state, &why) == 0)
        print_and_read_again(state);
    state_free(state);
    state = NULL;
    if (json_parse((const char *)data, size, &json, NULL, &why) == 0 &&
        state_from_json(json, &state, &why) == 0)
        print_and_read_again(state);
    state_free(state);
    cJSON_Delete(json);
    return 0;
}
