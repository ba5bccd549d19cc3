/* On the good day: each word of argv is an option of the table, an option's value, the command or
 * one of its arguments; then the whole is checked against what the command takes. */
#include "programs/cli_words.h"

#include "base/memory.h"
#include "config/config.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const force_words[] = {
    "lag", "flap", "latch", "acks", "undecided", "dns-only", "irreversible"};

#define FORCE_WORDS (sizeof force_words / sizeof *force_words)

bool options_changes(enum cli_command command)
{
    return command == CLI_FAILOVER || command == CLI_SWITCHOVER || command == CLI_ABORT ||
           command == CLI_WAIT || command == CLI_RETRY || command == CLI_SKIP ||
           command == CLI_APPROVE || command == CLI_READOPT || command == CLI_RELOAD ||
           command == CLI_FLUSH;
}

static int take_force_word(struct options *to, const char *word, size_t size, struct failure *why)
{
    for (size_t i = 0; i < to->force_count; i++) {
        if (strlen(to->force[i]) == size && memcmp(to->force[i], word, size) == 0)
            return 0;
    }
    for (size_t i = 0; i < FORCE_WORDS; i++) {
        if (strlen(force_words[i]) == size && memcmp(force_words[i], word, size) == 0) {
            to->force[to->force_count++] = force_words[i];
            return 0;
        }
    }
    return failure_set(why, -EINVAL,
        "--force=%.*s: no such word; there are lag, flap, latch, acks, undecided, dns-only and "
        "irreversible",
        (int)size, word);
}

static int take_force(struct options *to, const char *words, struct failure *why)
{
    if (!words) {
        to->force_all = true;
        return 0;
    }
    for (;;) {
        size_t size = strcspn(words, ",");
        int status = take_force_word(to, words, size, why);
        if (status < 0 || words[size] == '\0')
            return status;
        words += size + 1;
    }
}

static int take_timeout(struct options *to, const char *value, struct failure *why)
{
    if (!config_parse_duration(value, &to->timeout_ms))
        return failure_set(
            why, -EINVAL, "--timeout %s: not a duration such as 500ms, 30s or 5m", value);
    to->has_timeout = true;
    return 0;
}

static void take_group(struct options *to, const char *value)
{
    to->groups = memory_resize(to->groups, to->group_count + 1, sizeof *to->groups);
    to->groups[to->group_count++] = value;
}

static int take_value(
    struct options *to, const struct option_entry *option, const char *value, struct failure *why)
{
    switch ((enum option_id)(option - words_options)) {
    case OPTION_CONFIG:
        to->config = value;
        return 0;
    case OPTION_SOCKET:
        to->socket = value;
        return 0;
    case OPTION_GROUP:
        take_group(to, value);
        return 0;
    case OPTION_REASON:
        to->reason = value;
        return 0;
    case OPTION_REQUEST:
        to->request = value;
        return 0;
    case OPTION_TIMEOUT:
        return take_timeout(to, value, why);
    default:
        return take_force(to, value, why);
    }
}

static bool *flag_of(struct options *to, const struct option_entry *option)
{
    switch ((enum option_id)(option - words_options)) {
    case OPTION_JSON:
        return &to->json;
    case OPTION_VERSION:
        return &to->version;
    case OPTION_WATCH:
        return &to->watch;
    case OPTION_SWITCH_ONLY:
        return &to->switch_only;
    case OPTION_LOCAL:
        return &to->local;
    case OPTION_NO_WAIT:
        return &to->no_wait;
    case OPTION_DRY_RUN:
        return &to->dry_run;
    case OPTION_YES:
        return &to->yes;
    case OPTION_IAM:
        return &to->iam;
    default:
        return &to->help;
    }
}

/* What stands on the command line, and where we are in it. */
struct reading {
    int argc, next;
    char **argv;
    unsigned used; /* bits of enum option_id */
    struct options *to;
};

