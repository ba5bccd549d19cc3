/* The words of the command line: commands, options, and what they may be combined with.
 *
 * One table of each; parsing, the help texts and (by a test) the completions all follow them. */
#pragma once

#include "base/failure.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

enum cli_command {
    CLI_STATUS,
    CLI_FAILOVER,
    CLI_SWITCHOVER,
    CLI_ABORT,
    CLI_WAIT,
    CLI_RETRY,
    CLI_SKIP,
    CLI_APPROVE,
    CLI_PLAN,
    CLI_READY,
    CLI_READOPT,
    CLI_EXPLAIN,
    CLI_CONNECTIONS,
    CLI_HISTORY,
    CLI_RELOAD,
    CLI_FLUSH,
    CLI_CA,
    CLI_HELP,
    CLI_COMMANDS /* how many; also: none given */
};

struct options {
    enum cli_command command;
    const char *arguments[2]; /* NULL where not given */
    size_t argument_count;

    bool help, version, json;
    const char *config; /* NULL: the default file */
    const char *socket; /* NULL: not given */

    bool watch, switch_only, local, no_wait, dry_run, yes, iam;
    const char **groups; /* ours; the words are argv's */
    size_t group_count;
    const char *reason, *request; /* NULL: not given */
    bool has_timeout;
    uint64_t timeout_ms;
    bool force_all;
    const char *force[8]; /* the words of --force=WORD,…; each once */
    size_t force_count;
};

/* Strings stay argv's. -EINVAL with words; `ret` is to be given to options_fini either way, and
 * its `json` says how the words are wanted. */
int options_parse(int argc, char **argv, struct options *ret, struct failure *why);
void options_fini(struct options *options);

const char *options_command_name(enum cli_command command);
/* Whether its exit status tells what became of the daemon, not of our output. */
bool options_changes(enum cli_command command);

/* Help for one command, or for all with CLI_COMMANDS. */
void options_help(FILE *out, enum cli_command command);
/* Whether `name` is a command; the nearest one otherwise goes into `why`. */
int options_find_command(const char *name, enum cli_command *ret, struct failure *why);
