/* cloudformation.deploy: a stack is there, with the template and the parameters that were asked
 * for.
 *
 * On the good day the stack differs or does not exist, one UpdateStack or CreateStack with a token
 * begins an operation, and its own events say when it is complete. A status alone shows nothing:
 * the stack may have been complete before. Without a template of the step's own a stack whose
 * parameters are as asked is done already; with one, AWS says that nothing is to be updated.
 * Somebody else's operation is waited for. A stack that never came up must be deleted by hand. */
#include "failover/aws/cloudformation.h"

#include "base/json.h"
#include "base/xml.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const char *name_of(const struct step *step)
{
    return step_text(step, "stack");
}

static const cJSON *given_parameters(const struct step *step)
{
    return json_member(step->parameters, "parameters");
}

static void keep_name(struct stack *stack, const char *name)
{
    size_t size = strlen(name) + 1;
    stack->too_many |= size >= sizeof stack->kept - stack->kept_size;
    if (stack->too_many)
        return;
    memcpy(stack->kept + stack->kept_size, name, size);
    stack->kept_size += size;
    stack->kept[stack->kept_size] = '\0';
}

static void keep_names(const struct step *step, const cJSON *parameters)
{
    struct stack *stack = step->memory;
    stack->kept_size = 0;
    stack->kept[0] = '\0';
    stack->too_many = false;
    const cJSON *parameter;
    cJSON_ArrayForEach(parameter, parameters)
    {
        const char *name = tree_text(parameter, "ParameterKey");
        if (name && name[0] && !json_member(given_parameters(step), name))
            keep_name(stack, name);
    }
}

static const char *value_of(const cJSON *parameters, const char *name)
{
    const cJSON *parameter;
    cJSON_ArrayForEach(parameter, parameters)
    {
        const char *key = tree_text(parameter, "ParameterKey");
        const char *value = tree_text(parameter, "ParameterValue");
        if (key && strcmp(key, name) == 0)
            return value ? value : "";
    }
    return NULL;
}

/* Those that are not as asked. A parameter whose value AWS hides ("****") is one of them. */
static void compare(const struct step *step, const cJSON *stack, struct compute_list *differ,
    struct compute_list *unknown)
{
    const cJSON *asked, *parameters = tree_find(stack, "Parameters");
    cJSON_ArrayForEach(asked, given_parameters(step))
    {
        const char *value = value_of(parameters, asked->string);
        if (!value)
            compute_list_add(unknown, "%s", asked->string);
        else if (strcmp(value, asked->valuestring) != 0)
            compute_list_add(differ, "%s", asked->string);
    }
}

