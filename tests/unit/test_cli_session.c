/* The command line against a scripted daemon: a thread on a Unix socket that reads one line a step,
 * answers with what the script says, hangs up or restarts. */
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

static void a_change_is_answered(void **unused)
{
    (void)unused;
    struct run run = {0};
    change(&run, (const struct step[]){{ACT_ANSWER, "failover", OUTCOME}, {ACT_END}});
    assert_int_equal(run.reply.status, EXIT_STATUS_DONE);
    assert_string_equal(run.reply.words.text, "switched");
    assert_string_equal(run.request, fake.requests[0]);
    assert_int_equal(strlen(run.request), 32);
    forget(&run);
}

static void a_refusal_says_what_overrides_it(void **unused)
{
    (void)unused;
    struct run run = {0};
    change(&run, (const struct step[]){{ACT_ANSWER, "failover", REFUSAL}, {ACT_END}});
    assert_int_equal(run.reply.status, EXIT_STATUS_REFUSED);
    assert_string_equal(run.reply.force, "latch");
    forget(&run);
}

static void a_broken_connection_is_asked_about_by_request_id(void **unused)
{
    (void)unused;
    struct run run = {0};
    change(&run, (const struct step[]){
                     {ACT_HANG_UP, "failover"}, {ACT_ANSWER, "request", OUTCOME}, {ACT_END}});
    assert_int_equal(run.reply.status, EXIT_STATUS_DONE);
    assert_string_equal(fake.methods, "failover request ");
    assert_string_equal(fake.requests[0], fake.requests[1]);
    forget(&run);
}

static void a_daemon_that_restarts_is_found_again(void **unused)
{
    (void)unused;
    struct run run = {0};
    change(&run, (const struct step[]){{ACT_RESTART, "failover"}, {ACT_HANG_UP, "request"},
                     {ACT_ANSWER, "request", OUTCOME}, {ACT_END}});
    assert_int_equal(run.reply.status, EXIT_STATUS_DONE);
    assert_string_equal(fake.methods, "failover request request ");
    forget(&run);
}

static void a_change_that_never_arrived_is_a_failure(void **unused)
{
    (void)unused;
    struct run run = {0};
    change(&run, (const struct step[]){
                     {ACT_HANG_UP, "failover"}, {ACT_ANSWER, "request", UNKNOWN}, {ACT_END}});
    assert_int_equal(run.reply.status, EXIT_STATUS_FAILED);
    assert_non_null(strstr(run.reply.words.text, "nothing was changed"));
    forget(&run);
}

static void a_silent_daemon_is_a_timeout_with_the_id_to_ask_by(void **unused)
{
    (void)unused;
    struct run run = {.options = {.has_timeout = true, .timeout_ms = 1}};
    change(&run, (const struct step[]){{ACT_SILENCE, "failover"}, {ACT_END}});
    assert_int_equal(run.reply.status, EXIT_STATUS_TIMEOUT);
    assert_non_null(strstr(run.reply.words.text, run.request));
    forget(&run);
}

static void nobody_there_means_that_nothing_was_sent(void **unused)
{
    (void)unused;
    struct run run = {0};
    session_init(&run.session, &run.options, "/tmp/pilotlight-nobody/control.sock");
    session_change(&run.session, "failover", cJSON_CreateObject(), run.request, &run.reply);
    assert_int_equal(run.reply.status, EXIT_STATUS_NO_DAEMON);
    assert_non_null(strstr(run.reply.words.text, "nothing was sent"));
    forget(&run);
}

static void words_that_are_not_text_are_bad_usage(void **unused)
{
    (void)unused;
    struct run run = {0};
    cJSON *params = cJSON_CreateObject();
    cJSON_AddStringToObject(params, "reason", "\xff");
    fake_start((const struct step[]){{ACT_SILENCE, ""}, {ACT_END}});
    session_init(&run.session, &run.options, fake.path);
    session_change(&run.session, "failover", params, run.request, &run.reply);
    rpc_close(&run.session.rpc);
    fake_stop();
    assert_int_equal(run.reply.status, EXIT_STATUS_USAGE);
    assert_string_equal(fake.methods, "");
    forget(&run);
}

static void foreign_lines_are_passed_over(void **unused)
{
    (void)unused;
    struct run run = {0};
    change(&run, (const struct step[]){{ACT_SAY, NULL, NOTIFY("{}")},
                     {ACT_SAY, NULL, "{\"jsonrpc\":\"2.0\",\"id\":77,\"result\":{}}"},
                     {ACT_ANSWER, "failover", OUTCOME}, {ACT_END}});
    assert_int_equal(run.reply.status, EXIT_STATUS_DONE);
    assert_string_equal(run.reply.words.text, "switched");
    forget(&run);
}

static void a_transition_is_followed_to_its_end(void **unused)
{
    (void)unused;
    struct run run = {0};
    follow(&run, "t1", false,
        (const struct step[]){
            {ACT_ANSWER, "watch", "\"result\":" STATE(RUNNING("fenced", "running"), "")},
            {ACT_SAY, NULL, NOTIFY(STATE("null", OVER("done", "done")))}, {ACT_END}});
    assert_int_equal(run.reply.status, EXIT_STATUS_DONE);
    assert_string_equal(json_text(run.reply.result, "transition"), "t1");
    assert_non_null(strstr(run.progress, "data: fenced\n"));
    assert_non_null(strstr(run.progress, "promote: running\n"));
    assert_non_null(strstr(run.progress, "data: switched\n"));
    assert_non_null(strstr(run.progress, "promote: done\n"));
    forget(&run);
}

