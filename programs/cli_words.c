/* On the good day a word is one of the tables. One that nobody knows is answered with the nearest
 * that somebody does. */
#include "programs/cli_words.h"

#include "base/memory.h"
#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define MOVES (TAKES(CLI_FAILOVER) | TAKES(CLI_SWITCHOVER))
#define GOES_ON (TAKES(CLI_RETRY) | TAKES(CLI_SKIP) | TAKES(CLI_APPROVE))

const struct option_entry words_options[OPTION_COUNT] = {
    [OPTION_CONFIG] = {"config", "-c, --config FILE", VALUE_NEEDED, EVERY,
        "where the configuration is, for its control.socket (" CONFIG_DEFAULT_PATH ")"},
    [OPTION_SOCKET] = {"socket", "--socket PATH", VALUE_NEEDED, EVERY,
        "the daemon's control socket (or PILOTLIGHT_SOCKET; " CONFIG_DEFAULT_SOCKET ")"},
    [OPTION_JSON] = {"json", "--json", VALUE_NONE, EVERY, "one JSON document on standard output"},
    [OPTION_HELP] = {"help", "-h, --help", VALUE_NONE, EVERY, "this text, or that of a command"},
    [OPTION_VERSION] = {"version", "--version", VALUE_NONE, EVERY, "the version of this program"},
    [OPTION_WATCH] = {"watch", "--watch", VALUE_NONE, TAKES(CLI_STATUS),
        "draw again after each change, until interrupted"},
    [OPTION_GROUP] = {"group", "--group GROUP", VALUE_NEEDED, MOVES,
        "only this group of endpoints; may be given again (all groups)"},
    [OPTION_REASON] = {"reason", "--reason TEXT", VALUE_NEEDED, MOVES | TAKES(CLI_ABORT) | GOES_ON,
        "why, for the record"},
    [OPTION_SWITCH_ONLY] = {"switch-only", "--switch-only", VALUE_NONE, TAKES(CLI_FAILOVER),
        "switch the answers at once, without the runbook"},
    [OPTION_LOCAL] = {"local", "--local", VALUE_NONE, TAKES(CLI_FAILOVER),
        "this host only, with --switch-only"},
    [OPTION_NO_WAIT] = {"no-wait", "--no-wait", VALUE_NONE, MOVES | GOES_ON | TAKES(CLI_READOPT),
        "return as soon as the transition has begun, or goes on"},
    [OPTION_TIMEOUT] = {"timeout", "--timeout D", VALUE_NEEDED,
        MOVES | TAKES(CLI_ABORT) | TAKES(CLI_WAIT) | GOES_ON | TAKES(CLI_READOPT),
        "wait no longer than this (\"500ms\", \"30s\", \"5m\"); the work goes on"},
    [OPTION_DRY_RUN] = {"dry-run", "--dry-run", VALUE_NONE, MOVES | TAKES(CLI_READOPT),
        "say what would happen, change nothing"},
    [OPTION_YES] = {"yes", "--yes", VALUE_NONE, MOVES | TAKES(CLI_READOPT), "do not ask"},
    [OPTION_IAM] = {"iam", "--iam", VALUE_NONE, TAKES(CLI_PLAN),
        "the least IAM policy for the region's runbook, instead"},
    [OPTION_FORCE] = {"force", "--force[=WORD,...]", VALUE_OPTIONAL, MOVES | TAKES(CLI_ABORT),
        "override refusals: all, or lag, flap, latch, acks, undecided, dns-only, irreversible"},
    [OPTION_REQUEST] = {"request", "--request ID", VALUE_NEEDED, TAKES(CLI_WAIT),
        "what became of the change with this request id; waits for it"},
};

const struct command_entry words_commands[CLI_COMMANDS] = {
    [CLI_STATUS] = {"status", "", 0, 0, "what is active, healthy and under way"},
    [CLI_FAILOVER] = {"failover", "REGION", 1, 1, "the primary region is lost: move to REGION"},
    [CLI_SWITCHOVER] = {"switchover", "REGION", 1, 1, "planned move to REGION, both regions well"},
    [CLI_ABORT] = {"abort", "", 0, 0, "back to where the running transition started"},
    [CLI_WAIT] = {"wait", "", 0, 0, "return when the running transition has ended or stopped"},
    [CLI_RETRY] = {"retry", "[STEP]", 0, 1, "again with what stopped the transition, or with STEP"},
    [CLI_SKIP] = {"skip", "STEP", 1, 1, "go on without STEP"},
    [CLI_APPROVE] = {"approve", "STEP", 1, 1, "go on: STEP waits for a person's word"},
    [CLI_PLAN] = {"plan", "REGION", 1, 1,
        "what failover REGION would do now, step by step; changes nothing"},
    [CLI_READOPT] = {"readopt", "REGION", 1, 1,
        "a returned old primary: build the reverse replica, lift the latch"},
    [CLI_READY] = {"ready", "[REGION]", 0, 1,
        "is the standby fit to take over; 1 if a check fails"},
    [CLI_EXPLAIN] = {"explain", "NAME [TYPE]", 1, 2, "how NAME would be answered now, and why"},
    [CLI_CONNECTIONS] = {"connections", "[ENDPOINT]", 0, 1,
        "relayed connections: open, held, since when, bytes"},
    [CLI_HISTORY] = {"history", "", 0, 0, "past transitions"},
    [CLI_RELOAD] = {"reload", "", 0, 0, "read the configuration again"},
    [CLI_FLUSH] = {"flush", "[NAME]", 0, 1, "drop cached answers, all or those of NAME"},
    [CLI_CA] = {"ca", "", 0, 0, "the gateway's CA certificate, for applications to trust"},
    [CLI_HELP] = {"help", "[COMMAND]", 0, 1, "this text, or that of a command"},
};

