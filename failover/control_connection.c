/* One connection: bytes → lines → calls, and lines back.
 *
 * On the good day a line is there, becomes a call, and its reply is written at once. While a peer
 * has CONTROL_CALLS_MAX calls in flight or does not take its replies, it is not read, so it waits
 * in its own buffers; one that takes nothing at all is closed by the sweep (control.c). */
#include "base/memory.h"
#include "failover/control_parts.h"

#include <stdlib.h>
#include <string.h>

struct control_write {
    uv_write_t write;
    struct control_connection *connection;
    char *line;
};

static size_t output_size(const struct control_connection *connection)
{
    return uv_stream_get_write_queue_size((const uv_stream_t *)&connection->pipe);
}

static void on_room_wanted(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    (void)suggested;
    struct control_connection *connection = handle->data;
    *ret = uv_buf_init(connection->control->room, sizeof connection->control->room);
}

static void append(struct control_connection *connection, const char *data, size_t size)
{
    size_t needed = connection->input_size + size;
    if (needed > connection->input_room) {
        size_t room = connection->input_room ? connection->input_room : 1024;
        while (room < needed)
            room *= 2;
        connection->input = memory_resize(connection->input, room, 1);
        connection->input_room = room;
    }
    memcpy(connection->input + connection->input_size, data, size);
    connection->input_size = needed;
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct control_connection *connection = stream->data;
    if (size != 0)
        uv_read_stop(stream); /* until its turn: one piece at a time */
    if (size == UV_EOF) {
        connection->ended = true;
        if (connection->control->sidecar == connection)
            control_set_sidecar(connection->control, NULL);
        control_connection_continue(connection);
    } else if (size < 0) {
        control_connection_close(connection);
    } else if (size > 0) {
        append(connection, buffer->base, (size_t)size);
        control_connection_continue(connection);
    }
}

static void on_written(uv_write_t *write, int status)
{
    struct control_write *done = (struct control_write *)write;
    struct control_connection *connection = done->connection;
    free(done->line);
    free(done);
    if (connection->closing)
        return;
    if (status < 0)
        control_connection_close(connection);
    else
        control_connection_continue(connection);
}

void control_connection_send(struct control_connection *connection, char *line)
{
    size_t size = strlen(line);
    if (connection->closing || output_size(connection) + size > CONTROL_OUTPUT_MAX) {
        free(line);
        control_connection_close(connection);
        return;
    }
    struct control_write *write = memory_new(sizeof *write);
    write->connection = connection;
    write->line = line;
    uv_buf_t part = uv_buf_init(line, (unsigned)size);
    int status = uv_write(&write->write, (uv_stream_t *)&connection->pipe, &part, 1, on_written);
    if (status < 0) {
        free(line);
        free(write);
        control_connection_close(connection);
    }
}

/* An error in a line that did not become a call. */
static void refuse_line(struct control_connection *connection, const struct rpc_request *request,
    int code, const struct failure *why)
{
    char *line = rpc_error(request->id, code, why->text, rpc_error_data(code));
    control_connection_send(connection, line);
}

static struct control_call *call_new(
    struct control_connection *connection, const struct rpc_request *request)
{
    struct control_call *call = memory_new(sizeof *call);
    call->control = connection->control;
    call->connection = connection;
    call->request = *request;
    call->uid = connection->peer.uid;
    call->next = connection->calls;
    call->at = &connection->calls;
    if (call->next)
        call->next->at = &call->next;
    connection->calls = call;
    connection->call_count++;
    connection->control->calls++;
    return call;
}

static void take_line(struct control_connection *connection, const char *line, size_t size)
{
    struct rpc_request request;
    struct failure why;
    struct control *control = connection->control;
    int code = rpc_parse(line, size, &request, &why);
    if (code == RPC_INVALID_REQUEST && rpc_is_reply(&request) && control->sidecar == connection) {
        sidecar_desk_hear(control->options.sidecar, request.root);
        rpc_request_fini(&request);
        return;
    }
    if (code == 0) {
        control_call_start(call_new(connection, &request));
        return;
    }
    refuse_line(connection, &request, code, &why);
    rpc_request_fini(&request);
    connection->last |= size > RPC_LINE_MAX;
}

