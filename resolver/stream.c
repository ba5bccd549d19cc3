/* On the good day one connection carries many questions and closes when it has been idle for a
 * while.
 *
 * What can go wrong: it cannot be opened or breaks (every fetch on it is told, and tries
 * elsewhere), the certificate is not the upstream's (likewise, and the log says so), an answer
 * belongs to nobody (ignored), the peer drips or sends nothing (the fetches' own clocks run). */
#include "resolver/stream.h"

#include "base/memory.h"
#include "resolver/engine.h"
#include "resolver/fetch.h"
#include "resolver/tls.h"

#include <errno.h>
#include <stdlib.h>

#define IDLE_MS 8000
/* Without a byte from a peer that was asked, and longer than any fetch waits: it lives no more. */
#define SILENT_MS (FETCH_DEADLINE_MS + 500)
#define UNSENT_MAX 65536 /* no more than tls_write keeps until the handshake is done */
#define PENDING_MAX 256
#define CHUNK 16384

struct pending {
    struct pending *next;
    struct fetch *fetch;
    uint16_t id;
};

struct stream {
    struct engine *engine;
    struct upstream *upstream; /* a reference */
    uv_tcp_t tcp;
    uv_timer_t idle;
    uv_connect_t connect;
    unsigned handles;
    bool connected, closing;
    bool awaiting;   /* something was sent since the peer was last heard of */
    struct tls *tls; /* NULL: plain TCP */
    uint8_t *unsent; /* plain bytes from before the connection stood */
    size_t unsent_size;
    struct pending *pending;
    unsigned pending_count;
    uint8_t *message; /* length and bytes, as they come in; grows with what the length says */
    size_t have, room;
    uint8_t chunk[CHUNK]; /* the socket's bytes */
};

struct send {
    uv_write_t write;
    uint8_t data[];
};

static void on_handle_closed(uv_handle_t *handle)
{
    struct stream *stream = handle->data;
    if (--stream->handles > 0)
        return;
    upstream_unref(stream->upstream);
    tls_free(stream->tls);
    free(stream->unsent);
    free(stream->message);
    free(stream);
}

static struct pending *take_all_pending(struct stream *stream)
{
    struct pending *first = stream->pending;
    stream->pending = NULL;
    stream->pending_count = 0;
    return first;
}

void stream_close(struct upstream *upstream, bool quietly)
{
    struct stream *stream = upstream->stream;
    if (!stream || stream->closing)
        return;
    stream->closing = true;
    upstream->stream = NULL;
    uv_close((uv_handle_t *)&stream->tcp, on_handle_closed);
    uv_close((uv_handle_t *)&stream->idle, on_handle_closed);
    for (struct pending *pending = take_all_pending(stream), *next; pending; pending = next) {
        next = pending->next;
        if (!quietly)
            fetch_stream_answered(pending->fetch, NULL, 0);
        free(pending);
    }
}

/* Only the first in a row is worth a line. */
static void break_off(struct stream *stream, int status, const char *why)
{
    char address[ADDRESS_TEXT_SIZE];
    if (stream->closing)
        return;
    address_print(&stream->upstream->address, address);
    if (stream->pending_count > 0 && stream->upstream->failures == 0)
        log_warning("upstream_stream_failed", LOG_TEXT("upstream", address),
            LOG_TEXT("why", why ? why : log_error_text(status)));
    stream_close(stream->upstream, false);
}

static void on_idle(uv_timer_t *timer)
{
    break_off(timer->data, UV_ETIMEDOUT, NULL);
}

static void note_heard(struct stream *stream)
{
    stream->awaiting = false;
    uv_timer_start(&stream->idle, on_idle, IDLE_MS, 0);
}

/* The clock runs from the first question that the peer says nothing to: more of them do not turn it
 * back. */
static void note_asked(struct stream *stream)
{
    if (stream->awaiting)
        return;
    stream->awaiting = true;
    uv_timer_start(&stream->idle, on_idle, SILENT_MS, 0);
}

