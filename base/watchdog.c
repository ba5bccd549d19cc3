#include "base/watchdog.h"

#include "base/memory.h"

#include <stdlib.h>

#define TICK_MS 250
#define TICKS_ALLOWED (WATCHDOG_LIMIT_MS / TICK_MS)

struct pulse {
    unsigned beats;
    unsigned still; /* ticks without a beat */
};

static bool stands_still(struct pulse *pulse, struct loop *loop)
{
    unsigned beats = atomic_load_explicit(&loop->beats, memory_order_relaxed);
    pulse->still = beats == pulse->beats ? pulse->still + 1 : 0;
    pulse->beats = beats;
    return pulse->still >= TICKS_ALLOWED;
}

/* False: it is to stop. Waking early would only count a tick too many for a loop that beats anyway.
 */
static bool waits_a_tick(struct watchdog *watchdog)
{
    uv_mutex_lock(&watchdog->lock);
    if (!watchdog->stopping)
        uv_cond_timedwait(&watchdog->stop, &watchdog->lock, TICK_MS * UINT64_C(1000000));
    bool goes_on = !watchdog->stopping;
    uv_mutex_unlock(&watchdog->lock);
    return goes_on;
}

static void watch(void *context)
{
    struct watchdog *watchdog = context;
    struct pulse *pulses = memory_new_array(watchdog->count, sizeof *pulses);
    pthread_setname_np(pthread_self(), "watchdog");
    while (waits_a_tick(watchdog)) {
        for (size_t i = 0; i < watchdog->count; i++) {
            if (stands_still(&pulses[i], watchdog->loops[i]))
                watchdog->on_hang(watchdog->loops[i]->name, watchdog->context);
        }
    }
    free(pulses);
}

int watchdog_start(struct watchdog *watchdog, struct loop **loops, size_t count,
    watchdog_hang *on_hang, void *context)
{
    *watchdog =
        (struct watchdog){.loops = loops, .count = count, .on_hang = on_hang, .context = context};
    uv_mutex_init(&watchdog->lock);
    uv_cond_init(&watchdog->stop);
    int status = uv_thread_create(&watchdog->thread, watch, watchdog);
    watchdog->started = status == 0;
    return status;
}

void watchdog_stop(struct watchdog *watchdog)
{
    if (!watchdog->started)
        return;
    uv_mutex_lock(&watchdog->lock);
    watchdog->stopping = true;
    uv_cond_signal(&watchdog->stop);
    uv_mutex_unlock(&watchdog->lock);
    uv_thread_join(&watchdog->thread);
    uv_cond_destroy(&watchdog->stop);
    uv_mutex_destroy(&watchdog->lock);
}