static bool may_take(const struct control_connection *connection)
{
    return !connection->closing && !connection->last &&
           connection->call_count < CONTROL_CALLS_MAX &&
           output_size(connection) < CONTROL_OUTPUT_PAUSE;
}

/* The end of the first line of the input; NULL when it is not whole yet. */
static char *find_newline(struct control_connection *connection)
{
    size_t from = connection->input_scanned;
    char *found = from < connection->input_size
                      ? memchr(connection->input + from, '\n', connection->input_size - from)
                      : NULL;
    connection->input_scanned =
        found ? (size_t)(found - connection->input) : connection->input_size;
    return found;
}

static void drop_input(struct control_connection *connection, size_t size)
{
    connection->input_size -= size;
    connection->input_scanned = 0;
    if (connection->input_size > 0) {
        memmove(connection->input, connection->input + size, connection->input_size);
        return;
    }
    free(connection->input);
    connection->input = NULL;
    connection->input_room = 0;
}

static void take_next(struct control_connection *connection)
{
    if (!may_take(connection))
        return;
    char *newline = find_newline(connection);
    if (newline) {
        size_t size = (size_t)(newline - connection->input);
        take_line(connection, connection->input, size);
        drop_input(connection, size + 1);
    } else if (connection->input_size > RPC_LINE_MAX) {
        take_line(connection, connection->input, connection->input_size); /* refused as too long */
    }
}

static void read_on(struct control_connection *connection)
{
    int status = uv_read_start((uv_stream_t *)&connection->pipe, on_room_wanted, on_read);
    if (status < 0 && status != UV_EALREADY)
        control_connection_close(connection);
}

static void send_state(struct control_connection *connection)
{
    connection->behind = false;
    cJSON *status = status_to_json(connection->control->options.status);
    control_connection_send(connection, rpc_notification("state", status));
}

void control_connection_continue(struct control_connection *connection)
{
    if (!connection->closing)
        uv_async_send(&connection->control->turn);
}

/* One line, a notification, reading, the end. */
void control_connection_take_turn(struct control_connection *connection)
{
    if (connection->closing)
        return;
    take_next(connection);
    if (connection->behind && output_size(connection) == 0 && !connection->closing)
        send_state(connection);
    if (connection->closing)
        return;
    bool more = may_take(connection) && connection->input_scanned < connection->input_size;
    bool idle = !more && connection->call_count == 0 && output_size(connection) == 0;
    if (idle && (connection->last || (connection->ended && !connection->watching)))
        control_connection_close(connection);
    else if (more)
        control_connection_continue(connection);
    else if (may_take(connection) && !connection->ended)
        read_on(connection);
}

static void on_closed(uv_handle_t *handle)
{
    struct control_connection *connection = handle->data;
    struct control *control = connection->control;
    peer_fini(&connection->peer);
    free(connection->input);
    free(connection);
    control->open_handles--;
    control_end_if_empty(control);
}

static void leave_list(struct control_connection *connection)
{
    struct control *control = connection->control;
    struct control_connection **at = &control->connections;
    while (*at != connection)
        at = &(*at)->next;
    *at = connection->next;
    control->connection_count--;
    control->guest_count -= connection->guest;
}

/* What is under way goes on without a reader; what only waits is over. */
void control_connection_close(struct control_connection *connection)
{
    if (connection->closing)
        return;
    connection->closing = true;
    leave_list(connection);
    for (struct control_call *call = connection->calls; call; call = call->next)
        call->connection = NULL;
    connection->calls = NULL;
    if (connection->control->sidecar == connection)
        control_set_sidecar(connection->control, NULL);
    uv_close((uv_handle_t *)&connection->pipe, on_closed);
    control_wait_check(connection->control);
}
