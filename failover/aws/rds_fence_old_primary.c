/* rds.fence_old_primary: the old primary is stopped, or only in a security group that lets nobody
 * in.
 *
 * On the good day (a planned move, or a region that still answers) it is asked for and seen. The
 * region is mostly the one that was lost: when it does not answer, nobody knows whether that
 * database still takes writes, and the step says that instead of "failed". */
#include "failover/aws/rds.h"

#include "base/xml.h"

#include <string.h>

struct fence_memory {
    bool began, answered; /* the region has, at least once */
    struct moment since;
};

/* RDS stops neither of these; better said before than refused. A replica in another region goes
 * away by its promotion. */
static const char *why_not_stopped(const struct rds_instance *instance)
{
    const cJSON *replica;
    cJSON_ArrayForEach(replica, tree_find(instance->tree, "ReadReplicaDBInstanceIdentifiers"))
    {
        if (cJSON_IsString(replica) && strncmp(replica->valuestring, "arn:", 4) != 0)
            return "has a replica in its own region";
    }
    if (instance->source)
        return "is a replica";
    if (instance->multi_az && instance->engine && strncmp(instance->engine, "sqlserver", 9) == 0)
        return "is SQL Server with Multi-AZ";
    return NULL;
}

static void judge_stopped(struct step *step, const struct rds_instance *instance)
{
    const char *region = step_region(step, "region");
    const char *why = why_not_stopped(instance);
    if (strcmp(instance->status_text, "stopped") == 0)
        step_done(step, "%s in %s is stopped", instance->id, region);
    else if (instance->status == RDS_LOST)
        step_fail(step, NULL, "%s in %s is \"%s\" and cannot be stopped", instance->id, region,
            instance->status_text);
    else if (instance->status == RDS_PASSING)
        step_wait(step, "%s in %s is \"%s\"", instance->id, region, instance->status_text);
    else if (why)
        step_fail(step, NULL,
            "%s in %s %s, and RDS does not stop such: give \"security_group\" to cut it off",
            instance->id, region, why);
    else
        step_must(step, "stop %s in %s", instance->id, region);
}

static void judge_cut_off(struct step *step, const struct rds_instance *instance)
{
    const char *wanted = step_text(step, "security_group"), *region = step_region(step, "region");
    const cJSON *member;
    bool has = false, alone = true, settled = true;
    cJSON_ArrayForEach(member, tree_find(instance->tree, "VpcSecurityGroups"))
    {
        const char *id = tree_text(member, "VpcSecurityGroupId");
        const char *status = tree_text(member, "Status");
        bool is_wanted = id && strcmp(id, wanted) == 0;
        has |= is_wanted;
        alone &= is_wanted;
        settled &= !status || strcmp(status, "active") == 0;
    }
    if (has && alone && settled)
        step_done(step, "%s in %s is cut off by %s", instance->id, region, wanted);
    else if (instance->status == RDS_PASSING || (has && !settled))
        step_wait(step, "%s in %s is \"%s\", its security groups are changing", instance->id,
            region, instance->status_text);
    else
        step_must(step, "put %s in %s into %s alone", instance->id, region, wanted);
}

static void looked(struct step *step, const struct aws_reply *reply)
{
    struct fence_memory *memory = step_memory(step, sizeof *memory);
    const char *region = step_region(step, "region");
    struct rds_instance instance;
    memory->answered = true;
    if (!rds_found(step, reply, region, step_text(step, "instance"), &instance))
        return;
    if (step_has(step, "security_group"))
        judge_cut_off(step, &instance);
    else
        judge_stopped(step, &instance);
}

/* Half of its time is enough for a region that has not answered once. */
static bool has_given_up(struct step *step)
{
    struct fence_memory *memory = step_memory(step, sizeof *memory);
    struct moment now = clock_now();
    uint64_t timeout_ms =
        step->given->timeout_ms ? step->given->timeout_ms : step->kind->timeout_ms;
    if (!memory->began)
        memory->since = now;
    memory->began = true;
    return !memory->answered && clock_since_ms(&memory->since, &now) >= timeout_ms / 2;
}

static void look(struct step *step)
{
    const char *region = step_region(step, "region"), *id = step_text(step, "instance");
    struct fence_memory *memory = step_memory(step, sizeof *memory);
    if (step->purpose == STEP_CARRY_OUT && has_given_up(step)) {
        memory->began = false; /* a retry has its time again */
        step_unknown(step,
            "RDS in %s does not answer: whether %s there still takes writes is not known; cut its "
            "clients off by other means, then skip or retry",
            region, id);
    } else {
        rds_describe(step, region, id, looked);
    }
}

static void fenced(struct step *step, const struct aws_reply *reply)
{
    const char *id = step_text(step, "instance"), *region = step_region(step, "region");
    if (reply->result == AWS_ANSWERED)
        step_acted(step, "%s in %s is being %s", id, region,
            step_has(step, "security_group") ? "cut off" : "stopped");
    else if (rds_refused(reply, RDS_INVALID_STATE))
        step_wait(step, "RDS does not fence %s as it is now: %s", id, reply->words);
    else
        step_fail(step, reply, "cannot fence %s in %s", id, region);
}

static void act(struct step *step)
{
    struct aws_request request = {.service = &aws_rds,
        .region = step_region(step, "region"),
        .action = "StopDBInstance",
        .acts = true};
    aws_form(&request.body, "DBInstanceIdentifier", step_text(step, "instance"));
    if (step_has(step, "security_group")) {
        request.action = "ModifyDBInstance";
        aws_form(&request.body, "VpcSecurityGroupIds.VpcSecurityGroupId.1",
            step_text(step, "security_group"));
        aws_form(&request.body, "ApplyImmediately", "true");
    }
    step_call(step, &request, fenced);
}

static const struct step_permission permissions[] = {
    {"rds:DescribeDBInstances", "arn:{partition}:rds:{region}:{account}:db:{instance}"},
    {"rds:StopDBInstance", "arn:{partition}:rds:{region}:{account}:db:{instance}"},
    {"rds:ModifyDBInstance", "arn:{partition}:rds:{region}:{account}:db:{instance}"},
    {0},
};

const struct step_kind rds_fence_old_primary = {
    .type = "rds.fence_old_primary",
    .look = look,
    .act = act,
    .permissions = permissions,
    .timeout_ms = 20 * 60 * 1000,
};
