/* From a request's parameters to a `struct command`: every type, length and word is checked here,
 * so that what goes on to be decided has the shape that decide.h expects. */
#pragma once

#include "failover/rpc.h"

struct control_command {
    struct command command; /* borrows from the request and from what is below */
    const char *groups[CONFIG_GROUPS_MAX];
    struct transition_step step;
};

/* Whether `method` is a change of the record: those that have a `struct command`. */
bool control_is_command(const char *method);

/* `command.by` is left to the caller. 0, or RPC_INVALID_PARAMS with words. */
int control_command_read(
    const struct rpc_request *request, struct control_command *ret, struct failure *why);

/* At most STATE_REQUEST_MAX bytes of printable ASCII without spaces. */
int control_check_request_id(const char *request, struct failure *why);
