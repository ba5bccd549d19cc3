/* Each status of the daemon's is the whole truth: runs that it no longer has are dropped, steps
 * that may start or were begun by somebody who is gone get a run, and what is over is ended.
 *
 * A reply overtakes the status that follows it, so a status older than the last reply is passed
 * over: another one is on its way. */
#include "failover/aws/engine_parts.h"

#include "base/json.h"
#include "base/log.h"
#include "base/memory.h"
#include "failover/rpc.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define AGAIN_MS 1000

static void call_daemon(
    void *context, const char *method, cJSON *params, run_replied *replied, void *reply_context)
{
    struct engine *engine = context;
    link_call(engine->link, method, params, replied, reply_context);
}

static void raise_floor(struct engine *engine, uint64_t revision)
{
    if (revision > engine->floor)
        engine->floor = revision;
}

static struct engine_run **find_run(struct engine *engine, const struct config_step *step)
{
    struct engine_run **at = &engine->runs;
    while (*at && run_step((*at)->run) != step)
        at = &(*at)->next;
    return at;
}

static void drop_run(struct engine_run **at)
{
    struct engine_run *dropped = *at;
    *at = dropped->next;
    run_drop(dropped->run);
    free(dropped);
}

static void drop_all(struct engine *engine)
{
    while (engine->runs)
        drop_run(&engine->runs);
}

static void on_reported(void *context, struct run *run, uint64_t revision, bool over)
{
    struct engine *engine = context;
    raise_floor(engine, revision);
    if (over)
        drop_run(find_run(engine, run_step(run)));
}

static void start_run(struct engine *engine, const struct config_step *step)
{
    const char *region = engine->state->transition->to;
    const struct step_kind *kind = step_kind_find(step->type);
    assert(kind); /* the configuration knows no other types */
    log_info("step_starts", LOG_TEXT("transition", engine->transition), LOG_TEXT("step", step->id),
        LOG_TEXT("type", step->type));
    struct run_options options = {.loop = engine->loop,
        .config = engine->config,
        .region = engine->config->regions[config_region(engine->config, region)],
        .given = step,
        .kind = kind,
        .state = engine->state,
        .force = engine->force,
        .gate = &engine->gate,
        .aws = engine_aws(engine, region),
        .owner = {.call = call_daemon, .reported = on_reported, .context = engine}};
    struct engine_run *entry = memory_new(sizeof *entry);
    entry->run = run_new(&options);
    entry->next = engine->runs;
    engine->runs = entry;
}

/* While the daemon has not heard yet that the transition failed, its record does not say so. */
static void follow_runs(struct engine *engine)
{
    for (struct engine_run **at = &engine->runs; *at;) {
        if (!run_follow((*at)->run, engine->state)) {
            drop_run(at);
            continue;
        }
        if (engine->ending)
            run_stop((*at)->run);
        at = &(*at)->next;
    }
}

static void on_again(uv_timer_t *timer)
{
    engine_reconcile(timer->data);
}

static void on_ended(void *context, int status, const char *words, const cJSON *result)
{
    struct engine *engine = context;
    uint64_t revision = 0;
    engine->ending = false;
    if (status == 0 && json_integer(result, "revision", &revision)) {
        raise_floor(engine, revision);
        return;
    }
    if (engine->freeing || status == EXIT_STATUS_NO_DAEMON)
        return;
    log_warning(
        "end_not_written", LOG_TEXT("transition", engine->transition), LOG_TEXT("why", words));
    uv_timer_start(&engine->again, on_again, AGAIN_MS, 0);
}

static void end_transition(struct engine *engine, bool failed, const char *reason)
{
    cJSON *params = cJSON_CreateObject();
    cJSON_AddStringToObject(params, "transition", engine->transition);
    cJSON_AddStringToObject(params, "result", failed ? "failed" : "done");
    if (failed)
        cJSON_AddStringToObject(params, "reason", reason);
    log_info("transition_ends", LOG_TEXT("transition", engine->transition),
        LOG_TEXT("result", failed ? "failed" : "done"), LOG_TEXT("reason", failed ? reason : NULL));
    for (struct engine_run *at = engine->runs; failed && at; at = at->next)
        run_stop(at->run);
    engine->ending = true;
    link_call(engine->link, "end", params, on_ended, engine);
}

