/* What we sign, our own judge believes. */
#include "proxy/gateway/resign.h"

#include "base/memory.h"

#include "tests/unit/auth_scene.h"

#include <errno.h>
#include <stdlib.h>

static struct resign_options options_of(struct auth_scene *scene, const char *id)
{
    return (struct resign_options){.sigv4 = &scene->sigv4,
        .key = auth_keys_find(&scene->keys, id),
        .region = "us-west-2",
        .now_s = SCENE_NOW_S + 100,
        .method = span_of_text("PUT"),
        .host = span_of_text("shop-assets-west.s3.us-west-2.amazonaws.com"),
        .path = span_of_text("/a%20b//c"),
        .query = span_of_text("partNumber=1&uploadId=x"),
        .headers = scene->headers,
        .header_count = scene->request.header_count,
        .payload = span_of_text(SCENE_HASH)};
}

static void judge(struct auth_scene *scene, const struct resigned *resigned)
{
    scene->rules.now_s = SCENE_NOW_S + 100;
    scene->request = (struct auth_request){.method = span_of_text("PUT"),
        .target = span_of_text("/a%20b//c?partNumber=1&uploadId=x"),
        .headers = resigned->headers,
        .header_count = resigned->header_count};
    scene->time = "20261123T120140Z";
    scene->region = "us-west-2";
    auth_scene_expect_verified(scene);
    assert_string_equal(scene->auth.signature, resigned->signature);
    assert_memory_equal(scene->auth.payload_text.data, SCENE_HASH, 64);
}

static bool has(const struct resigned *resigned, const char *name, const char *value)
{
    const struct http_header *header =
        http_header_find(resigned->headers, resigned->header_count, name);
    return header && header->value.size == strlen(value) &&
           memcmp(header->value.data, value, header->value.size) == 0;
}

static void a_request_is_signed_for_where_it_goes(void **state)
{
    struct auth_scene *scene = *state;
    struct resigned *resigned = memory_new(sizeof *resigned);
    auth_scene_add(scene, "x-amz-acl", "private");
    auth_scene_add(scene, "User-Agent", "client/1");
    auth_scene_add(scene, "Date", "Mon, 23 Nov 2026 12:00:00 GMT");
    auth_scene_sign(scene, NULL);
    struct resign_options options = options_of(scene, "AKIDEXAMPLE");
    assert_int_equal(resign(&options, resigned), 0);
    judge(scene, resigned);
    assert_true(has(resigned, "host", "shop-assets-west.s3.us-west-2.amazonaws.com"));
    assert_true(has(resigned, "user-agent", "client/1"));
    assert_true(has(resigned, "x-amz-date", "20261123T120140Z"));
    assert_null(http_header_find(resigned->headers, resigned->header_count, "date"));
    assert_non_null(strstr(resigned->authorization.data,
        "SignedHeaders=host;x-amz-acl;x-amz-content-sha256;x-amz-date, "));
    resign_fini(resigned);
    free(resigned);
}

static void the_signers_own_token_takes_the_clients_place(void **state)
{
    struct auth_scene *scene = *state;
    struct resigned *resigned = memory_new(sizeof *resigned);
    auth_scene_add(scene, "X-Amz-Security-Token", "the client's");
    struct resign_options options = options_of(scene, "ASIAEXAMPLE");
    assert_int_equal(resign(&options, resigned), 0);
    scene->access_key_id = "ASIAEXAMPLE";
    judge(scene, resigned);
    assert_true(has(resigned, "x-amz-security-token", "token"));
    resign_fini(resigned);
    options = options_of(scene, "AKIDEXAMPLE");
    options.headers = scene->headers;
    options.header_count = 4;
    assert_int_equal(resign(&options, resigned), 0);
    assert_null(
        http_header_find(resigned->headers, resigned->header_count, "x-amz-security-token"));
    resign_fini(resigned);
    free(resigned);
}

static void more_headers_than_fit_are_refused(void **state)
{
    struct auth_scene *scene = *state;
    struct resigned *resigned = memory_new(sizeof *resigned);
    struct http_header many[RESIGN_HEADERS_MOST];
    for (size_t i = 0; i < RESIGN_HEADERS_MOST; i++)
        many[i] = (struct http_header){span_of_text("User-Agent"), span_of_text("a")};
    struct resign_options options = options_of(scene, "AKIDEXAMPLE");
    options.headers = many;
    options.header_count = RESIGN_HEADERS_MOST - 5;
    assert_int_equal(resign(&options, resigned), 0);
    resign_fini(resigned);
    options.header_count++;
    assert_int_equal(resign(&options, resigned), -E2BIG);
    resign_fini(resigned);
    free(resigned);
}

#define SCENE_TEST(name)                                                                           \
    cmocka_unit_test_setup_teardown(name, auth_scene_set_up, auth_scene_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(a_request_is_signed_for_where_it_goes),
        SCENE_TEST(the_signers_own_token_takes_the_clients_place),
        SCENE_TEST(more_headers_than_fit_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