static void on_sent(uv_write_t *write, int status)
{
    struct stream *stream = write->handle->data;
    free(write->data);
    if (status < 0 && status != UV_ECANCELED)
        break_off(stream, status, NULL);
}

static void send_raw(struct stream *stream, const uint8_t *data, size_t size)
{
    struct send *send = memory_new(sizeof *send + size);
    memcpy(send->data, data, size);
    send->write.data = send;
    uv_buf_t buffer = uv_buf_init((char *)send->data, (unsigned)size);
    if (uv_write(&send->write, (uv_stream_t *)&stream->tcp, &buffer, 1, on_sent) < 0)
        free(send);
}

static void flush_tls(struct stream *stream)
{
    uint8_t data[4096];
    size_t size;
    while ((size = tls_take(stream->tls, data, sizeof data)) > 0)
        send_raw(stream, data, size);
}

static int send_plain(struct stream *stream, const uint8_t *data, size_t size)
{
    if (!stream->tls) {
        send_raw(stream, data, size);
        return 0;
    }
    int status = tls_write(stream->tls, data, size);
    if (status == 0)
        flush_tls(stream);
    return status;
}

static struct pending **find_pending(struct stream *stream, uint16_t id)
{
    struct pending **slot = &stream->pending;
    while (*slot && (*slot)->id != id)
        slot = &(*slot)->next;
    return slot;
}

/* The fetch is out of the list before it is told: it may ask again over this very stream. */
static void answer_pending(struct stream *stream, const uint8_t *message, size_t size)
{
    struct pending **slot = find_pending(stream, read_be16(message));
    struct pending *pending = *slot;
    if (!pending)
        return;
    *slot = pending->next;
    stream->pending_count--;
    if (fetch_stream_answered(pending->fetch, message, size)) {
        free(pending);
        return;
    }
    pending->next = stream->pending;
    stream->pending = pending;
    stream->pending_count++;
}

/* Takes plain bytes apart: two bytes of length, then a message (RFC 1035 section 4.2.2). */
static void take_plain(struct stream *stream, const uint8_t *data, size_t size)
{
    while (size > 0 && !stream->closing) {
        size_t want = stream->have < 2 ? 2 : 2u + read_be16(stream->message);
        if (want > stream->room) {
            stream->message = memory_resize(stream->message, want, 1);
            stream->room = want;
        }
        size_t taken = want - stream->have < size ? want - stream->have : size;
        memcpy(stream->message + stream->have, data, taken);
        stream->have += taken;
        data += taken;
        size -= taken;
        if (stream->have < 2 || stream->have < 2u + read_be16(stream->message))
            continue;
        size_t length = stream->have - 2;
        stream->have = 0;
        if (length >= DNS_HEADER_SIZE)
            answer_pending(stream, stream->message + 2, length);
    }
}

static void take_encrypted(struct stream *stream, const uint8_t *data, size_t size)
{
    uint8_t plain[4096];
    long got = 0;
    int status = tls_receive(stream->tls, data, size);
    flush_tls(stream);
    while (
        status == 0 && !stream->closing && (got = tls_read(stream->tls, plain, sizeof plain)) > 0)
        take_plain(stream, plain, (size_t)got);
    status = got < 0 ? (int)got : status;
    if (!stream->closing && status < 0)
        break_off(stream, status, status == -EPROTO ? tls_error(stream->tls) : NULL);
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    struct stream *stream = handle->data;
    (void)suggested;
    *buffer = uv_buf_init((char *)stream->chunk, sizeof stream->chunk);
}

static void on_read(uv_stream_t *tcp, ssize_t size, const uv_buf_t *buffer)
{
    struct stream *stream = tcp->data;
    if (size < 0) {
        break_off(stream, (int)size, size == UV_EOF ? "the upstream closed the connection" : NULL);
        return;
    }
    note_heard(stream);
    if (stream->tls)
        take_encrypted(stream, (const uint8_t *)buffer->base, (size_t)size);
    else
        take_plain(stream, (const uint8_t *)buffer->base, (size_t)size);
}

