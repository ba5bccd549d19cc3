/* rds.modify: the instance is of the class (one of a list) and Multi-AZ as asked, nothing pending.
 *
 * On the good day it is asked for at once, not for the maintenance window, and seen three times in
 * a row. When everybody scales at the same time a class may be sold out: RDS says so at once, or
 * minutes later in an event, while the status is "available" and the class the old one; then the
 * next of the list is asked for. For `ready` RDS is asked whether it offers one of them at all. */
#include "failover/aws/cloudwatch.h"
#include "failover/aws/rds.h"

#include "base/json.h"
#include "base/xml.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#define CLOCKS_DIFFER_S 5

struct modify_memory {
    uint64_t accepted_ms;                /* what was asked for, on the boot clock */
    size_t next;                         /* of the classes: the one to ask for */
    int64_t asked_at;                    /* when it was, wall clock; 0: not since the last answer */
    const char *class;                   /* what `act` will ask for; NULL: another is not wanted */
    bool multi_az;                       /* it has to be changed too */
    char engine[64], engine_version[64]; /* of the instance, for what is offered */
};

/* The class at `index`, or NULL. */
static const char *class_at(const struct step *step, size_t index)
{
    const cJSON *class = json_member(step->parameters, "class");
    const cJSON *at = cJSON_IsArray(class) ? cJSON_GetArrayItem(class, (int)index)
                      : index == 0         ? class
                                           : NULL;
    return at ? at->valuestring : NULL;
}

static bool has_class(const struct step *step, const char *class)
{
    size_t i = 0;
    const char *wanted;
    while ((wanted = class_at(step, i)) && !(class && strcmp(wanted, class) == 0))
        i++;
    return i == 0 || wanted != NULL;
}

static const cJSON *first_pending(const struct rds_instance *instance)
{
    const cJSON *pending = tree_find(instance->tree, "PendingModifiedValues");
    return cJSON_IsObject(pending) ? pending->child : NULL;
}

static bool is_pending(const struct rds_instance *instance, const char *name)
{
    return tree_find(tree_find(instance->tree, "PendingModifiedValues"), name) != NULL;
}

/* -- ready: is any class of the list offered at all? -- */

static void ask_offer(struct step *step);

static void heard_offer(struct step *step, const struct aws_reply *reply)
{
    struct modify_memory *memory = step_memory(step, sizeof *memory);
    const char *class = class_at(step, memory->next);
    if (reply->result == AWS_REFUSED)
        step_fail(step, reply, "cannot ask RDS in %s for its classes", step->region);
    else if (tree_find(reply->body, "OrderableDBInstanceOptions/OrderableDBInstanceOption"))
        step_must(
            step, "make %s %s, which %s offers", step_text(step, "instance"), class, step->region);
    else if (class_at(step, ++memory->next))
        ask_offer(step);
    else
        step_fail(step, NULL,
            "%s offers %s %s neither as %s nor as any class before it in the list", step->region,
            memory->engine, memory->engine_version, class);
}

static void ask_offer(struct step *step)
{
    struct modify_memory *memory = step_memory(step, sizeof *memory);
    struct aws_request request = {.service = &aws_rds,
        .region = step->region,
        .action = "DescribeOrderableDBInstanceOptions"};
    aws_form(&request.body, "Engine", memory->engine);
    aws_form(&request.body, "EngineVersion", memory->engine_version);
    aws_form(&request.body, "DBInstanceClass", class_at(step, memory->next));
    aws_form(&request.body, "MaxRecords", "20");
    step_call(step, &request, heard_offer);
}

static bool has_version(const struct rds_instance *instance)
{
    return instance->engine && tree_text(instance->tree, "EngineVersion");
}

static void check_offer(struct step *step, const struct rds_instance *instance)
{
    struct modify_memory *memory = step_memory(step, sizeof *memory);
    const char *version = tree_text(instance->tree, "EngineVersion");
    snprintf(memory->engine, sizeof memory->engine, "%s", instance->engine);
    snprintf(memory->engine_version, sizeof memory->engine_version, "%s", version);
    ask_offer(step);
}

/* -- look -- */

static void must(struct step *step, const struct rds_instance *instance)
{
    struct modify_memory *memory = step_memory(step, sizeof *memory);
    const char *zones =
        memory->multi_az ? step_flag(step, "multi_az") ? "Multi-AZ" : "a single zone" : "";
    step_must(step, "make %s (%s) %s%s%s", instance->id,
        instance->class ? instance->class : "of unknown class", memory->class ? memory->class : "",
        memory->class && memory->multi_az ? ", " : "", zones);
}

/* The class has proved to be sold out. False when it was the last one: the step has failed. */
static bool next_class(struct step *step, const struct aws_reply *reply, const char *message)
{
    struct modify_memory *memory = step_memory(step, sizeof *memory);
    const char *sold_out = class_at(step, memory->next++);
    memory->asked_at = 0;
    memory->accepted_ms = 0;
    memory->class = class_at(step, memory->next);
    if (memory->class)
        return true;
    memory->next = 0; /* for a retry */
    step_fail(step, reply,
        "there is no capacity in %s for %s as %s, nor for any class before it in the step's list: "
        "add classes, or retry later%s%.200s",
        step->region, step_text(step, "instance"), sold_out ? sold_out : "asked",
        message ? "; " : "", message ? message : "");
    return false;
}

static bool is_failure(const cJSON *event)
{
    const cJSON *category;
    cJSON_ArrayForEach(category, tree_find(event, "EventCategories"))
    {
        if (cJSON_IsString(category) && strcmp(category->valuestring, "failure") == 0)
            return true;
    }
    return false;
}

