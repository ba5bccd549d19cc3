/* On the good day one line. An error says what overrides it, if anything does; with --json both
 * come as one document, so that a script need not look at two places. */
#include "programs/cli_report.h"

#include "base/json.h"
#include "programs/cli_page.h"

#include <stdlib.h>
#include <string.h>

void report_json(const cJSON *document)
{
    char *text = cJSON_PrintUnformatted(document);
    puts(text ? text : "null");
    cJSON_free(text);
}

static void add_text_or_null(cJSON *object, const char *key, const char *text)
{
    cJSON_AddItemToObject(
        object, key, text && *text ? cJSON_CreateString(text) : cJSON_CreateNull());
}

static void print_error(const struct reply *reply)
{
    fputs("pilotlight: ", stderr);
    page_print(stderr, reply->words.text);
    fputc('\n', stderr);
    if (*reply->force && !strstr(reply->words.text, "--force")) {
        fputs("To do it all the same: --force=", stderr);
        page_print(stderr, reply->force);
        fputc('\n', stderr);
    }
}

enum exit_status report_error(const struct options *options, const struct reply *reply,
    const char *request, const char *transition)
{
    if (!options->json) {
        print_error(reply);
        return reply->status;
    }
    cJSON *document = cJSON_CreateObject();
    cJSON_AddNumberToObject(document, "status", reply->status);
    cJSON *error = cJSON_AddObjectToObject(document, "error");
    cJSON_AddStringToObject(error, "message", reply->words.text);
    add_text_or_null(error, "force", reply->force);
    add_text_or_null(error, "request", request);
    add_text_or_null(error, "transition", transition);
    report_json(document);
    cJSON_Delete(document);
    return reply->status;
}

enum exit_status report_failure(
    const struct options *options, enum exit_status status, const struct failure *why)
{
    struct reply reply = {.status = status, .words = *why};
    return report_error(options, &reply, NULL, NULL);
}

enum exit_status report_change(const struct options *options, const struct reply *reply,
    const char *request, const char *transition)
{
    if (reply->status != EXIT_STATUS_DONE)
        return report_error(options, reply, request, transition);
    if (options->json) {
        cJSON *document = cJSON_Duplicate(reply->result, true);
        add_text_or_null(document, "request", request);
        report_json(document);
        cJSON_Delete(document);
        return reply->status;
    }
    page_print(stdout, *reply->words.text ? reply->words.text : "done");
    putchar('\n');
    return reply->status;
}
