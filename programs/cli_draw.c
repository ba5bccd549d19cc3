/* On the good day a few lines: who, where to, how far. A line is put together as text first, then
 * made safe, cut where it must stay one line, and painted, so that no member of the record can
 * break the picture. */
#include "programs/cli_draw.h"

#include "base/json.h"
#include "base/memory.h"
#include "programs/cli_draw_parts.h"
#include "programs/cli_usual.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define BAR_SIZE 20

static void trim(char *text)
{
    for (size_t size = strlen(text); size > 0 && text[size - 1] == ' '; size--)
        text[size - 1] = '\0';
}

void draw_line(const struct page *page, enum paint paint, const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    if (vasprintf(&text, format, arguments) < 0)
        abort();
    va_end(arguments);
    char *safe = page_safe(text);
    if (page->cut)
        page_cut(safe, page->columns);
    trim(safe);
    page_paint(page, paint, safe);
    fputc('\n', page->out);
    free(safe);
    free(text);
}

const char *draw_text(const cJSON *object, const char *key, const char *fallback)
{
    const char *text = json_text(object, key);
    return text && *text ? text : fallback;
}

char *draw_title(const cJSON *transition)
{
    return memory_format(
        "%s to %s", draw_text(transition, "kind", "transition"), draw_text(transition, "to", "?"));
}

char *draw_target(const cJSON *transition)
{
    uint64_t target_ms;
    char time[PAGE_DURATION_SIZE];
    if (!json_integer(transition, "target_rto_ms", &target_ms))
        return memory_text("");
    page_duration(target_ms, time);
    return memory_format(" (target %s)", time);
}

static bool step_is(const cJSON *step, const char *status)
{
    return strcmp(draw_text(step, "status", ""), status) == 0;
}

bool draw_passed_over(const cJSON *step)
{
    return step_is(step, "unknown") && json_bool(step, "continue_on_failure", false);
}

char *draw_failed_steps(const cJSON *transition)
{
    char *names = NULL;
    const cJSON *step;
    cJSON_ArrayForEach(step, json_member(transition, "steps"))
    {
        if (!step_is(step, "failed") && !draw_passed_over(step))
            continue;
        const char *detail = draw_text(step, "detail", NULL);
        char *more = memory_format("%s%s%s%s%s%s", names ? names : "", names ? ", " : "",
            step->string, detail ? " (" : "", detail ? detail : "", detail ? ")" : "");
        free(names);
        names = more;
    }
    return names;
}

/* How long a step took, or has been running; "" and 0 when it has not begun. */
static uint64_t step_time(const struct page *page, const cJSON *step, char ret[PAGE_DURATION_SIZE])
{
    uint64_t ms;
    const cJSON *started = json_member(step, "started");
    ret[0] = '\0';
    if (!moment_span(started, json_member(step, "ended"), &ms) &&
        !(step_is(step, "running") && moment_age(started, &page->now, &ms)))
        return 0;
    page_duration(ms, ret);
    return ms;
}

static enum paint step_paint(const cJSON *step)
{
    if (step_is(step, "done"))
        return PAINT_GREEN;
    if (step_is(step, "failed"))
        return PAINT_RED;
    if (step_is(step, "running"))
        return PAINT_BOLD;
    if (step_is(step, "unknown") || step_is(step, "needs_approval"))
        return PAINT_YELLOW;
    return PAINT_DIM;
}

static void draw_step(const struct page *page, const cJSON *transition, const cJSON *history,
    const cJSON *step, int width)
{
    char time[PAGE_DURATION_SIZE];
    uint64_t elapsed_ms = step_time(page, step, time);
    char *usual = usual_text(history, transition, step, elapsed_ms, page->terminal);
    draw_line(page, step_paint(step), "  %-14s  %-*s  %8s  %s%s", draw_text(step, "status", "?"),
        width, step->string, time, usual, draw_text(step, "detail", ""));
    free(usual);
}

/* What counts towards the bar: steps that are over, or groups where there are no steps. */
static unsigned count_over(const cJSON *transition, unsigned *ret_all)
{
    unsigned over = 0;
    const cJSON *item;
    const cJSON *steps = json_member(transition, "steps");
    const cJSON *groups = json_member(transition, "groups");
    *ret_all = (unsigned)cJSON_GetArraySize(steps);
    cJSON_ArrayForEach(item, steps)
    {
        over += step_is(item, "done") || step_is(item, "skipped") || step_is(item, "failed") ||
                draw_passed_over(item);
    }
    if (*ret_all > 0)
        return over;
    *ret_all = (unsigned)cJSON_GetArraySize(groups);
    cJSON_ArrayForEach(item, groups)
    {
        over += cJSON_IsString(item) && strcmp(item->valuestring, "switched") == 0;
    }
    return over;
}

static void draw_head(const struct page *page, const cJSON *transition)
{
    char bar[BAR_SIZE + 1], time[PAGE_DURATION_SIZE] = "";
    char *target = draw_target(transition);
    unsigned all, over = count_over(transition, &all);
    unsigned filled = all ? over * BAR_SIZE / all : 0;
    uint64_t ms;
    const char *phase = draw_text(transition, "phase", "running");
    memset(bar, '-', BAR_SIZE);
    memset(bar, '#', filled);
    bar[BAR_SIZE] = '\0';
    if (moment_age(json_member(transition, "started"), &page->now, &ms))
        page_duration(ms, time);
    char *title = draw_title(transition);
    draw_line(page, strcmp(phase, "stopped") == 0 ? PAINT_RED : PAINT_BOLD,
        "%s: %s  [%s] %u of %u  %s%s", title, phase, bar, over, all, time, target);
    free(target);
    free(title);
}

