#include "tests/unit/keeper_scene.h"

#include <errno.h>

static void the_first_view_is_everywhere_before_ready(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    assert_string_equal(scene.trace, "view:open:eu-west-1 ready");
    assert_int_equal(keeper_state(scene.keeper)->epoch, 0);
    assert_false(keeper_busy(scene.keeper));
    scene_fini(&scene);
}

static void a_switch_fences_writes_announces_and_then_replies(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    struct answer answer = carry_out(&scene, switch_to("us-west-2", NULL));
    assert_string_equal(scene.trace, "view:fenced:eu-west-1 write view:open:us-west-2 watch reply");
    assert_int_equal(answer.outcome.status, EXIT_STATUS_DONE);
    assert_true(answer.outcome.changed);
    assert_false(answer.outcome.running);
    assert_int_equal(answer.outcome.revision, scene.store.state->revision);
    assert_true(answer.outcome.epoch > 0);
    scene_fini(&scene);
}

static void every_transition_has_an_id_of_its_own(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    struct answer there = carry_out(&scene, switch_to("us-west-2", NULL));
    struct answer back = carry_out(&scene, switch_to("eu-west-1", NULL));
    assert_int_equal(strlen(there.transition), strlen("2026-11-23-0123456789abcdef"));
    assert_int_equal(strlen(back.transition), strlen(there.transition));
    assert_string_not_equal(there.transition, back.transition);
    scene_fini(&scene);
}

static void a_switch_to_where_it_is_changes_nothing(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    struct answer answer = carry_out(&scene, switch_to("eu-west-1", NULL));
    assert_string_equal(scene.trace, "reply");
    assert_int_equal(answer.outcome.status, EXIT_STATUS_DONE);
    assert_false(answer.outcome.changed);
    scene_fini(&scene);
}

static void a_dry_run_changes_nothing(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    struct command command = switch_to("us-west-2", NULL);
    command.dry_run = true;
    struct answer answer = carry_out(&scene, command);
    assert_string_equal(scene.trace, "reply");
    assert_int_equal(answer.outcome.status, EXIT_STATUS_DONE);
    assert_false(answer.outcome.changed);
    assert_int_equal(scene.store.writes, 0);
    scene_fini(&scene);
}

static bool has_held(void *context)
{
    return ((struct scene *)context)->held != NULL;
}

static void nothing_is_written_before_the_last_loop_is_fenced(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    struct answer answer = answer_to(&scene);
    scene.hold = true;
    submit(&scene, switch_to("us-west-2", NULL), &answer);
    run_until(&scene.loop, has_held, &scene);
    for (int turn = 0; turn < 10; turn++)
        uv_run(&scene.loop.uv, UV_RUN_NOWAIT);
    assert_int_equal(scene.store.writes, 0);
    assert_true(keeper_busy(scene.keeper));
    release(&scene);
    run_until(&scene.loop, is_set, &answer.there);
    assert_int_equal(scene.store.writes, 1);
    scene_fini(&scene);
}

static void on_write_hold_acknowledgements(void *context)
{
    struct scene *scene = context;
    scene->hold = true;
}

static void nothing_is_answered_before_the_last_loop_follows(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    struct answer answer = answer_to(&scene);
    scene.store.on_write = on_write_hold_acknowledgements;
    submit(&scene, switch_to("us-west-2", NULL), &answer);
    run_until(&scene.loop, has_held, &scene);
    for (int turn = 0; turn < 10; turn++)
        uv_run(&scene.loop.uv, UV_RUN_NOWAIT);
    assert_int_equal(scene.store.writes, 1);
    assert_false(answer.there);
    release(&scene);
    run_until(&scene.loop, is_set, &answer.there);
    scene_fini(&scene);
}

static void a_failed_write_lifts_the_fence_and_changes_nothing(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    scene.store.write_status = -ENOSPC;
    struct answer answer = carry_out(&scene, switch_to("us-west-2", "r1"));
    assert_string_equal(scene.trace, "view:fenced:eu-west-1 write view:open:eu-west-1 reply");
    assert_int_equal(answer.outcome.status, EXIT_STATUS_REFUSED);
    assert_false(answer.outcome.changed);
    assert_non_null(strstr(answer.words, "no space left on device"));
    assert_non_null(strstr(answer.words, "nothing was changed"));
    assert_int_equal(keeper_state(scene.keeper)->revision, 0);
    assert_non_null(keeper_store_error(scene.keeper));

    scene.store.write_status = 0;
    answer = ask(&scene, "r1");
    assert_int_equal(answer.outcome.status, EXIT_STATUS_REFUSED);
    answer = carry_out(&scene, switch_to("us-west-2", "r2"));
    assert_int_equal(answer.outcome.status, EXIT_STATUS_DONE);
    assert_null(keeper_store_error(scene.keeper));
    scene_fini(&scene);
}

