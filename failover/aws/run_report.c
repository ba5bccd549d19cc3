/* What a run writes into the record: news, the intent, the end.
 *
 * Each write is an fsync of the daemon's and a status to everybody, so words are only written when
 * they are others, and at most once a second. Intent and end are written until the daemon has them.
 */
#include "failover/aws/run_parts.h"

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "base/utf8.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct report {
    struct run *run;
    enum step_status status;
    enum run_phase phase; /* in which it was sent: what it is for */
    char *words;
};

void run_set_words(struct run *run, const char *words, const char *more)
{
    char text[sizeof run->words];
    bool both = more && *more;
    snprintf(text, sizeof text, "%s%s%s", words, both ? ": " : "", both ? more : "");
    utf8_mend(text);
    memcpy(run->words, text, strlen(text) + 1);
}

static cJSON *print_report(const struct run *run, enum step_status status)
{
    const struct config_step *given = run->step.given;
    cJSON *params = cJSON_CreateObject();
    cJSON_AddStringToObject(params, "transition", run->step.transition);
    cJSON_AddStringToObject(params, "step", given->id);
    cJSON_AddStringToObject(params, "status", step_status_text(status));
    cJSON_AddStringToObject(params, "detail", run->words);
    cJSON_AddBoolToObject(params, "promotes", given->promotes);
    cJSON_AddBoolToObject(params, "irreversible", given->irreversible);
    cJSON_AddBoolToObject(params, "continue_on_failure", given->continue_on_failure);
    if (status != STEP_WAITING) /* an attempt begins the step */
        cJSON_AddNumberToObject(params, "attempt", run->step.attempt);
    if (run->lag_ms >= 0)
        cJSON_AddNumberToObject(params, "lag_ms", (double)run->lag_ms);
    if (run->aws_code[0]) {
        cJSON *aws = cJSON_AddObjectToObject(params, "aws");
        cJSON_AddStringToObject(aws, "code", run->aws_code);
        json_add_text(aws, "request_id", run->aws_request_id[0] ? run->aws_request_id : NULL);
    }
    return params;
}

static void on_news_due(uv_timer_t *timer)
{
    run_report_news(timer->data);
}

static void on_again(uv_timer_t *timer)
{
    run_report_end(timer->data);
}

static void intend_failed(struct run *run, const char *words)
{
    log_warning(
        "intent_not_written", LOG_TEXT("step", run->step.given->id), LOG_TEXT("why", words));
    run->phase = RUN_PAUSES;
    run_pause(run, RUN_AGAIN_MS);
}

static void end_failed(struct run *run, const char *words)
{
    log_warning("end_not_written", LOG_TEXT("step", run->step.given->id), LOG_TEXT("why", words));
    uv_timer_start(&run->pause, on_again, RUN_AGAIN_MS, 0);
}

/* Whoever was stopped for a while may not be the one that drives any more: the daemon says, once
 * more. Twice is enough, for its disk may be slow. */
static void intended(struct run *run)
{
    bool is_stale = clock_boot_ms() - run->told_ms > RUN_INTENT_MS;
    run->intended_again = is_stale && !run->intended_again;
    if (run->intended_again)
        run_report_intent(run);
    else
        run_act(run);
}

static void written(struct run *run, struct report *report, const cJSON *result)
{
    uint64_t revision = 0;
    json_integer(result, "revision", &revision);
    run->told = report->status;
    free(run->told_words);
    run->told_words = report->words;
    report->words = NULL;
    bool over = report->phase == RUN_REPORTS;
    if (over)
        log_info("step_over", LOG_TEXT("transition", run->step.transition),
            LOG_TEXT("step", run->step.given->id), LOG_NUMBER("attempt", run->step.attempt),
            LOG_TEXT("status", step_status_text(report->status)),
            LOG_TEXT("words", run->told_words), LOG_TEXT("aws_code", run->aws_code),
            LOG_TEXT("request_id", run->aws_request_id));
    run->owner.reported(run->owner.context, run, revision, over);
}

/* The run may have gone on meanwhile: to its end by a timeout, or out of our hands. */
static void go_on(struct run *run, enum run_phase sent_in, int status, const char *words)
{
    bool is_news = sent_in != RUN_INTENDS && sent_in != RUN_REPORTS;
    if (is_news)
        run_report_news(run);
    else if (run->phase != sent_in)
        return;
    else if (sent_in == RUN_INTENDS && status == 0)
        intended(run);
    else if (sent_in == RUN_INTENDS)
        intend_failed(run, words);
    else if (status != 0)
        end_failed(run, words);
}

static void on_reply(void *context, int status, const char *words, const cJSON *result)
{
    struct report *report = context;
    struct run *run = report->run;
    if (report->phase != RUN_INTENDS && report->phase != RUN_REPORTS)
        run->telling = false;
    if (run->phase != RUN_DROPPED && status == 0)
        written(run, report, result);
    if (run->phase != RUN_DROPPED)
        go_on(run, report->phase, status, words);
    free(report->words);
    free(report);
    run_release(run);
}

static void send_report(struct run *run, enum step_status status)
{
    struct report *report = memory_new(sizeof *report);
    *report = (struct report){
        .run = run, .status = status, .phase = run->phase, .words = memory_text(run->words)};
    run->told_ms = clock_boot_ms();
    run->open++;
    run->owner.call(run->owner.context, "step", print_report(run, status), on_reply, report);
}

/* A step that cannot be undone and has only been looked at has not begun. */
static enum step_status status_of(const struct run *run)
{
    const struct config_step *given = run->step.given;
    bool begun = run->told == STEP_RUNNING || run->step.acted;
    if (run->phase == RUN_ASKS)
        return STEP_NEEDS_APPROVAL;
    return begun || !(given->promotes || given->irreversible) ? STEP_RUNNING : STEP_WAITING;
}

void run_report_news(struct run *run)
{
    enum step_status status = status_of(run);
    bool same = run->told_words && strcmp(run->told_words, run->words) == 0;
    uint64_t since_ms = clock_boot_ms() - run->told_ms;
    if (run->stopped || run->telling || (same && status == run->told) ||
        run->phase == RUN_INTENDS || run->phase == RUN_REPORTS)
        return;
    if (run->told_ms && since_ms < RUN_AGAIN_MS) {
        uv_timer_start(&run->news, on_news_due, RUN_AGAIN_MS - since_ms, 0);
        return;
    }
    run->telling = true;
    send_report(run, status);
}

void run_report_intent(struct run *run)
{
    run->phase = RUN_INTENDS;
    send_report(run, STEP_RUNNING);
}

void run_report_end(struct run *run)
{
    send_report(run, run->end);
}
