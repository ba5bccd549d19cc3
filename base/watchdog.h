/* Sees a loop that hangs: a thread that counts how long each loop's beat has stood still.
 *
 * It counts its own ticks instead of reading a clock, so that a machine that was suspended, or a
 * process that was stopped as a whole, is not taken for a hang. */
#pragma once

#include "base/loop.h"

#define WATCHDOG_LIMIT_MS 2000

/* Called on the watchdog's thread; does not return to a healthy process. */
typedef void watchdog_hang(const char *loop_name, void *context);

struct watchdog {
    struct loop **loops; /* borrowed, must outlive the watchdog */
    size_t count;
    watchdog_hang *on_hang;
    void *context;
    uv_thread_t thread;
    uv_mutex_t lock; /* guards `stopping` */
    uv_cond_t stop;
    bool stopping;
    bool started;
};

int watchdog_start(struct watchdog *watchdog, struct loop **loops, size_t count,
    watchdog_hang *on_hang, void *context);
void watchdog_stop(struct watchdog *watchdog);
