/* A transition that stopped, and a person's word about it: retry, skip, approve; and readopt, when
 * all is over. */
#include "tests/unit/decide_tool.h"

#include <string.h>

#define NAMED(step_id)                                                                             \
    .step = &(const struct transition_step)                                                        \
    {                                                                                              \
        .id = step_id                                                                              \
    }

static struct scene *begun(void **state)
{
    struct scene *scene = *state;
    sample_runbook(scene->config);
    scene->world.sidecar_connected = true;
    changes(scene, COMMAND(FAILOVER, .region = US, .request = "r-1", .force = FORCE_LAG));
    return scene;
}

/* At a step that failed, with everything before it done. */
static struct scene *stopped_at(void **state, const char *id, enum step_status status)
{
    struct scene *scene = begun(state);
    struct transition_step report = {.status = STEP_RUNNING};
    state_set_id(report.id, id);
    changes(scene, COMMAND(FENCE));
    changes(scene, COMMAND(STEP, .step = &report));
    report.status = status;
    report.detail = TEXT("no capacity");
    report.aws_code = TEXT("InsufficientDBInstanceCapacity");
    changes(scene, COMMAND(STEP, .step = &report));
    assert_int_equal(state_phase(scene->state), PHASE_STOPPED);
    return scene;
}

static const struct transition_step *step_of(const struct scene *scene, const char *id)
{
    const struct transition_step *step = transition_find_step(scene->state->transition, id);
    assert_non_null(step);
    return step;
}

static void without_a_transition_there_is_nothing_to_go_on_with(void **scene)
{
    is_refused(*scene, COMMAND(RETRY), 0, "nothing to retry");
    is_refused(*scene, COMMAND(SKIP, NAMED("x")), 0, "nothing to skip");
    is_refused(*scene, COMMAND(APPROVE, NAMED("x")), 0, "nothing to approve");
}

static void a_transition_keeps_the_words_that_it_was_forced_with(void **state)
{
    struct scene *scene = begun(state);
    assert_int_equal(scene->state->transition->force, FORCE_LAG);
    changes(scene, COMMAND(ABORT));
    scene->config->runbooks[1].target_rto_ms = 900000;
    changes(scene, COMMAND(FAILOVER, .region = US, .force = FORCE_ALL));
    assert_int_equal(scene->state->transition->force, FORCE_WORDS);
    assert_int_equal(scene->state->transition->target_rto_ms, 900000);
}

static void the_lag_is_the_most_of_what_the_steps_last_saw(void **state)
{
    struct scene *scene = begun(state);
    changes(scene, STEP("one", .status = STEP_RUNNING, .has_lag = true, .lag_ms = 9000));
    changes(scene, STEP("two", .status = STEP_DONE, .has_lag = true, .lag_ms = 40));
    assert_int_equal(scene->state->transition->lag_ms, 9000);
    changes(scene, STEP("one", .status = STEP_RUNNING, .has_lag = true, .lag_ms = 30));
    assert_int_equal(scene->state->transition->lag_ms, 40);
    changes(scene, STEP("one", .status = STEP_DONE));
    assert_int_equal(scene->state->transition->lag_ms, 40);
    changes_nothing(scene, STEP("one", .status = STEP_DONE, .has_lag = true, .lag_ms = 30));
}

static void a_retried_step_waits_and_its_next_attempt_is_one_more(void **state)
{
    struct scene *scene = stopped_at(state, "promote", STEP_FAILED);
    changes(scene, COMMAND(RETRY, NAMED("promote"), .request = "r-2", .reason = "quota raised"));
    const struct transition_step *step = step_of(scene, "promote");
    assert_int_equal(step->status, STEP_WAITING);
    assert_int_equal(step->attempt, 1);
    assert_null(step->aws_code);
    assert_string_equal(step->detail, "to be tried again, asked by alice: quota raised");
    assert_int_equal(state_phase(scene->state), PHASE_FENCED);
    changes(scene, STEP("promote", .status = STEP_RUNNING));
    assert_int_equal(step_of(scene, "promote")->attempt, 2);
    assert_ptr_equal(state_find_request(scene->state, "r-2"), scene->state->transition);
}

static void a_retried_promotion_stays_irreversible(void **state)
{
    struct scene *scene = stopped_at(state, "promote", STEP_FAILED);
    changes(scene, COMMAND(RETRY));
    assert_true(step_of(scene, "promote")->promotes);
    is_refused(scene, COMMAND(ABORT), FORCE_IRREVERSIBLE, "cannot be undone");
}

static void retry_alone_is_for_all_that_stopped_it(void **state)
{
    struct scene *scene = stopped_at(state, "promote", STEP_UNKNOWN);
    changes(scene, STEP("scale", .status = STEP_FAILED));
    changes(scene, STEP("dns", .status = STEP_FAILED, .continue_on_failure = true));
    changes(scene, COMMAND(END, .failed = true, .reason = "given up"));
    changes(scene, COMMAND(RETRY));
    assert_int_equal(step_of(scene, "promote")->status, STEP_WAITING);
    assert_int_equal(step_of(scene, "scale")->status, STEP_WAITING);
    assert_int_equal(step_of(scene, "dns")->status, STEP_FAILED);
    assert_null(scene->state->transition->error);
    changes_nothing(scene, COMMAND(RETRY));
}

