/* The methods, one function each. All start here: is there such a method, may this peer call it,
 * have its parameters the right shape. */
#include "base/json.h"
#include "base/log.h"
#include "failover/control_parts.h"
#include "failover/reload.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct control_method {
    const char *name;
    bool changes; /* needs the right to change things */
    void (*run)(struct control_call *call);
    const struct rpc_parameter *parameters; /* NULL: a command, control_command.c knows them */
};

static const struct rpc_parameter no_parameters[] = {{0}};
static const struct rpc_parameter hello_parameters[] = {{"role", RPC_TEXT}, {0}};
static const struct rpc_parameter request_parameters[] = {{"request", RPC_TEXT, true}, {0}};
static const struct rpc_parameter explain_parameters[] = {
    {"name", RPC_TEXT, true}, {"type", RPC_TEXT}, {0}};
static const struct rpc_parameter connections_parameters[] = {
    {"endpoint", RPC_TEXT}, {"limit", RPC_INTEGER}, {0}};
static const struct rpc_parameter reload_parameters[] = {{"request", RPC_TEXT}, {0}};
static const struct rpc_parameter flush_parameters[] = {{"name", RPC_TEXT}, {0}};

static void refuse(struct control_call *call, int code, const char *words)
{
    control_call_refuse(call, code, words, rpc_error_data(code));
}

static void log_call(const struct control_call *call, const char *event)
{
    const struct command *command = &call->command.command;
    char groups[256];
    command_groups_text(command, groups, sizeof groups);
    log_info(event, LOG_TEXT("method", call->request.method), LOG_NUMBER("uid", call->uid),
        LOG_TEXT("user", call->by), LOG_TEXT("region", command->region), LOG_TEXT("groups", groups),
        LOG_TEXT("step", command->step ? command->step->id : NULL),
        LOG_TEXT("reason", command->reason),
        LOG_TEXT("request", json_text(call->request.params, "request")),
        LOG_NUMBER("force", command->force));
}

static void on_change_done(void *context, const struct outcome *outcome)
{
    struct control_call *call = context;
    log_info("change_answered", LOG_TEXT("method", call->request.method),
        LOG_NUMBER("uid", call->uid), LOG_TEXT("user", call->by),
        LOG_NUMBER("status", outcome->status), LOG_NUMBER("epoch", outcome->epoch),
        LOG_TEXT("transition", outcome->transition), LOG_TEXT("words", outcome->words));
    control_call_outcome(call, outcome);
}

static void run_command(struct control_call *call)
{
    log_call(call, "change_asked");
    call->command.command.by = call->by;
    keeper_submit(call->control->options.keeper, &call->command.command, on_change_done, call);
}

static void run_reload(struct control_call *call)
{
    log_call(call, "change_asked");
    reload_configuration(call->control->options.keeper, on_change_done, call);
}

static void run_hello(struct control_call *call)
{
    struct control *control = call->control;
    const char *role = json_text(call->request.params, "role");
    if (role && strcmp(role, "sidecar") != 0) {
        refuse(call, RPC_INVALID_PARAMS, "role: \"sidecar\", or none");
        return;
    }
    if (role && control->sidecar && control->sidecar != call->connection) {
        refuse(call, RPC_OURS + EXIT_STATUS_REFUSED,
            "another sidecar is connected; one at a time drives a runbook");
        return;
    }
    if (role && call->connection && control->sidecar != call->connection)
        control_set_sidecar(control, call->connection);
    cJSON *result = cJSON_CreateObject();
    cJSON_AddNumberToObject(result, "protocol", CONTROL_PROTOCOL);
    json_add_text(result, "version", PILOTLIGHT_VERSION);
    json_add_text(result, "host", control->options.status->host);
    cJSON_AddBoolToObject(result, "sidecar", control->sidecar != NULL);
    control_call_return(call, result);
}

static void run_status(struct control_call *call)
{
    control_call_return(call, status_to_json(call->control->options.status));
}

static void run_watch(struct control_call *call)
{
    if (call->connection)
        call->connection->watching = true;
    run_status(call);
}

static void on_asked(void *context, const struct outcome *outcome)
{
    control_call_outcome(context, outcome);
}

static void ask_keeper(struct control_call *call)
{
    const char *request = json_text(call->request.params, "request");
    keeper_ask(call->control->options.keeper, request, on_asked, call);
}

