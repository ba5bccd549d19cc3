/* One step carried out: a kind that says what the test wants, a daemon that the test plays. */
#include "failover/aws/run.h"

#include "base/json.h"
#include "base/memory.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

#define MOST 64

static const char text[] =
    "{\"regions\": [\"eu\", \"us\"], \"aws\": {\"poll_interval\": \"10ms\"}, \"endpoints\": {"
    "\"db\": {\"type\": \"database\", \"group\": \"data\", \"names\": [\"db.x\"],"
    " \"targets\": {\"eu\": \"192.0.2.1:1\", \"us\": \"192.0.2.2:1\"}}},"
    "\"runbooks\": {\"us\": {\"steps\": ["
    "{\"id\": \"fence\", \"step\": \"fence\"},"
    "{\"id\": \"safe\", \"step\": \"approve\", \"needs\": [\"fence\"], \"timeout\": \"300ms\"},"
    "{\"id\": \"final\", \"step\": \"exec\", \"command\": [\"x\"], \"needs\": [\"fence\"]},"
    "{\"id\": \"switch\", \"step\": \"switch\", \"needs\": [\"safe\", \"final\"]}]}}}";

struct said {
    char method[16], status[24], detail[256];
    uint64_t attempt;
    bool irreversible;
    run_replied *replied;
    void *context;
    bool answered;
};

struct scene {
    struct loop loop;
    struct config *config;
    struct state *state;
    struct run *run;
    struct said said[MOST]; /* to the daemon */
    size_t said_count;
    int daemon; /* its exit status for what is asked now; -1: it keeps silent */
    bool over;
    enum step_end looks[MOST]; /* the last one for ever */
    size_t look, look_count;
    enum step_end act;
    unsigned acts, cancels;
    bool hangs; /* a look does not end */
};

/* Kinds are constant: they find their scene here. */
static struct scene *playing;

static void end_with(struct step *step, enum step_end end)
{
    step->host->end(step->host, step, end, "these words", NULL);
}

static void look(struct step *step)
{
    size_t at = playing->look < playing->look_count ? playing->look : playing->look_count - 1;
    playing->look++;
    if (!playing->hangs)
        end_with(step, playing->looks[at]);
}

static void act(struct step *step)
{
    assert_true(step->acted);
    playing->acts++;
    end_with(step, playing->act);
}

static void cancel(struct step *step)
{
    (void)step;
    playing->cancels++;
}

static const struct step_kind late = {.type = "x", .look = look, .act = act, .cancel = cancel};
static const struct step_kind prompt = {.type = "x", .look = look, .act = act, .prompt = true};
static const struct step_kind unrepeatable = {
    .type = "x", .look = look, .act = act, .unrepeatable = true};
static const struct step_kind careful = {.type = "x", .look = look, .act = act, .confirm = 3};

static void answer(void *context)
{
    struct said *said = context;
    cJSON *result = cJSON_CreateObject();
    cJSON_AddNumberToObject(result, "revision", 7);
    int status = said->answered ? playing->daemon : EXIT_STATUS_NO_DAEMON;
    said->answered = true;
    said->replied(said->context, status, "no disk", result);
    cJSON_Delete(result);
}

static void on_call(
    void *context, const char *method, cJSON *params, run_replied *replied, void *reply_context)
{
    struct scene *scene = context;
    struct said *said = &scene->said[scene->said_count++];
    assert_true(scene->said_count < MOST);
    *said = (struct said){.replied = replied, .context = reply_context};
    const char *status = json_text(params, "status"), *detail = json_text(params, "detail");
    assert_string_equal(json_text(params, "transition"), "t-1");
    snprintf(said->method, sizeof said->method, "%s", method);
    snprintf(said->status, sizeof said->status, "%s", status ? status : "");
    snprintf(said->detail, sizeof said->detail, "%s", detail ? detail : "");
    json_integer(params, "attempt", &said->attempt);
    said->irreversible = json_bool(params, "irreversible", false);
    cJSON_Delete(params);
    said->answered = scene->daemon >= 0;
    if (said->answered)
        loop_post(&scene->loop, answer, said);
}

