/* Who we are for AWS, and whether we may do what the runbook does.
 *
 * On the good day STS of the runbook's region says who we are, and IAM simulates our policies: each
 * action of the runbook on each thing that its steps name. Simulation is a help, not a need: IAM
 * lives in one region of the world and may be out of reach, and few roles may simulate themselves.
 * Then one row says that nobody checked, and how it could be. */
#include "failover/aws/inspect_parts.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/xml.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ASK_MS 8000
#define ARN_SIZE 2048

struct access {
    struct aws *aws;
    struct aws_call *call;
    struct config *config;
    char *region;
    access_done *done;
    void *context;
    cJSON *rows;
    cJSON *policy;          /* what is asked about; NULL until we know who we are */
    const cJSON *statement; /* the one that is asked about */
    char principal[ARN_SIZE];
    unsigned allowed; /* pairs of action and resource */
};

static void simulate_next(struct access *access);

static void add_row(struct access *access, const char *check, enum ready_status status,
    const char *words, const char *advice)
{
    cJSON_AddItemToArray(access->rows, inspect_row(check, access->region, status, words, advice));
}

static void access_free(struct access *access)
{
    cJSON_Delete(access->rows);
    cJSON_Delete(access->policy);
    config_unref(access->config);
    free(access->region);
    free(access);
}

static void finish(struct access *access)
{
    cJSON *rows = access->rows;
    access_done *done = access->done;
    void *context = access->context;
    access->rows = NULL;
    access_free(access);
    done(context, rows);
}

static void say_unchecked(struct access *access, const char *why)
{
    char *words = memory_format("permissions were not checked: %s", why);
    add_row(access, "permission", READY_WARN, words,
        "allow iam:SimulatePrincipalPolicy on the sidecar's own role to have them checked");
    free(words);
    finish(access);
}

static void add_denied(struct access *access, const cJSON *result)
{
    const char *action = tree_text(result, "EvalActionName");
    const char *resource = tree_text(result, "EvalResourceName");
    const char *decision = tree_text(result, "EvalDecision");
    bool explicit = strcmp(decision, "explicitDeny") == 0;
    /* A policy may allow just what is needed, and yet not all that a wildcard means; or it asks for
     * what only a real request has. */
    bool vague =
        !explicit && ((resource && strchr(resource, '*')) ||
                         cJSON_GetArraySize(tree_find(result, "MissingContextValues")) > 0);
    char advice[160];
    snprintf(advice, sizeof advice, INSPECT_ADVICE_POLICY, access->region);
    char *words =
        memory_format("%s on %s %s", action ? action : "an action", resource ? resource : "*",
            vague      ? "may not be allowed: its policy cannot be judged from here"
            : explicit ? "is denied by a policy"
                       : "is not allowed");
    add_row(access, "permission", vague ? READY_WARN : READY_FAIL, words, advice);
    free(words);
}

static void on_simulated(void *context, const struct aws_reply *reply)
{
    struct access *access = context;
    const cJSON *result;
    access->call = NULL;
    if (reply->result != AWS_ANSWERED) {
        say_unchecked(access, reply->words);
        return;
    }
    cJSON_ArrayForEach(result, tree_find(reply->body, "EvaluationResults"))
    {
        const char *decision = tree_text(result, "EvalDecision");
        if (decision && strcmp(decision, "allowed") == 0)
            access->allowed++;
        else if (decision)
            add_denied(access, result);
    }
    access->statement = access->statement->next;
    simulate_next(access);
}

static void add_members(struct text *form, const char *name, const cJSON *list)
{
    char key[64];
    unsigned number = 1;
    const cJSON *element;
    cJSON_ArrayForEach(element, list)
    {
        snprintf(key, sizeof key, "%s.member.%u", name, number++);
        aws_form(form, key, element->valuestring);
    }
}

static void say_allowed(struct access *access)
{
    char words[96];
    snprintf(words, sizeof words, "%u permissions of the runbook are there", access->allowed);
    if (access->allowed > 0)
        add_row(access, "permission", READY_PASS, words, NULL);
    finish(access);
}

/* Which role a service may be given depends on what is there; nobody can ask that beforehand. */
static void simulate_next(struct access *access)
{
    static const struct aws_paging paging = {"Marker", "Marker", "EvaluationResults"};
    while (access->statement && json_member(access->statement, "Condition"))
        access->statement = access->statement->next;
    if (!access->statement) {
        say_allowed(access);
        return;
    }
    struct aws_request request = {.service = &aws_iam,
        .region = access->region,
        .action = "SimulatePrincipalPolicy",
        .paging = &paging};
    aws_form(&request.body, "PolicySourceArn", access->principal);
    add_members(&request.body, "ActionNames", json_member(access->statement, "Action"));
    add_members(&request.body, "ResourceArns", json_member(access->statement, "Resource"));
    access->call = aws_start(access->aws, &request, ASK_MS, on_simulated, access);
}

/* "arn:aws:sts::1:assumed-role/NAME/SESSION" is of role "arn:aws:iam::1:role/NAME". */
static bool find_principal(const char *arn, char ret[ARN_SIZE])
{
    static const char sts[] = ":sts::", assumed[] = ":assumed-role/";
    const char *service = strstr(arn, sts), *role = strstr(arn, assumed);
    if (!service || !role || role < service) {
        snprintf(ret, ARN_SIZE, "%s", arn);
        return strstr(arn, ":iam::") && (strstr(arn, ":user/") || strstr(arn, ":role/"));
    }
    const char *account = service + sizeof sts - 1, *name = role + sizeof assumed - 1;
    snprintf(ret, ARN_SIZE, "%.*s:iam::%.*s:role/%.*s", (int)(service - arn), arn,
        (int)(role - account), account, (int)strcspn(name, "/"), name);
    return true;
}

static void on_identity(void *context, const struct aws_reply *reply)
{
    struct access *access = context;
    const char *arn = reply->result == AWS_ANSWERED ? tree_text(reply->body, "Arn") : NULL;
    const char *account = arn ? tree_text(reply->body, "Account") : NULL;
    access->call = NULL;
    if (!arn || !account) {
        add_row(access, "credentials", READY_FAIL,
            reply->result == AWS_ANSWERED ? "STS does not say who we are" : reply->words,
            "see to the sidecar's credentials, and to its way to this region's STS");
        finish(access);
        return;
    }
    char *words = memory_format("we are %s", arn);
    add_row(access, "credentials", READY_PASS, words, NULL);
    free(words);
    access->policy = inspect_policy_of(access->config, access->region, account);
    access->statement = json_member(access->policy, "Statement")->child;
    if (!access->statement)
        finish(access);
    else if (find_principal(arn, access->principal))
        simulate_next(access);
    else
        say_unchecked(access, "IAM simulates users and roles only");
}

struct access *access_start(const struct inspect_options *options, access_done *done, void *context)
{
    struct access *access = memory_new(sizeof *access);
    struct aws_request request = {
        .service = &aws_sts, .region = options->region, .action = "GetCallerIdentity"};
    access->aws = options->aws;
    access->config = config_ref((struct config *)options->config);
    access->region = memory_text(options->region);
    access->done = done;
    access->context = context;
    access->rows = cJSON_CreateArray();
    access->call = aws_start(access->aws, &request, ASK_MS, on_identity, access);
    return access;
}

void access_cancel(struct access *access)
{
    if (!access)
        return;
    aws_cancel(access->call);
    access_free(access);
}
