/* One fetch. When an address refuses, the next one of the same lookup is tried; the deadline is for
 * all of them together.
 *
 * What can go wrong: the lookup answers after the deadline (`done` has been told by then, and the
 * memory waits for it), the server is silent, floods or resets (certificate_dialog.h bounds what it
 * may say). `pending` counts the callbacks that still need this memory. */
#include "failover/certificate.h"

#include "base/memory.h"

#include <stdlib.h>

struct certificate_fetch {
    struct certificate_request request; /* `target` is not ours beyond the start */
    struct lookup_answer addresses;     /* with their ports */
    unsigned next_address;
    uint16_t port;
    char *server_name; /* NULL: the target is an address */
    int refused;       /* why the last address was none */
    struct dialog *dialog;

    uv_timer_t deadline, silence;
    uv_tcp_t tcp;
    uv_connect_t connect;
    uv_write_t write;
    bool tcp_open, writing;
    bool told; /* `done` was called; what is left is to close */
    char sent[4096], received[16384];
    unsigned pending;
};

static void connect_next(struct certificate_fetch *fetch);

static void release(struct certificate_fetch *fetch)
{
    if (--fetch->pending > 0)
        return;
    loop_call *freed = fetch->request.freed;
    void *context = fetch->request.context;
    dialog_free(fetch->dialog);
    free(fetch->server_name);
    free(fetch);
    freed(context);
}

static void on_timer_closed(uv_handle_t *timer)
{
    release(timer->data);
}

static void on_tcp_closed(uv_handle_t *handle)
{
    struct certificate_fetch *fetch = handle->data;
    fetch->tcp_open = false;
    if (!fetch->told)
        connect_next(fetch);
    release(fetch);
}

static void close_connection(struct certificate_fetch *fetch)
{
    if (fetch->tcp_open && !uv_is_closing((uv_handle_t *)&fetch->tcp))
        uv_close((uv_handle_t *)&fetch->tcp, on_tcp_closed);
}

static void tell(struct certificate_fetch *fetch, int status, X509 *certificate, const char *words)
{
    struct certificate_answer answer = {
        .status = status, .certificate = certificate, .words = words};
    fetch->told = true;
    fetch->request.done(fetch->request.context, &answer);
}

/* Nothing is said or heard any more. */
static void end(struct certificate_fetch *fetch)
{
    if (uv_is_closing((uv_handle_t *)&fetch->deadline))
        return;
    close_connection(fetch);
    uv_close((uv_handle_t *)&fetch->deadline, on_timer_closed);
    uv_close((uv_handle_t *)&fetch->silence, on_timer_closed);
}

static void fail(struct certificate_fetch *fetch, int status, const char *words)
{
    if (!fetch->told)
        tell(fetch, status, NULL, words);
    end(fetch);
}

/* The connection is of no use any more, but what was read over it may be. */
static void give_up(struct certificate_fetch *fetch, int status, const char *words)
{
    if (!fetch->told && fetch->dialog && dialog_end(fetch->dialog) != DIALOG_GOES_ON)
        tell(fetch, 0, dialog_certificate(fetch->dialog), NULL);
    fail(fetch, status, words);
}

/* In the words that operators know. */
static const char *words_of(int status)
{
    switch (status) {
    case UV_EAI_NONAME:
        return "name not found";
    case UV_EAI_AGAIN:
        return "name could not be resolved";
    case UV_EOF:
        return "the server closed the connection";
    default:
        return uv_strerror(status);
    }
}

static void send_more(struct certificate_fetch *fetch);

static void on_written(uv_write_t *write, int status)
{
    struct certificate_fetch *fetch = write->data;
    fetch->writing = false;
    if (status == 0)
        send_more(fetch);
    else if (status != UV_ECANCELED) /* else it is closing */
        give_up(fetch, status, words_of(status));
}

/* Also the goodbye, after which the fetch ends. */
static void send_more(struct certificate_fetch *fetch)
{
    if (fetch->writing)
        return;
    size_t size = dialog_take(fetch->dialog, (uint8_t *)fetch->sent, sizeof fetch->sent);
    if (size > 0) {
        uv_buf_t part = uv_buf_init(fetch->sent, (unsigned)size);
        fetch->writing = true;
        fetch->write.data = fetch;
        int status = uv_write(&fetch->write, (uv_stream_t *)&fetch->tcp, &part, 1, on_written);
        if (status < 0)
            fail(fetch, status, words_of(status));
    } else if (fetch->told) {
        end(fetch);
    }
}

