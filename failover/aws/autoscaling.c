/* autoscaling.scale: a group has the sizes that were asked for, and so many instances in service.
 *
 * On the good day the group's sizes differ, one UpdateAutoScalingGroup sets all three together (the
 * same sizes twice change nothing more), and instances come up until as many are in service as are
 * desired. A size that the step does not give stays what it is; what does not fit together then is
 * for people to say, never adjusted. What keeps instances from coming up, AWS says in the group's
 * activities. */
#include "failover/aws/compute.h"

#include "base/xml.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

struct scale {
    bool known;
    uint64_t min, desired, max; /* to be */
    uint64_t in_service;        /* units of capacity */
};

static const char *group_of(const struct step *step)
{
    return step_text(step, "group");
}

/* Sizes that do not fit together; true when that has ended the look. */
static bool refuse_sizes(struct step *step, const struct scale *scale)
{
    const char *group = group_of(step);
    if (scale->min > scale->desired)
        step_fail(step, NULL,
            "Auto Scaling group %s: min %" PRIu64 " is above desired %" PRIu64
            "; give the step a \"desired\" that fits",
            group, scale->min, scale->desired);
    else if (scale->desired > scale->max)
        step_fail(step, NULL,
            "Auto Scaling group %s: desired %" PRIu64 " is above max %" PRIu64
            "; give the step a \"max\" that fits",
            group, scale->desired, scale->max);
    else
        return false;
    return true;
}

/* True when as many are in service as are wanted. Groups with weights may be above. */
static bool count_in_service(const cJSON *group, struct scale *scale)
{
    bool weighted = false;
    scale->in_service = 0;
    const cJSON *instance;
    cJSON_ArrayForEach(instance, tree_find(group, "Instances"))
    {
        const char *state = tree_text(instance, "LifecycleState");
        const char *health = tree_text(instance, "HealthStatus");
        weighted |= tree_text(instance, "WeightedCapacity") != NULL;
        bool ill = health && strcasecmp(health, "Healthy") != 0;
        if (state && strcmp(state, "InService") == 0 && !ill)
            scale->in_service += compute_number(instance, "WeightedCapacity", 1);
    }
    return weighted ? scale->in_service >= scale->desired : scale->in_service == scale->desired;
}

static void wait_for_instances(struct step *step, const char *why)
{
    const struct scale *scale = step->memory;
    step_wait(step, "Auto Scaling group %s: %" PRIu64 " of %" PRIu64 " in service%s%s",
        group_of(step), scale->in_service, scale->desired, why ? "; " : "", why ? why : "");
}

/* Newest first. A failure that came before a success is over. */
static const char *newest_failure(const cJSON *activities)
{
    const cJSON *activity;
    cJSON_ArrayForEach(activity, activities)
    {
        const char *code = tree_text(activity, "StatusCode");
        const char *message = tree_text(activity, "StatusMessage");
        if (code && strcmp(code, "Successful") == 0)
            return NULL;
        if (code && message && strcmp(code, "Failed") == 0)
            return message;
    }
    return NULL;
}

/* Without them the wait goes on as well, only the reason is not known. */
static void on_activities(struct step *step, const struct aws_reply *reply)
{
    wait_for_instances(step, newest_failure(tree_find(reply->body, "Activities")));
}

static void ask_what_holds_up(struct step *step)
{
    struct aws_request request = {
        .service = &aws_autoscaling, .region = step->region, .action = "DescribeScalingActivities"};
    aws_form(&request.body, "AutoScalingGroupName", group_of(step));
    aws_form(&request.body, "MaxRecords", "20");
    step_call(step, &request, on_activities);
}

static bool launch_is_suspended(const cJSON *group)
{
    const cJSON *process;
    cJSON_ArrayForEach(process, tree_find(group, "SuspendedProcesses"))
    {
        const char *name = tree_text(process, "ProcessName");
        if (name && strcmp(name, "Launch") == 0)
            return true;
    }
    return false;
}

