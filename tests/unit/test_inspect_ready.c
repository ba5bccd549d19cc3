/* ready: the looks, and who we are and what we may do. */
#include "tests/unit/inspect_scene.h"

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
    assert_int_equal(scene.call_count, 2);
}

static void permissions_that_take_too_long_are_one_warning(void **unused)
{
    (void)unused;
    scene.all_ms = 20;
    begin_ready();
    answers("GetCallerIdentity", IDENTITY);
    finish();
    is_row("permission", "warn", "no answer in time");
    is_row("step", "fail", "x (ecs.scale): cannot be checked");
    assert_true(find_call("SimulatePrincipalPolicy")->cancelled);
}

static void an_aws_that_cannot_be_called_is_told(void **unused)
{
    (void)unused;
    scene.without_aws = true;
    begin_ready();
    finish();
    is_row("step", "fail", "x (ecs.scale): cannot be checked: AWS cannot be called");
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

static void what_that_region_refuses_fails_all_the_same(void **unused)
{
    (void)unused;
    begin(CONFIG(STEP("old", "rds.fence_old_primary",
              ", \"instance\": \"orders\", \"region\": \"eu-west-1\"") "," SWITCHES),
        STEP_READY);
    answers("GetCallerIdentity", IDENTITY);
    refuses("Describe", "no such instance");
    finish();
    is_row("step", "fail", "no such instance");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_fit_standby_passes),
        TEST(what_is_not_allowed_fails),
        TEST(permissions_that_cannot_be_simulated_are_one_warning),
        TEST(without_credentials_nothing_is_simulated),
        TEST(permissions_that_take_too_long_are_one_warning),
        TEST(an_aws_that_cannot_be_called_is_told),
        TEST(a_region_that_may_be_lost_does_not_make_the_standby_unfit),
        TEST(what_that_region_refuses_fails_all_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
