/* Held connections wait until the new side is writable, where the configuration has a `probe`.
 *
 * The first worker's loop asks (writable.h) for all loops, and tells each by message. A loop counts
 * its turns, so that an answer about an earlier turn opens nothing: all loops take the same views
 * and count alike. */
#include "base/log.h"
#include "base/memory.h"
#include "proxy/relay/relay_parts.h"

#include <stdio.h>
#include <stdlib.h>

struct opening {
    struct worker *worker;
    size_t outlet;
    uint64_t turn;
};

static void open_gate(void *context)
{
    struct opening *opening = context;
    struct point *point = &opening->worker->points[opening->outlet];
    if (opening->turn > point->writable_turn)
        point->writable_turn = opening->turn;
    if (point->awaits_writable && point->writable_turn >= point->turn) {
        point->awaits_writable = false;
        hold_release(point);
    }
    free(opening);
}

static void set_words(struct outlet *outlet, const char *words)
{
    pthread_mutex_lock(&outlet->lock);
    snprintf(outlet->waiting_for, sizeof outlet->waiting_for, "%s", words);
    pthread_mutex_unlock(&outlet->lock);
}

void gate_tell_words(struct outlet *outlet)
{
    set_words(outlet, outlet->writable ? writable_words(outlet->writable) : "");
}

static void on_freed(void *context)
{
    worker_lookup_ended(context);
}

/* Its last lookup may come back long after, so the loop waits for it as for any other. */
void gate_stop(struct outlet *outlet)
{
    struct worker *worker = outlet->relay->workers[0];
    if (outlet->writable) {
        worker->lookups++;
        writable_stop(outlet->writable, on_freed, worker);
    }
    outlet->writable = NULL;
    set_words(outlet, "");
}

static void on_writable(void *context)
{
    struct outlet *outlet = context;
    struct relay *relay = outlet->relay;
    log_info("writable", LOG_TEXT("endpoint", outlet->id));
    gate_stop(outlet);
    for (size_t i = 0; i < relay->worker_count; i++) {
        struct opening *opening = memory_new(sizeof *opening);
        *opening = (struct opening){.worker = relay->workers[i],
            .outlet = (size_t)(outlet - relay->outlets),
            .turn = outlet->writable_turn};
        loop_post(&relay->workers[i]->loop, open_gate, opening);
    }
}

/* Now, and not when held clients wait for it. */
static void load_library(const struct point *point)
{
    const struct config_relay *config = point->endpoint->config->relay;
    struct failure why;
    if (point->worker->index == 0 && config->probe_user &&
        writable_prepare(config->probe, &why) < 0)
        log_error("probe_unavailable", LOG_TEXT("endpoint", point->outlet->id),
            LOG_TEXT("why", why.text));
}

void gate_turn(struct point *point)
{
    struct outlet *outlet = point->outlet;
    const struct config_endpoint *config = point->endpoint->config;
    if (config->relay->probe == CONFIG_PROBE_NONE || point->writable_turn >= point->turn)
        return;
    point->awaits_writable = true;
    if (point->worker->index > 0)
        return;
    outlet->writable_turn = point->turn;
    outlet->writable = writable_start(&point->worker->loop, point->worker->relay->lookup,
        point->worker->view->config, config, point->endpoint->target, on_writable, outlet);
    gate_tell_words(outlet);
    worker_watch_deadlines(point->worker);
}

/* Those who wait are asked about as the configuration has it now: the old probe may be the fault.
 */
void gate_renew(struct point *point)
{
    load_library(point);
    if (!point->awaits_writable)
        return;
    point->awaits_writable = false;
    if (point->worker->index == 0)
        gate_stop(point->outlet);
    gate_turn(point);
    hold_release(point);
}
