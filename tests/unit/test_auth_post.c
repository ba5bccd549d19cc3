/* A browser's form: whose policy it is, and what it allows. */
#include "tests/unit/auth_scene.h"

#include <openssl/evp.h>
#include <stdio.h>

#define GOOD_CONDITIONS                                                                            \
    "{\"bucket\":\"shop-assets\"},[\"starts-with\",\"$key\",\"user/\"],{\"acl\":\"private\"},"     \
    "[\"eq\",\"$x-amz-algorithm\",\"AWS4-HMAC-SHA256\"],[\"starts-with\",\"$x-amz-credential\","   \
    "\"\"],[\"starts-with\",\"$x-amz-date\",\"\"],[\"content-length-range\",1,1048576]"

struct form {
    struct auth_scene *scene;
    struct http_header fields[AUTH_FIELDS_MOST + 1];
    struct auth_form form;
    char policy[4096], signature[SIGV4_SIGNATURE_SIZE];
    struct auth_limits limits;
};

static void put(struct form *form, const char *name, const char *value)
{
    for (size_t i = 0; i < form->form.count; i++) {
        if (http_header_is(&form->fields[i], span_of_text(name))) {
            form->fields[i].value = span_of_text(value);
            return;
        }
    }
    form->fields[form->form.count++] =
        (struct http_header){span_of_text(name), span_of_text(value)};
}

static void sign(struct form *form)
{
    struct sigv4_key key = {0};
    struct sigv4_scope scope = {
        span_of_text("20261123"), span_of_text("eu-west-1"), span_of_text("s3")};
    assert_int_equal(sigv4_key_prepare(&form->scene->sigv4, &key, form->scene->secret, &scope), 0);
    assert_int_equal(sigv4_sign_text(&key, span_of_text(form->policy), form->signature), 0);
    sigv4_key_fini(&key);
    put(form, "policy", form->policy);
    put(form, "x-amz-signature", form->signature);
}

static void set_policy_text(struct form *form, const char *text)
{
    assert_true(strlen(text) < sizeof form->policy / 2);
    EVP_EncodeBlock((unsigned char *)form->policy, (const unsigned char *)text, (int)strlen(text));
    sign(form);
}

static void set_policy(struct form *form, const char *expiration, const char *conditions)
{
    struct text text = {0};
    text_format(&text, "{\"expiration\":\"%s\",\"conditions\":[%s]}", expiration, conditions);
    set_policy_text(form, text.data);
    text_fini(&text);
}

static void set_conditions(struct form *form, const char *conditions)
{
    set_policy(form, "2026-11-23T13:00:00.000Z", conditions);
}

static struct form *make(struct form *form, struct auth_scene *scene)
{
    *form = (struct form){.scene = scene};
    form->form.fields = form->fields;
    form->form.bucket = span_of_text("shop-assets");
    put(form, "key", "user/a.jpg");
    put(form, "acl", "private");
    put(form, "X-Amz-Algorithm", "AWS4-HMAC-SHA256");
    put(form, "X-Amz-Credential", "AKIDEXAMPLE/20261123/eu-west-1/s3/aws4_request");
    put(form, "X-Amz-Date", SCENE_TIME);
    set_conditions(form, GOOD_CONDITIONS);
    return form;
}

static void expect(struct form *form, const struct auth_refusal *refusal)
{
    auth_verify_form(&form->scene->rules, &form->form, &form->scene->auth, &form->limits);
    if (form->scene->auth.refusal != refusal)
        print_message(
            "%s\n", form->scene->auth.refusal ? form->scene->auth.refusal->message : "verified");
    assert_ptr_equal(form->scene->auth.refusal, refusal);
    assert_int_equal(form->scene->auth.verdict, refusal ? AUTH_REFUSED : AUTH_VERIFIED);
}

static void a_form_that_its_policy_allows_is_verified(void **state)
{
    struct form form;
    expect(make(&form, *state), NULL);
    assert_string_equal(form.scene->auth.key->access_key_id, "AKIDEXAMPLE");
    assert_int_equal(form.scene->auth.way, AUTH_BY_FORM);
    assert_true(form.limits.least == 1 && form.limits.most == 1048576);
}

static void a_form_without_a_policy_is_anonymous(void **state)
{
    struct form form;
    make(&form, *state);
    form.form.count = 2;
    auth_verify_form(&form.scene->rules, &form.form, &form.scene->auth, &form.limits);
    assert_int_equal(form.scene->auth.verdict, AUTH_ANONYMOUS);
}

static void a_form_that_lacks_a_field_is_refused(void **state)
{
    static const char *const names[] = {
        "policy", "x-amz-signature", "x-amz-credential", "x-amz-date"};
    for (size_t i = 0; i < 4; i++) {
        struct form form;
        put(make(&form, *state), names[i], "");
        expect(&form, &auth_form_incomplete);
    }
}

