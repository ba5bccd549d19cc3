/* One instance of RDS: found, read, its status understood. */
#include "failover/aws/rds.h"

#include "base/xml.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define SHOWS_MS (5 * 60 * 1000)

static bool is_one_of(const char *word, const char *const *words)
{
    while (*words && strcmp(*words, word) != 0)
        words++;
    return *words != NULL;
}

enum rds_status rds_status(const char *status)
{
    static const char *const ready[] = {"available", "storage-optimization", NULL};
    /* "stopped" is left only when somebody starts it. */
    static const char *const lost[] = {"failed", "deleting", "stopped", "restore-error",
        "inaccessible-encryption-credentials", NULL};
    if (is_one_of(status, ready))
        return RDS_READY;
    if (is_one_of(status, lost) || strncmp(status, "incompatible-", 13) == 0)
        return RDS_LOST;
    return RDS_PASSING;
}

struct aws_request rds_describe_request(const char *region, const char *id)
{
    struct aws_request request = {
        .service = &aws_rds, .region = region, .action = "DescribeDBInstances"};
    aws_form(&request.body, "DBInstanceIdentifier", id);
    return request;
}

void rds_describe(struct step *step, const char *region, const char *id, step_replied *replied)
{
    struct aws_request request = rds_describe_request(region, id);
    step_call(step, &request, replied);
}

struct aws_request rds_create_replica_request(
    const char *region, const char *id, const char *source, const char *class)
{
    struct aws_request request = {.service = &aws_rds,
        .region = region,
        .action = "CreateDBInstanceReadReplica",
        .acts = true};
    aws_form(&request.body, "DBInstanceIdentifier", id);
    aws_form(&request.body, "SourceDBInstanceIdentifier", source);
    if (class)
        aws_form(&request.body, "DBInstanceClass", class);
    return request;
}

/* RDS has one code for "not now" and for "not without backups". */
bool rds_wants_backups(const struct aws_reply *reply)
{
    return reply->message && strcasestr(reply->message, "automated backups");
}

static bool is_true(const cJSON *tree, const char *path)
{
    const char *text = tree_text(tree, path);
    return text && strcmp(text, "true") == 0;
}

/* What StatusInfos says of the replication. */
static void read_replication(struct rds_instance *instance)
{
    const cJSON *info;
    cJSON_ArrayForEach(info, tree_find(instance->tree, "StatusInfos"))
    {
        const char *type = tree_text(info, "StatusType"), *status = tree_text(info, "Status");
        if (!type || !status || strcmp(type, "read replication") != 0)
            continue;
        bool replicates = strcmp(status, "replicating") == 0;
        instance->idle = !replicates;
        if (!replicates && !is_true(info, "Normal")) {
            instance->trouble = status;
            instance->trouble_message = tree_text(info, "Message");
        }
    }
}

bool rds_read(const struct aws_reply *reply, struct rds_instance *ret)
{
    memset(ret, 0, sizeof *ret);
    ret->status_text = "";
    if (reply->result != AWS_ANSWERED)
        return false;
    const cJSON *tree = tree_find(reply->body, "DBInstances/DBInstance");
    const char *status = tree_text(tree, "DBInstanceStatus");
    if (!tree || !status)
        return false;
    ret->tree = tree;
    ret->id = tree_text(tree, "DBInstanceIdentifier");
    ret->arn = tree_text(tree, "DBInstanceArn");
    ret->class = tree_text(tree, "DBInstanceClass");
    ret->engine = tree_text(tree, "Engine");
    ret->status_text = status;
    ret->status = rds_status(status);
    ret->source = tree_text(tree, "ReadReplicaSourceDBInstanceIdentifier");
    if (!ret->source || !*ret->source)
        ret->source = tree_text(tree, "ReadReplicaSourceDBClusterIdentifier");
    if (ret->source && !*ret->source)
        ret->source = NULL;
    ret->multi_az = is_true(tree, "MultiAZ");
    read_replication(ret);
    return true;
}

bool rds_is_under_way(uint64_t accepted_ms)
{
    return accepted_ms && clock_boot_ms() - accepted_ms < SHOWS_MS;
}

bool rds_refused(const struct aws_reply *reply, const char *code)
{
    return reply->result == AWS_REFUSED && strcmp(reply->code, code) == 0;
}

bool rds_found(struct step *step, const struct aws_reply *reply, const char *region, const char *id,
    struct rds_instance *ret)
{
    if (rds_read(reply, ret))
        return true;
    if (reply->result == AWS_REFUSED && !rds_refused(reply, RDS_NOT_FOUND))
        step_fail(step, reply, "cannot look at %s in %s", id, region);
    else
        step_fail(step, reply->result == AWS_REFUSED ? reply : NULL,
            "there is no DB instance %s in %s: is the name, the region or the account another?", id,
            region);
    return false;
}

bool rds_lives(struct step *step, const struct rds_instance *instance, const char *region)
{
    if (instance->status != RDS_LOST)
        return true;
    step_fail(step, NULL, "%s in %s is \"%s\", and does not leave that by itself: %s", instance->id,
        region, instance->status_text,
        strcmp(instance->status_text, "stopped") == 0 ? "start it" : "look at its events in RDS");
    return false;
}

bool rds_is_single(struct step *step, const struct rds_instance *instance)
{
    const char *cluster = tree_text(instance->tree, "DBClusterIdentifier");
    bool aurora = instance->engine && strncmp(instance->engine, "aurora", 6) == 0;
    if (aurora)
        step_fail(step, NULL,
            "%s is an instance of Aurora, which this step does not move: use "
            "rds.failover_global_cluster and rds.switchover_global_cluster",
            instance->id);
    else if (cluster && *cluster)
        step_fail(step, NULL,
            "%s is a member of the cluster %s, and cannot be moved without it: give an instance "
            "that stands alone",
            instance->id, cluster);
    return !aurora && !(cluster && *cluster);
}

bool rds_is_standby(const struct step *step)
{
    return step->purpose == STEP_READY && *step->from && strcmp(step->from, step->region) != 0;
}

const char *rds_name(const char *id_or_arn)
{
    const char *colon = strrchr(id_or_arn, ':');
    return colon ? colon + 1 : id_or_arn;
}

bool rds_arn_region(const char *arn, char *ret, size_t size)
{
    /* arn:PARTITION:rds:REGION:ACCOUNT:… */
    const char *start = arn;
    if (strncmp(arn, "arn:", 4) != 0)
        return false;
    for (unsigned i = 0; start && i < 3; i++) {
        start = strchr(start, ':');
        start = start ? start + 1 : NULL;
    }
    const char *end = start ? strchr(start, ':') : NULL;
    if (!end || end == start || (size_t)(end - start) >= size)
        return false;
    snprintf(ret, size, "%.*s", (int)(end - start), start);
    return true;
}

bool rds_is_same(const char *a, const char *a_region, const char *b, const char *b_region)
{
    char a_is[64], b_is[64];
    if (!rds_arn_region(a, a_is, sizeof a_is))
        snprintf(a_is, sizeof a_is, "%s", a_region);
    if (!rds_arn_region(b, b_is, sizeof b_is))
        snprintf(b_is, sizeof b_is, "%s", b_region);
    return strcasecmp(rds_name(a), rds_name(b)) == 0 && strcmp(a_is, b_is) == 0;
}
