/* On the good day a plan is a table with nothing that fails, and a readopted region is a replica
 * after some minutes of asking again, each time the next thing is begun.
 *
 * Asking again is all that keeps readopt going, and each answer starts from what is true: whoever
 * breaks it off, or loses the daemon in the middle, types it again. */
#include "programs/cli_runbook.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "programs/cli_draw_parts.h"
#include "programs/cli_move.h"
#include "programs/cli_report.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define AGAIN_MS 3000

/* -- plan -- */

static enum paint paint_of(const char *status)
{
    if (strcmp(status, "done") == 0)
        return PAINT_GREEN;
    if (strcmp(status, "fail") == 0)
        return PAINT_RED;
    return strcmp(status, "act") == 0 ? PAINT_BOLD : PAINT_YELLOW;
}

static char *needs_of(const cJSON *step)
{
    char *needs = memory_text("");
    const cJSON *need;
    cJSON_ArrayForEach(need, json_member(step, "needs"))
    {
        if (!cJSON_IsString(need))
            continue;
        char *more = memory_format("%s%s%s", needs, *needs ? "," : "", need->valuestring);
        free(needs);
        needs = more;
    }
    return needs;
}

static unsigned count_status(const cJSON *list, const char *status)
{
    unsigned count = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, list)
    {
        count += strcmp(draw_text(item, "status", ""), status) == 0;
    }
    return count;
}

static void draw_verdict(const struct page *page, const cJSON *plan)
{
    const cJSON *steps = json_member(plan, "steps");
    unsigned failed = count_status(steps, "fail"), unknown = count_status(steps, "unknown");
    draw_line(page,
        failed    ? PAINT_RED
        : unknown ? PAINT_YELLOW
                  : PAINT_GREEN,
        "%s: %u to do, %u done already, %u to wait for, %u not known, %u that fail",
        draw_text(plan, "region", "plan"), count_status(steps, "act"), count_status(steps, "done"),
        count_status(steps, "wait"), unknown, failed);
}

void draw_plan(const struct page *page, const cJSON *plan)
{
    static const char *const heads[] = {"STATUS", "STEP", "TYPE", "NEEDS", "WHAT"};
    struct table *table = table_new(sizeof heads / sizeof *heads);
    const cJSON *step;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        table_cell(table, PAINT_DIM, heads[i]);
    cJSON_ArrayForEach(step, json_member(plan, "steps"))
    {
        const char *status = draw_text(step, "status", "?");
        char *needs = needs_of(step);
        table_cell(table, paint_of(status), status);
        table_cell(table, PAINT_NONE, draw_text(step, "step", "?"));
        table_cell(table, PAINT_NONE, draw_text(step, "type", "?"));
        table_cell(table, PAINT_NONE, *needs ? needs : "-");
        table_cell(table, PAINT_NONE, draw_text(step, "words", ""));
        free(needs);
    }
    table_print(table, page);
    table_free(table);
    draw_verdict(page, plan);
}

/* As IAM's own tools take it. */
static void print_policy(const cJSON *policy)
{
    char *text = cJSON_Print(policy);
    puts(text ? text : "null");
    cJSON_free(text);
}

static enum exit_status show_plan(const struct options *options, const cJSON *plan)
{
    struct page page = page_of(stdout);
    if (options->json)
        report_json(plan);
    else if (options->iam)
        print_policy(plan);
    else
        draw_plan(&page, plan);
    return count_status(json_member(plan, "steps"), "fail") > 0 ? EXIT_STATUS_FAILED
                                                                : EXIT_STATUS_DONE;
}

enum exit_status runbook_plan(struct session *session)
{
    const struct options *options = session->options;
    struct reply reply;
    cJSON *params = cJSON_CreateObject();
    cJSON_AddStringToObject(params, "region", options->arguments[0]);
    if (options->iam)
        cJSON_AddTrueToObject(params, "iam");
    session->patience_ms = SESSION_SIDECAR_PATIENCE_MS;
    session_ask(session, "plan", params, &reply);
    if (!reply.result && reply.status == EXIT_STATUS_DONE)
        reply_fail(&reply, EXIT_STATUS_FAILED, "the daemon's answer has no result");
    enum exit_status status = reply.status == EXIT_STATUS_DONE
                                  ? show_plan(options, reply.result)
                                  : report_error(options, &reply, NULL, NULL);
    reply_fini(&reply);
    return status;
}

/* -- readopt -- */

static bool has_row(const cJSON *rows, const cJSON *wanted)
{
    const cJSON *row;
    cJSON_ArrayForEach(row, rows)
    {
        if (cJSON_Compare(row, wanted, true))
            return true;
    }
    return false;
}

void draw_readopt(const struct page *page, const cJSON *before, const cJSON *rows)
{
    const cJSON *row;
    cJSON_ArrayForEach(row, rows)
    {
        const char *status = draw_text(row, "status", "?");
        if (has_row(before, row))
            continue;
        draw_line(page, paint_of(status), "%s %s: %s: %s", draw_text(row, "group", "-"),
            draw_text(row, "instance", "-"), status, draw_text(row, "words", ""));
    }
}

