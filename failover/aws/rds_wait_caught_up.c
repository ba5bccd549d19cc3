/* rds.wait_caught_up: the gate before a promotion. The replica has what was written before the
 * fence: its lag is at or below `max_lag`.
 *
 * On the good day the two newest datapoints of ReplicaLag, a minute each, begin after the fence and
 * are low enough. -1 is "not active", and no datapoint is "not known": neither is low. Where the
 * source is gone for good that never changes, and only --force=lag goes on.
 *
 * Where the endpoint's probe has a login, the databases themselves are asked first, once they are
 * fenced: a replica that has reached the primary's position has all, and one that has not is not
 * waited for by the minute. What they do not say is asked of CloudWatch. */
#include "failover/aws/cloudwatch.h"
#include "failover/aws/position.h"
#include "failover/aws/rds.h"

#include "base/json.h"
#include "failover/decide.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#define FORCE_ADVICE "if the source is lost, only --force=lag goes on without it"
#define SETTLED_MS                                                                                 \
    1000 /* PostgreSQL's WAL writer comes every 200 ms, and writes all by the third */

struct wait_memory {
    struct position *position; /* NULL: nobody is asked over SQL */
    char advice[POSITION_WORDS_SIZE + 128];
};

/* When the fence was, by the clock of AWS, whose minutes are counted: where ours was set meanwhile,
 * is behind, or the fence is of another boot, the later of what can be known. */
static int64_t fenced_at_s(const struct step *step, const struct aws_reply *reply)
{
    struct moment now = clock_now();
    int64_t written = cloudwatch_time(step->fenced_at.wall);
    int64_t now_s = reply->date_s ? (int64_t)reply->date_s : (int64_t)time(NULL);
    int64_t counted = now_s - (int64_t)(clock_since_ms(&step->fenced_at, &now) / 1000);
    return (written > counted ? written : counted) + 1; /* both were cut to whole seconds */
}

static uint64_t max_lag_ms(const struct step *step)
{
    uint64_t ms;
    const char *text = step_text(step, "max_lag");
    return text && config_parse_duration(text, &ms) ? ms : 0;
}

static bool is_low(const struct step *step, const struct cloudwatch_datapoint *datapoint)
{
    return datapoint->values[1] >= 0 && datapoint->values[0] * 1000 <= (double)max_lag_ms(step);
}

/* Ready and plan ask how it stands today: there was no fence. */
static void rehearse(struct step *step, const struct cloudwatch_datapoint *newest, size_t count)
{
    const char *id = step_text(step, "instance");
    if (count == 0)
        step_unknown(step, "CloudWatch in %s shows no lag of %s", step->region, id);
    else if (newest->values[1] < 0 && rds_is_standby(step))
        step_fail(step, NULL, "the replication of %s is not active (ReplicaLag -1)", id);
    else if (newest->values[1] < 0)
        step_wait(step, "the replication of %s is not active (ReplicaLag -1)", id);
    else if (step->purpose == STEP_PLAN || !is_low(step, newest))
        step_wait(step, "%s is %.0f s behind; %.3f s is asked for, once fenced", id,
            newest->values[0], (double)max_lag_ms(step) / 1000);
    else
        step_done(step, "%s is %.0f s behind", id, newest->values[0]);
}

/* With what was heard over SQL, if that was no answer. */
static const char *advice(struct step *step)
{
    const struct wait_memory *memory = step_memory(step, sizeof *memory);
    return *memory->advice ? memory->advice : FORCE_ADVICE;
}

static void judge(struct step *step, const struct aws_reply *reply,
    const struct cloudwatch_datapoint *newest, size_t count)
{
    const char *id = step_text(step, "instance");
    int64_t fence_s = step->fenced ? fenced_at_s(step, reply) : INT64_MAX;
    size_t after = 0;
    while (after < count && newest[after].start_s >= fence_s)
        after++;
    if (count == 0)
        step_wait(step, "CloudWatch in %s shows no lag of %s, which is not a low one; %s",
            step->region, id, advice(step));
    else if (newest->values[1] < 0)
        step_wait(step,
            "the replication of %s is not active (ReplicaLag -1), which is not a low "
            "lag; %s",
            id, advice(step));
    else if (!is_low(step, newest))
        step_wait(step, "%s is %.0f s behind; %s", id, newest->values[0], advice(step));
    else if (!step->fenced)
        step_wait(step, "%s is %.0f s behind; counted once the databases are fenced", id,
            newest->values[0]);
    else if (after < 2 || !is_low(step, &newest[1]))
        step_wait(step, "%s is %.0f s behind; %zu of 2 datapoints after the fence are there; %s",
            id, newest->values[0], after < 2 ? after : 1, advice(step));
    else
        step_done(step, "%s has caught up: %.0f s and %.0f s behind in the last two minutes", id,
            newest[1].values[0], newest[0].values[0]);
}

static void heard_lag(struct step *step, const struct aws_reply *reply)
{
    struct cloudwatch_datapoint newest[2];
    if (reply->result != AWS_ANSWERED) {
        step_fail(step, reply, "cannot ask CloudWatch in %s for the lag of %s", step->region,
            step_text(step, "instance"));
        return;
    }
    size_t count = cloudwatch_newest(reply, &cloudwatch_replica_lag, newest, 2);
    if (step->purpose == STEP_CARRY_OUT)
        judge(step, reply, newest, count);
    else
        rehearse(step, newest, count);
}

