/* Bytes of an exchange: the body up, the answer down.
 *
 * On the good day the head is sent with the body's first bytes, the body follows as fast as S3
 * takes it, the answer's head is read, judged and written anew, its body follows as fast as the
 * client takes it.
 *
 * An answer may come while the body still goes up (an early 403): it is passed on at once, with
 * "Connection: close", for nobody can know how much of the body the client still sends (RFC 9110
 * section 10.1.1). 100 (Continue) is S3's to say, and a client that does not wait for it is not
 * made to; other 1xx answers are dropped. */
#include "base/log.h"
#include "proxy/gateway/exchange_parts.h"
#include "proxy/gateway/http_head.h"
#include "proxy/gateway/http_write.h"

#include <errno.h>

bool exchange_may_send_body(const struct exchange *exchange)
{
    const struct session *session = exchange->session;
    bool is_asked_for = exchange->continued || !exchange->request.expects_continue;
    bool comes_anyway = session->client.readable || !intake_is_empty(&session->intake);
    return !exchange->up.over && !exchange->up_stopped && (is_asked_for || comes_anyway);
}

void exchange_fail_source(struct exchange *exchange)
{
    static const struct answer incomplete = {
        400, "IncompleteBody", "The request's body is not what its head says.", .closes = true};
    if (exchange->session->client.ended)
        exchange_abort(exchange);
    else
        exchange_fail(exchange, GATEWAY_ERROR_BAD_REQUEST, &incomplete);
}

void exchange_fail_filter(struct exchange *exchange)
{
    const struct body_filter *filter = exchange->up.filter;
    struct answer why = filter->why(filter);
    why.closes = true;
    exchange_fail(exchange, GATEWAY_ERROR_BAD_REQUEST, &why);
}

/* False: the exchange has ended. */
static bool move_up(struct exchange *exchange)
{
    struct session *session = exchange->session;
    struct wire *to = &exchange->upstream->wire;
    enum stream_status status = STREAM_GOES;
    if (exchange_may_send_body(exchange))
        status = stream_run(
            &exchange->up, &session->intake, &session->client, to, &session->worker->tools);
    if (status == STREAM_SOURCE_BROKEN) {
        exchange_fail_source(exchange);
        return false;
    }
    if (status == STREAM_REFUSED) {
        exchange_fail_filter(exchange);
        return false;
    }
    if (status == STREAM_SINK_BROKEN || wire_flush(to) < 0)
        exchange->up_stopped = true; /* it may have said why */
    return true;
}

static bool is_redirect(unsigned status)
{
    return status == 301 || status == 302 || status == 307 || status == 308;
}

bool exchange_pass_continue(struct exchange *exchange)
{
    static char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    const struct iovec part = {line, sizeof line - 1};
    if (!exchange->request.expects_continue || exchange->continued)
        return true;
    exchange->continued = true;
    if (wire_send(&exchange->session->client, &part, 1) == 0)
        return true;
    exchange_abort(exchange);
    return false;
}

static enum http_framing framing_for_client(
    const struct exchange *exchange, const struct http_head *response)
{
    bool has_unknown_length =
        response->framing == HTTP_FRAMING_CHUNKED ||
        response->framing == HTTP_FRAMING_UNTIL_CLOSE ||
        (response->framing == HTTP_FRAMING_LENGTH && exchange->plan->response_filter);
    if (!has_unknown_length)
        return response->framing;
    return exchange->request.minor > 0 ? HTTP_FRAMING_CHUNKED : HTTP_FRAMING_UNTIL_CLOSE;
}

static void begin_answer(struct exchange *exchange, const struct http_head *response)
{
    struct gateway_worker *worker = exchange_worker(exchange);
    enum http_framing framing = framing_for_client(exchange, response);
    exchange->status = response->status;
    exchange->upstream_keeps =
        response->keep_alive && response->framing != HTTP_FRAMING_UNTIL_CLOSE;
    exchange->closes |=
        !exchange->up.over || framing == HTTP_FRAMING_UNTIL_CLOSE || worker->stopping;
    worker->head.size = 0;
    http_write_response(
        &worker->head, response, framing, exchange->closes, exchange->request.minor);
    wire_keep(&exchange->session->client, worker->head.data, worker->head.size);
    struct body_filter **filter = &exchange->plan->response_filter;
    bool has_body = response->framing != HTTP_FRAMING_NONE;
    stream_begin(
        &exchange->down, response->framing, response->length, framing, has_body ? *filter : NULL);
    *filter = has_body ? NULL : *filter;
    exchange_enter(exchange, EXCHANGE_ANSWERING);
}

