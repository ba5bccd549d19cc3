/* failover, switchover, begin: who may go where, and what is written when they do. */
#include "tests/unit/decide_tool.h"

#include <string.h>

#define SWITCH_TO(to, ...)                                                                         \
    COMMAND(FAILOVER, .region = to, .switch_only = true __VA_OPT__(, ) __VA_ARGS__)

static void switch_only_moves_every_group_in_one_write(void **scene)
{
    changes(*scene, SWITCH_TO(US, .reason = "fire", .request = "r-1"));
    struct scene *after = *scene;
    is_at(after, "data", US);
    is_at(after, "static", US);
    is_at(after, "search", US);
    assert_int_equal(after->state->revision, 1);
    assert_int_equal(after->state->epoch, 1);
    assert_null(after->state->transition);
}

static void a_database_is_fenced_in_every_loop_before_the_write(void **scene)
{
    changes(*scene, SWITCH_TO(US));
    fences_first(*scene, "data legacy");
}

static void a_finished_switch_is_history_at_once(void **scene)
{
    changes(*scene, SWITCH_TO(US, .reason = "fire", .request = "r-1", GROUPS("data")));
    const struct transition *past = last_of_history(*scene);
    assert_int_equal(past->kind, TRANSITION_SWITCH_ONLY);
    assert_int_equal(past->result, RESULT_DONE);
    assert_string_equal(past->to, US);
    assert_string_equal(past->by, "alice");
    assert_string_equal(past->reason, "fire");
    assert_int_equal(past->group_count, 1);
    assert_string_equal(past->groups[0].from, EU);
    assert_int_equal(past->groups[0].progress, PROGRESS_SWITCHED);
    assert_ptr_equal(state_find_request(((struct scene *)*scene)->state, "r-1"), past);
}

static void only_the_named_groups_move(void **scene)
{
    changes(*scene, SWITCH_TO(US, GROUPS("static", "static")));
    is_at(*scene, "static", US);
    is_at(*scene, "data", EU);
    fences_first(*scene, "");
}

static void already_there_and_steady_changes_nothing(void **scene)
{
    changes_nothing(*scene, SWITCH_TO(EU));
    changes_nothing(*scene, COMMAND(SWITCHOVER, .region = EU));
    changes_nothing(*scene, COMMAND(BEGIN, .region = EU));
    changes(*scene, SWITCH_TO(US));
    changes_nothing(*scene, SWITCH_TO(US));
}

static void what_is_there_already_stays_out_of_the_switch(void **scene)
{
    changes(*scene, SWITCH_TO(US, GROUPS("data")));
    changes(*scene, SWITCH_TO(US));
    fences_first(*scene, "legacy");
    assert_int_equal(last_of_history(*scene)->group_count, 3);
}

static void an_unknown_region_or_group_is_wrong_usage(void **scene)
{
    is_wrong_usage(*scene, SWITCH_TO("mars-1"), "unknown region \"mars-1\"");
    is_wrong_usage(*scene, COMMAND(SWITCHOVER), "which region");
    is_wrong_usage(*scene, SWITCH_TO(US, GROUPS("data", "dada")), "unknown group \"dada\"");
    is_wrong_usage(*scene, COMMAND(FENCE, GROUPS("dada")), "unknown group \"dada\"");
}

static void a_reason_or_request_out_of_bounds_is_wrong_usage(void **scene)
{
    char text[STATE_REASON_MAX + 2];
    memset(text, 'x', sizeof text);
    text[sizeof text - 1] = '\0';
    is_wrong_usage(*scene, SWITCH_TO(US, .reason = text), "reason");
    is_wrong_usage(*scene, SWITCH_TO(US, .request = ""), "request id");
    is_wrong_usage(*scene, SWITCH_TO(US, .request = "two words"), "request id");
    is_wrong_usage(*scene, SWITCH_TO(US, .request = "gr\xc3\xbc\xc3\x9f"), "request id");
    text[STATE_REQUEST_MAX + 1] = '\0';
    is_wrong_usage(*scene, SWITCH_TO(US, .request = text), "request id");
    text[STATE_REQUEST_MAX] = '\0';
    changes(*scene, SWITCH_TO(US, .request = text));
}

