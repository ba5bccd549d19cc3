/* The listener, who gets a place, how calls end, and who is told of changes.
 *
 * On the good day a peer connects, gets its place by its uid, asks, is answered and leaves.
 *
 * What can go wrong: too many connections (the new one hears why and is closed; root, the daemon's
 * user and operators have places that nobody else can take), peers that take nothing or are gone
 * without a word (the sweep closes them). */
#include "failover/control.h"

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "failover/control_parts.h"

#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SWEEP_MS 5000
#define BACKLOG 128

void control_end_if_empty(struct control *control)
{
    if (!control->closing || control->open_handles > 0 || control->calls > 0)
        return;
    loop_call *freed = control->freed;
    void *context = control->freed_context;
    peer_desk_free(control->desk);
    free(control);
    if (freed)
        freed(context);
}

static void call_free(struct control_call *call)
{
    struct control *control = call->control;
    struct control_connection *connection = call->connection;
    if (connection) {
        *call->at = call->next;
        if (call->next)
            call->next->at = call->at;
        connection->call_count--;
    }
    rpc_request_fini(&call->request);
    peer_fini(&call->peer);
    free(call);
    control->calls--;
    if (connection)
        control_connection_continue(connection);
    control_end_if_empty(control);
}

/* A notification (no id) gets no reply, whatever becomes of it. */
static bool wants_reply(const struct control_call *call)
{
    return call->connection && call->request.id;
}

void control_call_return(struct control_call *call, cJSON *result)
{
    if (wants_reply(call))
        control_connection_send(call->connection, rpc_result(call->request.id, result));
    else
        cJSON_Delete(result);
    call_free(call);
}

void control_call_refuse(struct control_call *call, int code, const char *words, cJSON *data)
{
    if (wants_reply(call))
        control_connection_send(call->connection, rpc_error(call->request.id, code, words, data));
    else
        cJSON_Delete(data);
    call_free(call);
}

static void add_facts(cJSON *json, const struct outcome *outcome)
{
    cJSON_AddBoolToObject(json, "changed", outcome->changed);
    cJSON_AddBoolToObject(json, "would_change", outcome->would_change);
    cJSON_AddBoolToObject(json, "running", outcome->running);
    json_add_text(json, "transition", outcome->transition);
    cJSON_AddNumberToObject(json, "revision", (double)outcome->revision);
    cJSON_AddNumberToObject(json, "epoch", (double)outcome->epoch);
}

void control_call_outcome(struct control_call *call, const struct outcome *outcome)
{
    cJSON *json = cJSON_CreateObject();
    cJSON_AddNumberToObject(json, "status", outcome->status);
    if (outcome->status == EXIT_STATUS_DONE) {
        add_facts(json, outcome);
        json_add_text(json, "message", outcome->words);
        control_call_return(call, json);
    } else {
        json_add_text(json, "force", outcome->force_word ? force_text(outcome->force_word) : NULL);
        add_facts(json, outcome);
        control_call_refuse(call, RPC_OURS + (int)outcome->status, outcome->words, json);
    }
}

/* On the loop's next turn, so that a reply never waits for the printing of everybody's status. */
static void tell_watchers(struct control *control)
{
    control->changed = true;
    if (!control->closing)
        uv_async_send(&control->turn);
}

static void on_keeper_change(void *context)
{
    struct control *control = context;
    tell_watchers(control);
}

static void hear_change(struct control *control)
{
    control->changed = false;
    for (struct control_connection *at = control->connections; at; at = at->next)
        at->behind |= at->watching;
    control_wait_check(control);
}

/* The list goes on where it was left. */
static void put_first(struct control *control, struct control_connection *first)
{
    struct control_connection **end = &control->connections, *before = control->connections;
    if (before == first)
        return;
    while (*end != first)
        end = &(*end)->next;
    *end = NULL;
    control->connections = first;
    for (end = &first->next; *end;)
        end = &(*end)->next;
    *end = before;
}

/* Everybody in turn. Guests share what time there is: those who ask without end, or come in crowds,
 * must not keep the loop from its beat, nor operators from their commands. */
static void on_turn(uv_async_t *turn)
{
    struct control *control = turn->data;
    struct control_connection *left_over = NULL;
    uint64_t end_ns = uv_hrtime() + CONTROL_TURN_MS * UINT64_C(1000000);
    if (control->changed)
        hear_change(control);
    for (struct control_connection *at = control->connections, *next; at; at = next) {
        next = at->next;
        if (!at->guest || uv_hrtime() < end_ns)
            control_connection_take_turn(at);
        else if (!left_over)
            left_over = at;
    }
    if (!left_over)
        return;
    if (!left_over->closing)
        put_first(control, left_over);
    uv_async_send(turn);
}

static void send_to_sidecar(void *context, char *line)
{
    struct control *control = context;
    control_connection_send(control->sidecar, line);
}

void control_set_sidecar(struct control *control, struct control_connection *connection)
{
    struct status_source *status = control->options.status;
    control->sidecar = connection;
    status->sidecar_connected = connection != NULL;
    clock_wall_text(status->sidecar_since);
    keeper_set_sidecar(control->options.keeper, connection != NULL);
    log_info(connection ? "sidecar_connected" : "sidecar_gone");
    sidecar_desk_connect(control->options.sidecar, connection ? send_to_sidecar : NULL, control);
    tell_watchers(control);
}

/* Closed at both ends, which reading alone does not tell after the peer's half was closed. */
static bool hung_up(const struct control_connection *connection)
{
    uv_os_fd_t fd;
    if (uv_fileno((const uv_handle_t *)&connection->pipe, &fd) < 0)
        return true;
    struct pollfd look = {.fd = fd};
    return poll(&look, 1, 0) > 0 && (look.revents & (POLLHUP | POLLERR)) != 0;
}

