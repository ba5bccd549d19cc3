#include "base/credentials_reply.h"

#include "tests/unit/unit.h"

#include <errno.h>

#define XML(inside)                                                                                \
    "<AssumeRoleResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleResult>"   \
    "<AssumedRoleUser><Arn>arn</Arn></AssumedRoleUser><Credentials>" inside                        \
    "</Credentials></AssumeRoleResult></AssumeRoleResponse>"
#define KEYS                                                                                       \
    "<AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s&amp;1</SecretAccessKey>"                   \
    "<SessionToken>t1</SessionToken>"

static void check(int status, struct credential **found, const char *secret)
{
    struct credential *credential = *found;
    assert_int_equal(status, 0);
    assert_string_equal(credential->access_key_id, "ASIA1");
    assert_string_equal(credential->secret, secret);
    assert_string_equal(credential->session_token, "t1");
    assert_int_equal(credential->expires_s, 1795438800);
    credential_free(credential);
}

static void json_becomes_credentials(void **unused)
{
    (void)unused;
    struct credential *credential = NULL;
    struct failure why;
    const char *text = "{\"Code\":\"Success\",\"AccessKeyId\":\"ASIA1\",\"SecretAccessKey\":\"s1\","
                       "\"Token\":\"t1\",\"Expiration\":\"2026-11-23T13:00:00Z\"}";
    check(credentials_read_json(span_of_text(text), &credential, &why), &credential, "s1");
}

static void xml_becomes_credentials(void **unused)
{
    (void)unused;
    struct credential *credential = NULL;
    struct failure why;
    const char *text = XML(KEYS "<Expiration>2026-11-23T13:00:00.000Z</Expiration>");
    check(credentials_read_xml(span_of_text(text), &credential, &why), &credential, "s&1");
}

static void keys_without_token_or_end_last(void **unused)
{
    (void)unused;
    struct credential *credential = NULL;
    const char *text = "{\"AccessKeyId\":\"AKIA1\",\"SecretAccessKey\":\"s1\"}";
    assert_int_equal(credentials_read_json(span_of_text(text), &credential, NULL), 0);
    assert_null(credential->session_token);
    assert_int_equal(credential->expires_s, 0);
    credential_free(credential);
}

static void the_services_own_words_are_passed_on(void **unused)
{
    (void)unused;
    struct credential *credential = NULL;
    struct failure why;
    const char *json = "{\"code\":\"AccessDenied\",\"message\":\"not you\"}";
    const char *xml = "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code>"
                      "<Message>not you</Message></Error></ErrorResponse>";
    assert_int_equal(credentials_read_json(span_of_text(json), &credential, &why), -EINVAL);
    assert_string_equal(why.text, "AccessDenied: not you");
    assert_int_equal(credentials_read_xml(span_of_text(xml), &credential, &why), -EINVAL);
    assert_string_equal(why.text, "AccessDenied: not you");
    assert_null(credential);
}

static void a_reply_that_holds_none_is_refused(void **unused)
{
    (void)unused;
    static const char *const texts[] = {"", "null", "[]", "{}", "{", "{\"AccessKeyId\":\"a\"}",
        "{\"AccessKeyId\":\"\",\"SecretAccessKey\":\"s\"}",
        "{\"AccessKeyId\":1,\"SecretAccessKey\":\"s\"}",
        "{\"AccessKeyId\":\"a\\r\\nX: y\",\"SecretAccessKey\":\"s\"}",
        "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"s\",\"Token\":\"t\\n\"}",
        "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"s\",\"Expiration\":\"soon\"}"};
    struct credential *credential = NULL;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(credentials_read_json(span_of_text(texts[i]), &credential, NULL), -EINVAL);
        assert_null(credential);
    }
}

static void xml_that_holds_none_is_refused(void **unused)
{
    (void)unused;
    static const char *const texts[] = {"", "<a>", "text", XML(""),
        XML("<AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>s1</SecretAccessKey>"),
        XML(KEYS "<Expiration>soon</Expiration>"),
        "<a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a><a>" KEYS
        "</a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a></a>"};
    struct credential *credential = NULL;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        assert_int_equal(credentials_read_xml(span_of_text(texts[i]), &credential, NULL), -EINVAL);
        assert_null(credential);
    }
}

static void entities_are_not_expanded(void **unused)
{
    (void)unused;
    struct credential *credential = NULL;
    const char *text = "<!DOCTYPE a [<!ENTITY e \"x\">]><a><AccessKeyId>&e;</AccessKeyId>"
                       "<SecretAccessKey>s</SecretAccessKey><SessionToken>t</SessionToken></a>";
    assert_int_equal(credentials_read_xml(span_of_text(text), &credential, NULL), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(json_becomes_credentials),
        cmocka_unit_test(xml_becomes_credentials),
        cmocka_unit_test(keys_without_token_or_end_last),
        cmocka_unit_test(the_services_own_words_are_passed_on),
        cmocka_unit_test(a_reply_that_holds_none_is_refused),
        cmocka_unit_test(xml_that_holds_none_is_refused),
        cmocka_unit_test(entities_are_not_expanded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
