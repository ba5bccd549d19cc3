/* ecs.scale: a service runs so many tasks, and its deployment is complete.
 *
 * On the good day the desired count differs, one UpdateService sets it (the same count twice
 * changes nothing more), and the look waits until as many run. A new count makes no new deployment,
 * so the one that is there must be whole too: a single one, and not failed. What keeps tasks from
 * starting, ECS says in the service's events. */
#include "failover/aws/compute.h"

#include "base/json.h"
#include "base/xml.h"

#include <inttypes.h>
#include <string.h>

#define STEADY "has reached a steady state."

static const char *service_of(const struct step *step)
{
    return step_text(step, "service");
}

static const char *cluster_of(const struct step *step)
{
    const char *given = step_text(step, "cluster");
    return given ? given : "default";
}

static const cJSON *primary_deployment(const cJSON *service)
{
    const cJSON *deployment;
    cJSON_ArrayForEach(deployment, json_member(service, "deployments"))
    {
        const char *status = json_text(deployment, "status");
        if (status && strcmp(status, "PRIMARY") == 0)
            return deployment;
    }
    return NULL;
}

/* The newest event, where it is about something that goes on. */
static const char *newest_event(const cJSON *service)
{
    const char *event = tree_text(
        json_member(service, "events") ? json_member(service, "events")->child : NULL, "message");
    return event && !strstr(event, STEADY) ? event : NULL;
}

static void judge_running(struct step *step, const cJSON *service)
{
    uint64_t desired = step_number(step, "desired", 0);
    uint64_t running = compute_number(service, "runningCount", 0);
    int deployments = cJSON_GetArraySize(json_member(service, "deployments"));
    const cJSON *primary = primary_deployment(service);
    const char *rollout = json_text(primary, "rolloutState");
    const char *event = newest_event(service);
    if (rollout && strcmp(rollout, "FAILED") == 0) {
        const char *why = json_text(primary, "rolloutStateReason");
        step_fail(step, NULL, "the deployment of ECS service %s failed%s%s", service_of(step),
            why ? ": " : "", why ? why : "");
    } else if (running == desired && deployments <= 1 &&
               (!rollout || strcmp(rollout, "COMPLETED") == 0)) {
        step_done(step, "ECS service %s: %" PRIu64 " tasks run", service_of(step), running);
    } else {
        step_wait(step, "ECS service %s: %" PRIu64 " of %" PRIu64 " tasks run, deployment %s%s%s",
            service_of(step), running, desired,
            rollout           ? rollout
            : deployments > 1 ? "under way"
                              : "complete",
            event ? "; " : "", event ? event : "");
    }
}

static void judge_service(struct step *step, const cJSON *service)
{
    const char *status = json_text(service, "status");
    uint64_t desired = step_number(step, "desired", 0);
    uint64_t now = compute_number(service, "desiredCount", 0);
    if (status && strcmp(status, "ACTIVE") != 0)
        compute_missing(step, NULL, "ECS service %s in cluster %s is %s", service_of(step),
            cluster_of(step), status);
    else if (now != desired)
        step_must(step, "set ECS service %s to %" PRIu64 " tasks (now %" PRIu64 ")",
            service_of(step), desired, now);
    else
        judge_running(step, service);
}

static void on_service(struct step *step, const struct aws_reply *reply)
{
    const cJSON *services = json_member(reply->body, "services");
    const cJSON *failures = json_member(reply->body, "failures");
    const char *reason = tree_text(failures ? failures->child : NULL, "reason");
    if (compute_refused(reply, "ClusterNotFoundException"))
        compute_missing(
            step, reply, "there is no ECS cluster %s in %s", cluster_of(step), step->region);
    else if (reply->result == AWS_REFUSED)
        step_fail(step, reply, "ECS service %s cannot be looked at", service_of(step));
    else if (!services || !services->child)
        compute_missing(step, NULL, "there is no ECS service %s in cluster %s (%s)",
            service_of(step), cluster_of(step), reason ? reason : "MISSING");
    else
        judge_service(step, services->child);
}

static void look(struct step *step)
{
    struct aws_request request = {
        .service = &aws_ecs, .region = step->region, .action = "DescribeServices"};
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "cluster", cluster_of(step));
    cJSON_AddItemToArray(
        cJSON_AddArrayToObject(body, "services"), cJSON_CreateString(service_of(step)));
    compute_json(&request.body, body);
    step_call(step, &request, on_service);
}

static void on_updated(struct step *step, const struct aws_reply *reply)
{
    if (reply->result == AWS_ANSWERED)
        step_acted(step, "ECS service %s has its new count", service_of(step));
    else
        step_fail(step, reply, "ECS service %s was not scaled", service_of(step));
}

static void act(struct step *step)
{
    struct aws_request request = {.service = &aws_ecs,
        .region = step->region,
        .action = "UpdateService",
        .acts = true,
        .repeatable = true};
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "cluster", cluster_of(step));
    cJSON_AddStringToObject(body, "service", service_of(step));
    cJSON_AddNumberToObject(body, "desiredCount", (double)step_number(step, "desired", 0));
    compute_json(&request.body, body);
    step_call(step, &request, on_updated);
}

static const struct step_permission permissions[] = {
    {"ecs:DescribeServices", "arn:{partition}:ecs:{region}:{account}:service/{cluster}/{service}"},
    {"ecs:UpdateService", "arn:{partition}:ecs:{region}:{account}:service/{cluster}/{service}"},
    {0},
};

const struct step_kind ecs_scale = {
    .type = "ecs.scale",
    .look = look,
    .act = act,
    .permissions = permissions,
    .timeout_ms = UINT64_C(15) * 60 * 1000,
};
