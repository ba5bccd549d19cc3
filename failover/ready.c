/* On the good day the first who asks starts a run, every source puts in its rows, and all who asked
 * meanwhile get those of the region that they asked for.
 *
 * What can go wrong: the record or the configuration changes, or the sidecar comes or goes, during
 * a run. Who asks after that must not hear what was true before, and waits for the next run. */
#include "failover/ready.h"

#include "base/clock.h"
#include "base/json.h"
#include "base/memory.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

struct ready_rows {
    struct ready *ready;
    cJSON *list; /* as in the document, of all regions */
    bool ended;
};

/* A run and what it found. */
struct ready_run {
    struct config *config; /* a reference */
    uint64_t revision;
    bool sidecar_connected;
    bool standby[CONFIG_REGIONS_MAX]; /* some group is not active there */
    struct ready_rows rows[READY_SOURCES_MAX];
    size_t source_count, open; /* open: sources that have not ended */
    uint64_t ended_ms;
};

struct ready_question {
    struct ready_question *next;
    char *region; /* NULL: all standbys */
    ready_answer *answer;
    void *context;
};

struct ready {
    struct ready_options options;
    struct ready_source *sources[READY_SOURCES_MAX];
    size_t source_count;
    struct ready_run *run;              /* the one under way, or the last; NULL: none yet */
    struct ready_question *now, *later; /* who waits for this run, and for the next one */
    unsigned pending;                   /* sources that are not freed yet, and one for ourselves */
    loop_call *freed;
    void *freed_context;
};

static void run_free(struct ready_run *run)
{
    if (!run)
        return;
    for (size_t i = 0; i < run->source_count; i++)
        cJSON_Delete(run->rows[i].list);
    config_unref(run->config);
    free(run);
}

static bool is_current(const struct ready *ready)
{
    struct keeper *keeper = ready->options.status->keeper;
    return ready->run->config == keeper_config(keeper) &&
           ready->run->revision == keeper_state(keeper)->revision &&
           ready->run->sidecar_connected == ready->options.status->sidecar_connected;
}

/* -- the document -- */

static const char *status_text(enum ready_status status)
{
    static const char *const names[] = {
        [READY_PASS] = "pass", [READY_WARN] = "warn", [READY_FAIL] = "fail"};
    return names[status];
}

struct config *ready_rows_config(const struct ready_rows *rows)
{
    return rows->ready->run->config;
}

void ready_rows_add(struct ready_rows *rows, const struct ready_row *row)
{
    assert(!rows->ended);
    cJSON *json = cJSON_CreateObject();
    json_add_text(json, "check", row->check);
    json_add_text(json, "endpoint", row->endpoint);
    json_add_text(json, "region", row->region);
    json_add_text(json, "status", status_text(row->status));
    json_add_text(json, "words", row->words);
    json_add_text(json, "advice", row->advice);
    cJSON_AddItemToArray(rows->list, json);
}

/* The rows of a region, source by source. Returns whether none failed. */
static bool add_region(const struct ready_run *run, const char *region, cJSON *rows)
{
    bool ready = true;
    for (size_t i = 0; i < run->source_count; i++) {
        const cJSON *row;
        cJSON_ArrayForEach(row, run->rows[i].list)
        {
            if (strcmp(json_text(row, "region"), region) != 0)
                continue;
            ready = ready && strcmp(json_text(row, "status"), "fail") != 0;
            cJSON_AddItemToArray(rows, cJSON_Duplicate(row, true));
        }
    }
    return ready;
}

static cJSON *document_of(const struct ready_run *run, const char *region)
{
    bool ready = true;
    cJSON *rows = cJSON_CreateArray();
    for (size_t i = 0; i < run->config->region_count; i++) {
        const char *id = run->config->regions[i];
        if (region ? strcmp(region, id) == 0 : run->standby[i])
            ready = add_region(run, id, rows) && ready;
    }
    cJSON *document = cJSON_CreateObject();
    cJSON_AddBoolToObject(document, "ready", ready);
    cJSON_AddItemToObject(document, "rows", rows);
    return document;
}

/* -- questions -- */

