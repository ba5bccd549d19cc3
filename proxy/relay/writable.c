/* Asks again and again until the answer is yes twice in a row:
 *
 *     wait → read the password, look up → probe an address → verdict → wait …
 *
 * One question has one deadline for all its parts. Where an address takes no connection, the next
 * one of the same answer is tried at once; where one is silent, the next question begins with
 * another. What can go wrong besides: the lookup answers long after the deadline (the next question
 * then waits for the same answer), or all is to end while a callback is still to come: the last one
 * frees. */
#include "proxy/relay/writable.h"

#include "base/file.h"
#include "base/memory.h"
#include "proxy/relay/probe.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define YES_IN_A_ROW 2
#define PASSWORD_MAX 4096
#define WORDS_SIZE (PROBE_WORDS_SIZE + 256)

enum phase { PHASE_WAITING, PHASE_LOOKING_UP, PHASE_PROBING, PHASE_DONE };

struct writable {
    struct loop *loop;
    struct lookup *lookup;
    struct config *config;
    const struct probe_kind *kind;
    enum config_probe_type type;
    char *endpoint, *user, *password_file, *database;
    struct config_target target; /* its text is our copy */
    writable_done *done;
    void *context;
    loop_call *freed; /* NULL: nobody waits for it */
    void *freed_context;

    enum phase phase;
    unsigned yes; /* in a row */
    char words[WORDS_SIZE];

    struct lookup_answer answer;
    unsigned silent; /* addresses that let a question's time go by: where the next one begins */
    unsigned tried;  /* addresses of this question */
    char *password;  /* of this question; NULL: none */
    size_t password_size;
    struct probe_question question;
    void *probe;      /* NULL: none */
    uv_poll_t *watch; /* NULL: none; frees itself when closed */

    uv_timer_t timer; /* the next question, or the deadline of this one */
    bool looking_up;  /* an answer is still to come, perhaps one that nobody waits for */
    bool stopped, timer_closed;
};

static void start_question(uv_timer_t *timer);
static void on_deadline(uv_timer_t *timer);
static void on_event(uv_poll_t *watch, int status, int events);

int writable_prepare(enum config_probe_type type, struct failure *why)
{
    return type == CONFIG_PROBE_POSTGRES ? sql_postgres.load(why) : sql_mysql.load(why);
}

static const struct probe_kind *kind_of(const struct config_relay *relay)
{
    if (relay->probe == CONFIG_PROBE_POSTGRES)
        return relay->probe_user ? &probe_postgres : &probe_postgres_greeting;
    return relay->probe_user ? &probe_mysql : &probe_mysql_greeting;
}

static void say(struct writable *writable, const char *where, const char *words)
{
    char line[WORDS_SIZE];
    snprintf(line, sizeof line, "%s: %s", where, words);
    if (strcmp(line, writable->words) == 0)
        return;
    memcpy(writable->words, line, sizeof line);
    log_info("probe", LOG_TEXT("endpoint", writable->endpoint), LOG_TEXT("detail", line));
}

static void on_watch_closed(uv_handle_t *handle)
{
    free(handle);
}

/* At once; after this the socket may be closed. */
static void unwatch(struct writable *writable)
{
    if (writable->watch)
        uv_close((uv_handle_t *)writable->watch, on_watch_closed);
    writable->watch = NULL;
}

static int watch(struct writable *writable, const struct probe_wait *wait)
{
    uv_poll_t *poll = memory_new(sizeof *poll);
    int status = uv_poll_init(&writable->loop->uv, poll, wait->fd);
    if (status < 0) {
        free(poll);
        return status;
    }
    poll->data = writable;
    writable->watch = poll;
    return uv_poll_start(poll, wait->events, on_event);
}

static void end_probe(struct writable *writable)
{
    unwatch(writable);
    if (writable->probe)
        writable->kind->end(writable->probe);
    writable->probe = NULL;
}

