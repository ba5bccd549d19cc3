/* Creating or updating a stack.
 *
 * On the good day one call with our token begins the operation. What the step does not give stays:
 * the template, and every parameter that the stack has and a new template still knows. */
#include "failover/aws/cloudformation.h"

#include "base/json.h"
#include "base/xml.h"

#include <stdio.h>
#include <string.h>

static void on_acted(struct step *step, const struct aws_reply *reply)
{
    struct stack *stack = step->memory;
    const char *name = step_text(step, "stack");
    stack->accepted = reply->result == AWS_ANSWERED;
    stack->silent = 0;
    if (reply->result == AWS_ANSWERED) {
        step_acted(step, "the deployment of stack %s has begun", name);
    } else if (compute_says(reply, "No updates are to be performed")) {
        stack->up_to_date = true;
        step_acted(step, "nothing of stack %s is to be updated", name);
    } else if (compute_refused(reply, "TokenAlreadyExistsException") ||
               compute_refused(reply, "AlreadyExistsException")) {
        step_acted(step, "the deployment of stack %s had begun already", name);
    } else if (compute_says(reply, "_IN_PROGRESS state") ||
               compute_refused(reply, "OperationInProgressException")) {
        step_wait(step, "another operation on stack %s is under way: tries again", name);
    } else {
        step_fail(step, reply, "stack %s was not deployed", name);
    }
}

static void put_member(struct text *form, unsigned at, const char *member, const char *value)
{
    char name[64];
    snprintf(name, sizeof name, "Parameters.member.%u.%s", at, member);
    aws_form(form, name, value);
}

static void put_given(struct text *form, const struct step *step, unsigned *at)
{
    const cJSON *parameter;
    cJSON_ArrayForEach(parameter, json_member(step->parameters, "parameters"))
    {
        put_member(form, ++*at, "ParameterKey", parameter->string);
        put_member(form, *at, "ParameterValue", parameter->valuestring);
    }
}

static bool has_parameter(const cJSON *summary, const char *name)
{
    const cJSON *parameter;
    cJSON_ArrayForEach(parameter, tree_find(summary, "Parameters"))
    {
        const char *key = tree_text(parameter, "ParameterKey");
        if (key && strcmp(key, name) == 0)
            return true;
    }
    return false;
}

/* `summary`: of the new template; NULL: the template stays. */
static void put_kept(
    struct text *form, const struct stack *stack, const cJSON *summary, unsigned *at)
{
    for (const char *name = stack->kept; *name; name += strlen(name) + 1) {
        if (summary && !has_parameter(summary, name))
            continue;
        put_member(form, ++*at, "ParameterKey", name);
        put_member(form, *at, "UsePreviousValue", "true");
    }
}

static void deploy(struct step *step, const char *action, const cJSON *summary)
{
    static const char *const capabilities[] = {
        "CAPABILITY_IAM", "CAPABILITY_NAMED_IAM", "CAPABILITY_AUTO_EXPAND"};
    const struct stack *stack = step->memory;
    char token[STEP_TOKEN_SIZE];
    step_token(step, STACK_TOKEN, token);
    struct aws_request request = {.service = &aws_cloudformation,
        .region = step->region,
        .action = action,
        .acts = true,
        .repeatable = true};
    struct text *form = &request.body;
    aws_form(form, "StackName", step_text(step, "stack"));
    aws_form(form, "ClientRequestToken", token);
    if (step_has(step, "template_url"))
        aws_form(form, "TemplateURL", step_text(step, "template_url"));
    else
        aws_form(form, "UsePreviousTemplate", "true");
    for (unsigned i = 0; i < sizeof capabilities / sizeof *capabilities; i++) {
        char name[40];
        snprintf(name, sizeof name, "Capabilities.member.%u", i + 1);
        aws_form(form, name, capabilities[i]);
    }
    unsigned at = 0;
    put_given(form, step, &at);
    if (stack->exists)
        put_kept(form, stack, summary, &at);
    step_call(step, &request, on_acted);
}

static void on_summary(struct step *step, const struct aws_reply *reply)
{
    static const cJSON no_parameters;
    if (reply->result == AWS_REFUSED)
        step_fail(step, reply, "the template of stack %s cannot be read", step_text(step, "stack"));
    else
        deploy(step, "UpdateStack", reply->body ? reply->body : &no_parameters);
}

void stack_act(struct step *step)
{
    const struct stack *stack = step_memory(step, sizeof *stack);
    if (!stack->exists) {
        deploy(step, "CreateStack", NULL);
        return;
    }
    if (!step_has(step, "template_url") || !stack->kept[0]) {
        deploy(step, "UpdateStack", NULL);
        return;
    }
    struct aws_request request = {
        .service = &aws_cloudformation, .region = step->region, .action = "GetTemplateSummary"};
    aws_form(&request.body, "TemplateURL", step_text(step, "template_url"));
    step_call(step, &request, on_summary);
}
