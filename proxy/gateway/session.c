/* On the good day: accept → TLS's handshake, where it is spoken → head → exchange → head → … → the
 * client ends.
 *
 * What can go wrong: a handshake that fails (the client has its alert) or lasts longer than a head
 * may (closed), a head that does not come to its end (408), a client that is idle for a minute
 * (closed), more connections than are allowed (503 at once; closed where TLS would come first).
 * After a last answer the client's bytes are read on for a moment and thrown away: closing with
 * bytes unread would reset the connection, and the answer might be lost with it (RFC 9112
 * section 9.6). */
#include "proxy/gateway/session.h"

#include "base/log.h"
#include "base/memory.h"
#include "proxy/gateway/exchange.h"
#include "proxy/gateway/gateway_parts.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define REQUESTS_MAX 32 /* pipelined ones of one event; then others have their turn */

#define FROM(state) (1u << SESSION_##state)

/* From which states a state may be entered. */
static const unsigned legal_moves[] = {
    [SESSION_HEAD] = FROM(HEAD) | FROM(EXCHANGE),
    [SESSION_EXCHANGE] = FROM(HEAD),
    [SESSION_LINGER] = FROM(EXCHANGE),
    [SESSION_DEAD] = FROM(HEAD) | FROM(EXCHANGE) | FROM(LINGER),
};

static void enter(struct session *session, enum session_state state)
{
    assert(legal_moves[state] & 1u << session->state);
    session->state = state;
    session->since_ms = session->worker->poller.now_ms;
}

static void leave_list(struct session *session)
{
    struct gateway_worker *worker = session->worker;
    *(session->previous ? &session->previous->next : &worker->first) = session->next;
    *(session->next ? &session->next->previous : &worker->last) = session->previous;
}

void session_close(struct session *session, bool reset)
{
    struct gateway_worker *worker = session->worker;
    struct exchange *exchange = session->exchange;
    enter(session, SESSION_DEAD);
    session->exchange = NULL;
    if (exchange)
        exchange_free(exchange);
    wire_close(&session->client, reset);
    intake_fini(&session->intake);
    leave_list(session);
    session->next = worker->dead_sessions;
    worker->dead_sessions = session;
    atomic_fetch_sub(&worker->gateway->connections, 1);
    gateway_count(&worker->numbers.connections, (uint64_t)-1);
}

void session_free_dead(struct gateway_worker *worker)
{
    for (struct session *each = worker->dead_sessions, *next; each; each = next) {
        next = each->next;
        free(each);
    }
    worker->dead_sessions = NULL;
}

static void begin_exchange(struct session *session, struct span head, unsigned refusal)
{
    enter(session, SESSION_EXCHANGE);
    session->exchange = exchange_new(session);
    exchange_begin(session->exchange, head, refusal);
}

static void read_head(struct session *session)
{
    struct span head = span_of(NULL, 0);
    bool began = session->intake.end > 0;
    int status = intake_head(&session->intake, &session->client, &head);
    if (status < 0 || (status == HTTP_SCAN_MORE && session->client.ended))
        session_close(session, false);
    else if (status != HTTP_SCAN_MORE)
        begin_exchange(session, head, status == HTTP_SCAN_DONE ? 0 : (unsigned)status);
    else if (!began && session->intake.end > 0)
        session->since_ms = session->worker->poller.now_ms;
}

/* Requests that are answered at once follow each other here, not each within the one before. */
static void run(struct session *session)
{
    session->running = true;
    unsigned rounds = 0;
    uint64_t before;
    do {
        before = session->served;
        read_head(session);
    } while (
        session->state == SESSION_HEAD && session->served != before && ++rounds < REQUESTS_MAX);
    session->running = false;
    if (rounds == REQUESTS_MAX && session->state == SESSION_HEAD)
        poller_rearm(&session->worker->poller, &session->client.socket);
}

/* False: it is not over, or the session is. */
static bool shake(struct session *session)
{
    struct gateway_numbers *numbers = &session->worker->numbers;
    const struct tls_session *tls = session->client.tls;
    int status = wire_shake(&session->client);
    if (status == -EAGAIN)
        return false;
    gateway_count_handshake(numbers->client_handshakes, status, tls);
    session->since_ms = session->worker->poller.now_ms;
    if (status == 0)
        return true;
    log_debug("client_handshake_failed", LOG_TEXT("name", tls_session_host(tls)),
        LOG_TEXT("why", tls_session_error(tls)));
    session_close(session, false);
    return false;
}

