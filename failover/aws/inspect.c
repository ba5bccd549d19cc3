/* The looks of a runbook's steps, side by side, and a row for what each found.
 *
 * On the good day every look ends within a second or two. One that has no answer in time is
 * given up: what it would have found is not known. The steps' host here lets them call AWS and
 * nothing else: no act is ever asked for, and the daemon never hears of it. */
#include "failover/aws/inspect_parts.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SIDE_BY_SIDE 16
#define TICK_MS 250

static void turn(uv_timer_t *timer);

static struct inspection *inspection_of(struct step_host *host)
{
    return (struct inspection *)host;
}

static struct look *look_of(struct step *step)
{
    return (struct look *)step;
}

static void settle(struct look *look, enum found found, const char *words)
{
    struct inspection *inspection = look->inspection;
    if (look->ended)
        return;
    aws_cancel(look->call);
    look->call = NULL;
    look->ended = true;
    look->found = found;
    look->words = memory_text(words);
    inspection->ended++;
    uv_timer_start(&inspection->timer, turn, 0, 0);
}

static void on_reply(void *context, const struct aws_reply *reply)
{
    struct look *look = context;
    look->call = NULL;
    if (reply->result == AWS_TROUBLE)
        settle(look, FOUND_UNKNOWN, reply->words);
    else
        look->replied(&look->step, reply);
}

static void host_call(
    struct step_host *host, struct step *step, struct aws_request *request, step_replied *replied)
{
    struct look *look = look_of(step);
    if (!inspection_of(host)->options.aws) {
        text_fini(&request->body);
        settle(look, FOUND_UNKNOWN, INSPECT_NO_AWS);
        return;
    }
    look->replied = replied;
    /* A little less than the look has: what the call says of its trouble is worth more. */
    unsigned look_ms = inspection_of(host)->options.look_ms;
    look->call = aws_start(
        inspection_of(host)->options.aws, request, look_ms - look_ms / 10, on_reply, look);
}

/* What a look would have to tell, carrying it out would. */
static void host_tell(
    struct step_host *host, struct step *step, const char *method, step_told *told)
{
    (void)host;
    (void)told;
    settle(look_of(step), FOUND_ACT, method);
}

static void host_lag(struct step_host *host, struct step *step, int64_t lag_ms)
{
    (void)host;
    (void)step;
    (void)lag_ms;
}

static void host_say(struct step_host *host, struct step *step, const char *words)
{
    (void)host;
    (void)step;
    (void)words;
}

static bool is_denial(const struct aws_reply *reply)
{
    return reply && reply->code &&
           (strstr(reply->code, "AccessDenied") || strstr(reply->code, "Unauthorized"));
}

static void host_end(struct step_host *host, struct step *step, enum step_end end,
    const char *words, const struct aws_reply *reply)
{
    (void)host;
    static const enum found founds[] = {[STEP_END_DONE] = FOUND_DONE,
        [STEP_END_WAIT] = FOUND_WAIT,
        [STEP_END_MUST] = FOUND_ACT,
        [STEP_END_ACTED] = FOUND_UNKNOWN,
        [STEP_END_FAIL] = FOUND_FAIL,
        [STEP_END_UNKNOWN] = FOUND_UNKNOWN,
        [STEP_END_ASK] = FOUND_ASK};
    char all[2 * STATE_DETAIL_MAX];
    bool more = reply && reply->words;
    look_of(step)->denied = is_denial(reply);
    snprintf(all, sizeof all, "%s%s%.511s", words, more ? ": " : "", more ? reply->words : "");
    settle(look_of(step), founds[end], all);
}

static void begin(struct inspection *inspection, struct look *look)
{
    look->begun = true;
    look->began_ms = uv_now(&inspection->options.loop->uv);
    inspection->begun++;
    if (look->step.kind)
        look->step.kind->look(&look->step);
    else
        settle(look, FOUND_FAIL, "this version cannot carry out steps of this type");
}

static void stop(struct look *look)
{
    aws_cancel(look->call);
    look->call = NULL;
    if (look->begun && !look->ended && look->step.kind && look->step.kind->cancel)
        look->step.kind->cancel(&look->step);
}

static bool is_over(const struct inspection *inspection)
{
    uint64_t now = uv_now(&inspection->options.loop->uv);
    return now - inspection->began_ms >= inspection->options.all_ms;
}

static bool is_late(const struct inspection *inspection, const struct look *look)
{
    uint64_t now = uv_now(&inspection->options.loop->uv);
    return look->begun && now - look->began_ms >= inspection->options.look_ms;
}