static bool is_stalled(struct control_connection *connection)
{
    size_t size = uv_stream_get_write_queue_size((uv_stream_t *)&connection->pipe);
    bool moved = size == 0 || size < connection->stalled_size;
    connection->stalled_ms = moved ? 0 : connection->stalled_ms + SWEEP_MS;
    connection->stalled_size = size;
    return connection->stalled_ms >= CONTROL_STALL_MS;
}

static void on_sweep(uv_timer_t *sweep)
{
    struct control *control = sweep->data;
    for (struct control_connection *at = control->connections, *next; at; at = next) {
        next = at->next;
        if ((at->ended && hung_up(at)) || is_stalled(at))
            control_connection_close(at);
    }
}

static unsigned count_of(const struct control *control, uid_t uid)
{
    unsigned count = 0;
    for (const struct control_connection *at = control->connections; at; at = at->next)
        count += at->peer.uid == uid;
    return count;
}

static bool is_guest(const struct control *control, const struct peer *peer)
{
    bool may_change = control->has_operators && peer_has_group(peer, control->operators);
    return peer->uid != 0 && peer->uid != geteuid() && !may_change;
}

/* NULL: there is a place. */
static const char *why_no_place(
    const struct control *control, const struct control_connection *connection)
{
    if (control->connection_count >= CONTROL_CONNECTIONS_MAX)
        return "too many connections";
    if (connection->peer.uid != 0 &&
        count_of(control, connection->peer.uid) >= CONTROL_CONNECTIONS_PER_UID)
        return "too many connections of this user";
    if (connection->guest &&
        control->guest_count >= CONTROL_CONNECTIONS_MAX - CONTROL_CONNECTIONS_SPARE)
        return "too many connections; the rest are kept for operators";
    return NULL;
}

static void enter_list(struct control_connection *connection)
{
    struct control *control = connection->control;
    struct control_connection **end = &control->connections;
    while (*end)
        end = &(*end)->next;
    *end = connection; /* newcomers wait for their turn */
    control->connection_count++;
    control->guest_count += connection->guest;
}

static void on_connection(uv_stream_t *listener, int status)
{
    struct control *control = listener->data;
    if (status < 0 || control->closing)
        return;
    struct control_connection *connection = memory_new(sizeof *connection);
    connection->control = control;
    uv_pipe_init(&control->options.main_loop->uv, &connection->pipe, 0);
    connection->pipe.data = connection;
    control->open_handles++;
    uv_os_fd_t fd = -1;
    bool accepted = uv_accept(listener, (uv_stream_t *)&connection->pipe) == 0 &&
                    uv_fileno((uv_handle_t *)&connection->pipe, &fd) == 0 &&
                    peer_read(fd, &connection->peer) == 0;
    connection->guest = is_guest(control, &connection->peer);
    const char *why = accepted ? why_no_place(control, connection) : NULL;
    enter_list(connection);
    if (!accepted) {
        control_connection_close(connection);
    } else if (why) {
        int code = RPC_OURS + EXIT_STATUS_FAILED;
        control_connection_send(connection, rpc_error(NULL, code, why, rpc_error_data(code)));
        control_connection_close(connection);
    } else {
        control_connection_continue(connection);
    }
}

static void on_closed(uv_handle_t *handle)
{
    struct control *control = handle->data;
    control->open_handles--;
    control_end_if_empty(control);
}

static void close_handles(struct control *control)
{
    control->closing = true;
    uv_close((uv_handle_t *)&control->listener, on_closed);
    uv_close((uv_handle_t *)&control->turn, on_closed);
    uv_close((uv_handle_t *)&control->sweep, on_closed);
}

static int listen_on(struct control *control, int fd)
{
    uv_loop_t *loop = &control->options.main_loop->uv;
    uv_pipe_init(loop, &control->listener, 0);
    uv_timer_init(loop, &control->sweep);
    int status = uv_async_init(loop, &control->turn, on_turn);
    if (status < 0)
        abort(); /* the loop has its descriptors already */
    control->listener.data = control->sweep.data = control->turn.data = control;
    control->open_handles = 3;
    status = uv_pipe_open(&control->listener, fd);
    if (status < 0)
        close(fd);
    else
        status = uv_listen((uv_stream_t *)&control->listener, BACKLOG, on_connection);
    return status < 0 ? status : uv_timer_start(&control->sweep, on_sweep, SWEEP_MS, SWEEP_MS);
}

int control_new(const struct control_options *options, int fd, struct control **ret_control,
    struct failure *why)
{
    struct control *control = memory_new(sizeof *control);
    control->options = *options;
    control->desk = peer_desk_new(options->main_loop);
    int status = listen_on(control, fd);
    if (status < 0) {
        close_handles(control);
        return failure_set(why, status, "control.socket: %s", uv_strerror(status));
    }
    struct peer_names names;
    peer_names_read(0, keeper_config(options->keeper)->control.operators, &names);
    control->has_operators = names.has_operators;
    control->operators = names.operators;
    keeper_watch(options->keeper, on_keeper_change, control);
    *ret_control = control;
    return 0;
}

void control_free(struct control *control, loop_call *freed, void *context)
{
    control->freed = freed;
    control->freed_context = context;
    keeper_unwatch(control->options.keeper, on_keeper_change, control);
    close_handles(control);
    while (control->connections)
        control_connection_close(control->connections);
    control_wait_check(control);
}
