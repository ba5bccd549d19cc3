/* A command of a runbook, as a process of its own: no shell, nothing to read, a process group of
 * its own, and what it says taken line by line. */
#pragma once

#include "base/failure.h"
#include "base/loop.h"

#include <stdint.h>

#define COMMAND_LINE_MAX 1024 /* bytes of a line that are kept */
#define COMMAND_GRACE_MS 5000 /* between SIGTERM and SIGKILL */

struct command_process;

struct command_options {
    struct loop *loop;
    char **arguments;   /* NULL ends; the first is looked for in PATH */
    char **environment; /* all of it: "NAME=VALUE", NULL ends */
    /* A line of its output, without control characters; it is gone afterwards. */
    void (*said)(void *context, const char *line);
    /* It is over; nothing is called after this. */
    void (*exited)(void *context, int64_t status, int signal);
    void *context;
};

/* NULL with words when it cannot be run. */
struct command_process *command_start(const struct command_options *options, struct failure *why);

/* SIGTERM to its group, later SIGKILL; nothing is called any more, and it frees itself. The loop
 * stays alive until it is gone. */
void command_abandon(struct command_process *process);
