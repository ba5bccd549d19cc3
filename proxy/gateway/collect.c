/* A body that is read, whole or to the end of its fields, before anything is sent: what S3 is asked
 * depends on what is in it, and its signature on what becomes of it.
 *
 * Bounded by the plan: those are documents and forms, never objects. What can go wrong: it is too
 * long (400), it ends too early or is framed wrongly, its sender is slow. */
#include "base/memory.h"
#include "proxy/gateway/exchange_parts.h"

#include <errno.h>
#include <stdlib.h>

/* Takes all, passes nothing on. */
struct collector {
    struct body_filter filter;
    const struct plan *plan;
    struct text *to;
    struct wire nowhere; /* not writable: it has enough */
};

static bool has_enough(const struct collector *collector)
{
    const struct plan *plan = collector->plan;
    return plan->has_enough &&
           plan->has_enough(plan, span_of(collector->to->data, collector->to->size));
}

static int push(struct body_filter *filter, struct span in, struct text *out)
{
    struct collector *collector = (struct collector *)filter;
    (void)out;
    size_t size = collector->to->size + in.size, most = collector->plan->collect_max;
    if (size > most && !collector->plan->has_enough)
        return -EMSGSIZE;
    text_add(collector->to, in.data, in.size);
    if (!has_enough(collector))
        return size > most ? -EMSGSIZE : 0;
    collector->nowhere.writable = false;
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
    if (((const struct collector *)filter)->plan->has_enough)
        return (struct answer){400, "MaxPostPreDataLengthExceededError",
            "Your POST request fields preceding the upload file were too large.", .closes = true};
    return (struct answer){400, "EntityTooLarge",
        "Your proposed upload exceeds the maximum allowed object size.", .closes = true};
}

static void free_collector(struct body_filter *filter)
{
    free(filter);
}

static struct body_filter *collector_new(const struct plan *plan, struct text *to)
{
    struct collector *collector = memory_new(sizeof *collector);
    *collector = (struct collector){
        .filter = {.push = push, .finish = finish, .why = why, .free = free_collector},
        .plan = plan,
        .to = to,
        .nowhere = {.socket.fd = -1, .writable = true}};
    return &collector->filter;
}

void exchange_collect(struct exchange *exchange)
{
    const struct http_head *request = &exchange->request;
    exchange_enter(exchange, EXCHANGE_COLLECTING);
    stream_begin(&exchange->up, request->framing, request->length, HTTP_FRAMING_NONE,
        collector_new(exchange->plan, &exchange->collected));
    if (exchange_pass_continue(exchange))
        exchange_run(exchange);
}

void exchange_run_collecting(struct exchange *exchange)
{
    struct session *session = exchange->session;
    struct wire *nowhere = &((struct collector *)exchange->up.filter)->nowhere;
    enum stream_status status = stream_run(
        &exchange->up, &session->intake, &session->client, nowhere, &session->worker->tools);
    if (status == STREAM_SOURCE_BROKEN)
        exchange_fail_source(exchange);
    else if (status == STREAM_REFUSED)
        exchange_fail_filter(exchange);
    else if (exchange->up.over || !nowhere->writable)
        exchange_collected(exchange);
}
