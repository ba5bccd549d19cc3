/* A new view goes out to each subscriber's loop as a posted call; each acknowledgement comes back
 * to the main loop the same way. Counting happens on the main loop alone, so nothing here is shared
 * but through loop_post.
 *
 * A loop that never acknowledges keeps the old view alive and the reply waiting; the watchdog ends
 * that. */
#include "failover/announce.h"

#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>

/* A subscriber. It has one view to take at a time, so it is its own acknowledgement. */
struct acknowledgement {
    struct acknowledgement *next;
    struct announce *announce;
    struct loop *loop;
    announce_take *take;
    void *context;
    const struct view *view; /* to be taken */
    bool owed;               /* on the subscriber's loop: taken, not acknowledged yet */
};

struct announce {
    struct loop *main_loop;
    struct acknowledgement *subscribers;
    struct view *current, *old; /* `old` until nobody can be reading it */
    uint64_t generation;
    size_t waiting; /* acknowledgements that are missing, our own included */
    announce_done *done;
    void *context;
};

struct announce *announce_new(struct loop *main_loop)
{
    struct announce *announce = memory_new(sizeof *announce);
    announce->main_loop = main_loop;
    return announce;
}

void announce_free(struct announce *announce)
{
    if (!announce)
        return;
    for (struct acknowledgement *each = announce->subscribers, *next; each; each = next) {
        next = each->next;
        free(each);
    }
    view_free(announce->old);
    view_free(announce->current);
    free(announce);
}

void announce_subscribe(
    struct announce *announce, struct loop *loop, announce_take *take, void *context)
{
    assert(!announce->current);
    struct acknowledgement *subscriber = memory_new(sizeof *subscriber);
    *subscriber = (struct acknowledgement){.next = announce->subscribers,
        .announce = announce,
        .loop = loop,
        .take = take,
        .context = context};
    announce->subscribers = subscriber;
}

/* On the subscriber's loop. */
static void hand_over(void *context)
{
    struct acknowledgement *subscriber = context;
    subscriber->owed = true;
    subscriber->take(subscriber->context, subscriber->view, subscriber);
}

/* On the main loop, once for each subscriber and once for the publisher itself. */
static void on_acknowledged(void *context)
{
    struct announce *announce = context;
    if (--announce->waiting > 0)
        return;
    view_free(announce->old);
    announce->old = NULL;
    announce->done(announce->context);
}

void announce_acknowledge(struct acknowledgement *ack)
{
    assert(ack->owed);
    ack->owed = false;
    loop_post(ack->announce->main_loop, on_acknowledged, ack->announce);
}

void announce_publish(
    struct announce *announce, struct view *view, announce_done *done, void *context)
{
    assert(!announce_busy(announce));
    view->generation = ++announce->generation;
    announce->old = announce->current;
    announce->current = view;
    announce->done = done;
    announce->context = context;
    announce->waiting = 1; /* ours: `done` runs later even when nobody has subscribed */
    for (struct acknowledgement *each = announce->subscribers; each; each = each->next) {
        announce->waiting++;
        each->view = view;
        loop_post(each->loop, hand_over, each);
    }
    loop_post(announce->main_loop, on_acknowledged, announce);
}

const struct view *announce_current(const struct announce *announce)
{
    return announce->current;
}

bool announce_busy(const struct announce *announce)
{
    return announce->waiting > 0;
}
