/* The test program restarts itself in a child: called with an argument it hangs one thread and
 * restarts from another; called again it finds TEST_RESTART_PID in the environment that it saved.
 */
#include "base/restart.h"

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#define KEPT 20
#define LOST 21
#define SECOND_LIFE 42

static void *restart(void *unused)
{
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, NULL);
    (void)unused;
    restart_now();
}

static int first_life(char **arguments)
{
    static const int kept[] = {KEPT, -1};
    pthread_t thread;
    char pid[16];
    snprintf(pid, sizeof pid, "%d", (int)getpid());
    setenv("TEST_RESTART_PID", pid, 1);
    restart_prepare(arguments);
    unsetenv("TEST_RESTART_PID"); /* what comes later does not count */
    dup3(STDERR_FILENO, KEPT, O_CLOEXEC);
    dup3(STDERR_FILENO, LOST, O_CLOEXEC);
    restart_keep(kept);
    if (pthread_create(&thread, NULL, restart, NULL) != 0)
        return 1;
    for (;;)
        pause(); /* this thread hangs */
}

static int second_life(int count, char **arguments)
{
    char name[16] = "";
    sigset_t mask;
    restart_prepare(arguments);
    prctl(PR_GET_NAME, name);
    pthread_sigmask(SIG_BLOCK, NULL, &mask);
    if (atoi(getenv("TEST_RESTART_PID")) != getpid())
        return 2;
    if (count != 3 || strcmp(arguments[2], "an argument") != 0)
        return 3;
    if (fcntl(KEPT, F_GETFD) < 0 || fcntl(LOST, F_GETFD) >= 0)
        return 4;
    if (strcmp(name, "test_restart") != 0)
        return 5;
    return sigismember(&mask, SIGTERM) ? 6 : SECOND_LIFE;
}

/* The exit status of a child that runs this program with `argument`. */
static int run(const char *argument)
{
    pid_t child = fork();
    if (child == 0) {
        execl("/proc/self/exe", "test_restart", argument, "an argument", (char *)NULL);
        _exit(127);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void a_hanging_program_starts_again_as_it_was_started(void **unused)
{
    (void)unused;
    assert_int_equal(run("life"), SECOND_LIFE);
}

static void without_a_way_back_it_exits_for_the_service_manager(void **unused)
{
    (void)unused;
    assert_int_equal(run("unprepared"), 70);
}

int main(int count, char **arguments)
{
    if (count > 1 && strcmp(arguments[1], "unprepared") == 0)
        restart_now();
    if (count > 1 && getenv("TEST_RESTART_PID"))
        return second_life(count, arguments);
    if (count > 1)
        return first_life(arguments);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_hanging_program_starts_again_as_it_was_started),
        cmocka_unit_test(without_a_way_back_it_exits_for_the_service_manager),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
