/* A browser's upload to a bucket that is active elsewhere. */
#include "tests/unit/plan_scene.h"

#include "proxy/gateway/auth_post.h"
#include "proxy/gateway/form.h"
#include "proxy/gateway/http_fields.h"

#include <stdlib.h>

#define CREDENTIAL "AKIDEXAMPLE/20261123/eu-west-1/s3/aws4_request"
#define FIELD(name, value)                                                                         \
    "--B\r\nContent-Disposition: form-data; name=\"" name "\"\r\n\r\n" value "\r\n"
#define FILE_PART                                                                                  \
    "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\n\r\nbyt"
#define FIELDS                                                                                     \
    FIELD("key", "user/${filename}")                                                               \
    FIELD("Bucket", "shop-eu")                                                                     \
    FIELD("acl", "private")                                                                        \
    FIELD("x-amz-algorithm", SIGV4_ALGORITHM)                                                      \
    FIELD("X-Amz-Credential", CREDENTIAL) FIELD("x-amz-date", "20261123T120000Z")
#define POLICY                                                                                     \
    "{\"expiration\":\"2026-11-23T13:00:00.000Z\",\"conditions\":[{\"bucket\":\"shop-eu\","        \
    "\"acl\":\"private\"},[\"eq\",\"$key\",\"user/a.jpg\"],[\"starts-with\",\"$x-amz-credential\"" \
    ",\"AKID\"],{\"x-amz-date\":\"20261123T120000Z\"},{\"x-amz-algorithm\":"                       \
    "\"AWS4-HMAC-SHA256\"},[\"content-length-range\",1,5368709120]]}"
#define NEW_POLICY(credential, token)                                                              \
    "{\"expiration\":\"2026-11-23T13:00:00.000Z\",\"conditions\":[{\"acl\":\"private\"},"          \
    "[\"eq\",\"$key\",\"user/a.jpg\"],[\"content-length-range\",1,5368709120],"                    \
    "{\"bucket\":\"shop-us\"},{\"x-amz-algorithm\":\"AWS4-HMAC-SHA256\"},{\"x-amz-credential\":"   \
    "\"" credential "\"},{\"x-amz-date\":\"20261123T120000Z\"}" token "]}"

static char *base64(const char *text)
{
    char *ret = calloc(2, strlen(text) + 4);
    EVP_EncodeBlock((unsigned char *)ret, (const unsigned char *)text, (int)strlen(text));
    return ret;
}

static void sign(struct plan_scene *scene, const char *policy, const char *region, char *ret)
{
    struct sigv4_key key = {0};
    struct sigv4_scope scope = {span_of_text("20261123"), span_of_text(region), span_of_text("s3")};
    assert_int_equal(sigv4_key_prepare(&scene->auth->sigv4, &key, scene->auth->secret, &scope), 0);
    assert_int_equal(sigv4_sign_text(&key, span_of_text(policy), ret), 0);
    sigv4_key_fini(&key);
}

/* The form up to its file's third byte; 100 bytes follow. */
static char *make_form(struct plan_scene *scene, const char *policy)
{
    char signature[SIGV4_SIGNATURE_SIZE], *encoded = base64(policy);
    struct text text = {0};
    sign(scene, encoded, "eu-west-1", signature);
    text_format(&text, "%s" FIELD("policy", "%s") FIELD("X-Amz-Signature", "%s") "%s", FIELDS,
        encoded, signature, FILE_PART);
    free(encoded);
    return text.data;
}

static void ask_with(struct plan_scene *scene, const char *type, const char *body)
{
    plan_scene_request(scene, "POST", EU_STORE, "/shop-eu");
    auth_scene_set(scene->auth, "Content-Type", type);
    auth_scene_set(scene->auth, "Content-MD5", "stale");
    plan_scene_ask_part(scene, body, 100);
}

static void ask(struct plan_scene *scene, const char *body)
{
    ask_with(scene, "multipart/form-data; boundary=B", body);
}

static void the_fields_are_asked_for_first(void **state)
{
    struct plan_scene *scene = *state;
    ask(scene, NULL);
    assert_int_equal(scene->plan.verdict, PLAN_COLLECT);
    assert_int_equal(scene->plan.collect_max, FORM_HEAD_MAX);
    assert_false(scene->plan.has_enough(&scene->plan, span_of_text(FIELDS)));
    assert_true(scene->plan.has_enough(&scene->plan, span_of_text(FIELDS FILE_PART)));
    assert_true(scene->plan.has_enough(&scene->plan, span_of_text("no form")));
}

