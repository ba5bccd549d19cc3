/* A new view in every loop, and the moment when the last one has taken it.
 *
 *     announce_publish(view, done) → each subscriber's `take` runs on its own loop → all have
 *     acknowledged → the old view is freed → `done` runs on the main loop
 *
 * "When the command returns, nothing answers the old region" is true because the reply waits here.
 */
#pragma once

#include "base/loop.h"
#include "failover/view.h"

struct announce;

/* Runs on the subscriber's loop, between two events: swap the pointer, bring what is under way into
 * line, and call announce_acknowledge(acknowledgement) once nothing follows the old view any more
 * (at once, or later on the same loop). */
struct acknowledgement;
typedef void announce_take(void *context, const struct view *view, struct acknowledgement *ack);
void announce_acknowledge(struct acknowledgement *ack);

typedef void announce_done(void *context);

/* `main_loop` owns it; every other call but announce_acknowledge is made there. */
struct announce *announce_new(struct loop *main_loop);
void announce_free(struct announce *announce); /* frees the current view too */

/* Before the first publish. Subscribers live as long as the announcer. */
void announce_subscribe(
    struct announce *announce, struct loop *loop, announce_take *take, void *context);

/* One at a time (asserted). Takes `view`. */
void announce_publish(
    struct announce *announce, struct view *view, announce_done *done, void *context);
const struct view *announce_current(const struct announce *announce);
bool announce_busy(const struct announce *announce);