static void steps_that_failed_on_the_way_are_named(void **unused)
{
    (void)unused;
    struct run run = {0};
    follow(&run, "t1", false,
        (const struct step[]){
            {ACT_ANSWER, "watch", "\"result\":" STATE("null", OVER("done", "failed"))}, {ACT_END}});
    assert_int_equal(run.reply.status, EXIT_STATUS_DONE);
    assert_non_null(strstr(run.reply.words.text, "promote"));
    forget(&run);
}

static void a_transition_that_stops_is_a_failure_at_once(void **unused)
{
    (void)unused;
    struct run run = {0};
    follow(&run, "t1", false,
        (const struct step[]){
            {ACT_ANSWER, "watch", "\"result\":" STATE(RUNNING("stopped", "failed"), "")},
            {ACT_END}});
    assert_int_equal(run.reply.status, EXIT_STATUS_FAILED);
    assert_non_null(strstr(run.reply.words.text, "promote"));
    forget(&run);
}

static void a_daemon_that_restarts_while_it_is_followed_is_found_again(void **unused)
{
    (void)unused;
    struct run run = {0};
    const char *running = "\"result\":" STATE(RUNNING("fenced", "running"), "");
    follow(&run, "t1", false,
        (const struct step[]){{ACT_ANSWER, "watch", running}, {ACT_SAY, NULL, "no JSON at all"},
            {ACT_RESTART, NULL}, {ACT_HANG_UP, "watch"},
            {ACT_ANSWER, "watch", "\"result\":" STATE("null", OVER("done", "done"))}, {ACT_END}});
    assert_int_equal(run.reply.status, EXIT_STATUS_DONE);
    assert_string_equal(fake.methods, "watch watch watch ");
    forget(&run);
}

static void following_ends_with_the_timeout_and_the_work_goes_on(void **unused)
{
    (void)unused;
    struct run run = {.options = {.has_timeout = true, .timeout_ms = 20}};
    follow(&run, "t1", false,
        (const struct step[]){
            {ACT_ANSWER, "watch", "\"result\":" STATE(RUNNING("fenced", "running"), "")},
            {ACT_SILENCE, NULL}, {ACT_END}});
    assert_int_equal(run.reply.status, EXIT_STATUS_TIMEOUT);
    forget(&run);
}

static void an_aborted_failover_failed_but_waiting_for_it_did_not(void **unused)
{
    (void)unused;
    const struct step script[] = {
        {ACT_ANSWER, "watch", "\"result\":" STATE("null", OVER("aborted", "waiting"))}, {ACT_END}};
    struct run failover = {0}, wait = {0};
    follow(&failover, "t1", false, script);
    follow(&wait, "t1", true, script);
    assert_int_equal(failover.reply.status, EXIT_STATUS_FAILED);
    assert_int_equal(wait.reply.status, EXIT_STATUS_DONE);
    forget(&failover);
    forget(&wait);
}

static void waiting_for_nothing_is_done(void **unused)
{
    (void)unused;
    struct run run = {0};
    follow(&run, NULL, true,
        (const struct step[]){{ACT_ANSWER, "watch", "\"result\":" STATE("null", "")}, {ACT_END}});
    assert_int_equal(run.reply.status, EXIT_STATUS_DONE);
    forget(&run);
}

static void the_socket_is_chosen_in_order(void **unused)
{
    (void)unused;
    struct failure why;
    char *path;
    struct options options = {.socket = "/a"};
    assert_int_equal(session_choose_socket(&options, "/b", &path, &why), 0);
    assert_string_equal(path, "/a");
    free(path);
    options.socket = NULL;
    assert_int_equal(session_choose_socket(&options, "/b", &path, &why), 0);
    assert_string_equal(path, "/b");
    free(path);
    options.config = "/nowhere/at/all.json";
    assert_int_equal(session_choose_socket(&options, NULL, &path, &why), -ENOENT);
    assert_non_null(strstr(why.text, options.config));
    options.config = "/"; /* there, and no file */
    assert_true(session_choose_socket(&options, NULL, &path, &why) < 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_change_is_answered),
        cmocka_unit_test(a_refusal_says_what_overrides_it),
        cmocka_unit_test(a_broken_connection_is_asked_about_by_request_id),
        cmocka_unit_test(a_daemon_that_restarts_is_found_again),
        cmocka_unit_test(a_change_that_never_arrived_is_a_failure),
        cmocka_unit_test(a_silent_daemon_is_a_timeout_with_the_id_to_ask_by),
        cmocka_unit_test(nobody_there_means_that_nothing_was_sent),
        cmocka_unit_test(words_that_are_not_text_are_bad_usage),
        cmocka_unit_test(foreign_lines_are_passed_over),
        cmocka_unit_test(a_transition_is_followed_to_its_end),
        cmocka_unit_test(steps_that_failed_on_the_way_are_named),
        cmocka_unit_test(a_transition_that_stops_is_a_failure_at_once),
        cmocka_unit_test(a_daemon_that_restarts_while_it_is_followed_is_found_again),
        cmocka_unit_test(following_ends_with_the_timeout_and_the_work_goes_on),
        cmocka_unit_test(an_aborted_failover_failed_but_waiting_for_it_did_not),
        cmocka_unit_test(waiting_for_nothing_is_done),
        cmocka_unit_test(the_socket_is_chosen_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
