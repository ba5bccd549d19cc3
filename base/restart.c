/* On the good day execve replaces the process; the kernel ends the hanging thread, closes what is
 * close-on-exec, and the program reads its record and binds its ports anew.
 *
 * Global state besides the log's sink: a thread that must not take a lock finds nothing else. */
#include "base/restart.h"

#include "base/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <unistd.h>

#define EXIT_SOFTWARE 70 /* EX_SOFTWARE of sysexits.h */

static char **saved_arguments, **saved_environment;
static const int *kept_sockets;

static char **copy_list(char **list)
{
    size_t count = 0;
    while (list[count])
        count++;
    char **copy = memory_new_array(count + 1, sizeof *copy);
    for (size_t i = 0; i < count; i++)
        copy[i] = memory_text(list[i]);
    return copy;
}

void restart_prepare(char **arguments)
{
    saved_arguments = copy_list(arguments);
    saved_environment = copy_list(environ);
    /* After a restart the kernel calls us by the last part of "/proc/self/exe". */
    prctl(PR_SET_NAME, program_invocation_short_name);
}

void restart_keep(const int *sockets)
{
    kept_sockets = sockets;
}

_Noreturn void restart_now(void)
{
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL); /* an exec keeps the mask of the thread that calls it */
    for (const int *socket = kept_sockets; socket && *socket >= 0; socket++)
        (void)fcntl(*socket, F_SETFD, 0);
    if (saved_arguments)
        execve("/proc/self/exe", saved_arguments, saved_environment);
    _exit(EXIT_SOFTWARE);
}
