#include "tests/unit/auth_scene.h"

#include "base/memory.h"

#include <stdlib.h>

static const char *const regions[] = {"eu-west-1", "us-west-2"};

int auth_scene_set_up(void **state)
{
    struct auth_scene *scene = memory_new(sizeof *scene);
    assert_int_equal(sigv4_init(&scene->sigv4), 0);
    auth_keys_add(&scene->keys, auth_key_new("AKIDEXAMPLE", SCENE_SECRET, NULL, 0));
    auth_keys_add(
        &scene->keys, auth_key_new("ASIAEXAMPLE", SCENE_SECRET, "token", SCENE_NOW_S + 3600));
    scene->rules = (struct auth_rules){.sigv4 = &scene->sigv4,
        .keys = &scene->keys,
        .regions = regions,
        .region_count = 2,
        .now_s = SCENE_NOW_S};
    scene->access_key_id = "AKIDEXAMPLE";
    scene->secret = SCENE_SECRET;
    scene->time = SCENE_TIME;
    scene->region = "eu-west-1";
    scene->service = "s3";
    auth_scene_request(scene, "/key");
    *state = scene;
    return 0;
}

int auth_scene_tear_down(void **state)
{
    struct auth_scene *scene = *state;
    auth_keys_fini(&scene->keys);
    sigv4_fini(&scene->sigv4);
    text_fini(&scene->target);
    text_fini(&scene->authorization);
    free(scene);
    return 0;
}

static void set_target(struct auth_scene *scene)
{
    scene->request.target = span_of(scene->target.data, scene->target.size);
}

void auth_scene_request(struct auth_scene *scene, const char *target)
{
    text_fini(&scene->target);
    text_put(&scene->target, target);
    set_target(scene);
    scene->request.method = span_of_text("GET");
    scene->request.headers = scene->headers;
    scene->request.header_count = 0;
    auth_scene_add(scene, "Host", "shop-assets.s3.eu-west-1.amazonaws.com");
    auth_scene_add(scene, "x-amz-date", scene->time);
    auth_scene_add(scene, "x-amz-content-sha256", SIGV4_EMPTY_SHA256);
}

void auth_scene_add(struct auth_scene *scene, const char *name, const char *value)
{
    assert_true(scene->request.header_count < SCENE_HEADERS_MOST);
    scene->headers[scene->request.header_count++] =
        (struct http_header){span_of_text(name), span_of_text(value)};
}

void auth_scene_set(struct auth_scene *scene, const char *name, const char *value)
{
    size_t kept = 0;
    for (size_t i = 0; i < scene->request.header_count; i++) {
        if (!http_header_is(&scene->headers[i], span_of_text(name)))
            scene->headers[kept++] = scene->headers[i];
    }
    scene->request.header_count = kept;
    if (value)
        auth_scene_add(scene, name, value);
}

static void prepare(struct auth_scene *scene, struct sigv4_key *key)
{
    struct sigv4_scope scope = {.date = span_of(scene->time, SIGV4_DATE_SIZE - 1),
        .region = span_of_text(scene->region),
        .service = span_of_text(scene->service)};
    assert_int_equal(sigv4_key_prepare(&scene->sigv4, key, scene->secret, &scope), 0);
}

static struct sigv4_request to_sign(
    struct auth_scene *scene, const char *signed_headers, char chosen[SIGV4_SIGNED_HEADERS_SIZE])
{
    const struct auth_request *from = &scene->request;
    const char *question = strchr(scene->target.data, '?');
    const struct http_header *payload =
        http_header_find(from->headers, from->header_count, "x-amz-content-sha256");
    assert_int_equal(sigv4_choose_headers(from->headers, from->header_count, chosen), 0);
    struct sigv4_request request = {.method = from->method,
        .path = from->target,
        .headers = from->headers,
        .header_count = from->header_count,
        .signed_headers = span_of_text(signed_headers ? signed_headers : chosen),
        .payload = payload ? payload->value : span_of_text(SIGV4_UNSIGNED_PAYLOAD)};
    if (question) {
        request.path.size = (size_t)(question - scene->target.data);
        request.query = span_of_text(question + 1);
    }
    return request;
}

void auth_scene_sign(struct auth_scene *scene, const char *signed_headers)
{
    struct sigv4_key key = {0};
    char chosen[SIGV4_SIGNED_HEADERS_SIZE];
    auth_scene_set(scene, "Authorization", NULL);
    if (scene->token)
        auth_scene_set(scene, "x-amz-security-token", scene->token);
    struct sigv4_request request = to_sign(scene, signed_headers, chosen);
    prepare(scene, &key);
    text_fini(&scene->authorization);
    assert_int_equal(sigv4_authorize(&scene->sigv4, &key, scene->access_key_id, &request,
                         scene->time, &scene->authorization),
        0);
    sigv4_key_fini(&key);
    auth_scene_add(scene, "Authorization", scene->authorization.data);
}

void auth_scene_presign(struct auth_scene *scene, unsigned expires_s)
{
    struct sigv4_key key = {0};
    char chosen[SIGV4_SIGNED_HEADERS_SIZE];
    auth_scene_set(scene, "x-amz-date", NULL);
    struct sigv4_request request = to_sign(scene, NULL, chosen);
    struct sigv4_presigned presigned = {scene->access_key_id, scene->token, expires_s, scene->time};
    struct text query = {0};
    prepare(scene, &key);
    assert_int_equal(sigv4_presign(&scene->sigv4, &key, &request, &presigned, &query), 0);
    sigv4_key_fini(&key);
    scene->target.size = request.path.size;
    text_put(&scene->target, "?");
    text_put(&scene->target, query.data);
    text_fini(&query);
    set_target(scene);
}

static bool replace(struct text *text, const char *from, const char *to)
{
    char *at = text->data ? strstr(text->data, from) : NULL;
    if (!at)
        return false;
    char *changed =
        memory_format("%.*s%s%s", (int)(at - text->data), text->data, to, at + strlen(from));
    text_fini(text);
    text_put(text, changed);
    free(changed);
    return true;
}

void auth_scene_tamper(struct auth_scene *scene, const char *from, const char *to)
{
    if (replace(&scene->authorization, from, to)) {
        auth_scene_set(scene, "Authorization", scene->authorization.data);
        return;
    }
    assert_true(replace(&scene->target, from, to));
    set_target(scene);
}

void auth_scene_expect(struct auth_scene *scene, const struct auth_refusal *refusal)
{
    auth_verify(&scene->rules, &scene->request, &scene->auth);
    assert_int_equal(scene->auth.verdict, AUTH_REFUSED);
    assert_string_equal(scene->auth.refusal->message, refusal->message);
    assert_ptr_equal(scene->auth.refusal, refusal);
    assert_null(scene->auth.key);
}

void auth_scene_expect_verified(struct auth_scene *scene)
{
    auth_verify(&scene->rules, &scene->request, &scene->auth);
    if (scene->auth.refusal)
        print_message("%s: %s\n", scene->auth.refusal->code, scene->auth.refusal->message);
    assert_int_equal(scene->auth.verdict, AUTH_VERIFIED);
    assert_string_equal(scene->auth.key->access_key_id, scene->access_key_id);
    assert_string_equal(scene->auth.region, scene->region);
    assert_string_equal(scene->auth.time, scene->time);
}

void auth_scene_expect_anonymous(struct auth_scene *scene)
{
    auth_verify(&scene->rules, &scene->request, &scene->auth);
    assert_int_equal(scene->auth.verdict, AUTH_ANONYMOUS);
    assert_null(scene->auth.key);
}
