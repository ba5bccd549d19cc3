/* On the good day a command is one question and one answer, drawn for people or passed on as JSON.
 * The commands that change where things lead are in cli_move.c. */
#include "programs/cli_commands.h"

#include "base/clock.h"
#include "base/json.h"
#include "programs/cli_draw.h"
#include "programs/cli_move.h"
#include "programs/cli_ready.h"
#include "programs/cli_report.h"
#include "programs/cli_runbook.h"
#include "programs/cli_watch.h"

#include <errno.h>

#define WATCH_TICK_MS 1000     /* ages are drawn again */
#define WATCH_PATIENCE_MS 1000 /* then the screen says that it is out of date */

typedef void command_drawing(const struct page *page, const cJSON *result);

static enum exit_status show(
    const struct session *session, struct reply *reply, command_drawing *draw)
{
    enum exit_status status = reply->status;
    if (!reply->result && status == EXIT_STATUS_DONE)
        reply_fail(reply, status = EXIT_STATUS_FAILED, "the daemon's answer has no result");
    if (status != EXIT_STATUS_DONE) {
        report_error(session->options, reply, NULL, NULL);
    } else if (session->options->json) {
        report_json(reply->result);
    } else {
        struct page page = page_of(stdout);
        draw(&page, reply->result);
    }
    reply_fini(reply);
    return status;
}

static void draw_screen(const struct session *session, const cJSON *status)
{
    if (session->options->json) {
        report_json(status);
    } else {
        struct page page = page_of(stdout);
        fputs(page.terminal ? "\033[H\033[2J" : "", stdout);
        draw_status(&page, status);
        fputs(page.terminal ? "" : "\n", stdout);
    }
    fflush(stdout);
}

static void draw_stale(bool *told)
{
    if (!*told)
        fputs("pilotlight: no daemon answers: what is shown is out of date\n", stderr);
    *told = true;
}

static enum exit_status watch_status(struct session *session)
{
    struct watch watch;
    struct reply reply;
    cJSON *status = NULL, *next;
    bool stale = false, ticks = !session->options->json && page_of(stdout).terminal;
    if (watch_start(&watch, session, &status, &reply) < 0)
        return show(session, &reply, draw_status);
    watch.patience_ms = WATCH_PATIENCE_MS;
    draw_screen(session, status);
    while (!ferror(stdout)) {
        uint64_t until_ms = ticks ? clock_boot_ms() + WATCH_TICK_MS : RPC_FOREVER;
        int result = watch_next(&watch, until_ms, RPC_FOREVER, &next);
        if (result == -ECONNRESET) {
            draw_stale(&stale);
            continue;
        }
        if (result == 0) {
            cJSON_Delete(status);
            status = next;
            stale = false;
        }
        draw_screen(session, status);
    }
    cJSON_Delete(status);
    return EXIT_STATUS_FAILED;
}

static enum exit_status run_status(struct session *session)
{
    struct reply reply;
    if (session->options->watch)
        return watch_status(session);
    session_ask(session, "status", NULL, &reply);
    return show(session, &reply, draw_status);
}

static enum exit_status run_explain(struct session *session)
{
    struct reply reply;
    const struct options *options = session->options;
    cJSON *params = cJSON_CreateObject();
    cJSON_AddStringToObject(params, "name", options->arguments[0]);
    if (options->argument_count > 1)
        cJSON_AddStringToObject(params, "type", options->arguments[1]);
    session_ask(session, "explain", params, &reply);
    return show(session, &reply, draw_explanation);
}

/* One line each, however narrow the terminal is; elsewhere nothing is cut. */
static void draw_connections_cut(const struct page *page, const cJSON *result)
{
    struct page cut = *page;
    cut.cut = page->terminal;
    draw_connections(&cut, result);
}

static enum exit_status run_connections(struct session *session)
{
    struct reply reply;
    const struct options *options = session->options;
    cJSON *params = cJSON_CreateObject();
    if (options->argument_count > 0)
        cJSON_AddStringToObject(params, "endpoint", options->arguments[0]);
    session_ask(session, "connections", params, &reply);
    return show(session, &reply, draw_connections_cut);
}

static enum exit_status run_history(struct session *session)
{
    struct reply reply;
    session_ask(session, "history", NULL, &reply);
    return show(session, &reply, draw_history);
}

static void draw_flushed(const struct page *page, const cJSON *result)
{
    uint64_t entries = 0;
    json_integer(result, "flushed", &entries);
    fprintf(page->out, "%llu cached answers dropped\n", (unsigned long long)entries);
}

static enum exit_status run_flush(struct session *session)
{
    struct reply reply;
    const struct options *options = session->options;
    cJSON *params = cJSON_CreateObject();
    if (options->argument_count > 0)
        cJSON_AddStringToObject(params, "name", options->arguments[0]);
    session_ask(session, "flush", params, &reply);
    return show(session, &reply, draw_flushed);
}

/* As it is, for a file or a pipe. */
static void draw_ca(const struct page *page, const cJSON *result)
{
    const char *pem = json_text(result, "ca");
    fputs(pem ? pem : "", page->out);
}

static enum exit_status run_ca(struct session *session)
{
    struct reply reply;
    session_ask(session, "ca", NULL, &reply);
    return show(session, &reply, draw_ca);
}

static enum exit_status run_help(struct session *session)
{
    struct failure why;
    const struct options *options = session->options;
    enum cli_command about = CLI_COMMANDS;
    if (options->argument_count > 0 &&
        options_find_command(options->arguments[0], &about, &why) < 0)
        return report_failure(options, EXIT_STATUS_USAGE, &why);
    options_help(stdout, about);
    return EXIT_STATUS_DONE;
}

enum exit_status command_run(struct session *session)
{
    static enum exit_status (*const runs[CLI_COMMANDS])(struct session *) = {
        [CLI_STATUS] = run_status,
        [CLI_FAILOVER] = move_run,
        [CLI_SWITCHOVER] = move_run,
        [CLI_ABORT] = move_abort,
        [CLI_WAIT] = move_wait,
        [CLI_RETRY] = move_go_on,
        [CLI_SKIP] = move_go_on,
        [CLI_APPROVE] = move_go_on,
        [CLI_PLAN] = runbook_plan,
        [CLI_READY] = ready_run,
        [CLI_READOPT] = runbook_readopt,
        [CLI_EXPLAIN] = run_explain,
        [CLI_CONNECTIONS] = run_connections,
        [CLI_HISTORY] = run_history,
        [CLI_RELOAD] = move_reload,
        [CLI_FLUSH] = run_flush,
        [CLI_CA] = run_ca,
        [CLI_HELP] = run_help,
    };
    return runs[session->options->command](session);
}
