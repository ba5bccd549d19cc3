/* JSON-RPC 2.0 as lines: what came in, and what goes out. Pure text in, pure text out; no socket,
 * no state (pilotlight-control(7) has the protocol). */
#pragma once

#include "base/failure.h"
#include "failover/decide.h"

#include <cjson/cJSON.h>
#include <stdbool.h>
#include <stddef.h>

#define RPC_LINE_MAX (1u << 20) /* bytes of a line, without its newline */
#define RPC_ID_MAX 1024         /* bytes of an id that is a string */

enum rpc_code {
    RPC_PARSE_ERROR = -32700,
    RPC_INVALID_REQUEST = -32600,
    RPC_NO_SUCH_METHOD = -32601,
    RPC_INVALID_PARAMS = -32602,
    RPC_OURS = 1000 /* plus the exit status */
};

struct rpc_request {
    cJSON *root; /* owns everything below */
    const char *method;
    const cJSON *id;     /* NULL: a notification, to which nobody expects a reply */
    const cJSON *params; /* an object, or NULL */
};

/* One line without its newline. 0, or the code of the error with words; `ret->id` is then what the
 * reply must carry (NULL stands for null). Finish `ret` in either case. */
int rpc_parse(const char *line, size_t size, struct rpc_request *ret, struct failure *why);
void rpc_request_fini(struct rpc_request *request);

/* Whether a line that is no request would be a reply: no method, but a result or an error. */
bool rpc_is_reply(const struct rpc_request *request);

enum rpc_type { RPC_TEXT, RPC_BOOL, RPC_INTEGER, RPC_TEXTS, RPC_OBJECT, RPC_FORCE };

struct rpc_parameter {
    const char *name; /* NULL ends a list */
    enum rpc_type type;
    bool required;
};

/* Every member of `params` (NULL: none) is listed in `known`, once, with its type; null counts as
 * not given. 0, or RPC_INVALID_PARAMS with words that name the parameter. */
int rpc_check(const cJSON *params, const struct rpc_parameter *known, struct failure *why);

/* `true`, `false` or a list of words, as bits. 0, or RPC_INVALID_PARAMS. */
int rpc_force(const cJSON *value, unsigned *ret_bits, struct failure *why);

/* Lines to send, newline included; the caller frees. `message`, `result`, `data` and `params` are
 * taken. */
char *rpc_line(cJSON *message);
char *rpc_result(const cJSON *id, cJSON *result);
char *rpc_error(const cJSON *id, int code, const char *message, cJSON *data);
char *rpc_notification(const char *method, cJSON *params);

/* An error's "data" where there is no outcome: the exit status that the code stands for. */
cJSON *rpc_error_data(int code);
