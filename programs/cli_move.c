/* On the good day: (ask the operator) → send the change → follow what it began → say how it ended.
 * A refusal is said before anybody is asked: the daemon is given a dry run first. */
#include "programs/cli_move.h"

#include "base/json.h"
#include "base/memory.h"
#include "programs/cli_follow.h"
#include "programs/cli_page.h"
#include "programs/cli_report.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static void add_force(cJSON *params, const struct options *options)
{
    if (options->force_all) {
        cJSON_AddTrueToObject(params, "force");
    } else if (options->force_count > 0) {
        cJSON *words = cJSON_AddArrayToObject(params, "force");
        for (size_t i = 0; i < options->force_count; i++)
            cJSON_AddItemToArray(words, cJSON_CreateString(options->force[i]));
    }
}

static cJSON *change_params(const struct options *options, bool dry_run)
{
    cJSON *params = cJSON_CreateObject();
    if (options->argument_count > 0)
        cJSON_AddStringToObject(params, "region", options->arguments[0]);
    if (options->group_count > 0) {
        cJSON *groups = cJSON_AddArrayToObject(params, "groups");
        for (size_t i = 0; i < options->group_count; i++)
            cJSON_AddItemToArray(groups, cJSON_CreateString(options->groups[i]));
    }
    if (options->reason)
        cJSON_AddStringToObject(params, "reason", options->reason);
    if (options->switch_only)
        cJSON_AddTrueToObject(params, "switch_only");
    if (dry_run)
        cJSON_AddTrueToObject(params, "dry_run");
    add_force(params, options);
    return params;
}

static bool is_chosen(const struct options *options, const char *group)
{
    for (size_t i = 0; i < options->group_count; i++) {
        if (strcmp(options->groups[i], group) == 0)
            return true;
    }
    return options->group_count == 0;
}

static void print_moves(FILE *out, const struct options *options, const cJSON *status)
{
    const cJSON *group;
    cJSON_ArrayForEach(group, json_member(status, "groups"))
    {
        const char *from = json_text(group, "active");
        if (!is_chosen(options, group->string))
            continue;
        fputs("  ", out);
        page_print(out, group->string);
        fputs(": ", out);
        page_print(out, from ? from : "undecided");
        fputs(" -> ", out);
        page_print(out, options->arguments[0]);
        fputc('\n', out);
    }
}

static void print_hosts(FILE *out, const cJSON *status)
{
    const cJSON *store = json_member(status, "store"), *host;
    const char *kind = json_text(store, "kind"), *where = json_text(store, "where");
    if (kind && strcmp(kind, "file") == 0) {
        fputs("This host only: the state is a file (", out);
        page_print(out, where);
        fputs(")\n", out);
        return;
    }
    fputs("Every host that shares this record:", out);
    cJSON_ArrayForEach(host, json_member(status, "hosts"))
    {
        fputc(' ', out);
        page_print(out, host->string);
    }
    fputc('\n', out);
}

bool move_said_yes(void)
{
    char *line = NULL;
    size_t size = 0;
    bool yes = getline(&line, &size, stdin) > 0 &&
               (strcasecmp(line, "y\n") == 0 || strcasecmp(line, "yes\n") == 0);
    free(line);
    return yes;
}

/* DONE: go on. Anything else is the end of the command, and `reply` says why. */
static enum exit_status ask_operator(struct session *session, struct reply *reply)
{
    const struct options *options = session->options;
    const char *method = options_command_name(options->command);
    session_ask(session, method, change_params(options, true), reply);
    if (reply->status != EXIT_STATUS_DONE)
        return reply->status;
    if (!json_bool(reply->result, "would_change", true)) {
        reply_fini(reply); /* already so: there is nothing to ask, and the command says it */
        return EXIT_STATUS_DONE;
    }
    page_print(stderr, reply->words.text);
    fputc('\n', stderr);
    reply_fini(reply);
    session_ask(session, "status", NULL, reply);
    if (reply->status != EXIT_STATUS_DONE)
        return reply->status;
    print_moves(stderr, options, reply->result);
    print_hosts(stderr, reply->result);
    reply_fini(reply);
    fprintf(stderr, "Start the %s? [y/N] ", method);
    if (!move_said_yes())
        reply_fail(reply, EXIT_STATUS_REFUSED, "declined; nothing was changed");
    return reply->status;
}

/* Follows what a reply says is running, in place of the reply. */
static enum exit_status finish(
    struct session *session, struct reply *reply, const char *request, bool follow, bool any_end)
{
    const struct options *options = session->options;
    char *transition = memory_text(json_text(reply->result, "transition"));
    if (follow && reply->status == EXIT_STATUS_DONE && transition &&
        json_bool(reply->result, "running", false)) {
        reply_fini(reply);
        follow_transition(session, transition, any_end, options->json ? stderr : stdout, reply);
    }
    enum exit_status status = report_change(options, reply, request, transition);
    reply_fini(reply);
    free(transition);
    return status;
}

enum exit_status move_run(struct session *session)
{
    const struct options *options = session->options;
    const char *method = options_command_name(options->command);
    char request[SESSION_REQUEST_SIZE];
    struct reply reply = {0};
    if (options->dry_run) {
        session_ask(session, method, change_params(options, true), &reply);
        return finish(session, &reply, NULL, false, false);
    }
    if (!options->yes && isatty(STDIN_FILENO) && ask_operator(session, &reply) != EXIT_STATUS_DONE)
        return finish(session, &reply, NULL, false, false);
    session_change(session, method, change_params(options, false), request, &reply);
    return finish(session, &reply, request, !options->no_wait, false);
}

enum exit_status move_abort(struct session *session)
{
    char request[SESSION_REQUEST_SIZE];
    struct reply reply;
    session_change(session, "abort", change_params(session->options, false), request, &reply);
    return finish(session, &reply, request, true, true);
}

enum exit_status move_go_on(struct session *session)
{
    const struct options *options = session->options;
    char request[SESSION_REQUEST_SIZE];
    struct reply reply;
    cJSON *params = cJSON_CreateObject();
    if (options->argument_count > 0)
        cJSON_AddStringToObject(params, "step", options->arguments[0]);
    if (options->reason)
        cJSON_AddStringToObject(params, "reason", options->reason);
    session_change(session, options_command_name(options->command), params, request, &reply);
    return finish(session, &reply, request, !options->no_wait, false);
}

enum exit_status move_reload(struct session *session)
{
    char request[SESSION_REQUEST_SIZE];
    struct reply reply;
    session_change(session, "reload", cJSON_CreateObject(), request, &reply);
    return finish(session, &reply, request, false, false);
}

enum exit_status move_wait(struct session *session)
{
    const struct options *options = session->options;
    struct reply reply = {0};
    if (options->request) {
        cJSON *params = cJSON_CreateObject();
        cJSON_AddStringToObject(params, "request", options->request);
        session_ask(session, "request", params, &reply);
        return finish(session, &reply, options->request, true, false);
    }
    follow_transition(session, NULL, true, options->json ? stderr : stdout, &reply);
    return finish(session, &reply, NULL, false, true);
}
