#include "tests/unit/run_scene.h"

#include <stdio.h>
#include <stdlib.h>

static const char text[] =
    "{\"regions\": [\"eu\", \"us\"], \"aws\": {\"poll_interval\": \"10ms\"}, \"endpoints\": {"
    "\"db\": {\"type\": \"database\", \"group\": \"data\", \"names\": [\"db.x\"],"
    " \"targets\": {\"eu\": \"192.0.2.1:1\", \"us\": \"192.0.2.2:1\"}}},"
    "\"runbooks\": {\"us\": {\"steps\": ["
    "{\"id\": \"fence\", \"step\": \"fence\"},"
    "{\"id\": \"safe\", \"step\": \"approve\", \"needs\": [\"fence\"], \"timeout\": \"300ms\"},"
    "{\"id\": \"final\", \"step\": \"exec\", \"command\": [\"x\"], \"needs\": [\"fence\"]},"
    "{\"id\": \"aws\", \"step\": \"rds.modify\", \"instance\": \"i\", \"class\": \"c\"},"
    "{\"id\": \"switch\", \"step\": \"switch\", \"needs\": [\"safe\", \"final\"]}]}}}";

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
    if (!playing->act_hangs)
        end_with(step, playing->act);
}

static void cancel(struct step *step)
{
    (void)step;
    playing->cancels++;
}

const struct step_kind run_late = {.type = "x", .look = look, .act = act, .cancel = cancel};
const struct step_kind run_prompt = {.type = "x", .look = look, .act = act, .prompt = true};
const struct step_kind run_unrepeatable = {
    .type = "x", .look = look, .act = act, .unrepeatable = true};
const struct step_kind run_careful = {.type = "x", .look = look, .act = act, .confirm = 3};

void run_scene_answer(void *context)
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
        loop_post(&scene->loop, run_scene_answer, said);
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

struct transition_step *run_scene_recorded(struct scene *scene, const char *id)
{
    struct transition_step *step = transition_find_step(scene->state->transition, id);
    return step ? step : transition_add_step(scene->state->transition, id);
}

int run_scene_setup(void **ret)
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

int run_scene_teardown(void **state)
{
    struct scene *scene = *state;
    scene->daemon = EXIT_STATUS_NO_DAEMON;
    if (scene->run)
        run_drop(scene->run);
    for (size_t i = 0; i < scene->said_count; i++) {
        if (!scene->said[i].answered)
            run_scene_answer(&scene->said[i]);
    }
    for (int i = 0; i < 10; i++)
        uv_run(&scene->loop.uv, UV_RUN_NOWAIT);
    loop_fini(&scene->loop);
    state_free(scene->state);
    config_unref(scene->config);
    free(scene);
    return 0;
}

struct run *run_scene_start(
    struct scene *scene, const struct step_kind *kind, const char *id, struct run_gate *gate)
{
    const struct config_step *step = scene->config->runbooks[1].steps;
    while (strcmp(step->id, id) != 0)
        step++;
    struct run_options options = {.loop = &scene->loop,
        .config = scene->config,
        .region = "us",
        .given = step,
        .kind = kind,
        .state = scene->state,
        .gate = gate,
        .owner = {.call = on_call, .reported = on_reported, .context = scene}};
    return run_new(&options);
}

void run_scene_begin(struct scene *scene, const struct step_kind *kind, const char *id,
    const enum step_end *looks, size_t count)
{
    memcpy(scene->looks, looks, count * sizeof *looks);
    scene->look_count = count;
    scene->run = run_scene_start(scene, kind, id, NULL);
}

/* Until it is over, or `ms` have passed. */
void run_scene_turn(struct scene *scene, uint64_t ms)
{
    uint64_t end_ms = clock_boot_ms() + ms;
    while (!scene->over && clock_boot_ms() < end_ms)
        uv_run(&scene->loop.uv, UV_RUN_ONCE);
}

const struct said *run_scene_last(const struct scene *scene)
{
    return &scene->said[scene->said_count - 1];
}
