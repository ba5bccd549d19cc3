/* On the good day a standby is looked at now and then and found ready, in silence.
 *
 * While a transition runs nothing is looked at: the region's day has come. A reload may change
 * which regions there are while one is looked at; then what was found is nobody's. */
#include "failover/ready_schedule.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"

#include <stdlib.h>
#include <string.h>

struct scheduled {
    struct ready_schedule *schedule;
    state_id region;   /* "": none */
    uint64_t every_ms; /* 0: never */
    uint64_t due_ms;
    bool asked; /* it is looked at */
    bool stale; /* and what is found is not of this region any more */
    bool known, ready;
    unsigned counts[3]; /* pass, warn, fail */
    uint64_t found_ms;
};

struct ready_schedule {
    struct ready *ready;
    struct keeper *keeper;
    uv_timer_t timer;
    bool closing;
    struct scheduled regions[CONFIG_REGIONS_MAX];
    loop_call *freed;
    void *context;
};

static const char *const statuses[] = {"pass", "warn", "fail"};

static void on_time(uv_timer_t *timer);

static void arm(struct ready_schedule *schedule)
{
    uint64_t now_ms = clock_boot_ms(), due_ms = UINT64_MAX;
    if (schedule->closing)
        return;
    uv_timer_stop(&schedule->timer);
    for (size_t i = 0; i < CONFIG_REGIONS_MAX; i++) {
        const struct scheduled *each = &schedule->regions[i];
        if (each->every_ms > 0 && !each->asked && each->due_ms < due_ms)
            due_ms = each->due_ms;
    }
    if (due_ms < UINT64_MAX)
        uv_timer_start(&schedule->timer, on_time, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

/* The first row that fails, for the log. */
static const char *count_rows(const cJSON *document, unsigned counts[3])
{
    const char *first = NULL;
    const cJSON *row;
    memset(counts, 0, 3 * sizeof *counts);
    cJSON_ArrayForEach(row, json_member(document, "rows"))
    {
        const char *status = json_text(row, "status");
        for (size_t i = 0; i < 3; i++)
            counts[i] += strcmp(status, statuses[i]) == 0;
        if (!first && strcmp(status, "fail") == 0)
            first = json_text(row, "words");
    }
    return first;
}

static void take(struct scheduled *each, const cJSON *document)
{
    unsigned counts[3];
    const char *first = count_rows(document, counts);
    bool ready = json_bool(document, "ready", false);
    bool same =
        each->known && each->ready == ready && memcmp(counts, each->counts, sizeof counts) == 0;
    each->known = true;
    each->ready = ready;
    memcpy(each->counts, counts, sizeof counts);
    each->found_ms = clock_boot_ms();
    if (!same)
        log_event(ready ? LOG_LEVEL_INFO : LOG_LEVEL_WARNING, ready ? "ready" : "not_ready",
            LOG_TEXT("region", each->region), LOG_NUMBER("failed", counts[2]),
            LOG_NUMBER("warned", counts[1]), LOG_NUMBER("passed", counts[0]),
            LOG_TEXT("first", first));
}

static void on_answer(void *context, cJSON *document)
{
    struct scheduled *each = context;
    each->asked = false;
    if (document && !each->stale)
        take(each, document);
    each->stale = false;
    cJSON_Delete(document);
    arm(each->schedule);
}

static void on_time(uv_timer_t *timer)
{
    struct ready_schedule *schedule = timer->data;
    bool moving = keeper_state(schedule->keeper)->transition != NULL;
    for (size_t i = 0; i < CONFIG_REGIONS_MAX; i++) {
        struct scheduled *each = &schedule->regions[i];
        uint64_t now_ms = clock_boot_ms();
        if (each->every_ms == 0 || each->asked || each->due_ms > now_ms)
            continue;
        each->due_ms = now_ms + each->every_ms;
        if (moving)
            continue;
        each->asked = true;
        ready_ask(schedule->ready, each->region, on_answer, each);
    }
    arm(schedule);
}

static void begin_anew(struct scheduled *each, const char *region)
{
    uint64_t first_ms = each->every_ms < READY_FIRST_MS ? each->every_ms : READY_FIRST_MS;
    each->stale = each->asked;
    each->known = false;
    state_set_id(each->region, region);
    each->due_ms = clock_boot_ms() + first_ms;
}

void ready_schedule_configure(struct ready_schedule *schedule)
{
    const struct config *config = keeper_config(schedule->keeper);
    for (size_t i = 0; i < CONFIG_REGIONS_MAX; i++) {
        struct scheduled *each = &schedule->regions[i];
        bool wanted = i < config->region_count && config->runbooks[i].present;
        uint64_t every_ms = wanted ? config->runbooks[i].ready_every_ms : 0;
        const char *region = wanted ? config->regions[i] : "";
        bool same = each->every_ms == every_ms && strcmp(each->region, region) == 0;
        each->every_ms = every_ms;
        if (!same)
            begin_anew(each, region);
    }
    arm(schedule);
}

struct ready_schedule *ready_schedule_new(
    struct loop *loop, struct ready *ready, struct keeper *keeper)
{
    struct ready_schedule *schedule = memory_new(sizeof *schedule);
    *schedule = (struct ready_schedule){.ready = ready, .keeper = keeper};
    for (size_t i = 0; i < CONFIG_REGIONS_MAX; i++)
        schedule->regions[i].schedule = schedule;
    uv_timer_init(&loop->uv, &schedule->timer);
    schedule->timer.data = schedule;
    ready_schedule_configure(schedule);
    return schedule;
}

static void on_closed(uv_handle_t *handle)
{
    struct ready_schedule *schedule = handle->data;
    loop_call *freed = schedule->freed;
    void *context = schedule->context;
    free(schedule);
    freed(context);
}

void ready_schedule_free(struct ready_schedule *schedule, loop_call *freed, void *context)
{
    schedule->closing = true;
    schedule->freed = freed;
    schedule->context = context;
    uv_close((uv_handle_t *)&schedule->timer, on_closed);
}

static void write_rows(const struct ready_schedule *schedule, struct metric_text *out)
{
    metric_family(out, "pilotlight_ready_rows", METRIC_GAUGE,
        "Checks of the last scheduled ready of each region, by what they found");
    for (size_t i = 0; i < CONFIG_REGIONS_MAX; i++) {
        const struct scheduled *each = &schedule->regions[i];
        for (size_t status = 0; each->known && status < 3; status++)
            metric_value(out, "pilotlight_ready_rows",
                METRIC_LABELS({"region", each->region}, {"status", statuses[status]}),
                each->counts[status]);
    }
}

void ready_schedule_write_metrics(void *context, struct metric_text *out)
{
    const struct ready_schedule *schedule = context;
    metric_family(out, "pilotlight_ready", METRIC_GAUGE,
        "1 when no check of the last scheduled ready of the region failed");
    for (size_t i = 0; i < CONFIG_REGIONS_MAX; i++) {
        const struct scheduled *each = &schedule->regions[i];
        if (each->known)
            metric_value(
                out, "pilotlight_ready", METRIC_LABELS({"region", each->region}), each->ready);
    }
    metric_family(out, "pilotlight_ready_age_seconds", METRIC_GAUGE,
        "Since the last scheduled ready of the region");
    for (size_t i = 0; i < CONFIG_REGIONS_MAX; i++) {
        const struct scheduled *each = &schedule->regions[i];
        if (each->known)
            metric_value(out, "pilotlight_ready_age_seconds",
                METRIC_LABELS({"region", each->region}),
                (double)(clock_boot_ms() - each->found_ms) / 1000);
    }
    write_rows(schedule, out);
}
