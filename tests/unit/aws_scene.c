#include "tests/unit/aws_scene.h"

#include "base/memory.h"

#include "tests/unit/sample.h"

static const char *const variables[] = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN", "AWS_PROFILE", "AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_RDS",
    "AWS_ENDPOINT_URL_STS", "AWS_EC2_METADATA_DISABLED", "AWS_CONTAINER_CREDENTIALS_FULL_URI"};

int aws_scene_set_up(void **state)
{
    struct aws_scene *scene = memory_new(sizeof *scene);
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        unsetenv(variables[i]);
    setenv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent", 1);
    setenv("AWS_CONFIG_FILE", "/nonexistent", 1);
    setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE", 1);
    setenv("AWS_SECRET_ACCESS_KEY", "very secret", 1);
    assert_int_equal(loop_init(&scene->loop, "test"), 0);
    scene->client = http_client_new(&scene->loop, NULL);
    assert_non_null(scene->client);
    scene->config = sample_config(SAMPLE_CONFIG);
    *state = scene;
    return 0;
}

static void on_freed(void *context)
{
    struct aws_scene *scene = context;
    scene->freed++;
}

int aws_scene_tear_down(void **state)
{
    struct aws_scene *scene = *state;
    aws_free(scene->aws, on_freed, scene);
    while (scene->freed < 1)
        uv_run(&scene->loop.uv, UV_RUN_ONCE);
    http_client_free(scene->client, on_freed, scene);
    while (scene->freed < 2)
        uv_run(&scene->loop.uv, UV_RUN_ONCE);
    loop_fini(&scene->loop);
    if (scene->server)
        played_http_free(scene->server);
    config_unref(scene->config);
    cJSON_Delete(scene->body);
    free(scene);
    return 0;
}

void aws_scene_play(struct aws_scene *scene, const struct played_answer *answers, size_t count)
{
    scene->server = played_http_new(answers, count);
    setenv("AWS_ENDPOINT_URL", scene->server->url, 1);
}

static void copy(char *ret, size_t size, const char *text)
{
    snprintf(ret, size, "%s", text ? text : "");
}

static void on_done(void *context, const struct aws_reply *reply)
{
    struct aws_scene *scene = context;
    scene->done++;
    scene->result = reply->result;
    scene->status = reply->status;
    copy(scene->code, sizeof scene->code, reply->code);
    copy(scene->message, sizeof scene->message, reply->message);
    copy(scene->request_id, sizeof scene->request_id, reply->request_id);
    copy(scene->words, sizeof scene->words, reply->words);
    cJSON_Delete(scene->body);
    scene->body = reply->body ? cJSON_Duplicate(reply->body, true) : NULL;
    assert_true(reply->result == AWS_ANSWERED || reply->words);
    assert_true(reply->result != AWS_REFUSED || reply->code);
}

struct aws_call *aws_scene_start(
    struct aws_scene *scene, struct aws_request request, unsigned budget_ms)
{
    if (!scene->aws)
        scene->aws = aws_new(&scene->loop, scene->client, scene->config, SCENE_REGION);
    unsigned before = scene->done;
    struct aws_call *call = aws_start(scene->aws, &request, budget_ms, on_done, scene);
    assert_int_equal(scene->done, before);
    assert_null(request.body.data);
    return call;
}

void aws_scene_run(struct aws_scene *scene)
{
    unsigned before = scene->done;
    uint64_t end_ms = uv_hrtime() / 1000000 + SAMPLE_DEADLINE_MS;
    while (scene->done == before && uv_hrtime() / 1000000 < end_ms)
        uv_run(&scene->loop.uv, UV_RUN_ONCE);
    assert_true(scene->done > before);
}

void aws_scene_call(struct aws_scene *scene, struct aws_request request, unsigned budget_ms)
{
    aws_scene_start(scene, request, budget_ms);
    aws_scene_run(scene);
}

void aws_scene_wait_asked(struct aws_scene *scene, size_t count)
{
    uint64_t end_ms = uv_hrtime() / 1000000 + SAMPLE_DEADLINE_MS;
    while (played_http_count(scene->server) < count && uv_hrtime() / 1000000 < end_ms)
        uv_run(&scene->loop.uv, UV_RUN_ONCE);
    assert_int_equal(played_http_count(scene->server), count);
}

struct aws_request aws_scene_read(void)
{
    struct aws_request request = {
        .service = &aws_rds, .region = SCENE_REGION, .action = "DescribeDBInstances"};
    aws_form(&request.body, "DBInstanceIdentifier", "orders-standby");
    return request;
}

struct aws_request aws_scene_act(void)
{
    struct aws_request request = {
        .service = &aws_rds, .region = SCENE_REGION, .action = "PromoteReadReplica", .acts = true};
    aws_form(&request.body, "DBInstanceIdentifier", "orders-standby");
    return request;
}
