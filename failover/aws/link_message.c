/* What is said on the line: our calls and their replies, the daemon's status, its questions.
 *
 * The daemon is believed to be what it is: whoever could stand in for it could as well write its
 * record. So a line is bounded in bytes and read leniently, and what is in it counts only after
 * state_from_json. */
#include "failover/aws/link_parts.h"

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "failover/rpc.h"

#include <stdlib.h>
#include <string.h>

struct sent {
    uv_write_t write;
    char *line;
};

static void on_sent(uv_write_t *write, int status)
{
    struct sent *sent = (struct sent *)write;
    (void)status; /* a line that broke is noticed where it is read */
    free(sent->line);
    free(sent);
}

static void send_line(struct link *link, char *line)
{
    struct sent *sent = memory_new(sizeof *sent);
    sent->line = line;
    uv_buf_t part = uv_buf_init(line, (unsigned)strlen(line));
    int status = uv_write(&sent->write, (uv_stream_t *)&link->pipe, &part, 1, on_sent);
    if (status < 0)
        on_sent(&sent->write, status);
}

static char *print_request(uint64_t id, const char *method, cJSON *params)
{
    cJSON *message = cJSON_CreateObject();
    cJSON_AddStringToObject(message, "jsonrpc", "2.0");
    cJSON_AddNumberToObject(message, "id", (double)id);
    cJSON_AddStringToObject(message, "method", method);
    if (params)
        cJSON_AddItemToObject(message, "params", params);
    char *text = cJSON_PrintUnformatted(message);
    char *line = memory_format("%s\n", text);
    cJSON_free(text);
    cJSON_Delete(message);
    return line;
}

static void send_call(
    struct link *link, const char *method, cJSON *params, link_replied *replied, void *context)
{
    struct link_call *call = memory_new(sizeof *call);
    *call = (struct link_call){
        .id = ++link->last_id, .replied = replied, .context = context, .next = link->calls};
    link->calls = call;
    send_line(link, print_request(call->id, method, params));
}

void link_call(
    struct link *link, const char *method, cJSON *params, link_replied *replied, void *context)
{
    if (link->phase == LINK_UP) {
        send_call(link, method, params, replied, context);
        return;
    }
    cJSON_Delete(params);
    struct link_call *call = memory_new(sizeof *call);
    *call = (struct link_call){.replied = replied, .context = context, .next = link->calls};
    link->calls = call;
    link_flush(link);
}

static void hear_status(struct link *link, const cJSON *status)
{
    link->options.changed(link->options.context, status);
}

static void on_watching(void *context, int status, const char *words, const cJSON *result)
{
    struct link *link = context;
    if (status == EXIT_STATUS_NO_DAEMON)
        return;
    if (status != 0) {
        link_break(link, words);
        return;
    }
    link_is_up(link);
    hear_status(link, result);
}

/* Another sidecar's place is waited for like a daemon that is not there. */
static void on_greeted(void *context, int status, const char *words, const cJSON *result)
{
    struct link *link = context;
    (void)result;
    if (status == EXIT_STATUS_NO_DAEMON)
        return;
    if (status == EXIT_STATUS_REFUSED)
        link->options.taken(link->options.context);
    if (status != 0)
        link_break(link, words);
    else
        send_call(link, "watch", NULL, on_watching, link);
}

void link_greet(struct link *link)
{
    cJSON *params = cJSON_CreateObject();
    cJSON_AddStringToObject(params, "role", "sidecar");
    link->phase = LINK_GREETING;
    send_call(link, "hello", params, on_greeted, link);
}

static struct link_call *take_call(struct link *link, const cJSON *message)
{
    uint64_t id;
    if (!json_integer(message, "id", &id))
        return NULL;
    for (struct link_call **at = &link->calls; *at; at = &(*at)->next) {
        struct link_call *found = *at;
        if (found->id != id)
            continue;
        *at = found->next;
        return found;
    }
    return NULL;
}

/* JSON-RPC's own errors are mistakes of ours: the exit status of a failure. */
static int error_status(const cJSON *error)
{
    uint64_t code;
    bool ours = json_integer(error, "code", &code) && code > RPC_OURS && code <= RPC_OURS + 5;
    return ours ? (int)(code - RPC_OURS) : EXIT_STATUS_FAILED;
}

static void hear_reply(struct link *link, const cJSON *message)
{
    struct link_call *call = take_call(link, message);
    const cJSON *error = json_member(message, "error");
    const char *words = json_text(error, "message");
    if (!call)
        return;
    if (error)
        call->replied(
            call->context, error_status(error), words ? words : "refused without words", NULL);
    else
        call->replied(call->context, 0, NULL, json_member(message, "result"));
    free(call);
}

static void hear_question(struct link *link, const cJSON *message, const char *method)
{
    struct link_question *question = memory_new(sizeof *question);
    *question = (struct link_question){.link = link,
        .connection = link->connection,
        .id = cJSON_Duplicate(json_member(message, "id"), false),
        .next = link->questions};
    link->questions = question;
    link->options.asked(link->options.context, method, json_member(message, "params"), question);
}

void link_hear(struct link *link, const char *line, size_t size)
{
    cJSON *message = cJSON_ParseWithLength(line, size);
    const char *method = json_text(message, "method");
    bool has_id = json_member(message, "id") != NULL;
    if (!cJSON_IsObject(message))
        link_break(link, "pilotlightd said what is no JSON-RPC");
    else if (!method)
        hear_reply(link, message);
    else if (has_id)
        hear_question(link, message, method);
    else if (strcmp(method, "state") == 0 && link->phase == LINK_UP)
        hear_status(link, json_member(message, "params"));
    cJSON_Delete(message);
}

/* Whether anybody hears the answer still. It is gone from the list. */
static bool take_question(struct link_question *question)
{
    struct link *link = question->link;
    if (!link)
        return false;
    struct link_question **at = &link->questions;
    while (*at != question)
        at = &(*at)->next;
    *at = question->next;
    return link->phase == LINK_UP && link->connection == question->connection;
}

static void free_question(struct link_question *question)
{
    cJSON_Delete(question->id);
    free(question);
}

void link_answer(struct link_question *question, cJSON *result)
{
    if (take_question(question))
        send_line(question->link, rpc_result(question->id, result));
    else
        cJSON_Delete(result);
    free_question(question);
}

void link_refuse(struct link_question *question, enum exit_status status, const char *words)
{
    int code = RPC_OURS + (int)status;
    if (take_question(question))
        send_line(question->link, rpc_error(question->id, code, words, rpc_error_data(code)));
    free_question(question);
}

/* Whoever answers them later finds that nobody listens. */
void link_forget_questions(struct link *link)
{
    for (struct link_question *at = link->questions; at; at = at->next)
        at->link = NULL;
    link->questions = NULL;
}
