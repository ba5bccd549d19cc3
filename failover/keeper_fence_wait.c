/* A fence of a DNS-only database has to stand until what clients cached has run out.
 *
 * On the good day a timer runs and the change goes on. A daemon that is told to stop waits for
 * nobody: the change is given up. */
#include "base/memory.h"
#include "failover/keeper_parts.h"

#include <stdlib.h>

struct fence_wait {
    uv_timer_t timer;
    struct change *change;
    void (*stood)(struct change *change);
    void (*given_up)(struct change *change);
};

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_over(uv_timer_t *timer)
{
    struct fence_wait *wait = timer->data;
    struct change *change = wait->change;
    struct keeper *keeper = change->keeper;
    keeper->fence_wait = NULL;
    uv_close((uv_handle_t *)timer, on_closed);
    if (keeper->hurried)
        wait->given_up(change);
    else
        wait->stood(change);
}

void keeper_wait_for_fence(struct change *change, uint64_t wait_ms,
    void (*stood)(struct change *change), void (*given_up)(struct change *change))
{
    struct keeper *keeper = change->keeper;
    if (wait_ms == 0) {
        stood(change);
        return;
    }
    struct fence_wait *wait = memory_new(sizeof *wait);
    *wait = (struct fence_wait){.change = change, .stood = stood, .given_up = given_up};
    wait->timer.data = wait;
    keeper->fence_wait = wait;
    uv_timer_init(&keeper->main_loop->uv, &wait->timer);
    uv_timer_start(&wait->timer, on_over, keeper->hurried ? 0 : wait_ms, 0);
}

void keeper_hurry(struct keeper *keeper)
{
    keeper->hurried = true;
    keeper_drain_give_up(keeper);
    if (keeper->fence_wait)
        uv_timer_start(&keeper->fence_wait->timer, on_over, 0, 0);
}