static void judge_group(struct step *step, const cJSON *group)
{
    struct scale *scale = step_memory(step, sizeof *scale);
    uint64_t min = compute_number(group, "MinSize", 0), max = compute_number(group, "MaxSize", 0);
    uint64_t desired = compute_number(group, "DesiredCapacity", 0);
    scale->min = step_number(step, "min", min);
    scale->desired = step_number(step, "desired", desired);
    scale->max = step_number(step, "max", max);
    scale->known = true;
    if (refuse_sizes(step, scale))
        return;
    if (scale->min != min || scale->desired != desired || scale->max != max)
        step_must(step,
            "set Auto Scaling group %s to min %" PRIu64 ", desired %" PRIu64 ", max %" PRIu64
            " (now %" PRIu64 ", %" PRIu64 ", %" PRIu64 ")",
            group_of(step), scale->min, scale->desired, scale->max, min, desired, max);
    else if (count_in_service(group, scale))
        step_done(step, "Auto Scaling group %s: %" PRIu64 " in service", group_of(step),
            scale->in_service);
    else if (launch_is_suspended(group))
        wait_for_instances(step, "its Launch process is suspended: resume it");
    else if (step->purpose == STEP_CARRY_OUT)
        ask_what_holds_up(step);
    else
        wait_for_instances(step, NULL);
}

static void on_group(struct step *step, const struct aws_reply *reply)
{
    if (reply->result == AWS_REFUSED) {
        step_fail(step, reply, "Auto Scaling group %s cannot be looked at", group_of(step));
        return;
    }
    const cJSON *group = tree_find(reply->body, "AutoScalingGroups/member");
    if (!group)
        compute_missing(
            step, NULL, "there is no Auto Scaling group %s in %s", group_of(step), step->region);
    else if (tree_text(group, "Status"))
        step_fail(
            step, NULL, "Auto Scaling group %s: %s", group_of(step), tree_text(group, "Status"));
    else
        judge_group(step, group);
}

static void look(struct step *step)
{
    struct aws_request request = {
        .service = &aws_autoscaling, .region = step->region, .action = "DescribeAutoScalingGroups"};
    aws_form(&request.body, "AutoScalingGroupNames.member.1", group_of(step));
    step_call(step, &request, on_group);
}

static void on_updated(struct step *step, const struct aws_reply *reply)
{
    if (reply->result == AWS_ANSWERED)
        step_acted(step, "Auto Scaling group %s has its new sizes", group_of(step));
    else if (compute_refused(reply, "ScalingActivityInProgress") ||
             compute_refused(reply, "ResourceContention"))
        step_wait(
            step, "Auto Scaling group %s is busy (%s): tries again", group_of(step), reply->code);
    else
        step_fail(step, reply, "Auto Scaling group %s was not scaled", group_of(step));
}

static void act(struct step *step)
{
    const struct scale *scale = step_memory(step, sizeof *scale);
    assert(scale->known);
    struct aws_request request = {.service = &aws_autoscaling,
        .region = step->region,
        .action = "UpdateAutoScalingGroup",
        .acts = true,
        .repeatable = true};
    aws_form(&request.body, "AutoScalingGroupName", group_of(step));
    aws_form_format(&request.body, "MinSize", "%" PRIu64, scale->min);
    aws_form_format(&request.body, "DesiredCapacity", "%" PRIu64, scale->desired);
    aws_form_format(&request.body, "MaxSize", "%" PRIu64, scale->max);
    step_call(step, &request, on_updated);
}

static const struct step_permission permissions[] = {
    {"autoscaling:DescribeAutoScalingGroups", "*"},
    {"autoscaling:DescribeScalingActivities", "*"},
    {"autoscaling:UpdateAutoScalingGroup",
        "arn:{partition}:autoscaling:{region}:{account}:autoScalingGroup:*:"
        "autoScalingGroupName/{group}"},
    {0},
};

const struct step_kind autoscaling_scale = {
    .type = "autoscaling.scale",
    .look = look,
    .act = act,
    .permissions = permissions,
    .timeout_ms = UINT64_C(15) * 60 * 1000,
};