static void an_old_form_is_refused(void **state)
{
    struct form form;
    put(make(&form, *state), "AWSAccessKeyId", "AKIDEXAMPLE");
    expect(&form, &auth_v2);
}

static void a_field_may_not_come_twice(void **state)
{
    struct form form;
    make(&form, *state);
    form.fields[form.form.count++] =
        (struct http_header){span_of_text("KEY"), span_of_text("admin/a.jpg")};
    expect(&form, &auth_form_incomplete);
}

static void a_form_has_its_bound(void **state)
{
    struct form form;
    static char names[AUTH_FIELDS_MOST + 1][24];
    make(&form, *state);
    for (size_t i = form.form.count; i < AUTH_FIELDS_MOST; i++) {
        snprintf(names[i], sizeof names[i], "x-ignore-%zu", i);
        put(&form, names[i], "");
    }
    expect(&form, NULL);
    put(&form, "x-ignore-more", "");
    expect(&form, &auth_form_incomplete);
}

static void a_tampered_policy_is_refused(void **state)
{
    struct form form;
    make(&form, *state);
    form.policy[20] ^= 1;
    expect(&form, &auth_bad_signature);
    sign(&form);
    form.signature[63] ^= 1;
    expect(&form, &auth_bad_signature);
    put(&form, "x-amz-signature", "abc");
    expect(&form, &auth_bad_signature);
}

static void the_claims_faults_are_told_apart(void **state)
{
    static const struct {
        const char *name, *value;
        const struct auth_refusal *refusal;
    } faults[] = {{"x-amz-algorithm", "AWS4-HMAC-SHA1", &auth_query_algorithm},
        {"x-amz-credential", "AKIDEXAMPLE", &auth_query_credential},
        {"x-amz-credential", "AKIDOTHER/20261123/eu-west-1/s3/aws4_request", &auth_unknown_key},
        {"x-amz-credential", "AKIDEXAMPLE/20261123/eu-west-3/s3/aws4_request", &auth_query_region},
        {"x-amz-credential", "AKIDEXAMPLE/20261123/eu-west-1/ec2/aws4_request",
            &auth_query_service},
        {"x-amz-date", "20261122T120000Z", &auth_query_date},
        {"x-amz-date", "20261123T250000Z", &auth_query_date},
        {"x-amz-security-token", "token", &auth_bad_token}};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        struct form form;
        put(make(&form, *state), faults[i].name, faults[i].value);
        expect(&form, faults[i].refusal);
    }
}

static void a_form_is_good_until_its_policy_expires(void **state)
{
    struct form form;
    make(&form, *state);
    form.scene->rules.now_s = SCENE_NOW_S + 3599;
    expect(&form, NULL);
    form.scene->rules.now_s = SCENE_NOW_S + 3600;
    expect(&form, &auth_policy_expired);
}

static void a_policy_must_expire_at_a_date(void **state)
{
    static const char *const dates[] = {"", "never", "2026-11-23", "2026-11-23T13:00:00",
        "2026-11-23T13:00:00.Zx", "2026-11-23T13:00:00+01:00", "2026-13-23T13:00:00Z"};
    struct form form;
    make(&form, *state);
    for (size_t i = 0; i < sizeof dates / sizeof *dates; i++) {
        set_policy(&form, dates[i], GOOD_CONDITIONS);
        expect(&form, &auth_policy_malformed);
    }
    set_policy(&form, "2026-11-23T13:00:00Z", GOOD_CONDITIONS);
    expect(&form, NULL);
}

static void a_value_that_a_condition_forbids_is_refused(void **state)
{
    struct form form;
    put(make(&form, *state), "key", "admin/a.jpg");
    expect(&form, &auth_policy_condition);
    put(make(&form, *state), "acl", "public-read");
    expect(&form, &auth_policy_condition);
    put(make(&form, *state), "acl", "private-not");
    expect(&form, &auth_policy_condition);
    put(make(&form, *state), "acl", "privat");
    expect(&form, &auth_policy_condition);
    make(&form, *state);
    form.form.bucket = span_of_text("other");
    expect(&form, &auth_policy_condition);
}

static void a_condition_without_its_field_fails(void **state)
{
    struct form form;
    set_conditions(make(&form, *state), GOOD_CONDITIONS ",{\"tagging\":\"\"}");
    expect(&form, &auth_policy_condition);
    set_conditions(&form, GOOD_CONDITIONS ",[\"starts-with\",\"$tagging\",\"a\"]");
    expect(&form, &auth_policy_condition);
    set_conditions(&form, GOOD_CONDITIONS ",[\"starts-with\",\"$tagging\",\"\"]");
    expect(&form, NULL);
}