static void a_write_in_place_counts_even_when_its_durability_is_in_doubt(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    scene.store.write_status = -EIO;
    scene.store.in_place = true;
    struct answer answer = carry_out(&scene, switch_to("us-west-2", NULL));
    assert_string_equal(scene.trace, "view:fenced:eu-west-1 write view:open:us-west-2 watch reply");
    assert_int_equal(answer.outcome.status, EXIT_STATUS_DONE);
    assert_true(answer.outcome.changed);
    assert_non_null(strstr(answer.words, "warning"));
    assert_non_null(keeper_store_error(scene.keeper));
    scene_fini(&scene);
}

static void a_record_that_somebody_else_wrote_is_not_overwritten(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    scene.store.state = state_at_home(scene.config);
    scene.store.state->revision = 9;
    struct answer answer = carry_out(&scene, switch_to("us-west-2", NULL));
    assert_int_equal(answer.outcome.status, EXIT_STATUS_REFUSED);
    assert_non_null(strstr(answer.words, "somebody else"));
    assert_int_equal(scene.store.state->revision, 9);
    assert_int_equal(endpoint(&scene, "orders-db")->status, VIEW_OPEN);
    scene_fini(&scene);
}

static void a_host_without_a_believable_record_is_undecided_until_forced(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    scene.store.refused = true;
    scene.store.seen_revision = 40;
    scene.store.seen_epoch = 12;
    restart(&scene);
    assert_string_equal(scene.trace, "view:undecided ready");
    assert_true(keeper_world(scene.keeper)->undecided);

    struct answer answer = carry_out(&scene, switch_to("us-west-2", NULL));
    assert_int_equal(answer.outcome.status, EXIT_STATUS_REFUSED);
    assert_int_equal(answer.outcome.force_word, FORCE_UNDECIDED);
    assert_int_equal(scene.store.writes, 0);

    struct command forced = switch_to("us-west-2", NULL);
    forced.force = FORCE_UNDECIDED;
    answer = carry_out(&scene, forced);
    assert_int_equal(answer.outcome.status, EXIT_STATUS_DONE);
    assert_true(answer.outcome.revision > 40);
    assert_true(answer.outcome.epoch > 12);
    assert_false(keeper_world(scene.keeper)->undecided);
    assert_string_equal(endpoint(&scene, "orders-db")->target->text, "192.0.2.2:5432");
    scene_fini(&scene);
}

static void a_store_that_cannot_be_read_stops_the_start(void **unused)
{
    (void)unused;
    struct scene scene = {0};
    assert_int_equal(loop_init(&scene.loop, "main"), 0);
    memory_store_init(&scene.store, &scene.loop);
    scene.store.read_status = -EIO;
    scene.announce = announce_new(&scene.loop);
    scene.config = sample_config(SAMPLE_CONFIG);
    struct failure why = {0};
    struct keeper_options options = {.main_loop = &scene.loop,
        .store = &scene.store.store,
        .announce = scene.announce,
        .config = scene.config,
        .key = &scene_key};
    assert_int_equal(keeper_new(&options, &scene.keeper, on_ready, &scene, &why), -EIO);
    assert_non_null(strstr(why.text, "memory"));
    assert_true(scene.store.freed);
    announce_free(scene.announce);
    config_unref(scene.config);
    loop_fini(&scene.loop);
}

static void a_restart_in_mid_transition_is_fenced_before_the_first_answer(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    struct answer begun = carry_out(&scene, driven(COMMAND_BEGIN, "b1"));
    assert_int_equal(begun.outcome.status, EXIT_STATUS_DONE);
    assert_true(begun.outcome.running);
    struct answer fenced = carry_out(&scene, driven(COMMAND_FENCE, "f1"));
    assert_int_equal(fenced.outcome.status, EXIT_STATUS_DONE);
    restart(&scene);
    assert_string_equal(scene.trace, "view:fenced:eu-west-1 ready");

    struct answer asked = ask(&scene, "b1");
    assert_int_equal(asked.outcome.status, EXIT_STATUS_DONE);
    assert_true(asked.outcome.running);
    assert_string_equal(asked.transition, begun.transition);
    scene_fini(&scene);
}

static void a_script_can_drive_a_transition_to_its_end(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    struct answer begun = carry_out(&scene, driven(COMMAND_BEGIN, "b1"));
    assert_string_equal(scene.trace, "write view:open:eu-west-1 watch reply");
    assert_true(begun.outcome.running);
    carry_out(&scene, driven(COMMAND_FENCE, NULL));
    assert_string_equal(
        scene.trace, "view:fenced:eu-west-1 write view:fenced:eu-west-1 watch reply");
    struct transition_step step = {.id = "promote", .status = STEP_DONE, .promotes = true};
    struct command report = driven(COMMAND_STEP, NULL);
    report.step = &step;
    assert_int_equal(carry_out(&scene, report).outcome.status, EXIT_STATUS_DONE);
    carry_out(&scene, driven(COMMAND_SWITCH, NULL));
    assert_string_equal(scene.trace, "write view:open:us-west-2 watch reply");

    struct answer ended = carry_out(&scene, driven(COMMAND_END, NULL));
    assert_false(ended.outcome.running);
    assert_string_equal(ended.transition, begun.transition);
    struct answer asked = ask(&scene, "b1");
    assert_int_equal(asked.outcome.status, EXIT_STATUS_DONE);
    assert_false(asked.outcome.running);
    scene_fini(&scene);
}

