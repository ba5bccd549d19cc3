/* Every way in which an Authorization header is believed, and every way in which it is not. */
#include "tests/unit/auth_scene.h"

static void a_signed_request_is_verified(void **state)
{
    struct auth_scene *scene = *state;
    auth_scene_sign(scene, NULL);
    auth_scene_expect_verified(scene);
    assert_int_equal(scene->auth.way, AUTH_BY_HEADER);
    assert_int_equal(scene->auth.payload, AUTH_PAYLOAD_HASH);
    assert_string_equal(scene->auth.access_key_id, "AKIDEXAMPLE");
    assert_true(strstr(scene->authorization.data, scene->auth.signature) != NULL);
}

static void a_request_that_claims_nothing_is_anonymous(void **state)
{
    struct auth_scene *scene = *state;
    auth_scene_request(scene, "/key?versionId=1");
    auth_scene_expect_anonymous(scene);
    assert_string_equal(scene->auth.access_key_id, "");
}

static void any_configured_region_may_be_signed_for(void **state)
{
    struct auth_scene *scene = *state;
    scene->region = "us-west-2";
    auth_scene_sign(scene, NULL);
    auth_scene_expect_verified(scene);
}

static void another_region_is_refused(void **state)
{
    struct auth_scene *scene = *state;
    scene->region = "us-west";
    auth_scene_sign(scene, NULL);
    auth_scene_expect(scene, &auth_header_region);
}

static void another_service_is_refused(void **state)
{
    struct auth_scene *scene = *state;
    scene->service = "sts";
    auth_scene_sign(scene, NULL);
    auth_scene_expect(scene, &auth_header_service);
}

static void paths_are_verified_as_they_are_sent(void **state)
{
    static const char *const targets[] = {
        "/", "/a//b/../c/./d", "/a%2Fb%20c+d", "/%C3%BC~", "/a(b)*'!", "/%7e%2f?x=%2f&a"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        auth_scene_request(*state, targets[i]);
        auth_scene_sign(*state, NULL);
        auth_scene_expect_verified(*state);
    }
}

static void a_path_may_be_signed_as_s3_would_write_it(void **state)
{
    struct auth_scene *scene = *state;
    auth_scene_request(scene, "/a%28b%29~?prefix=a%20b");
    auth_scene_sign(scene, NULL);
    auth_scene_tamper(scene, "/a%28b%29~?prefix=a%20b", "/a(b)%7e?prefix=a+b");
    auth_scene_expect_verified(scene);
}

static void a_path_that_means_another_object_is_refused(void **state)
{
    static const char *const pairs[][2] = {{"/a/b", "/a//b"}, {"/a%2Fb", "/a/b"}, {"/a/../b", "/b"},
        {"/a%252Fb", "/a%2Fb"}, {"/a?b", "/a?c"}, {"/A", "/a"}};
    struct auth_scene *scene = *state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        auth_scene_request(scene, pairs[i][0]);
        auth_scene_sign(scene, NULL);
        text_fini(&scene->target);
        text_put(&scene->target, pairs[i][1]);
        scene->request.target = span_of(scene->target.data, scene->target.size);
        auth_scene_expect(scene, &auth_bad_signature);
    }
}

static void another_method_is_refused(void **state)
{
    struct auth_scene *scene = *state;
    auth_scene_sign(scene, NULL);
    scene->request.method = span_of_text("DELETE");
    auth_scene_expect(scene, &auth_bad_signature);
}

static void a_signed_header_that_was_changed_is_refused(void **state)
{
    struct auth_scene *scene = *state;
    auth_scene_add(scene, "x-amz-acl", "private");
    auth_scene_sign(scene, NULL);
    auth_scene_expect_verified(scene);
    auth_scene_set(scene, "x-amz-acl", "public-read");
    auth_scene_expect(scene, &auth_bad_signature);
}

static void a_signed_header_that_is_missing_is_refused(void **state)
{
    struct auth_scene *scene = *state;
    auth_scene_add(scene, "range", "bytes=0-1");
    auth_scene_sign(scene, NULL);
    auth_scene_set(scene, "range", NULL);
    auth_scene_expect(scene, &auth_bad_signature);
}

static void headers_that_the_client_did_not_sign_do_not_matter(void **state)
{
    struct auth_scene *scene = *state;
    auth_scene_sign(scene, NULL);
    auth_scene_add(scene, "User-Agent", "client/1");
    auth_scene_add(scene, "X-Amzn-Trace-Id", "Root=1");
    auth_scene_add(scene, "Range", "bytes=0-1");
    auth_scene_expect_verified(scene);
}

static void a_client_may_sign_what_we_never_would(void **state)
{
    struct auth_scene *scene = *state;
    auth_scene_add(scene, "User-Agent", "aws-sdk-go/2");
    auth_scene_add(scene, "Accept-Encoding", "identity");
    auth_scene_sign(scene, "accept-encoding;host;user-agent;x-amz-content-sha256;x-amz-date");
    auth_scene_expect_verified(scene);
    auth_scene_set(scene, "User-Agent", "aws-sdk-go/3");
    auth_scene_expect(scene, &auth_bad_signature);
}

