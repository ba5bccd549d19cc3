/* On the good day each question has its reply within seconds.
 *
 * What can go wrong is said to who asked: no sidecar is there, it says no, it is silent for too
 * long, its line breaks, or its reply makes no sense. A reply that nobody waits for (a late one, a
 * second one, an id that was never given) is dropped with a line in the log. */
#include "failover/sidecar_desk.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "failover/rpc.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct question {
    struct question *next;
    char id[24];
    uint64_t due_ms;
    sidecar_answered *answered;
    void *context;
};

struct sidecar_desk {
    uint64_t patience_ms;
    uv_timer_t timer;           /* of the first question: all are as patient */
    struct question *questions; /* the oldest first */
    unsigned count;
    uint64_t last_id; /* never given twice: a reply to an older sidecar's question is nobody's */
    sidecar_send *send;
    void *send_context;
    loop_call *freed;
    void *freed_context;
};

static void on_time(uv_timer_t *timer);

static void arm(struct sidecar_desk *desk)
{
    uint64_t now_ms = clock_boot_ms();
    if (!desk->questions) {
        uv_timer_stop(&desk->timer);
        return;
    }
    uint64_t due_ms = desk->questions->due_ms;
    uv_timer_start(&desk->timer, on_time, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

static struct question *take(struct sidecar_desk *desk, struct question **at)
{
    struct question *question = *at;
    *at = question->next;
    desk->count--;
    arm(desk);
    return question;
}

static void fail(struct question *question, enum exit_status status, const char *words)
{
    question->answered(question->context, status, words, NULL);
    free(question);
}

static void on_time(uv_timer_t *timer)
{
    struct sidecar_desk *desk = timer->data;
    char words[160];
    snprintf(words, sizeof words,
        "the sidecar did not answer within %" PRIu64 " s; its log says what it does (journalctl -u "
        "pilotlight-sidecar)",
        desk->patience_ms / 1000);
    while (desk->questions && desk->questions->due_ms <= clock_boot_ms())
        fail(take(desk, &desk->questions), EXIT_STATUS_FAILED, words);
    arm(desk);
}

struct sidecar_desk *sidecar_desk_new(struct loop *loop, uint64_t patience_ms)
{
    struct sidecar_desk *desk = memory_new(sizeof *desk);
    desk->patience_ms = patience_ms;
    uv_timer_init(&loop->uv, &desk->timer);
    desk->timer.data = desk;
    return desk;
}

static void on_closed(uv_handle_t *handle)
{
    struct sidecar_desk *desk = handle->data;
    loop_call *freed = desk->freed;
    void *context = desk->freed_context;
    free(desk);
    freed(context);
}

void sidecar_desk_free(struct sidecar_desk *desk, loop_call *freed, void *context)
{
    assert(!desk->questions);
    desk->freed = freed;
    desk->freed_context = context;
    uv_close((uv_handle_t *)&desk->timer, on_closed);
}

void sidecar_desk_connect(struct sidecar_desk *desk, sidecar_send *send, void *context)
{
    desk->send = send;
    desk->send_context = context;
    while (!send && desk->questions)
        fail(take(desk, &desk->questions), EXIT_STATUS_FAILED,
            "the sidecar's connection was lost before it answered: it comes back by itself, ask "
            "again");
}

bool sidecar_desk_is_connected(const struct sidecar_desk *desk)
{
    return desk->send != NULL;
}

static char *print_question(const char *id, const char *method, cJSON *params)
{
    cJSON *message = cJSON_CreateObject();
    cJSON_AddStringToObject(message, "jsonrpc", "2.0");
    cJSON_AddStringToObject(message, "id", id);
    cJSON_AddStringToObject(message, "method", method);
    cJSON_AddItemToObject(message, "params", params);
    return rpc_line(message);
}

void sidecar_desk_ask(struct sidecar_desk *desk, const char *method, cJSON *params,
    sidecar_answered *answered, void *context)
{
    bool busy = desk->count >= SIDECAR_QUESTIONS_MAX;
    if (!desk->send || busy) {
        cJSON_Delete(params);
        answered(context, busy ? EXIT_STATUS_FAILED : EXIT_STATUS_REFUSED,
            busy ? "the sidecar has too many questions to answer already: try again later"
                 : "no sidecar is connected to this daemon: start pilotlight-sidecar on this host "
                   "(systemctl start pilotlight-sidecar)",
            NULL);
        return;
    }
    struct question *question = memory_new(sizeof *question), **end = &desk->questions;
    *question = (struct question){
        .due_ms = clock_boot_ms() + desk->patience_ms, .answered = answered, .context = context};
    snprintf(question->id, sizeof question->id, "d%" PRIu64, ++desk->last_id);
    char *line = print_question(question->id, method, params);
    while (*end)
        end = &(*end)->next;
    *end = question;
    desk->count++;
    arm(desk);
    desk->send(desk->send_context, line); /* the last: a line that breaks answers the question */
}

void sidecar_desk_forget(struct sidecar_desk *desk, const void *context)
{
    for (struct question **at = &desk->questions; *at;) {
        if ((*at)->context == context)
            free(take(desk, at));
        else
            at = &(*at)->next;
    }
}

static struct question **find(struct sidecar_desk *desk, const char *id)
{
    struct question **at = &desk->questions;
    while (*at && (!id || strcmp((*at)->id, id) != 0))
        at = &(*at)->next;
    return at;
}

/* Its own exit status, if it is one that an answer can have. */
static enum exit_status status_of(const cJSON *error)
{
    uint64_t code;
    if (!json_integer(error, "code", &code))
        return EXIT_STATUS_FAILED;
    if (code == RPC_OURS + EXIT_STATUS_USAGE)
        return EXIT_STATUS_USAGE;
    return code == RPC_OURS + EXIT_STATUS_REFUSED ? EXIT_STATUS_REFUSED : EXIT_STATUS_FAILED;
}

void sidecar_desk_hear(struct sidecar_desk *desk, const cJSON *message)
{
    const char *id = json_text(message, "id");
    const cJSON *result = json_member(message, "result"), *error = json_member(message, "error");
    struct question **at = find(desk, id);
    if (!*at) {
        log_warning("sidecar_reply_dropped", LOG_TEXT("id", id),
            LOG_TEXT("why", "no question of this id waits: it is late, or a second one"));
        return;
    }
    struct question *question = take(desk, at);
    if (cJSON_IsObject(result) && !error) {
        question->answered(question->context, EXIT_STATUS_DONE, "", result);
        free(question);
        return;
    }
    const char *words = json_text(error, "message");
    bool says_no = !result && words && *words;
    fail(question, says_no ? status_of(error) : EXIT_STATUS_FAILED,
        says_no
            ? words
            : "the sidecar's answer makes no sense: is it of another version than pilotlightd?");
}