/* Answers all of them, the first one first; `run` NULL: with nothing. */
static void answer_all(struct ready_question **list, const struct ready_run *run)
{
    while (*list) {
        struct ready_question *question = *list;
        *list = question->next;
        question->answer(question->context, run ? document_of(run, question->region) : NULL);
        free(question->region);
        free(question);
    }
}

static void enqueue(
    struct ready_question **list, const char *region, ready_answer *answer, void *context)
{
    struct ready_question *question = memory_new(sizeof *question);
    *question = (struct ready_question){
        .region = memory_text(region), .answer = answer, .context = context};
    while (*list)
        list = &(*list)->next;
    *list = question;
}

/* -- runs -- */

static void note_standbys(struct ready_run *run, struct keeper *keeper)
{
    const struct state *state = keeper_state(keeper);
    for (size_t i = 0; i < run->config->group_count; i++) {
        const char *id = run->config->groups[i].id;
        bool decided = group_is_decided(state, keeper_world(keeper), id);
        const char *active = decided ? state_find_group(state, id)->active : "";
        for (size_t region = 0; region < run->config->region_count; region++)
            run->standby[region] |= strcmp(run->config->regions[region], active) != 0;
    }
}

static void run_start(struct ready *ready)
{
    struct keeper *keeper = ready->options.status->keeper;
    struct ready_run *run = memory_new(sizeof *run);
    run_free(ready->run);
    ready->run = run;
    run->config = config_ref(keeper_config(keeper));
    run->revision = keeper_state(keeper)->revision;
    run->sidecar_connected = ready->options.status->sidecar_connected;
    note_standbys(run, keeper);
    run->source_count = ready->source_count;
    run->open = ready->source_count + 1; /* ours, so that it does not end while we start it */
    for (size_t i = 0; i < run->source_count; i++)
        run->rows[i] = (struct ready_rows){.ready = ready, .list = cJSON_CreateArray()};
    for (size_t i = 0; i < run->source_count; i++)
        ready->sources[i]->start(ready->sources[i], &run->rows[i]);
}

/* One source less, or ourselves. */
static void run_end_one(struct ready *ready)
{
    struct ready_run *run = ready->run;
    if (--run->open > 0)
        return;
    run->ended_ms = clock_boot_ms();
    answer_all(&ready->now, run);
    if (!ready->later)
        return;
    ready->now = ready->later;
    ready->later = NULL;
    run_start(ready);
    run_end_one(ready);
}

void ready_rows_end(struct ready_rows *rows)
{
    assert(!rows->ended);
    rows->ended = true;
    run_end_one(rows->ready);
}

void ready_ask(struct ready *ready, const char *region, ready_answer *answer, void *context)
{
    const struct ready_run *run = ready->run;
    bool running = run && run->open > 0;
    if (running) {
        enqueue(is_current(ready) ? &ready->now : &ready->later, region, answer, context);
    } else if (run && is_current(ready) && clock_boot_ms() - run->ended_ms < READY_REUSE_MS) {
        answer(context, document_of(run, region));
    } else {
        enqueue(&ready->now, region, answer, context);
        run_start(ready);
        run_end_one(ready);
    }
}

/* -- life -- */

void ready_add_source(struct ready *ready, struct ready_source *source)
{
    assert(ready->source_count < READY_SOURCES_MAX);
    ready->sources[ready->source_count++] = source;
}

struct ready *ready_new(const struct ready_options *options)
{
    struct ready *ready = memory_new(sizeof *ready);
    ready->options = *options;
    return ready;
}

static void release(void *context)
{
    struct ready *ready = context;
    if (--ready->pending > 0)
        return;
    loop_call *freed = ready->freed;
    void *freed_context = ready->freed_context;
    run_free(ready->run);
    free(ready);
    freed(freed_context);
}

void ready_free(struct ready *ready, loop_call *freed, void *context)
{
    ready->freed = freed;
    ready->freed_context = context;
    ready->pending = 1;
    answer_all(&ready->now, NULL);
    answer_all(&ready->later, NULL);
    for (size_t i = 0; i < ready->source_count; i++) {
        ready->pending++;
        ready->sources[i]->stop(ready->sources[i], release, ready);
    }
    loop_post(ready->options.main_loop, release, ready);
}
