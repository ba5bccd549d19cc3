/* One instance of RDS that is to be the replica of another, across regions.
 *
 * On the good day the primary is there and has backups, an old primary in the replica's place is
 * renamed, the replica is created with the old one's class in its network, and replicates. Each
 * call does the one thing that is next. A reply that is lost, or a look that shows late what was
 * done, leads to an act that RDS refuses: the name after a renaming is always the same one, and
 * taken. */
#include "failover/aws/rds.h"
#include "failover/aws/readopt_parts.h"

#include "base/memory.h"
#include "base/xml.h"

#include <stdio.h>
#include <string.h>

/* An act that was refused because it was done already, or cannot be done yet. */
static bool comes_late(const struct aws_reply *reply)
{
    return rds_refused(reply, RDS_EXISTS) || rds_refused(reply, RDS_NOT_FOUND) ||
           (rds_refused(reply, RDS_INVALID_STATE) && !rds_wants_backups(reply));
}

static void acted(struct readopt *readopt, const struct aws_reply *reply, const char *what)
{
    readopt->call = NULL;
    if (reply->result == AWS_ANSWERED)
        readopt_end(readopt, "act", NULL, "%s: begun", what);
    else if (reply->result == AWS_TROUBLE || comes_late(reply))
        readopt_end(readopt, "wait", reply, "%s: to be looked at again", what);
    else
        readopt_end(readopt, "fail", reply, "cannot %s", what);
}

/* -- the replica is missing -- */

static void on_created(void *context, const struct aws_reply *reply)
{
    acted(context, reply, "create the replica");
}

static void add_if(struct text *form, const char *name, const cJSON *tree, const char *path)
{
    const char *value = tree_text(tree, path);
    if (value && *value)
        aws_form(form, name, value);
}

/* Across regions RDS takes its defaults for what is not said: the network, above all. */
static void add_place(struct text *form, const cJSON *old)
{
    const cJSON *member;
    unsigned count = 0;
    add_if(form, "DBSubnetGroupName", old, "DBSubnetGroup/DBSubnetGroupName");
    add_if(form, "PubliclyAccessible", old, "PubliclyAccessible");
    add_if(form, "KmsKeyId", old, "KmsKeyId");
    cJSON_ArrayForEach(member, tree_find(old, "VpcSecurityGroups"))
    {
        const char *id = tree_text(member, "VpcSecurityGroupId");
        char name[64];
        if (!id)
            continue;
        snprintf(name, sizeof name, "VpcSecurityGroupIds.VpcSecurityGroupId.%u", ++count);
        aws_form(form, name, id);
    }
}

static void create(struct readopt *readopt)
{
    struct readopt_pair *pair = readopt_current(readopt);
    const char *class = tree_text(pair->old_instance, "DBInstanceClass");
    if (readopt->options.dry_run) {
        readopt_end(readopt, "act", NULL, "create %s in %s (%s), a replica of %s", pair->replica,
            readopt->region, class ? class : "of its source's class", pair->primary);
        return;
    }
    struct aws_request request =
        rds_create_replica_request(readopt->region, pair->replica, pair->primary_arn, class);
    add_place(&request.body, pair->old_instance);
    readopt_call(readopt, &request, on_created);
}

static void on_old(void *context, const struct aws_reply *reply)
{
    struct readopt *readopt = context;
    struct readopt_pair *pair = readopt_current(readopt);
    struct rds_instance old;
    readopt->call = NULL;
    bool found = rds_read(reply, &old);
    if (found)
        pair->old_instance = cJSON_Duplicate(old.tree, true);
    if (reply->result == AWS_TROUBLE)
        readopt_end(readopt, "wait", reply, "RDS in %s does not answer", readopt->region);
    else if (reply->result == AWS_REFUSED && !rds_refused(reply, RDS_NOT_FOUND))
        readopt_end(readopt, "fail", reply, "cannot look at %s in %s", pair->old, readopt->region);
    else if (found && strcmp(old.status_text, "renaming") == 0)
        readopt_end(readopt, "wait", NULL, "the old primary is being renamed to %s", pair->old);
    else
        create(readopt);
}

/* -- something of its name is there -- */

static void on_renamed(void *context, const struct aws_reply *reply)
{
    acted(context, reply, "rename the old primary");
}

