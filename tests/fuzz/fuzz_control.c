/* Lines from the control socket, as far as a peer's bytes go before somebody decides: framing's
 * one line → request → command, and the reply that an error makes. */
#include "failover/control_command.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct rpc_request request;
    struct control_command command;
    struct failure why = {{0}};
    int code = rpc_parse((const char *)data, size, &request, &why);
    if (code == 0 && control_is_command(request.method)) {
        code = control_command_read(&request, &command, &why);
        if (code == 0 && command.command.request &&
            control_check_request_id(command.command.request, &why) != 0)
            abort(); /* a command never carries an id that was not checked */
    }
    if (code == 0 && rpc_is_reply(&request))
        abort(); /* what has a method is a request */
    if (code != 0)
        free(rpc_error(request.id, code, why.text, rpc_error_data(code)));
    else
        free(rpc_result(request.id, cJSON_CreateTrue()));
    rpc_request_fini(&request);
    return 0;
}
