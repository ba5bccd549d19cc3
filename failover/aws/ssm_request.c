/* On the good day each target of the step is one of SendCommand's, instance ids are one together,
 * and every parameter is a list of texts. SendCommand takes targets or instance ids, not both: ids
 * alone are sent as such, so that it refuses those that it does not know. */
#include "failover/aws/ssm_request.h"

#include "base/json.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* "web,api" */
static void add_values(cJSON *values, const char *text)
{
    while (*text) {
        size_t size = strcspn(text, ",");
        if (size > 0) {
            cJSON *value = cJSON_CreateString(text);
            value->valuestring[size] = '\0';
            cJSON_AddItemToArray(values, value);
        }
        text += size + (text[size] == ',');
    }
}

static cJSON *add_target(cJSON *targets, const char *key)
{
    cJSON *target = cJSON_CreateObject();
    cJSON_AddStringToObject(target, "Key", key);
    cJSON_AddItemToArray(targets, target);
    return cJSON_AddArrayToObject(target, "Values");
}

/* "tag:role=web,api", or an instance's id, which joins the others. */
static void add_text(cJSON *targets, const char *text, cJSON **instances)
{
    const char *equals = strchr(text, '=');
    if (equals) {
        cJSON *key = cJSON_CreateString(text);
        key->valuestring[equals - text] = '\0';
        add_values(add_target(targets, key->valuestring), equals + 1);
        cJSON_Delete(key);
        return;
    }
    if (!*instances)
        *instances = add_target(targets, "InstanceIds");
    cJSON_AddItemToArray(*instances, cJSON_CreateString(text));
}

static void add_targets(cJSON *body, const cJSON *given)
{
    cJSON *targets = cJSON_AddArrayToObject(body, "Targets"), *instances = NULL;
    const cJSON *target, *value;
    cJSON_ArrayForEach(target, given)
    {
        if (cJSON_IsString(target)) {
            add_text(targets, target->valuestring, &instances);
            continue;
        }
        cJSON *values = add_target(targets, json_text(target, "key"));
        cJSON_ArrayForEach(value, json_member(target, "values"))
            cJSON_AddItemToArray(values, cJSON_CreateString(value->valuestring));
    }
    if (instances && cJSON_GetArraySize(targets) == 1) {
        cJSON_AddItemToObject(body, "InstanceIds", cJSON_Duplicate(instances, true));
        cJSON_DeleteItemFromObjectCaseSensitive(body, "Targets");
    }
}

static void add_parameters(cJSON *body, const cJSON *given)
{
    cJSON *parameters = cJSON_AddObjectToObject(body, "Parameters");
    const cJSON *parameter, *value;
    cJSON_ArrayForEach(parameter, given)
    {
        cJSON *values = cJSON_AddArrayToObject(parameters, parameter->string);
        if (cJSON_IsString(parameter))
            cJSON_AddItemToArray(values, cJSON_CreateString(parameter->valuestring));
        cJSON_ArrayForEach(value, parameter)
            cJSON_AddItemToArray(values, cJSON_CreateString(value->valuestring));
    }
}

cJSON *ssm_command(const struct step *step)
{
    char token[STEP_TOKEN_SIZE];
    step_token(step, "run", token);
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "DocumentName", step_text(step, "document"));
    add_targets(body, json_member(step->parameters, "targets"));
    if (step_has(step, "parameters"))
        add_parameters(body, json_member(step->parameters, "parameters"));
    cJSON_AddStringToObject(body, "Comment", token);
    return body;
}

cJSON *ssm_sent_after(uint64_t time_s)
{
    char text[32];
    time_t time = (time_t)time_s;
    struct tm parts;
    gmtime_r(&time, &parts);
    strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
    cJSON *body = cJSON_CreateObject(), *filter = cJSON_CreateObject();
    cJSON_AddStringToObject(filter, "key", "InvokedAfter");
    cJSON_AddStringToObject(filter, "value", text);
    cJSON_AddItemToArray(cJSON_AddArrayToObject(body, "Filters"), filter);
    return body;
}
