/* The life of an exchange: read, planned, dialled, sent, answered.
 *
 * Never sent twice. Until the head is written to an upstream's socket nothing was sent, and a new
 * view or the next address is free to choose. From then on the request stays with that connection,
 * with one exception (RFC 9110 section 9.2.2): a GET or HEAD without a body, on a connection that
 * served others before, which ended without one byte of an answer, as connections do that S3 closes
 * for being idle. It is sent once more, planned by the view of that moment, on a new connection.
 *
 * What can go wrong is answered as S3 would: 400 for what is no clear HTTP, what the plan refuses,
 * 503 for an upstream that cannot be reached, says nothing or breaks off, 502 for one that cannot
 * be trusted. Once the answer has begun
 * there is no other: then the client's connection is reset, so that half is not taken for whole. */
#include "proxy/gateway/exchange.h"

#include "base/log.h"
#include "base/memory.h"
#include "proxy/gateway/exchange_parts.h"
#include "proxy/gateway/gateway_parts.h"
#include "proxy/gateway/http_fields.h"
#include "proxy/gateway/http_head.h"
#include "proxy/gateway/http_write.h"
#include "proxy/gateway/vend.h"

#include <assert.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <time.h>

#define FROM(state) (1u << EXCHANGE_##state)

/* From which states a state may be entered. */
static const unsigned legal_moves[] = {
    [EXCHANGE_NEW] = 0,
    [EXCHANGE_COLLECTING] = FROM(NEW),
    [EXCHANGE_DIALLING] = FROM(NEW) | FROM(COLLECTING) | FROM(DIALLING) | FROM(SENT),
    [EXCHANGE_SENT] = FROM(DIALLING),
    [EXCHANGE_ANSWERING] = FROM(SENT),
    [EXCHANGE_REFUSING] = FROM(NEW) | FROM(COLLECTING) | FROM(DIALLING) | FROM(SENT),
    [EXCHANGE_OVER] = FROM(ANSWERING) | FROM(REFUSING),
};

void exchange_enter(struct exchange *exchange, enum exchange_state state)
{
    assert(legal_moves[state] & 1u << exchange->state);
    exchange->state = state;
    exchange->moved_ms = exchange_worker(exchange)->poller.now_ms;
}

struct gateway_worker *exchange_worker(const struct exchange *exchange)
{
    return exchange->session->worker;
}

/* Larger than what malloc has at hand. */
static struct exchange *take_room(struct gateway_worker *worker)
{
    struct exchange *room = worker->spare;
    worker->spare = NULL;
    return room ? room : memory_resize(NULL, 1, sizeof *room);
}

static void give_room_back(struct gateway_worker *worker, struct exchange *room)
{
    free(worker->spare);
    worker->spare = room;
}

struct exchange *exchange_new(struct session *session)
{
    struct exchange *exchange = take_room(session->worker);
    memset(exchange, 0, offsetof(struct exchange, request));
    http_clear(&exchange->request);
    exchange->session = session;
    exchange->plan = &exchange->plans[0];
    return exchange;
}

/* What the plan gave and what was begun with it. */
static void drop_plan(struct exchange *exchange)
{
    struct stream_tools *tools = &exchange_worker(exchange)->tools;
    stream_fini(&exchange->up, tools);
    stream_fini(&exchange->down, tools);
    plan_fini(&exchange->plans[0]);
    plan_fini(&exchange->plans[1]);
    exchange->plan = &exchange->plans[0];
    config_unref(exchange->config);
    exchange->config = NULL;
}

void exchange_free(struct exchange *exchange)
{
    struct gateway_numbers *numbers = &exchange_worker(exchange)->numbers;
    gateway_count(&numbers->bytes_up, exchange->up.bytes);
    gateway_count(&numbers->bytes_down, exchange->down.bytes);
    if (exchange->upstream)
        upstream_close(exchange->upstream, true);
    if (exchange->first)
        upstream_close(exchange->first, true);
    drop_plan(exchange);
    text_fini(&exchange->collected);
    give_room_back(exchange_worker(exchange), exchange);
}

