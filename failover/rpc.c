/* On the good day: a line is one JSON object with "jsonrpc", "method" and perhaps "id" and
 * "params", the parameters are those that the method knows, and a reply is printed on one line.
 *
 * What can go wrong is what the peer sends: base/json.h refuses what is no JSON, here is refused
 * what is no request. Words always name what is wrong; the id is echoed as soon as it is known. */
#include "failover/rpc.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/utf8.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ID_NUMBER_MAX 4503599627370495.0 /* 2^52 - 1: beyond it cJSON prints another number */

static bool id_is_valid(const cJSON *id)
{
    if (cJSON_IsString(id))
        return strlen(id->valuestring) <= RPC_ID_MAX;
    if (cJSON_IsNumber(id))
        return fabs(id->valuedouble) <= ID_NUMBER_MAX && id->valuedouble == floor(id->valuedouble);
    return cJSON_IsNull(id);
}

static int parse_members(struct rpc_request *ret, struct failure *why)
{
    if (cJSON_IsArray(ret->root))
        return failure_set(why, RPC_INVALID_REQUEST, "batches are not taken: one object a line");
    if (!cJSON_IsObject(ret->root))
        return failure_set(why, RPC_INVALID_REQUEST, "a request is an object");
    const cJSON *id = json_member(ret->root, "id");
    if (id && !id_is_valid(id))
        return failure_set(why, RPC_INVALID_REQUEST,
            "id: a string of at most %d bytes, a whole number or null", RPC_ID_MAX);
    ret->id = id;
    const char *version = json_text(ret->root, "jsonrpc");
    if (!version || strcmp(version, "2.0") != 0)
        return failure_set(why, RPC_INVALID_REQUEST, "jsonrpc: must be \"2.0\"");
    ret->method = json_text(ret->root, "method");
    if (!ret->method)
        return failure_set(why, RPC_INVALID_REQUEST, "method: must be a string");
    ret->params = json_member(ret->root, "params");
    if (cJSON_IsArray(ret->params))
        return failure_set(why, RPC_INVALID_PARAMS, "params: are given by name, in an object");
    if (ret->params && !cJSON_IsObject(ret->params))
        return failure_set(why, RPC_INVALID_REQUEST, "params: must be an object");
    return 0;
}

int rpc_parse(const char *line, size_t size, struct rpc_request *ret, struct failure *why)
{
    *ret = (struct rpc_request){0};
    if (size > RPC_LINE_MAX)
        return failure_set(why, RPC_INVALID_REQUEST, "a line is at most %u bytes", RPC_LINE_MAX);
    if (json_parse(line, size, &ret->root, NULL, why) < 0)
        return RPC_PARSE_ERROR;
    return parse_members(ret, why);
}

bool rpc_is_reply(const struct rpc_request *request)
{
    const cJSON *root = request->root;
    return cJSON_IsObject(root) && !json_member(root, "method") &&
           (json_member(root, "result") || json_member(root, "error"));
}

void rpc_request_fini(struct rpc_request *request)
{
    cJSON_Delete(request->root);
    *request = (struct rpc_request){0};
}

static bool all_texts(const cJSON *list)
{
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        if (!cJSON_IsString(item))
            return false;
    }
    return true;
}

static int check_type(const cJSON *value, const struct rpc_parameter *known, struct failure *why)
{
    static const char *const wanted[] = {
        [RPC_TEXT] = "a string",
        [RPC_BOOL] = "true or false",
        [RPC_INTEGER] = "a whole number, 0 or more",
        [RPC_TEXTS] = "a list of strings",
        [RPC_OBJECT] = "an object",
        [RPC_FORCE] = "true, or a list of words",
    };
    uint64_t number;
    bool is_list = cJSON_IsArray(value) && all_texts(value);
    bool fits = known->type == RPC_TEXT      ? cJSON_IsString(value)
                : known->type == RPC_BOOL    ? cJSON_IsBool(value)
                : known->type == RPC_INTEGER ? json_is_integer(value, &number)
                : known->type == RPC_TEXTS   ? is_list
                : known->type == RPC_OBJECT  ? cJSON_IsObject(value)
                                             : is_list || cJSON_IsBool(value);
    return fits ? 0
                : failure_set(
                      why, RPC_INVALID_PARAMS, "%s: must be %s", known->name, wanted[known->type]);
}

