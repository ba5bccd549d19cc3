/* Inside the option parsing: the tables of commands and options. Completions and manual pages are
 * held to what the help texts print of them (tests/completions_agree.py). */
#pragma once

#include "programs/cli_options.h"

#define TAKES(command) (1u << (command))
#define EVERY (TAKES(CLI_COMMANDS) - 1)

enum option_id {
    OPTION_CONFIG,
    OPTION_SOCKET,
    OPTION_JSON,
    OPTION_HELP,
    OPTION_VERSION,
    OPTION_WATCH,
    OPTION_GROUP,
    OPTION_REASON,
    OPTION_SWITCH_ONLY,
    OPTION_LOCAL,
    OPTION_NO_WAIT,
    OPTION_TIMEOUT,
    OPTION_DRY_RUN,
    OPTION_YES,
    OPTION_IAM,
    OPTION_FORCE,
    OPTION_REQUEST,
    OPTION_COUNT
};

enum option_value { VALUE_NONE, VALUE_NEEDED, VALUE_OPTIONAL };

struct option_entry {
    const char *name, *shown; /* shown: as the help has it, with the value */
    enum option_value value;
    unsigned commands;
    const char *help;
};

struct command_entry {
    const char *name, *arguments;
    size_t least, most;
    const char *help;
};

extern const struct option_entry words_options[OPTION_COUNT];
extern const struct command_entry words_commands[CLI_COMMANDS];

int words_find_option(
    const char *name, size_t size, const struct option_entry **ret, struct failure *why);