static void forget_password(struct writable *writable)
{
    if (writable->password)
        explicit_bzero(writable->password, writable->password_size);
    free(writable->password);
    writable->password = NULL;
}

/* The question is answered, or never will be. */
static void conclude(struct writable *writable, bool yes)
{
    end_probe(writable);
    forget_password(writable);
    writable->yes = yes ? writable->yes + 1 : 0;
    if (writable->yes < YES_IN_A_ROW) {
        writable->phase = PHASE_WAITING;
        uv_timer_start(&writable->timer, start_question, WRITABLE_INTERVAL_MS, 0);
        return;
    }
    writable->phase = PHASE_DONE;
    uv_timer_stop(&writable->timer);
    writable->done(writable->context);
}

/* What a server says may hold what it was told. */
static void say_verdict(struct writable *writable, const char *words)
{
    char where[ADDRESS_TEXT_SIZE];
    address_print(&writable->question.address, where);
    bool tells = writable->password && *writable->password && strstr(words, writable->password);
    say(writable, where, tells ? "(its words hold the password)" : words);
}

static void take_step(struct writable *writable, int events);
static void take_verdict(struct writable *writable, enum probe_verdict verdict, const char *words);

static void probe_next(struct writable *writable)
{
    unsigned index = (writable->silent + writable->tried++) % writable->answer.count;
    struct address address = writable->answer.addresses[index];
    address_set_port(&address, writable->target.port);
    writable->phase = PHASE_PROBING;
    writable->question = (struct probe_question){.address = address,
        .user = writable->user,
        .password = writable->password,
        .database = writable->database};
    if (config_listens_on(writable->config, &address)) {
        take_verdict(writable, PROBE_UNREACHABLE, "we listen there ourselves");
        return;
    }
    writable->probe = writable->kind->begin(&writable->question);
    take_step(writable, 0);
}

static void take_verdict(struct writable *writable, enum probe_verdict verdict, const char *words)
{
    say_verdict(writable, words);
    if (verdict == PROBE_UNREACHABLE && writable->tried < writable->answer.count) {
        end_probe(writable);
        probe_next(writable);
    } else {
        conclude(writable, verdict == PROBE_WRITABLE);
    }
}

static void take_step(struct writable *writable, int events)
{
    struct probe_wait wait = {.fd = -1};
    char words[PROBE_WORDS_SIZE] = "";
    unwatch(writable);
    enum probe_verdict verdict = writable->kind->step(writable->probe, events, &wait, words);
    int status = verdict == PROBE_WAITS ? watch(writable, &wait) : 0;
    if (status < 0)
        take_verdict(writable, PROBE_NOT_YET, uv_strerror(status));
    else if (verdict != PROBE_WAITS)
        take_verdict(writable, verdict, words);
}

/* An error of the socket is the probe's to find: it is told that it may read and write. */
static void on_event(uv_poll_t *poll, int status, int events)
{
    take_step(poll->data, status < 0 ? UV_READABLE | UV_WRITABLE : events);
}

/* As the file has it, but for the line's end. */
static int read_password(struct writable *writable)
{
    if (!writable->password_file)
        return 0;
    int status = file_read(
        writable->password_file, PASSWORD_MAX, &writable->password, &writable->password_size);
    if (status < 0)
        return status;
    bool cut = strlen(writable->password) != writable->password_size;
    writable->password[strcspn(writable->password, "\r\n")] = '\0';
    return cut ? -EINVAL : 0;
}

/* The library and the password; says what is missing. */
static int get_ready(struct writable *writable)
{
    struct failure why;
    int status = writable->user ? writable_prepare(writable->type, &why) : 0;
    if (status < 0) {
        say(writable, "client library", why.text);
        return status;
    }
    status = read_password(writable);
    if (status < 0) {
        char where[WORDS_SIZE / 2];
        snprintf(where, sizeof where, "password file %s", writable->password_file);
        say(writable, where, strerror(-status));
    }
    return status;
}