static void a_dry_run_says_what_it_would_do(void **scene)
{
    changes(*scene, SWITCH_TO(US, .dry_run = true, GROUPS("data")));
    assert_string_equal(
        ((struct scene *)*scene)->decision.words.text, "would switch data to us-west-2");
    is_at(*scene, "data", EU);
}

static void without_a_runbook_failover_switches_at_once(void **scene)
{
    changes(*scene, COMMAND(FAILOVER, .region = US));
    is_at(*scene, "data", US);
    fences_first(*scene, "data legacy");
    assert_int_equal(last_of_history(*scene)->kind, TRANSITION_FAILOVER);
    assert_int_equal(last_of_history(*scene)->result, RESULT_DONE);
}

static void a_runbook_without_a_sidecar_is_refused(void **scene)
{
    sample_runbook(((struct scene *)*scene)->config);
    is_refused(*scene, COMMAND(FAILOVER, .region = US), 0, "no sidecar is connected");
    is_refused(*scene, COMMAND(FAILOVER, .region = US), 0, "--switch-only");
    is_refused(*scene, COMMAND(SWITCHOVER, .region = US), 0, "no sidecar is connected");
    is_refused(*scene, COMMAND(FAILOVER, .region = US, .force = FORCE_ALL), 0, "no sidecar");
    changes(*scene, SWITCH_TO(US));
}

static void switchover_without_a_runbook_is_refused(void **scene)
{
    struct scene *with_sidecar = *scene;
    with_sidecar->world.sidecar_connected = true;
    is_refused(*scene, COMMAND(SWITCHOVER, .region = US), 0, "no runbook");
}

static struct scene *with_runbook(void **scene)
{
    struct scene *ready = *scene;
    sample_runbook(ready->config);
    ready->world.sidecar_connected = true;
    return ready;
}

static void a_failover_begins_and_moves_what_no_step_moves(void **state)
{
    struct scene *scene = with_runbook(state);
    changes(scene, COMMAND(FAILOVER, .region = US, .request = "r-1", .reason = "fire"));
    const struct transition *running = scene->state->transition;
    assert_non_null(running);
    assert_int_equal(running->kind, TRANSITION_FAILOVER);
    assert_string_equal(running->id, "t-1");
    assert_int_equal(running->result, RESULT_NONE);
    assert_int_equal(running->group_count, 4);
    is_at(scene, "data", EU);          /* its fence is a step */
    is_fenced_at(scene, "legacy", EU); /* no step fences it */
    is_at(scene, "static", EU);        /* a step switches it */
    is_at(scene, "search", US);        /* no step switches it */
    fences_first(scene, "legacy");
    assert_int_equal(scene->state->epoch, 1);
    assert_int_equal(state_phase(scene->state), PHASE_FENCED);
    assert_ptr_equal(state_find_request(scene->state, "r-1"), running);
}

static void a_step_for_the_other_kind_of_move_does_not_count(void **state)
{
    struct scene *scene = with_runbook(state);
    scene->config->runbooks[1].steps[0].on_failover = false;
    changes(scene, COMMAND(FAILOVER, .region = US));
    is_fenced_at(scene, "data", EU);
    fences_first(scene, "data legacy");
}

static void a_group_that_is_there_goes_along_untouched(void **state)
{
    struct scene *scene = with_runbook(state);
    changes(scene, SWITCH_TO(US, GROUPS("legacy")));
    changes(scene, COMMAND(FAILOVER, .region = US, .force = FORCE_FLAP));
    fences_first(scene, "");
    is_at(scene, "legacy", US);
    const struct transition_group *group =
        transition_find_group(scene->state->transition, "legacy");
    assert_int_equal(group->progress, PROGRESS_SWITCHED);
    assert_string_equal(group->from, US);
}

static void a_step_that_straddles_the_selection_is_refused(void **state)
{
    struct scene *scene = with_runbook(state);
    is_refused(scene, COMMAND(FAILOVER, .region = US, GROUPS("data")), 0, "step \"switch\"");
    is_refused(scene, COMMAND(BEGIN, .region = US, GROUPS("static")), 0, "step \"switch\"");
    changes(scene, COMMAND(FAILOVER, .region = US, GROUPS("data", "static")));
    assert_int_equal(scene->state->transition->group_count, 2);
}

