/* The least IAM policy of a runbook: what its kinds of steps say that they call, on what its steps
 * name.
 *
 * Actions that need the same resources share a statement. The order is that of the actions' names,
 * so that the same runbook always gives the same text. */
#include "failover/aws/inspect_parts.h"

#include "base/json.h"
#include "base/memory.h"
#include "failover/aws/route53.h"

#include <stdlib.h>
#include <string.h>

/* One action on one resource. */
struct grant {
    char *action, *resource;
    const char *passed_to; /* of iam:PassRole: which service may be given the role; else NULL */
};

struct grants {
    struct grant *list;
    size_t count;
    const struct config *config;
    const char *region, *account;
};

/* A template is filled in piece by piece. */
struct filling {
    const struct grants *grants;
    const struct config_step *step;
    const struct step_permission *permission;
};

static const char *partition_of(const char *region)
{
    if (strncmp(region, "cn-", 3) == 0)
        return "aws-cn";
    return strncmp(region, "us-gov-", 7) == 0 ? "aws-us-gov" : "aws";
}

static void add_grant(struct grants *grants, const struct filling *filling, char *resource)
{
    const struct step_permission *permission = filling->permission;
    bool passes = strcmp(permission->action, "iam:PassRole") == 0;
    bool s3 = strncmp(filling->step->type, "s3.", 3) == 0;
    grants->list = memory_resize(grants->list, grants->count + 1, sizeof *grants->list);
    grants->list[grants->count++] = (struct grant){.action = memory_text(permission->action),
        .resource = resource,
        .passed_to = passes && s3 ? "s3.amazonaws.com" : NULL};
}

/* What is known without the step's parameters; NULL: a parameter. */
static const char *known_value(const struct filling *filling, const char *name)
{
    const char *zone = json_text(filling->step->parameters, "zone");
    const char *region = json_text(filling->step->parameters, "region");
    if (strcmp(name, "partition") == 0)
        return partition_of(filling->grants->region);
    if (strcmp(name, "account") == 0)
        return filling->grants->account;
    if (strcmp(name, "region") == 0)
        return region ? region : filling->grants->region;
    if (strcmp(name, "cluster") == 0 && !json_member(filling->step->parameters, name))
        return "default"; /* ECS's own, where the file names none */
    if (strcmp(name, "zone_id") == 0)
        return zone && route53_zone_id(zone) ? route53_zone_id(zone) : "*";
    if (strcmp(name, "zone_search") == 0) /* only a zone's name is searched for */
        return zone && route53_zone_id(zone) ? "" : "*";
    return NULL;
}

static void fill(
    struct grants *grants, const struct filling *filling, const char *done, const char *template);

/* A parameter that is an ARN itself stands for all of the template. */
static void fill_with(struct grants *grants, const struct filling *filling, const char *before,
    const char *value, const char *after)
{
    bool whole = strncmp(value, "arn:", 4) == 0;
    char *done = memory_format("%s%s", whole ? "" : before, value);
    fill(grants, filling, done, whole ? "" : after);
    free(done);
}

/* One that is left out, or is neither text nor a list of texts, may be anything. */
static void fill_with_parameter(struct grants *grants, const struct filling *filling,
    const char *before, const cJSON *value, const char *after)
{
    const cJSON *element;
    if (!cJSON_IsArray(value)) {
        fill_with(grants, filling, before, cJSON_IsString(value) ? value->valuestring : "*", after);
        return;
    }
    cJSON_ArrayForEach(element, value)
    {
        fill_with_parameter(grants, filling, before, element, after);
    }
}

/* `done` is text already, `template` still has placeholders: the first one is filled in. */
static void fill(
    struct grants *grants, const struct filling *filling, const char *done, const char *template)
{
    size_t plain = strcspn(template, "{"), size = strcspn(template + plain, "}");
    char *before = memory_format("%s%.*s", done, (int)plain, template);
    if (!template[plain]) {
        if (*before)
            add_grant(grants, filling, memory_text(before));
        free(before);
        return;
    }
    const char *rest = template + plain + size + 1;
    char *name = memory_text_of(template + plain + 1, size - 1);
    const char *known = known_value(filling, name);
    if (known)
        fill_with(grants, filling, before, known, rest);
    else
        fill_with_parameter(
            grants, filling, before, json_member(filling->step->parameters, name), rest);
    free(before);
    free(name);
}