/* A goodbye that does not go at once goes when it can. */
static void linger(struct session *session)
{
    wire_end(&session->client);
    for (unsigned round = 0; round < REQUESTS_MAX; round++) {
        ssize_t got = wire_read(&session->client, session->worker->buffer, STREAM_BUFFER);
        if (got > 0)
            continue;
        if (got != -EAGAIN)
            session_close(session, false);
        return;
    }
    poller_rearm(&session->worker->poller, &session->client.socket);
}

void session_exchange_ended(struct session *session, bool closes)
{
    exchange_free(session->exchange);
    session->exchange = NULL;
    session->served++;
    if (closes || session->worker->stopping) {
        enter(session, SESSION_LINGER);
        linger(session);
        return;
    }
    intake_next(&session->intake);
    enter(session, SESSION_HEAD);
    if (!session->running)
        run(session);
}

static void on_event(struct poller_socket *socket, uint32_t events)
{
    struct session *session = socket->data;
    wire_note(&session->client, events);
    if (session->client.shaking && !shake(session))
        return;
    if (session->state == SESSION_HEAD)
        run(session);
    else if (session->state == SESSION_EXCHANGE)
        exchange_run(session->exchange);
    else if (session->state == SESSION_LINGER)
        linger(session);
}

/* Without a thought for what it asks. */
static void turn_away(struct gateway_worker *worker, int fd, bool is_tls)
{
    static const struct answer full = {
        503, "SlowDown", "Please reduce your request rate.", .retry_after_s = 1, .closes = true};
    gateway_count(&worker->numbers.errors[GATEWAY_ERROR_FULL], 1);
    if (is_tls) {
        close(fd);
        return;
    }
    worker->head.size = 0;
    answer_write(&worker->head, &full, span_of(NULL, 0), false, 1);
    send(fd, worker->head.data, worker->head.size, MSG_NOSIGNAL | MSG_DONTWAIT);
    shutdown(fd, SHUT_WR);
    recv(fd, worker->buffer, STREAM_BUFFER, MSG_DONTWAIT); /* or closing would reset it */
    close(fd);
}

/* Takes fd in any case. */
static int open_wire(struct session *session, int fd, bool is_tls)
{
    struct gateway_worker *worker = session->worker;
    struct tls_session *tls;
    wire_init(&session->client, on_event, session);
    int status = wire_open(&session->client, &worker->poller, fd);
    if (status == 0 && is_tls)
        status = tls_server_accept(worker->tls_server, fd, &tls);
    if (status == 0 && is_tls)
        wire_begin_tls(&session->client, tls);
    return status;
}

void session_accept(struct gateway_worker *worker, int fd, bool is_tls)
{
    struct gateway *gateway = worker->gateway;
    gateway_count(&worker->numbers.accepted, 1);
    if (atomic_fetch_add(&gateway->connections, 1) >=
        worker->view->config->gateway.max_connections) {
        atomic_fetch_sub(&gateway->connections, 1);
        turn_away(worker, fd, is_tls);
        return;
    }
    struct session *session = memory_new(sizeof *session);
    session->worker = worker;
    session->state = SESSION_HEAD;
    session->since_ms = session->worker->poller.now_ms;
    session->previous = worker->last;
    *(worker->last ? &worker->last->next : &worker->first) = session;
    worker->last = session;
    gateway_count(&worker->numbers.connections, 1);
    if (open_wire(session, fd, is_tls) < 0)
        session_close(session, false);
}

static void expire_head(struct session *session, uint64_t now_ms)
{
    bool began = session->intake.end > 0;
    if (session->client.shaking && now_ms >= session->since_ms + GATEWAY_HEAD_MS)
        session_close(session, false);
    else if (began && now_ms >= session->since_ms + GATEWAY_HEAD_MS)
        begin_exchange(session, span_of(NULL, 0), 408);
    else if (!began && (session->worker->stopping || now_ms >= session->since_ms + GATEWAY_IDLE_MS))
        session_close(session, false);
}

void session_expire(struct session *session, uint64_t now_ms)
{
    const struct gateway_worker *worker = session->worker;
    if (worker->stopping && now_ms >= worker->stop_ms)
        session_close(session, true);
    else if (session->state == SESSION_HEAD)
        expire_head(session, now_ms);
    else if (session->state == SESSION_EXCHANGE)
        exchange_expire(session->exchange, now_ms);
    else if (now_ms >= session->since_ms + GATEWAY_LINGER_MS)
        session_close(session, false);
}