static void give_up_late(struct inspection *inspection)
{
    for (size_t i = 0; i < inspection->count; i++) {
        struct look *look = &inspection->looks[i];
        if (look->ended || !(is_over(inspection) || is_late(inspection, look)))
            continue;
        if (!look->begun)
            inspection->begun++; /* and so do all after it */
        stop(look);
        settle(look, FOUND_UNKNOWN, "no answer in time");
    }
    if (!inspection->access || !is_over(inspection))
        return;
    access_cancel(inspection->access);
    inspection->access = NULL;
    cJSON_AddItemToArray(
        inspection->rows, inspect_row("permission", inspection->region, READY_WARN,
                              "permissions were not checked: no answer in time", NULL));
}

static void on_closed(uv_handle_t *handle)
{
    struct inspection *inspection = handle->data;
    for (size_t i = 0; i < inspection->count; i++) {
        free(inspection->looks[i].step.memory);
        free(inspection->looks[i].words);
    }
    free(inspection->looks);
    free(inspection->region);
    cJSON_Delete(inspection->rows);
    config_unref(inspection->config);
    free(inspection);
}

static void conclude(struct inspection *inspection)
{
    bool ready = inspection->options.purpose == STEP_READY;
    cJSON *result = ready ? inspect_ready(inspection) : inspect_plan(inspection);
    inspected *done = inspection->done;
    void *context = inspection->context;
    uv_close((uv_handle_t *)&inspection->timer, on_closed);
    done(context, result);
}

static void turn(uv_timer_t *timer)
{
    struct inspection *inspection = timer->data;
    give_up_late(inspection);
    while (inspection->begun < inspection->count &&
           inspection->begun - inspection->ended < SIDE_BY_SIDE)
        begin(inspection, &inspection->looks[inspection->begun]);
    if (inspection->ended == inspection->count && !inspection->access)
        conclude(inspection);
    else
        uv_timer_start(timer, turn, TICK_MS, 0);
}

static void on_access(void *context, cJSON *rows)
{
    struct inspection *inspection = context;
    inspection->access = NULL;
    cJSON_Delete(inspection->rows);
    inspection->rows = rows;
    uv_timer_start(&inspection->timer, turn, 0, 0);
}

static void prepare(struct inspection *inspection, struct look *look, size_t index)
{
    const struct inspect_options *options = &inspection->options;
    const struct config_step *given = &inspection->runbook->steps[index];
    look->inspection = inspection;
    look->step = (struct step){.kind = step_kind_find(given->type),
        .given = given,
        .parameters = given->parameters,
        .config = inspection->config,
        .region = inspection->region,
        .purpose = options->purpose,
        .host = &inspection->host,
        .planned = options->switchover};
    state_set_id(look->step.from, options->from);
}

static void prepare_all(struct inspection *inspection)
{
    size_t region = config_region(inspection->config, inspection->region);
    if (region == CONFIG_NONE || !inspection->config->runbooks[region].present)
        return;
    inspection->runbook = &inspection->config->runbooks[region];
    size_t *order =
        inspect_order(inspection->runbook, inspection->options.switchover, &inspection->count);
    inspection->looks = memory_new_array(inspection->count, sizeof *inspection->looks);
    for (size_t i = 0; i < inspection->count; i++)
        prepare(inspection, &inspection->looks[i], order[i]);
    free(order);
}

struct inspection *inspect_start(
    const struct inspect_options *options, inspected *done, void *context)
{
    struct inspection *inspection = memory_new(sizeof *inspection);
    inspection->host = (struct step_host){
        .call = host_call, .tell = host_tell, .end = host_end, .lag = host_lag, .say = host_say};
    inspection->options = *options;
    if (!options->look_ms)
        inspection->options.look_ms = INSPECT_LOOK_MS;
    if (!options->all_ms)
        inspection->options.all_ms = INSPECT_MS;
    inspection->began_ms = uv_now(&options->loop->uv);
    inspection->config = config_ref((struct config *)options->config);
    inspection->region = memory_text(options->region);
    inspection->done = done;
    inspection->context = context;
    prepare_all(inspection);
    uv_timer_init(&options->loop->uv, &inspection->timer);
    inspection->timer.data = inspection;
    uv_timer_start(&inspection->timer, turn, 0, 0);
    inspection->rows = cJSON_CreateArray();
    if (options->purpose == STEP_READY && options->aws)
        inspection->access = access_start(options, on_access, inspection);
    return inspection;
}

void inspect_cancel(struct inspection *inspection)
{
    access_cancel(inspection->access);
    for (size_t i = 0; i < inspection->count; i++)
        stop(&inspection->looks[i]);
    uv_close((uv_handle_t *)&inspection->timer, on_closed);
}