static void on_turn(void *context, const struct peer_names *unused)
{
    (void)unused;
    ask_keeper(context);
}

/* "Nothing was changed" must stay true: a question stands behind every change that came before it,
 * those too whose peers are still being looked up. */
static void run_request(struct control_call *call)
{
    struct control *control = call->control;
    struct failure why;
    int code = control_check_request_id(json_text(call->request.params, "request"), &why);
    if (code < 0)
        refuse(call, code, why.text);
    else if (control->unnamed == 0)
        ask_keeper(call);
    else if (peer_desk_ask(control->desk, call->uid, "", on_turn, call) < 0)
        refuse(call, RPC_OURS + EXIT_STATUS_FAILED, "cannot wait for the changes before");
}

struct wait_end {
    struct outcome outcome;
    struct failure words;
};

/* Whether the waiting is over, and with what. */
static bool wait_is_over(const struct control *control, struct wait_end *ret)
{
    const struct state *state = keeper_state(control->options.keeper);
    const struct transition *running = state->transition;
    ret->outcome = (struct outcome){
        .words = ret->words.text, .revision = state->revision, .epoch = state->epoch};
    failure_set(&ret->words, 0, "no transition runs");
    if (!running)
        return true;
    ret->outcome.status = EXIT_STATUS_FAILED;
    ret->outcome.running = true;
    ret->outcome.transition = running->id;
    failure_set(&ret->words, 0, "the %s to %s has stopped%s%.500s",
        transition_kind_text(running->kind), running->to, running->error ? ": " : "",
        running->error ? running->error : "");
    return state_phase(state) == PHASE_STOPPED;
}

void control_wait_check(struct control *control)
{
    struct wait_end end;
    bool over = wait_is_over(control, &end);
    for (struct control_call **at = &control->waiting; *at;) {
        struct control_call *call = *at;
        if (!over && call->connection) {
            at = &call->next_waiting;
            continue;
        }
        *at = call->next_waiting;
        control_call_outcome(call, &end.outcome);
        at = &control->waiting; /* the answer may have closed a connection, and more be over */
    }
}

static void run_wait(struct control_call *call)
{
    struct wait_end end;
    if (wait_is_over(call->control, &end)) {
        control_call_outcome(call, &end.outcome);
        return;
    }
    call->next_waiting = call->control->waiting;
    call->control->waiting = call;
}

static void on_explained(void *context, cJSON *explanation)
{
    struct control_call *call = context;
    control_explain_relay(call->control, explanation);
    control_call_return(call, explanation);
}

static void run_explain(struct control_call *call)
{
    struct lookup *lookup = call->control->options.lookup;
    const char *type = json_text(call->request.params, "type");
    uint16_t number;
    struct name name;
    if (!name_from_text(json_text(call->request.params, "name"), &name))
        refuse(call, RPC_INVALID_PARAMS, "name: is no domain name");
    else if (!lookup->parse_type(type ? type : "A", &number))
        refuse(call, RPC_INVALID_PARAMS, "type: no such record type");
    else
        lookup->explain(
            lookup, call->control->options.main_loop, &name, number, on_explained, call);
}

static void on_flushed(void *context, uint64_t entries)
{
    cJSON *result = cJSON_CreateObject();
    cJSON_AddNumberToObject(result, "flushed", (double)entries);
    control_call_return(context, result);
}

static void run_flush(struct control_call *call)
{
    struct lookup *lookup = call->control->options.lookup;
    const char *text = json_text(call->request.params, "name");
    struct name name;
    if (text && !name_from_text(text, &name)) {
        refuse(call, RPC_INVALID_PARAMS, "name: is no domain name");
        return;
    }
    log_info(
        "flush", LOG_TEXT("name", text), LOG_NUMBER("uid", call->uid), LOG_TEXT("user", call->by));
    lookup->flush(lookup, call->control->options.main_loop, text ? &name : NULL, on_flushed, call);
}

static void run_history(struct control_call *call)
{
    cJSON *state = state_to_json(keeper_state(call->control->options.keeper));
    cJSON *result = cJSON_CreateObject();
    cJSON_AddItemToObject(
        result, "history", cJSON_DetachItemFromObjectCaseSensitive(state, "history"));
    cJSON_Delete(state);
    control_call_return(call, result);
}