void exchange_abort(struct exchange *exchange)
{
    session_close(exchange->session, true);
}

/* The answer has gone to the last byte. */
void exchange_finish(struct exchange *exchange)
{
    struct upstream *upstream = exchange->upstream;
    exchange_enter(exchange, EXCHANGE_OVER);
    gateway_count_request(exchange_worker(exchange), exchange->request.method, exchange->status);
    bool may_serve_again = upstream && exchange->upstream_keeps && exchange->up.over &&
                           intake_is_empty(&upstream->intake) && wire_is_clear(&upstream->wire);
    if (may_serve_again) {
        exchange->upstream = NULL;
        upstream_put(upstream);
    }
    session_exchange_ended(exchange->session, exchange->closes);
}

/* Whether the client may still be sending this request. */
static bool owes_body(const struct exchange *exchange)
{
    return !exchange->up.over;
}

void exchange_refuse(struct exchange *exchange, const struct answer *answer)
{
    struct gateway_worker *worker = exchange_worker(exchange);
    struct answer last = *answer;
    last.closes |= exchange->closes || owes_body(exchange) || worker->stopping;
    exchange->closes = last.closes;
    exchange->status = last.status;
    if (exchange->upstream)
        upstream_close(exchange->upstream, true);
    exchange->upstream = NULL;
    exchange_enter(exchange, EXCHANGE_REFUSING);
    worker->head.size = 0;
    answer_write(
        &worker->head, &last, exchange->request.target, exchange->to_head, exchange->request.minor);
    wire_keep(&exchange->session->client, worker->head.data, worker->head.size);
    if (last.json) {
        exchange->session->client.is_secret = true;
        OPENSSL_cleanse(worker->head.data, worker->head.size);
    }
    exchange_run(exchange);
}

void exchange_fail(struct exchange *exchange, enum gateway_error error, const struct answer *answer)
{
    if (exchange->first) {
        exchange_take_first(exchange);
        return;
    }
    if (answer->status >= 400)
        gateway_count(&exchange_worker(exchange)->numbers.errors[error], 1);
    if (exchange->state == EXCHANGE_ANSWERING)
        exchange_abort(exchange);
    else
        exchange_refuse(exchange, answer);
}

/* A pooled connection may have been closed by its peer a moment ago, which the loop has not heard
 * of yet. A request that may not be repeated is worth a look. */
static struct upstream *find_upstream(struct exchange *exchange)
{
    struct gateway_worker *worker = exchange_worker(exchange);
    struct upstream *upstream =
        upstream_get(worker, &exchange->plan->origin, exchange->retried, exchange);
    while (upstream->reused && !exchange_may_repeat(exchange) && !upstream_is_alive(upstream)) {
        upstream_close(upstream, false);
        upstream = upstream_get(worker, &exchange->plan->origin, false, exchange);
    }
    return upstream;
}

static void begin_body(struct exchange *exchange, enum http_framing out)
{
    const struct http_head *request = &exchange->request;
    struct plan *plan = exchange->plan;
    if (exchange->has_collected)
        stream_begin(&exchange->up, HTTP_FRAMING_LENGTH, exchange->uncollected, out, NULL);
    else
        stream_begin(&exchange->up, request->framing, request->length, out, plan->request_filter);
    plan->request_filter = exchange->has_collected ? plan->request_filter : NULL;
}

void exchange_dial(struct exchange *exchange)
{
    exchange_enter(exchange, EXCHANGE_DIALLING);
    exchange->upstream = find_upstream(exchange);
    if (exchange->upstream->state == UPSTREAM_OPEN)
        exchange_connected(exchange);
}

