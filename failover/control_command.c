#include "failover/control_command.h"

#include "base/json.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

static const struct rpc_parameter failover_parameters[] = {
    {"region", RPC_TEXT},
    {"to", RPC_TEXT}, /* the record's word for it */
    {"groups", RPC_TEXTS},
    {"reason", RPC_TEXT},
    {"request", RPC_TEXT},
    {"switch_only", RPC_BOOL},
    {"dry_run", RPC_BOOL},
    {"force", RPC_FORCE},
    {0},
};
static const struct rpc_parameter switchover_parameters[] = {
    {"region", RPC_TEXT},
    {"to", RPC_TEXT}, /* the record's word for it */
    {"groups", RPC_TEXTS},
    {"reason", RPC_TEXT},
    {"request", RPC_TEXT},
    {"dry_run", RPC_BOOL},
    {"force", RPC_FORCE},
    {0},
};
static const struct rpc_parameter abort_parameters[] = {
    {"reason", RPC_TEXT},
    {"request", RPC_TEXT},
    {"force", RPC_FORCE},
    {"transition", RPC_TEXT},
    {0},
};
static const struct rpc_parameter retry_parameters[] = {
    {"step", RPC_TEXT},
    {"reason", RPC_TEXT},
    {"request", RPC_TEXT},
    {"transition", RPC_TEXT},
    {0},
};
static const struct rpc_parameter skip_parameters[] = {
    /* and of approve */
    {"step", RPC_TEXT, true},
    {"reason", RPC_TEXT},
    {"request", RPC_TEXT},
    {"transition", RPC_TEXT},
    {0},
};
static const struct rpc_parameter begin_parameters[] = {
    {"region", RPC_TEXT},
    {"to", RPC_TEXT}, /* the record's word for it */
    {"groups", RPC_TEXTS},
    {"reason", RPC_TEXT},
    {"request", RPC_TEXT},
    {"kind", RPC_TEXT},
    {"force", RPC_FORCE},
    {0},
};
static const struct rpc_parameter fence_parameters[] = {
    {"groups", RPC_TEXTS},
    {"request", RPC_TEXT},
    {"transition", RPC_TEXT},
    {0},
};
static const struct rpc_parameter switch_parameters[] = {
    {"groups", RPC_TEXTS},
    {"request", RPC_TEXT},
    {"force", RPC_FORCE},
    {"transition", RPC_TEXT},
    {0},
};
static const struct rpc_parameter step_parameters[] = {
    {"step", RPC_TEXT, true},
    {"status", RPC_TEXT, true},
    {"attempt", RPC_INTEGER},
    {"detail", RPC_TEXT},
    {"promotes", RPC_BOOL},
    {"irreversible", RPC_BOOL},
    {"continue_on_failure", RPC_BOOL},
    {"lag_ms", RPC_INTEGER},
    {"aws", RPC_OBJECT},
    {"request", RPC_TEXT},
    {"transition", RPC_TEXT},
    {0},
};
static const struct rpc_parameter aws_parameters[] = {
    {"code", RPC_TEXT},
    {"request_id", RPC_TEXT},
    {0},
};
static const struct rpc_parameter end_parameters[] = {
    {"result", RPC_TEXT},
    {"reason", RPC_TEXT},
    {"request", RPC_TEXT},
    {"transition", RPC_TEXT},
    {0},
};

static const struct command_shape {
    const char *method;
    enum command_kind kind;
    const struct rpc_parameter *parameters;
} shapes[] = {
    {"failover", COMMAND_FAILOVER, failover_parameters},
    {"switchover", COMMAND_SWITCHOVER, switchover_parameters},
    {"abort", COMMAND_ABORT, abort_parameters},
    {"retry", COMMAND_RETRY, retry_parameters},
    {"skip", COMMAND_SKIP, skip_parameters},
    {"approve", COMMAND_APPROVE, skip_parameters},
    {"begin", COMMAND_BEGIN, begin_parameters},
    {"fence", COMMAND_FENCE, fence_parameters},
    {"switch", COMMAND_SWITCH, switch_parameters},
    {"step", COMMAND_STEP, step_parameters},
    {"end", COMMAND_END, end_parameters},
};

static const struct command_shape *find_shape(const char *method)
{
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
        if (strcmp(shapes[i].method, method) == 0)
            return &shapes[i];
    }
    return NULL;
}

bool control_is_command(const char *method)
{
    return find_shape(method) != NULL;
}

int control_check_request_id(const char *request, struct failure *why)
{
    size_t size = strlen(request);
    bool fits = size > 0 && size <= STATE_REQUEST_MAX;
    for (size_t i = 0; fits && i < size; i++)
        fits = request[i] > ' ' && request[i] < 0x7f;
    return fits
               ? 0
               : failure_set(why, RPC_INVALID_PARAMS,
                     "request: 1 to %d bytes of printable ASCII without spaces", STATE_REQUEST_MAX);
}