static int compare_grants(const void *a, const void *b)
{
    const struct grant *one = a, *other = b;
    int order = strcmp(one->action, other->action);
    return order != 0 ? order : strcmp(one->resource, other->resource);
}

static void collect(struct grants *grants, const struct config_runbook *runbook)
{
    for (size_t i = 0; i < runbook->step_count; i++) {
        const struct config_step *step = &runbook->steps[i];
        const struct step_kind *kind = step_kind_find(step->type);
        const struct step_permission *permission = kind ? kind->permissions : NULL;
        for (; permission && permission->action; permission++) {
            struct filling filling = {grants, step, permission};
            fill(grants, &filling, "", permission->resource);
        }
    }
    if (grants->count > 0)
        qsort(grants->list, grants->count, sizeof *grants->list, compare_grants);
}

static void grants_fini(struct grants *grants)
{
    for (size_t i = 0; i < grants->count; i++) {
        free(grants->list[i].action);
        free(grants->list[i].resource);
    }
    free(grants->list);
}

/* The resources of one action, each once. `*from` moves on to the next action. */
static cJSON *take_resources(const struct grants *grants, size_t *from)
{
    const char *action = grants->list[*from].action, *last = "";
    cJSON *resources = cJSON_CreateArray();
    for (; *from < grants->count && strcmp(grants->list[*from].action, action) == 0; ++*from) {
        const char *resource = grants->list[*from].resource;
        if (strcmp(resource, last) != 0)
            cJSON_AddItemToArray(resources, cJSON_CreateString(resource));
        last = resource;
    }
    return resources;
}

static cJSON *make_condition(const struct grant *grant)
{
    cJSON *condition = cJSON_CreateObject();
    cJSON *equals = cJSON_AddObjectToObject(condition, "StringEquals");
    cJSON_AddStringToObject(equals, "iam:PassedToService", grant->passed_to);
    return condition;
}

static cJSON *find_statement(cJSON *statements, const cJSON *resources, const struct grant *grant)
{
    cJSON *statement;
    cJSON_ArrayForEach(statement, statements)
    {
        bool conditional = json_member(statement, "Condition") != NULL;
        if (!conditional && !grant->passed_to &&
            cJSON_Compare(json_member(statement, "Resource"), resources, true))
            return statement;
    }
    return NULL;
}

static void add_action(cJSON *statements, const struct grant *grant, cJSON *resources)
{
    cJSON *statement = find_statement(statements, resources, grant);
    cJSON *action = cJSON_CreateString(grant->action);
    if (statement) {
        cJSON_AddItemToArray(cJSON_GetObjectItemCaseSensitive(statement, "Action"), action);
        cJSON_Delete(resources);
        return;
    }
    statement = cJSON_CreateObject();
    cJSON_AddStringToObject(statement, "Effect", "Allow");
    cJSON_AddItemToArray(cJSON_AddArrayToObject(statement, "Action"), action);
    cJSON_AddItemToObject(statement, "Resource", resources);
    if (grant->passed_to)
        cJSON_AddItemToObject(statement, "Condition", make_condition(grant));
    cJSON_AddItemToArray(statements, statement);
}

cJSON *inspect_policy_of(const struct config *config, const char *region, const char *account)
{
    struct grants grants = {.config = config, .region = region, .account = account};
    size_t index = config_region(config, region);
    cJSON *policy = cJSON_CreateObject();
    cJSON_AddStringToObject(policy, "Version", "2012-10-17");
    cJSON *statements = cJSON_AddArrayToObject(policy, "Statement");
    if (index != CONFIG_NONE)
        collect(&grants, &config->runbooks[index]);
    for (size_t i = 0; i < grants.count;) {
        const struct grant *first = &grants.list[i];
        add_action(statements, first, take_resources(&grants, &i));
    }
    grants_fini(&grants);
    return policy;
}

cJSON *inspect_policy(const struct config *config, const char *region)
{
    return inspect_policy_of(config, region, "*");
}
