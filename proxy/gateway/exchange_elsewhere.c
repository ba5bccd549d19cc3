/* `read_through`: what the active region's bucket has not is asked of another region's, for an
 * object may not be replicated yet.
 *
 * The first answer waits on its connection. When the other region has the object its answer goes to
 * the client, else the first one does: what the other region cannot say within two seconds, or says
 * in any other way, changes nothing. A key that was deleted (x-amz-delete-marker) stays deleted,
 * whatever the other region still has.
 *
 * A region that was silent for so long is not asked again for some seconds: while it is lost, those
 * who look for what is not there shall not all wait. */
#include "base/clock.h"
#include "proxy/gateway/exchange_parts.h"
#include "proxy/gateway/http_fields.h"
#include "proxy/gateway/http_head.h"

#include <time.h>

static void count(const struct exchange *exchange, enum gateway_elsewhere outcome)
{
    gateway_count(&exchange_worker(exchange)->numbers.elsewhere[outcome], 1);
}

/* It has the object; a condition or a range may not hold for it. */
static bool has_object(unsigned status)
{
    return (status >= 200 && status < 300) || status == 304 || status == 412 || status == 416;
}

static bool may_go(const struct exchange *exchange, const struct http_head *response)
{
    const struct gateway_worker *worker = exchange_worker(exchange);
    const struct http_header *deleted = http_find(response, "x-amz-delete-marker");
    bool was_deleted = deleted && http_span_is_nocase(deleted->value, "true");
    return response->status == 404 && !was_deleted && exchange->plan->may_read_elsewhere &&
           exchange->up.over && worker->view->config == exchange->config &&
           clock_boot_ms() >= worker->not_elsewhere_ms;
}

/* False: it is not for us to ask there. */
static bool plan_elsewhere(struct exchange *exchange)
{
    const struct gateway_worker *worker = exchange_worker(exchange);
    const struct tls_session *tls = exchange->session->client.tls;
    struct plan_inputs inputs = {.planner = &exchange_worker(exchange)->planner,
        .view = worker->view,
        .request = &exchange->request,
        .sni = tls ? span_of_text(tls_session_host(tls)) : span_of(NULL, 0),
        .is_tls = tls != NULL,
        .now_s = (uint64_t)time(NULL)};
    plan_read_elsewhere(&exchange->plans[1], &inputs, &exchange->plans[0]);
    if (exchange->plans[1].verdict == PLAN_FORWARD && !exchange->plans[1].request_filter)
        return true;
    plan_fini(&exchange->plans[1]);
    return false;
}

static int swallow(struct body_filter *filter, struct span in, struct text *out)
{
    (void)filter;
    (void)in;
    (void)out;
    return 0;
}

static int swallow_end(struct body_filter *filter, struct text *out)
{
    (void)filter;
    (void)out;
    return 0;
}

static void keep_filter(struct body_filter *filter)
{
    (void)filter;
}

/* An answer that nobody gets: if all of it is here its connection is as good as new. */
static void give_back(
    struct exchange *exchange, struct upstream *upstream, const struct http_head *response)
{
    struct body_filter nothing = {.push = swallow, .finish = swallow_end, .free = keep_filter};
    struct stream_tools *tools = &exchange_worker(exchange)->tools;
    struct wire nowhere = {.socket.fd = -1, .writable = true};
    struct stream rest;
    stream_begin(&rest, response->framing, response->length, HTTP_FRAMING_NONE, &nothing);
    enum stream_status status =
        stream_run(&rest, &upstream->intake, &upstream->wire, &nowhere, tools);
    bool is_over =
        status == STREAM_GOES && rest.over && response->framing != HTTP_FRAMING_UNTIL_CLOSE;
    stream_fini(&rest, tools);
    if (is_over && response->keep_alive && intake_is_empty(&upstream->intake))
        upstream_put(upstream);
    else
        upstream_close(upstream, true);
}

static void go(struct exchange *exchange, struct span head)
{
    exchange->first = exchange->upstream;
    exchange->first_head = head;
    exchange->upstream = NULL;
    exchange->plan = &exchange->plans[1];
    exchange->elsewhere_ms = clock_boot_ms();
    exchange_dial(exchange);
}

/* The client gets this answer, not the first one. */
static void forget_first(struct exchange *exchange)
{
    struct http_head response;
    struct upstream *first = exchange->first;
    exchange->first = NULL;
    count(exchange, GATEWAY_ELSEWHERE_FOUND);
    if (http_read_response(exchange->first_head, exchange->to_head, &response) < 0)
        upstream_close(first, true);
    else
        give_back(exchange, first, &response);
}

static void take_first(struct exchange *exchange)
{
    struct http_head response;
    exchange->upstream = exchange->first;
    exchange->first = NULL;
    exchange->plan = &exchange->plans[0];
    if (exchange->state == EXCHANGE_DIALLING)
        exchange_enter(exchange, EXCHANGE_SENT);
    if (http_read_response(exchange->first_head, exchange->to_head, &response) < 0)
        exchange_broke_off(exchange);
    else if (exchange_answer(exchange, &response))
        exchange_run(exchange);
}

void exchange_take_first(struct exchange *exchange)
{
    count(exchange, GATEWAY_ELSEWHERE_SILENT);
    if (exchange->upstream)
        upstream_close(exchange->upstream, true);
    take_first(exchange);
}

bool exchange_went_elsewhere(
    struct exchange *exchange, const struct http_head *response, struct span head)
{
    if (!exchange->first) {
        if (!may_go(exchange, response) || !plan_elsewhere(exchange))
            return false;
        go(exchange, head);
        return true;
    }
    if (has_object(response->status)) {
        forget_first(exchange);
        return false;
    }
    count(exchange, GATEWAY_ELSEWHERE_MISSING);
    struct upstream *upstream = exchange->upstream;
    exchange->upstream = NULL;
    give_back(exchange, upstream, response);
    take_first(exchange);
    return true;
}

void exchange_expire_elsewhere(struct exchange *exchange, uint64_t now_ms)
{
    if (now_ms >= exchange->elsewhere_ms + GATEWAY_ELSEWHERE_MS) {
        exchange_worker(exchange)->not_elsewhere_ms = now_ms + GATEWAY_ELSEWHERE_PAUSE_MS;
        exchange_take_first(exchange);
    } else if (exchange->state == EXCHANGE_DIALLING) {
        upstream_expire(exchange->upstream, now_ms);
    }
}
