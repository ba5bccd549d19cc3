/* The keeper's frame: start, queue, views, answers to whoever looks. What happens to one change is
 * in keeper_change.c.
 *
 * Everything that is asked of the keeper stands in one queue, requests about requests too. So a
 * change always meets the record as the one before it left it, and whoever asks about a request
 * that is queued or under way is answered after it, by construction.
 *
 * What can go wrong at the start: a record that is not believed leaves the host undecided; a store
 * that cannot be read at all is an error. */
#include "failover/keeper.h"

#include "base/memory.h"
#include "failover/keeper_parts.h"

#include <assert.h>
#include <stdlib.h>

struct keeper_watch {
    struct keeper_watch *next;
    keeper_watcher *watcher;
    void *context;
};

static void start_first(void *context)
{
    struct keeper *keeper = context;
    keeper_start_change(keeper->first);
}

/* Only now nobody is in the middle of a change, and a reply may have queued another. */
static void settle(void *context)
{
    struct keeper *keeper = context;
    if (keeper->running || !keeper->settled)
        return;
    loop_call *settled = keeper->settled;
    keeper->settled = NULL;
    settled(keeper->settled_context);
}

/* Later, never within the call: replies come after the asking has returned. */
static void start_next(struct keeper *keeper)
{
    if (keeper->running)
        return;
    if (!keeper->first) {
        if (keeper->settled)
            loop_post(keeper->main_loop, settle, keeper);
        return;
    }
    keeper->running = true;
    loop_post(keeper->main_loop, start_first, keeper);
}

static struct change *add_change(
    struct keeper *keeper, enum change_kind kind, keeper_reply *reply, void *context)
{
    struct change *change = memory_new(sizeof *change);
    *change = (struct change){.keeper = keeper, .kind = kind, .reply = reply, .context = context};
    *keeper->last = change;
    keeper->last = &change->next;
    start_next(keeper);
    return change;
}

static void change_free(struct change *change)
{
    command_fini(&change->command);
    decision_fini(&change->decision);
    config_unref(change->config);
    upstreams_fini(&change->upstreams);
    free(change);
}

void keeper_finish(struct change *change)
{
    struct keeper *keeper = change->keeper;
    change->outcome.words = change->said.text;
    change->outcome.revision = keeper->state->revision;
    change->outcome.epoch = keeper->state->epoch;
    if (change->kind == CHANGE_COMMAND && change->command.request)
        keeper_remember(keeper, change->command.request, &change->outcome);

    keeper->first = change->next;
    if (!keeper->first)
        keeper->last = &keeper->first;
    keeper->running = false;
    start_next(keeper);
    keeper_relays_ended(keeper); /* an abort leaves nothing behind, and nothing ends */
    if (!keeper_drain_holds(change))
        keeper_reply_to(change);
}

void keeper_reply_to(struct change *change)
{
    if (change->reply)
        change->reply(change->context, &change->outcome);
    change_free(change);
}

static bool is_planned(const struct state *state)
{
    return state->transition && state->transition->kind == TRANSITION_SWITCHOVER;
}

/* Whether what `first` fences goes on to the other region at once. */
static bool cuts(const struct decision *first)
{
    const struct transition *next = first->next ? first->next->transition : NULL;
    for (size_t i = 0; next && i < first->fence_first_count; i++) {
        const struct transition_group *group = transition_find_group(next, first->fence_first[i]);
        if (!group || group->progress != PROGRESS_FENCED)
            return true;
    }
    return !next;
}

void keeper_publish(
    struct keeper *keeper, const struct decision *first, announce_done *done, void *context)
{
    struct view *view = view_new(&(struct view_inputs){
        .config = keeper->config,
        .state = keeper->state,
        .world = &keeper->world,
        .upstreams = &keeper->upstreams,
        .fence_also = first ? first->fence_first : NULL,
        .fence_also_count = first ? first->fence_first_count : 0,
        .fence_also_cuts = first && cuts(first),
        .gateway_answers = keeper->gateway_answers,
        .planned = is_planned(first && first->next ? first->next : keeper->state),
        .key = &keeper->key,
    });
    announce_publish(keeper->announce, view, done, context);
}

void keeper_tell_watchers(struct keeper *keeper)
{
    for (struct keeper_watch *each = keeper->watchers; each; each = each->next)
        each->watcher(each->context);
}

static void on_started(void *context)
{
    struct keeper *keeper = context;
    keeper->running = false;
    start_next(keeper);
    keeper->ready(keeper->ready_context);
}

static void take_reading(struct keeper *keeper, struct store_read *read)
{
    switch (read->reading) {
    case STORE_NEW:
        keeper->state = state_at_home(keeper->config);
        break;
    case STORE_RECORD:
        keeper->state = read->state;
        break;
    case STORE_REFUSED:
        keeper->state = state_new();
        keeper->undecided_why = read->why;
        keeper->world.undecided = true;
        keeper->world.undecided_why = keeper->undecided_why.text;
        keeper->world.seen_revision = read->seen_revision;
        keeper->world.seen_epoch = read->seen_epoch;
        break;
    }
}