static void an_unsigned_host_is_refused(void **state)
{
    auth_scene_sign(*state, "x-amz-content-sha256;x-amz-date");
    auth_scene_expect(*state, &auth_unsigned_host);
}

static void an_unsigned_amz_header_is_refused(void **state)
{
    auth_scene_sign(*state, NULL);
    auth_scene_add(*state, "X-Amz-Copy-Source", "/other/secret");
    auth_scene_expect(*state, &auth_unsigned_headers);
}

static void signed_headers_must_be_in_order_and_each_once(void **state)
{
    static const char *const lists[] = {"x-amz-date;host;x-amz-content-sha256",
        "host;host;x-amz-content-sha256;x-amz-date", "Host;x-amz-content-sha256;x-amz-date",
        "host;;x-amz-content-sha256;x-amz-date", "host;x-amz-content-sha256;x-amz-date;",
        "host; x-amz-content-sha256;x-amz-date"};
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        auth_scene_request(*state, "/key");
        auth_scene_sign(*state, NULL);
        auth_scene_tamper(*state, "host;x-amz-content-sha256;x-amz-date", lists[i]);
        auth_scene_expect(*state, &auth_header_signed_headers);
    }
}

static void a_header_that_connection_lists_may_not_be_signed(void **state)
{
    auth_scene_add(*state, "x-amz-acl", "private");
    auth_scene_add(*state, "Connection", "keep-alive, X-Amz-Acl");
    auth_scene_sign(*state, NULL);
    auth_scene_expect(*state, &auth_hop_by_hop);
}

static void a_header_that_stands_for_the_whole_may_not_come_twice(void **state)
{
    static const char *const names[] = {"host", "x-amz-date", "x-amz-content-sha256",
        "authorization", "x-amz-security-token", "x-amz-decoded-content-length"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        auth_scene_request(*state, "/key");
        auth_scene_sign(*state, NULL);
        auth_scene_add(*state, names[i], "1");
        auth_scene_add(*state, names[i], "2");
        auth_scene_expect(*state, &auth_repeated_header);
    }
}

static void other_headers_may_come_twice_and_are_signed_together(void **state)
{
    struct auth_scene *scene = *state;
    auth_scene_add(scene, "x-amz-meta-a", "1");
    auth_scene_add(scene, "X-Amz-Meta-A", " 2   3 ");
    auth_scene_sign(scene, NULL);
    auth_scene_expect_verified(scene);
    scene->request.header_count -= 2; /* the second, and Authorization */
    auth_scene_add(scene, "Authorization", scene->authorization.data);
    auth_scene_expect(scene, &auth_bad_signature);
}

static void a_clock_may_be_fifteen_minutes_off(void **state)
{
    struct auth_scene *scene = *state;
    auth_scene_sign(scene, NULL);
    scene->rules.now_s = SCENE_NOW_S + 900;
    auth_scene_expect_verified(scene);
    scene->rules.now_s = SCENE_NOW_S - 900;
    auth_scene_expect_verified(scene);
    scene->rules.now_s = SCENE_NOW_S + 901;
    auth_scene_expect(scene, &auth_skewed);
    scene->rules.now_s = SCENE_NOW_S - 901;
    auth_scene_expect(scene, &auth_skewed);
}

static void a_request_replayed_after_fifteen_minutes_is_refused(void **state)
{
    struct auth_scene *scene = *state;
    auth_scene_sign(scene, NULL);
    auth_scene_set(scene, "x-amz-date", "20261123T121600Z"); /* not what was signed */
    scene->rules.now_s = SCENE_NOW_S + 960;
    auth_scene_expect(scene, &auth_bad_signature);
}

static void the_scope_must_be_of_the_dates_day(void **state)
{
    auth_scene_sign(*state, NULL);
    auth_scene_tamper(*state, "/20261123/", "/20261122/");
    auth_scene_expect(*state, &auth_header_date);
}

static void a_date_header_stands_in_for_the_amz_one(void **state)
{
    static const char *const dates[] = {
        "Mon, 23 Nov 2026 12:00:00 GMT", "Mon, 23 Nov 2026 12:00:00 +0000", SCENE_TIME};
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        auth_scene_set(*state, "x-amz-date", NULL);
        auth_scene_set(*state, "Date", dates[i]);
        auth_scene_sign(*state, NULL);
        auth_scene_expect_verified(*state);
    }
}

static void a_request_without_a_valid_date_is_refused(void **state)
{
    static const char *const dates[] = {NULL, "", "yesterday", "Mon, 23 Nov 2026 12:00:00",
        "Mon, 23 Nov 2026 12:00:00 CET", "Mon, 23 Nov 0026 12:00:00 GMT",
        "Mon, 23 Nov 2026 12:00:00 GMT                              "};
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        auth_scene_set(*state, "x-amz-date", NULL);
        auth_scene_set(*state, "Date", dates[i]);
        auth_scene_sign(*state, NULL);
        auth_scene_expect(*state, &auth_no_date);
    }
    auth_scene_request(*state, "/key");
    auth_scene_set(*state, "x-amz-date", "20261123T250000Z");
    auth_scene_sign(*state, NULL);
    auth_scene_expect(*state, &auth_no_date);
}