static void carry_on(struct engine *engine)
{
    struct runbook_now now;
    runbook_read(engine->config, engine->state->transition, &now);
    for (size_t i = 0; now.runbook && i < now.runbook->step_count; i++) {
        bool wanted = now.steps[i] == RUNBOOK_STARTS || now.steps[i] == RUNBOOK_RUNS;
        if (wanted && !*find_run(engine, &now.runbook->steps[i]))
            start_run(engine, &now.runbook->steps[i]);
    }
    if (now.verdict != RUNBOOK_GOES_ON && !engine->ending)
        end_transition(engine, now.verdict == RUNBOOK_FAILED, now.words.text);
    runbook_fini(&now);
}

void engine_reconcile(struct engine *engine)
{
    const struct transition *running = engine->state ? engine->state->transition : NULL;
    if (!engine->state || engine->state->revision < engine->floor)
        return;
    if (!running || strcmp(running->id, engine->transition) != 0)
        drop_all(engine);
    memset(engine->transition, 0, sizeof engine->transition);
    if (!running) {
        if (engine->reload_wanted || engine_config_changed(engine))
            engine_take_config(engine);
        return;
    }
    memcpy(engine->transition, running->id, sizeof engine->transition);
    follow_runs(engine);
    carry_on(engine);
}

static void on_changed(void *context, const cJSON *status)
{
    struct engine *engine = context;
    const cJSON *record = json_member(status, "state");
    struct failure why;
    struct state *next;
    if (state_from_json(record, &next, &why) < 0) {
        log_error("record_not_understood", LOG_TEXT("why", why.text));
        return;
    }
    state_free(engine->state);
    engine->state = next;
    if (rpc_force(json_member(json_member(record, "transition"), "force"), &engine->force, &why) <
        0)
        log_warning("force_not_understood", LOG_TEXT("why", why.text));
    engine_reconcile(engine);
}

/* Somebody else goes on where we were, and looks first; what we still do may be done twice. */
static void on_taken(void *context)
{
    drop_all(context);
}

/* The next daemon's record may have been put back to an older one. */
static void on_lost(void *context)
{
    struct engine *engine = context;
    state_free(engine->state);
    engine->state = NULL;
    engine->floor = 0;
    engine->ending = false;
    uv_timer_stop(&engine->again);
}

struct engine *engine_new(const struct engine_options *options)
{
    struct engine *engine = memory_new(sizeof *engine);
    engine->loop = options->loop;
    engine->config_path = memory_text(options->config_path);
    engine->config = config_ref(options->config);
    engine_prepare_aws(engine);
    if (stat(options->config_path, &engine->config_file) < 0)
        engine->reload_wanted = true;
    uv_timer_init(&engine->loop->uv, &engine->again);
    engine->again.data = engine;
    engine->open = 1;
    struct link_options link = {.socket = options->socket,
        .changed = on_changed,
        .lost = on_lost,
        .taken = on_taken,
        .asked = engine_asked,
        .context = engine};
    engine->link = link_new(engine->loop, &link);
    return engine;
}

void engine_reload(struct engine *engine)
{
    engine->reload_wanted = true;
    if (!engine->transition[0])
        engine_take_config(engine);
    else
        log_info("reload_waits", LOG_TEXT("transition", engine->transition));
}

static void free_engine(void *context)
{
    struct engine *engine = context;
    loop_call *freed = engine->freed;
    void *freed_context = engine->freed_context;
    config_unref(engine->config);
    state_free(engine->state);
    free(engine->config_path);
    free(engine);
    freed(freed_context);
}

/* The client ends after those who call by it. */
static void on_part_freed(void *context)
{
    struct engine *engine = context;
    if (--engine->open == 0)
        http_client_free(engine->client, free_engine, engine);
}

void engine_aws_freed(void *context)
{
    struct engine *engine = context;
    engine->aws_open--;
    if (engine->freeing)
        on_part_freed(engine);
}

static void on_timer_closed(uv_handle_t *handle)
{
    on_part_freed(handle->data);
}

void engine_free(struct engine *engine, loop_call *freed, void *context)
{
    engine->freeing = true;
    engine->freed = freed;
    engine->freed_context = context;
    drop_all(engine);
    engine_end_questions(engine, "the sidecar is being stopped");
    engine_release_aws(engine);
    engine->open += 1 + engine->aws_open;
    link_free(engine->link, on_part_freed, engine);
    uv_close((uv_handle_t *)&engine->again, on_timer_closed);
}
