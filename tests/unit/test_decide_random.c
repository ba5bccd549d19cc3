/* Any night at all: hundreds of thousands of commands drawn at random, and what must hold after
 * each of them. The seed is fixed, so a bad night can be had again. */
#include "base/log.h"
#include "tests/unit/decide_tool.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NIGHTS 500
#define COMMANDS_A_NIGHT 150
#define READ_BACK_EVERY 16 /* commands; printing and parsing is the dear part */

static const char *const regions[] = {EU, US, AP, "mars-1"};
static const char *const all_groups[] = {"data", "legacy", "static", "search"};
static uint64_t random_state;

/* xorshift64 (Marsaglia, 2003). */
static unsigned draw(unsigned below)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (unsigned)(random_state >> 33) % below;
}

static unsigned draw_force(void)
{
    unsigned kind = draw(4);
    return kind == 0 ? FORCE_ALL : kind == 1 ? 1u << draw(7) : 0;
}

struct drawn {
    struct command command;
    struct transition_step step;
    const char *groups[4];
    char request[32], id[32];
};

static void draw_step(struct drawn *drawn)
{
    snprintf(drawn->step.id, sizeof drawn->step.id, "step-%u", draw(4));
    drawn->step.status = (enum step_status)draw(STEP_NEEDS_APPROVAL + 1);
    drawn->step.promotes = draw(6) == 0;
    drawn->step.irreversible = draw(8) == 0;
    drawn->step.continue_on_failure = draw(3) == 0;
    drawn->command.step = &drawn->step;
}

static const struct command *draw_command(struct drawn *drawn, unsigned number)
{
    *drawn = (struct drawn){.step = {.attempt = 0}};
    struct command *command = &drawn->command;
    snprintf(drawn->request, sizeof drawn->request, "r-%u", number);
    snprintf(drawn->id, sizeof drawn->id, "t-%u", number);
    command->kind = (enum command_kind)draw(COMMAND_END + 1);
    command->by = "alice";
    command->id = drawn->id;
    command->request = draw(4) ? drawn->request : NULL;
    command->reason = draw(2) ? "because" : NULL;
    command->region = regions[draw(16) ? draw(3) : 3];
    command->group_count = draw(3) ? 0 : 1 + draw(4);
    for (size_t i = 0; i < command->group_count; i++)
        drawn->groups[i] = all_groups[draw(4)];
    command->groups = drawn->groups;
    command->switch_only = draw(2);
    command->planned = draw(2);
    command->force = draw_force();
    command->failed = draw(2);
    draw_step(drawn);
    if (command->kind == COMMAND_RETRY && draw(2))
        command->step = NULL;
    return command;
}

static bool is_database(const char *group)
{
    return strcmp(group, "data") == 0 || strcmp(group, "legacy") == 0;
}

static bool moved(const struct state_group *before, const struct state_group *after)
{
    return !before || strcmp(before->active, after->active) != 0;
}

static bool is_fenced_first(const struct decision *decision, const char *group)
{
    for (size_t i = 0; i < decision->fence_first_count; i++) {
        if (strcmp(decision->fence_first[i], group) == 0)
            return true;
    }
    return false;
}

/* To a latched region goes who forces it, what was admitted when its transition began, and what
 * goes back and stays fenced. */
static void check_latch(const struct command *command, const struct state_group *before,
    const struct state_group *after)
{
    if (!before || !moved(before, after) || !group_is_latched(before, after->active))
        return;
    bool goes_back = command->kind == COMMAND_ABORT || command->kind == COMMAND_END;
    if (goes_back)
        assert_true(after->fenced);
    else
        assert_true((command->force & FORCE_LATCH) || command->kind == COMMAND_SWITCH);
}

