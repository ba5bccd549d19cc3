/* The control protocol's client: one connection, one line a message, every wait with an end. See
 * pilotlight-control(7).
 *
 * Deadlines are on the boot clock, in milliseconds. */
#pragma once

#include "base/failure.h"
#include "failover/decide.h"

#include <cjson/cJSON.h>
#include <stddef.h>
#include <stdint.h>

#define RPC_LINE_MAX (4u << 20) /* of what the daemon says; more is not believed */
#define RPC_FOREVER UINT64_MAX

struct rpc {
    int socket; /* -1: not connected */
    uint64_t last_id;
    char *buffer;
    size_t size, used, scanned; /* scanned: no newline before it */
};

void rpc_init(struct rpc *rpc);
void rpc_close(struct rpc *rpc); /* may be connected again; frees everything */

/* -ENOENT, -ECONNREFUSED: no daemon; -EACCES …; -ETIMEDOUT. Closes what was open. */
int rpc_connect(struct rpc *rpc, const char *path, uint64_t deadline_ms, struct failure *why);

/* Sends a request; `params` is taken. 0 means that the whole line was written: on any error the
 * daemon has not read a request and does nothing. -EINVAL: the words cannot be sent. */
int rpc_send(
    struct rpc *rpc, const char *method, cJSON *params, uint64_t deadline_ms, struct failure *why);

/* The next message, the caller's. -ETIMEDOUT; -ECONNRESET when the daemon is gone; -EPROTO when it
 * talks nonsense. */
int rpc_receive(struct rpc *rpc, uint64_t deadline_ms, cJSON **ret_message, struct failure *why);

/* How a request went, whoever says so: the daemon, or we ourselves when it could not be asked. */
struct reply {
    cJSON *message;
    const cJSON *result; /* inside `message`; NULL with an error */
    enum exit_status status;
    struct failure words; /* of an error, or the outcome's message; "" when there are none */
    char force[16];       /* the word that overrides a refusal, "" when none does */
};

void reply_fini(struct reply *reply); /* may be used again */
void reply_fail(struct reply *reply, enum exit_status status, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Waits for the reply to the last request; notifications on the way are dropped. 0 when there is
 * one, else as rpc_receive. */
int rpc_await(struct rpc *rpc, uint64_t deadline_ms, struct reply *ret, struct failure *why);
