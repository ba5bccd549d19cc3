/* A loop of the gateway and its thread: takes views, looks at deadlines, buries the dead.
 *
 * A view is acknowledged at once: requests that were not sent yet follow it within the call, those
 * that were are finished by the connection that has them.
 *
 * At the end nothing new is accepted, who is idle is closed, and requests under way have a moment
 * to finish before they are cut off. */
#include "base/clock.h"
#include "base/memory.h"
#include "proxy/gateway/exchange.h"
#include "proxy/gateway/gateway_parts.h"
#include "proxy/gateway/planner.h"

#include <stdio.h>
#include <stdlib.h>

void gateway_worker_take(void *context, const struct view *view, struct acknowledgement *ack)
{
    struct gateway_worker *worker = context;
    bool is_first = !worker->view;
    worker->view = view;
    for (struct session *each = worker->first, *next; each; each = next) {
        next = each->next;
        if (each->state == SESSION_EXCHANGE)
            exchange_follow_view(each->exchange);
    }
    if (is_first)
        gateway_listener_resume(worker);
    announce_acknowledge(ack);
}

static void let_go_when_idle(struct gateway_worker *worker)
{
    if (!worker->stopping || worker->first || worker->lookups > 0 || worker->let_go)
        return;
    worker->let_go = true;
    upstream_expire_idle(worker, clock_boot_ms());
    uv_timer_stop(&worker->tick);
    uv_sem_post(&worker->stopped);
}

static void look_at_all(struct gateway_worker *worker)
{
    uint64_t now_ms = clock_boot_ms();
    for (struct session *each = worker->first, *next; each; each = next) {
        next = each->next;
        session_expire(each, now_ms);
    }
    upstream_expire_idle(worker, now_ms);
    let_go_when_idle(worker);
}

static void on_tick(uv_timer_t *timer)
{
    struct gateway_worker *worker = timer->data;
    if (worker->accept_again)
        gateway_listener_resume(worker);
    look_at_all(worker);
}

static void bury(struct gateway_worker *worker)
{
    session_free_dead(worker);
    upstream_free_dead(worker);
}

static int init_handles(struct gateway_worker *worker)
{
    uv_loop_t *uv = &worker->loop.uv;
    worker->tick.data = worker;
    uv_timer_init(uv, &worker->tick);
    uv_timer_start(&worker->tick, on_tick, GATEWAY_TICK_MS, GATEWAY_TICK_MS);
    return poller_init(&worker->poller, uv);
}

int gateway_worker_new(struct gateway *gateway, size_t index, struct gateway_worker **ret_worker)
{
    struct gateway_worker *worker = memory_new(sizeof *worker);
    worker->gateway = gateway;
    snprintf(worker->name, sizeof worker->name, "gateway-%zu", index);
    worker->listeners =
        memory_new_array(gateway->config->gateway.listen.count, sizeof *worker->listeners);
    worker->tools = (struct stream_tools){
        .poller = &worker->poller, .pipes = &worker->pipes, .buffer = worker->buffer};
    uv_sem_init(&worker->stopped, 0);
    *ret_worker = worker;
    int status = planner_init(&worker->planner);
    if (status == 0)
        status = loop_init(&worker->loop, worker->name);
    if (status < 0)
        return status;
    worker->has_loop = true;
    return init_handles(worker);
}

static void run(void *context)
{
    struct gateway_worker *worker = context;
    while (uv_loop_alive(&worker->loop.uv)) {
        poller_turn(&worker->poller);
        bury(worker);
    }
}

int gateway_worker_start(struct gateway_worker *worker)
{
    return loop_start_with(&worker->loop, run, worker);
}

void gateway_worker_lookup_ended(struct gateway_worker *worker)
{
    worker->lookups--;
}

static void stop(void *context)
{
    struct gateway_worker *worker = context;
    worker->stopping = true;
    worker->stop_ms = clock_boot_ms() + GATEWAY_STOP_MS;
    gateway_listener_close(worker);
    look_at_all(worker);
}

void gateway_worker_stop(struct gateway_worker *worker)
{
    if (worker->loop.started)
        loop_post(&worker->loop, stop, worker);
    else if (worker->has_loop)
        stop(worker);
}

void gateway_worker_free(struct gateway_worker *worker)
{
    if (worker->loop.started)
        uv_sem_wait(&worker->stopped);
    if (worker->has_loop) {
        loop_fini(&worker->loop);
        poller_fini(&worker->poller);
    }
    bury(worker);
    tls_server_free(worker->tls_server);
    tls_client_free(worker->tls_client);
    planner_fini(&worker->planner);
    pipes_fini(&worker->pipes);
    text_fini(&worker->tools.filtered);
    text_fini(&worker->head);
    free(worker->spare);
    free(worker->listeners);
    uv_sem_destroy(&worker->stopped);
    free(worker);
}