static void looked(struct step *step, const struct aws_reply *reply)
{
    const char *id = step_text(step, "instance");
    struct rds_instance instance;
    if (!rds_found(step, reply, step->region, id, &instance) ||
        !rds_lives(step, &instance, step->region) || !rds_is_single(step, &instance))
        return;
    if (instance.source)
        cloudwatch_ask_lag(step, step->region, id, heard_lag);
    else if (rds_is_standby(step))
        step_fail(step, NULL, "%s in %s replicates from nowhere", id, step->region);
    else
        step_done(step, "%s is no replica (any more): there is nothing to catch up with", id);
}

/* A target of RDS's own naming tells whose it is: "orders.c9akciq32.us-west-2.rds.amazonaws.com".
 */
static bool is_named_by_rds(const struct config_target *target)
{
    return strcasestr(target->text, ".rds.amazonaws.com");
}

static bool is_target_of(const struct config_target *target, const char *id)
{
    size_t size = strlen(id);
    return strncasecmp(target->text, id, size) == 0 && target->text[size] == '.';
}

/* Whether the runbook waits for no other instance, to which an endpoint might belong. */
static bool waits_for_one(const struct step *step, size_t region)
{
    const struct config_runbook *runbook = &step->config->runbooks[region];
    for (size_t i = 0; i < runbook->step_count; i++) {
        const char *id = json_text(runbook->steps[i].parameters, "instance");
        if (strcmp(runbook->steps[i].type, step->kind->type) == 0 && id &&
            strcmp(id, step_text(step, "instance")) != 0)
            return false;
    }
    return true;
}

static bool is_of_step(const struct step *step, const struct config_endpoint *endpoint)
{
    for (size_t i = 0; i < step->given->group_count; i++) {
        if (step->given->groups[i] == endpoint->group)
            return endpoint->type == CONFIG_DATABASE;
    }
    return false;
}

/* The endpoint whose database the instance is, as far as that is beyond doubt; NULL: none. */
static const struct config_endpoint *find_endpoint(const struct step *step, size_t region)
{
    const char *id = rds_name(step_text(step, "instance"));
    const struct config_endpoint *last = NULL;
    size_t databases = 0;
    for (size_t i = 0; i < step->config->endpoint_count; i++) {
        const struct config_endpoint *endpoint = &step->config->endpoints[i];
        if (!is_of_step(step, endpoint))
            continue;
        bool named = is_named_by_rds(&endpoint->targets[region]);
        if (named && is_target_of(&endpoint->targets[region], id))
            return endpoint;
        last = named ? NULL : endpoint;
        databases++;
    }
    return databases == 1 && waits_for_one(step, region) ? last : NULL;
}

static void heard_positions(void *context, enum position_verdict verdict, const char *words)
{
    struct step *step = context;
    const char *id = step_text(step, "instance");
    struct wait_memory *memory = step_memory(step, sizeof *memory);
    memory->position = NULL;
    log_info("positions", LOG_TEXT("step", step->given->id), LOG_TEXT("words", words));
    if (verdict == POSITION_REACHED) {
        step_set_lag(step, 0);
        step_done(step, "%s has caught up: %s", id, words);
    } else if (verdict == POSITION_BEHIND && max_lag_ms(step) == 0) {
        step_wait(step, "%s has not caught up: %s; " FORCE_ADVICE, id, words);
    } else { /* how many seconds it is behind is CloudWatch's to say */
        snprintf(memory->advice, sizeof memory->advice, "over SQL: %s; " FORCE_ADVICE, words);
        rds_describe(step, step->region, id, looked);
    }
}

/* False: there is nobody to ask. */
static bool ask_positions(struct step *step)
{
    struct moment now = clock_now();
    struct wait_memory *memory = step_memory(step, sizeof *memory);
    if (step->purpose != STEP_CARRY_OUT || !step->loop || !step->fenced)
        return false;
    struct position_options options = {.loop = step->loop,
        .config = step->config,
        .primary = config_region(step->config, step->from),
        .replica = config_region(step->config, step->region),
        .settled = clock_since_ms(&step->fenced_at, &now) >= SETTLED_MS};
    if (options.primary == CONFIG_NONE || options.replica == CONFIG_NONE)
        return false;
    options.endpoint = find_endpoint(step, options.replica);
    const struct config_relay *relay = options.endpoint ? options.endpoint->relay : NULL;
    if (!relay || !relay->probe || !relay->probe_user)
        return false;
    memory->position = position_start(&options, heard_positions, step);
    return true;
}

static void cancel(struct step *step)
{
    struct wait_memory *memory = step->memory;
    if (memory)
        position_cancel(memory->position);
    if (memory)
        memory->position = NULL;
}

static void look(struct step *step)
{
    if (step->purpose == STEP_CARRY_OUT && (step->force & FORCE_LAG))
        step_done(step, "not asked, by --force=lag: what %s has not received is lost",
            step_text(step, "instance"));
    else if (!ask_positions(step))
        rds_describe(step, step->region, step_text(step, "instance"), looked);
}

static const struct step_permission permissions[] = {
    {"rds:DescribeDBInstances", "arn:{partition}:rds:{region}:{account}:db:{instance}"},
    {"cloudwatch:GetMetricStatistics", "*"},
    {0},
};

const struct step_kind rds_wait_caught_up = {
    .type = "rds.wait_caught_up",
    .look = look,
    .cancel = cancel,
    .permissions = permissions,
    .timeout_ms = 15 * 60 * 1000,
};
