#include "proxy/gateway/s3_error.h"
#include "proxy/gateway/xml_text.h"
#include "tests/unit/unit.h"

#include <string.h>

static void an_error_is_the_document_that_s3_would_send(void **unused)
{
    (void)unused;
    struct text text = {0};
    const struct s3_error_detail details[] = {{"AWSAccessKeyId", span_of_text("AKIA")}};
    const struct s3_error error = {S3_SIGNATURE_DOES_NOT_MATCH, NULL};
    s3_error_print(&(struct s3_error_document){.code = s3_error_text(error.code),
                       .message = s3_error_message(&error),
                       .resource = span_of_text("/shop-eu/a&b<c"),
                       .request_id = "4442587FB7D0A2F9",
                       .host_id = "aG9zdA==",
                       .details = details,
                       .detail_count = 1},
        &text);
    assert_string_equal(text.data,
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
        "<Error><Code>SignatureDoesNotMatch</Code><Message>The request signature we calculated "
        "does not match the signature you provided. Check your key and signing "
        "method.</Message><AWSAccessKeyId>AKIA</AWSAccessKeyId>"
        "<Resource>/shop-eu/a&amp;b&lt;c</Resource><RequestId>4442587FB7D0A2F9</RequestId>"
        "<HostId>aG9zdA==</HostId></Error>");
    text_fini(&text);
}

static void every_code_has_its_status_and_words(void **unused)
{
    (void)unused;
    for (unsigned code = 0; code < S3_ERROR_CODES; code++) {
        assert_in_range(s3_error_status(code), 400, 503);
        assert_true(strlen(s3_error_text(code)) > 3);
        assert_true(strlen(s3_error_message(&(struct s3_error){code, NULL})) > 3);
    }
    assert_int_equal(s3_error_status(S3_SLOW_DOWN), 503);
    assert_int_equal(s3_error_status(S3_SERVICE_UNAVAILABLE), 503);
    assert_int_equal(s3_error_status(S3_NO_SUCH_UPLOAD), 404);
    assert_int_equal(s3_error_status(S3_INVALID_ARGUMENT), 400);
    assert_int_equal(s3_error_status(S3_BAD_GATEWAY), 502);
}

static void what_no_document_can_hold_becomes_a_question_mark(void **unused)
{
    (void)unused;
    struct text text = {0};
    xml_text_escape(&text, span_of("a\0b\x1f\xff\xc3\xa9\xc3\t\"'>\r", 13));
    assert_string_equal(text.data, "a?b??\xc3\xa9?\t&quot;'&gt;&#13;");
    text_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_error_is_the_document_that_s3_would_send),
        cmocka_unit_test(every_code_has_its_status_and_words),
        cmocka_unit_test(what_no_document_can_hold_becomes_a_question_mark),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
