/* On the good day every row says "pass". A check that failed is exit status 1; a warning is not,
 * for it is the operator who knows whether clients verify names. */
#include "programs/cli_ready.h"

#include "base/json.h"
#include "base/memory.h"
#include "programs/cli_draw_parts.h"
#include "programs/cli_report.h"

#include <stdlib.h>
#include <string.h>

static enum paint paint_of(const char *status)
{
    if (strcmp(status, "pass") == 0)
        return PAINT_GREEN;
    return strcmp(status, "warn") == 0 ? PAINT_YELLOW : PAINT_RED;
}

static void add_row(struct table *table, const cJSON *row)
{
    const char *status = draw_text(row, "status", "?"), *advice = draw_text(row, "advice", NULL);
    char *words = memory_format(
        "%s%s%s", draw_text(row, "words", ""), advice ? "; " : "", advice ? advice : "");
    table_cell(table, paint_of(status), status);
    table_cell(table, PAINT_NONE, draw_text(row, "region", "-"));
    table_cell(table, PAINT_NONE, draw_text(row, "check", "?"));
    table_cell(table, PAINT_NONE, draw_text(row, "endpoint", "-"));
    table_cell(table, PAINT_NONE, words);
    free(words);
}

static void draw_verdict(const struct page *page, const cJSON *result)
{
    unsigned failed = 0, warned = 0;
    const cJSON *row;
    cJSON_ArrayForEach(row, json_member(result, "rows"))
    {
        const char *status = draw_text(row, "status", "");
        failed += strcmp(status, "fail") == 0;
        warned += strcmp(status, "warn") == 0;
    }
    bool ready = json_bool(result, "ready", false);
    draw_line(page,
        !ready   ? PAINT_RED
        : warned ? PAINT_YELLOW
                 : PAINT_GREEN,
        "%s: %u failed, %u warned, of %d checks", ready ? "ready" : "not ready", failed, warned,
        cJSON_GetArraySize(json_member(result, "rows")));
}

void draw_ready(const struct page *page, const cJSON *result)
{
    static const char *const heads[] = {"STATUS", "REGION", "CHECK", "ENDPOINT", "WHAT"};
    struct table *table = table_new(sizeof heads / sizeof *heads);
    const cJSON *row;
    for (size_t i = 0; i < sizeof heads / sizeof *heads; i++)
        table_cell(table, PAINT_DIM, heads[i]);
    cJSON_ArrayForEach(row, json_member(result, "rows"))
    {
        add_row(table, row);
    }
    table_print(table, page);
    table_free(table);
    draw_verdict(page, result);
}

static enum exit_status show(const struct options *options, const cJSON *result)
{
    if (options->json) {
        report_json(result);
    } else {
        struct page page = page_of(stdout);
        draw_ready(&page, result);
    }
    return json_bool(result, "ready", false) ? EXIT_STATUS_DONE : EXIT_STATUS_FAILED;
}

enum exit_status ready_run(struct session *session)
{
    const struct options *options = session->options;
    struct reply reply;
    cJSON *params = cJSON_CreateObject();
    if (options->argument_count > 0)
        cJSON_AddStringToObject(params, "region", options->arguments[0]);
    session->patience_ms = SESSION_SIDECAR_PATIENCE_MS;
    session_ask(session, "ready", params, &reply);
    if (!reply.result && reply.status == EXIT_STATUS_DONE)
        reply_fail(&reply, EXIT_STATUS_FAILED, "the daemon's answer has no result");
    enum exit_status status = reply.status == EXIT_STATUS_DONE
                                  ? show(options, reply.result)
                                  : report_error(options, &reply, NULL, NULL);
    reply_fini(&reply);
    return status;
}
