/* The target's addresses, asked for whenever a connection is dialled: RDS moves them within a
 * region. Connections that wait at the same time share one lookup.
 *
 * What can go wrong: no answer, or none with an address: asked again, for 5 s a connection (then
 * reset, counted); the point is switched while a lookup is under way: its answer is dropped and the
 * new target asked for. */
#include "base/clock.h"
#include "base/log.h"
#include "proxy/relay/relay_parts.h"

static void on_resolved(void *context, int status, const struct lookup_answer *answer)
{
    struct point *point = context;
    struct worker *worker = point->worker;
    struct connection_list *waiting = &point->lists[CONNECTION_RESOLVING];
    point->resolving = false;
    worker_lookup_ended(worker);
    if (worker->stopping)
        return;
    if (point->resolving_turn != point->turn) {
        resolve_start(point);
    } else if (status < 0) {
        log_debug("target_unresolved", LOG_TEXT("endpoint", point->outlet->id),
            LOG_TEXT("target", point->endpoint->target->text), LOG_ERROR(status));
        point->resolve_again_ms = clock_boot_ms() + RELAY_RESOLVE_AGAIN_MS;
    } else {
        while (waiting->first)
            dial_with(waiting->first, answer);
    }
}

void resolve_start(struct point *point)
{
    struct relay *relay = point->worker->relay;
    if (point->resolving || !point->lists[CONNECTION_RESOLVING].first)
        return;
    point->resolving = true;
    point->resolving_turn = point->turn;
    point->worker->lookups++;
    relay->lookup->start(
        relay->lookup, &point->worker->loop, &point->endpoint->target->name, on_resolved, point);
}

void resolve_expire(struct point *point, uint64_t now_ms)
{
    struct connection_list *waiting = &point->lists[CONNECTION_RESOLVING];
    while (waiting->first && now_ms >= waiting->first->since_ms + RELAY_RESOLVE_TIMEOUT_MS)
        connection_refuse(waiting->first, RELAYS_REFUSED_UNRESOLVED);
    if (now_ms >= point->resolve_again_ms)
        resolve_start(point);
}
