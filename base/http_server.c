/* On the good day: accept → read a head → ask the handler → write the reply → read the next head.
 * While a reply is being written nothing is read, so a pipelining peer waits in its own buffers and
 * a slow reader costs one reply.
 *
 * What can go wrong: too many connections (the new one is closed), a peer that dawdles (closed by
 * its timer), a request that is refused (http_request.c; answered, mostly closed afterwards). */
#include "base/http_server.h"

#include "base/http_request.h"
#include "base/memory.h"
#include "base/text.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct http_listener {
    uv_tcp_t tcp;
    struct http_server *server;
    struct http_listener *next;
};

struct http_server {
    struct loop *loop;
    struct http_server_options options;
    struct http_listener *listeners;
    struct http_connection *connections;
    unsigned connection_count;
    unsigned open_handles;
    bool closing;
    loop_call *freed;
    void *freed_context;
};

struct http_connection {
    struct http_server *server;
    struct http_connection *next;
    uv_tcp_t tcp;
    uv_timer_t timer;
    unsigned open_handles;
    struct http_request request;
    char buffer[HTTP_HEAD_MAX]; /* read, not yet parsed: `used` to `filled` */
    size_t used, filled;
    uv_write_t write;
    uv_shutdown_t shut;
    struct text head; /* of the reply under way */
    char *body;
    size_t write_left; /* bytes that the peer had not taken at the timer's last look */
    bool writing, last, closing;
    bool draining; /* the last reply is out: what still comes in is thrown away until the end */
};

static void end_if_empty(struct http_server *server)
{
    if (!server->closing || server->open_handles > 0)
        return;
    loop_call *freed = server->freed;
    void *context = server->freed_context;
    free(server);
    if (freed)
        freed(context);
}

static void forget(struct http_connection *connection)
{
    struct http_connection **at = &connection->server->connections;
    while (*at != connection)
        at = &(*at)->next;
    *at = connection->next;
    connection->server->connection_count--;
}

static void on_connection_closed(uv_handle_t *handle)
{
    struct http_connection *connection = handle->data;
    struct http_server *server = connection->server;
    server->open_handles--;
    if (--connection->open_handles > 0)
        return;
    forget(connection);
    text_fini(&connection->head);
    free(connection->body);
    free(connection);
    end_if_empty(server);
}

static void close_connection(struct http_connection *connection)
{
    if (connection->closing)
        return;
    connection->closing = true;
    uv_close((uv_handle_t *)&connection->tcp, on_connection_closed);
    uv_close((uv_handle_t *)&connection->timer, on_connection_closed);
}

/* A reader that has taken some of its reply since the last look gets another term. */
static void on_timeout(uv_timer_t *timer)
{
    struct http_connection *connection = timer->data;
    size_t left = uv_stream_get_write_queue_size((uv_stream_t *)&connection->tcp);
    if (!connection->writing || left >= connection->write_left)
        close_connection(connection);
    connection->write_left = left;
}

static void start_timer(struct http_connection *connection)
{
    unsigned term = connection->server->options.timeout_ms;
    connection->write_left = SIZE_MAX;
    uv_timer_start(&connection->timer, on_timeout, term, term);
}

static void serve(struct http_connection *connection);
static void read_on(struct http_connection *connection);

static void on_shut(uv_shutdown_t *shut, int status)
{
    struct http_connection *connection = shut->data;
    if (status < 0)
        close_connection(connection);
}

/* Closing with unread bytes would reset the connection and take the reply with it, so the peer is
 * heard to its end, or to the timer's. */
static void drain(struct http_connection *connection)
{
    connection->draining = true;
    connection->shut.data = connection;
    start_timer(connection);
    if (uv_shutdown(&connection->shut, (uv_stream_t *)&connection->tcp, on_shut) < 0)
        close_connection(connection);
    else
        read_on(connection);
}

static void on_written(uv_write_t *write, int status)
{
    struct http_connection *connection = write->data;
    connection->writing = false;
    text_fini(&connection->head);
    free(connection->body);
    connection->body = NULL;
    if (connection->closing)
        return;
    if (status < 0) {
        close_connection(connection);
    } else if (connection->last) {
        drain(connection);
    } else {
        start_timer(connection);
        serve(connection);
    }
}

static const char *reason_of(unsigned status)
{
    switch (status) {
    case 200:
        return "OK";
    case 400:
        return "Bad Request";
    case 404:
        return "Not Found";
    case 405:
        return "Method Not Allowed";
    case 413:
        return "Content Too Large";
    case 414:
        return "URI Too Long";
    case 431:
        return "Request Header Fields Too Large";
    case 503:
        return "Service Unavailable";
    default:
        return "Other";
    }
}

static void put_head(struct http_connection *connection, const struct http_reply *reply)
{
    struct text *head = &connection->head;
    text_format(head, "HTTP/1.1 %u %s\r\n", reply->status, reason_of(reply->status));
    text_format(head, "Content-Type: %s\r\n", reply->content_type);
    text_format(head, "Content-Length: %zu\r\n", reply->size);
    if (reply->status == 405)
        text_put(head, "Allow: GET, HEAD\r\n");
    text_put(head, "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n");
    text_put(head, "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\n");
    text_format(head, "Connection: %s\r\n\r\n", connection->last ? "close" : "keep-alive");
}