static void follow(struct certificate_fetch *fetch, enum dialog_state state)
{
    if (state == DIALOG_FAILED) {
        fail(fetch, UV_EPROTO, dialog_words(fetch->dialog));
        return;
    }
    if (state != DIALOG_GOES_ON) {
        uv_read_stop((uv_stream_t *)&fetch->tcp);
        tell(fetch, 0, dialog_certificate(fetch->dialog), NULL);
    }
    send_more(fetch);
}

static void on_room_wanted(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct certificate_fetch *fetch = handle->data;
    (void)suggested;
    *ret = uv_buf_init(fetch->received, sizeof fetch->received);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct certificate_fetch *fetch = stream->data;
    if (size < 0)
        give_up(fetch, (int)size, words_of((int)size));
    else
        follow(fetch, dialog_receive(fetch->dialog, (const uint8_t *)buffer->base, (size_t)size));
}

static void on_silence(uv_timer_t *timer)
{
    struct certificate_fetch *fetch = timer->data;
    dialog_silence(fetch->dialog);
    send_more(fetch);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct certificate_fetch *fetch = connect->data;
    if (status == UV_ECANCELED)
        return; /* it is closing */
    if (status == 0)
        status = uv_read_start((uv_stream_t *)&fetch->tcp, on_room_wanted, on_read);
    if (status < 0) {
        fetch->refused = status;
        close_connection(fetch);
        return;
    }
    fetch->dialog = dialog_new(fetch->request.protocol, fetch->server_name);
    uv_timer_start(&fetch->silence, on_silence, CERTIFICATE_SILENCE_MS, 0);
    follow(fetch, dialog_receive(fetch->dialog, NULL, 0));
}

static void connect_next(struct certificate_fetch *fetch)
{
    if (fetch->next_address == fetch->addresses.count) {
        fail(fetch, fetch->refused, words_of(fetch->refused));
        return;
    }
    struct address address = fetch->addresses.addresses[fetch->next_address++];
    address_set_port(&address, fetch->port);
    uv_tcp_init(&fetch->request.loop->uv, &fetch->tcp);
    fetch->tcp_open = true;
    fetch->pending++;
    fetch->tcp.data = fetch->connect.data = fetch;
    fetch->refused = uv_tcp_connect(&fetch->connect, &fetch->tcp, &address.any, on_connected);
    if (fetch->refused < 0)
        close_connection(fetch);
}

static void on_looked_up(void *context, int status, const struct lookup_answer *answer)
{
    struct certificate_fetch *fetch = context;
    if (!fetch->told) {
        fetch->addresses = *answer;
        fetch->refused = status < 0 ? status : UV_EAI_NONAME;
        connect_next(fetch);
    }
    release(fetch);
}

static void on_deadline(uv_timer_t *timer)
{
    give_up(timer->data, UV_ETIMEDOUT, "no answer within 3s");
}

static void start_timers(struct certificate_fetch *fetch)
{
    uv_loop_t *loop = &fetch->request.loop->uv;
    uv_timer_init(loop, &fetch->deadline);
    uv_timer_init(loop, &fetch->silence);
    fetch->deadline.data = fetch->silence.data = fetch;
    fetch->pending = 2;
    uv_update_time(loop);
    uv_timer_start(&fetch->deadline, on_deadline, CERTIFICATE_DEADLINE_MS, 0);
}

struct certificate_fetch *certificate_fetch_new(const struct certificate_request *request)
{
    struct certificate_fetch *fetch = memory_new(sizeof *fetch);
    const struct config_target *target = request->target;
    fetch->request = *request;
    fetch->request.target = NULL;
    fetch->port = target->port;
    start_timers(fetch);
    if (target->is_address) {
        fetch->addresses.count = 1;
        fetch->addresses.addresses[0] = target->address;
        connect_next(fetch);
    } else {
        char text[NAME_TEXT_SIZE];
        name_to_text(target->name.wire, target->name.size, text);
        fetch->server_name = memory_text(text);
        fetch->pending++;
        request->lookup->start(request->lookup, request->loop, &target->name, on_looked_up, fetch);
    }
    return fetch;
}

void certificate_fetch_cancel(struct certificate_fetch *fetch)
{
    fail(fetch, UV_ECANCELED, "cancelled");
}
