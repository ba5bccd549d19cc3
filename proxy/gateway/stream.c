/* On the good day bytes are read into the loop's buffer, freed of their framing, changed where
 * somebody must, framed anew and sent, with two system calls. A long body that nobody needs to see
 * goes through a pipe (splice(2)) after a few full reads; beside TLS, where none will do, it is
 * read in larger pieces then: each read lets the source send on, and costs what that costs.
 *
 * What can go wrong: the sink is slow, and then what was read is kept (one buffer at most) and
 * nothing more is read until it has gone, so that the source feels it; either side breaks; the
 * source ends before its body does. */
#include "proxy/gateway/stream.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>

#define ROUNDS_MAX 8 /* of one event; then others have their turn */
#define BULK_AFTER 4 /* full reads in a row make a bulk copy */
#define BULK_MIN (256u << 10)
#define TOGETHER_MAX (4u << 10)
#define PARTS_MAX (WIRE_PARTS_MAX - 2) /* the framing around them */

struct parts {
    struct iovec list[WIRE_PARTS_MAX];
    unsigned count;
    size_t size;
};

void stream_begin(struct stream *stream, enum http_framing in, uint64_t length,
    enum http_framing out, struct body_filter *filter)
{
    bool is_empty = in == HTTP_FRAMING_NONE || (in == HTTP_FRAMING_LENGTH && length == 0);
    *stream = (struct stream){.in = in, .out = out, .left = length, .filter = filter};
    stream->over = is_empty && !filter;
}

static void leave_large(struct stream *stream, struct stream_tools *tools)
{
    tools->large -= stream->is_large;
    stream->is_large = false;
}

static void give_back(struct stream *stream, struct stream_tools *tools)
{
    if (stream->pipe)
        pipes_give(tools->pipes, stream->pipe);
    stream->pipe = NULL;
    leave_large(stream, tools);
}

void stream_fini(struct stream *stream, struct stream_tools *tools)
{
    give_back(stream, tools);
    if (stream->filter)
        stream->filter->free(stream->filter);
    stream->filter = NULL;
}

static bool is_taken(const struct stream *stream)
{
    switch (stream->in) {
    case HTTP_FRAMING_LENGTH:
        return stream->left == 0;
    case HTTP_FRAMING_CHUNKED:
        return http_chunk_is_over(&stream->chunk);
    default:
        return stream->in == HTTP_FRAMING_NONE;
    }
}

static void add_part(struct parts *parts, struct span span)
{
    parts->list[parts->count++] = (struct iovec){(void *)span.data, span.size};
    parts->size += span.size;
}

/* Takes off `input` what belongs to the body, as far as there is room. */
static int take(struct stream *stream, struct span *input, struct parts *parts)
{
    while (input->size > 0 && parts->count < PARTS_MAX && !is_taken(stream)) {
        struct span data = *input;
        if (stream->in == HTTP_FRAMING_CHUNKED) {
            if (http_chunk_next(&stream->chunk, input, &data) < 0)
                return -EPROTO;
        } else {
            if (stream->in == HTTP_FRAMING_LENGTH && data.size > stream->left)
                data.size = (size_t)stream->left;
            stream->left -= stream->in == HTTP_FRAMING_LENGTH ? data.size : 0;
            *input = span_of(input->data + data.size, input->size - data.size);
        }
        if (data.size > 0)
            add_part(parts, data);
    }
    return 0;
}

static int filter_parts(struct stream *stream, struct parts *parts, struct stream_tools *tools)
{
    struct body_filter *filter = stream->filter;
    int status = 0;
    tools->filtered.size = 0;
    for (unsigned i = 0; i < parts->count && status == 0; i++)
        status = filter->push(
            filter, span_of(parts->list[i].iov_base, parts->list[i].iov_len), &tools->filtered);
    if (status == 0 && is_taken(stream))
        status = filter->finish(filter, &tools->filtered);
    *parts = (struct parts){0};
    if (tools->filtered.size > 0)
        add_part(parts, span_of(tools->filtered.data, tools->filtered.size));
    return status;
}

