/* A scripted daemon for the command line's tests: a thread on a Unix socket that reads one line a
 * step, answers with what the script says, hangs up or restarts. For test_cli_session.c. */
#pragma once

#include "tests/unit/unit.h"

#include "base/json.h"
#include "base/memory.h"
#include "programs/cli_follow.h"
#include "programs/cli_session.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

enum act {
    ACT_END,
    ACT_ANSWER,  /* read a line, answer with `text`: "\"result\":…" or "\"error\":…" */
    ACT_SAY,     /* write `text` as it is */
    ACT_HANG_UP, /* read a line, close the connection */
    ACT_RESTART, /* read a line, go away altogether, come back a little later */
    ACT_SILENCE  /* read a line, say nothing until the client leaves */
};

struct step {
    enum act act;
    const char *method; /* that the line must have; NULL with ACT_SAY */
    const char *text;
};

static struct daemon {
    char folder[32], path[64];
    const struct step *script;
    int listener, connection;
    FILE *input;
    pthread_t thread;
    char methods[256];    /* all that were read, with spaces */
    char requests[4][80]; /* the request ids that came with them */
    unsigned request_count;
} fake;

static int fake_listen(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", fake.path);
    int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(listener, 8), 0);
    return listener;
}

static void fake_hang_up(void)
{
    if (fake.input)
        fclose(fake.input);
    fake.input = NULL;
}

static void fake_accept(void)
{
    if (fake.input)
        return;
    fake.connection = accept(fake.listener, NULL, NULL);
    fake.input = fdopen(fake.connection, "r");
}

/* The next request's id, and its method and request id on record. 0: the client left. */
static uint64_t fake_read(void)
{
    char *line = NULL;
    size_t size = 0;
    uint64_t id = 0;
    fake_accept();
    ssize_t got = getline(&line, &size, fake.input);
    cJSON *message = NULL;
    if (got > 0 && json_parse(line, (size_t)got, &message, NULL, NULL) == 0) {
        const char *request = json_text(json_member(message, "params"), "request");
        json_integer(message, "id", &id);
        strcat(strcat(fake.methods, json_text(message, "method")), " ");
        if (request && fake.request_count < 4)
            snprintf(fake.requests[fake.request_count++], 80, "%s", request);
    }
    cJSON_Delete(message);
    free(line);
    return id;
}

static void fake_say(const char *line)
{
    char *whole = memory_format("%s\n", line);
    fake_accept();
    assert_int_equal(send(fake.connection, whole, strlen(whole), MSG_NOSIGNAL), strlen(whole));
    free(whole);
}

static void fake_restart(void)
{
    close(fake.listener);
    unlink(fake.path);
    fake_hang_up();
    nanosleep(&(struct timespec){.tv_nsec = 60000000}, NULL); /* the client finds nobody first */
    fake.listener = fake_listen();
}

static void *fake_run(void *unused)
{
    (void)unused;
    for (const struct step *step = fake.script; step->act != ACT_END; step++) {
        uint64_t id = step->act == ACT_SAY ? 0 : fake_read();
        if (step->act == ACT_SAY) {
            fake_say(step->text);
        } else if (step->act == ACT_ANSWER) {
            char *line = memory_format(
                "{\"jsonrpc\":\"2.0\",\"id\":%llu,%s}", (unsigned long long)id, step->text);
            fake_say(line);
            free(line);
        } else if (step->act == ACT_HANG_UP) {
            fake_hang_up();
        } else if (step->act == ACT_RESTART) {
            fake_restart();
        } else {
            fake_read(); /* until the client leaves */
        }
    }
    fake_hang_up();
    return NULL;
}

static void fake_start(const struct step *script)
{
    memset(&fake, 0, sizeof fake);
    strcpy(fake.folder, "/tmp/pilotlight-XXXXXX");
    assert_non_null(mkdtemp(fake.folder));
    snprintf(fake.path, sizeof fake.path, "%s/control.sock", fake.folder);
    fake.script = script;
    fake.listener = fake_listen();
    pthread_create(&fake.thread, NULL, fake_run, NULL);
}

static void fake_stop(void)
{
    pthread_join(fake.thread, NULL);
    close(fake.listener);
    unlink(fake.path);
    rmdir(fake.folder);
}

/* One run of the command against a script: a change, or following transition "t1". */
struct run {
    struct options options;
    struct session session;
    struct reply reply;
    char request[SESSION_REQUEST_SIZE];
    char *progress;
};

static void change(struct run *run, const struct step *script)
{
    fake_start(script);
    session_init(&run->session, &run->options, fake.path);
    session_change(&run->session, "failover", cJSON_CreateObject(), run->request, &run->reply);
    rpc_close(&run->session.rpc);
    fake_stop();
}

static void follow(struct run *run, const char *id, bool any_end, const struct step *script)
{
    size_t size;
    FILE *progress = open_memstream(&run->progress, &size);
    fake_start(script);
    session_init(&run->session, &run->options, fake.path);
    /* open_memstream has no descriptor: page_of takes it for no terminal */
    follow_transition(&run->session, id, any_end, progress, &run->reply);
    rpc_close(&run->session.rpc);
    fake_stop();
    fclose(progress);
}

static void forget(struct run *run)
{
    reply_fini(&run->reply);
    session_fini(&run->session);
    free(run->progress);
}

#define OUTCOME                                                                                    \
    "\"result\":{\"status\":0,\"changed\":true,\"running\":false,\"transition\":null,"             \
    "\"revision\":4,\"epoch\":2,\"message\":\"switched\"}"
#define REFUSAL                                                                                    \
    "\"error\":{\"code\":1003,\"message\":\"eu-west-1 is latched\","                               \
    "\"data\":{\"status\":3,\"force\":\"latch\"}}"
#define UNKNOWN "\"error\":{\"code\":1001,\"message\":\"nothing was changed\"}"
#define STATE(transition, history)                                                                 \
    "{\"state\":{\"revision\":9,\"epoch\":3,\"transition\":" transition ",\"history\":[" history   \
    "]}}"
#define RUNNING(phase, step)                                                                       \
    "{\"id\":\"t1\",\"to\":\"us\",\"kind\":\"failover\",\"phase\":\"" phase                        \
    "\",\"groups\":{\"data\":\"fenced\"},\"steps\":{\"promote\":{\"status\":\"" step "\"}}}"
#define OVER(result, step)                                                                         \
    "{\"id\":\"t1\",\"to\":\"us\",\"kind\":\"failover\",\"result\":\"" result                      \
    "\",\"groups\":{\"data\":\"switched\"},\"steps\":{\"promote\":{\"status\":\"" step "\"}}}"
#define NOTIFY(state) "{\"jsonrpc\":\"2.0\",\"method\":\"state\",\"params\":" state "}"