static void a_planned_move_of_a_dns_only_database_needs_force(void **state)
{
    struct scene *scene = with_runbook(state);
    is_refused(scene, COMMAND(SWITCHOVER, .region = US), FORCE_DNS_ONLY, "legacy");
    is_refused(scene, COMMAND(BEGIN, .region = US, .planned = true), FORCE_DNS_ONLY, "legacy");
    is_refused(scene, COMMAND(SWITCHOVER, .region = US, .force = FORCE_ALL & ~FORCE_DNS_ONLY),
        FORCE_DNS_ONLY, "--force=dns-only");
    changes(scene, COMMAND(SWITCHOVER, .region = US, .force = FORCE_DNS_ONLY));
    assert_int_equal(scene->state->transition->kind, TRANSITION_SWITCHOVER);
}

static void a_planned_move_without_dns_only_databases_just_begins(void **state)
{
    changes(with_runbook(state), COMMAND(SWITCHOVER, .region = US, GROUPS("data", "static")));
}

static void a_script_begins_without_sidecar_or_runbook(void **scene)
{
    changes(*scene, COMMAND(BEGIN, .region = US));
    fences_first(*scene, "");
    is_at(*scene, "data", EU);
    is_at(*scene, "search", EU);
    assert_int_equal(((struct scene *)*scene)->state->epoch, 0);
    assert_int_equal(state_phase(((struct scene *)*scene)->state), PHASE_PREPARING);
}

static void while_a_transition_runs_every_move_is_refused(void **scene)
{
    changes(*scene, COMMAND(BEGIN, .region = US));
    is_refused(*scene, SWITCH_TO(US), 0, "pilotlight wait");
    is_refused(*scene, SWITCH_TO(EU), 0, "pilotlight wait");
    is_refused(*scene, SWITCH_TO(US, .force = FORCE_ALL), 0, "pilotlight wait");
    is_refused(*scene, COMMAND(FAILOVER, .region = US), 0, "pilotlight wait");
    is_refused(*scene, COMMAND(SWITCHOVER, .region = US), 0, "pilotlight wait");
    is_refused(*scene, COMMAND(BEGIN, .region = US), 0, "pilotlight wait");
}

static void a_stopped_transition_is_ended_by_a_forced_switch(void **scene)
{
    changes(*scene, COMMAND(BEGIN, .region = US));
    changes(*scene, COMMAND(FENCE));
    changes(*scene, STEP("scale", .status = STEP_FAILED));
    is_refused(*scene, SWITCH_TO(US), 0, "--switch-only --force");
    is_refused(*scene, SWITCH_TO(US, .force = FORCE_LATCH), 0, "--switch-only --force");
    is_refused(*scene, COMMAND(FAILOVER, .region = US, .force = FORCE_ALL), 0, "stopped");
    changes(*scene, SWITCH_TO(US, .force = FORCE_ALL, .request = "r-2"));
    struct scene *after = *scene;
    fences_first(after, ""); /* they were fenced all along */
    is_at(after, "data", US);
    assert_null(after->state->transition);
    assert_int_equal(after->state->history_count, 2);
    assert_int_equal(after->state->history[0]->kind, TRANSITION_FAILOVER);
    assert_int_equal(after->state->history[0]->result, RESULT_DONE);
    assert_int_equal(state_find_request(after->state, "r-2")->kind, TRANSITION_SWITCH_ONLY);
}

static void a_stopped_transition_that_is_switched_elsewhere_has_failed(void **scene)
{
    changes(*scene, COMMAND(BEGIN, .region = US));
    changes(*scene, COMMAND(FENCE));
    changes(*scene, COMMAND(END, .failed = true));
    changes(*scene, SWITCH_TO(AP, .force = FORCE_ALL));
    is_at(*scene, "data", AP);
    assert_int_equal(((struct scene *)*scene)->state->history[0]->result, RESULT_FAILED);
}

static void a_forced_switch_to_where_it_started_opens_the_fence(void **scene)
{
    changes(*scene, COMMAND(BEGIN, .region = US));
    changes(*scene, COMMAND(FENCE));
    changes(*scene, COMMAND(END, .failed = true));
    changes(*scene, SWITCH_TO(EU, .force = FORCE_ALL));
    is_at(*scene, "data", EU);
    is_at(*scene, "legacy", EU);
}