static int send_parts(struct stream *stream, const struct parts *parts, struct wire *to)
{
    static char crlf[] = "\r\n", last[] = "0\r\n\r\n", after_last[] = "\r\n0\r\n\r\n";
    struct iovec framed[WIRE_PARTS_MAX];
    char size[24];
    unsigned count = 0;
    bool is_last = is_taken(stream);
    stream->bytes += parts->size;
    if (stream->out != HTTP_FRAMING_CHUNKED)
        return wire_send(to, parts->list, parts->count);
    if (parts->size > 0) {
        int digits = snprintf(size, sizeof size, "%zx\r\n", parts->size);
        framed[count++] = (struct iovec){size, (size_t)digits};
        memcpy(framed + count, parts->list, parts->count * sizeof *framed);
        count += parts->count;
        framed[count++] = is_last ? (struct iovec){after_last, sizeof after_last - 1}
                                  : (struct iovec){crlf, sizeof crlf - 1};
    } else if (is_last) {
        framed[count++] = (struct iovec){last, sizeof last - 1};
    }
    return wire_send(to, framed, count);
}

/* All of the body that is in `input`. */
static enum stream_status pass(
    struct stream *stream, struct span *input, struct wire *to, struct stream_tools *tools)
{
    do {
        struct parts parts = {.count = 0};
        if (take(stream, input, &parts) < 0)
            return STREAM_SOURCE_BROKEN;
        if (stream->filter && filter_parts(stream, &parts, tools) < 0)
            return STREAM_REFUSED;
        if (send_parts(stream, &parts, to) < 0)
            return STREAM_SINK_BROKEN;
    } while (input->size > 0 && !is_taken(stream));
    stream->over = is_taken(stream);
    return STREAM_GOES;
}

static enum stream_status pass_intake(
    struct stream *stream, struct intake *intake, struct wire *to, struct stream_tools *tools)
{
    struct span left = intake_left(intake);
    enum stream_status status = pass(stream, &left, to, tools);
    intake_keep_last(intake, left.size);
    return status;
}

/* The source has ended. */
static enum stream_status take_end(
    struct stream *stream, struct wire *to, struct stream_tools *tools)
{
    struct span nothing = span_of(NULL, 0);
    if (stream->in != HTTP_FRAMING_UNTIL_CLOSE)
        return STREAM_SOURCE_BROKEN;
    stream->in = HTTP_FRAMING_NONE;
    return pass(stream, &nothing, to, tools);
}

static bool flows(const struct stream *stream)
{
    return !stream->filter && stream->in == HTTP_FRAMING_LENGTH &&
           stream->full_reads >= BULK_AFTER && stream->left >= BULK_MIN;
}

/* The sink has taken what was read before. */
static size_t choose_read(struct stream *stream, struct stream_tools *tools)
{
    leave_large(stream, tools);
    if (!stream->is_sealed)
        return STREAM_BUFFER;
    stream->is_large = flows(stream) && tools->large < STREAM_LARGE_MAX;
    tools->large += stream->is_large;
    return stream->is_large ? STREAM_LARGE : STREAM_SEALED;
}

static enum stream_status copy_some(struct stream *stream, struct intake *intake, struct wire *from,
    struct wire *to, struct stream_tools *tools)
{
    size_t full = stream->is_sealed ? STREAM_SEALED : STREAM_BUFFER;
    size_t size = choose_read(stream, tools);
    if (stream->in == HTTP_FRAMING_LENGTH && stream->left < size)
        size = (size_t)stream->left;
    ssize_t got = wire_read(from, tools->buffer, size);
    if (got == -EAGAIN)
        return STREAM_GOES;
    if (got <= 0)
        return got == 0 ? take_end(stream, to, tools) : STREAM_SOURCE_BROKEN;
    if (got < (ssize_t)full)
        stream->full_reads = 0;
    else if (stream->full_reads < BULK_AFTER)
        stream->full_reads++;
    struct span input = span_of(tools->buffer, (size_t)got);
    enum stream_status status = pass(stream, &input, to, tools);
    intake_put_back(intake, input);
    return status;
}

