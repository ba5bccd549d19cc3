/* On the good day: one request, then a line whenever something changed. When the connection breaks
 * we ask again until the daemon is back; the first status after that holds whatever we missed. */
#include "programs/cli_watch.h"

#include "base/clock.h"
#include "base/json.h"

#include <errno.h>
#include <string.h>

/* The status out of a reply ("result") or a notification ("params"), which is freed. */
static cJSON *take_status(cJSON *message, const char *member)
{
    cJSON *status = cJSON_DetachItemFromObjectCaseSensitive(message, member);
    cJSON_Delete(message);
    return status;
}

int watch_start(struct watch *watch, struct session *session, cJSON **ret_status, struct reply *ret)
{
    *watch = (struct watch){.session = session, .patience_ms = SESSION_PATIENCE_MS};
    *ret_status = NULL;
    session_ask(session, "watch", NULL, ret);
    if (!ret->result) {
        if (ret->status == EXIT_STATUS_DONE)
            reply_fail(ret, EXIT_STATUS_FAILED, "the daemon's answer to \"watch\" has no status");
        return -EPROTO;
    }
    watch->connected = true;
    *ret_status = take_status(ret->message, "result");
    ret->message = NULL;
    reply_fini(ret);
    return 0;
}

static int reconnect(struct watch *watch, uint64_t deadline_ms, cJSON **ret_status)
{
    struct failure why;
    struct reply reply = {0};
    struct rpc *rpc = &watch->session->rpc;
    int status = rpc_connect(rpc, watch->session->socket, deadline_ms, &why);
    if (status == 0)
        status = rpc_send(rpc, "watch", NULL, deadline_ms, &why);
    if (status == 0)
        status = rpc_await(rpc, deadline_ms, &reply, &why);
    if (status == 0 && !reply.result)
        status = -EPROTO;
    if (status < 0) {
        reply_fini(&reply);
        return status;
    }
    watch->connected = true;
    *ret_status = take_status(reply.message, "result");
    return 0;
}

static int find_again(struct watch *watch, uint64_t deadline_ms, cJSON **ret_status)
{
    unsigned pause_ms = 0;
    if (clock_boot_ms() + watch->patience_ms < deadline_ms)
        deadline_ms = clock_boot_ms() + watch->patience_ms;
    while (reconnect(watch, deadline_ms, ret_status) < 0) {
        if (clock_boot_ms() >= deadline_ms)
            return -ECONNRESET;
        session_pause(&pause_ms);
    }
    return 0;
}

int watch_next(struct watch *watch, uint64_t until_ms, uint64_t deadline_ms, cJSON **ret_status)
{
    struct failure why;
    *ret_status = NULL;
    while (watch->connected) {
        cJSON *message;
        int status = rpc_receive(&watch->session->rpc, until_ms, &message, &why);
        if (status == -ETIMEDOUT)
            return status;
        watch->connected = status == 0;
        if (status < 0)
            break;
        const char *method = json_text(message, "method");
        *ret_status = take_status(message, method && strcmp(method, "state") == 0 ? "params" : "");
        if (*ret_status)
            return 0;
    }
    return find_again(watch, deadline_ms, ret_status);
}
