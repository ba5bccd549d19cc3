/* A loop of the relay and its thread: takes views, looks at deadlines, buries the dead.
 *
 * A view that fences or switches an endpoint is acknowledged when the last connection that it ends
 * is gone. Timers run only while there is something to look at. */
#include "base/clock.h"
#include "base/memory.h"
#include "proxy/relay/relay_parts.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

static void acknowledge(struct worker *worker)
{
    if (worker->owed > 0 || !worker->ack)
        return;
    struct acknowledgement *ack = worker->ack;
    worker->ack = NULL;
    announce_acknowledge(ack);
}

bool worker_has(const struct worker *worker, enum connection_state state)
{
    bool has = false;
    for (size_t i = 0; i < worker->relay->outlet_count; i++)
        has |= worker->points[i].lists[state].first != NULL;
    return has;
}

static void tell_ended(void *context)
{
    struct relay *relay = context;
    if (relay->ended)
        relay->ended(relay->ended_context);
}

void worker_connection_ended(struct connection *connection)
{
    struct worker *worker = connection->point->worker;
    if (connection->state == CONNECTION_ENDING &&
        !connection->point->lists[CONNECTION_ENDING].first)
        loop_post(worker->relay->main_loop, tell_ended, worker->relay);
    if (!connection->owed)
        return;
    worker->owed--;
    acknowledge(worker);
}

static const struct view_endpoint *find_endpoint(const struct view *view, const char *id)
{
    size_t index = config_endpoint(view->config, id);
    assert(index != CONFIG_NONE); /* config_check_reload keeps every relay */
    return &view->endpoints[index];
}

static void resume_listeners(struct point *point)
{
    for (size_t i = 0; i < point->listener_count; i++)
        listener_resume(&point->listeners[i]);
}

void worker_take(void *context, const struct view *view, struct acknowledgement *ack)
{
    struct worker *worker = context;
    bool first = !worker->view;
    worker->view = view;
    worker->ack = ack;
    worker->owed++; /* ours, until every point has taken it */
    for (size_t i = 0; i < worker->relay->outlet_count; i++) {
        struct point *point = &worker->points[i];
        point_take(point, view, find_endpoint(view, point->outlet->id));
        if (first)
            resume_listeners(point);
    }
    worker->owed--;
    acknowledge(worker);
}

/* Who waits may be on another loop than who asks for them. */
static bool has_deadlines(const struct worker *worker)
{
    bool asks = false;
    for (size_t i = 0; worker->index == 0 && i < worker->relay->outlet_count; i++)
        asks |= worker->relay->outlets[i].writable != NULL;
    return asks || worker_has(worker, CONNECTION_HELD) ||
           worker_has(worker, CONNECTION_RESOLVING) || worker_has(worker, CONNECTION_CONNECTING);
}

static void on_rest(uv_timer_t *timer)
{
    struct worker *worker = timer->data;
    for (size_t i = 0; i < worker->relay->outlet_count; i++)
        resume_listeners(&worker->points[i]);
}

static void on_tick(uv_timer_t *timer)
{
    struct worker *worker = timer->data;
    uint64_t now_ms = clock_boot_ms();
    for (size_t i = 0; i < worker->relay->outlet_count; i++) {
        struct point *point = &worker->points[i];
        hold_expire(point, now_ms);
        resolve_expire(point, now_ms);
        dial_expire(point, now_ms);
        resume_listeners(point);
        if (worker->index == 0)
            gate_tell_words(point->outlet);
    }
    if (!has_deadlines(worker))
        uv_timer_stop(timer);
}

static void on_border_tick(uv_timer_t *timer)
{
    struct worker *worker = timer->data;
    uint64_t now_ms = clock_boot_ms();
    for (size_t i = 0; i < worker->relay->outlet_count; i++)
        ending_look(&worker->points[i], now_ms);
    if (!worker_has(worker, CONNECTION_ENDING))
        uv_timer_stop(timer);
}

static void on_liveness(uv_timer_t *timer)
{
    struct worker *worker = timer->data;
    uint64_t now_ms = clock_boot_ms();
    for (size_t i = 0; i < worker->relay->outlet_count; i++)
        liveness_look(&worker->points[i], now_ms);
}