static void an_unknown_key_is_refused_and_named(void **state)
{
    struct auth_scene *scene = *state;
    scene->access_key_id = "AKIDOTHER";
    auth_scene_sign(scene, NULL);
    auth_scene_expect(scene, &auth_unknown_key);
    assert_string_equal(scene->auth.access_key_id, "AKIDOTHER");
}

static void a_wrong_secret_is_refused(void **state)
{
    struct auth_scene *scene = *state;
    scene->secret = "another";
    auth_scene_sign(scene, NULL);
    auth_scene_expect(scene, &auth_bad_signature);
}

static void a_key_id_that_is_no_word_is_an_unknown_key(void **state)
{
    struct auth_scene *scene = *state;
    char longest[AUTH_ID_SIZE + 1];
    memset(longest, 'A', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    scene->access_key_id = longest;
    auth_scene_sign(scene, NULL);
    auth_scene_expect(scene, &auth_unknown_key);
    assert_string_equal(scene->auth.access_key_id, "");
    scene->access_key_id = "AKID EXAMPLE";
    auth_scene_sign(scene, NULL);
    auth_scene_expect(scene, &auth_unknown_key);
}

static void a_sessions_key_needs_its_token(void **state)
{
    struct auth_scene *scene = *state;
    scene->access_key_id = "ASIAEXAMPLE";
    auth_scene_sign(scene, NULL);
    auth_scene_expect(scene, &auth_unknown_key);
    scene->token = "nekot";
    auth_scene_sign(scene, NULL);
    auth_scene_expect(scene, &auth_bad_token);
    scene->token = "token";
    auth_scene_sign(scene, NULL);
    auth_scene_expect_verified(scene);
}

static void a_lasting_key_may_have_no_token(void **state)
{
    struct auth_scene *scene = *state;
    scene->token = "token";
    auth_scene_sign(scene, NULL);
    auth_scene_expect(scene, &auth_bad_token);
}

static void an_expired_token_is_refused(void **state)
{
    struct auth_scene *scene = *state;
    scene->access_key_id = "ASIAEXAMPLE";
    scene->token = "token";
    scene->time = "20261123T125959Z";
    auth_scene_request(scene, "/key");
    auth_scene_sign(scene, NULL);
    scene->rules.now_s = SCENE_NOW_S + 3599;
    auth_scene_expect_verified(scene);
    scene->rules.now_s = SCENE_NOW_S + 3600;
    auth_scene_expect(scene, &auth_expired_token);
}

#define SCENE_TEST(name)                                                                           \
    cmocka_unit_test_setup_teardown(name, auth_scene_set_up, auth_scene_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(a_signed_request_is_verified),
        SCENE_TEST(a_request_that_claims_nothing_is_anonymous),
        SCENE_TEST(any_configured_region_may_be_signed_for),
        SCENE_TEST(another_region_is_refused),
        SCENE_TEST(another_service_is_refused),
        SCENE_TEST(paths_are_verified_as_they_are_sent),
        SCENE_TEST(a_path_may_be_signed_as_s3_would_write_it),
        SCENE_TEST(a_path_that_means_another_object_is_refused),
        SCENE_TEST(another_method_is_refused),
        SCENE_TEST(a_signed_header_that_was_changed_is_refused),
        SCENE_TEST(a_signed_header_that_is_missing_is_refused),
        SCENE_TEST(headers_that_the_client_did_not_sign_do_not_matter),
        SCENE_TEST(a_client_may_sign_what_we_never_would),
        SCENE_TEST(an_unsigned_host_is_refused),
        SCENE_TEST(an_unsigned_amz_header_is_refused),
        SCENE_TEST(signed_headers_must_be_in_order_and_each_once),
        SCENE_TEST(a_header_that_connection_lists_may_not_be_signed),
        SCENE_TEST(a_header_that_stands_for_the_whole_may_not_come_twice),
        SCENE_TEST(other_headers_may_come_twice_and_are_signed_together),
        SCENE_TEST(a_clock_may_be_fifteen_minutes_off),
        SCENE_TEST(a_request_replayed_after_fifteen_minutes_is_refused),
        SCENE_TEST(the_scope_must_be_of_the_dates_day),
        SCENE_TEST(a_date_header_stands_in_for_the_amz_one),
        SCENE_TEST(a_request_without_a_valid_date_is_refused),
        SCENE_TEST(an_unknown_key_is_refused_and_named),
        SCENE_TEST(a_wrong_secret_is_refused),
        SCENE_TEST(a_key_id_that_is_no_word_is_an_unknown_key),
        SCENE_TEST(a_sessions_key_needs_its_token),
        SCENE_TEST(a_lasting_key_may_have_no_token),
        SCENE_TEST(an_expired_token_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