void keeper_log_undecided(const struct keeper *keeper)
{
    if (keeper->world.undecided) {
        log_error("undecided", LOG_TEXT("why", keeper->undecided_why.text));
        return;
    }
    for (size_t i = 0; i < keeper->config->group_count; i++) {
        const char *group = keeper->config->groups[i].id;
        if (!group_is_decided(keeper->state, &keeper->world, group))
            log_error("undecided", LOG_TEXT("group", group),
                LOG_TEXT("why", "the record names no configured region for it"));
    }
}

int keeper_new(const struct keeper_options *options, struct keeper **ret_keeper,
    announce_done *ready, void *context, struct failure *why)
{
    struct keeper *keeper = memory_new(sizeof *keeper);
    *keeper = (struct keeper){
        .main_loop = options->main_loop,
        .store = options->store,
        .announce = options->announce,
        .key = *options->key,
        .relays = options->relays,
        .gateway_answers = options->gateway_answers,
        .config = config_ref(options->config),
        .upstreams = upstreams_copy(options->upstreams),
        .last = &keeper->first,
        .ready = ready,
        .ready_context = context,
    };
    keeper->world.config = keeper->config;

    struct store_read read = {0};
    int status = keeper->store->calls->read(keeper->store, &read);
    if (status < 0) {
        failure_set(why, status, "%s: %s", keeper_store_text(keeper),
            *read.why.text ? read.why.text : log_error_text(status));
        keeper_free(keeper);
        return status;
    }
    take_reading(keeper, &read);
    keeper_log_undecided(keeper);
    keeper->running = true;
    keeper_publish(keeper, NULL, on_started, keeper);
    *ret_keeper = keeper;
    return 0;
}

void keeper_free(struct keeper *keeper)
{
    if (!keeper)
        return;
    assert(!keeper_busy(keeper) && !keeper->draining);
    for (struct keeper_watch *each = keeper->watchers, *next; each; each = next) {
        next = each->next;
        free(each);
    }
    keeper_forget_all(keeper);
    keeper->store->calls->free(keeper->store);
    upstreams_fini(&keeper->upstreams);
    state_free(keeper->state);
    config_unref(keeper->config);
    free(keeper);
}

void keeper_settle(struct keeper *keeper, loop_call *settled, void *context)
{
    keeper->settled = settled;
    keeper->settled_context = context;
    start_next(keeper);
}

void keeper_submit(
    struct keeper *keeper, const struct command *command, keeper_reply *reply, void *context)
{
    struct change *change = add_change(keeper, CHANGE_COMMAND, reply, context);
    command_copy(command, &change->command);
}

void keeper_ask(struct keeper *keeper, const char *request, keeper_reply *reply, void *context)
{
    struct change *change = add_change(keeper, CHANGE_ASK, reply, context);
    change->command.request = memory_text(request);
}

void keeper_reload(struct keeper *keeper, struct config *next, keeper_reply *reply, void *context)
{
    struct change *change = add_change(keeper, CHANGE_RELOAD, reply, context);
    change->config = config_ref(next);
}

void keeper_set_upstreams(struct keeper *keeper, const struct config_upstreams *upstreams)
{
    struct change *change = add_change(keeper, CHANGE_UPSTREAMS, NULL, NULL);
    change->upstreams = upstreams_copy(upstreams);
}

void keeper_watch(struct keeper *keeper, keeper_watcher *watcher, void *context)
{
    struct keeper_watch *watch = memory_new(sizeof *watch);
    *watch =
        (struct keeper_watch){.next = keeper->watchers, .watcher = watcher, .context = context};
    keeper->watchers = watch;
}

void keeper_unwatch(struct keeper *keeper, keeper_watcher *watcher, void *context)
{
    for (struct keeper_watch **at = &keeper->watchers; *at; at = &(*at)->next) {
        struct keeper_watch *each = *at;
        if (each->watcher == watcher && each->context == context) {
            *at = each->next;
            free(each);
            return;
        }
    }
}

void keeper_set_sidecar(struct keeper *keeper, bool connected)
{
    keeper->world.sidecar_connected = connected;
}

const struct state *keeper_state(const struct keeper *keeper)
{
    return keeper->state;
}

struct config *keeper_config(const struct keeper *keeper)
{
    return keeper->config;
}

const struct world *keeper_world(struct keeper *keeper)
{
    keeper->world.now = clock_now();
    return &keeper->world;
}

const char *keeper_store_text(const struct keeper *keeper)
{
    return keeper->store->calls->describe(keeper->store);
}

const char *keeper_store_error(const struct keeper *keeper)
{
    return *keeper->store_error.text ? keeper->store_error.text : NULL;
}

bool keeper_busy(const struct keeper *keeper)
{
    return keeper->running;
}
