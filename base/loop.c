#include "base/loop.h"

#include "base/memory.h"

#include <stdlib.h>

struct loop_message {
    struct loop_message *next;
    loop_call *call;
    void *context;
};

static void on_beat(uv_timer_t *timer)
{
    struct loop *loop = timer->data;
    atomic_fetch_add_explicit(&loop->beats, 1, memory_order_relaxed);
}

static struct loop_message *take_all(struct loop *loop)
{
    pthread_mutex_lock(&loop->lock);
    struct loop_message *first = loop->first;
    loop->first = loop->last = NULL;
    pthread_mutex_unlock(&loop->lock);
    return first;
}

static void on_door(uv_async_t *door)
{
    struct loop *loop = door->data;
    for (struct loop_message *message = take_all(loop), *next; message; message = next) {
        next = message->next;
        message->call(message->context);
        free(message);
    }
}

int loop_init(struct loop *loop, const char *name)
{
    *loop = (struct loop){.name = name};
    int status = uv_loop_init(&loop->uv);
    if (status < 0)
        return status;
    pthread_mutex_init(&loop->lock, NULL);
    loop->door.data = loop;
    loop->beat.data = loop;
    status = uv_async_init(&loop->uv, &loop->door, on_door);
    if (status < 0) {
        pthread_mutex_destroy(&loop->lock);
        uv_loop_close(&loop->uv);
        return status;
    }
    uv_timer_init(&loop->uv, &loop->beat);
    return uv_timer_start(&loop->beat, on_beat, LOOP_BEAT_MS, LOOP_BEAT_MS);
}

static void run_here(void *context)
{
    struct loop *loop = context;
    uv_run(&loop->uv, UV_RUN_DEFAULT);
}

static void run(void *context)
{
    struct loop *loop = context;
    pthread_setname_np(pthread_self(), loop->name);
    loop->run(loop->run_context);
}

int loop_start(struct loop *loop)
{
    return loop_start_with(loop, run_here, loop);
}

int loop_start_with(struct loop *loop, loop_call *call, void *context)
{
    loop->run = call;
    loop->run_context = context;
    int status = uv_thread_create(&loop->thread, run, loop);
    loop->started = status == 0;
    return status;
}

void loop_post(struct loop *loop, loop_call *call, void *context)
{
    struct loop_message *message = memory_new(sizeof *message);
    message->call = call;
    message->context = context;
    pthread_mutex_lock(&loop->lock);
    if (loop->last)
        loop->last->next = message;
    else
        loop->first = message;
    loop->last = message;
    pthread_mutex_unlock(&loop->lock);
    uv_async_send(&loop->door);
}

static void close_handle(uv_handle_t *handle, void *context)
{
    (void)context;
    if (!uv_is_closing(handle))
        uv_close(handle, NULL);
}

static void close_all(void *context)
{
    struct loop *loop = context;
    uv_walk(&loop->uv, close_handle, NULL);
}

void loop_fini(struct loop *loop)
{
    if (loop->started) {
        loop_post(loop, close_all, loop);
        uv_thread_join(&loop->thread);
    } else {
        close_all(loop);
        uv_run(&loop->uv, UV_RUN_DEFAULT);
    }
    for (struct loop_message *message = take_all(loop), *next; message; message = next) {
        next = message->next;
        free(message);
    }
    uv_loop_close(&loop->uv);
    pthread_mutex_destroy(&loop->lock);
}
