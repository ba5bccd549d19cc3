/* The course of one change:
 *
 *     decide → (fenced view in every loop, for a while) → write → adopt → new view in every loop →
 * reply
 *
 * What can go wrong: the decision is a refusal; the write fails, and then every loop goes back to
 * the view of the record that still holds before the refusal is said; the write is in place but
 * perhaps not durable, and then it counts, with a warning. Nothing is adopted that is not stored,
 * and nothing is answered before the last loop has followed. */
#include "base/memory.h"
#include "failover/keeper_parts.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>

static void log_command(
    const struct change *change, enum log_level level, const char *event, const char *why)
{
    const struct command *command = &change->command;
    char groups[512];
    command_groups_text(command, groups, sizeof groups);
    log_event(level, event, LOG_TEXT("by", command->by),
        LOG_TEXT("command", command_kind_text(command->kind)), LOG_TEXT("region", command->region),
        LOG_TEXT("groups", groups), LOG_TEXT("reason", command->reason),
        LOG_TEXT("request", command->request),
        LOG_TEXT("step", command->step ? command->step->id : NULL),
        LOG_NUMBER("epoch", change->keeper->state->epoch),
        LOG_NUMBER("revision", change->keeper->state->revision), LOG_TEXT("message", why));
}

/* The transition that a change was about: the running one, or the one that it ended. */
static const char *transition_of(const struct state *state, bool changed)
{
    if (state->transition)
        return state->transition->id;
    return changed && state->history_count ? state->history[state->history_count - 1]->id : NULL;
}

static void refuse(struct change *change, enum exit_status status, unsigned force_word)
{
    change->outcome = (struct outcome){
        .status = status,
        .transition = transition_of(change->keeper->state, false),
        .force_word = force_word,
    };
    if (change->kind == CHANGE_COMMAND)
        log_command(change, LOG_LEVEL_WARNING, "refused", change->said.text);
    keeper_finish(change);
}

static void succeed(struct change *change, bool changed)
{
    const struct state *state = change->keeper->state;
    change->outcome = (struct outcome){
        .status = EXIT_STATUS_DONE,
        .changed = changed,
        .would_change = !changed && change->decision.verdict == VERDICT_CHANGE,
        .running = state->transition != NULL,
        .transition = transition_of(state, changed),
    };
    if (changed)
        keeper_tell_watchers(change->keeper);
    keeper_finish(change);
}

static void on_announced(void *context)
{
    succeed(context, true);
}

static void on_taken_back(void *context)
{
    refuse(context, EXIT_STATUS_REFUSED, 0);
}

static void adopt(struct change *change, int status, const struct failure *why)
{
    struct keeper *keeper = change->keeper;
    state_free(keeper->state);
    keeper->state = change->decision.next;
    change->decision.next = NULL;
    keeper->world.undecided = false;
    keeper->world.undecided_why = NULL;
    change->said = change->decision.words;
    if (status < 0) {
        keeper->store_error = *why;
        failure_set(&change->said, 0,
            "%s; warning: the record is in place but may not survive a power failure: %s",
            change->decision.words.text, why->text);
        log_warning("durability_in_doubt", LOG_TEXT("store", keeper_store_text(keeper)),
            LOG_TEXT("why", why->text));
    }
    log_command(change, LOG_LEVEL_INFO, "changed", change->said.text);
    keeper_publish(keeper, NULL, on_announced, change);
}

static void take_back(struct change *change, int status, const struct failure *why)
{
    struct keeper *keeper = change->keeper;
    const char *advice = status == -ESTALE
                             ? "somebody else wrote it meanwhile: look at `pilotlight status` first"
                             : "make the state directory writable again, then repeat the command";
    keeper->store_error = *why;
    failure_set(&change->said, status,
        "the record could not be written: %s; nothing was changed; %s", why->text, advice);
    if (change->decision.fence_first_count)
        keeper_publish(keeper, NULL, on_taken_back, change);
    else
        on_taken_back(change);
}

static void on_written(void *context, int status, bool in_place, const struct failure *why)
{
    struct change *change = context;
    struct failure words = {0};
    if (status < 0)
        failure_set(&words, status, "%s", why && *why->text ? why->text : log_error_text(status));
    else
        change->keeper->store_error = words;
    if (status < 0 && !in_place)
        take_back(change, status, &words);
    else
        adopt(change, status, &words);
}

static void write_next(struct change *change)
{
    struct keeper *keeper = change->keeper;
    keeper->store->calls->write(
        keeper->store, change->decision.next, keeper->state->revision, on_written, change);
}

