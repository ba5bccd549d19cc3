/* A command of a runbook: what it starts, what it is given, and its end. */
#include "failover/aws/command.h"

#include "base/clock.h"
#include "base/memory.h"
#include "tests/unit/unit.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct scene {
    struct loop loop;
    char said[COMMAND_LINE_MAX + 1]; /* the last line */
    bool exited;
    int64_t status;
};

static int setup(void **ret)
{
    struct scene *scene = memory_new(sizeof *scene);
    loop_init(&scene->loop, "test");
    *ret = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    loop_fini(&scene->loop);
    free(scene);
    return 0;
}

static void on_said(void *context, const char *line)
{
    struct scene *scene = context;
    snprintf(scene->said, sizeof scene->said, "%s", line);
}

static void on_exited(void *context, int64_t status, int signal)
{
    struct scene *scene = context;
    (void)signal;
    scene->exited = true;
    scene->status = status;
}

static struct command_process *start(struct scene *scene, const char *script)
{
    char shell[] = "/bin/sh", option[] = "-c", path[] = "PATH=/usr/bin:/bin";
    char *arguments[] = {shell, option, (char *)script, NULL};
    char *environment[] = {path, NULL};
    struct command_options options = {.loop = &scene->loop,
        .arguments = arguments,
        .environment = environment,
        .said = on_said,
        .exited = on_exited,
        .context = scene};
    struct failure why;
    struct command_process *process = command_start(&options, &why);
    assert_non_null(process);
    return process;
}

/* Connections to AWS are libcurl's, which does not close them for others. */
static void it_has_nothing_of_ours_open(void **state)
{
    struct scene *scene = *state;
    char script[96];
    int ours[2];
    assert_int_equal(pipe(ours), 0);
    snprintf(script, sizeof script, "[ -e /proc/self/fd/%d ] && echo open || echo closed", ours[0]);
    start(scene, script);
    while (!scene->exited)
        uv_run(&scene->loop.uv, UV_RUN_ONCE);
    assert_string_equal(scene->said, "closed");
    close(ours[0]);
    close(ours[1]);
}

static bool is_alive(pid_t pid)
{
    return kill(pid, 0) == 0;
}

static void what_it_started_does_not_outlive_it(void **state)
{
    struct scene *scene = *state;
    struct command_process *process = start(
        scene, "(trap '' TERM; while :; do sleep 0.05; done) >/dev/null 2>&1 & echo $!; wait");
    while (!scene->said[0])
        uv_run(&scene->loop.uv, UV_RUN_ONCE);
    pid_t child = (pid_t)atoi(scene->said);
    usleep(100000); /* until it has its trap */
    assert_true(is_alive(child));
    command_abandon(process);
    uint64_t end_ms = clock_boot_ms() + COMMAND_GRACE_MS + 2000;
    while (is_alive(child) && clock_boot_ms() < end_ms)
        uv_run(&scene->loop.uv, UV_RUN_ONCE);
    bool outlived = is_alive(child);
    if (outlived)
        kill(child, SIGKILL);
    assert_false(outlived);
    assert_false(scene->exited);
    for (int i = 0; i < 10; i++)
        uv_run(&scene->loop.uv, UV_RUN_NOWAIT);
}

#define COMMAND(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        COMMAND(it_has_nothing_of_ours_open),
        COMMAND(what_it_started_does_not_outlive_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