static void ask_once(struct session *session, bool dry_run, struct reply *ret)
{
    cJSON *params = cJSON_CreateObject();
    cJSON_AddStringToObject(params, "region", session->options->arguments[0]);
    if (dry_run)
        cJSON_AddTrueToObject(params, "dry_run");
    session_ask(session, "readopt", params, ret);
    if (!ret->result && ret->status == EXIT_STATUS_DONE)
        reply_fail(ret, EXIT_STATUS_FAILED, "the daemon's answer has no result");
}

static const char *failed_words(const cJSON *rows)
{
    const cJSON *row;
    cJSON_ArrayForEach(row, rows)
    {
        if (strcmp(draw_text(row, "status", ""), "fail") == 0)
            return draw_text(row, "words", "a step of it failed");
    }
    return NULL;
}

/* The words of a row outlive the reply that they are of. */
static void fail_with_row(struct reply *reply, const char *words)
{
    char *copy = memory_text(words);
    reply_fail(reply, EXIT_STATUS_FAILED, "%s; nothing more is done, and the latch stays", copy);
    free(copy);
}

static FILE *progress_of(const struct options *options)
{
    return options->json ? stderr : stdout;
}

/* DONE: go on. Anything else ends the command, and `reply` says why. */
static enum exit_status ask_operator(struct session *session, struct reply *reply)
{
    struct page page = page_of(stderr);
    ask_once(session, true, reply);
    if (reply->status != EXIT_STATUS_DONE)
        return reply->status;
    draw_readopt(&page, NULL, json_member(reply->result, "rows"));
    reply_fini(reply);
    fputs("Readopt ", stderr);
    page_print(stderr, session->options->arguments[0]);
    fputs("? An old primary there is renamed, never deleted. [y/N] ", stderr);
    if (!move_said_yes())
        reply_fail(reply, EXIT_STATUS_REFUSED, "declined; nothing was changed");
    return reply->status;
}

/* Until the next question, or the end of --timeout. */
static void pause_until_next(const struct session *session)
{
    uint64_t now_ms = clock_boot_ms(), wait_ms = AGAIN_MS;
    if (session->deadline_ms != RPC_FOREVER)
        wait_ms = session->deadline_ms <= now_ms             ? 0
                  : session->deadline_ms - now_ms < AGAIN_MS ? session->deadline_ms - now_ms
                                                             : AGAIN_MS;
    struct timespec pause = {
        .tv_sec = (time_t)(wait_ms / 1000), .tv_nsec = (long)(wait_ms % 1000) * 1000000};
    nanosleep(&pause, NULL);
}

struct rounds {
    struct page page;
    cJSON *shown;     /* rows that were printed */
    uint64_t good_ms; /* when the last answer came; 0: none yet */
};

static void show_rows(struct rounds *rounds, const cJSON *rows)
{
    draw_readopt(&rounds->page, rounds->shown, rows);
    fflush(rounds->page.out);
    cJSON_Delete(rounds->shown);
    rounds->shown = cJSON_Duplicate(rows, true);
    rounds->good_ms = clock_boot_ms();
}

/* Whether that was the last question; `reply` says how it ended. A daemon or a sidecar that went
 * away in the middle is given time to come back. */
static bool is_over(struct session *session, struct rounds *rounds, struct reply *reply)
{
    const struct options *options = session->options;
    bool good = reply->status == EXIT_STATUS_DONE;
    if (!good && rounds->good_ms > 0 && reply->status != EXIT_STATUS_TIMEOUT &&
        clock_boot_ms() - rounds->good_ms < SESSION_PATIENCE_MS)
        return false;
    if (!good)
        return true;
    show_rows(rounds, json_member(reply->result, "rows"));
    const char *words = failed_words(rounds->shown);
    if (words)
        fail_with_row(reply, words);
    return words || json_bool(reply->result, "done", false) || options->dry_run || options->no_wait;
}

static void ask_until_done(struct session *session, struct reply *reply)
{
    struct rounds rounds = {.page = page_of(progress_of(session->options))};
    for (;;) {
        ask_once(session, session->options->dry_run, reply);
        if (is_over(session, &rounds, reply))
            break;
        reply_fini(reply);
        pause_until_next(session);
        if (clock_boot_ms() < session->deadline_ms)
            continue;
        reply_fail(reply, EXIT_STATUS_TIMEOUT,
            "timed out waiting; AWS goes on with what was begun, and \"pilotlight readopt %s\" "
            "with "
            "what comes next",
            session->options->arguments[0]);
        break;
    }
    cJSON_Delete(rounds.shown);
}

enum exit_status runbook_readopt(struct session *session)
{
    const struct options *options = session->options;
    bool asks = !options->yes && !options->dry_run && isatty(STDIN_FILENO);
    struct reply reply = {0};
    session->patience_ms = SESSION_SIDECAR_PATIENCE_MS;
    if (!asks || ask_operator(session, &reply) == EXIT_STATUS_DONE)
        ask_until_done(session, &reply);
    enum exit_status status = reply.status;
    if (status != EXIT_STATUS_DONE) {
        report_error(options, &reply, NULL, NULL);
    } else if (options->json) {
        report_json(reply.result);
    } else {
        struct page page = page_of(stdout);
        draw_line(&page, PAINT_NONE, "%s", draw_text(reply.result, "message", "done"));
    }
    reply_fini(&reply);
    return status;
}