static void the_policy_is_written_and_signed_anew(void **state)
{
    struct plan_scene *scene = *state;
    char *form = make_form(scene, POLICY), signature[SIGV4_SIGNATURE_SIZE];
    char *policy = base64(NEW_POLICY("AKIDEXAMPLE/20261123/us-west-2/s3/aws4_request", ""));
    struct text expected = {0};
    sign(scene, policy, "us-west-2", signature);
    text_format(&expected,
        FIELD("key", "user/${filename}") FIELD("bucket", "shop-us") FIELD("acl", "private")
            FIELD("x-amz-algorithm", SIGV4_ALGORITHM)
                FIELD("x-amz-credential", "AKIDEXAMPLE/20261123/us-west-2/s3/aws4_request")
                    FIELD("x-amz-date", "20261123T120000Z") FIELD("policy", "%s")
                        FIELD("x-amz-signature", "%s") "%s",
        policy, signature, FILE_PART);
    ask(scene, form);
    assert_int_equal(scene->plan.verdict, PLAN_FORWARD);
    assert_string_equal(scene->plan.body.data, expected.data);
    assert_int_equal(scene->plan.send->length, expected.size + 100);
    assert_span(scene->plan.send->target, "/shop-us");
    assert_int_equal(plan_scene_sent(scene, "authorization").size, 0);
    assert_int_equal(plan_scene_sent(scene, "content-md5").size, 0);
    assert_non_null(scene->plan.mapper);
    text_fini(&expected);
    free(policy);
    free(form);
}

static void a_form_that_is_not_signed_keeps_all_but_its_bucket(void **state)
{
    struct plan_scene *scene = *state;
    ask(scene, FIELD("key", "k") FIELD("bucket", "shop-eu") FILE_PART);
    assert_int_equal(scene->plan.verdict, PLAN_FORWARD);
    assert_string_equal(
        scene->plan.body.data, FIELD("key", "k") FIELD("bucket", "shop-us") FILE_PART);
}

static void a_form_that_is_not_believed_is_refused(void **state)
{
    struct plan_scene *scene = *state;
    char *form = make_form(scene, POLICY);
    strstr(form, "private")[0] = 'P';
    ask(scene, form);
    plan_scene_expect_refusal(scene, 403, "AccessDenied");
    free(form);
    scene->auth->secret = "guess";
    form = make_form(scene, POLICY);
    ask(scene, form);
    plan_scene_expect_refusal(scene, 403, "SignatureDoesNotMatch");
    free(form);
}

static void the_host_signs_forms_with_its_token(void **state)
{
    struct plan_scene *scene = *state;
    char *form = make_form(scene, POLICY);
    ask(scene, form);
    assert_int_equal(scene->plan.verdict, PLAN_FORWARD);
    assert_non_null(strstr(scene->plan.body.data, "ASIAEXAMPLE/20261123/us-west-2/s3/"));
    assert_non_null(strstr(scene->plan.body.data, "name=\"x-amz-security-token\"\r\n\r\n"));
    free(form);
}

static void what_is_no_form_is_refused(void **state)
{
    struct plan_scene *scene = *state;
    ask_with(scene, "application/json", NULL);
    plan_scene_expect_refusal(scene, 400, "MalformedPOSTRequest");
    ask(scene, FIELD("key", "k"));
    plan_scene_expect_refusal(scene, 400, "MalformedPOSTRequest");
}

#define MOVED(test)                                                                                \
    cmocka_unit_test_setup_teardown(test, plan_scene_set_up_moved, plan_scene_tear_down)
#define HOST_SIGNS(test)                                                                           \
    cmocka_unit_test_setup_teardown(test, plan_scene_set_up_host_signs, plan_scene_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        MOVED(the_fields_are_asked_for_first),
        MOVED(the_policy_is_written_and_signed_anew),
        MOVED(a_form_that_is_not_signed_keeps_all_but_its_bucket),
        MOVED(a_form_that_is_not_believed_is_refused),
        HOST_SIGNS(the_host_signs_forms_with_its_token),
        MOVED(what_is_no_form_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
