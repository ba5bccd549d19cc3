/* Moves bytes in one direction, untouched.
 *
 * On the good day a message is read into the loop's buffer and sent on at once: two system calls
 * and no state. A flow that fills the buffer several times in a row is a bulk copy: its bytes go
 * through a pipe (splice(2)) and never reach us, until it turns to small messages again.
 *
 * What can go wrong: the receiver is slow, and then what was read is kept (or stays in the pipe)
 * and nothing more is read until it has gone, so that the sender feels it; the sender ends, and
 * then the receiver hears the end after the last byte (half-close); either side breaks, and then
 * the caller resets the other. splice's EAGAIN cannot tell an empty socket from a full pipe, so the
 * pipe is always emptied before it is filled. Before urgent data splice tells the same, and reads
 * are short although there is more: who has sent any is read to EAGAIN, and copied. */
#include "base/memory.h"
#include "proxy/relay/relay_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define ROUNDS_MAX 8         /* of one event; then others have their turn */
#define BULK_AFTER 4         /* full reads in a row make a bulk copy */
#define BULK_MIN (64u << 10) /* bytes that must be allowed to pass unseen */
#define SMALL_SPLICE (16u << 10)
#define CHAT_AFTER 4 /* small ones in a row end it */

enum step { STEP_AGAIN, STEP_WAIT }; /* or a negative errno */

static struct side *source_of(struct connection *connection, enum direction direction)
{
    return direction == TO_TARGET ? &connection->client : &connection->target;
}

static struct side *sink_of(struct connection *connection, enum direction direction)
{
    return direction == TO_TARGET ? &connection->target : &connection->client;
}

bool pump_is_empty(const struct flow *flow)
{
    return !flow->rest && (!flow->pipe || flow->pipe->filled == 0);
}

static void count(struct connection *connection, enum direction direction, size_t size)
{
    connection->flows[direction].bytes += size;
    number_add(&connection->point->numbers.bytes[direction], size);
}

static uint64_t skippable(const struct connection *connection, enum direction direction)
{
    return direction == TO_TARGET ? border_skippable_from_client(&connection->border)
                                  : border_skippable_from_server(&connection->border);
}

static void see(struct connection *connection, enum direction direction, size_t size)
{
    struct span bytes = span_of(connection->point->worker->chunk, size);
    if (direction == TO_TARGET)
        border_from_client(&connection->border, bytes);
    else
        border_from_server(&connection->border, bytes);
}

static void skip(struct connection *connection, enum direction direction, size_t size)
{
    if (direction == TO_TARGET)
        border_skip_from_client(&connection->border, size);
    else
        border_skip_from_server(&connection->border, size);
}

/* How much was sent, 0 when nothing can be now, or a negative errno. */
static ssize_t send_some(struct side *sink, const uint8_t *data, size_t size)
{
    ssize_t sent = send(sink->socket.fd, data, size, MSG_NOSIGNAL);
    if (sent < 0 && errno != EAGAIN && errno != EINTR)
        return -errno;
    if (sent < (ssize_t)size)
        sink->writable = false;
    return sent < 0 ? 0 : sent;
}

static int send_rest(struct flow *flow, struct side *sink)
{
    if (!sink->writable)
        return STEP_WAIT;
    ssize_t sent =
        send_some(sink, flow->rest + flow->rest_start, flow->rest_end - flow->rest_start);
    if (sent < 0)
        return (int)sent;
    flow->rest_start += (uint32_t)sent;
    if (flow->rest_start < flow->rest_end)
        return STEP_WAIT;
    free(flow->rest);
    flow->rest = NULL;
    return STEP_AGAIN;
}

static int send_pipe(struct flow *flow, struct side *sink)
{
    if (!sink->writable)
        return STEP_WAIT;
    while (flow->pipe->filled > 0) {
        ssize_t sent = splice(flow->pipe->ends[0], NULL, sink->socket.fd, NULL, flow->pipe->filled,
            SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent < 0 && errno != EAGAIN)
            return -errno;
        if (sent <= 0) {
            sink->writable = false;
            return STEP_WAIT;
        }
        flow->pipe->filled -= (size_t)sent;
    }
    return STEP_AGAIN;
}

static void give_pipe_back(struct connection *connection, struct flow *flow)
{
    pipes_give(&connection->point->worker->pipes, flow->pipe);
    flow->pipe = NULL;
    flow->full_reads = flow->small_reads = 0;
}