/* Storage has a capacity too, and that is another matter. */
static bool tells_of_capacity(const cJSON *event, const char *message)
{
    return strcasestr(message, "capacity") &&
           (!strcasestr(message, "storage") || is_failure(event));
}

/* RDS says it is available and of the old class: what do its events say of what was asked? */
static void heard_events(struct step *step, const struct aws_reply *reply)
{
    struct modify_memory *memory = step_memory(step, sizeof *memory);
    const cJSON *event;
    cJSON_ArrayForEach(event, tree_find(reply->body, "Events"))
    {
        const char *message = tree_text(event, "Message");
        if (!message || cloudwatch_time(tree_text(event, "Date")) < memory->asked_at)
            continue;
        if (tells_of_capacity(event, message)) {
            step_came_to_nothing(step);
            if (next_class(step, NULL, message))
                step_must(step, "make %s %s: %.200s", step_text(step, "instance"), memory->class,
                    message);
            return;
        }
        if (is_failure(event)) {
            memory->asked_at = 0; /* for a retry */
            memory->accepted_ms = 0;
            step_fail(
                step, NULL, "RDS gave up on %s: %.300s", step_text(step, "instance"), message);
            return;
        }
    }
    const char *what = memory->class ? memory->class : "Multi-AZ as asked";
    if (rds_is_under_way(memory->accepted_ms))
        step_wait(step, "%s is being made %s", step_text(step, "instance"), what);
    else
        step_must(
            step, "make %s %s: RDS does not show that it began", step_text(step, "instance"), what);
}

static void ask_events(struct step *step)
{
    struct aws_request request = {
        .service = &aws_rds, .region = step->region, .action = "DescribeEvents"};
    aws_form(&request.body, "SourceIdentifier", step_text(step, "instance"));
    aws_form(&request.body, "SourceType", "db-instance");
    aws_form(&request.body, "Duration", "60"); /* minutes */
    step_call(step, &request, heard_events);
}

/* Ready, and nothing that was asked for is pending: is it as it should be? */
static void judge(struct step *step, const struct rds_instance *instance)
{
    struct modify_memory *memory = step_memory(step, sizeof *memory);
    const cJSON *pending = first_pending(instance);
    memory->class = has_class(step, instance->class) ? NULL : class_at(step, memory->next);
    memory->multi_az =
        step_has(step, "multi_az") && step_flag(step, "multi_az") != instance->multi_az;
    bool wanting = memory->class || memory->multi_az;
    bool ours = is_pending(instance, "DBInstanceClass") || is_pending(instance, "MultiAZ");
    if (instance->status == RDS_PASSING)
        step_wait(step, "%s is %s and \"%s\"", instance->id,
            instance->class ? instance->class : "of unknown class", instance->status_text);
    else if (pending && (step->acted || !wanting || !ours))
        step_wait(step, "%s has a change of %s pending", instance->id, pending->string);
    else if (memory->class && step->purpose == STEP_READY && has_version(instance))
        check_offer(step, instance);
    else if (wanting && memory->asked_at)
        ask_events(step);
    else if (wanting)
        must(step, instance);
    else
        step_done(step, "%s is %s%s", instance->id, instance->class ? instance->class : "there",
            instance->multi_az ? ", Multi-AZ" : "");
}

static void looked(struct step *step, const struct aws_reply *reply)
{
    struct rds_instance instance;
    if (rds_found(step, reply, step->region, step_text(step, "instance"), &instance) &&
        rds_lives(step, &instance, step->region) && rds_is_single(step, &instance))
        judge(step, &instance);
}

static void look(struct step *step)
{
    rds_describe(step, step->region, step_text(step, "instance"), looked);
}

static void act(struct step *step);

static void modified(struct step *step, const struct aws_reply *reply)
{
    struct modify_memory *memory = step_memory(step, sizeof *memory);
    const char *instance = step_text(step, "instance");
    memory->accepted_ms = reply->result == AWS_ANSWERED ? clock_boot_ms() : 0;
    if (reply->result == AWS_ANSWERED)
        step_acted(step, "%s is being made %s", instance,
            memory->class ? memory->class : "Multi-AZ as asked");
    else if (rds_refused(reply, RDS_INVALID_STATE))
        step_wait(step, "RDS does not modify %s as it is now: %s", instance, reply->words);
    else if (!rds_refused(reply, RDS_NO_CAPACITY))
        step_fail(step, reply, "cannot modify %s", instance);
    else if (next_class(step, reply, NULL))
        act(step);
}

static void act(struct step *step)
{
    struct modify_memory *memory = step_memory(step, sizeof *memory);
    struct aws_request request = {
        .service = &aws_rds, .region = step->region, .action = "ModifyDBInstance", .acts = true};
    aws_form(&request.body, "DBInstanceIdentifier", step_text(step, "instance"));
    aws_form(&request.body, "ApplyImmediately", "true");
    if (memory->class)
        aws_form(&request.body, "DBInstanceClass", memory->class);
    if (memory->multi_az)
        aws_form(&request.body, "MultiAZ", step_flag(step, "multi_az") ? "true" : "false");
    memory->asked_at = (int64_t)time(NULL) - CLOCKS_DIFFER_S;
    step_call(step, &request, modified);
}

static const struct step_permission permissions[] = {
    {"rds:DescribeDBInstances", "arn:{partition}:rds:{region}:{account}:db:{instance}"},
    {"rds:ModifyDBInstance", "arn:{partition}:rds:{region}:{account}:db:{instance}"},
    {"rds:DescribeEvents", "*"},
    {"rds:DescribeOrderableDBInstanceOptions", "*"},
    {0},
};

const struct step_kind rds_modify = {
    .type = "rds.modify",
    .look = look,
    .act = act,
    .permissions = permissions,
    .timeout_ms = 60 * 60 * 1000,
    .confirm = 3,
};
