/* How a daemon that is told to stop comes to rest. */
#include "tests/unit/keeper_scene.h"

static void on_settled(void *context)
{
    struct answer *settled = context;
    assert_false(keeper_busy(settled->scene->keeper));
    settled->there = true;
}

static void a_keeper_with_nothing_to_do_settles_at_once(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    struct answer settled = answer_to(&scene);
    keeper_settle(scene.keeper, on_settled, &settled);
    assert_false(settled.there);
    run_until(&scene.loop, is_set, &settled.there);
    scene_fini(&scene);
}

static void a_keeper_settles_after_the_last_reload_is_everywhere(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene);
    struct answer first = answer_to(&scene), second = answer_to(&scene);
    struct answer settled = answer_to(&scene);
    keeper_reload(scene.keeper, keeper_config(scene.keeper), on_reply, &first);
    keeper_settle(scene.keeper, on_settled, &settled);
    keeper_reload(scene.keeper, keeper_config(scene.keeper), on_reply, &second);
    run_until(&scene.loop, is_set, &settled.there);
    assert_true(first.there);
    assert_true(second.there);
    scene_fini(&scene);
}

/* A transition that is about to switch, its DNS-only fence just begun. */
static void begin_switch(struct scene *scene, struct answer *answer)
{
    carry_out(scene, driven(COMMAND_BEGIN, NULL));
    *answer = answer_to(scene);
    submit(scene, driven(COMMAND_SWITCH, "s1"), answer);
}

static bool is_fenced(void *context)
{
    return endpoint(context, "orders-db")->status == VIEW_FENCED;
}

static void assert_given_up(struct scene *scene, struct answer *answer)
{
    run_until(&scene->loop, is_set, &answer->there);
    assert_int_equal(answer->outcome.status, EXIT_STATUS_REFUSED);
    assert_non_null(strstr(answer->words, "nothing was changed"));
    assert_string_equal(scene->trace, "view:fenced:eu-west-1 view:open:eu-west-1 reply");
    assert_int_equal(ask(scene, "s1").outcome.status, EXIT_STATUS_REFUSED);
}

static void a_stop_takes_back_the_fence_that_a_switch_waits_for(void **unused)
{
    (void)unused;
    struct scene scene;
    struct answer answer;
    scene_init(&scene);
    begin_switch(&scene, &answer);
    run_until(&scene.loop, is_fenced, &scene);
    assert_string_equal(scene.trace, "view:fenced:eu-west-1");
    keeper_hurry(scene.keeper);
    assert_given_up(&scene, &answer);
    scene_fini(&scene);
}

static void after_a_stop_no_switch_waits_for_its_fence(void **unused)
{
    (void)unused;
    struct scene scene;
    struct answer answer;
    scene_init(&scene);
    begin_switch(&scene, &answer);
    keeper_hurry(scene.keeper);
    assert_given_up(&scene, &answer);
    scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_keeper_with_nothing_to_do_settles_at_once),
        cmocka_unit_test(a_keeper_settles_after_the_last_reload_is_everywhere),
        cmocka_unit_test(a_stop_takes_back_the_fence_that_a_switch_waits_for),
        cmocka_unit_test(after_a_stop_no_switch_waits_for_its_fence),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
