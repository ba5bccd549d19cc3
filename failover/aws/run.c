/* The life of a step: which look or act follows which. What the kinds see is in run_host.c, what
 * the record hears in run_report.c. */
#include "failover/aws/run_parts.h"

#include "base/log.h"
#include "base/memory.h"
#include "failover/aws/runbook.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void free_run(struct run *run)
{
    config_unref(run->config);
    free(run->step.memory);
    free(run->told_words);
    free(run);
}

void run_release(struct run *run)
{
    if (--run->open == 0)
        free_run(run);
}

static void finish(struct run *run, enum step_status status)
{
    run->phase = RUN_REPORTS;
    run->end = status;
    uv_timer_stop(&run->pause);
    uv_timer_stop(&run->news);
    run_report_end(run);
}

void run_look(struct run *run)
{
    run->phase = RUN_PAUSES;
    uv_timer_stop(&run->pause); /* a record's news may come before its end */
    if (!run_gate_enter(run))
        return;
    run->phase = RUN_LOOKS;
    run->step.kind->look(&run->step);
}

void run_act(struct run *run)
{
    run->phase = RUN_ACTS;
    run->acted_before = run->step.acted;
    run->acts_refused = run->acts_unclear = false;
    run->must_looks = 0;
    run->step.acted = true;
    log_info("step_acts", LOG_TEXT("transition", run->step.transition),
        LOG_TEXT("step", run->step.given->id), LOG_NUMBER("attempt", run->step.attempt),
        LOG_TEXT("words", run->words));
    run->step.kind->act(&run->step);
}

static void on_pause_over(uv_timer_t *timer)
{
    run_look(timer->data);
}

void run_pause(struct run *run, uint64_t pause_ms)
{
    run->phase = RUN_PAUSES;
    uv_timer_start(&run->pause, on_pause_over, pause_ms, 0);
    run_report_news(run);
}

static void look_again(struct run *run)
{
    run_pause(run, run->config->aws.poll_interval_ms);
}

/* An act that may have been done shows late: only looks in a row that all ask for it count. */
static void want_act(struct run *run)
{
    const struct step_kind *kind = run->step.kind;
    unsigned looks = run->acts_taken ? STEP_SETTLED_TAKEN : STEP_SETTLED;
    bool settled = !run->step.acted || kind->prompt || run->must_looks >= looks;
    if (run->stopped || !settled) {
        look_again(run);
    } else if (run->step.acted && kind->unrepeatable) {
        run_set_words(run, "it was begun, and nobody knows what became of it", run->words);
        finish(run, STEP_UNKNOWN);
    } else {
        run_report_intent(run);
    }
}

static void looked(struct run *run, enum step_end end)
{
    unsigned confirm = run->step.kind->confirm ? run->step.kind->confirm : 1;
    run->goal_looks = end == STEP_END_DONE ? run->goal_looks + 1 : 0;
    run->must_looks = end == STEP_END_MUST ? run->must_looks + 1 : 0;
    if (end == STEP_END_DONE && run->goal_looks >= confirm) {
        finish(run, STEP_DONE);
    } else if (end == STEP_END_MUST) {
        want_act(run);
    } else if (end == STEP_END_FAIL) {
        finish(run, STEP_FAILED);
    } else if (end == STEP_END_UNKNOWN) {
        finish(run, STEP_UNKNOWN);
    } else if (end == STEP_END_ASK) {
        run->phase = RUN_ASKS;
        run_report_news(run);
    } else {
        look_again(run);
    }
}

/* One that only waits, and called nothing that acts, has not acted. */
static void acted(struct run *run, enum step_end end)
{
    bool refrained = run->acts_refused || end == STEP_END_WAIT;
    run->step.acted = run->acted_before || run->acts_unclear || !refrained;
    if (end == STEP_END_DONE)
        finish(run, STEP_DONE);
    else if (end == STEP_END_FAIL)
        finish(run, STEP_FAILED);
    else if (end == STEP_END_UNKNOWN)
        finish(run, STEP_UNKNOWN);
    else
        look_again(run);
}

void run_ended(struct run *run, enum step_end end)
{
    assert(run->phase == RUN_LOOKS || run->phase == RUN_ACTS);
    run_gate_leave(run);
    if (run->phase == RUN_LOOKS)
        looked(run, end);
    else
        acted(run, end);
}

static void format_duration(uint64_t ms, char *ret, size_t size)
{
    static const struct {
        uint64_t ms;
        const char *unit;
    } units[] = {{3600000, "h"}, {60000, "m"}, {1000, "s"}, {1, "ms"}};
    size_t i = 0;
    while (ms % units[i].ms != 0)
        i++;
    snprintf(ret, size, "%" PRIu64 "%s", ms / units[i].ms, units[i].unit);
}

static uint64_t timeout_of(const struct step *step)
{
    if (step->given->timeout_ms)
        return step->given->timeout_ms;
    return step->kind->timeout_ms ? step->kind->timeout_ms : STEP_TIMEOUT_MS;
}

static void on_deadline(uv_timer_t *timer)
{
    struct run *run = timer->data;
    char after[32], words[64], last[STATE_DETAIL_MAX + 1];
    if (run->phase == RUN_REPORTS)
        return;
    format_duration(timeout_of(&run->step), after, sizeof after);
    snprintf(words, sizeof words, "timed out after %s", after);
    memcpy(last, run->words, sizeof last);
    run_set_words(run, words, last);
    run_cut(run);
    finish(run, STEP_FAILED);
}

