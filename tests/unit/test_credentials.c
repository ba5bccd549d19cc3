/* Credentials fetched, refreshed and lost, with servers that the test plays. */
#include "base/credentials.h"

#include "base/memory.h"
#include "base/sigv4.h"

#include "tests/unit/credentials_scene.h"
#include "tests/unit/played_http.h"

#include <stdio.h>
#include <stdlib.h>

#define DEADLINE_MS 20000
#define JSON(id, expiration)                                                                       \
    "{\"Code\":\"Success\",\"AccessKeyId\":\"" id "\",\"SecretAccessKey\":\"secret\","             \
    "\"Token\":\"token\",\"Expiration\":\"" expiration "\"}"
#define XML(id)                                                                                    \
    "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>" id "</AccessKeyId>"         \
    "<SecretAccessKey>secret of " id "</SecretAccessKey><SessionToken>token-of-" id                \
    "</SessionToken><Expiration>2026-11-23T13:00:00Z</Expiration></Credentials>"                   \
    "</AssumeRoleResult></AssumeRoleResponse>"

struct scene {
    struct credentials_scene world;
    struct loop loop;
    struct http_client *client;
    struct credentials *credentials;
    struct played_http *server;
    unsigned told, freed;
    char id[64], why[512];
};

static int set_up(void **state)
{
    struct scene *scene = memory_new(sizeof *scene);
    credentials_scene_init(&scene->world);
    assert_int_equal(loop_init(&scene->loop, "test"), 0);
    scene->client = http_client_new(&scene->loop, NULL);
    *state = scene;
    return 0;
}

static void on_freed(void *context)
{
    struct scene *scene = context;
    scene->freed++;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    credentials_free(scene->credentials, on_freed, scene);
    http_client_free(scene->client, on_freed, scene);
    while (scene->freed < 2)
        uv_run(&scene->loop.uv, UV_RUN_ONCE);
    loop_fini(&scene->loop);
    if (scene->server)
        played_http_free(scene->server);
    credentials_scene_fini(&scene->world);
    free(scene);
    return 0;
}

static void on_changed(void *context, const struct credential *credential, const char *why)
{
    struct scene *scene = context;
    scene->told++;
    snprintf(scene->id, sizeof scene->id, "%s", credential ? credential->access_key_id : "none");
    snprintf(scene->why, sizeof scene->why, "%s", why);
}

static void set(struct scene *scene, const char *name, const char *value)
{
    credentials_scene_set(&scene->world, name, value);
}

static void play(struct scene *scene, const struct played_answer *answers, size_t count)
{
    scene->server = played_http_new(answers, count);
}

static void start(struct scene *scene)
{
    scene->world.options.client = scene->client;
    scene->world.options.changed = on_changed;
    scene->world.options.context = scene;
    scene->credentials = credentials_new(&scene->loop, &scene->world.options);
    assert_int_equal(scene->told, 0);
}

/* Until it was told `times` times. */
static void wait_told(struct scene *scene, unsigned times, const char *id)
{
    uint64_t end_ms = uv_hrtime() / 1000000 + DEADLINE_MS;
    while (scene->told < times && uv_hrtime() / 1000000 < end_ms)
        uv_run(&scene->loop.uv, UV_RUN_ONCE);
    if (strcmp(scene->id, id) != 0)
        print_message("%s\n", scene->why);
    assert_int_equal(scene->told, times);
    assert_string_equal(scene->id, id);
}

static void keys_of_the_configuration_ask_nobody(void **state)
{
    struct scene *scene = *state;
    struct credential configured = {.access_key_id = (char *)"OURS", .secret = (char *)"s"};
    scene->world.options.configured = &configured;
    start(scene);
    assert_null(credentials_current(scene->credentials));
    wait_told(scene, 1, "OURS");
    assert_string_equal(credentials_current(scene->credentials)->secret, "s");
    assert_string_equal(credentials_source(scene->credentials), "the configuration");
    assert_string_equal(credentials_problem(scene->credentials), "");
}

