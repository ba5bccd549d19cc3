/* plan and ready: what looks find becomes rows, and nothing is changed. Types of steps and AWS are
 * played here. */
#include "failover/aws/inspect.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/xml.h"
#include "tests/unit/sample.h"

#include <stdlib.h>

#define CONFIG(steps)                                                                              \
    "{\"regions\": [\"eu-west-1\", \"us-west-2\"], \"endpoints\": {" SAMPLE_ENDPOINTS "},"         \
    " \"runbooks\": {\"us-west-2\": {\"steps\": [" steps "]}}}"
#define STEP(id, type, more) "{\"id\": \"" id "\", \"step\": \"" type "\"" more "}"
#define SWITCHES                                                                                   \
    STEP("s", "switch", ", \"groups\": [\"data\", \"relayed\"], \"needs\": [\"f\"]")               \
    "," STEP("f", "fence", ", \"groups\": [\"data\", \"relayed\"]")

/* --- AWS --- */

struct aws_call {
    aws_done *done;
    void *context;
    char action[64], body[2048];
    bool cancelled, answered;
};

#define CALLS_MAX 64
static struct aws_call calls[CALLS_MAX];
static size_t call_count;

struct aws_call *aws_start(
    struct aws *aws, struct aws_request *request, unsigned budget_ms, aws_done *done, void *context)
{
    (void)aws;
    assert_true(budget_ms > 0 && budget_ms <= 15000);
    assert_false(request->acts);
    assert_true(call_count < CALLS_MAX);
    struct aws_call *call = &calls[call_count++];
    *call = (struct aws_call){.done = done, .context = context};
    snprintf(call->action, sizeof call->action, "%s", request->action);
    snprintf(call->body, sizeof call->body, "%s", request->body.data ? request->body.data : "");
    text_fini(&request->body);
    return call;
}

void aws_cancel(struct aws_call *call)
{
    if (call)
        call->cancelled = true;
}

static void answer(struct aws_call *call, const struct aws_reply *reply)
{
    assert_false(call->cancelled || call->answered);
    call->answered = true;
    call->done(call->context, reply);
}

static struct aws_call *find_call(const char *action)
{
    for (size_t i = 0; i < call_count; i++) {
        if (strcmp(calls[i].action, action) == 0 && !calls[i].answered)
            return &calls[i];
    }
    fail_msg("nobody asked for %s", action);
    return NULL;
}

static void answers(const char *action, const char *xml)
{
    cJSON *body = NULL;
    assert_int_equal(xml_parse(xml, strlen(xml), &body, NULL), 0);
    answer(find_call(action), &(struct aws_reply){.result = AWS_ANSWERED, .body = body});
    cJSON_Delete(body);
}

static void refuses(const char *action, const char *words)
{
    answer(find_call(action),
        &(struct aws_reply){.result = AWS_REFUSED, .code = "AccessDenied", .words = words});
}

static void has_trouble(const char *action)
{
    answer(find_call(action),
        &(struct aws_reply){.result = AWS_TROUBLE, .words = "no answer from AWS"});
}

/* --- types of steps --- */

static unsigned cancelled, looking, most_looking;

static void look_done(struct step *step)
{
    step_done(step, "%s is there", step->given->id);
}

static void look_must(struct step *step)
{
    step_must(step, "do %s", step->given->id);
}

static void look_ask(struct step *step)
{
    step_ask(step, "%s", step->given->id);
}

static void tell_fence(struct step *step)
{
    step_tell(step, "fence", NULL);
}

static void on_reply(struct step *step, const struct aws_reply *reply)
{
    looking--;
    if (reply->result == AWS_REFUSED)
        step_fail(step, reply, "not to be had");
    else
        step_wait(step, "on its way from %s", step->from);
}

static void look_call(struct step *step)
{
    struct aws_request request = {.service = &aws_rds, .region = "us-west-2", .action = "Describe"};
    *(char *)step_memory(step, 1) = 1;
    if (++looking > most_looking)
        most_looking = looking;
    step_call(step, &request, on_reply);
}

static void count_cancel(struct step *step)
{
    (void)step;
    cancelled++;
}