static void run_ca(struct control_call *call)
{
    const struct control_options *options = &call->control->options;
    const char *pem = options->gateway_ca ? options->gateway_ca(options->gateway_context) : NULL;
    if (!pem) {
        refuse(call, RPC_OURS + EXIT_STATUS_FAILED,
            "there is no CA: no gateway serves TLS here, which takes an endpoint of type "
            "\"bucket\"");
        return;
    }
    cJSON *result = cJSON_CreateObject();
    json_add_text(result, "ca", pem);
    control_call_return(call, result);
}

static const struct control_method methods[] = {
    {"hello", false, run_hello, hello_parameters},
    {"status", false, run_status, no_parameters},
    {"watch", false, run_watch, no_parameters},
    {"failover", true, run_command, NULL},
    {"switchover", true, run_command, NULL},
    {"abort", true, run_command, NULL},
    {"retry", true, run_command, NULL},
    {"skip", true, run_command, NULL},
    {"approve", true, run_command, NULL},
    {"begin", true, run_command, NULL},
    {"fence", true, run_command, NULL},
    {"switch", true, run_command, NULL},
    {"step", true, run_command, NULL},
    {"end", true, run_command, NULL},
    {"request", false, run_request, request_parameters},
    {"wait", false, run_wait, no_parameters},
    {"explain", false, run_explain, explain_parameters},
    {"connections", false, control_list_relayed, connections_parameters},
    {"history", false, run_history, no_parameters},
    {"ready", false, control_ready_run, control_ready_parameters},
    {"ca", false, run_ca, no_parameters},
    {"plan", true, control_plan_run, control_plan_parameters},
    {"readopt", true, control_readopt_run, control_readopt_parameters},
    {"reload", true, run_reload, reload_parameters},
    {"flush", true, run_flush, flush_parameters},
};

static const struct control_method *find_method(const char *name)
{
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (strcmp(methods[i].name, name) == 0)
            return &methods[i];
    }
    return NULL;
}

static void deny(struct control_call *call)
{
    char words[256];
    snprintf(words, sizeof words,
        "%s may not %s here: only root, the daemon's user and members of the group %s", call->by,
        call->method->run == control_plan_run ? "use the sidecar" : "change anything",
        keeper_config(call->control->options.keeper)->control.operators);
    log_warning("change_denied", LOG_TEXT("method", call->request.method),
        LOG_NUMBER("uid", call->uid), LOG_TEXT("user", call->by));
    refuse(call, RPC_OURS + EXIT_STATUS_REFUSED, words);
}

static void on_named(void *context, const struct peer_names *names)
{
    struct control_call *call = context;
    struct control *control = call->control;
    control->unnamed--;
    control->has_operators = names->has_operators;
    control->operators = names->operators;
    snprintf(call->by, sizeof call->by, "%s", names->user);
    bool may = call->uid == geteuid() ||
               (names->has_operators && peer_has_group(&call->peer, names->operators));
    if (may)
        call->method->run(call);
    else
        deny(call);
}

/* Root is known without asking anybody. */
static void authorize(struct control_call *call)
{
    struct control *control = call->control;
    if (call->uid == 0) {
        snprintf(call->by, sizeof call->by, "root");
        call->method->run(call);
        return;
    }
    const char *operators = keeper_config(control->options.keeper)->control.operators;
    call->peer = peer_copy(&call->connection->peer);
    control->unnamed++;
    if (peer_desk_ask(control->desk, call->uid, operators, on_named, call) < 0) {
        control->unnamed--;
        refuse(call, RPC_OURS + EXIT_STATUS_FAILED, "cannot look up who you are");
    }
}

void control_call_start(struct control_call *call)
{
    struct failure why;
    const struct rpc_request *request = &call->request;
    call->method = find_method(request->method);
    if (!call->method) {
        refuse(call, RPC_NO_SUCH_METHOD, "no such method");
        return;
    }
    int code = call->method->parameters ? rpc_check(request->params, call->method->parameters, &why)
                                        : control_command_read(request, &call->command, &why);
    bool drives = call->method->run == run_hello && json_text(request->params, "role");
    if (code < 0)
        refuse(call, code, why.text);
    else if (call->method->changes || drives)
        authorize(call);
    else
        call->method->run(call);
}