/* What reading told: an end, nothing for now, or a broken side. */
static int note_read(struct flow *flow, struct side *source, ssize_t got)
{
    if (got == 0) {
        flow->eof = true;
        return STEP_AGAIN;
    }
    if (errno == EINTR)
        return STEP_AGAIN;
    if (errno != EAGAIN)
        return -errno;
    source->readable = false;
    return STEP_WAIT;
}

static int splice_some(struct connection *connection, enum direction direction, uint64_t allowed)
{
    struct flow *flow = &connection->flows[direction];
    struct side *source = source_of(connection, direction);
    size_t size = flow->pipe->size < allowed ? flow->pipe->size : (size_t)allowed;
    ssize_t got = splice(source->socket.fd, NULL, flow->pipe->ends[1], NULL, size,
        SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
    if (got <= 0)
        return note_read(flow, source, got);
    flow->pipe->filled = (size_t)got;
    flow->small_reads = got < (ssize_t)SMALL_SPLICE ? flow->small_reads + 1 : 0;
    skip(connection, direction, (size_t)got);
    count(connection, direction, (size_t)got);
    return send_pipe(flow, sink_of(connection, direction));
}

static void keep_rest(struct flow *flow, const uint8_t *data, size_t size)
{
    flow->rest = memory_new_array(size, 1);
    memcpy(flow->rest, data, size);
    flow->rest_start = 0;
    flow->rest_end = (uint32_t)size;
}

static int copy_some(struct connection *connection, enum direction direction)
{
    struct flow *flow = &connection->flows[direction];
    struct side *source = source_of(connection, direction);
    struct side *sink = sink_of(connection, direction);
    uint8_t *chunk = connection->point->worker->chunk;
    ssize_t got = recv(source->socket.fd, chunk, RELAY_CHUNK, 0);
    if (got <= 0)
        return note_read(flow, source, got);
    bool full = got == RELAY_CHUNK;
    flow->full_reads = full && flow->full_reads < BULK_AFTER ? flow->full_reads + 1
                       : full                                ? BULK_AFTER
                                                             : 0;
    if (!full && !source->hangup && !source->urgent)
        source->readable = false; /* drained: the next byte is a new event */
    see(connection, direction, (size_t)got);
    count(connection, direction, (size_t)got);
    ssize_t sent = send_some(sink, chunk, (size_t)got);
    if (sent < 0)
        return (int)sent;
    if (sent < got)
        keep_rest(flow, chunk + sent, (size_t)(got - sent));
    return sent < got ? STEP_WAIT : STEP_AGAIN;
}

static int move_some(struct connection *connection, enum direction direction)
{
    struct flow *flow = &connection->flows[direction];
    const struct side *source = source_of(connection, direction);
    if (!source->readable)
        return STEP_WAIT;
    bool bulk = (flow->pipe || flow->full_reads >= BULK_AFTER) && !source->urgent;
    uint64_t allowed = bulk ? skippable(connection, direction) : 0;
    if (flow->pipe && (allowed < BULK_MIN || flow->small_reads >= CHAT_AFTER))
        give_pipe_back(connection, flow);
    else if (!flow->pipe && allowed >= BULK_MIN)
        flow->pipe = pipes_take(&connection->point->worker->pipes);
    return flow->pipe ? splice_some(connection, direction, allowed)
                      : copy_some(connection, direction);
}

/* The end goes on after the last byte. A client that has ended itself hears it when its socket is
 * closed, which is next. */
static int pass_end(struct connection *connection, enum direction direction)
{
    struct flow *flow = &connection->flows[direction];
    if (flow->pipe)
        give_pipe_back(connection, flow);
    bool closes_next = direction == TO_CLIENT && connection->flows[TO_TARGET].shut;
    if (!flow->shut && !closes_next)
        shutdown(sink_of(connection, direction)->socket.fd, SHUT_WR);
    flow->shut = true;
    return STEP_WAIT;
}

int pump_run(struct connection *connection, enum direction direction)
{
    struct flow *flow = &connection->flows[direction];
    for (unsigned round = 0; round < ROUNDS_MAX; round++) {
        int step = flow->rest             ? send_rest(flow, sink_of(connection, direction))
                   : !pump_is_empty(flow) ? send_pipe(flow, sink_of(connection, direction))
                   : flow->eof            ? pass_end(connection, direction)
                                          : move_some(connection, direction);
        if (step != STEP_AGAIN)
            return step < 0 ? step : 0;
    }
    poller_rearm(&connection->point->worker->poller, &source_of(connection, direction)->socket);
    return 0;
}

void pump_fini(struct connection *connection, enum direction direction)
{
    struct flow *flow = &connection->flows[direction];
    if (flow->pipe)
        give_pipe_back(connection, flow);
    free(flow->rest);
    flow->rest = NULL;
}
