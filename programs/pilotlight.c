/* pilotlight, the control command: read the words, find the daemon's socket, run the command. It
 * links what it needs and no more, for an operator's `failover` shall be over before the finger has
 * left the key. */
#include "programs/cli_commands.h"
#include "programs/cli_report.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

static enum exit_status run(const struct options *options)
{
    struct session session;
    struct failure why;
    char *socket;
    if (session_choose_socket(options, getenv("PILOTLIGHT_SOCKET"), &socket, &why) < 0)
        return report_failure(options, EXIT_STATUS_USAGE, &why);
    session_init(&session, options, socket);
    enum exit_status status = command_run(&session);
    session_fini(&session);
    free(socket);
    return status;
}

static enum exit_status run_words(int argc, char **argv, struct options *options)
{
    struct failure why;
    if (options_parse(argc, argv, options, &why) < 0)
        return report_failure(options, EXIT_STATUS_USAGE, &why);
    if (options->version) {
        puts("pilotlight " PILOTLIGHT_VERSION);
        return EXIT_STATUS_DONE;
    }
    if (options->help) {
        options_help(stdout, options->command);
        return EXIT_STATUS_DONE;
    }
    return run(options);
}

int main(int argc, char **argv)
{
    struct options options;
    signal(SIGPIPE, SIG_IGN); /* a reader that left must not hide what became of a change */
    enum exit_status status = run_words(argc, argv, &options);
    if ((fflush(stdout) != 0 || ferror(stdout)) && status == EXIT_STATUS_DONE &&
        !options_changes(options.command)) {
        fprintf(stderr, "pilotlight: standard output: %s\n", strerror(errno));
        status = EXIT_STATUS_FAILED;
    }
    options_fini(&options);
    return (int)status;
}