static void give_up(struct change *change)
{
    failure_set(&change->said, -ECANCELED,
        "pilotlightd stops before the fence has stood long enough; nothing was changed");
    if (change->decision.fence_first_count)
        keeper_publish(change->keeper, NULL, on_taken_back, change);
    else
        on_taken_back(change);
}

static void wait_for_fence(void *context)
{
    struct change *change = context;
    keeper_wait_for_fence(change, change->decision.fence_wait_ms, write_next, give_up);
}

/* "2026-11-23-" and 64 random bits: people read the first half, programs need the second. */
static void make_transition_id(char ret[KEEPER_ID_SIZE])
{
    struct moment now = clock_now();
    uint64_t random = 0;
    while (getrandom(&random, sizeof random, 0) != (ssize_t)sizeof random)
        continue;
    snprintf(ret, KEEPER_ID_SIZE, "%.10s-%016llx", now.wall, (unsigned long long)random);
}

static void fence(struct change *change)
{
    keeper_drain_end(change);
    if (change->decision.fence_first_count)
        keeper_publish(change->keeper, &change->decision, wait_for_fence, change);
    else
        wait_for_fence(change);
}

static void act(struct change *change)
{
    struct decision *decision = &change->decision;
    change->said = decision->words;
    if (decision->verdict == VERDICT_REFUSED)
        refuse(change, decision->status, decision->force_word);
    else if (decision->verdict == VERDICT_NOTHING || change->command.dry_run)
        succeed(change, false);
    else
        fence(change);
}

static void start_command(struct change *change)
{
    struct keeper *keeper = change->keeper;
    struct command *command = &change->command;
    if (command->request && keeper_recall(keeper, command->request, change)) {
        keeper_finish(change);
        return;
    }
    make_transition_id(change->id);
    command->id = change->id;
    decide(keeper->state, keeper_world(keeper), command, &change->decision);
    act(change);
}

static void start_ask(struct change *change)
{
    if (!keeper_recall(change->keeper, change->command.request, change)) {
        change->outcome = (struct outcome){.status = EXIT_STATUS_FAILED};
        failure_set(&change->said, 0, "no request \"%.*s\" is known: nothing was changed",
            STATE_REQUEST_MAX, change->command.request);
    }
    keeper_finish(change);
}

static void take_config(struct keeper *keeper, struct config *next)
{
    config_unref(keeper->config);
    keeper->config = config_ref(next);
    keeper->world.config = keeper->config;
    bool is_new = keeper->state->revision == 0 && !keeper->world.undecided;
    if (is_new) { /* never written: groups that are new start at home, as after a restart */
        state_free(keeper->state);
        keeper->state = state_at_home(keeper->config);
    }
}

static void start_reload(struct change *change)
{
    struct keeper *keeper = change->keeper;
    int status = config_check_reload(keeper->config, change->config, &change->said);
    if (status == 0)
        status = decide_reload(keeper->state, keeper->config, change->config, &change->said);
    if (status < 0) {
        log_warning("reload_refused", LOG_TEXT("why", change->said.text));
        refuse(change, EXIT_STATUS_USAGE, 0);
        return;
    }
    take_config(keeper, change->config);
    failure_set(&change->said, 0, "configuration %s is in force", keeper->config->path);
    log_info("reloaded", LOG_TEXT("file", keeper->config->path));
    keeper_log_undecided(keeper);
    keeper_publish(keeper, NULL, on_announced, change);
}

static void on_upstreams_announced(void *context)
{
    keeper_finish(context);
}

static void start_upstreams(struct change *change)
{
    struct keeper *keeper = change->keeper;
    struct config_upstreams before = keeper->upstreams;
    keeper->upstreams = change->upstreams;
    change->upstreams = before;
    log_info("upstreams", LOG_NUMBER("count", keeper->upstreams.count));
    if (keeper->config->resolver.upstreams_from_resolv_conf)
        keeper_publish(keeper, NULL, on_upstreams_announced, change);
    else
        keeper_finish(change);
}

void keeper_start_change(struct change *change)
{
    switch (change->kind) {
    case CHANGE_COMMAND:
        start_command(change);
        break;
    case CHANGE_ASK:
        start_ask(change);
        break;
    case CHANGE_RELOAD:
        start_reload(change);
        break;
    case CHANGE_UPSTREAMS:
        start_upstreams(change);
        break;
    }
}