static enum stream_status send_pipe(struct stream *stream, struct wire *to)
{
    while (stream->pipe->filled > 0 && to->writable) {
        ssize_t sent = splice(stream->pipe->ends[0], NULL, to->socket.fd, NULL,
            stream->pipe->filled, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno != EAGAIN)
            return STREAM_SINK_BROKEN;
        to->writable = sent > 0;
        stream->pipe->filled -= sent > 0 ? (size_t)sent : 0;
    }
    stream->over = stream->left == 0 && stream->pipe->filled == 0;
    return STREAM_GOES;
}

/* The pipe is empty: EAGAIN means that the source is. */
static enum stream_status splice_some(struct stream *stream, struct wire *from, struct wire *to)
{
    struct pipe *pipe = stream->pipe;
    size_t size = pipe->size < stream->left ? pipe->size : (size_t)stream->left;
    ssize_t got =
        splice(from->socket.fd, NULL, pipe->ends[1], NULL, size, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (got < 0 && errno == EINTR)
        return STREAM_GOES;
    if (got < 0 && errno == EAGAIN) {
        from->readable = false;
        return STREAM_GOES;
    }
    if (got <= 0)
        return STREAM_SOURCE_BROKEN;
    pipe->filled = (size_t)got;
    stream->left -= (uint64_t)got;
    stream->bytes += (uint64_t)got;
    return send_pipe(stream, to);
}

static bool wants_pipe(const struct stream *stream)
{
    return !stream->pipe && !stream->is_sealed && flows(stream);
}

static bool has_in_pipe(const struct stream *stream)
{
    return stream->pipe && stream->pipe->filled > 0;
}

/* A little that is kept goes together with what comes next; a lot goes first, and what goes through
 * a pipe goes last. */
static bool sink_is_ready(const struct stream *stream, struct wire *to, enum stream_status *status)
{
    size_t kept = to->kept_end - to->kept_start;
    if (!to->writable)
        return false;
    if (kept == 0 || (kept <= TOGETHER_MAX && !stream->pipe && !wants_pipe(stream)))
        return true;
    if (wire_flush(to) < 0)
        *status = STREAM_SINK_BROKEN;
    return *status == STREAM_GOES && wire_is_clear(to);
}

/* One step; false: there is nothing to do for now. */
static bool step(struct stream *stream, struct intake *intake, struct wire *from, struct wire *to,
    struct stream_tools *tools, enum stream_status *status)
{
    if (!sink_is_ready(stream, to, status))
        return false;
    if (has_in_pipe(stream)) {
        *status = send_pipe(stream, to);
        return true;
    }
    if (intake->start < intake->end || is_taken(stream)) {
        *status = pass_intake(stream, intake, to, tools);
        return true;
    }
    if (!from->readable)
        return false;
    if (wants_pipe(stream))
        stream->pipe = pipes_take(tools->pipes);
    *status =
        stream->pipe ? splice_some(stream, from, to) : copy_some(stream, intake, from, to, tools);
    return true;
}

enum stream_status stream_run(struct stream *stream, struct intake *intake, struct wire *from,
    struct wire *to, struct stream_tools *tools)
{
    enum stream_status status = STREAM_GOES;
    stream->is_sealed = from->tls || to->tls;
    for (unsigned round = 0; round < ROUNDS_MAX && status == STREAM_GOES && !stream->over;
         round++) {
        if (!step(stream, intake, from, to, tools, &status))
            return status;
    }
    if (stream->over)
        give_back(stream, tools);
    else if (status == STREAM_GOES)
        poller_rearm(tools->poller, &from->socket);
    return status;
}
