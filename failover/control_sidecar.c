/* plan and readopt: what only the sidecar knows is asked of it, and what it says is looked at
 * before anybody believes it.
 *
 * readopt asks the record first (is anything latched, does nothing move), then the sidecar to do
 * the next thing that is needed; when that says that all is done, and the record is still the one
 * that was asked about, the latch is lifted. */
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "failover/control_parts.h"

#include <stdlib.h>
#include <string.h>

const struct rpc_parameter control_plan_parameters[] = {
    {"region", RPC_TEXT, true}, {"kind", RPC_TEXT}, {"iam", RPC_BOOL}, {0}};
const struct rpc_parameter control_readopt_parameters[] = {
    {"region", RPC_TEXT, true}, {"dry_run", RPC_BOOL}, {"request", RPC_TEXT}, {0}};

static const char nonsense[] =
    "the sidecar's answer makes no sense: is it of another version than pilotlightd?";

static void refuse(struct control_call *call, enum exit_status status, const char *words)
{
    int code = RPC_OURS + (int)status;
    control_call_refuse(call, code, words, rpc_error_data(code));
}

static const char *region_of(const struct control_call *call)
{
    return json_text(call->request.params, "region");
}

/* NULL, after a refusal: the configuration does not know the region. */
static const struct config_runbook *find_runbook(struct control_call *call)
{
    const struct config *config = keeper_config(call->control->options.keeper);
    size_t region = config_region(config, region_of(call));
    struct failure why;
    if (region != CONFIG_NONE)
        return &config->runbooks[region];
    failure_set(&why, 0, "unknown region \"%.80s\"; \"pilotlight status\" shows those there are",
        region_of(call));
    refuse(call, EXIT_STATUS_USAGE, why.text);
    return NULL;
}

static bool is_one_of(const char *word, const char *const *words)
{
    for (; word && *words; words++) {
        if (strcmp(word, *words) == 0)
            return true;
    }
    return false;
}

static bool is_text_or_null(const cJSON *object, const char *key)
{
    const cJSON *value = json_member(object, key);
    return !value || cJSON_IsNull(value) || cJSON_IsString(value);
}

/* A list of objects, each with a status that is known and words; `name` is a text in each. */
static bool are_rows(const cJSON *list, const char *name, const char *const *statuses)
{
    const cJSON *row;
    if (!cJSON_IsArray(list))
        return false;
    cJSON_ArrayForEach(row, list)
    {
        if (!is_one_of(json_text(row, "status"), statuses) || !json_text(row, "words") ||
            !is_text_or_null(row, name))
            return false;
    }
    return true;
}

/* -- plan -- */

static bool is_plan(const cJSON *result)
{
    static const char *const statuses[] = {"done", "act", "wait", "fail", "unknown", NULL};
    return are_rows(json_member(result, "steps"), "step", statuses);
}

static void on_planned(
    void *context, enum exit_status status, const char *words, const cJSON *result)
{
    struct control_call *call = context;
    bool iam = json_bool(call->request.params, "iam", false);
    if (status != EXIT_STATUS_DONE)
        refuse(call, status, words);
    else if (!iam && !is_plan(result))
        refuse(call, EXIT_STATUS_FAILED, nonsense);
    else
        control_call_return(call, cJSON_Duplicate(result, true));
}

void control_plan_run(struct control_call *call)
{
    const cJSON *given = call->request.params;
    const char *kind = json_text(given, "kind");
    const struct config_runbook *runbook = find_runbook(call);
    struct failure why;
    if (!runbook)
        return;
    if (kind && strcmp(kind, "failover") != 0 && strcmp(kind, "switchover") != 0) {
        control_call_refuse(call, RPC_INVALID_PARAMS,
            "kind: must be \"failover\" or \"switchover\"", rpc_error_data(RPC_INVALID_PARAMS));
        return;
    }
    if (!runbook->present) {
        failure_set(&why, 0,
            "%.80s has no runbook: a failover switches at once; pilotlight failover %.80s "
            "--dry-run says what",
            region_of(call), region_of(call));
        refuse(call, EXIT_STATUS_REFUSED, why.text);
        return;
    }
    bool iam = json_bool(given, "iam", false);
    cJSON *params = cJSON_CreateObject();
    cJSON_AddStringToObject(params, "region", region_of(call));
    if (!iam)
        cJSON_AddStringToObject(params, "kind", kind ? kind : "failover");
    sidecar_desk_ask(
        call->control->options.sidecar, iam ? "policy" : "plan", params, on_planned, call);
}

/* -- readopt -- */

