/* The method "ready": which region is meant, then ready.h. */
#include "base/json.h"
#include "failover/control_parts.h"

const struct rpc_parameter control_ready_parameters[] = {{"region", RPC_TEXT}, {0}};

static void refuse(struct control_call *call, int code, const char *words)
{
    control_call_refuse(call, code, words, rpc_error_data(code));
}

static void on_answer(void *context, cJSON *document)
{
    struct control_call *call = context;
    if (document)
        control_call_return(call, document);
    else
        refuse(call, RPC_OURS + EXIT_STATUS_FAILED, "the daemon stops");
}

void control_ready_run(struct control_call *call)
{
    const char *region = json_text(call->request.params, "region");
    const struct config *config = keeper_config(call->control->options.keeper);
    struct failure why;
    if (region && config_region(config, region) == CONFIG_NONE) {
        failure_set(&why, 0,
            "unknown region \"%.80s\"; \"pilotlight status\" shows those there are", region);
        refuse(call, RPC_OURS + EXIT_STATUS_USAGE, why.text);
        return;
    }
    ready_ask(call->control->options.ready, region, on_answer, call);
}
