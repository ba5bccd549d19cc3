/* autoscaling.refresh: a group's instances are replaced by new ones.
 *
 * On the good day StartInstanceRefresh names a refresh, which is then followed by its id until it
 * is successful. AWS takes no token for it, and only one at a time: one that runs already is waited
 * for, whoever started it. Where the reply was lost, or with a restart, ours is the newest one that
 * runs, or has ended since this attempt began. */
#include "failover/aws/compute.h"

#include "base/xml.h"

#include <stdio.h>
#include <string.h>

struct refresh {
    char id[64];       /* the one that is followed; "" until it is known */
    char not_ours[64]; /* one of somebody else that failed before we acted */
};

static const char *group_of(const struct step *step)
{
    return step_text(step, "group");
}

static bool is_any(const char *status, const char *const *statuses)
{
    for (; *statuses; statuses++) {
        if (strcmp(status, *statuses) == 0)
            return true;
    }
    return false;
}

static bool has_failed(const char *status)
{
    static const char *const failed[] = {
        "Failed", "Cancelled", "RollbackFailed", "RollbackSuccessful", NULL};
    return is_any(status, failed);
}

/* Whether this one is what the step waits for, or has waited for. */
static bool counts(const struct step *step, const cJSON *refresh)
{
    const struct refresh *known = step->memory;
    const char *id = tree_text(refresh, "InstanceRefreshId");
    const char *status = tree_text(refresh, "Status");
    if (!id || !status || strcmp(id, known->not_ours) == 0)
        return false;
    if (known->id[0])
        return strcmp(id, known->id) == 0;
    if (strcmp(status, "Successful") != 0 && !has_failed(status))
        return true;
    uint64_t ended_s, began_s;
    return compute_time(refresh, "EndTime", &ended_s) && compute_began(step, &began_s) &&
           ended_s >= began_s;
}

static void judge_failed(struct step *step, const cJSON *refresh)
{
    struct refresh *known = step->memory;
    const char *status = tree_text(refresh, "Status"), *why = tree_text(refresh, "StatusReason");
    if (!step->acted) {
        snprintf(known->not_ours, sizeof known->not_ours, "%s", known->id);
        known->id[0] = '\0';
        step_must(
            step, "start an instance refresh of %s (the last one: %s)", group_of(step), status);
        return;
    }
    step_fail(step, NULL, "the instance refresh %s of %s is %s at %u%%%s%s", known->id,
        group_of(step), status, (unsigned)compute_number(refresh, "PercentageComplete", 0),
        why ? ": " : "", why ? why : "");
}

static void judge(struct step *step, const cJSON *refresh)
{
    struct refresh *known = step->memory;
    const char *status = tree_text(refresh, "Status"), *why = tree_text(refresh, "StatusReason");
    snprintf(known->id, sizeof known->id, "%s", tree_text(refresh, "InstanceRefreshId"));
    if (strcmp(status, "Successful") == 0)
        step_done(step, "the instance refresh %s of %s is successful", known->id, group_of(step));
    else if (has_failed(status))
        judge_failed(step, refresh);
    else
        step_wait(step, "the instance refresh %s of %s is %s, %u%%%s%s", known->id, group_of(step),
            status, (unsigned)compute_number(refresh, "PercentageComplete", 0), why ? ": " : "",
            why ? why : "");
}

static void on_refreshes(struct step *step, const struct aws_reply *reply)
{
    const struct refresh *known = step_memory(step, sizeof *known);
    if (compute_says(reply, "not found")) {
        compute_missing(
            step, reply, "there is no Auto Scaling group %s in %s", group_of(step), step->region);
        return;
    }
    if (reply->result == AWS_REFUSED) {
        step_fail(step, reply, "the instance refreshes of %s cannot be looked at", group_of(step));
        return;
    }
    const cJSON *refresh;
    cJSON_ArrayForEach(refresh, tree_find(reply->body, "InstanceRefreshes"))
    {
        if (counts(step, refresh)) {
            judge(step, refresh);
            return;
        }
    }
    if (known->id[0])
        step_wait(
            step, "AWS does not show the instance refresh %s of %s yet", known->id, group_of(step));
    else
        step_must(step, "start an instance refresh of %s", group_of(step));
}

static void look(struct step *step)
{
    struct aws_request request = {
        .service = &aws_autoscaling, .region = step->region, .action = "DescribeInstanceRefreshes"};
    aws_form(&request.body, "AutoScalingGroupName", group_of(step));
    step_call(step, &request, on_refreshes);
}

static void on_started(struct step *step, const struct aws_reply *reply)
{
    struct refresh *known = step_memory(step, sizeof *known);
    const char *id = tree_text(reply->body, "InstanceRefreshId");
    if (reply->result == AWS_ANSWERED) {
        snprintf(known->id, sizeof known->id, "%s", id ? id : "");
        step_acted(step, "started the instance refresh %s of %s", known->id, group_of(step));
    } else if (compute_refused(reply, "InstanceRefreshInProgress")) {
        step_acted(step, "an instance refresh of %s runs already", group_of(step));
    } else if (compute_refused(reply, "ResourceContention") ||
               compute_refused(reply, "ScalingActivityInProgress") ||
               compute_refused(reply, "LimitExceeded")) {
        step_wait(
            step, "Auto Scaling group %s is busy (%s): tries again", group_of(step), reply->code);
    } else {
        step_fail(step, reply, "the instance refresh of %s was not started", group_of(step));
    }
}

static void act(struct step *step)
{
    struct aws_request request = {.service = &aws_autoscaling,
        .region = step->region,
        .action = "StartInstanceRefresh",
        .acts = true};
    aws_form(&request.body, "AutoScalingGroupName", group_of(step));
    step_call(step, &request, on_started);
}

static const struct step_permission permissions[] = {
    {"autoscaling:DescribeInstanceRefreshes", "*"},
    {"autoscaling:StartInstanceRefresh",
        "arn:{partition}:autoscaling:{region}:{account}:autoScalingGroup:*:"
        "autoScalingGroupName/{group}"},
    {0},
};

const struct step_kind autoscaling_refresh = {
    .type = "autoscaling.refresh",
    .look = look,
    .act = act,
    .permissions = permissions,
    .timeout_ms = UINT64_C(60) * 60 * 1000,
};