/* By the view of this moment. */
static void start(struct exchange *exchange)
{
    const struct view *view = exchange_worker(exchange)->view;
    const struct http_head *request = &exchange->request;
    const struct span body = span_of(exchange->collected.data, exchange->collected.size);
    const struct tls_session *tls = exchange->session->client.tls;
    struct plan *plan = exchange->plan;
    exchange->config = config_ref(view->config);
    struct plan_inputs inputs = {.planner = &exchange_worker(exchange)->planner,
        .view = view,
        .request = request,
        .body = exchange->has_collected ? &body : NULL,
        .now_s = (uint64_t)time(NULL)};
    if (vend_is_asked(request))
        inputs.is_local = wire_is_local(&exchange->session->client);
    if (tls) {
        inputs.is_tls = true;
        inputs.sni = span_of_text(tls_session_host(tls));
    }
    plan_make(plan, &inputs);
    if (plan->verdict == PLAN_COLLECT) {
        exchange_collect(exchange);
        return;
    }
    begin_body(exchange, plan->send ? plan->send->framing : request->framing);
    if (plan->verdict == PLAN_ANSWER) {
        exchange_fail(exchange, plan->error, &plan->answer);
        return;
    }
    exchange_dial(exchange);
}

static void start_again(struct exchange *exchange)
{
    if (exchange->upstream)
        upstream_close(exchange->upstream, true);
    exchange->upstream = NULL;
    if (exchange->first) {
        exchange_dial(exchange); /* the same: it was planned by what the first one said */
        return;
    }
    drop_plan(exchange);
    start(exchange);
}

void exchange_begin(struct exchange *exchange, struct span head, unsigned refusal)
{
    exchange->moved_ms = exchange_worker(exchange)->poller.now_ms;
    if (refusal == 0)
        refusal = http_read_request(head, &exchange->request);
    exchange->to_head = http_span_is(exchange->request.method, "HEAD");
    exchange->closes = !exchange->request.keep_alive;
    if (refusal == 0) {
        start(exchange);
        return;
    }
    struct answer answer = answer_refusal(refusal);
    exchange_fail(
        exchange, refusal == 408 ? GATEWAY_ERROR_TIMEOUT : GATEWAY_ERROR_BAD_REQUEST, &answer);
}

bool exchange_may_repeat(const struct exchange *exchange)
{
    const struct http_head *request = &exchange->request;
    bool is_safe = exchange->to_head || http_span_is(request->method, "GET");
    return is_safe && request->framing == HTTP_FRAMING_NONE && !exchange->retried;
}

void exchange_broke_off(struct exchange *exchange)
{
    static const struct answer silent = {
        503, "ServiceUnavailable", "S3 did not answer. Please retry.", .retry_after_s = 1};
    const struct upstream *upstream = exchange->upstream;
    bool was_idle_too_long = exchange->state == EXCHANGE_SENT && upstream->reused &&
                             upstream->intake.end == 0 && wire_is_clear(&exchange->session->client);
    if (!was_idle_too_long || !exchange_may_repeat(exchange)) {
        exchange_fail(exchange, GATEWAY_ERROR_SILENT, &silent);
        return;
    }
    gateway_count(&exchange_worker(exchange)->numbers.retries, 1);
    exchange->retried = true;
    start_again(exchange);
}

/* As it came, where the view that asked for it was followed by one that changes nothing. */
static void send_collected(struct exchange *exchange)
{
    bool is_as_it_came = exchange->plan->send == &exchange->request;
    struct text *body = is_as_it_came ? &exchange->collected : &exchange->plan->body;
    wire_keep(&exchange->upstream->wire, body->data, body->size);
    text_fini(&exchange->plan->body);
    text_fini(&exchange->collected); /* from here on it stays with this connection */
}

