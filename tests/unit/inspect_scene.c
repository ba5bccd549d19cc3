#include "tests/unit/inspect_scene.h"

#include "base/memory.h"
#include "base/xml.h"

#include <stdlib.h>

/* --- AWS --- */

struct inspect_scene scene;

struct aws_call *aws_start(
    struct aws *aws, struct aws_request *request, unsigned budget_ms, aws_done *done, void *context)
{
    (void)aws;
    assert_true(budget_ms > 0 && budget_ms <= 15000);
    assert_false(request->acts);
    assert_true(scene.call_count < sizeof scene.calls / sizeof *scene.calls);
    struct aws_call *call = &scene.calls[scene.call_count++];
    *call = (struct aws_call){.done = done, .context = context};
    snprintf(call->action, sizeof call->action, "%s", request->action);
    snprintf(call->body, sizeof call->body, "%s", request->body.data ? request->body.data : "");
    text_fini(&request->body);
    return call;
}

void aws_cancel(struct aws_call *call)
{
    if (call)
        call->cancelled = true;
}

static void answer(struct aws_call *call, const struct aws_reply *reply)
{
    assert_false(call->cancelled || call->answered);
    call->answered = true;
    call->done(call->context, reply);
}

struct aws_call *find_call(const char *action)
{
    for (size_t i = 0; i < scene.call_count; i++) {
        if (strcmp(scene.calls[i].action, action) == 0 && !scene.calls[i].answered)
            return &scene.calls[i];
    }
    fail_msg("nobody asked for %s", action);
    return NULL;
}

void answers(const char *action, const char *xml)
{
    cJSON *body = NULL;
    assert_int_equal(xml_parse(xml, strlen(xml), &body, NULL), 0);
    answer(find_call(action), &(struct aws_reply){.result = AWS_ANSWERED, .body = body});
    cJSON_Delete(body);
}

void refuses(const char *action, const char *words)
{
    answer(find_call(action),
        &(struct aws_reply){.result = AWS_REFUSED, .code = "AccessDenied", .words = words});
}

void has_trouble(const char *action)
{
    answer(find_call(action),
        &(struct aws_reply){.result = AWS_TROUBLE, .words = "no answer from AWS"});
}

/* --- types of steps --- */

static void look_done(struct step *step)
{
    step_done(step, "%s is there", step->given->id);
}

static void look_must(struct step *step)
{
    step_must(step, "do %s", step->given->id);
}

static void look_ask(struct step *step)
{
    step_ask(step, "%s", step->given->id);
}

static void tell_fence(struct step *step)
{
    step_tell(step, "fence", NULL);
}

static void on_reply(struct step *step, const struct aws_reply *reply)
{
    scene.looking--;
    if (reply->result == AWS_REFUSED)
        step_fail(step, reply, "not to be had");
    else
        step_wait(step, "on its way from %s", step->from);
}

static void look_call(struct step *step)
{
    struct aws_request request = {.service = &aws_rds, .region = "us-west-2", .action = "Describe"};
    *(char *)step_memory(step, 1) = 1;
    if (++scene.looking > scene.most_looking)
        scene.most_looking = scene.looking;
    step_call(step, &request, on_reply);
}

static void count_cancel(struct step *step)
{
    (void)step;
    scene.cancelled++;
}

static void never(struct step *step)
{
    fail_msg("%s acted", step->given->id);
}

static const struct step_permission permissions[] = {
    {"ecs:UpdateService", "arn:{partition}:ecs:{region}:{account}:service/{cluster}/{service}"},
    {0},
};

static const struct step_kind kinds[] = {
    {.type = "fence", .look = tell_fence, .act = never},
    {.type = "switch", .look = look_must, .act = never},
    {.type = "approve", .look = look_ask},
    {.type = "autoscaling.refresh", .look = look_done, .act = never},
    {.type = "rds.fence_old_primary", .look = look_call, .act = never, .cancel = count_cancel},
    {.type = "ecs.scale", .look = look_call, .permissions = permissions, .cancel = count_cancel},
};
const struct step_kind *const step_kinds[] = {
    &kinds[0], &kinds[1], &kinds[2], &kinds[3], &kinds[4], &kinds[5], NULL};

/* --- the scene --- */

static void on_inspected(void *context, cJSON *found)
{
    (void)context;
    assert_false(scene.is_inspected);
    scene.is_inspected = true;
    scene.result = found;
}

void begin(const char *text, enum step_purpose purpose)
{
    scene.config = sample_config(text);
    struct inspect_options options = {.loop = &scene.loop,
        .aws = scene.without_aws ? NULL : (struct aws *)&scene,
        .config = scene.config,
        .region = "us-west-2",
        .from = "eu-west-1",
        .purpose = purpose,
        .look_ms = scene.look_ms,
        .all_ms = scene.all_ms};
    scene.inspection = inspect_start(&options, on_inspected, NULL);
    assert_false(scene.is_inspected);
    uv_run(&scene.loop.uv, UV_RUN_NOWAIT);
}

void finish(void)
{
    run_until(&scene.loop, is_set, &scene.is_inspected);
}

int scene_setup(void **unused)
{
    (void)unused;
    scene = (struct inspect_scene){.call_count = 0};
    return loop_init(&scene.loop, "test");
}

int scene_teardown(void **unused)
{
    (void)unused;
    cJSON_Delete(scene.result);
    uv_run(&scene.loop.uv, UV_RUN_NOWAIT);
    loop_fini(&scene.loop);
    config_unref(scene.config);
    return 0;
}

const cJSON *step_row(int index)
{
    const cJSON *found = cJSON_GetArrayItem(json_member(scene.result, "steps"), index);
    assert_non_null(found);
    return found;
}

void is_step(int index, const char *id, const char *status, const char *words)
{
    const cJSON *step = step_row(index);
    assert_string_equal(json_text(step, "step"), id);
    assert_string_equal(json_text(step, "status"), status);
    if (!strstr(json_text(step, "words"), words))
        fail_msg("%s: %s", id, json_text(step, "words"));
}

void is_row(const char *check, const char *status, const char *words)
{
    const cJSON *row;
    cJSON_ArrayForEach(row, json_member(scene.result, "rows"))
    {
        if (strcmp(json_text(row, "check"), check) == 0 && strstr(json_text(row, "words"), words)) {
            assert_string_equal(json_text(row, "status"), status);
            assert_true(cJSON_IsNull(json_member(row, "endpoint")));
            assert_string_equal(json_text(row, "region"), "us-west-2");
            assert_non_null(json_member(row, "advice"));
            return;
        }
    }
    char *all = cJSON_Print(scene.result);
    fail_msg("no row \"%s\" %s in %s", check, words, all);
}
