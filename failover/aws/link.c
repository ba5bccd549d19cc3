/* On the good day: connect, hello as the sidecar, watch; then what the daemon says is a reply, a
 * status or a question (link_message.c).
 *
 * What can go wrong: nobody answers, the place is taken, the line breaks or says what nobody
 * understands. All of it ends this connection and begins another after a pause. The words of why go
 * to the log once, until they are others. */
#include "failover/aws/link_parts.h"

#include "base/log.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

#define PAUSE_FIRST_MS 20
#define PAUSE_MOST_MS 1000

static void connect_now(struct link *link);

static void on_pause_over(uv_timer_t *timer)
{
    connect_now(timer->data);
}

static void pause_then_connect(struct link *link)
{
    uv_timer_start(&link->pause, on_pause_over, link->pause_ms, 0);
    link->pause_ms = link->pause_ms * 2 < PAUSE_MOST_MS ? link->pause_ms * 2 : PAUSE_MOST_MS;
}

static void say_once(struct link *link, const char *words)
{
    if (link->said && strcmp(link->said, words) == 0)
        return;
    log_warning("not_connected", LOG_TEXT("socket", link->socket), LOG_TEXT("why", words));
    free(link->said);
    link->said = memory_text(words);
}

static void end_if_closed(struct link *link)
{
    if (!link->freeing || link->open > 0 || link->flushing)
        return;
    loop_call *freed = link->freed;
    void *context = link->freed_context;
    free(link->socket);
    free(link->said);
    free(link);
    if (freed)
        freed(context);
}

static void on_pipe_closed(uv_handle_t *handle)
{
    struct link *link = handle->data;
    link->open--;
    link->pipe_open = false;
    if (!link->freeing)
        pause_then_connect(link);
    end_if_closed(link);
}

/* New ones may come of it, for another time. */
static void end_each(struct link_call *call)
{
    while (call) {
        struct link_call *next = call->next;
        call->replied(call->context, EXIT_STATUS_NO_DAEMON,
            "the line to pilotlightd broke: what became of it is seen when it is back", NULL);
        free(call);
        call = next;
    }
}

/* Calls that were under way, or never went out. */
static void end_calls(struct link *link)
{
    struct link_call *calls = link->calls;
    link->calls = NULL;
    end_each(calls);
}

/* Those alone that never went out, though the line may be up meanwhile, or about to be. */
static void end_unsent(struct link *link)
{
    struct link_call *unsent = NULL, **end = &unsent;
    for (struct link_call **at = &link->calls; *at;) {
        struct link_call *call = *at;
        if (call->id) {
            at = &call->next;
            continue;
        }
        *at = call->next;
        call->next = NULL;
        *end = call;
        end = &call->next;
    }
    end_each(unsent);
}

void link_break(struct link *link, const char *words)
{
    bool was_up = link->phase == LINK_UP;
    if (link->phase == LINK_DOWN)
        return;
    link->phase = LINK_DOWN;
    link->connection++;
    if (!link->freeing)
        say_once(link, words);
    link_lines_fini(&link->lines);
    if (link->pipe_open && !uv_is_closing((uv_handle_t *)&link->pipe))
        uv_close((uv_handle_t *)&link->pipe, on_pipe_closed);
    end_calls(link);
    if (was_up && !link->freeing)
        link->options.lost(link->options.context);
}

void link_is_up(struct link *link)
{
    link->phase = LINK_UP;
    link->pause_ms = PAUSE_FIRST_MS;
    free(link->said);
    link->said = NULL;
    log_info("connected", LOG_TEXT("socket", link->socket));
}

static void on_room_wanted(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    (void)suggested;
    struct link *link = handle->data;
    *ret = uv_buf_init(link->room, sizeof link->room);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct link *link = stream->data;
    char *line;
    size_t length;
    int status = 0;
    if (size < 0) {
        link_break(
            link, size == UV_EOF ? "pilotlightd has closed the line" : uv_strerror((int)size));
        return;
    }
    uint64_t connection = link->connection;
    link_lines_add(&link->lines, buffer->base, (size_t)size);
    while (link->connection == connection &&
           (status = link_lines_next(&link->lines, &line, &length)) > 0)
        link_hear(link, line, length);
    if (status < 0)
        link_break(link, "pilotlightd said a line that is too long");
}

static void on_connected(uv_connect_t *request, int status)
{
    struct link *link = request->data;
    if (status < 0 || link->freeing) {
        link_break(link, uv_strerror(status));
        return;
    }
    status = uv_read_start((uv_stream_t *)&link->pipe, on_room_wanted, on_read);
    if (status < 0)
        link_break(link, uv_strerror(status));
    else
        link_greet(link);
}

static void connect_now(struct link *link)
{
    link->phase = LINK_CONNECTING;
    uv_pipe_init(&link->loop->uv, &link->pipe, 0);
    link->open++;
    link->pipe_open = true;
    link->pipe.data = link;
    link->connect.data = link;
    uv_pipe_connect(&link->connect, &link->pipe, link->socket, on_connected);
}

static void on_flush(void *context)
{
    struct link *link = context;
    link->flushing = false;
    end_unsent(link);
    end_if_closed(link);
}

void link_flush(struct link *link)
{
    if (!link->flushing)
        loop_post(link->loop, on_flush, link);
    link->flushing = true;
}

struct link *link_new(struct loop *loop, const struct link_options *options)
{
    struct link *link = memory_new(sizeof *link);
    link->loop = loop;
    link->options = *options;
    link->socket = memory_text(options->socket);
    link->pause_ms = PAUSE_FIRST_MS;
    uv_timer_init(&loop->uv, &link->pause);
    link->pause.data = link;
    link->open = 1;
    connect_now(link);
    return link;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct link *link = handle->data;
    link->open--;
    end_if_closed(link);
}

void link_free(struct link *link, loop_call *freed, void *context)
{
    link->freeing = true;
    link->freed = freed;
    link->freed_context = context;
    link_forget_questions(link);
    link_break(link, "");
    end_calls(link);
    uv_close((uv_handle_t *)&link->pause, on_timer_closed);
}