void exchange_connected(struct exchange *exchange)
{
    struct gateway_worker *worker = exchange_worker(exchange);
    exchange_enter(exchange, EXCHANGE_SENT);
    if (exchange->plan->has_unknown_key) {
        gateway_count(&worker->numbers.unverified_keys, 1);
        atomic_store_explicit(
            &worker->numbers.unverified_ms, worker->poller.now_ms, memory_order_relaxed);
    }
    worker->head.size = 0;
    http_write_request(&worker->head, exchange->plan->send);
    wire_keep(&exchange->upstream->wire, worker->head.data, worker->head.size);
    send_collected(exchange);
    exchange_run(exchange);
}

void exchange_collected(struct exchange *exchange)
{
    struct http_head *request = &exchange->request;
    exchange->has_collected = true;
    exchange->uncollected = exchange->up.over ? 0 : exchange->up.left;
    if (request->framing == HTTP_FRAMING_CHUNKED) {
        request->framing = HTTP_FRAMING_LENGTH; /* it is known now */
        request->length = exchange->collected.size;
    }
    drop_plan(exchange);
    start(exchange);
}

void exchange_unreachable(struct exchange *exchange)
{
    static const struct answer unreachable = {
        503, "ServiceUnavailable", "S3 cannot be reached. Please retry.", .retry_after_s = 1};
    exchange->upstream = NULL; /* it has closed itself */
    if (!exchange->first)
        log_warning("s3_unreachable", LOG_TEXT("host", exchange->plan->origin.host));
    exchange_fail(exchange, GATEWAY_ERROR_UNREACHABLE, &unreachable);
}

void exchange_untrusted(struct exchange *exchange)
{
    static const struct answer untrusted = {
        502, "BadGateway", "S3's certificate is not accepted by the gateway."};
    exchange->upstream = NULL; /* it has closed itself */
    exchange_fail(exchange, GATEWAY_ERROR_UNTRUSTED, &untrusted);
}

void exchange_follow_view(struct exchange *exchange)
{
    if (exchange->state == EXCHANGE_DIALLING && !exchange->first)
        start_again(exchange);
}

/* Bytes that came on in any way since the last look. */
static bool has_moved(struct exchange *exchange)
{
    const struct wire *client = &exchange->session->client;
    const struct wire *upstream = exchange->upstream ? &exchange->upstream->wire : NULL;
    uint64_t bytes = exchange->up.bytes + exchange->down.bytes + exchange->up.chunk.extended -
                     (client->kept_end - client->kept_start) -
                     (upstream ? upstream->kept_end - upstream->kept_start : 0);
    bool moved = bytes != exchange->moved_bytes;
    exchange->moved_bytes = bytes;
    return moved;
}

static bool waits_for_client(const struct exchange *exchange)
{
    return exchange->state == EXCHANGE_COLLECTING ||
           (exchange_may_send_body(exchange) && exchange->upstream->wire.writable);
}

static void time_out(struct exchange *exchange)
{
    static const struct answer client_is_slow = {400, "RequestTimeout",
        "Your socket connection to the server was not read from or written to within the timeout "
        "period.",
        .closes = true};
    if (exchange->state == EXCHANGE_REFUSING || exchange->state == EXCHANGE_ANSWERING) {
        gateway_count(&exchange_worker(exchange)->numbers.errors[GATEWAY_ERROR_TIMEOUT], 1);
        exchange_abort(exchange);
    } else if (waits_for_client(exchange)) {
        exchange_fail(exchange, GATEWAY_ERROR_TIMEOUT, &client_is_slow);
    } else {
        exchange->retried = true; /* silence is no closed connection */
        exchange_broke_off(exchange);
    }
}

void exchange_expire(struct exchange *exchange, uint64_t now_ms)
{
    if (exchange->first) {
        exchange_expire_elsewhere(exchange, now_ms);
        return;
    }
    if (exchange->state == EXCHANGE_DIALLING) {
        upstream_expire(exchange->upstream, now_ms);
        return;
    }
    if (has_moved(exchange))
        exchange->moved_ms = now_ms;
    else if (now_ms >= exchange->moved_ms + GATEWAY_SILENCE_MS)
        time_out(exchange);
}
