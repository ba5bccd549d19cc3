/* What a new view means for an endpoint's connections on this loop.
 *
 *     open → fenced:    what is open ends (ending.c), what is half made is held (hold.c)
 *     fenced → open:    held ones are released to the target, the old one or the new
 *     open → another target (a reload): what is open ends, what is half made is dialled anew
 *
 * An undecided endpoint is like a fenced one. */
#include "base/clock.h"
#include "proxy/relay/relay_parts.h"

#include <string.h>

/* What the endpoint was in the view before. */
struct past {
    const struct view_endpoint *endpoint; /* NULL: there was none */
    const char *region;
};

/* By the region's name: a reload may move it among the others. */
static bool same_target(const struct past *before, const struct point *now)
{
    return before->endpoint && before->endpoint->target && now->endpoint->target &&
           strcmp(before->region, now->region) == 0 &&
           strcmp(before->endpoint->target->text, now->endpoint->target->text) == 0;
}

static uint64_t count(const struct point *point, enum connection_state state)
{
    return atomic_load_explicit(&point->numbers.states[state], memory_order_relaxed);
}

/* As if it had just been accepted. */
static void start_anew(struct point *point, enum connection_state state)
{
    for (uint64_t left = count(point, state); left > 0 && point->lists[state].first; left--) {
        struct connection *connection = point->lists[state].first;
        dial_stop(connection);
        if (point_is_open(point))
            dial_start(connection);
        else
            hold_add(connection);
    }
}

/* Neither side has said a word, but one is about to: the client has seen nothing of this server,
 * and any other will do. A MySQL server speaks first and so may take its time; where the client
 * does, it has just connected. */
static bool is_unused(const struct connection *connection)
{
    const struct config_endpoint *config = connection->point->endpoint->config;
    enum config_probe_type protocol =
        config_protocol(config, address_port(&connection->target_address));
    bool is_young = clock_boot_ms() - connection->since_ms < RELAY_YOUNG_MS;
    return connection->border.protocol == BORDER_UNDETECTED && !connection->flows[TO_TARGET].eof &&
           !connection->flows[TO_CLIENT].eof &&
           (protocol == CONFIG_PROBE_MYSQL || (protocol == CONFIG_PROBE_POSTGRES && is_young));
}

static void take_back_unused(struct point *point)
{
    for (struct connection *each = point->lists[CONNECTION_OPEN].first, *next; each; each = next) {
        next = each->next;
        if (is_unused(each))
            connection_enter(each, CONNECTION_RESOLVING);
    }
}

static void leave(struct point *point, uint64_t drain_ms)
{
    if (drain_ms == 0)
        take_back_unused(point);
    ending_start(point, drain_ms);
}

static void turn(struct point *point, const struct past *before)
{
    const struct view_endpoint *now = point->endpoint;
    bool is_taken_back = now->status == VIEW_OPEN && same_target(before, point) &&
                         before->endpoint->status == VIEW_FENCED;
    point->turn++;
    point->awaits_writable = false;
    if (point->worker->index == 0)
        gate_stop(point->outlet);
    if (is_taken_back)
        ending_take_back(point);
    else
        leave(point, now->drain_ms);
    if (now->status == VIEW_OPEN && before->endpoint)
        gate_turn(point);
    start_anew(point, CONNECTION_RESOLVING);
    start_anew(point, CONNECTION_CONNECTING);
    hold_release(point);
}

void point_take(struct point *point, const struct view *view, const struct view_endpoint *endpoint)
{
    const struct past before = {.endpoint = point->endpoint, .region = point->region};
    point->endpoint = endpoint;
    point->region = endpoint->region == CONFIG_NONE ? "" : view->config->regions[endpoint->region];
    bool same = before.endpoint && before.endpoint->status == endpoint->status &&
                (endpoint->status == VIEW_UNDECIDED || same_target(&before, point));
    if (!same)
        turn(point, &before);
    else if (endpoint->status == VIEW_FENCED && endpoint->drain_ms == 0)
        ending_start(point, 0);
    if (same && before.endpoint->config != endpoint->config)
        gate_renew(point);
}