static void on_reported(void *context, struct run *run, uint64_t revision, bool over)
{
    struct scene *scene = context;
    assert_int_equal(revision, 7);
    scene->over |= over;
    if (!over)
        return;
    run_drop(run);
    scene->run = NULL;
}

static struct transition_step *recorded(struct scene *scene, const char *id)
{
    struct transition_step *step = transition_find_step(scene->state->transition, id);
    return step ? step : transition_add_step(scene->state->transition, id);
}

static int setup(void **ret)
{
    struct scene *scene = playing = memory_new(sizeof *scene);
    struct config_errors errors;
    if (config_parse("run.json", text, strlen(text), &scene->config, &errors) < 0)
        fail_msg("%s", errors.lines[0]);
    loop_init(&scene->loop, "test");
    scene->state = state_at_home(scene->config);
    struct transition *transition = scene->state->transition = memory_new(sizeof *transition);
    snprintf(transition->id, sizeof transition->id, "t-1");
    state_set_id(transition->to, "us");
    transition->by = memory_text("test");
    transition->reason = memory_text("");
    transition->groups = memory_new_array(1, sizeof *transition->groups);
    transition->group_count = 1;
    state_set_id(transition->groups[0].id, "data");
    state_set_id(transition->groups[0].from, "eu");
    scene->act = STEP_END_ACTED;
    *ret = scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    scene->daemon = EXIT_STATUS_NO_DAEMON;
    if (scene->run)
        run_drop(scene->run);
    for (size_t i = 0; i < scene->said_count; i++) {
        if (!scene->said[i].answered)
            answer(&scene->said[i]);
    }
    for (int i = 0; i < 10; i++)
        uv_run(&scene->loop.uv, UV_RUN_NOWAIT);
    loop_fini(&scene->loop);
    state_free(scene->state);
    config_unref(scene->config);
    free(scene);
    return 0;
}

#define BEGIN(scene, kind, id, ...)                                                                \
    do {                                                                                           \
        const enum step_end list[] = {__VA_ARGS__};                                                \
        begin((scene), (kind), (id), list, sizeof list / sizeof *list);                            \
    } while (0)

static void begin(struct scene *scene, const struct step_kind *kind, const char *id,
    const enum step_end *looks, size_t count)
{
    const struct config_step *step = scene->config->runbooks[1].steps;
    while (strcmp(step->id, id) != 0)
        step++;
    memcpy(scene->looks, looks, count * sizeof *looks);
    scene->look_count = count;
    struct run_options options = {.loop = &scene->loop,
        .config = scene->config,
        .region = "us",
        .given = step,
        .kind = kind,
        .state = scene->state,
        .owner = {.call = on_call, .reported = on_reported, .context = scene}};
    scene->run = run_new(&options);
}

/* Until it is over, or `ms` have passed. */
static void turn(struct scene *scene, uint64_t ms)
{
    uint64_t end_ms = clock_boot_ms() + ms;
    while (!scene->over && clock_boot_ms() < end_ms)
        uv_run(&scene->loop.uv, UV_RUN_ONCE);
}

static const struct said *last(const struct scene *scene)
{
    return &scene->said[scene->said_count - 1];
}

static void what_is_so_already_is_done_without_an_act(void **state)
{
    struct scene *scene = *state;
    BEGIN(scene, &late, "safe", STEP_END_DONE);
    turn(scene, 5000);
    assert_true(scene->over);
    assert_int_equal(scene->acts, 0);
    assert_int_equal(scene->said_count, 1);
    assert_string_equal(last(scene)->status, "done");
    assert_int_equal(last(scene)->attempt, 1);
}

static void the_intent_is_in_the_record_before_the_act(void **state)
{
    struct scene *scene = *state;
    scene->daemon = -1;
    BEGIN(scene, &late, "final", STEP_END_MUST, STEP_END_DONE);
    turn(scene, 50);
    assert_int_equal(scene->said_count, 1);
    assert_string_equal(scene->said[0].method, "step");
    assert_string_equal(scene->said[0].status, "running");
    assert_true(scene->said[0].irreversible);
    assert_int_equal(scene->acts, 0);

    scene->daemon = 0;
    scene->said[0].answered = true;
    answer(&scene->said[0]);
    assert_int_equal(scene->acts, 1);
    turn(scene, 5000);
    assert_string_equal(last(scene)->status, "done");
}

