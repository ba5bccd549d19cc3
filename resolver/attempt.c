#include "resolver/attempt.h"

#include "base/memory.h"
#include "resolver/engine.h"
#include "resolver/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define DATAGRAMS_PER_EVENT 16 /* a flood of forgeries must not keep the loop */

struct attempt {
    uv_poll_t poll;
    int socket;
    struct engine *engine;
    struct fetch *fetch;
    struct upstream *upstream; /* the fetch holds it */
    uint16_t id;
    uint64_t sent_ms;
};

static void on_closed(uv_handle_t *handle)
{
    free(handle->data);
}

void attempt_close(struct attempt **slot)
{
    struct attempt *attempt = *slot;
    if (!attempt)
        return;
    *slot = NULL;
    uv_close((uv_handle_t *)&attempt->poll, on_closed);
    close(attempt->socket);
}

/* After fetch_datagram said false the attempt is closed, though its memory stays until its
 * callback: nothing of it is touched any more. */
static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct attempt *attempt = poll->data;
    struct engine *engine = attempt->engine;
    (void)status;
    (void)events;
    for (unsigned i = 0; i < DATAGRAMS_PER_EVENT; i++) {
        ssize_t size = recv(attempt->socket, engine->received, sizeof engine->received, 0);
        if (size < 0 && (errno == EAGAIN || errno == EINTR))
            return;
        if (size < 0) {
            fetch_unreachable(attempt->fetch, attempt);
            return;
        }
        if (!fetch_datagram(attempt->fetch, attempt, engine->received, (size_t)size))
            return;
    }
}

static int open_socket(const struct address *to, const uint8_t *message, size_t size)
{
    int file = socket(to->any.sa_family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (file < 0)
        return -errno;
    if (connect(file, &to->any, address_size(to)) == 0 && send(file, message, size, 0) >= 0)
        return file;
    int status = -errno;
    close(file);
    return status;
}

int attempt_new(struct engine *engine, struct fetch *fetch, struct upstream *upstream, uint16_t id,
    const uint8_t *message, size_t size, struct attempt **ret_attempt)
{
    int file = open_socket(&upstream->address, message, size);
    if (file < 0)
        return file;
    struct attempt *attempt = memory_new(sizeof *attempt);
    *attempt = (struct attempt){.socket = file,
        .engine = engine,
        .fetch = fetch,
        .upstream = upstream,
        .id = id,
        .sent_ms = uv_now(&engine->loop.uv)};
    attempt->poll.data = attempt;
    int status = uv_poll_init(&engine->loop.uv, &attempt->poll, file);
    if (status < 0) {
        close(file);
        free(attempt);
        return status;
    }
    uv_poll_start(&attempt->poll, UV_READABLE, on_readable);
    *ret_attempt = attempt;
    return 0;
}

struct upstream *attempt_upstream(const struct attempt *attempt)
{
    return attempt->upstream;
}

uint16_t attempt_id(const struct attempt *attempt)
{
    return attempt->id;
}

uint64_t attempt_sent_ms(const struct attempt *attempt)
{
    return attempt->sent_ms;
}
