/* Every way in which a presigned query is believed, and every way in which it is not. */
#include "tests/unit/auth_scene.h"

static void presign(struct auth_scene *scene, const char *target)
{
    auth_scene_request(scene, target);
    auth_scene_set(scene, "x-amz-content-sha256", NULL);
    auth_scene_presign(scene, 900);
}

static void a_presigned_request_is_verified(void **state)
{
    struct auth_scene *scene = *state;
    presign(scene, "/a%20b?versionId=1&response-content-type=text%2Fplain");
    auth_scene_expect_verified(scene);
    assert_int_equal(scene->auth.way, AUTH_BY_QUERY);
    assert_int_equal(scene->auth.payload, AUTH_PAYLOAD_UNSIGNED);
}

static void it_lasts_until_it_expires_and_no_longer(void **state)
{
    struct auth_scene *scene = *state;
    presign(scene, "/key");
    scene->rules.now_s = SCENE_NOW_S + 900;
    auth_scene_expect_verified(scene);
    scene->rules.now_s = SCENE_NOW_S + 901;
    auth_scene_expect(scene, &auth_has_expired);
}

static void it_does_not_begin_before_its_time(void **state)
{
    struct auth_scene *scene = *state;
    presign(scene, "/key");
    scene->rules.now_s = SCENE_NOW_S - 900;
    auth_scene_expect_verified(scene);
    scene->rules.now_s = SCENE_NOW_S - 901;
    auth_scene_expect(scene, &auth_not_yet_valid);
}

static void it_lasts_a_week_at_most(void **state)
{
    struct auth_scene *scene = *state;
    auth_scene_set(scene, "x-amz-content-sha256", NULL);
    auth_scene_presign(scene, 604800);
    scene->rules.now_s = SCENE_NOW_S + 604800;
    auth_scene_expect_verified(scene);
    scene->rules.now_s = SCENE_NOW_S;
    auth_scene_request(scene, "/key");
    auth_scene_presign(scene, 604801);
    auth_scene_expect(scene, &auth_query_week);
}

static void a_longer_life_is_not_what_was_signed(void **state)
{
    presign(*state, "/key");
    auth_scene_tamper(*state, "X-Amz-Expires=900", "X-Amz-Expires=901");
    auth_scene_expect(*state, &auth_bad_signature);
}

static void a_life_that_is_no_number_is_refused(void **state)
{
    static const char *const lives[] = {"-1", "1h", "12345678901", "+1"};
    for (size_t i = 0; i < sizeof lives / sizeof *lives; i++) {
        char value[64] = "X-Amz-Expires=";
        strcat(value, lives[i]);
        presign(*state, "/key");
        auth_scene_tamper(*state, "X-Amz-Expires=900", value);
        auth_scene_expect(*state, &auth_query_expires);
    }
}

static void every_parameter_is_needed_once(void **state)
{
    static const char *const names[] = {"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date",
        "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char twice[64] = "";
        strcat(strcat(twice, names[i]), "=1&");
        presign(*state, "/key");
        auth_scene_tamper(*state, names[i], "X-Other");
        auth_scene_expect(*state, &auth_query_incomplete);
        presign(*state, "/key");
        auth_scene_tamper(*state, "X-Amz-Algorithm", strcat(twice, "X-Amz-Algorithm"));
        auth_scene_expect(*state, &auth_query_repeated);
    }
}

static void other_algorithms_are_refused(void **state)
{
    presign(*state, "/key");
    auth_scene_tamper(*state, "AWS4-HMAC-SHA256", "AWS4-HMAC-SHA1");
    auth_scene_expect(*state, &auth_query_algorithm);
    auth_scene_tamper(*state, "AWS4-HMAC-SHA1", "AWS4-ECDSA-P256-SHA256");
    auth_scene_expect(*state, &auth_v4a);
}

static void an_old_presigned_query_is_refused(void **state)
{
    auth_scene_request(*state, "/key?AWSAccessKeyId=AKIDEXAMPLE&Expires=1&Signature=a");
    auth_scene_expect(*state, &auth_v2);
}

static void the_credentials_faults_are_told_apart(void **state)
{
    struct auth_scene *scene = *state;
    presign(scene, "/key");
    auth_scene_tamper(scene, "aws4_request", "aws4");
    auth_scene_expect(scene, &auth_query_credential);
    scene->region = "eu-west-3";
    presign(scene, "/key");
    auth_scene_expect(scene, &auth_query_region);
    scene->region = "eu-west-1";
    scene->service = "ec2";
    presign(scene, "/key");
    auth_scene_expect(scene, &auth_query_service);
    scene->service = "s3";
    presign(scene, "/key");
    auth_scene_tamper(scene, "%2F20261123%2F", "%2F20261122%2F");
    auth_scene_expect(scene, &auth_query_date);
}

static void a_date_that_is_none_is_refused(void **state)
{
    presign(*state, "/key");
    auth_scene_tamper(*state, "X-Amz-Date=20261123T120000Z", "X-Amz-Date=2026-11-23");
    auth_scene_expect(*state, &auth_query_date);
}

static void the_host_must_be_signed(void **state)
{
    presign(*state, "/key");
    auth_scene_tamper(*state, "X-Amz-SignedHeaders=host", "X-Amz-SignedHeaders=range");
    auth_scene_expect(*state, &auth_unsigned_host);
    auth_scene_tamper(*state, "X-Amz-SignedHeaders=range", "X-Amz-SignedHeaders=Host");
    auth_scene_expect(*state, &auth_query_signed_headers);
}

