/* The last word of a command: for people, or as the one JSON document of --json. */
#pragma once

#include "programs/cli_options.h"
#include "programs/cli_rpc.h"

/* One line on standard output. */
void report_json(const cJSON *document);

/* A change's reply: what was done on standard output, what went wrong on standard error. `request`
 * and `transition` may be NULL. Returns the reply's status. */
enum exit_status report_change(const struct options *options, const struct reply *reply,
    const char *request, const char *transition);

/* An error. With --json: {"status": N, "error": {"message", "force", "request", "transition"}}. */
enum exit_status report_error(const struct options *options, const struct reply *reply,
    const char *request, const char *transition);

/* The same where there is no reply. */
enum exit_status report_failure(
    const struct options *options, enum exit_status status, const struct failure *why);