static void a_stopped_transition_with_nothing_left_to_switch_just_ends(void **scene)
{
    changes(*scene, COMMAND(BEGIN, .region = US));
    changes(*scene, COMMAND(SWITCH));
    changes(*scene, STEP("scale", .status = STEP_FAILED));
    uint64_t epoch = ((struct scene *)*scene)->state->epoch;
    changes(*scene, SWITCH_TO(US, .force = FORCE_ALL, .request = "r-2"));
    assert_int_equal(((struct scene *)*scene)->state->epoch, epoch);
    assert_int_equal(((struct scene *)*scene)->state->history_count, 1);
    assert_string_equal(state_find_request(((struct scene *)*scene)->state, "r-2")->id, "t-1");
}

static void a_forced_switch_leaves_no_group_fenced_behind(void **scene)
{
    changes(*scene, COMMAND(BEGIN, .region = US));
    changes(*scene, COMMAND(FENCE));
    changes(*scene, COMMAND(END, .failed = true));
    is_refused(*scene, SWITCH_TO(US, .force = FORCE_ALL, GROUPS("static")), 0, "data, legacy");
    changes(*scene, SWITCH_TO(US, .force = FORCE_ALL, GROUPS("data", "legacy")));
    assert_int_equal(((struct scene *)*scene)->state->history[0]->result, RESULT_FAILED);
}

static void a_forced_switch_leaves_no_latched_group_behind(void **scene)
{
    changes(*scene, COMMAND(BEGIN, .region = US));
    changes(*scene, STEP("promote", .status = STEP_RUNNING, .promotes = true));
    changes(*scene, STEP("promote", .status = STEP_FAILED));
    is_refused(*scene, SWITCH_TO(US, .force = FORCE_ALL, GROUPS("static")), 0, "data, legacy");
    changes(*scene, SWITCH_TO(EU, .force = FORCE_ALL));
    fences_first(*scene, "data legacy");
    is_at(*scene, "data", EU);
    changes(*scene, SWITCH_TO(US));
    changes(*scene, SWITCH_TO(EU)); /* the force lifted the latch */
}

static void promote_away_from_home(struct scene *scene)
{
    changes(scene, COMMAND(BEGIN, .region = US));
    changes(scene, COMMAND(FENCE));
    changes(scene, STEP("promote", .status = STEP_RUNNING, .promotes = true));
    changes(scene, STEP("promote", .status = STEP_DONE));
    changes(scene, COMMAND(SWITCH));
    changes(scene, COMMAND(END));
}

static void nobody_goes_back_to_a_latched_region(void **scene)
{
    promote_away_from_home(*scene);
    is_refused(*scene, SWITCH_TO(EU), FORCE_LATCH, "--force=latch");
    is_refused(*scene, COMMAND(FAILOVER, .region = EU), FORCE_LATCH, "data, legacy");
    is_refused(*scene, COMMAND(BEGIN, .region = EU), FORCE_LATCH, "replica");
    is_refused(
        *scene, SWITCH_TO(EU, .force = FORCE_ALL & ~FORCE_LATCH), FORCE_LATCH, "--force=latch");
    changes(*scene, SWITCH_TO(EU, GROUPS("static", "search"))); /* no database, no latch */
    changes(*scene, SWITCH_TO(AP));                             /* another region */
}

static void force_latch_goes_there_and_lifts_the_latch(void **scene)
{
    promote_away_from_home(*scene);
    changes(*scene, SWITCH_TO(EU, .force = FORCE_LATCH));
    is_at(*scene, "data", EU);
    changes(*scene, SWITCH_TO(US));
    changes(*scene, SWITCH_TO(EU));
}

static void a_forced_transition_lifts_the_latch_at_its_switch(void **state)
{
    struct scene *scene = *state;
    promote_away_from_home(scene);
    changes(scene, COMMAND(BEGIN, .region = EU, .force = FORCE_LATCH));
    assert_true(group_is_latched(state_find_group(scene->state, "data"), EU));
    changes(scene, COMMAND(SWITCH));
    assert_false(group_is_latched(state_find_group(scene->state, "data"), EU));
}

