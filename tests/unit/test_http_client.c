#include "base/http_client.h"

#include "base/memory.h"

#include "tests/unit/played_http.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct scene {
    struct loop loop;
    struct http_client *client;
    bool is_freed;
    unsigned done;
    int error;
    unsigned status;
    char body[256], words[256], id[64];
};

static int set_up(void **state)
{
    struct scene *scene = memory_new(sizeof *scene);
    assert_int_equal(loop_init(&scene->loop, "test"), 0);
    scene->client = http_client_new(&scene->loop, NULL);
    assert_non_null(scene->client);
    *state = scene;
    return 0;
}

static void on_freed(void *context)
{
    struct scene *scene = context;
    scene->is_freed = true;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    http_client_free(scene->client, on_freed, scene);
    while (!scene->is_freed)
        uv_run(&scene->loop.uv, UV_RUN_ONCE);
    loop_fini(&scene->loop);
    free(scene);
    return 0;
}

static void on_done(void *context, const struct http_client_reply *reply)
{
    struct scene *scene = context;
    const struct http_header *id =
        http_header_find(reply->headers, reply->header_count, "x-amz-request-id");
    scene->done++;
    scene->error = reply->error;
    scene->status = reply->status;
    snprintf(scene->words, sizeof scene->words, "%s", reply->words ? reply->words : "");
    snprintf(scene->body, sizeof scene->body, "%.*s", (int)reply->body.size,
        reply->body.size ? (const char *)reply->body.data : "");
    if (id)
        snprintf(scene->id, sizeof scene->id, "%.*s", (int)id->value.size, id->value.data);
}

static struct http_client_call *start(
    struct scene *scene, const struct http_client_request *request)
{
    return http_client_start(scene->client, request, on_done, scene);
}

static void run(struct scene *scene)
{
    unsigned before = scene->done;
    while (scene->done == before)
        uv_run(&scene->loop.uv, UV_RUN_ONCE);
}

static void a_reply_comes_with_status_headers_and_body(void **state)
{
    struct scene *scene = *state;
    struct played_answer answer = {"404 Not Found", "X-Amz-Request-Id:  abc \r\n", "gone"};
    struct played_http *server = played_http_new(&answer, 1);
    start(scene, &(struct http_client_request){.method = "GET", .url = server->url});
    assert_int_equal(scene->done, 0);
    run(scene);
    assert_int_equal(scene->error, 0);
    assert_int_equal(scene->status, 404);
    assert_string_equal(scene->body, "gone");
    assert_string_equal(scene->id, "abc");
    played_http_free(server);
}

static void a_request_goes_out_as_it_was_given(void **state)
{
    struct scene *scene = *state;
    struct played_answer answer = {"200 OK", NULL, ""};
    struct played_http *server = played_http_new(&answer, 1);
    char *url = memory_format("%s/a//b/../%%2f?x=%%7e", server->url);
    const char *headers[] = {"Content-Type: text/x", "X-Amz-Date: 1", NULL};
    start(scene, &(struct http_client_request){
                     .method = "POST", .url = url, .headers = headers, .body = span_of("a\0b", 3)});
    run(scene);
    const char *asked = played_http_asked(server, 0);
    assert_memory_equal(asked, "POST /a//b/../%2f?x=%7e HTTP/1.1\r\n", 34);
    assert_non_null(strstr(asked, "Content-Type: text/x\r\n"));
    assert_non_null(strstr(asked, "X-Amz-Date: 1\r\n"));
    assert_non_null(strstr(asked, "Content-Length: 3\r\n"));
    assert_null(strstr(asked, "Expect"));
    assert_memory_equal(strstr(asked, "\r\n\r\n"), "\r\n\r\na\0b", 7);
    free(url);
    played_http_free(server);
}

static void a_put_may_have_no_body(void **state)
{
    struct scene *scene = *state;
    struct played_answer answer = {"200 OK", NULL, "token"};
    struct played_http *server = played_http_new(&answer, 1);
    start(scene, &(struct http_client_request){.method = "PUT", .url = server->url});
    run(scene);
    assert_memory_equal(played_http_asked(server, 0), "PUT / HTTP/1.1\r\n", 16);
    assert_string_equal(scene->body, "token");
    played_http_free(server);
}

/* ".invalid" has no address anywhere (RFC 6761). */
static void a_host_may_be_where_the_caller_says(void **state)
{
    struct scene *scene = *state;
    struct played_answer answer = {"200 OK", NULL, "here"};
    struct played_http *server = played_http_new(&answer, 1);
    const char *port = strrchr(server->url, ':') + 1;
    char *url = memory_format("http://s3.invalid:%s/a", port);
    char *resolve = memory_format("s3.invalid:%s:127.0.0.1", port);
    start(scene, &(struct http_client_request){.method = "GET", .url = url, .resolve = resolve});
    free(resolve);
    run(scene);
    assert_string_equal(scene->body, "here");
    char *host = memory_format("Host: s3.invalid:%s\r\n", port);
    assert_non_null(strstr(played_http_asked(server, 0), host));
    free(host);
    free(url);
    played_http_free(server);
}

