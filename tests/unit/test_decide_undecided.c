/* What is not known is never guessed; and what a reload may do to what is known. */
#include "tests/unit/decide_tool.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define SWITCH_TO(to, ...)                                                                         \
    COMMAND(FAILOVER, .region = to, .switch_only = true __VA_OPT__(, ) __VA_ARGS__)

static struct scene *refused_record(void **state)
{
    struct scene *scene = *state;
    state_free(scene->state);
    scene->state = state_new();
    scene->world.undecided = true;
    scene->world.undecided_why = "state.json was edited";
    scene->world.seen_revision = 40;
    scene->world.seen_epoch = 12;
    return scene;
}

static void nothing_is_decided_on_a_record_that_was_refused(void **state)
{
    struct scene *scene = refused_record(state);
    is_refused(scene, SWITCH_TO(US), FORCE_UNDECIDED, "state.json was edited");
    is_refused(scene, SWITCH_TO(US, GROUPS("data")), FORCE_UNDECIDED, "--force=undecided");
    is_refused(scene, SWITCH_TO(US, .force = FORCE_LATCH), FORCE_UNDECIDED, "undecided");
    is_refused(scene, COMMAND(FAILOVER, .region = US, .force = FORCE_ALL), FORCE_UNDECIDED,
        "--switch-only");
    is_refused(scene, COMMAND(SWITCHOVER, .region = US, .force = FORCE_ALL), 0, "undecided");
    is_refused(scene, COMMAND(BEGIN, .region = US, .force = FORCE_ALL), 0, "undecided");
    is_refused(scene, COMMAND(ABORT, .force = FORCE_ALL), 0, "undecided");
    assert_false(group_is_decided(scene->state, &scene->world, "data"));
}

static void a_forced_switch_starts_a_record_beyond_what_was_seen(void **state)
{
    struct scene *scene = refused_record(state);
    changes(scene, SWITCH_TO(US, .force = FORCE_UNDECIDED, .request = "r-1"));
    assert_int_equal(scene->state->revision, 41);
    assert_int_equal(scene->state->epoch, 13);
    fences_first(scene, "data legacy");
    is_at(scene, "data", US);
    is_at(scene, "search", US);
    assert_string_equal(last_of_history(scene)->groups[0].from, "");
    assert_non_null(state_find_request(scene->state, "r-1"));
}

static void a_forced_switch_to_home_counts_as_a_change_too(void **state)
{
    struct scene *scene = refused_record(state);
    changes(scene, SWITCH_TO(EU, .force = FORCE_ALL));
    is_at(scene, "data", EU);
    assert_int_equal(scene->state->epoch, 13);
}

static void groups_that_were_not_named_stay_undecided(void **state)
{
    struct scene *scene = refused_record(state);
    changes(scene, SWITCH_TO(US, .force = FORCE_UNDECIDED, GROUPS("data")));
    is_at(scene, "data", US);
    assert_null(state_find_group(scene->state, "legacy"));
    is_refused(scene, SWITCH_TO(US), FORCE_UNDECIDED, "legacy, static, search");
    is_refused(scene, SWITCH_TO(US, .force = FORCE_LATCH), FORCE_UNDECIDED, "legacy");
    changes(scene, SWITCH_TO(AP, GROUPS("legacy")));
    fences_first(scene, "legacy");
    is_at(scene, "legacy", AP);
    changes(scene, SWITCH_TO(US, .force = FORCE_UNDECIDED));
    is_at(scene, "static", US);
}

static void a_new_group_is_undecided_until_it_is_named(void **state)
{
    struct scene *scene = *state;
    changes(scene, SWITCH_TO(US));
    scene->config->groups[2].id = TEXT("renamed");
    assert_false(group_is_decided(scene->state, &scene->world, "renamed"));
    is_refused(scene, COMMAND(FAILOVER, .region = US), FORCE_UNDECIDED, "renamed");
    is_refused(
        scene, COMMAND(FAILOVER, .region = US, GROUPS("renamed")), FORCE_UNDECIDED, "renamed");
    is_refused(scene, COMMAND(BEGIN, .region = US), 0, "renamed");
    changes_nothing(scene, SWITCH_TO(US, GROUPS("data")));
    changes(scene, SWITCH_TO(US, GROUPS("renamed")));
    is_at(scene, "renamed", US);
    is_at(scene, "static", US); /* what the record knew of the old name it keeps */
    assert_int_equal(scene->state->epoch, 2);
}