static void an_instances_role_is_asked_for_with_a_token(void **state)
{
    static const struct played_answer answers[] = {{"200 OK", NULL, "AQAEA=="},
        {"200 OK", NULL, "shop-host\n"}, {"200 OK", NULL, JSON("ASIA1", "2026-11-23T18:00:00Z")}};
    struct scene *scene = *state;
    play(scene, answers, 3);
    set(scene, "AWS_EC2_METADATA_SERVICE_ENDPOINT", scene->server->url);
    start(scene);
    wait_told(scene, 1, "ASIA1");
    const struct credential *current = credentials_current(scene->credentials);
    assert_string_equal(current->session_token, "token");
    assert_int_equal(current->expires_s, SCENE_NOW_S + 6 * 3600);
    const char *first = played_http_asked(scene->server, 0);
    assert_memory_equal(first, "PUT /latest/api/token HTTP/1.1\r\n", 32);
    assert_non_null(strstr(first, "X-aws-ec2-metadata-token-ttl-seconds: 21600\r\n"));
    const char *last = played_http_asked(scene->server, 2);
    assert_non_null(strstr(last, "GET /latest/meta-data/iam/security-credentials/shop-host HTTP"));
    assert_non_null(strstr(last, "X-aws-ec2-metadata-token: AQAEA==\r\n"));
}

static void an_instance_without_a_role_is_said_to_have_none(void **state)
{
    static const struct played_answer answers[] = {
        {"200 OK", NULL, "AQAEA=="}, {"404 Not Found", NULL, "<html>"}};
    struct scene *scene = *state;
    play(scene, answers, 2);
    set(scene, "AWS_EC2_METADATA_SERVICE_ENDPOINT", scene->server->url);
    start(scene);
    wait_told(scene, 1, "none");
    assert_string_equal(scene->why, "instance metadata: the instance has no role");
}

static void a_role_name_that_is_none_is_not_asked_for(void **state)
{
    static const struct played_answer answers[] = {{"200 OK", NULL, "AQAEA=="},
        {"200 OK", NULL, "../secret"}, {"200 OK", NULL, "AQAEA=="}, {"200 OK", NULL, "a b"}};
    struct scene *scene = *state;
    play(scene, answers, 4);
    set(scene, "AWS_EC2_METADATA_SERVICE_ENDPOINT", scene->server->url);
    start(scene);
    wait_told(scene, 1, "none");
    assert_string_equal(scene->why, "instance metadata: the role's name is none");
    while (played_http_count(scene->server) < 4)
        uv_run(&scene->loop.uv, UV_RUN_ONCE);
    assert_int_equal(scene->told, 1);
}

static void a_containers_token_is_read_from_its_file(void **state)
{
    static const struct played_answer answer = {
        "200 OK", NULL, JSON("ASIA2", "2026-11-23T18:00:00Z")};
    struct scene *scene = *state;
    char *path = credentials_scene_write(&scene->world, "token", "the token\n");
    play(scene, &answer, 1);
    char *url = memory_format("%s/v1/credentials", scene->server->url);
    set(scene, "AWS_CONTAINER_CREDENTIALS_FULL_URI", url);
    set(scene, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "not this one");
    set(scene, "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", path);
    start(scene);
    wait_told(scene, 1, "ASIA2");
    const char *asked = played_http_asked(scene->server, 0);
    assert_memory_equal(asked, "GET /v1/credentials HTTP/1.1\r\n", 30);
    assert_non_null(strstr(asked, "Authorization: the token\r\n"));
    free(path);
    free(url);
}

static void a_token_of_two_lines_is_not_sent(void **state)
{
    struct scene *scene = *state;
    set(scene, "AWS_CONTAINER_CREDENTIALS_FULL_URI", "http://127.0.0.1:1/");
    set(scene, "AWS_CONTAINER_AUTHORIZATION_TOKEN", "a\r\nHost: b");
    start(scene);
    wait_told(scene, 1, "none");
    assert_non_null(strstr(scene->why, "is not one line"));
}

static void a_web_identity_is_sent_to_sts_unsigned(void **state)
{
    static const struct played_answer answer = {"200 OK", NULL, XML("ASIA3")};
    struct scene *scene = *state;
    char *path = credentials_scene_write(&scene->world, "token", "eyJ+/=\n");
    play(scene, &answer, 1);
    set(scene, "AWS_ENDPOINT_URL_STS", scene->server->url);
    set(scene, "AWS_WEB_IDENTITY_TOKEN_FILE", path);
    set(scene, "AWS_ROLE_ARN", "arn:aws:iam::1:role/a");
    start(scene);
    wait_told(scene, 1, "ASIA3");
    const char *asked = played_http_asked(scene->server, 0);
    assert_null(strstr(asked, "Authorization:"));
    assert_non_null(strstr(asked, "\r\n\r\nAction=AssumeRoleWithWebIdentity&Version=2011-06-15"
                                  "&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fa"
                                  "&RoleSessionName=pilotlight-1795435200"
                                  "&WebIdentityToken=eyJ%2B%2F%3D"));
    free(path);
}

