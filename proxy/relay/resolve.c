/* The target's addresses, asked for whenever a connection is dialled: RDS moves them within a
 * region. Connections that wait at the same time share one lookup.
 *
 * What can go wrong: no answer, or none with an address: asked again, for 5 s a connection (then
 * reset, counted); the point is switched while a lookup is under way: the new target is asked for
 * without waiting for the old one's answer, which may never come, and that answer is dropped. */
#include "base/clock.h"
#include "base/log.h"
#include "base/memory.h"
#include "proxy/relay/relay_parts.h"

#include <stdlib.h>

struct question {
    struct point *point;
    uint64_t turn;
};

static void take_answer(struct point *point, int status, const struct lookup_answer *answer)
{
    struct connection_list *waiting = &point->lists[CONNECTION_RESOLVING];
    point->resolving = false;
    if (status < 0) {
        log_debug("target_unresolved", LOG_TEXT("endpoint", point->outlet->id),
            LOG_TEXT("target", point->endpoint->target->text), LOG_ERROR(status));
        point->resolve_again_ms = clock_boot_ms() + RELAY_RESOLVE_AGAIN_MS;
        return;
    }
    while (waiting->first)
        dial_with(waiting->first, answer);
}

static void on_resolved(void *context, int status, const struct lookup_answer *answer)
{
    struct question *question = context;
    struct point *point = question->point;
    bool is_of_now = question->turn == point->turn;
    free(question);
    worker_lookup_ended(point->worker);
    if (is_of_now && !point->worker->stopping)
        take_answer(point, status, answer);
}

void resolve_start(struct point *point)
{
    struct relay *relay = point->worker->relay;
    bool asked = point->resolving && point->resolving_turn == point->turn;
    if (asked || !point->lists[CONNECTION_RESOLVING].first)
        return;
    struct question *question = memory_new(sizeof *question);
    *question = (struct question){.point = point, .turn = point->turn};
    point->resolving = true;
    point->resolving_turn = point->turn;
    point->worker->lookups++;
    relay->lookup->start(
        relay->lookup, &point->worker->loop, &point->endpoint->target->name, on_resolved, question);
}

void resolve_expire(struct point *point, uint64_t now_ms)
{
    struct connection_list *waiting = &point->lists[CONNECTION_RESOLVING];
    while (waiting->first && now_ms >= waiting->first->since_ms + RELAY_RESOLVE_TIMEOUT_MS)
        connection_refuse(waiting->first, RELAYS_REFUSED_UNRESOLVED);
    if (now_ms >= point->resolve_again_ms)
        resolve_start(point);
}
