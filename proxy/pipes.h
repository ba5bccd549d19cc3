/* Pipes for splice(2), shared by the flows of one loop: a flow has one only while it is busy. */
#pragma once

#include <stdatomic.h>
#include <stddef.h>

#define PIPES_MAX 32           /* of a loop, in use and idle; further flows copy */
#define PIPES_IDLE_MAX 4       /* kept open between uses */
#define PIPE_SIZE (256u << 10) /* bytes asked for; the kernel may give less */

struct pipe {
    struct pipe *next; /* idle */
    int ends[2];       /* read, write */
    size_t size;       /* bytes that it can hold */
    size_t filled;     /* bytes in it */
};

struct pipes {
    struct pipe *idle;
    unsigned count, idle_count;
    atomic_int *descriptors; /* that may still be taken, two a pipe; NULL: enough */
};

/* NULL: there are enough, or the kernel gives none. */
struct pipe *pipes_take(struct pipes *pipes);
/* One that is not empty is closed, so that nothing of one connection reaches another. */
void pipes_give(struct pipes *pipes, struct pipe *pipe);
void pipes_fini(struct pipes *pipes);