static void a_redirect_is_not_followed(void **state)
{
    struct scene *scene = *state;
    struct played_answer answer = {"301 Moved", "Location: http://127.0.0.1:1/\r\n", ""};
    struct played_http *server = played_http_new(&answer, 1);
    start(scene, &(struct http_client_request){.method = "GET", .url = server->url});
    run(scene);
    assert_int_equal(scene->status, 301);
    played_http_free(server);
}

static void a_reply_beyond_its_bound_is_refused(void **state)
{
    struct scene *scene = *state;
    struct played_answer answers[] = {{"200 OK", NULL, "12345"}, {"200 OK", NULL, "12345"}};
    struct played_http *server = played_http_new(answers, 2);
    struct http_client_request request = {.method = "GET", .url = server->url, .reply_most = 5};
    start(scene, &request);
    run(scene);
    assert_string_equal(scene->body, "12345");
    request.reply_most = 4;
    start(scene, &request);
    run(scene);
    assert_int_equal(scene->error, -EMSGSIZE);
    assert_string_equal(scene->words, "the reply is too large");
    played_http_free(server);
}

static void a_server_that_hangs_up_is_an_error_with_words(void **state)
{
    struct scene *scene = *state;
    struct played_answer answer = {NULL, NULL, NULL};
    struct played_http *server = played_http_new(&answer, 1);
    start(scene, &(struct http_client_request){.method = "GET", .url = server->url});
    run(scene);
    assert_int_equal(scene->error, -EIO);
    assert_string_not_equal(scene->words, "");
    played_http_free(server);
}

static void a_silent_server_is_given_up(void **state)
{
    struct scene *scene = *state;
    struct played_answer answer = {"silent", NULL, NULL};
    struct played_http *server = played_http_new(&answer, 1);
    start(scene,
        &(struct http_client_request){.method = "GET", .url = server->url, .timeout_ms = 50});
    run(scene);
    assert_int_equal(scene->error, -ETIMEDOUT);
    played_http_free(server);
}

static void nobody_at_the_door_and_no_address_are_errors(void **state)
{
    struct scene *scene = *state;
    start(scene, &(struct http_client_request){.method = "GET", .url = "http://127.0.0.1:1/"});
    run(scene);
    assert_int_equal(scene->error, -ECONNREFUSED);
    start(scene, &(struct http_client_request){.method = "GET", .url = "file:///etc/passwd"});
    run(scene);
    assert_int_equal(scene->error, -EINVAL);
}

static void a_cancelled_call_says_nothing(void **state)
{
    struct scene *scene = *state;
    struct played_answer answers[] = {{"silent", NULL, NULL}, {"200 OK", NULL, "second"}};
    struct played_http *server = played_http_new(answers, 2);
    struct http_client_request request = {.method = "GET", .url = server->url};
    struct http_client_call *first = start(scene, &request);
    while (played_http_count(server) == 0)
        uv_run(&scene->loop.uv, UV_RUN_ONCE);
    http_client_cancel(first);
    http_client_cancel(NULL);
    start(scene, &request);
    run(scene);
    assert_int_equal(scene->done, 1);
    assert_string_equal(scene->body, "second");
    played_http_free(server);
}

static void a_client_may_go_while_calls_are_under_way(void **state)
{
    struct scene *scene = *state;
    struct played_answer answer = {"silent", NULL, NULL};
    struct played_http *server = played_http_new(&answer, 1);
    struct http_client_request request = {.method = "GET", .url = server->url};
    start(scene, &request);
    start(scene, &request);
    while (played_http_count(server) == 0)
        uv_run(&scene->loop.uv, UV_RUN_ONCE);
    http_client_free(scene->client, on_freed, scene);
    while (!scene->is_freed)
        uv_run(&scene->loop.uv, UV_RUN_ONCE);
    assert_int_equal(scene->done, 0);
    scene->client = NULL;
    scene->is_freed = false;
    played_http_free(server);
}

#define SCENE_TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(a_reply_comes_with_status_headers_and_body),
        SCENE_TEST(a_request_goes_out_as_it_was_given),
        SCENE_TEST(a_put_may_have_no_body),
        SCENE_TEST(a_host_may_be_where_the_caller_says),
        SCENE_TEST(a_redirect_is_not_followed),
        SCENE_TEST(a_reply_beyond_its_bound_is_refused),
        SCENE_TEST(a_server_that_hangs_up_is_an_error_with_words),
        SCENE_TEST(a_silent_server_is_given_up),
        SCENE_TEST(nobody_at_the_door_and_no_address_are_errors),
        SCENE_TEST(a_cancelled_call_says_nothing),
        SCENE_TEST(a_client_may_go_while_calls_are_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