static void refuse_redirect(struct exchange *exchange, unsigned status)
{
    static const struct answer redirected = {503, "ServiceUnavailable",
        "S3 answered with a redirect, which is not passed on.", .retry_after_s = 1};
    log_warning("s3_redirects", LOG_TEXT("host", exchange->plan->origin.host),
        LOG_NUMBER("status", status));
    exchange_fail(exchange, GATEWAY_ERROR_REDIRECT, &redirected);
}

static void refuse_response(struct exchange *exchange)
{
    static const struct answer unclear = {
        503, "ServiceUnavailable", "S3's answer is no clear HTTP.", .retry_after_s = 1};
    log_warning("s3_answer_unclear", LOG_TEXT("host", exchange->plan->origin.host));
    exchange_fail(exchange, GATEWAY_ERROR_BAD_RESPONSE, &unclear);
}

bool exchange_answer(struct exchange *exchange, struct http_head *response)
{
    struct response_mapper *mapper = exchange->plan->mapper;
    if (mapper && mapper->head(mapper, response) < 0) {
        refuse_response(exchange);
        return false;
    }
    begin_answer(exchange, response);
    return true;
}

/* False: the exchange has ended. */
static bool take_response(struct exchange *exchange, struct span bytes)
{
    struct http_head response;
    if (http_read_response(bytes, exchange->to_head, &response) < 0) {
        refuse_response(exchange);
        return false;
    }
    if (response.status < 200) {
        intake_next(&exchange->upstream->intake);
        return response.status != 100 || exchange_pass_continue(exchange);
    }
    if (exchange_went_elsewhere(exchange, &response, bytes))
        return false;
    if (is_redirect(response.status)) {
        refuse_redirect(exchange, response.status);
        return false;
    }
    return exchange_answer(exchange, &response);
}

/* False: the exchange has ended, or there is nothing more to read for now. */
static bool read_response(struct exchange *exchange)
{
    struct upstream *upstream = exchange->upstream;
    struct span head;
    int status = intake_head(&upstream->intake, &upstream->wire, &head);
    if (status == HTTP_SCAN_DONE)
        return take_response(exchange, head);
    if (status < 0 || (status == HTTP_SCAN_MORE && upstream->wire.ended))
        exchange_broke_off(exchange);
    else if (status != HTTP_SCAN_MORE)
        refuse_response(exchange);
    return false;
}

static void move_down(struct exchange *exchange)
{
    struct session *session = exchange->session;
    struct upstream *upstream = exchange->upstream;
    enum stream_status status = STREAM_GOES;
    if (!exchange->down.over)
        status = stream_run(&exchange->down, &upstream->intake, &upstream->wire, &session->client,
            &session->worker->tools);
    if (status == STREAM_SOURCE_BROKEN || status == STREAM_REFUSED)
        gateway_count(&session->worker->numbers.errors[GATEWAY_ERROR_SILENT], 1);
    if (status != STREAM_GOES || wire_flush(&session->client) < 0)
        exchange_abort(exchange);
    else if (exchange->down.over && wire_is_clear(&session->client))
        exchange_finish(exchange);
}

static void run_sent(struct exchange *exchange)
{
    do {
        if (!move_up(exchange) || !read_response(exchange))
            return;
    } while (exchange->state == EXCHANGE_SENT);
    move_down(exchange);
}

static void run_refusing(struct exchange *exchange)
{
    struct wire *client = &exchange->session->client;
    if (wire_flush(client) < 0)
        exchange_abort(exchange);
    else if (wire_is_clear(client))
        exchange_finish(exchange);
}

void exchange_run(struct exchange *exchange)
{
    if (exchange->session->client.broken)
        exchange_abort(exchange);
    else if (exchange->state == EXCHANGE_COLLECTING)
        exchange_run_collecting(exchange);
    else if (exchange->state == EXCHANGE_SENT)
        run_sent(exchange);
    else if (exchange->state == EXCHANGE_REFUSING)
        run_refusing(exchange);
    else if (exchange->state == EXCHANGE_ANSWERING && move_up(exchange))
        move_down(exchange);
}
