/* On the good day: accept, read a length and a question, answer, and again; half-close is kept, so
 * a client may send all its questions, close its side, and still gets every answer.
 *
 * What can go wrong: too many connections (the one idle for longest goes; if none is idle the new
 * one does), a drip feed (only whole questions count against the idle clock), a length beyond any
 * question (FORMERR, closed), a client that does not read (we stop reading, then its idle time is
 * over). */
#include "resolver/listen_tcp.h"

#include "base/memory.h"
#include "resolver/question.h"

#include <stdlib.h>
#include <unistd.h>

struct tcp_listener {
    struct tcp_listener *next;
    struct engine *engine;
    uv_tcp_t tcp;
};

struct tcp_connection {
    struct engine *engine;
    struct tcp_connection *next, *prev; /* the most recently active first */
    uv_tcp_t tcp;
    uv_timer_t idle;
    unsigned handles;
    unsigned pending; /* questions that wait */
    bool reading, peer_done, closing, finishing;
    size_t have;
    uint8_t input[2 + TCP_QUERY_MAX];
};

struct send {
    uv_write_t write;
    struct tcp_connection *connection;
    uint8_t data[];
};

static void take_questions(struct tcp_connection *connection);

static void link_first(struct tcp_connection *connection)
{
    struct engine *engine = connection->engine;
    connection->prev = NULL;
    connection->next = engine->tcp_connections;
    if (connection->next)
        connection->next->prev = connection;
    engine->tcp_connections = connection;
}

static void unlink_connection(struct tcp_connection *connection)
{
    if (connection->prev)
        connection->prev->next = connection->next;
    else
        connection->engine->tcp_connections = connection->next;
    if (connection->next)
        connection->next->prev = connection->prev;
}

/* Questions are dropped here, not in close_connection: one of them may be the caller's. */
static void on_handle_closed(uv_handle_t *handle)
{
    struct tcp_connection *connection = handle->data;
    if (--connection->handles > 0)
        return;
    if (connection->pending > 0)
        questions_drop(connection->engine, connection);
    free(connection);
}

static void close_connection(struct tcp_connection *connection)
{
    if (connection->closing)
        return;
    connection->closing = true;
    unlink_connection(connection);
    connection->engine->tcp_connection_count--;
    count_add(&connection->engine->counters.tcp_open, (uint64_t)-1);
    uv_close((uv_handle_t *)&connection->tcp, on_handle_closed);
    uv_close((uv_handle_t *)&connection->idle, on_handle_closed);
}

static void on_idle(uv_timer_t *timer)
{
    close_connection(timer->data);
}

static size_t unsent(const struct tcp_connection *connection)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&connection->tcp);
}

/* All that was asked is answered and taken, and nothing more will come. */
static void close_if_done(struct tcp_connection *connection)
{
    bool no_more = connection->peer_done || connection->finishing;
    if (no_more && connection->pending == 0 && unsent(connection) == 0)
        close_connection(connection);
}

static void on_sent(uv_write_t *write, int status)
{
    struct send *send = write->data;
    struct tcp_connection *connection = send->connection;
    free(send);
    if (connection->closing)
        return;
    if (status < 0) {
        close_connection(connection);
        return;
    }
    take_questions(connection);
    if (!connection->closing)
        close_if_done(connection);
}

static void send_message(struct tcp_connection *connection, const uint8_t *message, size_t size)
{
    uint8_t length[2];
    write_be16(length, (uint16_t)size);
    uv_buf_t buffers[2] = {
        uv_buf_init((char *)length, 2), uv_buf_init((char *)message, (unsigned)size)};
    uv_stream_t *stream = (uv_stream_t *)&connection->tcp;
    int taken = unsent(connection) > 0 ? 0 : uv_try_write(stream, buffers, 2);
    if ((taken < 0 && taken != UV_EAGAIN) || unsent(connection) > TCP_UNSENT_CLOSE) {
        close_connection(connection);
        return;
    }
    size_t skip = taken > 0 ? (size_t)taken : 0;
    if (skip == size + 2)
        return;
    struct send *send = memory_new(sizeof *send + size + 2);
    memcpy(send->data, length, 2);
    memcpy(send->data + 2, message, size);
    send->connection = connection;
    send->write.data = send;
    uv_buf_t rest = uv_buf_init((char *)send->data + skip, (unsigned)(size + 2 - skip));
    if (uv_write(&send->write, stream, &rest, 1, on_sent) < 0) {
        free(send);
        close_connection(connection);
    }
}