/* What the stack itself says; the events of our operation come before it. */
static void conclude(struct step *step, enum step_end end, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
static void conclude(struct step *step, enum step_end end, const char *format, ...)
{
    struct stack *stack = step->memory;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(stack->words, sizeof stack->words, format, arguments);
    va_end(arguments);
    stack->end = end;
}

static void judge_complete(struct step *step, const cJSON *stack)
{
    struct stack *known = step->memory;
    struct compute_list differ = {0}, unknown = {0};
    compare(step, stack, &differ, &unknown);
    known->whole &= !differ.text[0];
    if (known->too_many)
        conclude(step, STEP_END_FAIL, "stack %s has too many parameters", name_of(step));
    else if (step_has(step, "template_url"))
        conclude(step, STEP_END_MUST, "update stack %s from its template", name_of(step));
    else if (unknown.text[0])
        conclude(step, STEP_END_FAIL, "stack %s has no parameter %s", name_of(step),
            compute_list_text(&unknown));
    else if (differ.text[0])
        conclude(
            step, STEP_END_MUST, "update stack %s: %s", name_of(step), compute_list_text(&differ));
    else
        conclude(step, STEP_END_DONE, "stack %s is as asked", name_of(step));
}

static bool is_any(const char *status, const char *const *statuses)
{
    for (; *statuses; statuses++) {
        if (strcmp(status, *statuses) == 0)
            return true;
    }
    return false;
}

static bool is_complete(const char *status)
{
    static const char *const complete[] = {"CREATE_COMPLETE", "UPDATE_COMPLETE",
        "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE", NULL};
    return is_any(status, complete);
}

static bool ends_well(const char *status)
{
    return strcmp(status, "CREATE_COMPLETE") == 0 || strcmp(status, "UPDATE_COMPLETE") == 0;
}

static bool never_came_up(const char *status)
{
    static const char *const never[] = {
        "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED", NULL};
    return is_any(status, never);
}

static void say_conclusion(struct step *step)
{
    const struct stack *stack = step->memory;
    if (stack->end == STEP_END_DONE)
        step_done(step, "%s", stack->words);
    else if (stack->end == STEP_END_MUST)
        step_must(step, "%s", stack->words);
    else
        step_fail(step, NULL, "%s", stack->words);
}

/* Its events need not tell whose operation it was. Once AWS took ours, a stack that is whole in as
 * many looks as a second act would want is deployed. */
static bool has_settled(struct stack *stack)
{
    return stack->accepted && stack->whole && !stack->tells && ++stack->silent >= STEP_SETTLED;
}

static void on_events(struct step *step)
{
    struct stack *known = step->memory;
    if (known->result == STACK_SUCCEEDED || (known->result == STACK_UNKNOWN && has_settled(known)))
        step_done(step, "stack %s is deployed", name_of(step));
    else if (known->result == STACK_FAILED)
        step_fail(step, NULL, "stack %s was not deployed%s%s", name_of(step),
            known->first_failure[0] ? ": " : "", known->first_failure);
    else if (known->result == STACK_BEGUN)
        step_wait(step, "stack %s is under way", name_of(step));
    else
        say_conclusion(step);
}

/* Nothing is under way. */
static void judge_stack(struct step *step, const cJSON *stack, const char *status)
{
    const char *why = tree_text(stack, "StackStatusReason");
    struct stack *known = step->memory;
    keep_names(step, tree_find(stack, "Parameters"));
    known->whole = ends_well(status);
    if (is_complete(status))
        judge_complete(step, stack);
    else
        conclude(step, STEP_END_FAIL, "stack %s is %s%s%s; %s", name_of(step), status,
            why ? ": " : "", why ? why : "",
            never_came_up(status) ? "delete it by hand, then retry"
                                  : "repair it by hand, then retry");
    if (step->acted)
        stack_read_events(step, on_events);
    else
        say_conclusion(step);
}

static void look_at_status(struct step *step, const cJSON *stack)
{
    struct stack *known = step->memory;
    const char *status = tree_text(stack, "StackStatus");
    const char *why = tree_text(stack, "StackStatusReason");
    known->exists = true;
    if (!status)
        status = "unknown";
    if (strcmp(status, "REVIEW_IN_PROGRESS") == 0)
        step_fail(step, NULL,
            "stack %s waits for a change set: execute it, or delete the stack, by hand",
            name_of(step));
    else if (strstr(status, "_IN_PROGRESS"))
        step_wait(
            step, "stack %s is %s%s%s", name_of(step), status, why ? ": " : "", why ? why : "");
    else
        judge_stack(step, stack, status);
}

static void on_stack(struct step *step, const struct aws_reply *reply)
{
    struct stack *known = step->memory;
    const cJSON *stack = tree_find(reply->body, "Stacks/member");
    if (stack) {
        look_at_status(step, stack);
        return;
    }
    known->exists = false;
    if (reply->result == AWS_REFUSED && !compute_says(reply, "does not exist"))
        step_fail(step, reply, "stack %s cannot be looked at", name_of(step));
    else if (!step_has(step, "template_url"))
        compute_missing(step, reply, "there is no stack %s in %s, and no template_url to create it",
            name_of(step), step->region);
    else
        step_must(step, "create stack %s", name_of(step));
}

static void ask_stack(struct step *step)
{
    struct aws_request request = {
        .service = &aws_cloudformation, .region = step->region, .action = "DescribeStacks"};
    aws_form(&request.body, "StackName", name_of(step));
    step_call(step, &request, on_stack);
}

static void look(struct step *step)
{
    const struct stack *known = step_memory(step, sizeof *known);
    if (known->up_to_date)
        step_done(step, "stack %s is as asked: nothing is to be updated", name_of(step));
    else
        ask_stack(step);
}

static const struct step_permission permissions[] = {
    {"cloudformation:DescribeStacks",
        "arn:{partition}:cloudformation:{region}:{account}:stack/{stack}/*"},
    {"cloudformation:DescribeStackEvents",
        "arn:{partition}:cloudformation:{region}:{account}:stack/{stack}/*"},
    {"cloudformation:CreateStack",
        "arn:{partition}:cloudformation:{region}:{account}:stack/{stack}/*"},
    {"cloudformation:UpdateStack",
        "arn:{partition}:cloudformation:{region}:{account}:stack/{stack}/*"},
    {"cloudformation:GetTemplateSummary", "*"},
    {0},
};

const struct step_kind cloudformation_deploy = {
    .type = "cloudformation.deploy",
    .look = look,
    .act = stack_act,
    .permissions = permissions,
    .timeout_ms = UINT64_C(60) * 60 * 1000,
};