/* Where to begin so that what is under way is seen when not all steps fit. */
static unsigned first_shown(const cJSON *steps, unsigned count, unsigned lines)
{
    unsigned first = 0;
    const cJSON *step;
    if (count <= lines)
        return 0;
    cJSON_ArrayForEach(step, steps)
    {
        if (!step_is(step, "done") && !step_is(step, "skipped"))
            break;
        first++;
    }
    return first < count - lines ? first : count - lines;
}

static int longest_name(const cJSON *objects)
{
    size_t longest = 0;
    const cJSON *item;
    cJSON_ArrayForEach(item, objects)
    {
        if (strlen(item->string) > longest)
            longest = strlen(item->string);
    }
    return (int)longest;
}

unsigned draw_transition(
    const struct page *page, const cJSON *transition, const cJSON *history, unsigned lines)
{
    const cJSON *item, *steps = json_member(transition, "steps");
    unsigned count = (unsigned)cJSON_GetArraySize(steps), drawn = 1, at = 0;
    unsigned first = first_shown(steps, count, lines);
    draw_head(page, transition);
    cJSON_ArrayForEach(item, steps)
    {
        if (at >= first && at < first + lines) {
            draw_step(page, transition, history, item, longest_name(steps));
            drawn++;
        }
        at++;
    }
    if (count > 0)
        return drawn;
    cJSON_ArrayForEach(item, json_member(transition, "groups"))
    {
        if (cJSON_IsString(item) && drawn <= lines) {
            draw_line(page, PAINT_NONE, "  %s: %s", item->string, item->valuestring);
            drawn++;
        }
    }
    return drawn;
}

static void print_clock(const struct page *page)
{
    if (strlen(page->now.wall) > 19)
        fprintf(page->out, "%.8sZ ", page->now.wall + 11);
}

static void draw_step_change(const struct page *page, const cJSON *before, const cJSON *step)
{
    char time[PAGE_DURATION_SIZE];
    const char *status = draw_text(step, "status", "?"), *detail = draw_text(step, "detail", "");
    bool waits = !before && strcmp(status, "waiting") == 0;
    if (waits || (before && strcmp(draw_text(before, "status", "?"), status) == 0 &&
                     strcmp(draw_text(before, "detail", ""), detail) == 0))
        return;
    step_time(page, step, time);
    if (step_is(step, "running"))
        time[0] = '\0';
    print_clock(page);
    draw_line(page, PAINT_NONE, "%s: %s%s%s%s%s", step->string, status, *time ? " after " : "",
        time, *detail ? ": " : "", detail);
}

void draw_changes(const struct page *page, const cJSON *before, const cJSON *after)
{
    const cJSON *item, *groups = json_member(before, "groups");
    cJSON_ArrayForEach(item, json_member(after, "groups"))
    {
        const char *was = draw_text(groups, item->string, "open");
        if (!cJSON_IsString(item) || strcmp(was, item->valuestring) == 0)
            continue;
        print_clock(page);
        draw_line(page, PAINT_NONE, "%s: %s", item->string, item->valuestring);
    }
    cJSON_ArrayForEach(item, json_member(after, "steps"))
    {
        draw_step_change(page, json_member(json_member(before, "steps"), item->string), item);
    }
}

static void draw_past(const struct page *page, const cJSON *past)
{
    char took[PAGE_DURATION_SIZE] = "?";
    uint64_t ms;
    const char *result = draw_text(past, "result", "?"), *error = draw_text(past, "error", NULL);
    const char *wall = moment_wall(json_member(past, "started"));
    const char *reason = draw_text(past, "reason", NULL);
    if (moment_span(json_member(past, "started"), json_member(past, "ended"), &ms))
        page_duration(ms, took);
    char *title = draw_title(past), *target = draw_target(past);
    draw_line(page, strcmp(result, "done") == 0 ? PAINT_NONE : PAINT_YELLOW,
        "%s  %s, %s%s%s after %s%s, by %s%s%s", wall ? wall : "?", title, result, error ? ": " : "",
        error ? error : "", took, target, draw_text(past, "by", "?"), reason ? ": " : "",
        reason ? reason : "");
    free(target);
    free(title);
}

static void draw_past_parts(const struct page *page, const cJSON *past)
{
    const cJSON *item, *from = json_member(past, "from");
    char time[PAGE_DURATION_SIZE];
    uint64_t lag_ms;
    cJSON_ArrayForEach(item, json_member(past, "groups"))
    {
        if (cJSON_IsString(item))
            draw_line(page, PAINT_NONE, "    %s from %s: %s", item->string,
                draw_text(from, item->string, "undecided"), item->valuestring);
    }
    if (json_integer(past, "lag_ms", &lag_ms)) {
        page_duration(lag_ms, time);
        draw_line(page, PAINT_NONE, "    replica lag at the switch: %s", time);
    }
    cJSON_ArrayForEach(item, json_member(past, "steps"))
    {
        const char *detail = draw_text(item, "detail", "");
        step_time(page, item, time);
        draw_line(page, PAINT_NONE, "    step %s: %s%s%s%s%s", item->string,
            draw_text(item, "status", "?"), *time ? " after " : "", time, *detail ? ": " : "",
            detail);
    }
}

void draw_history(const struct page *page, const cJSON *history)
{
    const cJSON *list = json_member(history, "history"), *past;
    if (cJSON_GetArraySize(list) == 0)
        draw_line(page, PAINT_NONE, "nothing was ever switched on this host");
    cJSON_ArrayForEach(past, list)
    {
        draw_past(page, past);
        draw_past_parts(page, past);
    }
}