static void without_a_written_intent_nothing_is_done(void **state)
{
    struct scene *scene = *state;
    scene->daemon = EXIT_STATUS_FAILED;
    BEGIN(scene, &prompt, "final", STEP_END_MUST);
    turn(scene, 200);
    assert_int_equal(scene->acts, 0);
    assert_true(scene->said_count >= 1);
}

static void a_second_act_waits_until_looks_in_a_row_ask_for_it(void **state)
{
    struct scene *scene = *state;
    BEGIN(scene, &late, "safe", STEP_END_MUST, STEP_END_MUST, STEP_END_MUST, STEP_END_WAIT,
        STEP_END_MUST, STEP_END_MUST, STEP_END_MUST, STEP_END_DONE);
    turn(scene, 5000);
    assert_true(scene->over);
    assert_int_equal(scene->acts, 2);
    assert_int_equal(scene->look, 8);
}

static void what_another_sidecar_began_may_have_acted(void **state)
{
    struct scene *scene = *state;
    struct transition_step *step = recorded(scene, "safe");
    step->status = STEP_RUNNING;
    step->attempt = 4;
    BEGIN(scene, &late, "safe", STEP_END_MUST, STEP_END_MUST, STEP_END_DONE);
    turn(scene, 5000);
    assert_int_equal(scene->acts, 0);
    assert_int_equal(last(scene)->attempt, 4);
}

static void where_looks_are_never_late_an_act_is_repeated_at_once(void **state)
{
    struct scene *scene = *state;
    recorded(scene, "final")->status = STEP_RUNNING;
    BEGIN(scene, &prompt, "final", STEP_END_MUST, STEP_END_DONE);
    turn(scene, 5000);
    assert_int_equal(scene->acts, 1);
}

static void what_cannot_be_repeated_is_left_to_a_person(void **state)
{
    struct scene *scene = *state;
    recorded(scene, "final")->status = STEP_RUNNING;
    BEGIN(scene, &unrepeatable, "final", STEP_END_MUST);
    turn(scene, 5000);
    assert_int_equal(scene->acts, 0);
    assert_string_equal(last(scene)->status, "unknown");
    assert_non_null(strstr(last(scene)->detail, "nobody knows"));
}

static void a_goal_that_flickers_is_looked_at_again(void **state)
{
    struct scene *scene = *state;
    BEGIN(scene, &careful, "safe", STEP_END_DONE, STEP_END_DONE, STEP_END_WAIT, STEP_END_DONE);
    turn(scene, 5000);
    assert_true(scene->over);
    assert_int_equal(scene->look, 6);
}

static void a_retried_step_is_another_attempt(void **state)
{
    struct scene *scene = *state;
    recorded(scene, "safe")->attempt = 2;
    BEGIN(scene, &late, "safe", STEP_END_DONE);
    turn(scene, 5000);
    assert_int_equal(last(scene)->attempt, 3);
}

static void what_takes_too_long_has_failed(void **state)
{
    struct scene *scene = *state;
    BEGIN(scene, &late, "safe", STEP_END_WAIT);
    turn(scene, 5000);
    assert_string_equal(last(scene)->status, "failed");
    assert_string_equal(last(scene)->detail, "timed out after 300ms: these words");
}

static void the_time_that_a_dead_sidecar_took_counts(void **state)
{
    struct scene *scene = *state;
    struct transition_step *step = recorded(scene, "safe");
    step->status = STEP_RUNNING;
    step->started = clock_now();
    step->started.boot_ms -= 1000;
    BEGIN(scene, &late, "safe", STEP_END_WAIT);
    turn(scene, 100);
    assert_true(scene->over);
}

static void a_look_that_hangs_is_cut_short(void **state)
{
    struct scene *scene = *state;
    scene->hangs = true;
    BEGIN(scene, &late, "safe", STEP_END_WAIT);
    turn(scene, 5000);
    assert_true(scene->over);
    assert_int_equal(scene->cancels, 1);
}

