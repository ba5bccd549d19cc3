/* retry, skip and approve: a person's word about a step, and the transition goes on.
 *
 * On the good day a step that stopped the transition waits again (its attempts are counted on), is
 * left out, or has the approval that it asked for; whoever drives hears of it and goes on.
 *
 * What can go wrong: the word is about a step that is not where the person thinks, or leaving it
 * out would leave traffic where it must not be. */
#include "failover/decide_parts.h"

#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

static const struct transition_step *step_now(const struct deciding *d)
{
    return transition_find_step(d->now->transition, d->command->step->id);
}

/* In the record, or in the runbook and not begun yet. */
static bool is_known_step(struct deciding *d)
{
    const struct transition *running = d->now->transition;
    const char *id = d->command->step->id;
    const struct config_step *config = decide_config_step(d, id);
    bool planned = running->kind == TRANSITION_SWITCHOVER;
    if (step_now(d) || (config && (planned ? config->on_switchover : config->on_failover)))
        return true;
    struct id_list known = {.used = 0};
    for (size_t i = 0; i < running->step_count; i++)
        id_list_add(&known, running->steps[i].id);
    return decide_usage(d, "the %s to %s has no step \"%.80s\"; it has %s",
        transition_kind_text(running->kind), running->to, id, id_list_text(&known));
}

static enum step_status status_now(const struct deciding *d)
{
    const struct transition_step *step = step_now(d);
    return step ? step->status : STEP_WAITING;
}

static struct transition_step *open_step(struct deciding *d)
{
    decide_open(d);
    return transition_add_step(d->next->transition, d->command->step->id);
}

/* Who said it and why, where people look for it. */
static void say(const struct deciding *d, struct transition_step *step, const char *what)
{
    const char *reason = d->command->reason;
    bool has_reason = reason && *reason;
    char *detail = memory_format(
        "%s by %s%s%s", what, d->command->by, has_reason ? ": " : "", has_reason ? reason : "");
    free(step->detail);
    free(step->aws_code);
    free(step->aws_request_id);
    step->detail = decide_cut(detail, STATE_DETAIL_MAX);
    step->aws_code = step->aws_request_id = NULL;
    free(detail);
}

static void go_on(struct deciding *d, const char *words)
{
    struct transition *running = d->next->transition;
    free(running->error);
    running->error = NULL;
    decide_add_request(d, running);
    decide_change(d, "%s%s", words,
        d->world->sidecar_connected
            ? ""
            : "; no sidecar is connected here: whoever drives the transition must go on with it");
}

/* -- retry -- */

/* What it was about to do stays in the record: it may have done it. */
static void wait_again(const struct deciding *d, struct transition_step *step)
{
    step->status = STEP_WAITING;
    step->started = step->ended = (struct moment){.boot_ms = 0};
    say(d, step, "to be tried again, asked");
}

static void retry_all(struct deciding *d)
{
    struct id_list again = {.used = 0}, asks = {.used = 0};
    decide_open(d);
    struct transition *running = d->next->transition;
    for (size_t i = 0; i < running->step_count; i++) {
        struct transition_step *step = &running->steps[i];
        if (step->status == STEP_NEEDS_APPROVAL)
            id_list_add(&asks, step->id);
        if (!transition_stops_at(step))
            continue;
        wait_again(d, step);
        id_list_add(&again, step->id);
    }
    struct failure words;
    if (again.count == 0 && !running->error && asks.count > 0) {
        state_free(d->next);
        d->next = NULL;
        decide_refuse(d, 0,
            "nothing failed: it waits for a person at %s; pilotlight approve STEP or pilotlight "
            "skip STEP goes on",
            id_list_text(&asks));
    } else if (again.count == 0 && !running->error) {
        decide_nothing(d, "nothing has stopped the %s to %s: it goes on by itself",
            transition_kind_text(running->kind), running->to);
    } else {
        failure_set(&words, 0, "the %s to %s goes on%s%s", transition_kind_text(running->kind),
            running->to, again.count > 0 ? ", again with " : "",
            again.count > 0 ? id_list_text(&again) : "");
        go_on(d, words.text);
    }
}

