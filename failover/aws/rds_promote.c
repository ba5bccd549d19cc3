/* rds.promote_read_replica: the instance has no replication source, and is available.
 *
 * On the good day the replica's lag is noted (the bound of what is lost), the replica is promoted,
 * reboots, and is seen alone and available three times in a row: RDS goes on showing "available"
 * for seconds after it began. A backup is waited out, for RDS refuses while one is taken. What has
 * lost the source already is done. Whether the lag is small enough is asked before, by
 * rds.wait_caught_up. */
#include "failover/aws/cloudwatch.h"
#include "failover/aws/rds.h"

struct promote_memory {
    bool asked_lag;       /* an answer is worth one try, no wait */
    uint64_t accepted_ms; /* the promotion */
};

static void judge_alone(struct step *step, const struct rds_instance *instance)
{
    if (rds_is_standby(step))
        step_fail(step, NULL,
            "%s in %s replicates from nowhere: a failover would go on with the data that it has",
            instance->id, step->region);
    else if (instance->status == RDS_READY)
        step_done(
            step, "%s has no replication source and is %s", instance->id, instance->status_text);
    else
        step_wait(step, "%s is promoted and still \"%s\"", instance->id, instance->status_text);
}

static void judge_replica(struct step *step, const struct rds_instance *instance)
{
    const struct promote_memory *memory = step_memory(step, sizeof *memory);
    if (step->purpose == STEP_READY && instance->trouble)
        step_fail(step, NULL, "%s does not replicate from %s: \"%s\"%s%.200s", instance->id,
            rds_name(instance->source), instance->trouble, instance->trouble_message ? ", " : "",
            instance->trouble_message ? instance->trouble_message : "");
    else if (rds_is_under_way(memory->accepted_ms))
        step_wait(step, "%s is being promoted, and \"%s\"", instance->id, instance->status_text);
    else if (instance->status == RDS_PASSING)
        step_wait(step, "%s is \"%s\": promoted once it is available", instance->id,
            instance->status_text);
    else
        step_must(step, "promote %s, a replica of %s", instance->id, rds_name(instance->source));
}

static void looked(struct step *step, const struct aws_reply *reply)
{
    struct rds_instance instance;
    if (!rds_found(step, reply, step->region, step_text(step, "instance"), &instance) ||
        !rds_lives(step, &instance, step->region) || !rds_is_single(step, &instance))
        return;
    if (instance.source)
        judge_replica(step, &instance);
    else
        judge_alone(step, &instance);
}

static void look(struct step *step)
{
    rds_describe(step, step->region, step_text(step, "instance"), looked);
}

static void promoted(struct step *step, const struct aws_reply *reply)
{
    struct promote_memory *memory = step_memory(step, sizeof *memory);
    const char *instance = step_text(step, "instance");
    memory->accepted_ms = reply->result == AWS_ANSWERED ? clock_boot_ms() : 0;
    if (reply->result == AWS_ANSWERED)
        step_acted(step, "%s is being promoted", instance);
    else if (rds_refused(reply, RDS_INVALID_STATE))
        step_wait(step, "RDS does not promote %s as it is now: %s", instance, reply->words);
    else
        step_fail(step, reply, "cannot promote %s", instance);
}

static void promote(struct step *step)
{
    struct aws_request request = {
        .service = &aws_rds, .region = step->region, .action = "PromoteReadReplica", .acts = true};
    aws_form(&request.body, "DBInstanceIdentifier", step_text(step, "instance"));
    if (step_has(step, "backup_retention_days"))
        aws_form_format(&request.body, "BackupRetentionPeriod", "%u",
            (unsigned)step_number(step, "backup_retention_days", 0));
    step_call(step, &request, promoted);
}

/* Not knowing the lag keeps nobody from promoting. */
static void heard_lag(struct step *step, const struct aws_reply *reply)
{
    struct cloudwatch_datapoint newest;
    if (cloudwatch_newest(reply, &cloudwatch_replica_lag, &newest, 1) == 1 && newest.values[1] >= 0)
        step_set_lag(step, (int64_t)(newest.values[0] * 1000));
    promote(step);
}

static void act(struct step *step)
{
    struct promote_memory *memory = step_memory(step, sizeof *memory);
    if (memory->asked_lag) {
        promote(step);
        return;
    }
    memory->asked_lag = true;
    cloudwatch_ask_lag(step, step->region, step_text(step, "instance"), heard_lag);
}

static const struct step_permission permissions[] = {
    {"rds:DescribeDBInstances", "arn:{partition}:rds:{region}:{account}:db:{instance}"},
    {"rds:PromoteReadReplica", "arn:{partition}:rds:{region}:{account}:db:{instance}"},
    {"cloudwatch:GetMetricStatistics", "*"},
    {0},
};

const struct step_kind rds_promote_read_replica = {
    .type = "rds.promote_read_replica",
    .look = look,
    .act = act,
    .permissions = permissions,
    .timeout_ms = 30 * 60 * 1000,
    .confirm = 3,
};
