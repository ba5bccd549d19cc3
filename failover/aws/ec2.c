/* ec2.start: instances run and pass their status checks.
 *
 * On the good day those that are stopped are started together, and the look waits until all of them
 * run and both checks of each are ok. An instance that is still stopping is waited for, a
 * terminated one never comes back. StartInstances takes no token and needs none: one that runs
 * already is left alone. Where EC2 has no capacity for all of them, each is asked for by itself,
 * until the timeout. */
#include "failover/aws/compute.h"

#include "base/json.h"
#include "base/xml.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define INSTANCES_MAX 1000
#define STATUS_AT_ONCE 100 /* instance ids that DescribeInstanceStatus takes */

struct start {
    char ids[INSTANCES_MAX][24]; /* those to be started; when none is, those that run */
    unsigned count, next, passed, lacking;
    bool no_capacity;           /* for all at once */
    struct compute_list others; /* those that hold the goal up */
};

enum instance_is { GONE, STOPPED, ON_ITS_WAY, RUNNING };

static enum instance_is state_of(const cJSON *instance)
{
    const char *state = tree_text(instance, "instanceState/name");
    if (!state || strcmp(state, "terminated") == 0 || strcmp(state, "shutting-down") == 0)
        return GONE;
    if (strcmp(state, "stopped") == 0)
        return STOPPED;
    return strcmp(state, "running") == 0 ? RUNNING : ON_ITS_WAY;
}

/* The first that is to be started makes those that run uninteresting. False: no room. */
static bool keep(struct start *start, const char *id)
{
    if (start->count == INSTANCES_MAX || strlen(id) >= sizeof start->ids[0])
        return false;
    snprintf(start->ids[start->count++], sizeof start->ids[0], "%s", id);
    return true;
}

static void ask_status(struct step *step);

static void on_status(struct step *step, const struct aws_reply *reply)
{
    struct start *start = step->memory;
    if (reply->result == AWS_REFUSED) {
        step_fail(step, reply, "the status of instances cannot be looked at");
        return;
    }
    const cJSON *item;
    cJSON_ArrayForEach(item, tree_find(reply->body, "instanceStatusSet"))
    {
        const char *id = tree_text(item, "instanceId");
        const char *system = tree_text(item, "systemStatus/status");
        const char *instance = tree_text(item, "instanceStatus/status");
        if (system && instance && strcmp(system, "ok") == 0 && strcmp(instance, "ok") == 0)
            start->passed++;
        else
            compute_list_add(&start->others, "%s: %s, %s", id ? id : "one",
                system ? system : "unknown", instance ? instance : "unknown");
    }
    if (start->next < start->count)
        ask_status(step);
    else if (start->passed >= start->count)
        step_done(step, "%u instances run and pass their status checks", start->count);
    else
        step_wait(step, "%u of %u instances pass their status checks; %s", start->passed,
            start->count, compute_list_text(&start->others));
}

static void ask_status(struct step *step)
{
    struct start *start = step->memory;
    struct aws_request request = {
        .service = &aws_ec2, .region = step->region, .action = "DescribeInstanceStatus"};
    aws_form(&request.body, "IncludeAllInstances", "true");
    for (unsigned i = 1; i <= STATUS_AT_ONCE && start->next < start->count; i++) {
        char name[24];
        snprintf(name, sizeof name, "InstanceId.%u", i);
        aws_form(&request.body, name, start->ids[start->next++]);
    }
    step_call(step, &request, on_status);
}

struct census {
    unsigned gone, stopped, on_their_way, running;
    bool too_many;
};

static void count_instance(struct start *start, const cJSON *instance, struct census *census)
{
    const char *id = tree_text(instance, "instanceId");
    const char *state = tree_text(instance, "instanceState/name");
    enum instance_is is = state_of(instance);
    if (!id)
        return;
    census->gone += is == GONE;
    census->stopped += is == STOPPED;
    census->on_their_way += is == ON_ITS_WAY;
    census->running += is == RUNNING;
    if (is == STOPPED && census->stopped == 1)
        start->count = 0;
    if (is == STOPPED || (is == RUNNING && !census->stopped))
        census->too_many |= !keep(start, id);
    if (is == GONE || is == ON_ITS_WAY)
        compute_list_add(&start->others, "%s is %s", id, state ? state : "unknown");
}

static struct census take_census(struct start *start, const cJSON *body)
{
    struct census census = {0};
    const cJSON *reservation, *instance;
    start->count = start->next = start->passed = 0;
    start->others = (struct compute_list){0};
    cJSON_ArrayForEach(reservation, tree_find(body, "reservationSet"))
    {
        cJSON_ArrayForEach(instance, tree_find(reservation, "instancesSet"))
            count_instance(start, instance, &census);
    }
    return census;
}

static void say_to_start(struct step *step, struct start *start)
{
    struct compute_list list = {0};
    for (unsigned i = 0; i < start->count; i++)
        compute_list_add(&list, "%s", start->ids[i]);
    step_must(step, "start %s%s", compute_list_text(&list),
        start->no_capacity ? " (EC2 had no capacity for all of them so far)" : "");
}