static void words_are_written_once_while_they_stay_the_same(void **state)
{
    struct scene *scene = *state;
    BEGIN(scene, &late, "safe", STEP_END_WAIT);
    turn(scene, 200);
    assert_true(scene->look > 3);
    assert_int_equal(scene->said_count, 1);
    assert_string_equal(last(scene)->status, "running");
}

static void what_only_waited_has_not_begun_what_cannot_be_undone(void **state)
{
    struct scene *scene = *state;
    BEGIN(scene, &late, "final", STEP_END_WAIT);
    turn(scene, 100);
    assert_string_equal(last(scene)->status, "waiting");
    assert_int_equal(last(scene)->attempt, 0);
}

static void the_end_is_said_until_the_daemon_has_it(void **state)
{
    struct scene *scene = *state;
    scene->daemon = EXIT_STATUS_NO_DAEMON;
    BEGIN(scene, &late, "safe", STEP_END_FAIL);
    turn(scene, 50);
    assert_false(scene->over);
    scene->daemon = 0;
    turn(scene, 5000);
    assert_true(scene->over);
    assert_string_equal(last(scene)->status, "failed");
    assert_int_equal(scene->look, 1);
}

static void in_a_transition_that_has_stopped_nothing_new_is_done_or_said(void **state)
{
    struct scene *scene = *state;
    recorded(scene, "final")->status = STEP_RUNNING;
    scene->state->transition->error = memory_text("step safe: failed");
    BEGIN(scene, &prompt, "final", STEP_END_MUST, STEP_END_MUST, STEP_END_MUST, STEP_END_DONE);
    turn(scene, 5000);
    assert_int_equal(scene->acts, 0);
    assert_int_equal(scene->said_count, 1);
    assert_string_equal(last(scene)->status, "done");
}

static void a_record_that_says_otherwise_ends_the_run(void **state)
{
    struct scene *scene = *state;
    BEGIN(scene, &late, "safe", STEP_END_WAIT);
    turn(scene, 50);
    recorded(scene, "safe")->status = STEP_RUNNING;
    recorded(scene, "safe")->attempt = 1;
    assert_true(run_follow(scene->run, scene->state));
    recorded(scene, "safe")->attempt = 2;
    assert_false(run_follow(scene->run, scene->state));
    recorded(scene, "safe")->attempt = 1;
    recorded(scene, "safe")->status = STEP_SKIPPED;
    assert_false(run_follow(scene->run, scene->state));
    recorded(scene, "safe")->status = STEP_WAITING; /* retried */
    assert_false(run_follow(scene->run, scene->state));
}

static void a_person_is_asked_once(void **state)
{
    struct scene *scene = *state;
    BEGIN(scene, &prompt, "final", STEP_END_ASK);
    turn(scene, 100);
    assert_int_equal(scene->said_count, 1);
    assert_string_equal(last(scene)->status, "needs_approval");
    assert_int_equal(scene->look, 1);
}

#define unit(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit(what_is_so_already_is_done_without_an_act),
        unit(the_intent_is_in_the_record_before_the_act),
        unit(without_a_written_intent_nothing_is_done),
        unit(a_second_act_waits_until_looks_in_a_row_ask_for_it),
        unit(what_another_sidecar_began_may_have_acted),
        unit(where_looks_are_never_late_an_act_is_repeated_at_once),
        unit(what_cannot_be_repeated_is_left_to_a_person),
        unit(a_goal_that_flickers_is_looked_at_again),
        unit(a_retried_step_is_another_attempt),
        unit(what_takes_too_long_has_failed),
        unit(the_time_that_a_dead_sidecar_took_counts),
        unit(a_look_that_hangs_is_cut_short),
        unit(words_are_written_once_while_they_stay_the_same),
        unit(what_only_waited_has_not_begun_what_cannot_be_undone),
        unit(the_end_is_said_until_the_daemon_has_it),
        unit(in_a_transition_that_has_stopped_nothing_new_is_done_or_said),
        unit(a_record_that_says_otherwise_ends_the_run),
        unit(a_person_is_asked_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