static void a_field_without_a_condition_is_refused(void **state)
{
    struct form form;
    put(make(&form, *state), "x-amz-meta-a", "1");
    expect(&form, &auth_policy_extra);
    put(make(&form, *state), "x-ignore-a", "1");
    put(&form, "file", "data");
    expect(&form, NULL);
}

static void every_type_of_a_list_must_begin_as_the_condition_says(void **state)
{
    struct form form;
    put(make(&form, *state), "Content-Type", "image/png, image/jpeg");
    set_conditions(&form, GOOD_CONDITIONS ",[\"starts-with\",\"$Content-Type\",\"image/\"]");
    expect(&form, NULL);
    put(&form, "Content-Type", "image/png,text/html");
    expect(&form, &auth_policy_condition);
}

static void the_files_length_has_the_narrowest_bounds(void **state)
{
    struct form form;
    set_conditions(make(&form, *state), GOOD_CONDITIONS ",[\"content-length-range\",0,10]");
    expect(&form, NULL);
    assert_true(form.limits.least == 1 && form.limits.most == 10);
    assert_ptr_equal(auth_check_length(&form.limits, 0), &auth_policy_too_small);
    assert_null(auth_check_length(&form.limits, 1));
    assert_null(auth_check_length(&form.limits, 10));
    assert_ptr_equal(auth_check_length(&form.limits, 11), &auth_policy_too_large);
}

static void a_condition_that_is_none_makes_the_policy_malformed(void **state)
{
    static const char *const conditions[] = {"1", "{}", "{\"acl\":1}", "[]", "[\"eq\",\"$acl\"]",
        "[\"eq\",\"acl\",\"private\"]", "[\"eq\",\"\",\"private\"]", "[\"ne\",\"$acl\",\"a\"]",
        "[\"eq\",\"$acl\",1]", "[\"content-length-range\",\"$a\",1]",
        "[\"content-length-range\",-1,1]", "[\"eq\",\"$acl\",\"private\",1]", "[1,\"$acl\",\"\"]"};
    struct form form;
    make(&form, *state);
    for (size_t i = 0; i < sizeof conditions / sizeof *conditions; i++) {
        set_conditions(&form, conditions[i]);
        expect(&form, &auth_policy_malformed);
    }
}

static void a_policy_that_is_no_document_is_malformed(void **state)
{
    static const char *const texts[] = {"{}", "[]", "{", "null",
        "{\"expiration\":\"2026-11-23T13:00:00Z\"}",
        "{\"expiration\":\"2026-11-23T13:00:00Z\",\"conditions\":{}}"};
    struct form form;
    make(&form, *state);
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        set_policy_text(&form, texts[i]);
        expect(&form, &auth_policy_malformed);
    }
    static const char *const encoded[] = {"abc", "====", "a===", "!!!!", "e30"};
    for (size_t i = 0; i < sizeof encoded / sizeof *encoded; i++) {
        strcpy(form.policy, encoded[i]);
        sign(&form);
        expect(&form, &auth_policy_malformed);
    }
}

static void a_policy_has_its_bound(void **state)
{
    (void)state;
    static char policy[AUTH_POLICY_SIZE + 5];
    struct auth_form form = {0};
    struct auth_limits limits;
    memset(policy, 'A', sizeof policy - 1);
    assert_ptr_equal(
        auth_policy_check(span_of_text(policy), &form, 0, &limits), &auth_policy_malformed);
}

#define SCENE_TEST(name)                                                                           \
    cmocka_unit_test_setup_teardown(name, auth_scene_set_up, auth_scene_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        SCENE_TEST(a_form_that_its_policy_allows_is_verified),
        SCENE_TEST(a_form_without_a_policy_is_anonymous),
        SCENE_TEST(a_form_that_lacks_a_field_is_refused),
        SCENE_TEST(an_old_form_is_refused),
        SCENE_TEST(a_field_may_not_come_twice),
        SCENE_TEST(a_form_has_its_bound),
        SCENE_TEST(a_tampered_policy_is_refused),
        SCENE_TEST(the_claims_faults_are_told_apart),
        SCENE_TEST(a_form_is_good_until_its_policy_expires),
        SCENE_TEST(a_policy_must_expire_at_a_date),
        SCENE_TEST(a_value_that_a_condition_forbids_is_refused),
        SCENE_TEST(a_condition_without_its_field_fails),
        SCENE_TEST(a_field_without_a_condition_is_refused),
        SCENE_TEST(every_type_of_a_list_must_begin_as_the_condition_says),
        SCENE_TEST(the_files_length_has_the_narrowest_bounds),
        SCENE_TEST(a_condition_that_is_none_makes_the_policy_malformed),
        SCENE_TEST(a_policy_that_is_no_document_is_malformed),
        SCENE_TEST(a_policy_has_its_bound),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