static void on_looked_up(void *context, int status, const struct lookup_answer *answer);

static void look_up(struct writable *writable)
{
    writable->phase = PHASE_LOOKING_UP;
    if (writable->looking_up)
        return;
    writable->looking_up = true;
    writable->lookup->start(
        writable->lookup, writable->loop, &writable->target.name, on_looked_up, writable);
}

static void start_question(uv_timer_t *timer)
{
    struct writable *writable = timer->data;
    uv_timer_start(timer, on_deadline, WRITABLE_TIMEOUT_MS, 0);
    writable->tried = 0;
    if (get_ready(writable) < 0) {
        conclude(writable, false);
    } else if (writable->target.is_address) {
        writable->answer.count = 1;
        writable->answer.addresses[0] = writable->target.address;
        probe_next(writable);
    } else {
        look_up(writable);
    }
}

static void on_deadline(uv_timer_t *timer)
{
    struct writable *writable = timer->data;
    char words[64];
    bool probing = writable->phase == PHASE_PROBING;
    snprintf(words, sizeof words, "no %s within %d ms", probing ? "answer" : "address",
        WRITABLE_TIMEOUT_MS);
    if (probing) {
        writable->silent += writable->tried;
        say_verdict(writable, words);
    } else {
        say(writable, writable->target.text, words);
    }
    conclude(writable, false);
}

static void writable_free(struct writable *writable)
{
    if (!writable->stopped || !writable->timer_closed || writable->looking_up)
        return;
    loop_call *freed = writable->freed;
    void *context = writable->freed_context;
    free(writable->endpoint);
    free(writable->user);
    free(writable->password_file);
    free(writable->database);
    free(writable->target.text);
    config_unref(writable->config);
    free(writable);
    if (freed)
        freed(context);
}

static void on_looked_up(void *context, int status, const struct lookup_answer *answer)
{
    struct writable *writable = context;
    writable->looking_up = false;
    if (writable->stopped) {
        writable_free(writable);
    } else if (writable->phase != PHASE_LOOKING_UP) {
        return;
    } else if (status == 0 && answer->count > 0) {
        writable->answer = *answer;
        probe_next(writable);
    } else {
        say(writable, writable->target.text,
            status == UV_EAI_AGAIN ? "name could not be resolved" : "name not found");
        conclude(writable, false);
    }
}

struct writable *writable_start(struct loop *loop, struct lookup *lookup, struct config *config,
    const struct config_endpoint *endpoint, const struct config_target *target, writable_done *done,
    void *context)
{
    struct writable *writable = memory_new(sizeof *writable);
    writable->loop = loop;
    writable->lookup = lookup;
    writable->config = config_ref(config);
    writable->kind = kind_of(endpoint->relay);
    writable->type = endpoint->relay->probe;
    writable->endpoint = memory_text(endpoint->id);
    writable->user = memory_text(endpoint->relay->probe_user);
    writable->password_file = memory_text(endpoint->relay->probe_password_file);
    writable->database = memory_text(endpoint->relay->probe_database);
    writable->target = *target;
    writable->target.text = memory_text(target->text);
    writable->done = done;
    writable->context = context;
    snprintf(writable->words, sizeof writable->words, "asking");
    uv_timer_init(&loop->uv, &writable->timer);
    writable->timer.data = writable;
    uv_timer_start(&writable->timer, start_question, 0, 0);
    return writable;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct writable *writable = handle->data;
    writable->timer_closed = true;
    writable_free(writable);
}

void writable_stop(struct writable *writable, loop_call *freed, void *context)
{
    if (!writable)
        return;
    writable->stopped = true;
    writable->freed = freed;
    writable->freed_context = context;
    end_probe(writable);
    forget_password(writable);
    uv_close((uv_handle_t *)&writable->timer, on_timer_closed);
}

const char *writable_words(const struct writable *writable)
{
    return writable->words;
}
