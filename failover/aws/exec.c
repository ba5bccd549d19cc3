/* exec: a command of the operator's, done when it exits with 0.
 *
 * Nobody can look what it did. So it is at least once: after a kill it runs again, with the same
 * attempt in its environment; one that says "once" is `unknown` then, for a person to say. */
#include "failover/aws/command.h"
#include "failover/aws/step.h"

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern char **environ;

struct execution {
    struct command_process *process;
    char last[COMMAND_LINE_MAX + 1];
};

static const char *command_name(const struct step *step)
{
    const cJSON *command = json_member(step->parameters, "command");
    return command->child->valuestring;
}

static char **list_arguments(const struct step *step)
{
    const cJSON *command = json_member(step->parameters, "command"), *word;
    char **list = memory_new_array((size_t)cJSON_GetArraySize(command) + 1, sizeof *list);
    size_t count = 0;
    cJSON_ArrayForEach(word, command) list[count++] = memory_text(word->valuestring);
    return list;
}

static void free_list(char **list)
{
    for (size_t i = 0; list[i]; i++)
        free(list[i]);
    free(list);
}

static bool is_variable(const char *entry, const char *name, size_t size)
{
    return strncmp(entry, name, size) == 0 && entry[size] == '=';
}

/* Takes the place of a variable of the same name. */
static void set_variable(char **list, size_t *count, const char *name, const char *value)
{
    size_t size = strlen(name), at = 0;
    while (at < *count && !is_variable(list[at], name, size))
        at++;
    free(list[at]);
    list[at] = memory_format("%s=%s", name, value);
    if (at == *count)
        ++*count;
}

static char **list_environment(const struct step *step)
{
    const cJSON *given = json_member(step->parameters, "env"), *variable;
    size_t inherited = 0, count = 0;
    char attempt[16];
    while (environ[inherited])
        inherited++;
    size_t room = inherited + (size_t)cJSON_GetArraySize(given) + 5;
    char **list = memory_new_array(room, sizeof *list);
    for (; count < inherited; count++)
        list[count] = memory_text(environ[count]);
    cJSON_ArrayForEach(variable, given)
        set_variable(list, &count, variable->string, variable->valuestring);
    snprintf(attempt, sizeof attempt, "%u", step->attempt);
    set_variable(list, &count, "PILOTLIGHT_TRANSITION", step->transition);
    set_variable(list, &count, "PILOTLIGHT_STEP", step->given->id);
    set_variable(list, &count, "PILOTLIGHT_ATTEMPT", attempt);
    set_variable(list, &count, "PILOTLIGHT_REGION", step->region);
    return list;
}

static void on_said(void *context, const char *line)
{
    struct step *step = context;
    struct execution *execution = step->memory;
    log_info("step_said", LOG_TEXT("transition", step->transition),
        LOG_TEXT("step", step->given->id), LOG_TEXT("line", line));
    snprintf(execution->last, sizeof execution->last, "%s", line);
    step_say(step, execution->last);
}

static void on_exited(void *context, int64_t status, int signal)
{
    struct step *step = context;
    struct execution *execution = step->memory;
    const char *last = execution->last;
    const char *colon = *last ? ": " : "";
    execution->process = NULL;
    if (signal)
        step_fail(step, NULL, "%s was ended by signal %d (%s)%s%s", command_name(step), signal,
            strsignal(signal), colon, last);
    else if (status != 0)
        step_fail(step, NULL, "%s exited with status %" PRId64 "%s%s", command_name(step), status,
            colon, last);
    else
        step_done(step, "%s", *last ? last : "exited with status 0");
}

/* Where execvp would find it. */
static bool is_in_path(const char *name, const char *path)
{
    for (size_t size; *path; path += size + (path[size] == ':')) {
        size = strcspn(path, ":");
        char *full = memory_format("%.*s/%s", (int)size, size ? path : ".", name);
        bool found = access(full, X_OK) == 0;
        free(full);
        if (found)
            return true;
    }
    return false;
}

static bool can_run(const struct step *step)
{
    const char *name = command_name(step);
    const char *given = json_text(json_member(step->parameters, "env"), "PATH");
    const char *path = given ? given : getenv("PATH");
    if (strchr(name, '/'))
        return access(name, X_OK) == 0;
    return is_in_path(name, path ? path : "/bin:/usr/bin");
}

static void look(struct step *step)
{
    const char *name = command_name(step);
    if (step->purpose == STEP_READY && can_run(step))
        step_done(step, "%s can be run", name);
    else if (step->purpose == STEP_READY)
        step_fail(step, NULL, "%s is not there, or may not be run by uid %lu", name,
            (unsigned long)geteuid());
    else if (step->acted && step_flag(step, "once"))
        step_unknown(step,
            "%s was begun and nobody saw its end; look what it did, then pilotlight retry %s runs "
            "it again, pilotlight skip %s goes on without",
            name, step->given->id, step->given->id);
    else
        step_must(step, "run %s", name);
}

static void act(struct step *step)
{
    struct execution *execution = step_memory(step, sizeof *execution);
    struct command_options options = {.loop = step->loop,
        .arguments = list_arguments(step),
        .environment = list_environment(step),
        .said = on_said,
        .exited = on_exited,
        .context = step};
    struct failure why;
    execution->last[0] = '\0';
    execution->process = command_start(&options, &why);
    free_list(options.arguments);
    free_list(options.environment);
    if (!execution->process)
        step_fail(step, NULL, "%s", why.text);
}

static void cancel(struct step *step)
{
    struct execution *execution = step->memory;
    if (execution && execution->process)
        command_abandon(execution->process);
    if (execution)
        execution->process = NULL;
}

const struct step_kind step_exec = {
    .type = "exec", .look = look, .act = act, .cancel = cancel, .prompt = true};