static void a_move_too_soon_after_the_last_is_refused(void **state)
{
    struct scene *scene = with_runbook(state);
    changes(scene, SWITCH_TO(US));
    passes(scene, 60000);
    changes(scene, SWITCH_TO(EU));
    passes(scene, 3600 * 1000 - 1);
    is_refused(scene, COMMAND(FAILOVER, .region = US), FORCE_FLAP, "3599 s ago");
    is_refused(scene, COMMAND(BEGIN, .region = US), FORCE_FLAP, "--force=flap");
    passes(scene, 1);
    changes(scene, COMMAND(FAILOVER, .region = US));
}

static void force_flap_goes_all_the_same(void **state)
{
    struct scene *scene = with_runbook(state);
    changes(scene, SWITCH_TO(AP));
    changes(scene, COMMAND(FAILOVER, .region = US, .force = FORCE_FLAP));
}

static void an_aborted_move_is_not_counted_for_the_interval(void **state)
{
    struct scene *scene = with_runbook(state);
    changes(scene, COMMAND(FAILOVER, .region = US));
    changes(scene, COMMAND(ABORT));
    changes(scene, COMMAND(FAILOVER, .region = US));
}

static void the_interval_is_no_matter_of_switch_only(void **state)
{
    struct scene *scene = with_runbook(state);
    changes(scene, SWITCH_TO(US));
    changes(scene, SWITCH_TO(EU));
    changes(scene, SWITCH_TO(US));
}

static void every_force_word_has_a_text_and_back(void **unused)
{
    (void)unused;
    static const char *const words[] = {
        "lag", "flap", "latch", "acks", "undecided", "dns-only", "irreversible"};
    for (unsigned i = 0; i < 7; i++) {
        unsigned bit = 0;
        assert_true(force_parse(words[i], &bit));
        assert_string_equal(force_text(bit), words[i]);
        assert_int_equal(FORCE_ALL & bit, bit);
    }
    unsigned bit = 0;
    assert_false(force_parse("all", &bit));
    assert_null(force_text(0));
    assert_null(force_text(FORCE_ALL));
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_setup, scene_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(switch_only_moves_every_group_in_one_write),
        SCENE(a_database_is_fenced_in_every_loop_before_the_write),
        SCENE(a_finished_switch_is_history_at_once),
        SCENE(only_the_named_groups_move),
        SCENE(already_there_and_steady_changes_nothing),
        SCENE(what_is_there_already_stays_out_of_the_switch),
        SCENE(an_unknown_region_or_group_is_wrong_usage),
        SCENE(a_reason_or_request_out_of_bounds_is_wrong_usage),
        SCENE(a_dry_run_says_what_it_would_do),
        SCENE(without_a_runbook_failover_switches_at_once),
        SCENE(a_runbook_without_a_sidecar_is_refused),
        SCENE(switchover_without_a_runbook_is_refused),
        SCENE(a_failover_begins_and_moves_what_no_step_moves),
        SCENE(a_step_for_the_other_kind_of_move_does_not_count),
        SCENE(a_group_that_is_there_goes_along_untouched),
        SCENE(a_step_that_straddles_the_selection_is_refused),
        SCENE(a_planned_move_of_a_dns_only_database_needs_force),
        SCENE(a_planned_move_without_dns_only_databases_just_begins),
        SCENE(a_script_begins_without_sidecar_or_runbook),
        SCENE(while_a_transition_runs_every_move_is_refused),
        SCENE(a_stopped_transition_is_ended_by_a_forced_switch),
        SCENE(a_stopped_transition_that_is_switched_elsewhere_has_failed),
        SCENE(a_forced_switch_to_where_it_started_opens_the_fence),
        SCENE(a_stopped_transition_with_nothing_left_to_switch_just_ends),
        SCENE(a_forced_switch_leaves_no_group_fenced_behind),
        SCENE(a_forced_switch_leaves_no_latched_group_behind),
        SCENE(nobody_goes_back_to_a_latched_region),
        SCENE(force_latch_goes_there_and_lifts_the_latch),
        SCENE(a_forced_transition_lifts_the_latch_at_its_switch),
        SCENE(a_move_too_soon_after_the_last_is_refused),
        SCENE(force_flap_goes_all_the_same),
        SCENE(an_aborted_move_is_not_counted_for_the_interval),
        SCENE(the_interval_is_no_matter_of_switch_only),
        cmocka_unit_test(every_force_word_has_a_text_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
