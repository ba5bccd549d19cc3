/* codedeploy.deploy: a revision is deployed to a deployment group.
 *
 * On the good day CreateDeployment names a deployment, which is followed by its id until it has
 * succeeded. AWS takes no token for it; the description carries ours, so that a deployment whose
 * reply was lost, or that was begun before a restart, is found among those created since this
 * attempt began. Somebody else's deployment to the group is waited for before ours. */
#include "failover/aws/codedeploy_revision.h"
#include "failover/aws/compute.h"

#include "base/json.h"
#include "base/xml.h"

#include <stdio.h>
#include <string.h>

#define IDS_MAX 100
#define IDS_AT_ONCE 25 /* that BatchGetDeployments takes */

struct deploy {
    char id[40];           /* the deployment that is ours; "" until it is known */
    char ids[IDS_MAX][40]; /* those that may be */
    unsigned count, next;
};

static const char *group_of(const struct step *step)
{
    return step_text(step, "deployment_group");
}

static cJSON *names(const struct step *step)
{
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "applicationName", step_text(step, "application"));
    cJSON_AddStringToObject(body, "deploymentGroupName", group_of(step));
    return body;
}

static void call(struct step *step, const char *action, cJSON *body, step_replied *replied)
{
    struct aws_request request = {
        .service = &aws_codedeploy, .region = step->region, .action = action};
    request.acts = strcmp(action, "CreateDeployment") == 0;
    compute_json(&request.body, body);
    step_call(step, &request, replied);
}

/* True when that has ended the look or act. */
static bool refuse(struct step *step, const struct aws_reply *reply)
{
    const char *application = step_text(step, "application");
    if (compute_refused(reply, "ApplicationDoesNotExistException"))
        compute_missing(
            step, reply, "there is no CodeDeploy application %s in %s", application, step->region);
    else if (compute_refused(reply, "DeploymentGroupDoesNotExistException"))
        compute_missing(step, reply, "there is no deployment group %s of application %s in %s",
            group_of(step), application, step->region);
    else if (reply->result == AWS_REFUSED)
        step_fail(step, reply, "the deployments to %s cannot be looked at", group_of(step));
    else
        return false;
    return true;
}

/* "; 2 succeeded, 1 in progress": of the instances */
static void count_instances(const cJSON *deployment, struct compute_list *ret)
{
    static const char *const parts[] = {
        "Succeeded", "InProgress", "Pending", "Ready", "Failed", "Skipped"};
    const cJSON *overview = json_member(deployment, "deploymentOverview");
    for (unsigned i = 0; i < sizeof parts / sizeof *parts; i++) {
        unsigned count = (unsigned)compute_number(overview, parts[i], 0);
        if (count)
            compute_list_add(ret, "%s %u", parts[i], count);
    }
}

static void judge(struct step *step, const cJSON *deployment)
{
    struct deploy *deploy = step->memory;
    const char *status = json_text(deployment, "status");
    const char *code = tree_text(deployment, "errorInformation/code");
    const char *message = tree_text(deployment, "errorInformation/message");
    struct compute_list instances = {0};
    count_instances(deployment, &instances);
    const char *more = instances.text[0] ? "; instances: " : "";
    if (!status)
        status = "unknown";
    if (strcmp(status, "Succeeded") == 0)
        step_done(step, "deployment %s to %s succeeded", deploy->id, group_of(step));
    else if (strcmp(status, "Failed") == 0 || strcmp(status, "Stopped") == 0)
        step_fail(step, NULL, "deployment %s to %s: %s%s%s%s%s%s%s", deploy->id, group_of(step),
            status, code ? ": " : "", code ? code : "", message ? ": " : "", message ? message : "",
            more, compute_list_text(&instances));
    else
        step_wait(step, "deployment %s to %s is %s%s%s%s", deploy->id, group_of(step), status,
            strcmp(status, "Ready") == 0 ? ": it waits for somebody to continue it" : "", more,
            compute_list_text(&instances));
}

static bool is_ours(const struct step *step, const cJSON *deployment)
{
    const struct deploy *deploy = step->memory;
    const char *id = json_text(deployment, "deploymentId");
    const char *description = json_text(deployment, "description");
    char token[STEP_TOKEN_SIZE];
    step_token(step, "deploy", token);
    if (!id || strlen(id) >= sizeof deploy->id)
        return false;
    return deploy->id[0] ? strcmp(id, deploy->id) == 0
                         : description && strstr(description, token) != NULL;
}

static void ask_group(struct step *step);
static void ask_deployments(struct step *step);

static void on_deployments(struct step *step, const struct aws_reply *reply)
{
    struct deploy *deploy = step->memory;
    if (refuse(step, reply))
        return;
    const cJSON *deployment;
    cJSON_ArrayForEach(deployment, json_member(reply->body, "deploymentsInfo"))
    {
        if (is_ours(step, deployment)) {
            snprintf(deploy->id, sizeof deploy->id, "%s", json_text(deployment, "deploymentId"));
            judge(step, deployment);
            return;
        }
    }
    if (deploy->id[0])
        step_wait(step, "AWS does not show deployment %s yet", deploy->id);
    else if (deploy->next < deploy->count)
        ask_deployments(step);
    else
        ask_group(step);
}

static void ask_deployments(struct step *step)
{
    struct deploy *deploy = step->memory;
    cJSON *body = cJSON_CreateObject(), *ids = cJSON_AddArrayToObject(body, "deploymentIds");
    if (deploy->id[0])
        cJSON_AddItemToArray(ids, cJSON_CreateString(deploy->id));
    for (int i = 0; !deploy->id[0] && i < IDS_AT_ONCE && deploy->next < deploy->count; i++)
        cJSON_AddItemToArray(ids, cJSON_CreateString(deploy->ids[deploy->next++]));
    call(step, "BatchGetDeployments", body, on_deployments);
}

