/* ssm.run: a document has run on its targets, and succeeded on every one.
 *
 * On the good day SendCommand names a command, which is followed by its id until it has
 * succeeded on all of its targets; where it has not, each target's own result says why. AWS takes
 * no token for it; the comment carries ours, so that a command whose reply was lost, or that was
 * sent before a restart, is found among those sent since this attempt began. A command that reached
 * nobody has not succeeded. */
#include "failover/aws/compute.h"
#include "failover/aws/ssm_request.h"

#include "base/json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct run {
    char id[64]; /* the command that is ours; "" until it is known */
    uint64_t targets;
    bool counted;    /* AWS said how many; else those are that have a result */
    char status[32]; /* that it ended with */
};

static const char *document_of(const struct step *step)
{
    return step_text(step, "document");
}

static void call(struct step *step, const char *action, cJSON *body,
    const struct aws_paging *paging, step_replied *replied)
{
    struct aws_request request = {.service = &aws_ssm,
        .region = step->region,
        .action = action,
        .acts = strcmp(action, "SendCommand") == 0,
        .paging = paging};
    compute_json(&request.body, body);
    step_call(step, &request, replied);
}

static void say_nobody(struct step *step)
{
    const struct run *run = step->memory;
    step_fail(step, NULL,
        "the command %s (%s) reached no instance (%s): do its targets run, with the SSM agent?",
        run->id, document_of(step), run->status);
}

static void judge_invocations(struct step *step, const cJSON *list)
{
    struct run *run = step->memory;
    uint64_t all = 0, succeeded = 0;
    struct compute_list others = {0};
    const cJSON *invocation;
    cJSON_ArrayForEach(invocation, list)
    {
        const char *status = json_text(invocation, "Status");
        const char *details = json_text(invocation, "StatusDetails");
        const char *id = json_text(invocation, "InstanceId");
        all++;
        if (status && strcmp(status, "Success") == 0)
            succeeded++;
        else
            compute_list_add(&others, "%s: %s", id ? id : "one",
                details  ? details
                : status ? status
                         : "unknown");
    }
    if (!run->counted)
        run->targets = all;
    if (!run->targets)
        say_nobody(step);
    else if (strcmp(run->status, "Success") != 0 || (all >= run->targets && succeeded < all))
        step_fail(step, NULL,
            "the command %s (%s) is %s; it succeeded on %" PRIu64 " of %" PRIu64
            " targets%s%s; see its output in Systems Manager",
            run->id, document_of(step), run->status, succeeded, run->targets,
            others.text[0] ? "; " : "", compute_list_text(&others));
    else if (all < run->targets)
        step_wait(step, "AWS shows %" PRIu64 " of %" PRIu64 " results of the command %s yet", all,
            run->targets, run->id);
    else
        step_done(step, "%s succeeded on %" PRIu64 " targets", document_of(step), succeeded);
}

static void on_invocations(struct step *step, const struct aws_reply *reply)
{
    if (reply->result == AWS_REFUSED)
        step_fail(step, reply, "the results of %s cannot be looked at", document_of(step));
    else
        judge_invocations(step, json_member(reply->body, "CommandInvocations"));
}

static void ask_invocations(struct step *step)
{
    static const struct aws_paging pages = {"NextToken", "NextToken", "CommandInvocations"};
    const struct run *run = step->memory;
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "CommandId", run->id);
    cJSON_AddNumberToObject(body, "MaxResults", 50);
    call(step, "ListCommandInvocations", body, &pages, on_invocations);
}

static bool is_over(const char *status)
{
    static const char *const going_on[] = {"Pending", "InProgress", "Delayed", "Cancelling"};
    for (unsigned i = 0; i < sizeof going_on / sizeof *going_on; i++) {
        if (strcmp(status, going_on[i]) == 0)
            return false;
    }
    return true;
}

/* Where the counts do not say so, each target's own result does. */
static bool succeeded_everywhere(const struct run *run, const cJSON *command)
{
    return run->counted && strcmp(run->status, "Success") == 0 &&
           compute_number(command, "CompletedCount", 0) == run->targets &&
           compute_number(command, "ErrorCount", 0) == 0;
}

static void judge(struct step *step, const cJSON *command)
{
    struct run *run = step->memory;
    const char *status = json_text(command, "Status");
    const char *details = json_text(command, "StatusDetails");
    snprintf(run->id, sizeof run->id, "%s", json_text(command, "CommandId"));
    snprintf(run->status, sizeof run->status, "%s", status ? status : "Pending");
    run->targets = compute_number(command, "TargetCount", 0);
    run->counted = json_member(command, "TargetCount") != NULL;
    if (!is_over(run->status))
        step_wait(step, "the command %s (%s) is %s: %" PRIu64 " of %" PRIu64 " targets completed",
            run->id, document_of(step), details ? details : run->status,
            compute_number(command, "CompletedCount", 0), run->targets);
    else if (run->counted && !run->targets)
        say_nobody(step);
    else if (succeeded_everywhere(run, command))
        step_done(step, "%s succeeded on %" PRIu64 " targets", document_of(step), run->targets);
    else
        ask_invocations(step);
}