static void never(struct step *step)
{
    fail_msg("%s acted", step->given->id);
}

static const struct step_permission permissions[] = {
    {"ecs:UpdateService", "arn:{partition}:ecs:{region}:{account}:service/{cluster}/{service}"},
    {0},
};

static const struct step_kind kinds[] = {
    {.type = "fence", .look = tell_fence, .act = never},
    {.type = "switch", .look = look_must, .act = never},
    {.type = "approve", .look = look_ask},
    {.type = "autoscaling.refresh", .look = look_done, .act = never},
    {.type = "rds.fence_old_primary", .look = look_call, .act = never, .cancel = count_cancel},
    {.type = "ecs.scale", .look = look_call, .permissions = permissions, .cancel = count_cancel},
};
const struct step_kind *const step_kinds[] = {
    &kinds[0], &kinds[1], &kinds[2], &kinds[3], &kinds[4], &kinds[5], NULL};

/* --- the scene --- */

static struct loop loop;
static struct config *config;
static struct inspection *inspection;
static cJSON *result;
static bool is_inspected;
static unsigned look_ms;

static void on_inspected(void *context, cJSON *found)
{
    (void)context;
    assert_false(is_inspected);
    is_inspected = true;
    result = found;
}

static void begin(const char *text, enum step_purpose purpose)
{
    config = sample_config(text);
    struct inspect_options options = {.loop = &loop,
        .config = config,
        .region = "us-west-2",
        .from = "eu-west-1",
        .purpose = purpose,
        .look_ms = look_ms};
    inspection = inspect_start(&options, on_inspected, NULL);
    assert_false(is_inspected);
    uv_run(&loop.uv, UV_RUN_NOWAIT);
}

static void finish(void)
{
    run_until(&loop, is_set, &is_inspected);
}

static int setup(void **unused)
{
    (void)unused;
    call_count = 0;
    cancelled = looking = most_looking = look_ms = 0;
    is_inspected = false;
    return loop_init(&loop, "test");
}

static int teardown(void **unused)
{
    (void)unused;
    cJSON_Delete(result);
    result = NULL;
    uv_run(&loop.uv, UV_RUN_NOWAIT);
    loop_fini(&loop);
    config_unref(config);
    return 0;
}

static const cJSON *row(const char *list, int index)
{
    const cJSON *found = cJSON_GetArrayItem(json_member(result, list), index);
    assert_non_null(found);
    return found;
}

static void is_step(int index, const char *id, const char *status, const char *words)
{
    const cJSON *step = row("steps", index);
    assert_string_equal(json_text(step, "step"), id);
    assert_string_equal(json_text(step, "status"), status);
    if (!strstr(json_text(step, "words"), words))
        fail_msg("%s: %s", id, json_text(step, "words"));
}

static void is_row(const char *check, const char *status, const char *words)
{
    const cJSON *row;
    cJSON_ArrayForEach(row, json_member(result, "rows"))
    {
        if (strcmp(json_text(row, "check"), check) == 0 && strstr(json_text(row, "words"), words)) {
            assert_string_equal(json_text(row, "status"), status);
            assert_true(cJSON_IsNull(json_member(row, "endpoint")));
            assert_string_equal(json_text(row, "region"), "us-west-2");
            assert_non_null(json_member(row, "advice"));
            return;
        }
    }
    char *all = cJSON_Print(result);
    fail_msg("no row \"%s\" %s in %s", check, words, all);
}

/* --- plan --- */

static void a_plan_stands_in_the_order_in_which_it_would_run(void **unused)
{
    (void)unused;
    begin(
        CONFIG(STEP("b", "autoscaling.refresh", ", \"group\": \"g\", \"needs\": [\"c\"]") "," STEP(
            "a", "approve", ", \"needs\": [\"s\", \"home\"]") "," STEP("home", "approve",
            ", \"when\": \"switchover\"") "," SWITCHES "," STEP("c", "autoscaling.refresh",
            ", \"group\": \"g\"")),
        STEP_PLAN);
    finish();
    assert_string_equal(json_text(result, "region"), "us-west-2");
    is_step(0, "f", "act", "fence");
    is_step(1, "s", "act", "do s");
    is_step(2, "a", "wait", "a");
    is_step(3, "c", "done", "c is there");
    is_step(4, "b", "done", "b is there");
    assert_int_equal(cJSON_GetArraySize(json_member(result, "steps")), 5);
    const cJSON *needs = json_member(row("steps", 2), "needs");
    assert_int_equal(cJSON_GetArraySize(needs), 1); /* home takes no part */
    assert_string_equal(json_text(row("steps", 2), "type"), "approve");
}

