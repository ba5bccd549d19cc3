/* What stands in the Authorization header, byte by byte. */
#include "tests/unit/auth_scene.h"

static void other_schemes_are_told_apart(void **state)
{
    static const struct {
        const char *value;
        const struct auth_refusal *refusal;
    } schemes[] = {{"AWS AKIDEXAMPLE:c2lnbmF0dXJl", &auth_v2},
        {"AWS4-ECDSA-P256-SHA256 Credential=a", &auth_v4a}, {"Basic dTpw", &auth_unknown_type},
        {"", &auth_unknown_type}, {"aws4-hmac-sha256 Credential=a", &auth_unknown_type},
        {"AWS4-HMAC-SHA256", &auth_header_malformed}};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++) {
        auth_scene_set(*state, "Authorization", schemes[i].value);
        auth_scene_expect(*state, schemes[i].refusal);
    }
}

static void a_component_that_is_missing_foreign_or_repeated_is_malformed(void **state)
{
    static const char *const values[] = {
        "Credential=AKIDEXAMPLE/20261123/eu-west-1/s3/aws4_request",
        "Credential=a, SignedHeaders=host, Signature=", "Credential=a, SignedHeaders=host",
        "Credential=a, SignedHeaders=host, Signature=b, Signature=b",
        "Credential=a, SignedHeaders=host, Signature=b, Other=c",
        "Credential=a SignedHeaders=host Signature=b", ",,,"};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        char value[256] = SIGV4_ALGORITHM " ";
        strncat(value, values[i], 200);
        auth_scene_set(*state, "Authorization", value);
        auth_scene_expect(*state, &auth_header_malformed);
    }
}

static void components_may_stand_in_any_order_without_blanks(void **state)
{
    struct auth_scene *scene = *state;
    auth_scene_sign(scene, NULL);
    char value[512] = SIGV4_ALGORITHM " Signature=";
    const char *signature = strstr(scene->authorization.data, "Signature=") + strlen("Signature=");
    strncat(value, signature, 64);
    strcat(value, ",SignedHeaders=host;x-amz-content-sha256;x-amz-date,"
                  "Credential=AKIDEXAMPLE/20261123/eu-west-1/s3/aws4_request");
    auth_scene_set(scene, "Authorization", value);
    auth_scene_expect_verified(scene);
}

static void a_credential_that_is_none_is_malformed(void **state)
{
    static const char *const credentials[] = {"AKIDEXAMPLE", "/20261123/eu-west-1/s3/aws4_request",
        "20261123/eu-west-1/s3/aws4_request", "AKIDEXAMPLE/20261123/eu-west-1/s3/aws5_request"};
    for (size_t i = 0; i < sizeof credentials / sizeof *credentials; i++) {
        auth_scene_request(*state, "/key");
        auth_scene_sign(*state, NULL);
        auth_scene_tamper(*state, "AKIDEXAMPLE/20261123/eu-west-1/s3/aws4_request", credentials[i]);
        auth_scene_expect(*state, &auth_header_credential);
    }
}

static void a_signature_of_another_length_is_refused(void **state)
{
    auth_scene_sign(*state, NULL);
    auth_scene_tamper(*state, "Signature=", "Signature=0");
    auth_scene_expect(*state, &auth_bad_signature);
}

static void a_signature_that_differs_in_one_digit_is_refused(void **state)
{
    struct auth_scene *scene = *state;
    auth_scene_sign(scene, NULL);
    for (size_t i = 1; i <= 64; i++) {
        char *digit = scene->authorization.data + scene->authorization.size - i;
        char kept = *digit;
        *digit = kept == '0' ? '1' : '0';
        auth_scene_expect(scene, &auth_bad_signature);
        *digit = kept;
    }
    auth_scene_expect_verified(scene);
}

static void header_and_query_may_not_both_authorize(void **state)
{
    static const char *const targets[] = {"/key?X-Amz-Algorithm=AWS4-HMAC-SHA256",
        "/key?X-Amz-Signature=0", "/key?X-Amz%2DCredential=a", "/key?AWSAccessKeyId=a",
        "/key?Signature=a"};
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++) {
        auth_scene_request(*state, targets[i]);
        auth_scene_sign(*state, NULL);
        auth_scene_expect(*state, &auth_two_ways);
    }
}

#define SCENE_TEST(name)                                                                           \
    cmocka_unit_test_setup_teardown(name, auth_scene_set_up, auth_scene_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(other_schemes_are_told_apart),
        SCENE_TEST(a_component_that_is_missing_foreign_or_repeated_is_malformed),
        SCENE_TEST(components_may_stand_in_any_order_without_blanks),
        SCENE_TEST(a_credential_that_is_none_is_malformed),
        SCENE_TEST(a_signature_of_another_length_is_refused),
        SCENE_TEST(a_signature_that_differs_in_one_digit_is_refused),
        SCENE_TEST(header_and_query_may_not_both_authorize),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