static void a_group_whose_region_vanished_is_undecided(void **state)
{
    struct scene *scene = *state;
    changes(scene, SWITCH_TO(AP, GROUPS("data")));
    scene->config->region_count = 2;
    assert_false(group_is_decided(scene->state, &scene->world, "data"));
    is_refused(scene, SWITCH_TO(US), FORCE_UNDECIDED, "data");
    changes(scene, SWITCH_TO(US, GROUPS("data")));
    fences_first(scene, "data");
    is_at(scene, "data", US);
}

static void groups_that_nobody_has_any_more_make_room(void **state)
{
    struct scene *scene = *state;
    for (int i = 0; i < CONFIG_GROUPS_MAX - 4; i++) {
        char id[16];
        snprintf(id, sizeof id, "gone-%d", i);
        strcpy(state_add_group(scene->state, id)->active, EU);
    }
    assert_int_equal(scene->state->group_count, CONFIG_GROUPS_MAX);
    scene->config->groups[2].id = TEXT("renamed");
    changes(scene, SWITCH_TO(US, GROUPS("renamed")));
    is_at(scene, "renamed", US);
    is_at(scene, "data", EU);
    assert_true(scene->state->group_count <= CONFIG_GROUPS_MAX);
}

struct pair {
    struct config next;
    struct config_group groups[4];
    struct config_endpoint endpoints[4];
};

static struct config *another(const struct config *now, struct pair *pair)
{
    pair->next = *now;
    memcpy(pair->groups, now->groups, sizeof pair->groups);
    memcpy(pair->endpoints, now->endpoints, sizeof pair->endpoints);
    pair->next.groups = pair->groups;
    pair->next.endpoints = pair->endpoints;
    return &pair->next;
}

static void a_reload_that_moves_nothing_is_welcome(void **state)
{
    struct scene *scene = *state;
    struct pair pair;
    struct config *next = another(scene->config, &pair);
    assert_int_equal(decide_reload(scene->state, scene->config, next, NULL), 0);
    next->region_count = 2; /* nothing is active in the third */
    next->endpoint_count = 2;
    assert_int_equal(decide_reload(scene->state, scene->config, next, NULL), 0);
}

static void a_reload_while_a_transition_runs_is_refused(void **state)
{
    struct scene *scene = *state;
    struct pair pair;
    struct failure why;
    changes(scene, COMMAND(BEGIN, .region = US));
    assert_int_equal(
        decide_reload(scene->state, scene->config, another(scene->config, &pair), &why), -EBUSY);
    assert_non_null(strstr(why.text, "pilotlight wait"));
}

static void a_reload_may_not_take_an_active_region(void **state)
{
    struct scene *scene = *state;
    struct pair pair;
    struct failure why;
    changes(scene, SWITCH_TO(AP, GROUPS("data")));
    struct config *next = another(scene->config, &pair);
    next->region_count = 2;
    assert_int_equal(decide_reload(scene->state, scene->config, next, &why), -EINVAL);
    assert_non_null(strstr(why.text, "\"ap-south-1\" is active for group \"data\""));
    assert_int_equal(decide_reload(scene->state, next, next, &why), 0); /* it was gone before */
}

static void a_reload_may_not_move_an_endpoint_to_another_group(void **state)
{
    struct scene *scene = *state;
    struct pair pair;
    struct failure why;
    struct config *next = another(scene->config, &pair);
    next->endpoints[2].group = 3;
    assert_int_equal(decide_reload(scene->state, scene->config, next, &why), -EINVAL);
    assert_non_null(strstr(why.text, "\"static-1\" would move from group \"static\""));
    next->endpoints[2].id = TEXT("new-1");
    assert_int_equal(decide_reload(scene->state, scene->config, next, &why), 0);
}

#define SCENE(test) cmocka_unit_test_setup_teardown(test, scene_setup, scene_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE(nothing_is_decided_on_a_record_that_was_refused),
        SCENE(a_forced_switch_starts_a_record_beyond_what_was_seen),
        SCENE(a_forced_switch_to_home_counts_as_a_change_too),
        SCENE(groups_that_were_not_named_stay_undecided),
        SCENE(a_new_group_is_undecided_until_it_is_named),
        SCENE(a_group_whose_region_vanished_is_undecided),
        SCENE(groups_that_nobody_has_any_more_make_room),
        SCENE(a_reload_that_moves_nothing_is_welcome),
        SCENE(a_reload_while_a_transition_runs_is_refused),
        SCENE(a_reload_may_not_take_an_active_region),
        SCENE(a_reload_may_not_move_an_endpoint_to_another_group),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
