#include "tests/unit/decide_tool.h"

#include "base/memory.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int scene_setup(void **ret_scene)
{
    struct scene *scene = memory_new(sizeof *scene);
    scene->config = sample_config();
    scene->state = state_at_home(scene->config);
    scene->world = (struct world){.config = scene->config,
        .now = {.wall = "2026-11-23T07:00:00.000Z", .boot_id = "boot", .boot_ms = 1000000}};
    *ret_scene = scene;
    return 0;
}

int scene_teardown(void **state)
{
    struct scene *scene = *state;
    decision_fini(&scene->decision);
    state_free(scene->state);
    free(scene);
    return 0;
}

static void decide_again(struct scene *scene, const struct command *command)
{
    decision_fini(&scene->decision);
    decide(scene->state, &scene->world, command, &scene->decision);
    assert_true(scene->decision.words.text[0] != '\0');
}

static char *print(struct state *state)
{
    char *text = NULL;
    size_t size = 0;
    struct failure why = {.text = ""};
    if (state_print(state, &text, &size, &why) < 0)
        fail_msg("%s", why.text);
    return text;
}

/* What was decided can be written, and read again as the same. */
static void survives_the_file(struct state *state)
{
    struct state *again = NULL;
    struct failure why = {.text = ""};
    char *text = print(state);
    if (state_parse(text, strlen(text), &again, &why) < 0)
        fail_msg("%s", why.text);
    char *text_again = print(again);
    assert_string_equal(text, text_again);
    free(text_again);
    free(text);
    state_free(again);
}

void changes(struct scene *scene, const struct command *command)
{
    decide_again(scene, command);
    struct decision *decision = &scene->decision;
    if (decision->verdict != VERDICT_CHANGE)
        fail_msg("not a change: %s", decision->words.text);
    survives_the_file(decision->next);
    if (!scene->world.undecided)
        assert_int_equal(decision->next->revision, scene->state->revision + 1);
    if (command->dry_run)
        return;
    state_free(scene->state);
    scene->state = decision->next;
    decision->next = NULL;
    scene->world.undecided = false;
}

void changes_nothing(struct scene *scene, const struct command *command)
{
    decide_again(scene, command);
    if (scene->decision.verdict != VERDICT_NOTHING)
        fail_msg("not nothing: %s", scene->decision.words.text);
    assert_null(scene->decision.next);
    assert_int_equal(scene->decision.fence_first_count, 0);
}

static void refused_as(struct scene *scene, const struct command *command, enum exit_status status,
    unsigned force_word, const char *words)
{
    decide_again(scene, command);
    const struct decision *decision = &scene->decision;
    assert_int_equal(decision->verdict, VERDICT_REFUSED);
    assert_null(decision->next);
    assert_int_equal(decision->fence_first_count, 0);
    if (!strstr(decision->words.text, words))
        fail_msg("\"%s\" does not say \"%s\"", decision->words.text, words);
    assert_int_equal(decision->status, status);
    assert_int_equal(decision->force_word, force_word);
    if (force_word)
        assert_non_null(strstr(decision->words.text, force_text(force_word)));
}

void is_refused(
    struct scene *scene, const struct command *command, unsigned force_word, const char *words)
{
    refused_as(scene, command, EXIT_STATUS_REFUSED, force_word, words);
}

void is_wrong_usage(struct scene *scene, const struct command *command, const char *words)
{
    refused_as(scene, command, EXIT_STATUS_USAGE, 0, words);
}

void is_at(const struct scene *scene, const char *group, const char *region)
{
    const struct state_group *entry = state_find_group(scene->state, group);
    assert_non_null(entry);
    assert_string_equal(entry->active, region);
    assert_false(entry->fenced);
}

void is_fenced_at(const struct scene *scene, const char *group, const char *region)
{
    const struct state_group *entry = state_find_group(scene->state, group);
    assert_non_null(entry);
    assert_string_equal(entry->active, region);
    assert_true(entry->fenced);
}

void fences_first(const struct scene *scene, const char *groups)
{
    char text[1024] = "";
    for (size_t i = 0; i < scene->decision.fence_first_count; i++) {
        size_t used = strlen(text);
        snprintf(text + used, sizeof text - used, "%s%s", used ? " " : "",
            scene->decision.fence_first[i]);
    }
    assert_string_equal(text, groups);
}

const struct transition *last_of_history(const struct scene *scene)
{
    assert_true(scene->state->history_count > 0);
    return scene->state->history[scene->state->history_count - 1];
}

void passes(struct scene *scene, uint64_t milliseconds)
{
    scene->world.now.boot_ms += milliseconds;
}