const char *options_command_name(enum cli_command command)
{
    return words_commands[command].name;
}

static size_t least(size_t a, size_t b, size_t c)
{
    size_t smaller = a < b ? a : b;
    return smaller < c ? smaller : c;
}

/* How many letters must be changed, added or left out to make `a` of `b` (Levenshtein), one row of
 * the matrix at a time. */
static size_t distance_of(const char *a, const char *b)
{
    size_t a_size = strlen(a);
    size_t *row = memory_new_array(a_size + 1, sizeof *row);
    for (size_t i = 0; i <= a_size; i++)
        row[i] = i;
    for (size_t j = 1; *b; b++, j++) {
        size_t corner = row[0];
        row[0] = j;
        for (size_t i = 1; i <= a_size; i++) {
            size_t above = row[i];
            row[i] = least(above + 1, row[i - 1] + 1, corner + (a[i - 1] != *b));
            corner = above;
        }
    }
    size_t distance = row[a_size];
    free(row);
    return distance;
}

/* A word is near when a few slips of the finger, or the rest of it, are all that is missing. */
static bool is_near(const char *typed, const char *known, size_t *best)
{
    size_t typed_size = strlen(typed);
    size_t distance = distance_of(typed, known);
    if (typed_size > 1 && strncmp(typed, known, typed_size) == 0)
        distance = 0;
    if (distance > 3 || distance >= typed_size || distance >= *best)
        return false;
    *best = distance;
    return true;
}

int options_find_command(const char *name, enum cli_command *ret, struct failure *why)
{
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    for (unsigned i = 0; i < CLI_COMMANDS; i++) {
        if (strcmp(name, words_commands[i].name) == 0) {
            *ret = (enum cli_command)i;
            return 0;
        }
        if (is_near(name, words_commands[i].name, &best))
            nearest = words_commands[i].name;
    }
    if (nearest)
        return failure_set(
            why, -EINVAL, "unknown command \"%s\"; did you mean \"%s\"?", name, nearest);
    return failure_set(
        why, -EINVAL, "unknown command \"%s\"; \"pilotlight help\" lists those there are", name);
}

int words_find_option(
    const char *name, size_t size, const struct option_entry **ret, struct failure *why)
{
    char *typed = memory_text_of(name, size);
    const char *nearest = NULL;
    size_t best = SIZE_MAX;
    *ret = NULL;
    for (unsigned i = 0; i < OPTION_COUNT && !*ret; i++) {
        if (strcmp(typed, words_options[i].name) == 0)
            *ret = &words_options[i];
        else if (is_near(typed, words_options[i].name, &best))
            nearest = words_options[i].name;
    }
    int status = 0;
    if (!*ret && nearest)
        status = failure_set(
            why, -EINVAL, "unknown option \"--%s\"; did you mean \"--%s\"?", typed, nearest);
    else if (!*ret)
        status = failure_set(why, -EINVAL, "unknown option \"--%s\"", typed);
    free(typed);
    return status;
}

static void help_options(FILE *out, unsigned takes, bool common)
{
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        if ((words_options[i].commands == EVERY) == common && (words_options[i].commands & takes))
            fprintf(out, "  %-22s %s\n", words_options[i].shown, words_options[i].help);
    }
}

static void help_all(FILE *out)
{
    fputs("usage: pilotlight [OPTIONS] COMMAND [ARGUMENTS]\n\n"
          "Talks to the pilotlightd on this host: where do names lead, and shall they lead "
          "elsewhere.\n\nCommands:\n",
        out);
    for (unsigned i = 0; i < CLI_COMMANDS; i++) {
        char shown[32];
        snprintf(shown, sizeof shown, "%s %s", words_commands[i].name, words_commands[i].arguments);
        fprintf(out, "  %-22s %s\n", shown, words_commands[i].help);
    }
    fputs("\nOptions, before or after the command:\n", out);
    help_options(out, EVERY, true);
    fputs("\n\"pilotlight help COMMAND\" shows the options of a command.\n\n"
          "Exit status: 0 done, 1 failed, 2 bad usage or configuration, 3 refused,\n"
          "4 no daemon answers, 5 timed out waiting (the work goes on).\n",
        out);
}

void options_help(FILE *out, enum cli_command command)
{
    if (command == CLI_COMMANDS) {
        help_all(out);
        return;
    }
    const struct command_entry *entry = &words_commands[command];
    fprintf(out, "usage: pilotlight %s%s%s [OPTIONS]\n\n%s\n\nOptions:\n", entry->name,
        *entry->arguments ? " " : "", entry->arguments, entry->help);
    help_options(out, TAKES(command), false);
    help_options(out, TAKES(command), true);
}