static void find_line(const char *head, const char *name, struct span *ret_value)
{
    const char *line = strcasestr(head, name);
    assert_non_null(line);
    const char *value = line + strlen(name);
    *ret_value = span_of(value, strcspn(value, "\r"));
}

/* Signs what the server was asked as the client should have, and finds that signature in it. */
static void check_signature(const char *asked, const char *secret, bool has_token)
{
    static const char *const names[] = {
        "\r\nContent-Type: ", "\r\nHost: ", "\r\nX-Amz-Date: ", "\r\nX-Amz-Security-Token: "};
    static const char *const plain[] = {
        "content-type", "host", "x-amz-date", "x-amz-security-token"};
    struct http_header headers[4];
    char hash[SIGV4_HASH_SIZE], signature[SIGV4_SIGNATURE_SIZE];
    for (size_t i = 0; i < (has_token ? 4 : 3); i++) {
        headers[i].name = span_of_text(plain[i]);
        find_line(asked, names[i], &headers[i].value);
    }
    struct sigv4 sigv4;
    struct sigv4_key key = {0};
    struct sigv4_scope scope = {
        span_of_text("20261123"), span_of_text("us-west-2"), span_of_text("sts")};
    assert_int_equal(sigv4_init(&sigv4), 0);
    assert_int_equal(sigv4_key_prepare(&sigv4, &key, secret, &scope), 0);
    assert_int_equal(sigv4_hash(&sigv4, span_of_text(strstr(asked, "\r\n\r\n") + 4), hash), 0);
    struct sigv4_request request = {.method = span_of_text("POST"),
        .path = span_of_text("/"),
        .headers = headers,
        .header_count = has_token ? 4 : 3,
        .signed_headers = span_of_text(has_token ? "content-type;host;x-amz-date;"
                                                   "x-amz-security-token"
                                                 : "content-type;host;x-amz-date"),
        .payload = span_of_text(hash),
        .style = SIGV4_SERVICE};
    assert_int_equal(sigv4_sign(&sigv4, &key, &request, "20261123T120000Z", signature), 0);
    assert_non_null(strstr(asked, signature));
    sigv4_key_fini(&key);
    sigv4_fini(&sigv4);
}

static void roles_are_assumed_one_by_the_other(void **state)
{
    static const struct played_answer answers[] = {
        {"200 OK", NULL, XML("FIRST")}, {"200 OK", NULL, XML("SECOND")}};
    struct scene *scene = *state;
    play(scene, answers, 2);
    free(credentials_scene_write(&scene->world, "config",
        "[profile a]\nrole_arn = arn:a\nsource_profile = b\nexternal_id = x y\n"
        "[profile b]\nrole_arn = arn:b\nsource_profile = b\naws_access_key_id = AKIA\n"
        "aws_secret_access_key = secret\n"));
    set(scene, "AWS_PROFILE", "a");
    set(scene, "AWS_ENDPOINT_URL", scene->server->url);
    scene->world.options.region = "us-west-2";
    start(scene);
    wait_told(scene, 1, "SECOND");
    const char *first = played_http_asked(scene->server, 0);
    const char *second = played_http_asked(scene->server, 1);
    assert_non_null(strstr(first, "RoleArn=arn%3Ab&"));
    assert_non_null(strstr(first, "Credential=AKIA/20261123/us-west-2/sts/aws4_request, "));
    check_signature(first, "secret", false);
    assert_non_null(strstr(second, "RoleArn=arn%3Aa&"));
    assert_non_null(strstr(second, "&ExternalId=x%20y"));
    assert_non_null(strstr(second, "X-Amz-Security-Token: token-of-FIRST\r\n"));
    check_signature(second, "secret of FIRST", true);
}

static void what_sts_refuses_is_said_in_its_words(void **state)
{
    static const struct played_answer answer = {"403 Forbidden", NULL,
        "<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error>"
        "</ErrorResponse>"};
    struct scene *scene = *state;
    play(scene, &answer, 1);
    free(credentials_scene_write(&scene->world, "config",
        "[default]\nrole_arn = arn:a\nsource_profile = default\naws_access_key_id = A\n"
        "aws_secret_access_key = s\n"));
    set(scene, "AWS_ENDPOINT_URL_STS", scene->server->url);
    start(scene);
    wait_told(scene, 1, "none");
    assert_string_equal(scene->why, "STS: AccessDenied: not you");
}