static int read_region(const cJSON *params, struct command *command, struct failure *why)
{
    const char *region = json_text(params, "region"), *to = json_text(params, "to");
    bool moves = command->kind == COMMAND_FAILOVER || command->kind == COMMAND_SWITCHOVER ||
                 command->kind == COMMAND_BEGIN;
    if (moves && !region && !to)
        return failure_set(why, RPC_INVALID_PARAMS, "region: must be given");
    if (region && to)
        return failure_set(why, RPC_INVALID_PARAMS, "to: is another word for region; one will do");
    command->region = region ? region : to;
    return 0;
}

static int read_groups(const cJSON *params, struct control_command *ret, struct failure *why)
{
    const cJSON *list = json_member(params, "groups"), *group;
    if (cJSON_IsArray(list) && !list->child)
        return failure_set(
            why, RPC_INVALID_PARAMS, "groups: name at least one, or leave it out for all");
    cJSON_ArrayForEach(group, list)
    {
        if (ret->command.group_count == CONFIG_GROUPS_MAX)
            return failure_set(why, RPC_INVALID_PARAMS, "groups: at most %d", CONFIG_GROUPS_MAX);
        ret->groups[ret->command.group_count++] = group->valuestring;
    }
    ret->command.groups = ret->groups;
    return 0;
}

/* One of two words, or the first when none is given. */
static int read_choice(const cJSON *params, const char *key, const char *first, const char *second,
    bool *ret_second, struct failure *why)
{
    const char *word = json_text(params, key);
    *ret_second = word && strcmp(word, second) == 0;
    if (word && !*ret_second && strcmp(word, first) != 0)
        return failure_set(
            why, RPC_INVALID_PARAMS, "%s: must be \"%s\" or \"%s\"", key, first, second);
    return 0;
}

static int read_step_id(const cJSON *params, struct control_command *ret, struct failure *why)
{
    const char *id = json_text(params, "step");
    if (!id)
        return 0;
    if (!*id || strlen(id) > CONFIG_ID_MAX)
        return failure_set(why, RPC_INVALID_PARAMS, "step: 1 to %d bytes", CONFIG_ID_MAX);
    memcpy(ret->step.id, id, strlen(id) + 1);
    ret->command.step = &ret->step;
    return 0;
}

/* What the step has become. Texts are only read behind the command's back, so the casts are safe:
 * whoever keeps the step copies it. */
static int read_step(const cJSON *params, struct control_command *ret, struct failure *why)
{
    struct transition_step *step = &ret->step;
    if (!step_status_parse(json_text(params, "status"), &step->status))
        return failure_set(why, RPC_INVALID_PARAMS, "status: no such status of a step");
    uint64_t attempt = 0;
    if (json_integer(params, "attempt", &attempt) && attempt > INT_MAX)
        return failure_set(why, RPC_INVALID_PARAMS, "attempt: at most %d", INT_MAX);
    const cJSON *aws = json_member(params, "aws");
    int status = rpc_check(cJSON_IsObject(aws) ? aws : NULL, aws_parameters, why);
    if (status < 0)
        return failure_prefix(why, status, "aws");
    step->attempt = (unsigned)attempt;
    step->promotes = json_bool(params, "promotes", false);
    step->irreversible = json_bool(params, "irreversible", false);
    step->continue_on_failure = json_bool(params, "continue_on_failure", false);
    step->has_lag = json_integer(params, "lag_ms", &step->lag_ms);
    step->detail = (char *)json_text(params, "detail");
    step->aws_code = (char *)json_text(aws, "code");
    step->aws_request_id = (char *)json_text(aws, "request_id");
    return 0;
}

int control_command_read(
    const struct rpc_request *request, struct control_command *ret, struct failure *why)
{
    const struct command_shape *shape = find_shape(request->method);
    const cJSON *params = request->params;
    *ret = (struct control_command){.command = {.kind = shape->kind}};
    int status = rpc_check(params, shape->parameters, why);
    if (status < 0)
        return status;
    struct command *command = &ret->command;
    command->transition = json_text(params, "transition");
    command->reason = json_text(params, "reason");
    command->request = json_text(params, "request");
    command->switch_only = json_bool(params, "switch_only", false);
    command->dry_run = json_bool(params, "dry_run", false);
    status = read_region(params, command, why);
    if (status == 0 && command->request)
        status = control_check_request_id(command->request, why);
    if (status == 0)
        status = read_groups(params, ret, why);
    if (status == 0)
        status = rpc_force(json_member(params, "force"), &command->force, why);
    if (status == 0)
        status = read_choice(params, "kind", "failover", "switchover", &command->planned, why);
    if (status == 0)
        status = read_choice(params, "result", "done", "failed", &command->failed, why);
    if (status == 0)
        status = read_step_id(params, ret, why);
    if (status == 0 && shape->kind == COMMAND_STEP)
        status = read_step(params, ret, why);
    return status;
}