static struct answer reload(struct scene *scene, const char *text)
{
    struct answer answer = answer_to(scene);
    struct config *next = sample_config(text);
    keeper_reload(scene->keeper, next, on_reply, &answer);
    config_unref(next);
    run_until(&scene->loop, is_set, &answer.there);
    return answer;
}

static void a_reload_is_everywhere_before_its_reply(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    struct answer answer = reload(&scene, SAMPLE_CONFIG_RESOLV_CONF);
    assert_string_equal(scene.trace, "view:open:eu-west-1 watch reply");
    assert_int_equal(answer.outcome.status, EXIT_STATUS_DONE);
    assert_true(answer.outcome.changed);
    assert_ptr_equal(scene.view->config, keeper_config(scene.keeper));
    assert_true(keeper_config(scene.keeper)->resolver.upstreams_from_resolv_conf);
    scene_fini(&scene);
}

static void a_reload_that_the_record_forbids_changes_nothing(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    carry_out(&scene, switch_to("us-west-2", NULL));
    struct config *before = keeper_config(scene.keeper);
    struct answer answer = reload(&scene,
        "{\"regions\": [\"eu-west-1\", \"ap-south-1\"], \"endpoints\": {\"orders-db\":"
        "{\"type\": \"database\", \"group\": \"data\", \"names\": [\"db.shop.internal\"],"
        "\"targets\": {\"eu-west-1\": \"192.0.2.1\", \"ap-south-1\": \"192.0.2.2\"}}}}");
    assert_string_equal(scene.trace, "reply");
    assert_int_equal(answer.outcome.status, EXIT_STATUS_USAGE);
    assert_ptr_equal(keeper_config(scene.keeper), before);
    scene_fini(&scene);
}

static void a_reload_waits_for_the_change_before_it(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    struct answer switched = answer_to(&scene), reloaded = switched;
    struct config *next = sample_config(SAMPLE_CONFIG_RESOLV_CONF);
    submit(&scene, switch_to("us-west-2", NULL), &switched);
    keeper_reload(scene.keeper, next, on_reply, &reloaded);
    config_unref(next);
    run_until(&scene.loop, is_set, &reloaded.there);
    assert_string_equal(scene.trace, "view:fenced:eu-west-1 write view:open:us-west-2 watch reply "
                                     "view:open:us-west-2 watch reply");
    scene_fini(&scene);
}

static bool is_idle(void *context)
{
    return !keeper_busy(((struct scene *)context)->keeper);
}

static void new_upstreams_of_resolv_conf_reach_every_loop(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    struct config_upstream server = {0};
    assert_int_equal(address_parse("198.51.100.1", 53, &server.address, NULL), 0);
    struct config_upstreams upstreams = {&server, 1};

    answer_to(&scene);
    keeper_set_upstreams(scene.keeper, &upstreams);
    run_until(&scene.loop, is_idle, &scene);
    assert_string_equal(scene.trace, ""); /* the file names its own */

    reload(&scene, SAMPLE_CONFIG_RESOLV_CONF);
    assert_int_equal(scene.view->upstreams.count, 1);
    upstreams.count = 0;
    keeper_set_upstreams(scene.keeper, &upstreams);
    run_until(&scene.loop, is_idle, &scene);
    assert_int_equal(scene.view->upstreams.count, 0);
    scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_view_is_everywhere_before_ready),
        cmocka_unit_test(a_switch_fences_writes_announces_and_then_replies),
        cmocka_unit_test(every_transition_has_an_id_of_its_own),
        cmocka_unit_test(a_switch_to_where_it_is_changes_nothing),
        cmocka_unit_test(a_dry_run_changes_nothing),
        cmocka_unit_test(nothing_is_written_before_the_last_loop_is_fenced),
        cmocka_unit_test(nothing_is_answered_before_the_last_loop_follows),
        cmocka_unit_test(a_failed_write_lifts_the_fence_and_changes_nothing),
        cmocka_unit_test(a_write_in_place_counts_even_when_its_durability_is_in_doubt),
        cmocka_unit_test(a_record_that_somebody_else_wrote_is_not_overwritten),
        cmocka_unit_test(a_host_without_a_believable_record_is_undecided_until_forced),
        cmocka_unit_test(a_store_that_cannot_be_read_stops_the_start),
        cmocka_unit_test(a_restart_in_mid_transition_is_fenced_before_the_first_answer),
        cmocka_unit_test(a_script_can_drive_a_transition_to_its_end),
        cmocka_unit_test(a_reload_is_everywhere_before_its_reply),
        cmocka_unit_test(a_reload_that_the_record_forbids_changes_nothing),
        cmocka_unit_test(a_reload_waits_for_the_change_before_it),
        cmocka_unit_test(new_upstreams_of_resolv_conf_reach_every_loop),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
