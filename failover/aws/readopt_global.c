/* A global cluster of Aurora: the returned region's cluster is a member again, and no writer.
 *
 * On the good day Aurora adds it back by itself when the region returns; there is nothing to do but
 * to wait. */
#include "failover/aws/readopt_parts.h"

#include "base/xml.h"

#include <string.h>

static const cJSON *find_member(const cJSON *cluster, const char *arn)
{
    const cJSON *member;
    cJSON_ArrayForEach(member, tree_find(cluster, "GlobalClusterMembers"))
    {
        const char *is = tree_text(member, "DBClusterArn");
        if (is && strcmp(is, arn) == 0)
            return member;
    }
    return NULL;
}

static void judge(struct readopt *readopt, const cJSON *cluster)
{
    struct readopt_pair *pair = readopt_current(readopt);
    const cJSON *member = find_member(cluster, pair->replica);
    const char *status = tree_text(cluster, "Status"), *writes = tree_text(member, "IsWriter");
    const char *moves = tree_text(cluster, "FailoverState/Status");
    if (!member)
        readopt_end(readopt, "wait", NULL,
            "%s is no member of %s yet: Aurora adds it back when the region has returned; where it "
            "does not, add a secondary cluster in %s by hand",
            pair->replica, pair->global, readopt->region);
    else if ((moves && *moves) || (status && strcmp(status, "available") != 0))
        readopt_end(
            readopt, "wait", NULL, "%s is \"%s\"", pair->global, moves && *moves ? moves : status);
    else if (writes && strcmp(writes, "true") == 0)
        readopt_end(readopt, "fail", NULL, "%s is the writer of %s, and the active region is %s",
            pair->replica, pair->global, pair->group->active);
    else
        readopt_end(readopt, "done", NULL, "%s is a secondary of %s", pair->replica, pair->global);
}

static void on_cluster(void *context, const struct aws_reply *reply)
{
    struct readopt *readopt = context;
    struct readopt_pair *pair = readopt_current(readopt);
    readopt->call = NULL;
    const cJSON *cluster = tree_find(reply->body, "GlobalClusters/GlobalClusterMember");
    if (cluster)
        judge(readopt, cluster);
    else
        readopt_end(readopt, reply->result == AWS_TROUBLE ? "wait" : "fail", reply,
            "cannot see the global cluster %s in %s", pair->global, pair->group->active);
}

void readopt_look_at_global(struct readopt *readopt)
{
    struct readopt_pair *pair = readopt_current(readopt);
    struct aws_request request = {
        .service = &aws_rds, .region = pair->group->active, .action = "DescribeGlobalClusters"};
    aws_form(&request.body, "GlobalClusterIdentifier", pair->global);
    readopt_call(readopt, &request, on_cluster);
}
