/* rds.failover_global_cluster, rds.switchover_global_cluster: the target is the writer of Aurora's
 * global cluster, and no move is under way.
 *
 * On the good day the target's own region is asked, takes a minute or so, and shows the target as
 * the writer. The failover takes the loss of what was not replicated; the switchover loses nothing
 * and needs both regions. */
#include "failover/aws/rds.h"

#include "base/xml.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define INVALID_GLOBAL_STATE "InvalidGlobalClusterStateFault"
#define INVALID_CLUSTER_STATE "InvalidDBClusterStateFault"

/* The target's region, out of its ARN. */
struct global_memory {
    char region[64];
    uint64_t accepted_ms; /* the move */
};

static const char *target_region(struct step *step)
{
    struct global_memory *memory = step_memory(step, sizeof *memory);
    bool found = rds_arn_region(step_text(step, "target"), memory->region, sizeof memory->region);
    return found ? memory->region : step->region;
}

static const cJSON *find_member(const cJSON *cluster, const char *target)
{
    const cJSON *member;
    cJSON_ArrayForEach(member, tree_find(cluster, "GlobalClusterMembers"))
    {
        const char *arn = tree_text(member, "DBClusterArn");
        if (arn && strcmp(arn, target) == 0)
            return member;
    }
    return NULL;
}

/* A move that is under way, towards whom; NULL: none. */
static const char *moving_to(const cJSON *cluster)
{
    const char *status = tree_text(cluster, "FailoverState/Status");
    const char *to = tree_text(cluster, "FailoverState/ToDbClusterArn");
    return status && *status ? to ? to : "nobody says whom" : NULL;
}

static void judge(struct step *step, const cJSON *cluster)
{
    const char *id = step_text(step, "global_cluster"), *target = step_text(step, "target");
    const char *status = tree_text(cluster, "Status"), *to = moving_to(cluster);
    const struct global_memory *memory = step_memory(step, sizeof *memory);
    const cJSON *member = find_member(cluster, target);
    const char *writes = tree_text(member, "IsWriter");
    if (!member)
        step_fail(step, NULL, "%s is no member of the global cluster %s: \"target\" is its ARN",
            target, id);
    else if (status && strncmp(status, "delet", 5) == 0)
        step_fail(step, NULL, "the global cluster %s is \"%s\"", id, status);
    else if (to)
        step_wait(step, "%s is moving to %s (\"%s\")", id, rds_name(to),
            tree_text(cluster, "FailoverState/Status"));
    else if (status && strcmp(status, "available") != 0)
        step_wait(step, "the global cluster %s is \"%s\"", id, status);
    else if (writes && strcmp(writes, "true") == 0)
        step_done(step, "%s is the writer of %s", rds_name(target), id);
    else if (rds_is_under_way(memory->accepted_ms))
        step_wait(step, "%s is moving to %s, and does not show it yet", id, rds_name(target));
    else
        step_must(step, "make %s the writer of %s", rds_name(target), id);
}

static void looked(struct step *step, const struct aws_reply *reply)
{
    const char *id = step_text(step, "global_cluster");
    const cJSON *cluster = tree_find(reply->body, "GlobalClusters/GlobalClusterMember");
    if (cluster)
        judge(step, cluster);
    else if (reply->result == AWS_REFUSED)
        step_fail(
            step, reply, "cannot look at the global cluster %s in %s", id, target_region(step));
    else
        step_fail(step, NULL, "there is no global cluster %s in %s", id, target_region(step));
}

static void look(struct step *step)
{
    struct aws_request request = {
        .service = &aws_rds, .region = target_region(step), .action = "DescribeGlobalClusters"};
    aws_form(&request.body, "GlobalClusterIdentifier", step_text(step, "global_cluster"));
    step_call(step, &request, looked);
}

static void moved(struct step *step, const struct aws_reply *reply)
{
    const char *id = step_text(step, "global_cluster"), *target = step_text(step, "target");
    struct global_memory *memory = step_memory(step, sizeof *memory);
    memory->accepted_ms = reply->result == AWS_ANSWERED ? clock_boot_ms() : 0;
    if (reply->result == AWS_ANSWERED)
        step_acted(step, "%s is moving to %s", id, rds_name(target));
    else if (rds_refused(reply, INVALID_GLOBAL_STATE) || rds_refused(reply, INVALID_CLUSTER_STATE))
        step_wait(step, "RDS does not move %s as it is now: %s", id, reply->words);
    else
        step_fail(step, reply, "cannot make %s the writer of %s", target, id);
}

static void move(struct step *step, const char *action, bool lossy)
{
    struct aws_request request = {
        .service = &aws_rds, .region = target_region(step), .action = action, .acts = true};
    aws_form(&request.body, "GlobalClusterIdentifier", step_text(step, "global_cluster"));
    aws_form(&request.body, "TargetDbClusterIdentifier", step_text(step, "target"));
    if (lossy)
        aws_form(&request.body, "AllowDataLoss", "true");
    step_call(step, &request, moved);
}

static void act_failover(struct step *step)
{
    move(step, "FailoverGlobalCluster", true);
}

static void act_switchover(struct step *step)
{
    move(step, "SwitchoverGlobalCluster", false);
}

#define GLOBAL "arn:{partition}:rds::{account}:global-cluster:{global_cluster}"

static const struct step_permission failover_permissions[] = {
    {"rds:DescribeGlobalClusters", GLOBAL},
    {"rds:FailoverGlobalCluster", GLOBAL},
    {"rds:FailoverGlobalCluster", "{target}"},
    {0},
};

static const struct step_permission switchover_permissions[] = {
    {"rds:DescribeGlobalClusters", GLOBAL},
    {"rds:SwitchoverGlobalCluster", GLOBAL},
    {"rds:SwitchoverGlobalCluster", "{target}"},
    {0},
};

const struct step_kind rds_failover_global_cluster = {
    .type = "rds.failover_global_cluster",
    .look = look,
    .act = act_failover,
    .permissions = failover_permissions,
    .timeout_ms = 30 * 60 * 1000,
    .confirm = 3,
};

const struct step_kind rds_switchover_global_cluster = {
    .type = "rds.switchover_global_cluster",
    .look = look,
    .act = act_switchover,
    .permissions = switchover_permissions,
    .timeout_ms = 30 * 60 * 1000,
    .confirm = 3,
};
