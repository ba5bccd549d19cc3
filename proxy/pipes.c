/* On the good day a busy flow takes an idle pipe and gives it back empty.
 *
 * What can go wrong: no descriptors, or the user's share of pipe memory is used up (pipe(7),
 * pipe-user-pages-soft): then the pipe is small or there is none, and bytes are copied. */
#include "proxy/pipes.h"

#include "base/memory.h"
#include "proxy/descriptors.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#define SIZE_USELESS (32u << 10)

static void close_pipe(struct pipes *pipes, struct pipe *pipe)
{
    close(pipe->ends[0]);
    close(pipe->ends[1]);
    free(pipe);
    pipes->count--;
    descriptors_give(pipes->descriptors, 2);
}

static bool make_pipe(struct pipes *pipes, int ends[2])
{
    if (pipes->count >= PIPES_MAX || !descriptors_take(pipes->descriptors, 2))
        return false;
    if (pipe2(ends, O_NONBLOCK | O_CLOEXEC) == 0)
        return true;
    descriptors_give(pipes->descriptors, 2);
    return false;
}

static struct pipe *open_pipe(struct pipes *pipes)
{
    int ends[2];
    if (!make_pipe(pipes, ends))
        return NULL;
    struct pipe *pipe = memory_new(sizeof *pipe);
    pipe->ends[0] = ends[0];
    pipe->ends[1] = ends[1];
    pipes->count++;
    int size = fcntl(ends[1], F_SETPIPE_SZ, (int)PIPE_SIZE);
    if (size < 0)
        size = fcntl(ends[1], F_GETPIPE_SZ);
    if (size < (int)SIZE_USELESS) {
        close_pipe(pipes, pipe);
        return NULL;
    }
    pipe->size = (size_t)size;
    return pipe;
}

struct pipe *pipes_take(struct pipes *pipes)
{
    struct pipe *pipe = pipes->idle;
    if (!pipe)
        return open_pipe(pipes);
    pipes->idle = pipe->next;
    pipes->idle_count--;
    return pipe;
}

void pipes_give(struct pipes *pipes, struct pipe *pipe)
{
    if (pipe->filled > 0 || pipes->idle_count >= PIPES_IDLE_MAX) {
        close_pipe(pipes, pipe);
        return;
    }
    pipe->next = pipes->idle;
    pipes->idle = pipe;
    pipes->idle_count++;
}

void pipes_fini(struct pipes *pipes)
{
    for (struct pipe *pipe = pipes->idle, *next; pipe; pipe = next) {
        next = pipe->next;
        close_pipe(pipes, pipe);
    }
    *pipes = (struct pipes){.descriptors = pipes->descriptors};
}
