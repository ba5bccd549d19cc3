/* What control asks of the relays: a list of their connections, and one endpoint's numbers.
 *
 * On the good day a list is asked for, put together by the proxies' loops, and sent.
 *
 * What can go wrong: anybody on the host may ask, as often as they like, and a list is the largest
 * thing that is printed here. So there is one at a time; those who wait for theirs stand in line,
 * and everything else that is due on the main loop comes between two of them. */
#include "base/json.h"
#include "base/text.h"
#include "failover/control_parts.h"
#include "failover/relay_status.h"

#include <string.h>

#define QUOTED_MAX 80 /* bytes of what was asked for */

static void list_next(struct control *control);

static void return_list(struct control_call *call, cJSON *connections, uint64_t omitted)
{
    cJSON *result = cJSON_CreateObject();
    cJSON_AddItemToObject(result, "connections", connections);
    cJSON_AddNumberToObject(result, "omitted", (double)omitted);
    control_call_return(call, result);
}

static void on_listed(void *context, cJSON *connections, uint64_t omitted)
{
    struct control_call *call = context;
    call->control->is_listing = false;
    list_next(call->control); /* before the reply, which may be the last thing control does */
    return_list(call, connections, omitted);
}

static unsigned limit_of(const struct control_call *call)
{
    uint64_t limit;
    if (!json_integer(call->request.params, "limit", &limit))
        return CONTROL_LISTED_DEFAULT;
    return limit < CONTROL_LISTED_MAX ? (unsigned)limit : CONTROL_LISTED_MAX;
}

/* The first in line whose peer is still there. */
static void list_next(struct control *control)
{
    while (control->listings && !control->is_listing) {
        struct control_call *call = control->listings;
        struct relays *relays = control->options.relays;
        control->listings = call->next_waiting;
        if (!call->connection) {
            return_list(call, cJSON_CreateArray(), 0);
            continue;
        }
        control->is_listing = true;
        relays->list(
            relays, json_text(call->request.params, "endpoint"), limit_of(call), on_listed, call);
    }
}

static void refuse_endpoint(struct control_call *call, const char *endpoint)
{
    const struct config *config = keeper_config(call->control->options.keeper);
    const char *before = "; the configuration has relays for ";
    struct text words = {0};
    size_t size = strnlen(endpoint, QUOTED_MAX);
    while (size > 0 && (endpoint[size] & 0xc0) == 0x80) /* not within a code point */
        size--;
    text_format(&words, "unknown endpoint \"%.*s\"", (int)size, endpoint);
    for (size_t i = 0; i < config->endpoint_count; i++) {
        if (!config->endpoints[i].relay)
            continue;
        text_format(&words, "%s%s", before, config->endpoints[i].id);
        before = ", ";
    }
    int code = RPC_OURS + EXIT_STATUS_USAGE;
    control_call_refuse(call, code, words.data, rpc_error_data(code));
    text_fini(&words);
}

static bool is_guests(const struct control_call *call)
{
    return !call->connection || call->connection->guest;
}

/* Operators before guests. */
static void stand_in_line(struct control_call *call)
{
    struct control_call **at = &call->control->listings;
    while (*at && (is_guests(call) || !is_guests(*at)))
        at = &(*at)->next_waiting;
    call->next_waiting = *at;
    *at = call;
}

void control_list_relayed(struct control_call *call)
{
    struct control *control = call->control;
    const char *endpoint = json_text(call->request.params, "endpoint");
    if (endpoint &&
        config_endpoint(keeper_config(control->options.keeper), endpoint) == CONFIG_NONE) {
        refuse_endpoint(call, endpoint);
    } else if (!control->options.relays) {
        return_list(call, cJSON_CreateArray(), 0);
    } else {
        stand_in_line(call);
        list_next(control);
    }
}

void control_explain_relay(struct control *control, cJSON *explanation)
{
    const struct config *config = keeper_config(control->options.keeper);
    const char *id = json_text(explanation, "endpoint");
    size_t endpoint = id ? config_endpoint(config, id) : CONFIG_NONE;
    if (endpoint == CONFIG_NONE)
        return;
    cJSON *relay = relay_to_json(control->options.relays, &config->endpoints[endpoint]);
    if (relay)
        cJSON_AddItemToObject(explanation, "relay", relay);
}