static bool is_ours(const struct step *step, const cJSON *command)
{
    const struct run *run = step->memory;
    const char *id = json_text(command, "CommandId"), *comment = json_text(command, "Comment");
    char token[STEP_TOKEN_SIZE];
    step_token(step, "run", token);
    if (!id)
        return false;
    return run->id[0] ? strcmp(id, run->id) == 0 : comment && strstr(comment, token) != NULL;
}

static void on_commands(struct step *step, const struct aws_reply *reply)
{
    const struct run *run = step->memory;
    if (reply->result == AWS_REFUSED && !compute_refused(reply, "InvalidCommandId")) {
        step_fail(step, reply, "the commands of %s cannot be looked at", document_of(step));
        return;
    }
    const cJSON *command;
    cJSON_ArrayForEach(command, json_member(reply->body, "Commands"))
    {
        if (is_ours(step, command)) {
            judge(step, command);
            return;
        }
    }
    if (run->id[0])
        step_wait(step, "AWS does not show the command %s yet", run->id);
    else
        step_must(step, "run %s", document_of(step));
}

/* The newest come first: where nobody knows when the attempt began, one page is enough. */
static void ask_commands(struct step *step)
{
    static const struct aws_paging pages = {"NextToken", "NextToken", "Commands"};
    const struct run *run = step->memory;
    uint64_t began_s;
    bool bounded = !run->id[0] && compute_began(step, &began_s);
    cJSON *body = bounded ? ssm_sent_after(began_s) : cJSON_CreateObject();
    if (run->id[0])
        cJSON_AddStringToObject(body, "CommandId", run->id);
    cJSON_AddNumberToObject(body, "MaxResults", 50);
    call(step, "ListCommands", body, bounded ? &pages : NULL, on_commands);
}

static void on_document(struct step *step, const struct aws_reply *reply)
{
    if (compute_refused(reply, "InvalidDocument"))
        compute_missing(
            step, reply, "there is no SSM document %s in %s", document_of(step), step->region);
    else if (reply->result == AWS_REFUSED)
        step_fail(step, reply, "the SSM document %s cannot be looked at", document_of(step));
    else
        step_must(step, "run %s", document_of(step));
}

static void look(struct step *step)
{
    const struct run *run = step_memory(step, sizeof *run);
    if (run->id[0] || step->acted) {
        ask_commands(step);
        return;
    }
    if (step->purpose == STEP_CARRY_OUT) { /* SendCommand itself says when there is none */
        step_must(step, "run %s", document_of(step));
        return;
    }
    cJSON *body = cJSON_CreateObject();
    cJSON_AddStringToObject(body, "Name", document_of(step));
    call(step, "DescribeDocument", body, NULL, on_document);
}

/* An instance that has just come up is not known to Systems Manager for a while. */
static void on_sent(struct step *step, const struct aws_reply *reply)
{
    struct run *run = step->memory;
    if (compute_refused(reply, "InvalidInstanceId")) {
        step_wait(step, "Systems Manager does not know all of the instances yet: tries again");
    } else if (reply->result == AWS_REFUSED) {
        step_fail(step, reply, "%s was not run", document_of(step));
    } else {
        const char *id = json_text(json_member(reply->body, "Command"), "CommandId");
        snprintf(run->id, sizeof run->id, "%s", id ? id : "");
        step_acted(step, "sent the command %s (%s)", run->id, document_of(step));
    }
}

static void act(struct step *step)
{
    step_memory(step, sizeof(struct run));
    call(step, "SendCommand", ssm_command(step), NULL, on_sent);
}

static const struct step_permission permissions[] = {
    {"ssm:DescribeDocument", "arn:{partition}:ssm:{region}:{account}:document/{document}"},
    {"ssm:SendCommand", "arn:{partition}:ssm:{region}:{account}:document/{document}"},
    {"ssm:SendCommand", "arn:{partition}:ec2:{region}:{account}:instance/*"},
    {"ssm:SendCommand", "arn:{partition}:ssm:{region}:{account}:managed-instance/*"},
    {"ssm:ListCommands", "*"},
    {"ssm:ListCommandInvocations", "*"},
    {0},
};

const struct step_kind ssm_run = {
    .type = "ssm.run",
    .look = look,
    .act = act,
    .permissions = permissions,
    .timeout_ms = UINT64_C(60) * 60 * 1000,
};
