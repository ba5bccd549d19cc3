#include "tests/unit/scripted_server.h"

#include "base/address.h"
#include "base/memory.h"
#include "tests/unit/sample.h"

#include <stdlib.h>

struct connection {
    uv_tcp_t tcp;
    uv_write_t write;
    struct scripted_server *server;
    const struct script *script;
    unsigned line;
    bool writing;
    char room[4096];
};

static void on_closed(uv_handle_t *handle)
{
    struct connection *connection = handle->data;
    connection->server->open--;
    free(connection);
}

static void close_connection(struct connection *connection)
{
    if (!uv_is_closing((uv_handle_t *)&connection->tcp))
        uv_close((uv_handle_t *)&connection->tcp, on_closed);
}

static void speak(struct connection *connection);

static void on_written(uv_write_t *write, int status)
{
    struct connection *connection = write->data;
    unsigned line = connection->line - 1;
    connection->writing = false;
    enum script_then then = connection->script->lines[line].then;
    if (status < 0 || then == SCRIPT_CLOSES) {
        close_connection(connection);
    } else if (then == SCRIPT_RESETS) {
        uv_tcp_close_reset(&connection->tcp, on_closed);
    } else if (then == SCRIPT_FLOODS) {
        connection->line--;
        speak(connection);
    }
}

static void speak(struct connection *connection)
{
    if (connection->line == SCRIPT_LINES_MAX)
        return;
    struct span bytes = connection->script->lines[connection->line++].bytes;
    uv_buf_t buffer = uv_buf_init((char *)(uintptr_t)bytes.data, (unsigned)bytes.size);
    connection->writing = true;
    connection->write.data = connection;
    uv_write(&connection->write, (uv_stream_t *)&connection->tcp, &buffer, 1, on_written);
}

static void give_room(uv_handle_t *handle, size_t unused, uv_buf_t *ret)
{
    (void)unused;
    struct connection *connection = handle->data;
    *ret = uv_buf_init(connection->room, sizeof connection->room);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *unused)
{
    (void)unused;
    struct connection *connection = stream->data;
    if (size < 0) {
        close_connection(connection);
    } else if (size > 0) {
        connection->server->pieces++;
        if (!connection->writing)
            speak(connection);
    }
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct scripted_server *server = listener->data;
    assert_int_equal(status, 0);
    struct connection *connection = memory_new(sizeof *connection);
    connection->server = server;
    connection->tcp.data = connection;
    unsigned index = server->connections++;
    while (index > 0 && (index >= SCRIPTS_MAX || !server->scripts[index]))
        index--;
    connection->script = server->scripts[index];
    server->open++;
    server->pieces = 0;
    uv_tcp_init(&server->loop->uv, &connection->tcp);
    assert_int_equal(uv_accept(listener, (uv_stream_t *)&connection->tcp), 0);
    uv_read_start((uv_stream_t *)&connection->tcp, give_room, on_read);
    if (connection->script->speaks_first)
        speak(connection);
}

void scripted_server_start(struct scripted_server *server, struct loop *loop, const char *ip)
{
    struct address address;
    int size = sizeof address;
    assert_true(address_parse_ip(ip, &address));
    address_set_port(&address, server->port);
    server->loop = loop;
    server->listener.data = server;
    assert_int_equal(uv_tcp_init(&loop->uv, &server->listener), 0);
    assert_int_equal(uv_tcp_bind(&server->listener, &address.any, 0), 0);
    assert_int_equal(uv_listen((uv_stream_t *)&server->listener, 16, on_connection), 0);
    assert_int_equal(uv_tcp_getsockname(&server->listener, &address.any, &size), 0);
    server->port = address_port(&address);
}

static bool is_alone(void *context)
{
    const struct scripted_server *server = context;
    return server->open == 0;
}

void scripted_server_stop(struct scripted_server *server)
{
    uv_close((uv_handle_t *)&server->listener, NULL);
    run_until(server->loop, is_alone, server);
}
