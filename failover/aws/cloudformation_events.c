/* What became of our operation on a stack.
 *
 * On the good day the stack's events, newest first, say at once that the operation with our token
 * is complete. The walk back ends where the operation began; on its way it meets every resource
 * that failed, and the first of them is the one that people want to know. Of a stack that is
 * whole nobody needs them. */
#include "failover/aws/cloudformation.h"

#include "base/xml.h"

#include <stdio.h>
#include <string.h>

#define PAGES_MAX 40 /* of 100 events: how far our operation may lie back */

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

static void take_failure(struct stack *stack, const cJSON *event)
{
    const char *resource = tree_text(event, "LogicalResourceId");
    const char *type = tree_text(event, "ResourceType");
    const char *why = tree_text(event, "ResourceStatusReason");
    snprintf(stack->first_failure, sizeof stack->first_failure, "%s (%s): %s",
        resource ? resource : "a resource", type ? type : "of unknown type",
        why ? why : "no reason given");
}

/* An event of the stack itself. True when it is the operation's beginning. */
static bool take_stack(struct stack *stack, const cJSON *event, const char *status)
{
    bool failed = strstr(status, "ROLLBACK") || ends_with(status, "_FAILED");
    bool succeeded =
        strcmp(status, "CREATE_COMPLETE") == 0 || strcmp(status, "UPDATE_COMPLETE") == 0;
    if (failed && !stack->first_failure[0] && tree_text(event, "ResourceStatusReason"))
        take_failure(stack, event); /* it only sums up: a resource that failed says more */
    if (failed)
        stack->result = STACK_FAILED;
    else if (succeeded)
        stack->result = STACK_SUCCEEDED;
    return strcmp(status, "CREATE_IN_PROGRESS") == 0 || strcmp(status, "UPDATE_IN_PROGRESS") == 0;
}

/* True when it is where our operation began. */
static bool take_event(struct stack *stack, const char *token, const cJSON *event)
{
    const char *theirs = tree_text(event, "ClientRequestToken");
    const char *status = tree_text(event, "ResourceStatus");
    const char *id = tree_text(event, "StackId"), *what = tree_text(event, "PhysicalResourceId");
    stack->tells |= theirs != NULL;
    if (!theirs || !status || strcmp(theirs, token) != 0)
        return false;
    if (stack->result == STACK_UNKNOWN)
        stack->result = STACK_BEGUN;
    if (id && what && strcmp(id, what) == 0)
        return take_stack(stack, event, status);
    if (ends_with(status, "_FAILED"))
        take_failure(stack, event);
    return false;
}

static bool take_events(struct step *step, const cJSON *events)
{
    char token[STEP_TOKEN_SIZE];
    step_token(step, STACK_TOKEN, token);
    const cJSON *event;
    cJSON_ArrayForEach(event, events)
    {
        if (take_event(step->memory, token, event))
            return true;
    }
    return false;
}

static void ask_events(struct step *step, const char *page);

static void on_events(struct step *step, const struct aws_reply *reply)
{
    struct stack *stack = step->memory;
    const char *page = tree_text(reply->body, "NextToken");
    bool refused = reply->result == AWS_REFUSED && !compute_says(reply, "does not exist");
    if (refused && !stack->whole) {
        step_fail(
            step, reply, "the events of stack %s cannot be looked at", step_text(step, "stack"));
        return;
    }
    bool begun = take_events(step, tree_find(reply->body, "StackEvents"));
    if (!begun && page && page[0] && ++stack->pages < PAGES_MAX)
        ask_events(step, page);
    else
        stack->known(step);
}

static void ask_events(struct step *step, const char *page)
{
    struct aws_request request = {
        .service = &aws_cloudformation, .region = step->region, .action = "DescribeStackEvents"};
    aws_form(&request.body, "StackName", step_text(step, "stack"));
    if (page)
        aws_form(&request.body, "NextToken", page);
    step_call(step, &request, on_events);
}

void stack_read_events(struct step *step, stack_known *known)
{
    struct stack *stack = step->memory;
    stack->known = known;
    stack->result = STACK_UNKNOWN;
    stack->tells = false;
    stack->first_failure[0] = '\0';
    stack->pages = 0;
    ask_events(step, NULL);
}