#define SCALE(id) STEP(id, "ecs.scale", ", \"service\": \"" id "\", \"desired\": 1")

static void what_calls_find_becomes_a_status(void **unused)
{
    (void)unused;
    begin(CONFIG(SCALE("x") "," SCALE("y") "," SCALE("z") "," SWITCHES), STEP_PLAN);
    assert_int_equal(call_count, 3);
    answers("Describe", "<r/>");
    refuses("Describe", "AWS said no");
    has_trouble("Describe");
    finish();
    is_step(0, "x", "wait", "on its way from eu-west-1");
    is_step(1, "y", "fail", "not to be had: AWS said no");
    is_step(2, "z", "unknown", "no answer from AWS");
}

static void at_most_sixteen_look_side_by_side(void **unused)
{
    (void)unused;
    struct text steps = {0};
    text_put(&steps, "{\"regions\": [\"eu-west-1\", \"us-west-2\"], \"endpoints\": {\"x\": {"
                     "\"type\": \"name\", \"names\": [\"x.internal\"], \"targets\": {"
                     "\"eu-west-1\": \"192.0.2.1\", \"us-west-2\": \"192.0.2.2\"}}},"
                     "\"runbooks\": {\"us-west-2\": {\"steps\": [");
    for (int i = 0; i < 40; i++)
        text_format(&steps,
            "%s{\"id\": \"s%d\", \"step\": \"ecs.scale\", \"service\": \"x\","
            " \"desired\": 1}",
            i ? "," : "", i);
    text_put(&steps, "]}}}");
    begin(steps.data, STEP_PLAN);
    text_fini(&steps);
    for (size_t i = 0; i < 40; i++) {
        answers("Describe", "<r/>");
        uv_run(&loop.uv, UV_RUN_NOWAIT);
    }
    finish();
    assert_int_equal(most_looking, 16);
    assert_int_equal(cJSON_GetArraySize(json_member(result, "steps")), 40);
    is_step(39, "s39", "wait", "");
}

static void a_region_without_a_runbook_has_an_empty_plan(void **unused)
{
    (void)unused;
    begin(SAMPLE_CONFIG, STEP_PLAN);
    finish();
    assert_int_equal(cJSON_GetArraySize(json_member(result, "steps")), 0);
}

static void a_cancelled_look_is_put_away(void **unused)
{
    (void)unused;
    begin(CONFIG(SCALE("x") "," SCALE("y") "," SWITCHES), STEP_READY);
    answers("Describe", "<r/>");
    inspect_cancel(inspection);
    uv_run(&loop.uv, UV_RUN_NOWAIT);
    assert_int_equal(cancelled, 1); /* the other one has ended */
    assert_true(calls[0].cancelled && calls[1].answered && calls[2].cancelled);
    assert_false(is_inspected);
}

static void a_look_without_an_answer_is_given_up(void **unused)
{
    (void)unused;
    look_ms = 20;
    begin(CONFIG(SCALE("x") "," SWITCHES), STEP_PLAN);
    finish();
    is_step(0, "x", "unknown", "no answer in time");
    assert_true(calls[0].cancelled);
    assert_int_equal(cancelled, 1);
}

/* --- ready --- */

#define IDENTITY                                                                                   \
    "<r><Arn>arn:aws:sts::123456789012:assumed-role/pilot/i-1</Arn><UserId>A:i-1</UserId>"         \
    "<Account>123456789012</Account></r>"
#define DECISION(decision, resource)                                                               \
    "<member><EvalActionName>ecs:UpdateService</EvalActionName><EvalResourceName>" resource        \
    "</EvalResourceName><EvalDecision>" decision "</EvalDecision><MissingContextValues/></member>"
