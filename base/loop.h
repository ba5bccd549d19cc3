/* An event loop with a thread of its own and a door for other threads.
 *
 * `loop_post` is the only way from one thread into another: the call runs on the loop's thread, in
 * the order of posting, between two events. A timer beats on every loop, so that a watchdog can see
 * one that hangs. */
#pragma once

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <uv.h>

#define LOOP_BEAT_MS 250

typedef void loop_call(void *context);

struct loop {
    uv_loop_t uv;
    const char *name; /* the thread's name as well; at most 15 bytes */
    atomic_uint beats;
    uv_timer_t beat;
    uv_async_t door;
    pthread_mutex_t lock; /* guards `first` and `last` */
    struct loop_message *first, *last;
    loop_call *run;
    void *run_context;
    uv_thread_t thread;
    bool started;
};

int loop_init(struct loop *loop, const char *name);

/* Runs the loop in a new thread until `loop_stop`. The main loop is not started: it calls uv_run.
 */
int loop_start(struct loop *loop);

/* Likewise, for a thread that waits elsewhere: `run` gives libuv its turns and returns when
 * uv_loop_alive says no. */
int loop_start_with(struct loop *loop, loop_call *run, void *context);

/* From any thread. Allocates one small message; never fails. */
void loop_post(struct loop *loop, loop_call *call, void *context);

/* Ends and joins the thread (if there is one). Handles that the owner did not close are closed
 * without their callbacks' help, so owners close theirs first. */
void loop_fini(struct loop *loop);
