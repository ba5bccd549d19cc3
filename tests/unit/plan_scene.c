#include "tests/unit/plan_scene.h"

#include "base/memory.h"
#include "proxy/gateway/http_fields.h"

#include <stdlib.h>

#define CONFIG_TEXT(more)                                                                          \
    BUCKET_CONFIG_HEAD ", \"s3_endpoints\": {\"eu-west-1\": \"http://" EU_STORE                    \
                       "\", \"us-west-2\": \"http://" US_STORE "\"}" more                          \
                       "}, \"endpoints\": {" BUCKET_ENDPOINTS "}}"

static int set_up(void **state, const char *config, size_t region)
{
    struct plan_scene *scene = memory_new(sizeof *scene);
    assert_int_equal(auth_scene_set_up((void **)&scene->auth), 0);
    scene->config = read_good(config);
    for (size_t i = 0; i < 2; i++)
        scene->endpoints[i] = (struct view_endpoint){
            .config = &scene->config->endpoints[i], .status = VIEW_OPEN, .region = region};
    scene->view = (struct view){.config = scene->config, .endpoints = scene->endpoints};
    scene->planner = (struct planner){.sigv4 = scene->auth->sigv4, .keys = scene->auth->keys};
    *state = scene;
    return 0;
}

int plan_scene_set_up(void **state)
{
    return set_up(state, CONFIG_TEXT(""), EU);
}

int plan_scene_set_up_moved(void **state)
{
    return set_up(state, CONFIG_TEXT(""), US);
}

int plan_scene_set_up_host_signs(void **state)
{
    set_up(state, CONFIG_TEXT(", \"sign_as\": \"host\""), US);
    struct plan_scene *scene = *state;
    scene->planner.host = auth_keys_find(&scene->planner.keys, "ASIAEXAMPLE");
    return 0;
}

int plan_scene_tear_down(void **state)
{
    struct plan_scene *scene = *state;
    plan_fini(&scene->plan);
    auth_scene_tear_down((void **)&scene->auth);
    config_unref(scene->config);
    free(scene);
    return 0;
}

void plan_scene_request(
    struct plan_scene *scene, const char *method, const char *host, const char *target)
{
    auth_scene_request(scene->auth, target);
    scene->auth->request.method = span_of_text(method);
    auth_scene_set(scene->auth, "Host", host);
}

/* `collected`: what the plan gets of a body of `length` bytes. */
static void ask(struct plan_scene *scene, enum http_framing framing, uint64_t length,
    const struct span *collected)
{
    const struct auth_request *from = &scene->auth->request;
    plan_fini(&scene->plan);
    scene->request = (struct http_head){.method = from->method,
        .target = from->target,
        .minor = 1,
        .keep_alive = true,
        .framing = framing,
        .length = length,
        .header_count = from->header_count};
    memcpy(scene->request.headers, from->headers, from->header_count * sizeof *from->headers);
    scene->request.host = http_find(&scene->request, "host")->value;
    struct plan_inputs inputs = {.planner = &scene->planner,
        .view = &scene->view,
        .request = &scene->request,
        .body = collected,
        .is_local = scene->is_local,
        .now_s = SCENE_NOW_S};
    plan_make(&scene->plan, &inputs);
}

void plan_scene_ask(struct plan_scene *scene, const char *body, bool is_collected)
{
    struct span whole = span_of_text(body ? body : "");
    ask(scene, body ? HTTP_FRAMING_LENGTH : HTTP_FRAMING_NONE, whole.size,
        is_collected ? &whole : NULL);
}

void plan_scene_ask_part(struct plan_scene *scene, const char *body, size_t rest)
{
    struct span first = span_of_text(body ? body : "");
    ask(scene, HTTP_FRAMING_LENGTH, first.size + rest, body ? &first : NULL);
}

void plan_scene_expect_refusal(struct plan_scene *scene, unsigned status, const char *code)
{
    assert_int_equal(scene->plan.verdict, PLAN_ANSWER);
    assert_string_equal(scene->plan.answer.code, code);
    assert_int_equal(scene->plan.answer.status, status);
}

struct span plan_scene_sent(const struct plan_scene *scene, const char *name)
{
    assert_int_equal(scene->plan.verdict, PLAN_FORWARD);
    const struct http_header *header = http_find(scene->plan.send, name);
    return header ? header->value : span_of(NULL, 0);
}