static void credentials_are_fetched_again_before_they_expire(void **state)
{
    static const struct played_answer answers[] = {
        {"200 OK", NULL, JSON("FIRST", "2026-11-23T12:00:02Z")},
        {"200 OK", NULL, JSON("SECOND", "2026-11-23T18:00:00Z")}};
    struct scene *scene = *state;
    play(scene, answers, 2);
    set(scene, "AWS_CONTAINER_CREDENTIALS_FULL_URI", scene->server->url);
    start(scene);
    wait_told(scene, 1, "FIRST");
    wait_told(scene, 2, "SECOND");
    assert_string_equal(credentials_current(scene->credentials)->access_key_id, "SECOND");
}

static void the_old_ones_stay_until_they_expire(void **state)
{
    static const struct played_answer answers[] = {
        {"200 OK", NULL, JSON("FIRST", "2026-11-23T12:00:02Z")}, {"500 Oops", NULL, "oops"},
        {NULL, NULL, NULL}, {"200 OK", NULL, JSON("SECOND", "2026-11-23T18:00:00Z")}};
    struct scene *scene = *state;
    play(scene, answers, 4);
    set(scene, "AWS_CONTAINER_CREDENTIALS_FULL_URI", scene->server->url);
    start(scene);
    wait_told(scene, 1, "FIRST");
    while (!*credentials_problem(scene->credentials))
        uv_run(&scene->loop.uv, UV_RUN_ONCE);
    assert_string_equal(credentials_current(scene->credentials)->access_key_id, "FIRST");
    assert_string_equal(credentials_problem(scene->credentials),
        "the container's endpoint: it answered with status 500");
    scene->world.now_s = SCENE_NOW_S + 2;
    assert_null(credentials_current(scene->credentials));
    wait_told(scene, 2, "none");
    wait_told(scene, 3, "SECOND");
    assert_string_equal(credentials_problem(scene->credentials), "");
}

static void credentials_that_have_expired_are_none(void **state)
{
    static const struct played_answer answer = {
        "200 OK", NULL, JSON("LATE", "2026-11-23T12:00:00Z")};
    struct scene *scene = *state;
    play(scene, &answer, 1);
    set(scene, "AWS_CONTAINER_CREDENTIALS_FULL_URI", scene->server->url);
    start(scene);
    wait_told(scene, 1, "none");
    assert_non_null(strstr(scene->why, "have expired"));
}

static void what_is_put_right_is_found(void **state)
{
    struct scene *scene = *state;
    set(scene, "AWS_PROFILE", "nobody");
    start(scene);
    wait_told(scene, 1, "none");
    assert_null(credentials_current(scene->credentials));
    set(scene, "AWS_ACCESS_KEY_ID", "A");
    set(scene, "AWS_SECRET_ACCESS_KEY", "s");
    wait_told(scene, 2, "A");
}

static void they_may_go_while_somebody_is_asked(void **state)
{
    static const struct played_answer answer = {"silent", NULL, NULL};
    struct scene *scene = *state;
    play(scene, &answer, 1);
    set(scene, "AWS_CONTAINER_CREDENTIALS_FULL_URI", scene->server->url);
    start(scene);
    while (played_http_count(scene->server) == 0)
        uv_run(&scene->loop.uv, UV_RUN_ONCE);
    assert_int_equal(scene->told, 0);
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(keys_of_the_configuration_ask_nobody),
        SCENE_TEST(an_instances_role_is_asked_for_with_a_token),
        SCENE_TEST(an_instance_without_a_role_is_said_to_have_none),
        SCENE_TEST(a_role_name_that_is_none_is_not_asked_for),
        SCENE_TEST(a_containers_token_is_read_from_its_file),
        SCENE_TEST(a_token_of_two_lines_is_not_sent),
        SCENE_TEST(a_web_identity_is_sent_to_sts_unsigned),
        SCENE_TEST(roles_are_assumed_one_by_the_other),
        SCENE_TEST(what_sts_refuses_is_said_in_its_words),
        SCENE_TEST(credentials_are_fetched_again_before_they_expire),
        SCENE_TEST(the_old_ones_stay_until_they_expire),
        SCENE_TEST(credentials_that_have_expired_are_none),
        SCENE_TEST(what_is_put_right_is_found),
        SCENE_TEST(they_may_go_while_somebody_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