static void another_host_is_refused(void **state)
{
    presign(*state, "/key");
    auth_scene_set(*state, "Host", "other.s3.eu-west-1.amazonaws.com");
    auth_scene_expect(*state, &auth_bad_signature);
}

static void an_amz_header_that_was_not_signed_is_refused(void **state)
{
    presign(*state, "/key");
    auth_scene_add(*state, "x-amz-acl", "public-read");
    auth_scene_expect(*state, &auth_unsigned_headers);
}

static void a_signed_header_must_come_as_it_was_signed(void **state)
{
    auth_scene_set(*state, "x-amz-content-sha256", NULL);
    auth_scene_add(*state, "content-type", "text/plain");
    auth_scene_presign(*state, 60);
    auth_scene_expect_verified(*state);
    auth_scene_set(*state, "content-type", "text/html");
    auth_scene_expect(*state, &auth_bad_signature);
}

static void a_payload_hash_may_be_signed_as_header_or_parameter(void **state)
{
    struct auth_scene *scene = *state;
    auth_scene_set(scene, "x-amz-content-sha256", SCENE_HASH);
    auth_scene_presign(scene, 60);
    auth_scene_expect_verified(scene);
    assert_int_equal(scene->auth.payload, AUTH_PAYLOAD_HASH);
    presign(scene, "/key?X-Amz-Content-Sha256=UNSIGNED-PAYLOAD");
    auth_scene_expect_verified(scene);
    presign(scene, "/key?X-Amz-Content-Sha256=UNSIGNED%2DPAYLOAD");
    auth_scene_expect(scene, &auth_bad_signature);
}

static void a_sessions_token_is_a_parameter(void **state)
{
    struct auth_scene *scene = *state;
    scene->access_key_id = "ASIAEXAMPLE";
    presign(scene, "/key");
    auth_scene_expect(scene, &auth_unknown_key);
    scene->token = "wrong";
    presign(scene, "/key");
    auth_scene_expect(scene, &auth_bad_token);
    scene->token = "token";
    auth_scene_request(scene, "/key");
    auth_scene_set(scene, "x-amz-content-sha256", NULL);
    auth_scene_presign(scene, 7200);
    auth_scene_expect_verified(scene);
    scene->rules.now_s = SCENE_NOW_S + 3600;
    auth_scene_expect(scene, &auth_expired_token);
}

static void an_unknown_key_is_refused_and_named(void **state)
{
    struct auth_scene *scene = *state;
    scene->access_key_id = "AKIDOTHER";
    presign(scene, "/key");
    auth_scene_expect(scene, &auth_unknown_key);
    assert_string_equal(scene->auth.access_key_id, "AKIDOTHER");
}

static void an_id_with_an_end_inside_is_nobodys(void **state)
{
    presign(*state, "/key");
    auth_scene_tamper(*state, "AKIDEXAMPLE", "AKIDEXAMPLE%00A");
    auth_scene_expect(*state, &auth_unknown_key);
}

static void more_parameters_than_are_sorted_are_refused(void **state)
{
    struct text target = {0};
    presign(*state, "/key");
    text_put(&target, "/key?");
    for (int i = 0; i < SIGV4_QUERY_MOST; i++)
        text_format(&target, "a%d&", i);
    text_put(&target, "X-Amz-Algorithm");
    auth_scene_tamper(*state, "/key?X-Amz-Algorithm", target.data);
    auth_scene_expect(*state, &auth_bad_signature);
    text_fini(&target);
}

static void what_authorizes_can_be_taken_out_of_a_query(void **state)
{
    struct auth_scene *scene = *state;
    struct text left = {0};
    scene->access_key_id = "ASIAEXAMPLE";
    scene->token = "token";
    presign(scene, "/key?a=%2f+&X-Amz-Content-Sha256=UNSIGNED-PAYLOAD&b&x-id=GetObject");
    auth_strip_query(span_of_text(strchr(scene->target.data, '?') + 1), &left);
    assert_string_equal(left.data, "a=%2f+&b&x-id=GetObject");
    text_fini(&left);
}

#define SCENE_TEST(name)                                                                           \
    cmocka_unit_test_setup_teardown(name, auth_scene_set_up, auth_scene_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(a_presigned_request_is_verified),
        SCENE_TEST(it_lasts_until_it_expires_and_no_longer),
        SCENE_TEST(it_does_not_begin_before_its_time),
        SCENE_TEST(it_lasts_a_week_at_most),
        SCENE_TEST(a_longer_life_is_not_what_was_signed),
        SCENE_TEST(a_life_that_is_no_number_is_refused),
        SCENE_TEST(every_parameter_is_needed_once),
        SCENE_TEST(other_algorithms_are_refused),
        SCENE_TEST(an_old_presigned_query_is_refused),
        SCENE_TEST(the_credentials_faults_are_told_apart),
        SCENE_TEST(a_date_that_is_none_is_refused),
        SCENE_TEST(the_host_must_be_signed),
        SCENE_TEST(another_host_is_refused),
        SCENE_TEST(an_amz_header_that_was_not_signed_is_refused),
        SCENE_TEST(a_signed_header_must_come_as_it_was_signed),
        SCENE_TEST(a_payload_hash_may_be_signed_as_header_or_parameter),
        SCENE_TEST(a_sessions_token_is_a_parameter),
        SCENE_TEST(an_unknown_key_is_refused_and_named),
        SCENE_TEST(an_id_with_an_end_inside_is_nobodys),
        SCENE_TEST(more_parameters_than_are_sorted_are_refused),
        SCENE_TEST(what_authorizes_can_be_taken_out_of_a_query),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