/* Returns whether its answers change. */
static bool check_group(const struct state *now, const struct decision *decision,
    const struct command *command, const struct state_group *after)
{
    const struct state_group *before = state_find_group(now, after->id);
    assert_true(!after->fenced || is_database(after->id));
    assert_true(after->active[0] != '\0');
    if (is_database(after->id) && moved(before, after) && !(before && before->fenced))
        assert_true(is_fenced_first(decision, after->id));
    if (after->fenced && !(before && before->fenced))
        assert_true(is_fenced_first(decision, after->id));
    check_latch(command, before, after);
    if (!decision->next->transition && !after->fenced)
        assert_false(group_is_latched(after, after->active));
    return moved(before, after) || before->fenced != after->fenced;
}

static void check_change(
    const struct state *now, const struct decision *decision, const struct command *command)
{
    const struct state *next = decision->next;
    bool answers_change = false;
    for (size_t i = 0; i < next->group_count; i++)
        answers_change |= check_group(now, decision, command, &next->groups[i]);
    assert_int_equal(next->revision, now->revision + 1);
    assert_int_equal(next->epoch, now->epoch + answers_change);
    for (size_t i = 0; i < decision->fence_first_count; i++)
        assert_true(is_database(decision->fence_first[i]));
    if (next->transition) {
        assert_int_equal(next->transition->result, RESULT_NONE);
        assert_true(next->transition->request_count <= STATE_REQUESTS_MAX);
    }
    if (now->transition && next->transition)
        assert_string_equal(now->transition->id, next->transition->id);
    if (command->request)
        assert_non_null(state_find_request(next, command->request));
}

static void check_refusal(const struct decision *decision)
{
    assert_null(decision->next);
    assert_int_equal(decision->fence_first_count, 0);
    assert_true(decision->words.text[0] != '\0');
    if (decision->verdict == VERDICT_NOTHING)
        return;
    assert_true(decision->status == EXIT_STATUS_USAGE || decision->status == EXIT_STATUS_REFUSED);
    if (decision->force_word)
        assert_non_null(strstr(decision->words.text, force_text(decision->force_word)));
}

static void check_read_back(struct state *state)
{
    char *text = NULL, *again_text = NULL;
    size_t size = 0, again_size = 0;
    struct state *again = NULL;
    struct failure why = {.text = ""};
    if (state_print(state, &text, &size, &why) < 0 || state_parse(text, size, &again, &why) < 0)
        fail_msg("%s", why.text);
    assert_int_equal(state_print(again, &again_text, &again_size, &why), 0);
    assert_string_equal(text, again_text);
    assert_true(state->history_count <= STATE_HISTORY_MAX);
    state_free(again);
    free(again_text);
    free(text);
}

static void one_night(struct scene *scene, unsigned *changed)
{
    if (draw(2))
        sample_runbook(scene->config);
    else
        scene->config->runbooks[1].present = false;
    scene->world.sidecar_connected = draw(2);
    for (unsigned i = 0; i < COMMANDS_A_NIGHT; i++) {
        struct drawn drawn;
        const struct command *command = draw_command(&drawn, i);
        decision_fini(&scene->decision);
        decide(scene->state, &scene->world, command, &scene->decision);
        passes(scene, draw(600000));
        if (scene->decision.verdict != VERDICT_CHANGE) {
            check_refusal(&scene->decision);
            continue;
        }
        check_change(scene->state, &scene->decision, command);
        state_free(scene->state);
        scene->state = scene->decision.next;
        scene->decision.next = NULL;
        if (++*changed % READ_BACK_EVERY == 0)
            check_read_back(scene->state);
    }
    check_read_back(scene->state);
}

static void no_sequence_of_commands_breaks_the_record(void **unused)
{
    (void)unused;
    unsigned changed = 0;
    random_state = 20261123;
    for (int i = 0; i < NIGHTS; i++) {
        void *scene = NULL;
        scene_setup(&scene);
        one_night(scene, &changed);
        scene_teardown(&scene);
    }
    assert_true(changed > NIGHTS * COMMANDS_A_NIGHT / 10); /* it was not all refusals */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_sequence_of_commands_breaks_the_record),
    };
    log_configure(LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
