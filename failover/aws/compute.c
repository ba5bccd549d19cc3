#include "failover/aws/compute.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/sigv4.h"
#include "base/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CLOCKS_DIFFER_S 60

void compute_json(struct text *body, cJSON *object)
{
    char *printed = cJSON_PrintUnformatted(object);
    text_put(body, printed);
    cJSON_free(printed);
    cJSON_Delete(object);
}

uint64_t compute_number(const cJSON *tree, const char *path, uint64_t fallback)
{
    const cJSON *value = tree_find(tree, path);
    uint64_t number;
    if (json_is_integer(value, &number))
        return number;
    const char *text = cJSON_GetStringValue(value);
    if (!text || text[0] < '0' || text[0] > '9')
        return fallback;
    char *end;
    number = strtoull(text, &end, 10);
    return *end ? fallback : number;
}

bool compute_time(const cJSON *tree, const char *path, uint64_t *ret_s)
{
    const cJSON *value = tree_find(tree, path);
    if (cJSON_IsString(value))
        return sigv4_time_parse_extended(value->valuestring, ret_s);
    if (!cJSON_IsNumber(value) || !(value->valuedouble >= 0 && value->valuedouble < 1e15))
        return false;
    *ret_s = (uint64_t)value->valuedouble;
    return true;
}

bool compute_began(const struct step *step, uint64_t *ret_s)
{
    if (!sigv4_time_parse_extended(step->started.wall, ret_s) || *ret_s < CLOCKS_DIFFER_S)
        return false;
    *ret_s -= CLOCKS_DIFFER_S;
    return true;
}

bool compute_refused(const struct aws_reply *reply, const char *code)
{
    return reply->result == AWS_REFUSED && strcmp(reply->code, code) == 0;
}

bool compute_says(const struct aws_reply *reply, const char *words)
{
    return reply->result == AWS_REFUSED && reply->message && strstr(reply->message, words);
}

static size_t find_step(const struct config_runbook *runbook, const char *id)
{
    for (size_t i = 0; i < runbook->step_count; i++) {
        if (strcmp(runbook->steps[i].id, id) == 0)
            return i;
    }
    return CONFIG_NONE;
}

static bool makes_things(const struct config_step *step)
{
    return strcmp(step->type, "cloudformation.deploy") == 0 || strcmp(step->type, "exec") == 0;
}

/* Whatever `step` needs, directly or not, and makes things. `seen` has a place for each step. */
static const struct config_step *find_maker(
    const struct config_runbook *runbook, const struct config_step *step, bool *seen)
{
    for (size_t i = 0; i < step->need_count; i++) {
        size_t need = find_step(runbook, step->needs[i]);
        if (need == CONFIG_NONE || seen[need])
            continue;
        seen[need] = true;
        const struct config_step *needed = &runbook->steps[need];
        const struct config_step *maker =
            makes_things(needed) ? needed : find_maker(runbook, needed, seen);
        if (maker)
            return maker;
    }
    return NULL;
}

static const struct config_step *earlier_maker(const struct step *step)
{
    size_t region = config_region(step->config, step->region);
    if (region == CONFIG_NONE)
        return NULL;
    const struct config_runbook *runbook = &step->config->runbooks[region];
    bool *seen = memory_new_array(runbook->step_count, sizeof *seen);
    const struct config_step *maker = find_maker(runbook, step->given, seen);
    free(seen);
    return maker;
}

void compute_missing(struct step *step, const struct aws_reply *reply, const char *format, ...)
{
    char words[256];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    const struct config_step *maker = step->purpose == STEP_CARRY_OUT ? NULL : earlier_maker(step);
    if (maker)
        step_wait(step, "%s: it may come by the step \"%s\"", words, maker->id);
    else
        step_fail(step, reply, "%s", words);
}

void compute_list_add(struct compute_list *list, const char *format, ...)
{
    char words[200];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    size_t used = strlen(list->text), room = sizeof list->text - sizeof " and 1000000 more";
    if (list->left_out || used + strlen(words) + 2 > room)
        list->left_out++;
    else
        snprintf(list->text + used, room - used, "%s%s", used ? ", " : "", words);
}

const char *compute_list_text(struct compute_list *list)
{
    size_t used = strlen(list->text);
    if (list->left_out)
        snprintf(list->text + used, sizeof list->text - used, "%s%u more", used ? " and " : "",
            list->left_out);
    list->left_out = 0;
    return list->text;
}
