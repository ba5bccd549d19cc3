/* rds.create_read_replica: the instance exists, is a replica of the source, and replicates.
 *
 * On the good day it is asked for by its own region, with the source's ARN where that is in
 * another one, is created, and is available three times in a row without a word against its
 * replication, of which RDS may say nothing. One of its name that replicates from somebody else, or
 * from nobody, is left alone and fails the step; so does a replication that ended. */
#include "failover/aws/rds.h"

#include <string.h>

struct create_memory {
    uint64_t accepted_ms;
};

/* Whether what the instance says of its source is what the step wants. */
static bool is_source(const struct step *step, const char *source)
{
    return rds_is_same(
        source, step->region, step_text(step, "source"), step_region(step, "source_region"));
}

static void judge(struct step *step, const struct rds_instance *instance)
{
    const char *wanted = step_text(step, "source");
    if (!instance->source)
        step_fail(step, NULL,
            "there is a %s in %s already, and it is nobody's replica: rename it, or give another "
            "name",
            instance->id, step->region);
    else if (!is_source(step, instance->source))
        step_fail(step, NULL,
            "there is a %s in %s already, and it is a replica of %s, not of %s: rename it, or give "
            "another name",
            instance->id, step->region, instance->source, wanted);
    else if (instance->trouble)
        step_fail(step, NULL, "%s does not replicate from %s: \"%s\"%s%.200s", instance->id,
            rds_name(wanted), instance->trouble, instance->trouble_message ? ", " : "",
            instance->trouble_message ? instance->trouble_message : "");
    else if (instance->status == RDS_READY && !instance->idle)
        step_done(step, "%s replicates from %s", instance->id, rds_name(wanted));
    else
        step_wait(step, "%s is \"%s\"%s", instance->id, instance->status_text,
            instance->status == RDS_READY ? " and does not replicate yet" : "");
}

static void looked(struct step *step, const struct aws_reply *reply)
{
    const char *id = step_text(step, "instance");
    const struct create_memory *memory = step_memory(step, sizeof *memory);
    struct rds_instance instance;
    if (rds_refused(reply, RDS_NOT_FOUND) && rds_is_under_way(memory->accepted_ms))
        step_wait(step, "%s is being created in %s, and does not show yet", id, step->region);
    else if (rds_refused(reply, RDS_NOT_FOUND))
        step_must(step, "create %s in %s, a replica of %s", id, step->region,
            rds_name(step_text(step, "source")));
    else if (rds_found(step, reply, step->region, id, &instance) &&
             rds_lives(step, &instance, step->region))
        judge(step, &instance);
}

static void look(struct step *step)
{
    rds_describe(step, step->region, step_text(step, "instance"), looked);
}

static void created(struct step *step, const struct aws_reply *reply)
{
    struct create_memory *memory = step_memory(step, sizeof *memory);
    const char *id = step_text(step, "instance");
    memory->accepted_ms = reply->result == AWS_ANSWERED ? clock_boot_ms() : 0;
    if (reply->result == AWS_ANSWERED)
        step_acted(step, "%s is being created", id);
    else if (rds_refused(reply, RDS_EXISTS))
        step_acted(step, "%s is there already", id);
    else if (rds_refused(reply, RDS_INVALID_STATE) && !rds_wants_backups(reply))
        step_wait(
            step, "RDS does not create %s while its source is as it is now: %s", id, reply->words);
    else
        step_fail(step, reply, "cannot create %s in %s, a replica of %s", id, step->region,
            step_text(step, "source"));
}

static void create(struct step *step, const char *source)
{
    struct aws_request request = rds_create_replica_request(
        step->region, step_text(step, "instance"), source, step_text(step, "class"));
    step_call(step, &request, created);
}

static void found_source(struct step *step, const struct aws_reply *reply)
{
    const char *region = step_region(step, "source_region"), *source = step_text(step, "source");
    struct rds_instance instance;
    if (!rds_found(step, reply, region, source, &instance))
        return;
    if (instance.arn)
        create(step, instance.arn);
    else
        step_fail(step, NULL, "RDS in %s does not say the ARN of %s: give it as \"source\"", region,
            source);
}

static void act(struct step *step)
{
    const char *source = step_text(step, "source");
    const char *region = step_region(step, "source_region");
    if (strncmp(source, "arn:", 4) == 0 || strcmp(region, step->region) == 0)
        create(step, source);
    else
        rds_describe(step, region, source, found_source);
}

static const struct step_permission permissions[] = {
    {"rds:DescribeDBInstances", "arn:{partition}:rds:*:{account}:db:*"},
    {"rds:CreateDBInstanceReadReplica", "arn:{partition}:rds:*:{account}:db:*"},
    {"rds:CreateDBInstanceReadReplica", "arn:{partition}:rds:{region}:{account}:og:*"},
    {"rds:CreateDBInstanceReadReplica", "arn:{partition}:rds:{region}:{account}:pg:*"},
    {"rds:CreateDBInstanceReadReplica", "arn:{partition}:rds:{region}:{account}:subgrp:*"},
    {0},
};

const struct step_kind rds_create_read_replica = {
    .type = "rds.create_read_replica",
    .look = look,
    .act = act,
    .permissions = permissions,
    .timeout_ms = 2 * 60 * 60 * 1000,
    .confirm = 3,
};