static const struct rpc_parameter *find_known(const struct rpc_parameter *known, const char *name)
{
    for (; known->name; known++) {
        if (strcmp(known->name, name) == 0)
            return known;
    }
    return NULL;
}

int rpc_check(const cJSON *params, const struct rpc_parameter *known, struct failure *why)
{
    const cJSON *value;
    cJSON_ArrayForEach(value, params)
    {
        const struct rpc_parameter *parameter = find_known(known, value->string);
        if (!parameter)
            return failure_set(why, RPC_INVALID_PARAMS, "%.64s: no such parameter", value->string);
        if (json_member(params, value->string) != value)
            return failure_set(why, RPC_INVALID_PARAMS, "%s: is given twice", value->string);
        int status = cJSON_IsNull(value) ? 0 : check_type(value, parameter, why);
        if (status < 0)
            return status;
    }
    for (; known->name; known++) {
        value = json_member(params, known->name);
        if (known->required && (!value || cJSON_IsNull(value)))
            return failure_set(why, RPC_INVALID_PARAMS, "%s: must be given", known->name);
    }
    return 0;
}

int rpc_force(const cJSON *value, unsigned *ret_bits, struct failure *why)
{
    *ret_bits = cJSON_IsTrue(value) ? FORCE_ALL : 0;
    if (!cJSON_IsArray(value))
        return 0;
    const cJSON *word;
    cJSON_ArrayForEach(word, value)
    {
        unsigned bit;
        if (!force_parse(word->valuestring, &bit))
            return failure_set(
                why, RPC_INVALID_PARAMS, "force: \"%.64s\" is no such word", word->valuestring);
        *ret_bits |= bit;
    }
    return 0;
}

char *rpc_line(cJSON *message)
{
    char *text = cJSON_PrintUnformatted(message);
    cJSON_Delete(message);
    char *line = memory_format("%s\n", text ? text : "");
    cJSON_free(text);
    return line;
}

static cJSON *message_new(void)
{
    cJSON *message = cJSON_CreateObject();
    cJSON_AddStringToObject(message, "jsonrpc", "2.0");
    return message;
}

static void add_id(cJSON *message, const cJSON *id)
{
    cJSON_AddItemToObject(message, "id", id ? cJSON_Duplicate(id, false) : cJSON_CreateNull());
}

char *rpc_result(const cJSON *id, cJSON *result)
{
    cJSON *message = message_new();
    add_id(message, id);
    cJSON_AddItemToObject(message, "result", result);
    return rpc_line(message);
}

char *rpc_error(const cJSON *id, int code, const char *text, cJSON *data)
{
    cJSON *message = message_new();
    add_id(message, id);
    cJSON *error = cJSON_AddObjectToObject(message, "error");
    cJSON_AddNumberToObject(error, "code", code);
    char *words = memory_text(text); /* a user's may have been cut anywhere */
    utf8_mend(words);
    cJSON_AddStringToObject(error, "message", words);
    free(words);
    if (data)
        cJSON_AddItemToObject(error, "data", data);
    return rpc_line(message);
}

char *rpc_notification(const char *method, cJSON *params)
{
    cJSON *message = message_new();
    cJSON_AddStringToObject(message, "method", method);
    cJSON_AddItemToObject(message, "params", params);
    return rpc_line(message);
}

cJSON *rpc_error_data(int code)
{
    cJSON *data = cJSON_CreateObject();
    int status = code >= RPC_OURS ? code - RPC_OURS : EXIT_STATUS_USAGE;
    cJSON_AddNumberToObject(data, "status", status);
    cJSON_AddNullToObject(data, "force");
    return data;
}