struct readoption {
    struct control_call *call;
    uint64_t revision; /* of the record that was asked about */
    cJSON *rows;       /* what the sidecar said */
};

static cJSON *readopt_result(bool done, bool lifted, cJSON *rows, const char *message)
{
    cJSON *result = cJSON_CreateObject();
    cJSON_AddBoolToObject(result, "done", done);
    cJSON_AddBoolToObject(result, "lifted", lifted);
    cJSON_AddItemToObject(result, "rows", rows ? rows : cJSON_CreateArray());
    json_add_text(result, "message", message);
    return result;
}

static void on_lifted(void *context, const struct outcome *outcome)
{
    struct readoption *readoption = context;
    struct control_call *call = readoption->call;
    log_info("readopt_answered", LOG_TEXT("region", region_of(call)), LOG_TEXT("user", call->by),
        LOG_NUMBER("status", outcome->status), LOG_TEXT("words", outcome->words));
    if (outcome->status == EXIT_STATUS_DONE) {
        control_call_return(
            call, readopt_result(true, outcome->changed, readoption->rows, outcome->words));
    } else {
        cJSON_Delete(readoption->rows);
        control_call_outcome(call, outcome);
    }
    free(readoption);
}

static struct command readopt_command(const struct control_call *call)
{
    return (struct command){.kind = COMMAND_READOPT,
        .region = region_of(call),
        .by = call->by,
        .request = json_text(call->request.params, "request"),
        .dry_run = json_bool(call->request.params, "dry_run", false)};
}

static void return_rows(struct readoption *readoption, bool done, const char *message)
{
    control_call_return(readoption->call, readopt_result(done, false, readoption->rows, message));
    free(readoption);
}

static void take_rows(struct readoption *readoption, bool done)
{
    struct keeper *keeper = readoption->call->control->options.keeper;
    struct command command = readopt_command(readoption->call);
    if (!done)
        return_rows(readoption, false, "not done yet");
    else if (command.dry_run)
        return_rows(readoption, true, "all is done; the latch would be lifted");
    else if (keeper_state(keeper)->revision != readoption->revision)
        return_rows(readoption, false, "the record changed meanwhile: to be looked at again");
    else
        keeper_submit(keeper, &command, on_lifted, readoption);
}

static void on_readopted(
    void *context, enum exit_status status, const char *words, const cJSON *result)
{
    static const char *const statuses[] = {"done", "act", "wait", "fail", NULL};
    struct readoption *readoption = context;
    const cJSON *rows = json_member(result, "rows");
    bool fits = are_rows(rows, "instance", statuses) && cJSON_IsBool(json_member(result, "done"));
    if (status == EXIT_STATUS_DONE && fits) {
        readoption->rows = cJSON_Duplicate(rows, true);
        take_rows(readoption, json_bool(result, "done", false));
        return;
    }
    bool failed = status != EXIT_STATUS_DONE;
    refuse(readoption->call, failed ? status : EXIT_STATUS_FAILED, failed ? words : nonsense);
    free(readoption);
}

static void ask_readopt(struct control_call *call)
{
    struct control *control = call->control;
    struct readoption *readoption = memory_new(sizeof *readoption);
    readoption->call = call;
    readoption->revision = keeper_state(control->options.keeper)->revision;
    cJSON *params = cJSON_CreateObject();
    cJSON_AddStringToObject(params, "region", region_of(call));
    cJSON_AddBoolToObject(params, "dry_run", readopt_command(call).dry_run);
    sidecar_desk_ask(control->options.sidecar, "readopt", params, on_readopted, readoption);
}

void control_readopt_run(struct control_call *call)
{
    struct keeper *keeper = call->control->options.keeper;
    const char *request = json_text(call->request.params, "request");
    struct command command = readopt_command(call);
    struct decision decision;
    struct failure why;
    int code = request ? control_check_request_id(request, &why) : 0;
    if (code < 0) {
        control_call_refuse(call, code, why.text, rpc_error_data(code));
        return;
    }
    log_info("readopt_asked", LOG_TEXT("region", command.region), LOG_NUMBER("uid", call->uid),
        LOG_TEXT("user", call->by), LOG_TEXT("request", request),
        LOG_NUMBER("dry_run", command.dry_run));
    decide(keeper_state(keeper), keeper_world(keeper), &command, &decision);
    if (decision.verdict == VERDICT_REFUSED)
        refuse(call, decision.status, decision.words.text);
    else if (decision.verdict == VERDICT_NOTHING)
        control_call_return(call, readopt_result(true, false, NULL, decision.words.text));
    else
        ask_readopt(call);
    decision_fini(&decision);
}