static int read_option(struct reading *reading, const struct option_entry *option,
    const char *value, struct failure *why)
{
    reading->used |= 1u << (option - words_options);
    if (option->value == VALUE_NONE) {
        if (value)
            return failure_set(why, -EINVAL, "--%s takes no value", option->name);
        *flag_of(reading->to, option) = true;
        return 0;
    }
    if (!value && option->value == VALUE_NEEDED) {
        if (reading->next == reading->argc)
            return failure_set(why, -EINVAL, "--%s needs a value: %s", option->name, option->shown);
        value = reading->argv[reading->next++];
    }
    if (value && *value == '\0')
        return failure_set(why, -EINVAL, "--%s: the value is empty", option->name);
    return take_value(reading->to, option, value, why);
}

static int read_long(struct reading *reading, const char *word, struct failure *why)
{
    const struct option_entry *option;
    size_t size = strcspn(word, "=");
    int status = words_find_option(word, size, &option, why);
    if (status < 0)
        return status;
    return read_option(reading, option, word[size] == '=' ? word + size + 1 : NULL, why);
}

static int read_short(struct reading *reading, const char *word, struct failure *why)
{
    if (word[0] == 'c')
        return read_option(reading, &words_options[OPTION_CONFIG], word[1] ? word + 1 : NULL, why);
    if (strcmp(word, "h") == 0)
        return read_option(reading, &words_options[OPTION_HELP], NULL, why);
    return failure_set(why, -EINVAL, "unknown option \"-%s\"", word);
}

static int read_plain(struct reading *reading, const char *word, struct failure *why)
{
    struct options *to = reading->to;
    if (to->command == CLI_COMMANDS)
        return options_find_command(word, &to->command, why);
    if (to->argument_count == words_commands[to->command].most)
        return failure_set(why, -EINVAL, "%s: \"%s\" is one argument too many",
            words_commands[to->command].name, word);
    to->arguments[to->argument_count++] = word;
    return 0;
}

static int read_words(struct reading *reading, struct failure *why)
{
    bool only_plain = false;
    while (reading->next < reading->argc) {
        const char *word = reading->argv[reading->next++];
        int status;
        if (only_plain || word[0] != '-' || word[1] == '\0') {
            status = read_plain(reading, word, why);
        } else if (strcmp(word, "--") == 0) {
            only_plain = true;
            status = 0;
        } else if (word[1] == '-') {
            status = read_long(reading, word + 2, why);
        } else {
            status = read_short(reading, word + 1, why);
        }
        if (status < 0)
            return status;
    }
    return 0;
}

static int check_combination(const struct reading *reading, struct failure *why)
{
    const struct options *to = reading->to;
    if (to->help || to->version)
        return 0;
    if (to->command == CLI_COMMANDS)
        return failure_set(
            why, -EINVAL, "no command given; \"pilotlight help\" lists those there are");
    const struct command_entry *command = &words_commands[to->command];
    for (unsigned i = 0; i < OPTION_COUNT; i++) {
        if ((reading->used & 1u << i) && !(words_options[i].commands & TAKES(to->command)))
            return failure_set(
                why, -EINVAL, "%s does not take --%s", command->name, words_options[i].name);
    }
    if (to->argument_count < command->least)
        return failure_set(why, -EINVAL, "%s needs an argument: pilotlight %s %s", command->name,
            command->name, command->arguments);
    if (to->local && !to->switch_only)
        return failure_set(why, -EINVAL, "--local goes with --switch-only alone");
    return 0;
}

/* The words after an error that parsing ended at are not read any more; how it is to be said is. */
static bool wants_json(int argc, char **argv)
{
    for (int i = 1; i < argc && strcmp(argv[i], "--") != 0; i++) {
        if (strcmp(argv[i], "--json") == 0)
            return true;
    }
    return false;
}

int options_parse(int argc, char **argv, struct options *ret, struct failure *why)
{
    *ret = (struct options){.command = CLI_COMMANDS};
    struct reading reading = {.argc = argc, .next = 1, .argv = argv, .to = ret};
    int status = read_words(&reading, why);
    if (status == 0)
        status = check_combination(&reading, why);
    if (status < 0)
        ret->json = wants_json(argc, argv);
    return status;
}

void options_fini(struct options *to)
{
    free(to->groups);
}
