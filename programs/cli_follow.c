/* On the good day: status after status until the transition is found in the history.
 *
 * A daemon that restarts in the middle is found again (watch), for the record knows the transition.
 * One that stopped needs a person: that is said at once. */
#include "programs/cli_follow.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"
#include "programs/cli_draw.h"
#include "programs/cli_watch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define TICK_MS 1000      /* how often elapsed times are drawn again */
#define GOES_BACK_MS 2000 /* a switchover that failed is given so long to abort by itself */

enum progress { PROGRESS_RUNNING, PROGRESS_HALTED, PROGRESS_OVER, PROGRESS_LOST };

struct follow {
    struct page page;
    char *id; /* NULL: none known yet */
    bool any_end;
    cJSON *status;
    const cJSON *transition; /* ours, inside `status`; NULL: not there */
    cJSON *shown;            /* as it was when lines were last printed */
    unsigned drawn;          /* lines of the picture on the terminal */
    uint64_t halted_ms;      /* since when it is seen to have stopped; 0: it has not */
};

static bool has_id(const cJSON *transition, const char *id)
{
    const char *its = json_text(transition, "id");
    return its && id && strcmp(its, id) == 0;
}

/* Finds our transition in the status. */
static enum progress judge(struct follow *follow)
{
    const cJSON *state = json_member(follow->status, "state");
    const cJSON *running = json_member(state, "transition"), *past;
    follow->transition = NULL;
    if (cJSON_IsObject(running) && has_id(running, follow->id)) {
        const char *phase = json_text(running, "phase");
        follow->transition = running;
        return phase && strcmp(phase, "stopped") == 0 ? PROGRESS_HALTED : PROGRESS_RUNNING;
    }
    cJSON_ArrayForEach(past, json_member(state, "history"))
    {
        if (has_id(past, follow->id))
            follow->transition = past;
    }
    return follow->transition ? PROGRESS_OVER : PROGRESS_LOST;
}

static void rub_out(struct follow *follow)
{
    if (follow->drawn > 0)
        fprintf(follow->page.out, "\033[%uA\033[J", follow->drawn);
    follow->drawn = 0;
}

static void show(struct follow *follow)
{
    struct page *page = &follow->page;
    const cJSON *history = json_member(json_member(follow->status, "state"), "history");
    *page = page_of(page->out);
    page->cut = page->terminal;
    if (page->terminal) {
        unsigned room = page->rows > 6 ? page->rows - 4 : 2;
        rub_out(follow);
        if (follow->transition)
            follow->drawn = draw_transition(page, follow->transition, history, room);
    } else if (follow->transition) {
        draw_changes(page, follow->shown, follow->transition);
        cJSON_Delete(follow->shown);
        follow->shown = cJSON_Duplicate(follow->transition, true);
    }
    fflush(page->out);
}

/* An outcome as the daemon's own, so that --json says the same whoever waited. */
static void succeed(const struct follow *follow, char *words, struct reply *ret)
{
    uint64_t number;
    const cJSON *state = json_member(follow->status, "state");
    cJSON *outcome = cJSON_CreateObject();
    reply_fini(ret);
    cJSON_AddNumberToObject(outcome, "status", EXIT_STATUS_DONE);
    cJSON_AddBoolToObject(outcome, "changed", follow->id != NULL);
    cJSON_AddBoolToObject(outcome, "running", false);
    cJSON_AddItemToObject(
        outcome, "transition", follow->id ? cJSON_CreateString(follow->id) : cJSON_CreateNull());
    if (json_integer(state, "revision", &number))
        cJSON_AddNumberToObject(outcome, "revision", (double)number);
    if (json_integer(state, "epoch", &number))
        cJSON_AddNumberToObject(outcome, "epoch", (double)number);
    cJSON_AddStringToObject(outcome, "message", words);
    failure_set(&ret->words, 0, "%s", words);
    ret->message = outcome;
    ret->result = outcome;
    free(words);
}

static void report_over(const struct follow *follow, struct reply *ret)
{
    const cJSON *past = follow->transition;
    char took[PAGE_DURATION_SIZE] = "";
    uint64_t ms;
    const char *result = json_text(past, "result"), *error = json_text(past, "error");
    bool done = result && strcmp(result, "done") == 0;
    if (moment_span(json_member(past, "started"), json_member(past, "ended"), &ms))
        page_duration(ms, took);
    char *title = draw_title(past);
    char *failed = draw_failed_steps(past), *target = draw_target(past);
    char *words = memory_format("%s: %s%s%s%s%s%s%s%s", title, result ? result : "over",
        *took ? " after " : "", took, target, error ? ": " : "", error ? error : "",
        failed ? "; steps that failed: " : "", failed ? failed : "");
    free(target);
    free(title);
    free(failed);
    if (done || follow->any_end) {
        succeed(follow, words, ret);
        return;
    }
    reply_fail(ret, EXIT_STATUS_FAILED, "%s", words);
    free(words);
}