void tcp_send(struct tcp_connection *connection, const uint8_t *message, size_t size)
{
    if (connection->closing)
        return;
    connection->pending--;
    send_message(connection, message, size);
    if (connection->closing)
        return;
    take_questions(connection);
    if (!connection->closing)
        close_if_done(connection);
}

static void answer_one(struct tcp_connection *connection, const uint8_t *message, size_t size)
{
    struct engine *engine = connection->engine;
    struct query query;
    struct answer answer = {.data = engine->out, .room = DNS_MESSAGE_MAX};
    uint64_t now_ns = uv_hrtime();
    enum query_verdict verdict = query_parse(message, size, &query);
    if (verdict == QUERY_DROP) {
        count_one(&engine->counters.dropped_malformed);
        close_connection(connection);
        return;
    }
    if (verdict != QUERY_ANSWER) {
        answer_refuse_malformed(&query, verdict, &answer);
    } else if (!question_try(engine, &query, false, &answer)) {
        struct origin origin = {.kind = ORIGIN_TCP, .tcp = connection};
        question_keep(engine, &query, &origin, now_ns, &answer);
    }
    if (!answer.ready) {
        connection->pending++;
        return;
    }
    engine_count_answer(engine, TRANSPORT_TCP, &answer);
    engine_count_duration(engine, uv_hrtime() - now_ns, 1);
    send_message(connection, answer.data, answer.size);
}

/* Longer than any question: FORMERR by its header, as far as we have it, and the end. */
static void refuse_large(struct tcp_connection *connection)
{
    struct query query = {0};
    uint8_t message[DNS_UDP_SIZE_MIN];
    struct answer answer = {.data = message};
    query.id = read_be16(connection->input + 2);
    query.flags = read_be16(connection->input + 4);
    connection->finishing = true;
    connection->have = 0;
    if (query.flags & DNS_QR) {
        close_connection(connection);
        return;
    }
    answer_refuse_malformed(&query, QUERY_FORMERR, &answer);
    send_message(connection, answer.data, answer.size);
    if (!connection->closing)
        close_if_done(connection);
}

static void restart_idle(struct tcp_connection *connection)
{
    uv_timer_start(&connection->idle, on_idle, TCP_IDLE_MS, 0);
    unlink_connection(connection);
    link_first(connection);
}

/* Takes one whole question off the front of the input; false when there is none. */
static bool take_one(struct tcp_connection *connection)
{
    const uint8_t *input = connection->input;
    size_t length = connection->have < 2 ? 0 : read_be16(input);
    if (connection->have < 2)
        return false;
    if (length > TCP_QUERY_MAX) {
        if (connection->have >= 2 + DNS_HEADER_SIZE)
            refuse_large(connection);
        return false;
    }
    if (connection->have < 2 + length)
        return false;
    restart_idle(connection);
    answer_one(connection, input + 2, length);
    connection->have -= 2 + length;
    memmove(connection->input, connection->input + 2 + length, connection->have);
    return true;
}

static bool has_room(const struct tcp_connection *connection)
{
    return connection->pending < TCP_PENDING_MAX && unsent(connection) < TCP_UNSENT_MAX;
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct tcp_connection *connection = handle->data;
    (void)suggested;
    *buffer = uv_buf_init((char *)connection->input + connection->have,
        (unsigned)(sizeof connection->input - connection->have));
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct tcp_connection *connection = stream->data;
    (void)buffer;
    if (size < 0 && size != UV_EOF) {
        close_connection(connection);
        return;
    }
    if (size < 0) {
        connection->peer_done = true;
        connection->reading = false;
        uv_read_stop(stream);
    } else {
        connection->have += (size_t)size;
    }
    take_questions(connection);
    if (!connection->closing)
        close_if_done(connection);
}