static void start_timer(uv_timer_t *timer, uv_timer_cb callback, uint64_t every_ms)
{
    if (!uv_is_active((uv_handle_t *)timer))
        uv_timer_start(timer, callback, every_ms, every_ms);
}

void worker_watch_deadlines(struct worker *worker)
{
    start_timer(&worker->tick, on_tick, RELAY_TICK_MS);
}

void worker_watch_borders(struct worker *worker)
{
    start_timer(&worker->border_tick, on_border_tick, RELAY_BORDER_TICK_MS);
}

void worker_rest(struct worker *worker)
{
    if (!uv_is_active((uv_handle_t *)&worker->rest))
        uv_timer_start(&worker->rest, on_rest, FLOOD_REST_MS, 0);
}

static void bury(struct worker *worker)
{
    for (struct connection *each = worker->dead, *next; each; each = next) {
        next = each->next;
        connection_free_dead(each);
    }
    worker->dead = NULL;
}

static void init_handles(struct worker *worker)
{
    uv_loop_t *uv = &worker->loop.uv;
    worker->tick.data = worker->border_tick.data = worker;
    worker->liveness.data = worker->rest.data = worker;
    uv_timer_init(uv, &worker->tick);
    uv_timer_init(uv, &worker->border_tick);
    uv_timer_init(uv, &worker->liveness);
    uv_timer_init(uv, &worker->rest);
    uv_timer_start(&worker->liveness, on_liveness, RELAY_LIVENESS_MS, RELAY_LIVENESS_MS);
}

int worker_new(struct relay *relay, size_t index, struct worker **ret_worker)
{
    struct worker *worker = memory_new(sizeof *worker);
    worker->relay = relay;
    worker->index = index;
    worker->pipes.descriptors = &relay->descriptors;
    snprintf(worker->name, sizeof worker->name, "relay-%zu", index);
    worker->points = memory_new_array(relay->outlet_count, sizeof *worker->points);
    for (size_t i = 0; i < relay->outlet_count; i++) {
        struct point *point = &worker->points[i];
        point->worker = worker;
        point->outlet = &relay->outlets[i];
        point->listeners = memory_new_array(point->outlet->listen.count, sizeof *point->listeners);
    }
    uv_sem_init(&worker->stopped, 0);
    *ret_worker = worker;
    int status = loop_init(&worker->loop, worker->name);
    if (status < 0)
        return status;
    worker->has_loop = true;
    init_handles(worker);
    return poller_init(&worker->poller, &worker->loop.uv);
}

static void run(void *context)
{
    struct worker *worker = context;
    while (uv_loop_alive(&worker->loop.uv)) {
        poller_turn(&worker->poller);
        bury(worker);
    }
}

int worker_start(struct worker *worker)
{
    return loop_start_with(&worker->loop, run, worker);
}

static void close_point(struct point *point)
{
    for (size_t i = 0; i < point->listener_count; i++)
        listener_close(&point->listeners[i]);
    for (int state = 0; state < CONNECTION_STATES; state++) {
        while (point->lists[state].first)
            connection_reset(point->lists[state].first);
    }
}

static void let_go_when_idle(struct worker *worker)
{
    if (worker->stopping && worker->lookups == 0)
        uv_sem_post(&worker->stopped);
}

void worker_lookup_ended(struct worker *worker)
{
    worker->lookups--;
    let_go_when_idle(worker);
}

static void stop(void *context)
{
    struct worker *worker = context;
    worker->stopping = true;
    for (size_t i = 0; i < worker->relay->outlet_count; i++) {
        if (worker->index == 0)
            gate_stop(&worker->relay->outlets[i]);
        worker->points[i].in_release = true; /* nothing is dialled any more */
        close_point(&worker->points[i]);
    }
    bury(worker);
    let_go_when_idle(worker);
}

void worker_free(struct worker *worker)
{
    if (!worker)
        return;
    if (worker->loop.started) {
        loop_post(&worker->loop, stop, worker);
        uv_sem_wait(&worker->stopped);
    } else if (worker->has_loop) {
        stop(worker);
    }
    if (worker->has_loop) {
        loop_fini(&worker->loop);
        poller_fini(&worker->poller);
    }
    pipes_fini(&worker->pipes);
    for (size_t i = 0; i < worker->relay->outlet_count; i++)
        free(worker->points[i].listeners);
    free(worker->points);
    uv_sem_destroy(&worker->stopped);
    free(worker);
}