static void retry_one(struct deciding *d)
{
    const char *id = d->command->step->id;
    enum step_status status = status_now(d);
    if (status == STEP_DONE || status == STEP_SKIPPED) {
        decide_refuse(
            d, 0, "step %s is %s: there is nothing to retry", id, step_status_text(status));
        return;
    }
    if (status == STEP_NEEDS_APPROVAL) {
        decide_refuse(d, 0,
            "step %s did not fail, it waits for a person: pilotlight approve %s, or pilotlight "
            "skip %s",
            id, id, id);
        return;
    }
    struct transition_step *step = open_step(d);
    bool over = status == STEP_FAILED || status == STEP_UNKNOWN;
    if (over)
        wait_again(d, step);
    if (!over && !d->next->transition->error) {
        decide_nothing(d, "step %s is %s already", id, step_status_text(status));
        return;
    }
    struct failure words;
    failure_set(&words, 0, "step %s is %s", id, over ? "tried again" : step_status_text(status));
    go_on(d, words.text);
}

void decide_retry(struct deciding *d)
{
    if (!d->command->step)
        retry_all(d);
    else if (is_known_step(d))
        retry_one(d);
}

/* -- skip -- */

static bool promotes(const struct deciding *d)
{
    const struct config_step *config = decide_config_step(d, d->command->step->id);
    const struct transition_step *step = step_now(d);
    return (config && config->promotes) || (step && step->promotes);
}

/* The groups of a fence or switch that it would leave where they must not stay: databases that are
 * open, and whatever is not switched. */
static void add_left(
    const struct deciding *d, const struct config_step *config, bool fence, struct id_list *ret)
{
    const struct transition *running = d->now->transition;
    for (size_t i = 0; i < running->group_count; i++) {
        const struct transition_group *group = &running->groups[i];
        bool stays = fence ? group->progress == PROGRESS_OPEN && decide_is_database(d, group->id)
                           : group->progress != PROGRESS_SWITCHED;
        if (stays && decide_step_covers(d, config, group->id))
            id_list_add(ret, group->id);
    }
}

static bool leaves_traffic_behind(struct deciding *d)
{
    const struct config_step *config = decide_config_step(d, d->command->step->id);
    bool fence = config && strcmp(config->type, "fence") == 0;
    bool switches = config && strcmp(config->type, "switch") == 0;
    struct id_list left = {.used = 0};
    if (!fence && !switches)
        return false;
    add_left(d, config, fence, &left);
    if (left.count == 0)
        return false;
    return !decide_refuse(d, 0,
        "step %s %s %s, which may not be left out: pilotlight retry %s tries it again, pilotlight "
        "abort goes back",
        config->id, fence ? "fences" : "switches", id_list_text(&left), config->id);
}

/* A promotion that was not tried yet is done at once where it is true already, so nobody needs to
 * skip it; one that failed may have been done by hand. */
static bool may_be_skipped(struct deciding *d)
{
    const char *id = d->command->step->id;
    enum step_status status = status_now(d);
    if (status == STEP_RUNNING || status == STEP_DONE)
        return decide_refuse(d, 0, "step %s is %s: only one that is not under way can be skipped",
            id, step_status_text(status));
    if (leaves_traffic_behind(d))
        return false;
    if (promotes(d) && status == STEP_WAITING)
        return decide_refuse(d, 0,
            "step %s promotes, and was not tried: let it run, it is done at once if that is so "
            "already",
            id);
    return true;
}

void decide_skip(struct deciding *d)
{
    if (!is_known_step(d))
        return;
    const char *id = d->command->step->id;
    if (status_now(d) == STEP_SKIPPED) {
        decide_nothing(d, "step %s is skipped already", id);
        return;
    }
    if (!may_be_skipped(d))
        return;
    bool promoting = promotes(d);
    struct transition_step *step = open_step(d);
    step->status = STEP_SKIPPED;
    step->ended = d->world->now;
    say(d, step, "skipped");
    if (promoting) { /* whoever skips it says that the new side is the primary */
        step->promotes = step->irreversible = true;
        decide_latch_old_region(d, decide_config_step(d, id));
    }
    struct failure words;
    failure_set(&words, 0, "step %s is skipped", id);
    go_on(d, words.text);
}

/* -- approve -- */

void decide_approve(struct deciding *d)
{
    if (!is_known_step(d))
        return;
    const char *id = d->command->step->id;
    if (status_now(d) != STEP_NEEDS_APPROVAL) {
        decide_refuse(d, 0, "step %s does not wait for approval: it is %s", id,
            step_status_text(status_now(d)));
        return;
    }
    struct transition_step *step = open_step(d);
    step->status = STEP_DONE;
    step->ended = d->world->now;
    say(d, step, "approved");
    struct failure words;
    failure_set(&words, 0, "step %s is approved", id);
    go_on(d, words.text);
}
