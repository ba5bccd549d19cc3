/* What x-amz-content-sha256 may say. */
#include "tests/unit/auth_scene.h"

static void check(struct auth_scene *scene, const char *value, enum auth_payload mode)
{
    auth_scene_request(scene, "/key");
    auth_scene_set(scene, "x-amz-content-sha256", value);
    auth_scene_set(scene, "x-amz-decoded-content-length", "66560");
    auth_scene_sign(scene, NULL);
    auth_scene_expect_verified(scene);
    assert_int_equal(scene->auth.payload, mode);
    assert_memory_equal(scene->auth.payload_text.data, value, strlen(value));
    bool is_chunked = mode != AUTH_PAYLOAD_HASH && mode != AUTH_PAYLOAD_UNSIGNED;
    assert_int_equal(scene->auth.decoded_length, is_chunked ? 66560 : 0);
}

static void every_mode_is_known(void **state)
{
    check(*state, SCENE_HASH, AUTH_PAYLOAD_HASH);
    check(*state, "UNSIGNED-PAYLOAD", AUTH_PAYLOAD_UNSIGNED);
    check(*state, "STREAMING-UNSIGNED-PAYLOAD-TRAILER", AUTH_PAYLOAD_UNSIGNED_TRAILER);
    check(*state, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", AUTH_PAYLOAD_CHUNKS);
    check(*state, "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", AUTH_PAYLOAD_CHUNKS_TRAILER);
}

static void check_refused(
    struct auth_scene *scene, const char *value, const struct auth_refusal *refusal)
{
    auth_scene_request(scene, "/key");
    auth_scene_set(scene, "x-amz-content-sha256", value);
    auth_scene_sign(scene, NULL);
    auth_scene_expect(scene, refusal);
}

static void a_request_must_say_how_its_body_is_signed(void **state)
{
    check_refused(*state, NULL, &auth_no_payload_hash);
    check_refused(*state, "", &auth_no_payload_hash);
}

static void anything_else_is_refused(void **state)
{
    check_refused(*state, "unsigned-payload", &auth_bad_payload_hash);
    check_refused(*state, "44ce7dd6", &auth_bad_payload_hash);
    check_refused(*state, SCENE_HASH "0", &auth_bad_payload_hash);
    check_refused(*state, "x4ce7dd67c959e0d3524ffac1771dfbba87d2b6b4b4e99e42034a8b803f8b072",
        &auth_bad_payload_hash);
}

static void asymmetric_chunks_are_refused(void **state)
{
    check_refused(*state, "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD", &auth_payload_v4a);
    check_refused(*state, "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER", &auth_payload_v4a);
}

static void a_chunked_body_must_say_its_length(void **state)
{
    static const char *const lengths[] = {NULL, "", "-1", "1x", "0x10", "1000000000000000000"};
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++) {
        auth_scene_request(*state, "/key");
        auth_scene_set(*state, "x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
        auth_scene_set(*state, "x-amz-decoded-content-length", lengths[i]);
        auth_scene_sign(*state, NULL);
        auth_scene_expect(*state, &auth_no_length);
    }
}

static void a_query_cannot_begin_a_chain_of_chunks(void **state)
{
    auth_scene_set(*state, "x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
    auth_scene_set(*state, "x-amz-decoded-content-length", "1");
    auth_scene_presign(*state, 60);
    auth_scene_expect(*state, &auth_bad_payload_hash);
}

#define SCENE_TEST(name)                                                                           \
    cmocka_unit_test_setup_teardown(name, auth_scene_set_up, auth_scene_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(every_mode_is_known),
        SCENE_TEST(a_request_must_say_how_its_body_is_signed),
        SCENE_TEST(anything_else_is_refused),
        SCENE_TEST(asymmetric_chunks_are_refused),
        SCENE_TEST(a_chunked_body_must_say_its_length),
        SCENE_TEST(a_query_cannot_begin_a_chain_of_chunks),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
