/* rds.wait_caught_up: the gate before a promotion. The replica has what was written before the
 * fence: its lag is at or below `max_lag`.
 *
 * On the good day the two newest datapoints of ReplicaLag, a minute each, begin after the fence and
 * are low enough. -1 is "not active", and no datapoint is "not known": neither is low. Where the
 * source is gone for good that never changes, and only --force=lag goes on. */
#include "failover/aws/cloudwatch.h"
#include "failover/aws/rds.h"

#include "failover/decide.h"

#include <time.h>

#define FORCE_ADVICE "if the source is lost, only --force=lag goes on without it"

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

static void judge(struct step *step, const struct aws_reply *reply,
    const struct cloudwatch_datapoint *newest, size_t count)
{
    const char *id = step_text(step, "instance");
    int64_t fence_s = step->fenced ? fenced_at_s(step, reply) : INT64_MAX;
    size_t after = 0;
    while (after < count && newest[after].start_s >= fence_s)
        after++;
    if (count == 0)
        step_wait(step,
            "CloudWatch in %s shows no lag of %s, which is not a low one; " FORCE_ADVICE,
            step->region, id);
    else if (newest->values[1] < 0)
        step_wait(step,
            "the replication of %s is not active (ReplicaLag -1), which is not a low "
            "lag; " FORCE_ADVICE,
            id);
    else if (!is_low(step, newest))
        step_wait(step, "%s is %.0f s behind; " FORCE_ADVICE, id, newest->values[0]);
    else if (!step->fenced)
        step_wait(step, "%s is %.0f s behind; counted once the databases are fenced", id,
            newest->values[0]);
    else if (after < 2 || !is_low(step, &newest[1]))
        step_wait(step,
            "%s is %.0f s behind; %zu of 2 datapoints after the fence are there; " FORCE_ADVICE, id,
            newest->values[0], after < 2 ? after : 1);
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

static void look(struct step *step)
{
    if (step->purpose == STEP_CARRY_OUT && (step->force & FORCE_LAG))
        step_done(step, "not asked, by --force=lag: what %s has not received is lost",
            step_text(step, "instance"));
    else
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
    .permissions = permissions,
    .timeout_ms = 15 * 60 * 1000,
};