static void rename_old(struct readopt *readopt, const struct rds_instance *old)
{
    struct readopt_pair *pair = readopt_current(readopt);
    bool stopped = strcmp(old->status_text, "stopped") == 0;
    if (old->status == RDS_PASSING) {
        readopt_end(
            readopt, "wait", NULL, "the old primary %s is \"%s\"", old->id, old->status_text);
    } else if (stopped) {
        readopt_end(readopt, "fail", NULL,
            "the old primary %s is stopped, and RDS renames none that is: start it, or take a "
            "snapshot and delete it, by hand",
            old->id);
    } else if (old->status == RDS_LOST) {
        readopt_end(readopt, "fail", NULL,
            "the old primary %s is \"%s\" and cannot be renamed: take a snapshot and delete it, by "
            "hand",
            old->id, old->status_text);
    } else if (readopt->options.dry_run) {
        readopt_end(readopt, "act", NULL, "rename the old primary %s to %s, then create a replica",
            old->id, pair->old);
    } else {
        struct aws_request request = {.service = &aws_rds,
            .region = readopt->region,
            .action = "ModifyDBInstance",
            .acts = true};
        aws_form(&request.body, "DBInstanceIdentifier", pair->replica);
        aws_form(&request.body, "NewDBInstanceIdentifier", pair->old);
        aws_form(&request.body, "ApplyImmediately", "true");
        readopt_call(readopt, &request, on_renamed);
    }
}

static void judge_replica(struct readopt *readopt, const struct rds_instance *replica)
{
    struct readopt_pair *pair = readopt_current(readopt);
    if (!rds_is_same(replica->source, readopt->region, pair->primary_arn, pair->group->active))
        readopt_end(readopt, "fail", NULL,
            "%s in %s is a replica of %s, not of %s: rename or delete it, by hand", replica->id,
            readopt->region, replica->source, pair->primary_arn);
    else if (replica->trouble || replica->status == RDS_LOST)
        readopt_end(readopt, "fail", NULL,
            "%s does not replicate from %s (%s, \"%s\"%s%.200s): delete it by hand, then again",
            replica->id, pair->primary, replica->status_text,
            replica->trouble ? replica->trouble : "no replication",
            replica->trouble_message ? ", " : "",
            replica->trouble_message ? replica->trouble_message : "");
    else if (replica->status == RDS_READY && !replica->idle)
        readopt_end(readopt, "done", NULL, "%s replicates from %s in %s", replica->id,
            pair->primary, pair->group->active);
    else
        readopt_end(readopt, "wait", NULL, "%s is \"%s\" and does not replicate yet", replica->id,
            replica->status_text);
}

static void on_replica(void *context, const struct aws_reply *reply)
{
    struct readopt *readopt = context;
    struct readopt_pair *pair = readopt_current(readopt);
    struct rds_instance instance;
    readopt->call = NULL;
    if (rds_read(reply, &instance)) {
        if (instance.source)
            judge_replica(readopt, &instance);
        else
            rename_old(readopt, &instance);
    } else if (reply->result == AWS_TROUBLE) {
        readopt_end(readopt, "wait", reply, "RDS in %s does not answer: has it come back?",
            readopt->region);
    } else if (reply->result == AWS_REFUSED && !rds_refused(reply, RDS_NOT_FOUND)) {
        readopt_end(
            readopt, "fail", reply, "cannot look at %s in %s", pair->replica, readopt->region);
    } else {
        struct aws_request request = rds_describe_request(readopt->region, pair->old);
        readopt_call(readopt, &request, on_old);
    }
}

/* -- the primary -- */

/* False when it has ended: nobody can be its replica as it is. */
static bool is_fit(struct readopt *readopt, const struct rds_instance *primary)
{
    const char *region = readopt_current(readopt)->group->active;
    const char *days = tree_text(primary->tree, "BackupRetentionPeriod");
    if (primary->source)
        readopt_end(readopt, "fail", NULL, "%s in %s is itself a replica of %s: promote it first",
            primary->id, region, primary->source);
    else if (primary->status == RDS_LOST || !primary->arn)
        readopt_end(readopt, "fail", NULL, "the primary %s in %s is \"%s\"", primary->id, region,
            primary->status_text);
    else if (primary->status == RDS_PASSING)
        readopt_end(readopt, "wait", NULL, "the primary %s in %s is \"%s\"", primary->id, region,
            primary->status_text);
    else if (days && strcmp(days, "0") == 0)
        readopt_end(readopt, "fail", NULL,
            "%s in %s has no automated backups, and RDS makes no replica of such: give it a "
            "backup retention of a day or more",
            primary->id, region);
    else
        return true;
    return false;
}

static void on_primary(void *context, const struct aws_reply *reply)
{
    struct readopt *readopt = context;
    struct readopt_pair *pair = readopt_current(readopt);
    struct rds_instance primary;
    readopt->call = NULL;
    if (rds_read(reply, &primary)) {
        if (!is_fit(readopt, &primary))
            return;
        pair->primary_arn = memory_text(primary.arn);
        struct aws_request request = rds_describe_request(readopt->region, pair->replica);
        readopt_call(readopt, &request, on_replica);
    } else {
        readopt_end(readopt, reply->result == AWS_TROUBLE ? "wait" : "fail", reply,
            "cannot see the primary %s in %s", pair->primary, pair->group->active);
    }
}

void readopt_look_at_pair(struct readopt *readopt)
{
    struct readopt_pair *pair = readopt_current(readopt);
    struct aws_request request = rds_describe_request(pair->group->active, pair->primary);
    readopt_call(readopt, &request, on_primary);
}