static void what_failed_and_did_not_stop_it_is_retried_by_name(void **state)
{
    struct scene *scene = begun(state);
    changes(scene, STEP("dns", .status = STEP_FAILED, .continue_on_failure = true));
    changes_nothing(scene, COMMAND(RETRY));
    changes(scene, COMMAND(RETRY, NAMED("dns")));
    assert_int_equal(step_of(scene, "dns")->status, STEP_WAITING);
}

static void what_is_done_or_waits_for_a_person_is_not_retried(void **state)
{
    struct scene *scene = begun(state);
    changes(scene, STEP("scale", .status = STEP_DONE));
    changes(scene, STEP("ask", .status = STEP_NEEDS_APPROVAL));
    is_refused(scene, COMMAND(RETRY, NAMED("scale")), 0, "nothing to retry");
    is_refused(scene, COMMAND(RETRY, NAMED("ask")), 0, "pilotlight approve ask");
    is_refused(scene, COMMAND(RETRY), 0, "waits for a person at ask");
}

static void what_waits_or_runs_is_not_retried_twice(void **state)
{
    struct scene *scene = begun(state);
    changes_nothing(scene, COMMAND(RETRY, NAMED("promote")));
    changes(scene, STEP("promote", .status = STEP_RUNNING));
    changes_nothing(scene, COMMAND(RETRY, NAMED("promote")));
}

static void a_step_that_nobody_knows_is_wrong_usage(void **state)
{
    struct scene *scene = stopped_at(state, "promote", STEP_FAILED);
    is_wrong_usage(scene, COMMAND(RETRY, NAMED("prmote")), "has no step \"prmote\"");
    is_wrong_usage(scene, COMMAND(SKIP, NAMED("prmote")), "it has fence, promote, switch");
    is_wrong_usage(scene, COMMAND(APPROVE, NAMED("prmote")), "has no step");
}

static void a_step_of_another_occasion_is_none(void **state)
{
    struct scene *scene = *state;
    sample_runbook(scene->config);
    scene->config->runbooks[1].steps[3].on_failover = false;
    scene->world.sidecar_connected = true;
    changes(scene, COMMAND(FAILOVER, .region = US, .request = "r-1"));
    is_wrong_usage(scene, COMMAND(SKIP, NAMED("switch-legacy")), "has no step");
}

static void a_step_that_failed_is_skipped_and_not_carried_out_later(void **state)
{
    struct scene *scene = stopped_at(state, "scale", STEP_FAILED);
    changes(scene, COMMAND(SKIP, NAMED("scale")));
    assert_int_equal(step_of(scene, "scale")->status, STEP_SKIPPED);
    assert_string_equal(step_of(scene, "scale")->detail, "skipped by alice");
    assert_int_equal(state_phase(scene->state), PHASE_FENCED);
    changes_nothing(scene, COMMAND(SKIP, NAMED("scale")));
    is_refused(scene, STEP("scale", .status = STEP_RUNNING), 0, "not carried out any more");
}

static void what_runs_or_is_done_is_not_skipped(void **state)
{
    struct scene *scene = begun(state);
    changes(scene, STEP("scale", .status = STEP_RUNNING));
    is_refused(scene, COMMAND(SKIP, NAMED("scale")), 0, "is running");
    changes(scene, STEP("scale", .status = STEP_DONE));
    is_refused(scene, COMMAND(SKIP, NAMED("scale")), 0, "is done");
}

static void the_fence_of_a_database_is_not_skipped_while_it_is_open(void **state)
{
    struct scene *scene = begun(state);
    is_refused(scene, COMMAND(SKIP, NAMED("fence")), 0, "fences data, which may not be left out");
    changes(scene, COMMAND(FENCE));
    changes(scene, COMMAND(SKIP, NAMED("fence")));
}

static void a_switch_is_not_skipped_until_its_groups_are_there(void **state)
{
    struct scene *scene = begun(state);
    changes(scene, COMMAND(FENCE));
    is_refused(scene, COMMAND(SKIP, NAMED("switch")), 0, "switches data, static, which may not");
    changes(scene, COMMAND(SWITCH, GROUPS("data", "static")));
    changes(scene, COMMAND(SKIP, NAMED("switch")));
}

static void a_promotion_is_skipped_only_after_it_failed_and_latches(void **state)
{
    struct scene *scene = begun(state);
    is_refused(scene, COMMAND(SKIP, NAMED("promote")), 0, "was not tried");
    changes(scene, STEP("promote", .status = STEP_NEEDS_APPROVAL));
    assert_int_equal(state_find_group(scene->state, "data")->latched_count, 0);
    changes(scene, COMMAND(SKIP, NAMED("promote")));
    assert_true(group_is_latched(state_find_group(scene->state, "data"), EU));
    assert_false(group_is_latched(state_find_group(scene->state, "legacy"), EU));
    is_refused(scene, COMMAND(ABORT), FORCE_IRREVERSIBLE, "cannot be undone");
}