#define SERVICE "arn:aws:ecs:us-west-2:123456789012:service/default/x"

static void begin_ready(void)
{
    begin(CONFIG(SCALE("x") "," STEP("a", "approve", "") "," SWITCHES), STEP_READY);
}

static void a_fit_standby_passes(void **unused)
{
    (void)unused;
    begin_ready();
    answers("GetCallerIdentity", IDENTITY);
    const char *body = find_call("SimulatePrincipalPolicy")->body;
    assert_non_null(
        strstr(body, "PolicySourceArn=arn%3Aaws%3Aiam%3A%3A123456789012%3Arole%2Fpilot&"));
    assert_non_null(strstr(body, "ActionNames.member.1=ecs%3AUpdateService"));
    assert_non_null(strstr(body, "ResourceArns.member.1=arn%3Aaws%3Aecs%3Aus-west-2%3A12345678"));
    answers("SimulatePrincipalPolicy",
        "<r><EvaluationResults>" DECISION("allowed", SERVICE) "</EvaluationResults></r>");
    answers("Describe", "<r/>");
    finish();
    is_row("credentials", "pass", "assumed-role/pilot");
    is_row("permission", "pass", "1 permissions");
    is_row("step", "warn", "x (ecs.scale): on its way");
    is_row("step", "pass", "a (approve)");
    is_row("step", "pass", "f (fence): fence");
}

static void what_is_not_allowed_fails(void **unused)
{
    (void)unused;
    begin_ready();
    answers("GetCallerIdentity", IDENTITY);
    answers("SimulatePrincipalPolicy",
        "<r><EvaluationResults>" DECISION("implicitDeny", SERVICE) DECISION("implicitDeny", "x/*")
            DECISION("explicitDeny", "y/*") "</EvaluationResults></r>");
    refuses("Describe", "no right to look");
    finish();
    is_row("permission", "fail", "ecs:UpdateService on " SERVICE " is not allowed");
    is_row("permission", "warn", "on x/* may not be allowed");
    is_row("permission", "fail", "on y/* is denied by a policy");
    is_row("step", "fail", "no right to look");
}

static void permissions_that_cannot_be_simulated_are_one_warning(void **unused)
{
    (void)unused;
    begin_ready();
    answers("GetCallerIdentity", IDENTITY);
    refuses("SimulatePrincipalPolicy", "may not simulate");
    has_trouble("Describe");
    finish();
    is_row("permission", "warn", "not checked: may not simulate");
    is_row("step", "fail", "x (ecs.scale): cannot be checked: no answer");
}

static void without_credentials_nothing_is_simulated(void **unused)
{
    (void)unused;
    begin_ready();
    has_trouble("GetCallerIdentity");
    answers("Describe", "<r/>");
    finish();
    is_row("credentials", "fail", "no answer from AWS");
    assert_int_equal(call_count, 2);
}

static void a_region_that_may_be_lost_does_not_make_the_standby_unfit(void **unused)
{
    (void)unused;
    begin(CONFIG(STEP("old", "rds.fence_old_primary",
              ", \"instance\": \"orders\", \"region\": \"eu-west-1\"") "," SWITCHES),
        STEP_READY);
    answers("GetCallerIdentity", IDENTITY);
    has_trouble("Describe");
    finish();
    is_row("region", "pass", "old calls eu-west-1, which may be lost: a failover goes on");
    is_row("step", "warn", "old (rds.fence_old_primary): cannot be checked");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_plan_stands_in_the_order_in_which_it_would_run),
        TEST(what_calls_find_becomes_a_status),
        TEST(at_most_sixteen_look_side_by_side),
        TEST(a_region_without_a_runbook_has_an_empty_plan),
        TEST(a_cancelled_look_is_put_away),
        TEST(a_look_without_an_answer_is_given_up),
        TEST(a_fit_standby_passes),
        TEST(what_is_not_allowed_fails),
        TEST(permissions_that_cannot_be_simulated_are_one_warning),
        TEST(without_credentials_nothing_is_simulated),
        TEST(a_region_that_may_be_lost_does_not_make_the_standby_unfit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
