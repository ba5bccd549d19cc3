/* elbv2.wait_healthy: so many targets of a target group are healthy.
 *
 * On the good day the group's name becomes its ARN, and its targets' health is looked at until
 * enough of them pass. There is nothing to do but to wait; the words say which targets are held up
 * by what. Before a transition it is enough that the group is there. */
#include "failover/aws/compute.h"

#include "base/xml.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct wait_healthy {
    char arn[512]; /* "" until the name was looked up */
};

static const char *name_of(const struct step *step)
{
    return step_text(step, "target_group");
}

static void say_missing(struct step *step, const struct aws_reply *reply)
{
    struct wait_healthy *known = step->memory;
    known->arn[0] = '\0';
    compute_missing(step, reply, "there is no target group %s in %s", name_of(step), step->region);
}

/* "i-1 is unhealthy (Target.Timeout)"; true when it is healthy. */
static bool judge_target(const cJSON *target, struct compute_list *others)
{
    const char *state = tree_text(target, "TargetHealth/State");
    const char *reason = tree_text(target, "TargetHealth/Reason");
    const char *id = tree_text(target, "Target/Id");
    if (state && strcmp(state, "healthy") == 0)
        return true;
    compute_list_add(others, "%s is %s%s%s%s", id ? id : "a target", state ? state : "unknown",
        reason ? " (" : "", reason ? reason : "", reason ? ")" : "");
    return false;
}

static void on_health(struct step *step, const struct aws_reply *reply)
{
    if (compute_refused(reply, "TargetGroupNotFound")) {
        say_missing(step, reply);
        return;
    }
    if (reply->result == AWS_REFUSED) {
        step_fail(step, reply, "the targets of %s cannot be looked at", name_of(step));
        return;
    }
    uint64_t healthy = 0, all = 0, wanted = step_number(step, "count", 1);
    struct compute_list others = {0};
    const cJSON *target;
    cJSON_ArrayForEach(target, tree_find(reply->body, "TargetHealthDescriptions"))
    {
        all++;
        healthy += judge_target(target, &others);
    }
    if (healthy >= wanted)
        step_done(step, "%" PRIu64 " targets of %s are healthy", healthy, name_of(step));
    else if (step->purpose == STEP_READY)
        step_done(step,
            "target group %s is there; %" PRIu64 " of its %" PRIu64 " targets are healthy",
            name_of(step), healthy, all);
    else
        step_wait(step, "%" PRIu64 " of %" PRIu64 " targets of %s healthy%s%s", healthy, wanted,
            name_of(step), all ? "; " : "; no target is registered", compute_list_text(&others));
}

static void ask_health(struct step *step)
{
    const struct wait_healthy *known = step->memory;
    struct aws_request request = {
        .service = &aws_elbv2, .region = step->region, .action = "DescribeTargetHealth"};
    aws_form(&request.body, "TargetGroupArn", known->arn);
    step_call(step, &request, on_health);
}

static void on_group(struct step *step, const struct aws_reply *reply)
{
    struct wait_healthy *known = step->memory;
    const char *arn = tree_text(reply->body, "TargetGroups/member/TargetGroupArn");
    if (compute_refused(reply, "TargetGroupNotFound") ||
        (reply->result == AWS_ANSWERED && (!arn || strlen(arn) >= sizeof known->arn))) {
        say_missing(step, reply);
    } else if (reply->result == AWS_REFUSED) {
        step_fail(step, reply, "target group %s cannot be looked at", name_of(step));
    } else {
        snprintf(known->arn, sizeof known->arn, "%s", arn);
        ask_health(step);
    }
}

static void look(struct step *step)
{
    struct wait_healthy *known = step_memory(step, sizeof *known);
    if (strncmp(name_of(step), "arn:", 4) == 0 && strlen(name_of(step)) < sizeof known->arn)
        snprintf(known->arn, sizeof known->arn, "%s", name_of(step));
    if (known->arn[0]) {
        ask_health(step);
        return;
    }
    struct aws_request request = {
        .service = &aws_elbv2, .region = step->region, .action = "DescribeTargetGroups"};
    aws_form(&request.body, "Names.member.1", name_of(step));
    step_call(step, &request, on_group);
}

static const struct step_permission permissions[] = {
    {"elasticloadbalancing:DescribeTargetGroups", "*"},
    {"elasticloadbalancing:DescribeTargetHealth", "*"},
    {0},
};

const struct step_kind elbv2_wait_healthy = {
    .type = "elbv2.wait_healthy",
    .look = look,
    .permissions = permissions,
    .timeout_ms = UINT64_C(10) * 60 * 1000,
};