static void on_connected(uv_connect_t *connect, int status)
{
    struct stream *stream = connect->data;
    if (stream->closing)
        return;
    if (status < 0) {
        break_off(stream, status, NULL);
        return;
    }
    stream->connected = true;
    uv_tcp_nodelay(&stream->tcp, 1);
    uv_read_start((uv_stream_t *)&stream->tcp, on_allocate, on_read);
    if (stream->tls)
        flush_tls(stream);
    status = send_plain(stream, stream->unsent, stream->unsent_size);
    free(stream->unsent);
    stream->unsent = NULL;
    stream->unsent_size = 0;
    if (status < 0)
        break_off(stream, status, NULL);
}

static int stream_open(struct engine *engine, struct upstream *upstream)
{
    struct stream *stream = memory_new(sizeof *stream);
    stream->engine = engine;
    stream->tcp.data = stream->idle.data = stream->connect.data = stream;
    if (upstream->tls_name && tls_new(upstream->tls_name, &stream->tls) < 0) {
        free(stream);
        return -EINVAL;
    }
    uv_tcp_init(&engine->loop.uv, &stream->tcp);
    uv_timer_init(&engine->loop.uv, &stream->idle);
    stream->handles = 2;
    stream->upstream = upstream_ref(upstream);
    upstream->stream = stream;
    int status =
        uv_tcp_connect(&stream->connect, &stream->tcp, &upstream->address.any, on_connected);
    if (status < 0)
        stream_close(upstream, true);
    return status;
}

/* What the fetches do not wait for any more is still there to be sent. */
static size_t unsent(const struct stream *stream)
{
    return stream->unsent_size + uv_stream_get_write_queue_size((const uv_stream_t *)&stream->tcp);
}

static void keep_unsent(struct stream *stream, const uint8_t *data, size_t size)
{
    stream->unsent = memory_resize(stream->unsent, stream->unsent_size + size, 1);
    memcpy(stream->unsent + stream->unsent_size, data, size);
    stream->unsent_size += size;
}

int stream_send(struct engine *engine, struct upstream *upstream, struct fetch *fetch,
    const uint8_t *message, size_t size)
{
    if (!upstream->listed)
        return -ENOENT;
    if (!upstream->stream) {
        int status = stream_open(engine, upstream);
        if (status < 0)
            return status;
    }
    struct stream *stream = upstream->stream;
    if (stream->pending_count >= PENDING_MAX || *find_pending(stream, read_be16(message)) ||
        unsent(stream) + size + 2 > UNSENT_MAX)
        return -EBUSY;
    uint8_t framed[2 + DNS_UDP_SIZE_MIN];
    write_be16(framed, (uint16_t)size);
    memcpy(framed + 2, message, size);
    int status = 0;
    if (stream->connected)
        status = send_plain(stream, framed, size + 2);
    else
        keep_unsent(stream, framed, size + 2);
    if (status < 0)
        return status;

    struct pending *pending = memory_new(sizeof *pending);
    *pending = (struct pending){.next = stream->pending, .fetch = fetch, .id = read_be16(message)};
    stream->pending = pending;
    stream->pending_count++;
    note_asked(stream);
    return 0;
}

/* A connection that let its only question wait in vain is silent, or stuck in mid-message: the next
 * question gets a new one instead of waiting behind it. */
void stream_forget(struct upstream *upstream, struct fetch *fetch)
{
    struct pending **slot = upstream->stream ? &upstream->stream->pending : NULL;
    bool in_vain = false;
    while (slot && *slot) {
        struct pending *pending = *slot;
        if (pending->fetch != fetch) {
            slot = &pending->next;
            continue;
        }
        *slot = pending->next;
        upstream->stream->pending_count--;
        free(pending);
        in_vain = true;
    }
    if (in_vain && upstream->stream->pending_count == 0)
        stream_close(upstream, true);
}
