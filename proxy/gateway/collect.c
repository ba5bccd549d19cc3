/* A body that is read whole before anything is sent: what S3 is asked depends on what is in it, and
 * its signature on what becomes of it.
 *
 * Bounded by the plan: those are documents, never objects. What can go wrong: it is too long (400
 * EntityTooLarge), it ends too early or is framed wrongly, its sender is slow. */
#include "base/memory.h"
#include "proxy/gateway/exchange_parts.h"

#include <errno.h>
#include <stdlib.h>

/* Takes all, passes nothing on. */
struct collector {
    struct body_filter filter;
    struct text *to;
    size_t most;
};

static int push(struct body_filter *filter, struct span in, struct text *out)
{
    struct collector *collector = (struct collector *)filter;
    (void)out;
    if (in.size > collector->most - collector->to->size)
        return -EMSGSIZE;
    text_add(collector->to, in.data, in.size);
    return 0;
}

static int finish(struct body_filter *filter, struct text *out)
{
    (void)filter;
    (void)out;
    return 0;
}

static struct answer why(const struct body_filter *filter)
{
    (void)filter;
    return (struct answer){400, "EntityTooLarge",
        "Your proposed upload exceeds the maximum allowed object size.", .closes = true};
}

static void free_collector(struct body_filter *filter)
{
    free(filter);
}

static struct body_filter *collector_new(struct text *to, size_t most)
{
    struct collector *collector = memory_new(sizeof *collector);
    *collector = (struct collector){
        .filter = {.push = push, .finish = finish, .why = why, .free = free_collector},
        .to = to,
        .most = most};
    return &collector->filter;
}

void exchange_collect(struct exchange *exchange)
{
    const struct http_head *request = &exchange->request;
    exchange_enter(exchange, EXCHANGE_COLLECTING);
    stream_begin(&exchange->up, request->framing, request->length, HTTP_FRAMING_NONE,
        collector_new(&exchange->collected, exchange->plan->collect_max));
    if (exchange_pass_continue(exchange))
        exchange_run(exchange);
}

void exchange_run_collecting(struct exchange *exchange)
{
    struct session *session = exchange->session;
    struct wire nowhere = {.socket.fd = -1, .writable = true};
    enum stream_status status = stream_run(
        &exchange->up, &session->intake, &session->client, &nowhere, &session->worker->tools);
    if (status == STREAM_SOURCE_BROKEN)
        exchange_fail_source(exchange);
    else if (status == STREAM_REFUSED)
        exchange_fail_filter(exchange);
    else if (exchange->up.over)
        exchange_collected(exchange);
}
