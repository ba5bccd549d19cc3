/* On the good day the process says something and exits. What it left in the pipe then is still
 * read; what children of its own hold open is not waited for. */
#include "failover/aws/command.h"

#include "base/memory.h"

#include <errno.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LEFT_MOST (1u << 20) /* bytes that are read after the end */
#define BEAT_MS 100

struct command_process {
    struct command_options options;
    uv_process_t process;
    uv_pipe_t output;
    uv_timer_t grace;
    unsigned open;
    bool abandoned;
    unsigned beats; /* until its group is killed */
    char line[COMMAND_LINE_MAX + 1];
    size_t size;
    char room[4096];
};

static void on_closed(uv_handle_t *handle)
{
    struct command_process *process = handle->data;
    if (--process->open == 0)
        free(process);
}

static void close_handle(struct command_process *process, void *handle)
{
    (void)process;
    if (!uv_is_closing(handle))
        uv_close(handle, on_closed);
}

static void end_line(struct command_process *process)
{
    process->line[process->size] = '\0';
    if (process->size > 0 && !process->abandoned)
        process->options.said(process->options.context, process->line);
    process->size = 0;
}

/* What a line has beyond its room is left out; terminals' control characters are blanks. */
static void take(struct command_process *process, const char *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        unsigned char byte = (unsigned char)data[i];
        if (byte == '\n' || byte == '\r')
            end_line(process);
        else if (process->size < COMMAND_LINE_MAX)
            process->line[process->size++] = byte < 0x20 || byte == 0x7f ? ' ' : (char)byte;
    }
}

static void on_room_wanted(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    (void)suggested;
    struct command_process *process = handle->data;
    *ret = uv_buf_init(process->room, sizeof process->room);
}

static void on_output(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct command_process *process = stream->data;
    if (size > 0)
        take(process, buffer->base, (size_t)size);
    else if (size < 0)
        close_handle(process, stream);
}

static void take_the_rest(struct command_process *process)
{
    uv_os_fd_t fd;
    ssize_t size = 1;
    if (uv_is_closing((uv_handle_t *)&process->output) ||
        uv_fileno((uv_handle_t *)&process->output, &fd) < 0)
        return;
    for (size_t left = LEFT_MOST; left > 0 && size > 0; left -= sizeof process->room) {
        size = read(fd, process->room, sizeof process->room);
        if (size > 0)
            take(process, process->room, (size_t)size);
    }
}

/* Of one that was abandoned the group may outlive it, and has its grace still. */
static void on_process_exit(uv_process_t *handle, int64_t status, int signal)
{
    struct command_process *process = handle->data;
    take_the_rest(process);
    end_line(process);
    close_handle(process, &process->process);
    close_handle(process, &process->output);
    if (process->beats == 0)
        close_handle(process, &process->grace);
    if (!process->abandoned)
        process->options.exited(process->options.context, status, signal);
}

/* Its own group: a signal for it reaches whatever it started. Libraries leave descriptors open for
 * children (libcurl its connections); it gets none. */
static int spawn(struct command_process *process, int output)
{
    close_range(3, ~0u, CLOSE_RANGE_CLOEXEC);
    uv_stdio_container_t stdio[3] = {{.flags = UV_IGNORE},
        {.flags = UV_INHERIT_FD, .data.fd = output}, {.flags = UV_INHERIT_FD, .data.fd = output}};
    uv_process_options_t options = {.exit_cb = on_process_exit,
        .file = process->options.arguments[0],
        .args = process->options.arguments,
        .env = process->options.environment,
        .flags = UV_PROCESS_DETACHED,
        .stdio = stdio,
        .stdio_count = 3};
    return uv_spawn(&process->options.loop->uv, &process->process, &options);
}

static int start(struct command_process *process)
{
    uv_loop_t *loop = &process->options.loop->uv;
    int pipe[2];
    int status = uv_pipe(pipe, UV_NONBLOCK_PIPE, 0);
    uv_timer_init(loop, &process->grace);
    uv_pipe_init(loop, &process->output, 0);
    process->open = 3;
    process->grace.data = process->output.data = process->process.data = process;
    if (status < 0) {
        process->open--; /* the process has no handle yet */
        return status;
    }
    status = spawn(process, pipe[1]);
    close(pipe[1]);
    if (uv_pipe_open(&process->output, pipe[0]) < 0)
        close(pipe[0]);
    else
        uv_read_start((uv_stream_t *)&process->output, on_room_wanted, on_output);
    if (status < 0)
        close_handle(process, &process->process);
    return status;
}

struct command_process *command_start(const struct command_options *options, struct failure *why)
{
    struct command_process *process = memory_new(sizeof *process);
    process->options = *options;
    int status = start(process);
    if (status == 0)
        return process;
    failure_set(why, status, "cannot run %.200s: %s", options->arguments[0], uv_strerror(status));
    process->abandoned = true;
    close_handle(process, &process->output);
    close_handle(process, &process->grace);
    return NULL;
}

/* False: nobody of its group is left. */
static bool send_signal(struct command_process *process, int signal)
{
    return kill(-process->process.pid, signal) == 0;
}

static void on_beat(uv_timer_t *timer)
{
    struct command_process *process = timer->data;
    process->beats--;
    if (process->beats > 0 && send_signal(process, 0))
        return;
    if (process->beats == 0)
        send_signal(process, SIGKILL);
    process->beats = 0;
    uv_timer_stop(timer);
    if (uv_is_closing((uv_handle_t *)&process->process)) /* it has exited */
        close_handle(process, timer);
}

void command_abandon(struct command_process *process)
{
    process->abandoned = true;
    process->beats = COMMAND_GRACE_MS / BEAT_MS;
    uv_timer_start(&process->grace, on_beat, BEAT_MS, BEAT_MS);
    send_signal(process, SIGTERM);
}