static void on_list(struct step *step, const struct aws_reply *reply)
{
    struct deploy *deploy = step->memory;
    if (refuse(step, reply))
        return;
    deploy->count = deploy->next = 0;
    const cJSON *id;
    cJSON_ArrayForEach(id, json_member(reply->body, "deployments"))
    {
        const char *text = cJSON_GetStringValue(id);
        if (text && strlen(text) < sizeof deploy->ids[0] && deploy->count < IDS_MAX)
            snprintf(deploy->ids[deploy->count++], sizeof deploy->ids[0], "%s", text);
    }
    if (deploy->count)
        ask_deployments(step);
    else
        ask_group(step);
}

/* The newest come first: where nobody knows when the attempt began, one page is enough. */
static void list_deployments(struct step *step)
{
    cJSON *body = names(step);
    uint64_t began_s;
    if (compute_began(step, &began_s)) {
        cJSON *range = cJSON_AddObjectToObject(body, "createTimeRange");
        cJSON_AddNumberToObject(range, "start", (double)began_s);
    }
    call(step, "ListDeployments", body, on_list);
}

static bool is_under_way(const char *status)
{
    static const char *const over[] = {"Succeeded", "Failed", "Stopped"};
    for (unsigned i = 0; status && i < sizeof over / sizeof *over; i++) {
        if (strcmp(status, over[i]) == 0)
            return false;
    }
    return status != NULL;
}

/* Ours is not there. */
static void on_group(struct step *step, const struct aws_reply *reply)
{
    if (refuse(step, reply))
        return;
    const char *status =
        tree_text(reply->body, "deploymentGroupInfo/lastAttemptedDeployment/status");
    const char *id =
        tree_text(reply->body, "deploymentGroupInfo/lastAttemptedDeployment/deploymentId");
    struct failure why;
    cJSON *revision = codedeploy_revision(step, reply->body, &why);
    if (!revision)
        step_fail(step, NULL, "%s", why.text);
    else if (is_under_way(status))
        step_wait(step, "deployment %s to %s is %s: waits for its end", id ? id : "",
            group_of(step), status);
    else
        step_must(step, "deploy to %s", group_of(step));
    cJSON_Delete(revision);
}

static void ask_group(struct step *step)
{
    call(step, "GetDeploymentGroup", names(step), on_group);
}

static void look(struct step *step)
{
    const struct deploy *deploy = step_memory(step, sizeof *deploy);
    if (deploy->id[0])
        ask_deployments(step);
    else if (step->acted)
        list_deployments(step);
    else
        ask_group(step);
}

static void on_created(struct step *step, const struct aws_reply *reply)
{
    struct deploy *deploy = step->memory;
    if (compute_refused(reply, "DeploymentLimitExceededException")) {
        step_wait(step, "another deployment to %s is under way: tries again", group_of(step));
    } else if (reply->result == AWS_REFUSED) {
        step_fail(step, reply, "nothing was deployed to %s", group_of(step));
    } else {
        const char *id = json_text(reply->body, "deploymentId");
        snprintf(deploy->id, sizeof deploy->id, "%s", id ? id : "");
        step_acted(step, "deployment %s to %s is created", deploy->id, group_of(step));
    }
}

static void create(struct step *step, const struct aws_reply *reply)
{
    if (refuse(step, reply))
        return;
    struct failure why;
    cJSON *revision = codedeploy_revision(step, reply->body, &why);
    if (!revision) {
        step_fail(step, NULL, "%s", why.text);
        return;
    }
    char token[STEP_TOKEN_SIZE], description[256];
    step_token(step, "deploy", token);
    snprintf(description, sizeof description, "%s: step %s, to %s", token, step->given->id,
        step->region);
    cJSON *body = names(step);
    cJSON_AddItemToObject(body, "revision", revision);
    cJSON_AddStringToObject(body, "description", description);
    call(step, "CreateDeployment", body, on_created);
}

static void act(struct step *step)
{
    step_memory(step, sizeof(struct deploy));
    call(step, "GetDeploymentGroup", names(step), create);
}

static const struct step_permission permissions[] = {
    {"codedeploy:GetDeploymentGroup",
        "arn:{partition}:codedeploy:{region}:{account}:deploymentgroup:"
        "{application}/{deployment_group}"},
    {"codedeploy:ListDeployments", "arn:{partition}:codedeploy:{region}:{account}:deploymentgroup:"
                                   "{application}/{deployment_group}"},
    {"codedeploy:BatchGetDeployments",
        "arn:{partition}:codedeploy:{region}:{account}:deploymentgroup:"
        "{application}/{deployment_group}"},
    {"codedeploy:CreateDeployment", "arn:{partition}:codedeploy:{region}:{account}:deploymentgroup:"
                                    "{application}/{deployment_group}"},
    {"codedeploy:GetDeploymentConfig",
        "arn:{partition}:codedeploy:{region}:{account}:deploymentconfig:*"},
    {"codedeploy:GetApplicationRevision",
        "arn:{partition}:codedeploy:{region}:{account}:application:{application}"},
    {"codedeploy:RegisterApplicationRevision",
        "arn:{partition}:codedeploy:{region}:{account}:application:{application}"},
    {0},
};

const struct step_kind codedeploy_deploy = {
    .type = "codedeploy.deploy",
    .look = look,
    .act = act,
    .permissions = permissions,
    .timeout_ms = UINT64_C(60) * 60 * 1000,
};
