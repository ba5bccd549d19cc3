/* step: what is true of a step now.
 *
 * Whoever drives the transition says what it is about to do before it does it, so the record knows
 * at any moment whether there is a way back, and latches the old region before a promotion. */
#include "failover/decide_parts.h"

#include <stdlib.h>
#include <string.h>

static bool is_over(enum step_status status)
{
    return status == STEP_DONE || status == STEP_FAILED || status == STEP_SKIPPED ||
           status == STEP_UNKNOWN;
}

/* Whether a step in this status has acted, or was about to. One that failed says nothing of it: it
 * did if it was running before, and the record remembers that. */
static bool has_acted(enum step_status status)
{
    return status == STEP_RUNNING || status == STEP_DONE || status == STEP_UNKNOWN;
}

/* Whoever reports need not keep the times: a step that begins, or begins again, starts now. */
static void set_times(
    struct transition_step *step, const struct transition_step *report, const struct moment *now)
{
    bool begins = report->attempt ? report->attempt != step->attempt
                                  : report->status == STEP_RUNNING && step->status != STEP_RUNNING;
    bool ends = is_over(report->status) && (begins || report->status != step->status);
    if (begins)
        step->attempt = report->attempt ? report->attempt : step->attempt + 1;
    if (begins || (ends && !step->started.wall[0]))
        step->started = *now;
    if (ends)
        step->ended = *now;
    else if (!is_over(report->status))
        step->ended = (struct moment){.boot_ms = 0};
    if (report->started.wall[0])
        step->started = report->started;
    if (report->ended.wall[0])
        step->ended = report->ended;
}

/* A retry or a skip: what stopped the transition before is over. */
static bool goes_on(enum step_status status)
{
    return status == STEP_WAITING || status == STEP_RUNNING || status == STEP_SKIPPED;
}

static void set_text(char **to, const char *text, size_t max)
{
    free(*to);
    *to = decide_cut(text, max);
}

static void set_step(struct transition_step *step, const struct transition_step *report,
    const struct config_step *config, const struct moment *now)
{
    bool acted = has_acted(report->status);
    set_times(step, report, now);
    step->status = report->status;
    step->promotes |= acted && (report->promotes || (config && config->promotes));
    step->irreversible |= acted && (report->irreversible || (config && config->irreversible));
    step->continue_on_failure =
        report->continue_on_failure || (config && config->continue_on_failure);
    if (report->has_lag) {
        step->has_lag = true;
        step->lag_ms = report->lag_ms;
    }
    set_text(&step->detail, report->detail, STATE_DETAIL_MAX);
    set_text(&step->aws_code, report->aws_code, STATE_WORD_MAX);
    set_text(&step->aws_request_id, report->aws_request_id, STATE_WORD_MAX);
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

static bool same_moment(const struct moment *a, const struct moment *b)
{
    return a->boot_ms == b->boot_ms && strcmp(a->wall, b->wall) == 0;
}

static bool same_step(const struct transition_step *a, const struct transition_step *b)
{
    return a->status == b->status && a->attempt == b->attempt && a->promotes == b->promotes &&
           a->irreversible == b->irreversible && a->continue_on_failure == b->continue_on_failure &&
           a->has_lag == b->has_lag && a->lag_ms == b->lag_ms &&
           same_moment(&a->started, &b->started) && same_moment(&a->ended, &b->ended) &&
           same_text(a->detail, b->detail) && same_text(a->aws_code, b->aws_code) &&
           same_text(a->aws_request_id, b->aws_request_id);
}

/* Of several databases the one that is furthest behind counts: what is lost must not be
 * understated.
 */
static void set_lag(struct transition *running)
{
    running->lag_ms = -1;
    for (size_t i = 0; i < running->step_count; i++) {
        const struct transition_step *step = &running->steps[i];
        if (step->has_lag && (int64_t)step->lag_ms > running->lag_ms)
            running->lag_ms = (int64_t)step->lag_ms;
    }
}

/* Whoever drives may have looked before a person spoke. */
static bool was_said_otherwise(
    const struct transition_step *before, const struct transition_step *report)
{
    return before && ((before->status == STEP_SKIPPED && report->status != STEP_SKIPPED) ||
                         (before->status == STEP_DONE && report->status == STEP_NEEDS_APPROVAL));
}

void decide_step(struct deciding *d)
{
    const struct transition_step *report = d->command->step;
    const struct transition_step *before = transition_find_step(d->now->transition, report->id);
    if (!report->id[0]) {
        decide_usage(d, "say which step");
        return;
    }
    if (was_said_otherwise(before, report)) {
        decide_refuse(d, 0, "step %s is %s: it is not carried out any more", before->id,
            step_status_text(before->status));
        return;
    }
    if (!before && d->now->transition->step_count >= STATE_STEPS_MAX) {
        decide_refuse(d, 0, "a transition has at most %d steps", STATE_STEPS_MAX);
        return;
    }
    decide_open(d);
    struct transition *running = d->next->transition;
    const struct config_step *config = decide_config_step(d, report->id);
    struct transition_step *step = transition_add_step(running, report->id);
    set_step(step, report, config, &d->world->now);
    set_lag(running);
    bool resumes = running->error && goes_on(report->status);
    if (before && !resumes && same_step(before, step)) {
        decide_nothing(d, "step %s is %s already", step->id, step_status_text(step->status));
        return;
    }
    if (has_acted(report->status) && step->promotes)
        decide_latch_old_region(d, config);
    if (resumes) {
        free(running->error);
        running->error = NULL;
    }
    decide_add_request(d, running);
    decide_change(d, "step %s is %s", step->id, step_status_text(step->status));
}