static void judge_instances(struct step *step, const cJSON *body)
{
    struct start *start = step->memory;
    struct census census = take_census(start, body);
    if (census.gone)
        step_fail(
            step, NULL, "an instance never comes back: %s", compute_list_text(&start->others));
    else if (census.too_many)
        step_fail(
            step, NULL, "more than %d instances have these tags: use narrower ones", INSTANCES_MAX);
    else if (census.stopped)
        say_to_start(step, start);
    else if (census.on_their_way)
        step_wait(step, "%u instances run; %s", census.running, compute_list_text(&start->others));
    else if (!census.running)
        compute_missing(step, NULL, "no instance in %s has these tags", step->region);
    else
        ask_status(step);
}

static void on_instances(struct step *step, const struct aws_reply *reply)
{
    if (compute_refused(reply, "InvalidInstanceID.NotFound"))
        compute_missing(step, reply, "an instance does not exist in %s", step->region);
    else if (reply->result == AWS_REFUSED)
        step_fail(step, reply, "instances cannot be looked at");
    else
        judge_instances(step, reply->body);
}

static void put_tags(struct text *form, const cJSON *tags)
{
    static const char *const states[] = {"pending", "running", "stopping", "stopped"};
    const cJSON *tag;
    unsigned at = 1;
    aws_form(form, "Filter.1.Name", "instance-state-name");
    for (unsigned i = 0; i < sizeof states / sizeof *states; i++) {
        char name[40];
        snprintf(name, sizeof name, "Filter.1.Value.%u", i + 1);
        aws_form(form, name, states[i]);
    }
    cJSON_ArrayForEach(tag, tags)
    {
        char name[40];
        snprintf(name, sizeof name, "Filter.%u.Name", ++at);
        aws_form_format(form, name, "tag:%s", tag->string);
        snprintf(name, sizeof name, "Filter.%u.Value.1", at);
        aws_form(form, name, tag->valuestring);
    }
    aws_form(form, "MaxResults", "1000");
}

static void look(struct step *step)
{
    static const struct aws_paging pages = {"nextToken", "NextToken", "reservationSet"};
    const cJSON *instances = json_member(step->parameters, "instances"), *id;
    struct aws_request request = {
        .service = &aws_ec2, .region = step->region, .action = "DescribeInstances"};
    step_memory(step, sizeof(struct start));
    unsigned at = 0;
    cJSON_ArrayForEach(id, instances)
    {
        char name[24];
        snprintf(name, sizeof name, "InstanceId.%u", ++at);
        aws_form(&request.body, name, id->valuestring);
    }
    if (!instances) {
        put_tags(&request.body, json_member(step->parameters, "tags"));
        request.paging = &pages;
    }
    step_call(step, &request, on_instances);
}

static void start_some(struct step *step);

static bool lacks_capacity(const struct aws_reply *reply)
{
    return compute_refused(reply, "InsufficientInstanceCapacity") ||
           compute_refused(reply, "InsufficientHostCapacity");
}

static void on_started(struct step *step, const struct aws_reply *reply)
{
    struct start *start = step->memory;
    if (lacks_capacity(reply))
        start->lacking++;
    else if (compute_refused(reply, "IncorrectInstanceState")) {
        step_wait(step, "an instance is not ready to be started: tries again");
        return;
    } else if (reply->result == AWS_REFUSED) {
        step_fail(step, reply, "instances were not started");
        return;
    }
    if (start->next < start->count) {
        start_some(step);
    } else if (start->lacking) {
        step_wait(step,
            "EC2 has no capacity (InsufficientInstanceCapacity) for %u instances: tries again",
            start->no_capacity ? start->lacking : start->count);
        start->no_capacity = true;
    } else {
        start->no_capacity = false;
        step_acted(step, "started %u instances", start->count);
    }
}

/* All of them, or the next one. */
static void start_some(struct step *step)
{
    struct start *start = step->memory;
    struct aws_request request = {.service = &aws_ec2,
        .region = step->region,
        .action = "StartInstances",
        .acts = true,
        .repeatable = true};
    unsigned end = start->no_capacity ? start->next + 1 : start->count;
    for (unsigned i = 1; start->next < end; i++) {
        char name[24];
        snprintf(name, sizeof name, "InstanceId.%u", i);
        aws_form(&request.body, name, start->ids[start->next++]);
    }
    step_call(step, &request, on_started);
}

static void act(struct step *step)
{
    struct start *start = step_memory(step, sizeof *start);
    assert(start->count > 0);
    start->next = start->lacking = 0;
    start_some(step);
}

static const struct step_permission permissions[] = {
    {"ec2:DescribeInstances", "*"},
    {"ec2:DescribeInstanceStatus", "*"},
    {"ec2:StartInstances", "arn:{partition}:ec2:{region}:{account}:instance/*"},
    {0},
};

const struct step_kind ec2_start = {
    .type = "ec2.start",
    .look = look,
    .act = act,
    .permissions = permissions,
    .timeout_ms = UINT64_C(15) * 60 * 1000,
};