static void send_reply(struct http_connection *connection, const struct http_reply *reply)
{
    put_head(connection, reply);
    connection->body = reply->body;
    bool with_body = !http_request_is_head(&connection->request) && reply->size > 0;
    uv_buf_t parts[] = {
        {.base = connection->head.data, .len = connection->head.size},
        {.base = connection->body, .len = reply->size},
    };
    connection->write.data = connection;
    connection->writing = true;
    uv_read_stop((uv_stream_t *)&connection->tcp);
    start_timer(connection);
    int status = uv_write(
        &connection->write, (uv_stream_t *)&connection->tcp, parts, with_body ? 2 : 1, on_written);
    if (status < 0) {
        connection->writing = false;
        close_connection(connection);
    }
}

static void answer(struct http_connection *connection, unsigned status)
{
    const struct http_server_options *options = &connection->server->options;
    struct http_reply reply = {.status = status, .content_type = "text/plain; charset=utf-8"};
    connection->last =
        http_request_is_last(&connection->request) || (status != 200 && status != 405);
    if (status == 200) {
        options->handler(options->context, connection->request.path, &reply);
    } else {
        reply.body = memory_format("%s\n", reason_of(status));
        reply.size = strlen(reply.body);
    }
    send_reply(connection, &reply);
}

static void on_room_wanted(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    (void)suggested;
    struct http_connection *connection = handle->data;
    *ret = uv_buf_init(connection->buffer, sizeof connection->buffer);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *unused)
{
    (void)unused;
    struct http_connection *connection = stream->data;
    if (size < 0) {
        close_connection(connection);
        return;
    }
    if (connection->draining)
        return;
    connection->used = 0;
    connection->filled = (size_t)size;
    serve(connection);
}

static void read_on(struct http_connection *connection)
{
    uv_stream_t *stream = (uv_stream_t *)&connection->tcp;
    if (!uv_is_active((uv_handle_t *)stream) && uv_read_start(stream, on_room_wanted, on_read) < 0)
        close_connection(connection);
}

/* Takes the next request from the buffer, or reads on. */
static void serve(struct http_connection *connection)
{
    size_t used = 0;
    unsigned status = 0;
    if (connection->used < connection->filled)
        status = http_request_feed(&connection->request, connection->buffer + connection->used,
            connection->filled - connection->used, &used);
    connection->used += used;
    if (status != 0)
        answer(connection, status);
    else
        read_on(connection);
}

static void on_connection(uv_stream_t *stream, int status)
{
    struct http_listener *listener = stream->data;
    struct http_server *server = listener->server;
    if (status < 0)
        return;
    struct http_connection *connection = memory_new(sizeof *connection);
    connection->server = server;
    connection->next = server->connections;
    server->connections = connection;
    server->connection_count++;
    connection->open_handles = 2;
    server->open_handles += 2;
    uv_tcp_init(&server->loop->uv, &connection->tcp);
    uv_timer_init(&server->loop->uv, &connection->timer);
    connection->tcp.data = connection->timer.data = connection;
    http_request_init(&connection->request);
    if (uv_accept(stream, (uv_stream_t *)&connection->tcp) < 0 ||
        server->connection_count > server->options.connections_max) {
        close_connection(connection);
        return;
    }
    start_timer(connection);
    serve(connection);
}

struct http_server *http_server_new(struct loop *loop, const struct http_server_options *options)
{
    struct http_server *server = memory_new(sizeof *server);
    server->loop = loop;
    server->options = *options;
    if (server->options.connections_max == 0)
        server->options.connections_max = HTTP_CONNECTIONS_MAX;
    if (server->options.timeout_ms == 0)
        server->options.timeout_ms = HTTP_TIMEOUT_MS;
    return server;
}

static void on_listener_closed(uv_handle_t *handle)
{
    struct http_listener *listener = handle->data;
    struct http_server *server = listener->server;
    free(listener);
    server->open_handles--;
    end_if_empty(server);
}

int http_server_listen(struct http_server *server, int fd)
{
    struct http_listener *listener = memory_new(sizeof *listener);
    listener->server = server;
    listener->next = server->listeners;
    server->listeners = listener;
    server->open_handles++;
    uv_tcp_init(&server->loop->uv, &listener->tcp);
    listener->tcp.data = listener;
    int status = uv_tcp_open(&listener->tcp, fd);
    if (status < 0)
        close(fd);
    else
        status = uv_listen((uv_stream_t *)&listener->tcp, HTTP_CONNECTIONS_MAX, on_connection);
    if (status < 0) {
        server->listeners = listener->next;
        uv_close((uv_handle_t *)&listener->tcp, on_listener_closed);
    }
    return status;
}

void http_server_free(struct http_server *server, loop_call *freed, void *context)
{
    server->closing = true;
    server->freed = freed;
    server->freed_context = context;
    for (struct http_connection *at = server->connections; at; at = at->next)
        close_connection(at);
    for (struct http_listener *at = server->listeners; at; at = at->next)
        uv_close((uv_handle_t *)&at->tcp, on_listener_closed);
    end_if_empty(server);
}