static void what_waits_for_approval_has_it_once(void **state)
{
    struct scene *scene = begun(state);
    changes(scene, STEP("ask", .status = STEP_NEEDS_APPROVAL));
    changes(scene, COMMAND(APPROVE, NAMED("ask"), .reason = "go"));
    assert_int_equal(step_of(scene, "ask")->status, STEP_DONE);
    assert_string_equal(step_of(scene, "ask")->detail, "approved by alice: go");
    assert_int_equal(state_phase(scene->state), PHASE_FENCED);
    is_refused(scene, COMMAND(APPROVE, NAMED("ask")), 0, "does not wait for approval: it is done");
    is_refused(scene, STEP("ask", .status = STEP_NEEDS_APPROVAL), 0, "not carried out any more");
    is_refused(scene, COMMAND(APPROVE, NAMED("promote")), 0, "it is waiting");
}

static void who_goes_on_without_a_sidecar_hears_that_there_is_none(void **state)
{
    struct scene *scene = stopped_at(state, "scale", STEP_FAILED);
    scene->world.sidecar_connected = false;
    changes(scene, COMMAND(RETRY));
    assert_non_null(strstr(scene->decision.words.text, "no sidecar is connected"));
}

/* -- readopt -- */

static struct scene *promoted(void **state)
{
    struct scene *scene = begun(state);
    changes(scene, STEP("promote", .status = STEP_RUNNING));
    changes(scene, STEP("promote", .status = STEP_DONE));
    is_refused(scene, COMMAND(READOPT, .region = EU), 0, "readopt when it has ended");
    changes(scene, COMMAND(SWITCH));
    changes(scene, COMMAND(END));
    passes(scene, 2 * 3600 * 1000);
    return scene;
}

static void a_readopted_region_may_be_gone_back_to(void **state)
{
    struct scene *scene = promoted(state);
    uint64_t epoch = scene->state->epoch;
    is_refused(scene, COMMAND(FAILOVER, .region = EU, .switch_only = true), FORCE_LATCH,
        "pilotlight readopt eu-west-1");
    changes(scene, COMMAND(READOPT, .region = EU, .dry_run = true));
    changes(scene, COMMAND(READOPT, .region = EU, .request = "r-9"));
    assert_int_equal(scene->state->epoch, epoch);
    assert_ptr_equal(state_find_request(scene->state, "r-9"), last_of_history(scene));
    changes(scene, COMMAND(FAILOVER, .region = EU, .switch_only = true));
    is_at(scene, "data", EU);
}

static void where_nothing_is_latched_there_is_nothing_to_readopt(void **state)
{
    struct scene *scene = promoted(state);
    changes_nothing(scene, COMMAND(READOPT, .region = AP));
    changes_nothing(scene, COMMAND(READOPT, .region = EU, GROUPS("static")));
    changes(scene, COMMAND(READOPT, .region = EU));
    changes_nothing(scene, COMMAND(READOPT, .region = EU));
    is_wrong_usage(scene, COMMAND(READOPT, .region = "mars"), "unknown region");
}

static void an_active_region_is_not_readopted(void **state)
{
    struct scene *scene = begun(state);
    changes(scene, STEP("promote", .status = STEP_RUNNING));
    changes(scene, COMMAND(ABORT, .force = FORCE_IRREVERSIBLE));
    is_fenced_at(scene, "data", EU);
    is_refused(scene, COMMAND(READOPT, .region = EU), 0, "is the active region of data");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)
        TEST(without_a_transition_there_is_nothing_to_go_on_with),
        TEST(a_transition_keeps_the_words_that_it_was_forced_with),
        TEST(the_lag_is_the_most_of_what_the_steps_last_saw),
        TEST(a_retried_step_waits_and_its_next_attempt_is_one_more),
        TEST(a_retried_promotion_stays_irreversible),
        TEST(retry_alone_is_for_all_that_stopped_it),
        TEST(what_failed_and_did_not_stop_it_is_retried_by_name),
        TEST(what_is_done_or_waits_for_a_person_is_not_retried),
        TEST(what_waits_or_runs_is_not_retried_twice),
        TEST(a_step_that_nobody_knows_is_wrong_usage),
        TEST(a_step_of_another_occasion_is_none),
        TEST(a_step_that_failed_is_skipped_and_not_carried_out_later),
        TEST(what_runs_or_is_done_is_not_skipped),
        TEST(the_fence_of_a_database_is_not_skipped_while_it_is_open),
        TEST(a_switch_is_not_skipped_until_its_groups_are_there),
        TEST(a_promotion_is_skipped_only_after_it_failed_and_latches),
        TEST(what_waits_for_approval_has_it_once),
        TEST(who_goes_on_without_a_sidecar_hears_that_there_is_none),
        TEST(a_readopted_region_may_be_gone_back_to),
        TEST(where_nothing_is_latched_there_is_nothing_to_readopt),
        TEST(an_active_region_is_not_readopted),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