/* From when it was begun, whoever began it. What came true while nobody was there to look is seen
 * all the same: there is time for as many looks as the goal wants. */
static void start_deadline(struct run *run, const struct transition_step *recorded)
{
    uint64_t timeout_ms = timeout_of(&run->step), since_ms = 0;
    uint64_t least_ms = (STEP_SETTLED + 1) * run->config->aws.poll_interval_ms;
    struct moment now = clock_now();
    if (timeout_ms == STEP_FOR_EVER)
        return;
    if (recorded && recorded->status != STEP_WAITING && recorded->started.wall[0])
        since_ms = clock_since_ms(&recorded->started, &now);
    if (least_ms > timeout_ms)
        least_ms = timeout_ms;
    bool is_short = since_ms + least_ms > timeout_ms;
    uv_timer_start(&run->deadline, on_deadline, is_short ? least_ms : timeout_ms - since_ms, 0);
}

/* What the record says that the kinds want to know. */
static void set_facts(struct run *run, const struct state *state)
{
    struct step *step = &run->step;
    unsigned fenced = 0, databases = 0, switched = 0;
    for (size_t i = 0; i < step->given->group_count; i++) {
        const struct config_group *group = &run->config->groups[step->given->groups[i]];
        const struct state_group *entry = state_find_group(state, group->id);
        const struct transition_group *member = transition_find_group(state->transition, group->id);
        switched += member && member->progress == PROGRESS_SWITCHED;
        databases += group->has_database;
        if (!group->has_database || !entry || !entry->fenced)
            continue;
        if (fenced++ == 0 || strcmp(entry->fenced_at.wall, step->fenced_at.wall) > 0)
            step->fenced_at = entry->fenced_at;
    }
    step->fenced = databases > 0 && fenced == databases;
    step->switched = switched == step->given->group_count;
    run->stopped = state->transition->error != NULL;
}

/* A report may be in the record whose reply we never had. */
static void believe(struct run *run, const struct transition_step *recorded)
{
    run->told = recorded->status;
    run->step.started = recorded->started;
    free(run->told_words);
    run->told_words = memory_text(recorded->detail);
}

static void init_step(struct run *run, const struct run_options *options)
{
    const struct transition *transition = options->state->transition;
    const struct transition_step *recorded = transition_find_step(transition, options->given->id);
    bool began = recorded && recorded->status != STEP_WAITING;
    run->step = (struct step){.kind = options->kind,
        .given = options->given,
        .parameters = options->given->parameters,
        .config = options->config,
        .region = options->region,
        .purpose = STEP_CARRY_OUT,
        .host = &run->host,
        .loop = options->loop,
        .planned = transition->kind == TRANSITION_SWITCHOVER,
        .force = options->force,
        .attempt = recorded ? recorded->attempt + !began : 1,
        .acted = recorded && recorded->status == STEP_RUNNING};
    memcpy(run->step.transition, transition->id, sizeof run->step.transition);
    const struct transition_group *first =
        transition_find_group(transition, options->config->groups[options->given->groups[0]].id);
    if (first)
        memcpy(run->step.from, first->from, sizeof first->from);
    if (began)
        believe(run, recorded);
}

struct run *run_new(const struct run_options *options)
{
    struct run *run = memory_new(sizeof *run);
    run->loop = options->loop;
    run->config = config_ref(options->config);
    run->aws = options->aws;
    run->gate = options->gate;
    run->owner = options->owner;
    run->lag_ms = -1;
    run->told = STEP_WAITING;
    run_host_init(run);
    init_step(run, options);
    set_facts(run, options->state);
    uv_timer_t *timers[] = {&run->pause, &run->deadline, &run->news};
    for (size_t i = 0; i < sizeof timers / sizeof *timers; i++) {
        uv_timer_init(&run->loop->uv, timers[i]);
        timers[i]->data = run;
        run->open++;
    }
    start_deadline(run, transition_find_step(options->state->transition, options->given->id));
    run_look(run);
    return run;
}

bool run_follow(struct run *run, const struct state *state)
{
    const struct transition_step *recorded =
        transition_find_step(state->transition, run->step.given->id);
    enum step_status status = recorded ? recorded->status : STEP_WAITING;
    bool begun = status == STEP_RUNNING || status == STEP_NEEDS_APPROVAL;
    if (status == STEP_WAITING ? run->told != STEP_WAITING
                               : !begun || recorded->attempt != run->step.attempt)
        return false;
    set_facts(run, state);
    if (begun)
        believe(run, recorded);
    if (run->phase == RUN_PAUSES && run->step.kind->prompt)
        run_look(run);
    else if (run->phase == RUN_ASKS)
        run_report_news(run); /* not heard while the line was broken, or the transition stopped */
    return run->phase == RUN_REPORTS || !run->stopped || begun;
}

static void on_timer_closed(uv_handle_t *handle)
{
    run_release(handle->data);
}

void run_drop(struct run *run)
{
    run_cut(run);
    run->phase = RUN_DROPPED;
    uv_close((uv_handle_t *)&run->pause, on_timer_closed);
    uv_close((uv_handle_t *)&run->deadline, on_timer_closed);
    uv_close((uv_handle_t *)&run->news, on_timer_closed);
}

void run_stop(struct run *run)
{
    run->stopped = true;
}

const struct config_step *run_step(const struct run *run)
{
    return run->step.given;
}
