#include "tests/unit/keeper_scene.h"

#include <stdlib.h>

static void one_request_never_acts_twice(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    struct answer first = answer_to(&scene), second = first, third = first;
    submit(&scene, switch_to("us-west-2", "r1"), &first);
    submit(&scene, switch_to("eu-west-1", "r2"), &second);
    submit(&scene, switch_to("us-west-2", "r1"), &third);
    run_until(&scene.loop, is_set, &third.there);
    assert_true(first.there && second.there);
    assert_int_equal(scene.store.writes, 2);
    assert_int_equal(third.outcome.status, EXIT_STATUS_DONE);
    assert_true(third.outcome.changed);
    assert_string_equal(third.transition, first.transition);
    assert_string_equal(state_find_group(keeper_state(scene.keeper), "data")->active, "eu-west-1");
    scene_fini(&scene);
}

static void who_asks_about_a_request_under_way_waits_for_it(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    struct answer first = answer_to(&scene), asked = first;
    scene.store.hold = true;
    submit(&scene, switch_to("us-west-2", "r1"), &first);
    while (scene.store.writes == 0)
        uv_run(&scene.loop.uv, UV_RUN_ONCE);
    keeper_ask(scene.keeper, "r1", on_reply, &asked);
    for (int turn = 0; turn < 10; turn++)
        uv_run(&scene.loop.uv, UV_RUN_NOWAIT);
    assert_false(asked.there);
    memory_store_release(&scene.store);
    run_until(&scene.loop, is_set, &asked.there);
    assert_true(first.there);
    assert_int_equal(asked.outcome.status, EXIT_STATUS_DONE);
    assert_string_equal(asked.transition, first.transition);
    scene_fini(&scene);
}

static void a_request_is_known_after_a_restart(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    struct answer first = carry_out(&scene, switch_to("us-west-2", "r1"));
    restart(&scene);
    assert_string_equal(scene.trace, "view:open:us-west-2 ready");
    struct answer asked = ask(&scene, "r1");
    assert_int_equal(asked.outcome.status, EXIT_STATUS_DONE);
    assert_true(asked.outcome.changed);
    assert_string_equal(asked.transition, first.transition);
    unsigned writes = scene.store.writes;
    struct answer again = carry_out(&scene, switch_to("us-west-2", "r1"));
    assert_int_equal(again.outcome.status, EXIT_STATUS_DONE);
    assert_int_equal(scene.store.writes, writes);
    scene_fini(&scene);
}

static void an_unknown_request_changed_nothing(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    struct answer answer = ask(&scene, "r1");
    assert_int_equal(answer.outcome.status, EXIT_STATUS_FAILED);
    assert_non_null(strstr(answer.words, "nothing was changed"));
    assert_string_equal(scene.trace, "reply");
    scene_fini(&scene);
}

static void a_refusal_is_remembered_with_its_words(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    struct answer refused = carry_out(&scene, switch_to("ap-south-1", "r1"));
    assert_int_equal(refused.outcome.status, EXIT_STATUS_USAGE);
    assert_false(refused.outcome.changed);
    struct answer asked = ask(&scene, "r1");
    assert_int_equal(asked.outcome.status, EXIT_STATUS_USAGE);
    assert_string_equal(asked.words, refused.words);
    scene_fini(&scene);
}

static void the_last_64_outcomes_are_remembered(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    for (int i = 0; i < 65; i++) {
        char request[16];
        snprintf(request, sizeof request, "r%d", i);
        carry_out(&scene, switch_to("ap-south-1", request));
    }
    assert_int_equal(ask(&scene, "r0").outcome.status, EXIT_STATUS_FAILED);
    assert_int_equal(ask(&scene, "r1").outcome.status, EXIT_STATUS_USAGE);
    assert_int_equal(ask(&scene, "r64").outcome.status, EXIT_STATUS_USAGE);
    scene_fini(&scene);
}

static void a_command_may_be_gone_while_it_waits(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    struct answer answer = answer_to(&scene);
    char *region = strdup("us-west-2"), *group = strdup("relayed"), *by = strdup("alice");
    char *request = strdup("r1"), *reason = strdup("drill");
    const char *groups[] = {group};
    struct command command = switch_to(region, request);
    command.by = by;
    command.reason = reason;
    command.groups = groups;
    command.group_count = 1;
    submit(&scene, command, &answer);
    groups[0] = NULL;
    free(region);
    free(group);
    free(by);
    free(request);
    free(reason);
    run_until(&scene.loop, is_set, &answer.there);
    assert_int_equal(answer.outcome.status, EXIT_STATUS_DONE);
    assert_string_equal(endpoint(&scene, "relay-db")->target->text, "192.0.2.4:5432");
    assert_string_equal(endpoint(&scene, "orders-db")->target->text, "192.0.2.1:5432");
    scene_fini(&scene);
}

static void a_request_whose_transition_was_aborted_failed(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    carry_out(&scene, driven(COMMAND_BEGIN, "b1"));
    carry_out(&scene, driven(COMMAND_FENCE, NULL));
    struct answer aborted = carry_out(&scene, driven(COMMAND_ABORT, "a1"));
    assert_int_equal(aborted.outcome.status, EXIT_STATUS_DONE);
    assert_int_equal(endpoint(&scene, "orders-db")->status, VIEW_OPEN);

    struct answer asked = ask(&scene, "b1");
    assert_int_equal(asked.outcome.status, EXIT_STATUS_FAILED);
    assert_false(asked.outcome.running);
    assert_non_null(strstr(asked.words, "aborted"));
    assert_int_equal(ask(&scene, "a1").outcome.status, EXIT_STATUS_DONE);
    scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_request_never_acts_twice),
        cmocka_unit_test(who_asks_about_a_request_under_way_waits_for_it),
        cmocka_unit_test(a_request_is_known_after_a_restart),
        cmocka_unit_test(an_unknown_request_changed_nothing),
        cmocka_unit_test(a_refusal_is_remembered_with_its_words),
        cmocka_unit_test(the_last_64_outcomes_are_remembered),
        cmocka_unit_test(a_command_may_be_gone_while_it_waits),
        cmocka_unit_test(a_request_whose_transition_was_aborted_failed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