/* Answers what is there while the client takes the answers; reads on only then. */
static void take_questions(struct tcp_connection *connection)
{
    while (!connection->closing && !connection->finishing && has_room(connection) &&
           take_one(connection))
        continue;
    if (connection->closing)
        return;
    bool read = !connection->peer_done && !connection->finishing && has_room(connection);
    if (read && !connection->reading)
        uv_read_start((uv_stream_t *)&connection->tcp, on_allocate, on_read);
    else if (!read && connection->reading)
        uv_read_stop((uv_stream_t *)&connection->tcp);
    connection->reading = read;
}

static bool peer_is_allowed(struct tcp_connection *connection)
{
    struct sockaddr_storage peer;
    int size = sizeof peer;
    if (uv_tcp_getpeername(&connection->tcp, (struct sockaddr *)&peer, &size) < 0)
        return false;
    return engine_allows(connection->engine, (struct sockaddr *)&peer);
}

/* The connection that was idle for longest, if it waits for nothing. */
static bool make_room(struct engine *engine)
{
    struct tcp_connection *oldest = NULL;
    for (struct tcp_connection *c = engine->tcp_connections; c; c = c->next) {
        if (c->pending == 0)
            oldest = c;
    }
    if (oldest)
        close_connection(oldest);
    return oldest != NULL;
}

static void on_connection(uv_stream_t *server, int status)
{
    struct tcp_listener *listener = server->data;
    struct engine *engine = listener->engine;
    if (status < 0)
        return;
    struct tcp_connection *connection = memory_new(sizeof *connection);
    connection->engine = engine;
    connection->tcp.data = connection->idle.data = connection;
    connection->handles = 2;
    uv_tcp_init(&engine->loop.uv, &connection->tcp);
    uv_timer_init(&engine->loop.uv, &connection->idle);
    bool welcome =
        uv_accept(server, (uv_stream_t *)&connection->tcp) == 0 && peer_is_allowed(connection);
    bool room =
        !welcome || engine->tcp_connection_count < engine->tcp_connections_max || make_room(engine);
    link_first(connection);
    engine->tcp_connection_count++;
    count_one(&engine->counters.tcp_open);
    if (!welcome || !room) {
        count_add(&engine->counters.tcp_refused, room ? 0 : 1);
        close_connection(connection);
        return;
    }
    uv_tcp_nodelay(&connection->tcp, 1);
    restart_idle(connection);
    take_questions(connection);
}

int tcp_listen(struct engine *engine, int socket)
{
    struct tcp_listener *listener = memory_new(sizeof *listener);
    listener->engine = engine;
    listener->tcp.data = listener;
    uv_tcp_init(&engine->loop.uv, &listener->tcp);
    listener->next = engine->tcp_listeners;
    engine->tcp_listeners = listener;
    int status = uv_tcp_open(&listener->tcp, socket);
    if (status < 0)
        close(socket);
    return status;
}

void tcp_serve(struct engine *engine)
{
    for (struct tcp_listener *listener = engine->tcp_listeners; listener; listener = listener->next)
        uv_listen((uv_stream_t *)&listener->tcp, 128, on_connection);
}

static void on_listener_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void tcp_stop(struct engine *engine)
{
    while (engine->tcp_listeners) {
        struct tcp_listener *listener = engine->tcp_listeners;
        engine->tcp_listeners = listener->next;
        uv_close((uv_handle_t *)&listener->tcp, on_listener_closed);
    }
    while (engine->tcp_connections)
        close_connection(engine->tcp_connections);
}

void tcp_take_view(struct engine *engine)
{
    for (struct tcp_connection *connection = engine->tcp_connections, *next; connection;
         connection = next) {
        next = connection->next;
        if (unsent(connection) > 0)
            close_connection(connection);
    }
}