static void report_stopped(const struct follow *follow, struct reply *ret)
{
    const cJSON *step;
    char *title = draw_title(follow->transition);
    char *failed = draw_failed_steps(follow->transition);
    const char *waits = NULL;
    bool asks = false;
    cJSON_ArrayForEach(step, json_member(follow->transition, "steps"))
    {
        const char *status = json_text(step, "status");
        if (status && (strcmp(status, "needs_approval") == 0 || strcmp(status, "unknown") == 0) &&
            !draw_passed_over(step))
            waits = step->string;
        asks |= status && strcmp(status, "needs_approval") == 0;
    }
    reply_fail(ret, EXIT_STATUS_FAILED,
        "%s has stopped%s%s%s%s. What is fenced stays fenced; \"pilotlight %s\" goes on, "
        "\"pilotlight abort\" goes back while that is possible, \"pilotlight status\" shows where "
        "it stands",
        title, failed ? ", failed: " : "", failed ? failed : "",
        waits ? ", waits for a person at step " : "", waits ? waits : "",
        asks ? "approve STEP" : "retry\" or \"pilotlight skip STEP");
    free(title);
    free(failed);
}

/* A switchover in which a step failed, and nothing irreversible was intended, stops only for the
 * moment until whoever drives it has ended it. */
static bool goes_back(struct follow *follow)
{
    const cJSON *step;
    const char *kind = json_text(follow->transition, "kind");
    bool failed = false, is_planned = kind && strcmp(kind, "switchover") == 0;
    if (follow->halted_ms == 0)
        follow->halted_ms = clock_boot_ms();
    cJSON_ArrayForEach(step, json_member(follow->transition, "steps"))
    {
        const char *status = json_text(step, "status");
        failed |= status && strcmp(status, "failed") == 0;
        if (json_bool(step, "promotes", false) || json_bool(step, "irreversible", false))
            return false;
    }
    return is_planned && failed && clock_boot_ms() - follow->halted_ms < GOES_BACK_MS;
}

/* Whether there is no more to wait for; `ret` says how it ended. */
static bool has_ended(struct follow *follow, struct reply *ret)
{
    switch (judge(follow)) {
    case PROGRESS_RUNNING:
        show(follow);
        follow->halted_ms = 0;
        return false;
    case PROGRESS_HALTED:
        show(follow);
        if (goes_back(follow))
            return false;
        report_stopped(follow, ret);
        return true;
    case PROGRESS_OVER:
        show(follow);
        report_over(follow, ret);
        return true;
    default:
        rub_out(follow);
        reply_fail(ret, EXIT_STATUS_FAILED,
            "the record does not know transition %s any more; see \"pilotlight status\"",
            follow->id);
        return true;
    }
}

static void wait_for_end(struct follow *follow, struct watch *watch, struct reply *ret)
{
    uint64_t deadline_ms = watch->session->deadline_ms;
    while (!has_ended(follow, ret)) {
        cJSON *next;
        uint64_t tick_ms = clock_boot_ms() + TICK_MS;
        int status =
            watch_next(watch, tick_ms < deadline_ms ? tick_ms : deadline_ms, deadline_ms, &next);
        if (status == 0) {
            cJSON_Delete(follow->status);
            follow->status = next;
        } else if (status == -ECONNRESET || clock_boot_ms() >= deadline_ms) {
            reply_fail(ret, EXIT_STATUS_TIMEOUT, "%s; the work goes on: \"pilotlight wait\"",
                status == -ECONNRESET ? "the daemon went away and did not come back in time"
                                      : "timed out waiting for the transition");
            return;
        }
    }
}

void follow_transition(
    struct session *session, const char *id, bool any_end, FILE *progress, struct reply *ret)
{
    struct watch watch;
    struct follow follow = {.page = page_of(progress), .any_end = any_end};
    if (watch_start(&watch, session, &follow.status, ret) < 0)
        return;
    const cJSON *running = json_member(json_member(follow.status, "state"), "transition");
    if (!id)
        id = json_text(running, "id");
    if (id) {
        follow.id = memory_text(id);
        wait_for_end(&follow, &watch, ret);
    } else {
        succeed(&follow, memory_text("no transition runs"), ret);
    }
    free(follow.id);
    cJSON_Delete(follow.shown);
    cJSON_Delete(follow.status);
}
