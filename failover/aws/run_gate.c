/* Who looks at AWS now. On the good day everybody; of hundreds of steps side by side the rest wait
 * in line, for each call holds a connection. Acts never wait: their intent is written. */
#include "failover/aws/run_parts.h"

#include <string.h>

static bool calls_aws(const struct run *run)
{
    return run->gate && strchr(run->step.given->type, '.');
}

bool run_gate_enter(struct run *run)
{
    struct run_gate *gate = run->gate;
    if (!calls_aws(run))
        return true;
    if (gate->inside < RUN_LOOKS_MOST) {
        gate->inside++;
        run->in_gate = true;
        return true;
    }
    struct run **end = &gate->waiting;
    while (*end && *end != run)
        end = &(*end)->next_waiting;
    *end = run;
    return false;
}

static void on_turn(uv_timer_t *timer)
{
    run_look(timer->data);
}

static void let_next_in(struct run_gate *gate)
{
    struct run *next = gate->waiting;
    if (!next)
        return;
    gate->waiting = next->next_waiting;
    next->next_waiting = NULL;
    uv_timer_start(&next->pause, on_turn, 0, 0);
}

void run_gate_leave(struct run *run)
{
    struct run_gate *gate = run->gate;
    if (!calls_aws(run))
        return;
    for (struct run **at = &gate->waiting; *at; at = &(*at)->next_waiting) {
        if (*at != run)
            continue;
        *at = run->next_waiting;
        run->next_waiting = NULL;
        break;
    }
    if (!run->in_gate)
        return;
    run->in_gate = false;
    gate->inside--;
    let_next_in(gate);
}
