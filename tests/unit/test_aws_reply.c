/* What replies are taken for: every shape that AWS gives an error, and what is none of them. */
#include "failover/aws/call_parts.h"

#include "base/xml.h"

#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* `header`: one, or NULL. */
static struct aws_understood understand_with(const struct aws_service *service, unsigned status,
    const char *name, const char *value, const char *body)
{
    struct aws_understood understood;
    struct http_header header = {span_of_text(name ? name : ""), span_of_text(value ? value : "")};
    struct http_client_reply reply = {.status = status,
        .sent = true,
        .body = span_of_text(body),
        .headers = &header,
        .header_count = name != NULL};
    aws_understand(service, "POST", "DescribeThings", &reply, &understood);
    return understood;
}

static struct aws_understood understand(
    const struct aws_service *service, unsigned status, const char *body)
{
    return understand_with(service, status, NULL, NULL, body);
}

static void assert_refusal(
    struct aws_understood reply, const char *code, const char *message, const char *request_id)
{
    assert_int_equal(reply.meaning, AWS_MEANS_REFUSAL);
    assert_string_equal(reply.code, code);
    assert_string_equal(reply.message, message);
    assert_string_equal(reply.request_id, request_id);
    assert_null(reply.body);
}

/* Somebody on the way, say: an empty list would be one. */
static void an_answer_of_a_query_service_with_nothing_in_it_is_none(void **state)
{
    (void)state;
    struct aws_understood reply = understand(&aws_rds, 200, "");
    assert_int_equal(reply.meaning, AWS_MEANS_UNSURE);
    assert_non_null(strstr(reply.trouble, "nothing in it"));
    assert_int_equal(understand(&aws_s3, 200, "").meaning, AWS_MEANS_ANSWER);
}

static void errors_of_query_services_are_understood(void **state)
{
    (void)state;
    assert_refusal(
        understand(&aws_rds, 404,
            "<ErrorResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\"><Error>"
            "<Type>Sender</Type><Code>DBInstanceNotFound</Code><Message>DBInstance a not "
            "found.</Message></Error><RequestId>b25</RequestId></ErrorResponse>"),
        "DBInstanceNotFound", "DBInstance a not found.", "b25");
}

static void errors_of_ec2_are_understood(void **state)
{
    (void)state;
    assert_refusal(understand(&aws_ec2, 400,
                       "<Response><Errors><Error><Code>InvalidInstanceID.NotFound</Code>"
                       "<Message>The instance ID 'i-1' does not exist</Message></Error></Errors>"
                       "<RequestID>ea9</RequestID></Response>"),
        "InvalidInstanceID.NotFound", "The instance ID 'i-1' does not exist", "ea9");
}

static void errors_of_s3_and_route_53_are_understood(void **state)
{
    (void)state;
    assert_refusal(understand(&aws_s3, 404,
                       "<Error><Code>NoSuchBucket</Code><Message>The specified bucket does not "
                       "exist</Message><RequestId>4442</RequestId></Error>"),
        "NoSuchBucket", "The specified bucket does not exist", "4442");
    assert_refusal(understand(&aws_route53, 400,
                       "<InvalidChangeBatch><Messages><Message>Tried to create it, but it "
                       "exists</Message></Messages><RequestId>9</RequestId></InvalidChangeBatch>"),
        "InvalidChangeBatch", "Tried to create it, but it exists", "9");
    assert_refusal(understand(&aws_route53, 400,
                       "<ErrorResponse><Error><Type>Sender</Type><Code>NoSuchHostedZone</Code>"
                       "<Message>No</Message></Error><RequestId>8</RequestId></ErrorResponse>"),
        "NoSuchHostedZone", "No", "8");
}

static void errors_of_json_services_are_understood(void **state)
{
    (void)state;
    assert_refusal(understand_with(&aws_codedeploy, 400, "x-amzn-RequestId", "77",
                       "{\"__type\":\"com.amazonaws.codedeploy#ApplicationDoesNotExistException\","
                       "\"message\":\"No application\"}"),
        "ApplicationDoesNotExistException", "No application", "77");
    assert_refusal(understand_with(&aws_ecs, 400, "x-amzn-RequestId", "78",
                       "{\"__type\":\"ClusterNotFoundException\",\"Message\":\"No cluster\"}"),
        "ClusterNotFoundException", "No cluster", "78");
    assert_refusal(understand_with(&aws_ssm, 400, "x-amzn-ErrorType",
                       "InvalidDocument:http://internal.amazon.com/coral/", "{\"message\":\"m\"}"),
        "InvalidDocument", "m", "");
    assert_refusal(understand_with(&aws_ssm, 400, "X-Amzn-Errortype", "InvalidDocument", ""),
        "InvalidDocument", "", "");
}

/* As moto refuses keys and rights, whatever the service speaks. */
static void an_error_in_xml_is_understood_of_a_json_service_too(void **state)
{
    (void)state;
    static const char denied[] =
        "<ErrorResponse><Errors><Error><Code>AccessDenied</Code><Message>Not you</Message>"
        "</Error></Errors><RequestId>7</RequestId></ErrorResponse>";
    assert_refusal(understand(&aws_ecs, 403, denied), "AccessDenied", "Not you", "7");
    assert_int_equal(understand(&aws_ecs, 200, denied).meaning, AWS_MEANS_UNSURE);
    assert_int_equal(understand(&aws_ecs, 403, "<html><p>").meaning, AWS_MEANS_UNSURE);
}

static enum aws_meaning meaning_of_code(unsigned status, const char *code)
{
    char body[256];
    snprintf(
        body, sizeof body, "<ErrorResponse><Error><Code>%s</Code></Error></ErrorResponse>", code);
    struct aws_understood reply = understand(&aws_rds, status, body);
    assert_string_equal(reply.code, code);
    return reply.meaning;
}

static void throttles_are_known_and_quotas_are_none(void **state)
{
    (void)state;
    static const char *const codes[] = {"Throttling", "ThrottlingException", "ThrottledException",
        "RequestThrottled", "RequestThrottledException", "RequestLimitExceeded",
        "TooManyRequestsException", "PriorRequestNotComplete", "SlowDown", "BandwidthLimitExceeded",
        "EC2ThrottledException"};
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++) {
        assert_int_equal(meaning_of_code(400, codes[i]), AWS_MEANS_THROTTLE);
        assert_int_equal(meaning_of_code(503, codes[i]), AWS_MEANS_THROTTLE);
    }
    assert_int_equal(understand(&aws_rds, 429, "").meaning, AWS_MEANS_THROTTLE);
    assert_int_equal(meaning_of_code(400, "LimitExceeded"), AWS_MEANS_REFUSAL);
    assert_int_equal(meaning_of_code(400, "LimitExceededException"), AWS_MEANS_REFUSAL);
    assert_int_equal(meaning_of_code(400, "InstanceLimitExceeded"), AWS_MEANS_REFUSAL);
}

static void clocks_and_expired_credentials_are_known(void **state)
{
    (void)state;
    static const char *const clocks[] = {"AuthFailure", "InvalidSignatureException",
        "RequestExpired", "RequestTimeTooSkewed", "SignatureDoesNotMatch"};
    for (size_t i = 0; i < sizeof clocks / sizeof *clocks; i++)
        assert_int_equal(meaning_of_code(403, clocks[i]), AWS_MEANS_CLOCK);
    assert_int_equal(meaning_of_code(403, "ExpiredToken"), AWS_MEANS_EXPIRED);
    assert_int_equal(meaning_of_code(400, "ExpiredTokenException"), AWS_MEANS_EXPIRED);
    assert_int_equal(meaning_of_code(403, "AccessDenied"), AWS_MEANS_REFUSAL);
    assert_int_equal(meaning_of_code(403, "InvalidClientTokenId"), AWS_MEANS_REFUSAL);
}

static void capacity_that_is_short_is_a_refusal_of_any_status(void **state)
{
    (void)state;
    assert_int_equal(meaning_of_code(500, "InsufficientInstanceCapacity"), AWS_MEANS_REFUSAL);
    assert_int_equal(meaning_of_code(400, "InsufficientDBInstanceCapacity"), AWS_MEANS_REFUSAL);
    assert_int_equal(meaning_of_code(501, "NotImplemented"), AWS_MEANS_REFUSAL);
}

static void what_is_broken_or_slow_is_unsure(void **state)
{
    (void)state;
    assert_int_equal(meaning_of_code(500, "InternalFailure"), AWS_MEANS_UNSURE);
    assert_int_equal(meaning_of_code(503, "ServiceUnavailable"), AWS_MEANS_UNSURE);
    assert_int_equal(meaning_of_code(400, "RequestTimeout"), AWS_MEANS_UNSURE);
    struct aws_understood reply = understand(&aws_rds, 200, "<html><body>");
    assert_int_equal(reply.meaning, AWS_MEANS_UNSURE);
    assert_string_equal(reply.trouble, "not valid XML: no element found");
    assert_int_equal(understand(&aws_ecs, 200, "<a/>").meaning, AWS_MEANS_UNSURE);
}

/* Somebody on the way: AWS has not said no. */
static void a_status_without_a_code_is_unsure_but_after_head(void **state)
{
    (void)state;
    struct aws_understood reply = understand(&aws_rds, 403, "<html>Forbidden</html>");
    assert_int_equal(reply.meaning, AWS_MEANS_UNSURE);
    assert_string_equal(reply.trouble, "it answered with status 403 and no code");
    struct http_client_reply head = {.status = 404, .sent = true};
    aws_understand(&aws_s3, "HEAD", "HeadBucket", &head, &reply);
    assert_int_equal(reply.meaning, AWS_MEANS_REFUSAL);
    assert_string_equal(reply.code, "HTTP 404");
}

static void what_was_not_sent_is_told_from_what_may_have_been_done(void **state)
{
    (void)state;
    struct aws_understood reply;
    struct http_client_reply silence = {.error = -ETIMEDOUT, .words = "w", .sent = false};
    aws_understand(&aws_rds, NULL, "A", &silence, &reply);
    assert_int_equal(reply.meaning, AWS_MEANS_UNSENT);
    assert_string_equal(reply.trouble, "connection timed out");
    silence.sent = true;
    aws_understand(&aws_rds, NULL, "A", &silence, &reply);
    assert_int_equal(reply.meaning, AWS_MEANS_UNSURE);
    assert_string_equal(reply.trouble, "no reply came");
    silence = (struct http_client_reply){.error = -EACCES, .words = "a bad certificate"};
    aws_understand(&aws_rds, NULL, "A", &silence, &reply);
    assert_int_equal(reply.meaning, AWS_MEANS_HOPELESS);
    assert_string_equal(reply.trouble, "a bad certificate");
}

static void an_answer_is_unwrapped(void **state)
{
    (void)state;
    struct aws_understood reply = understand(&aws_rds, 200,
        "<DescribeThingsResponse><DescribeThingsResult><A>1</A></DescribeThingsResult>"
        "<ResponseMetadata><RequestId>5</RequestId></ResponseMetadata></DescribeThingsResponse>");
    assert_int_equal(reply.meaning, AWS_MEANS_ANSWER);
    assert_string_equal(tree_text(reply.body, "A"), "1");
    assert_string_equal(reply.request_id, "5");
    aws_understood_fini(&reply);
    reply = understand(&aws_ec2, 200,
        "<DescribeThingsResponse><requestId>6</requestId><A>1</A></DescribeThingsResponse>");
    assert_string_equal(tree_text(reply.body, "A"), "1");
    assert_string_equal(reply.request_id, "6");
    aws_understood_fini(&reply);
    reply = understand(&aws_s3, 200, "");
    assert_int_equal(reply.meaning, AWS_MEANS_ANSWER);
    assert_null(reply.body);
}

static void words_are_one_line_within_their_bound(void **state)
{
    (void)state;
    char body[2000];
    int size = snprintf(body, sizeof body, "<Error><Code>A</Code><Message>a\nb&#9;");
    for (int i = 0; i < 400; i++, size += 2)
        memcpy(body + size, "\xc3\xa9", 2);
    snprintf(body + size, sizeof body - (size_t)size, "</Message></Error>");
    struct aws_understood reply = understand(&aws_s3, 400, body);
    assert_memory_equal(reply.message, "a b \xc3\xa9", 6);
    assert_int_equal(strlen(reply.message), AWS_MESSAGE_SIZE - 2); /* no half letter */
    assert_null(strpbrk(reply.message, "\n\t"));
}

static uint64_t date_of(const char *text)
{
    return understand_with(&aws_rds, 500, "Date", text, "").date_s;
}

static void the_servers_date_is_read(void **state)
{
    (void)state;
    assert_int_equal(date_of("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
    assert_int_equal(date_of("Mon, 23 Nov 2026 12:00:00 GMT"), 1795435200);
    assert_int_equal(date_of("Sun, 06 Foo 1994 08:49:37 GMT"), 0);
    assert_int_equal(date_of("Sun, 06 anF 1994 08:49:37 GMT"), 0);
    assert_int_equal(date_of("yesterday"), 0);
    assert_int_equal(date_of(""), 0);
}

static void a_wait_that_the_server_wants_is_read(void **state)
{
    (void)state;
    assert_int_equal(understand_with(&aws_rds, 503, "Retry-After", "7", "").retry_after_ms, 7000);
    assert_int_equal(understand_with(&aws_rds, 503, "Retry-After", "", "").retry_after_ms, 0);
    assert_int_equal(understand_with(&aws_rds, 503, "Retry-After", "soon", "").retry_after_ms, 0);
    struct http_header headers[] = {
        {span_of_text("Date"), span_of_text("Sun, 06 Nov 1994 08:49:37 GMT")},
        {span_of_text("Retry-After"), span_of_text("Sun, 06 Nov 1994 08:49:40 GMT")}};
    struct http_client_reply http = {.status = 503, .headers = headers, .header_count = 2};
    struct aws_understood reply;
    aws_understand(&aws_rds, NULL, "A", &http, &reply);
    assert_int_equal(reply.retry_after_ms, 3000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_of_a_query_service_with_nothing_in_it_is_none),
        cmocka_unit_test(errors_of_query_services_are_understood),
        cmocka_unit_test(errors_of_ec2_are_understood),
        cmocka_unit_test(errors_of_s3_and_route_53_are_understood),
        cmocka_unit_test(errors_of_json_services_are_understood),
        cmocka_unit_test(an_error_in_xml_is_understood_of_a_json_service_too),
        cmocka_unit_test(throttles_are_known_and_quotas_are_none),
        cmocka_unit_test(clocks_and_expired_credentials_are_known),
        cmocka_unit_test(capacity_that_is_short_is_a_refusal_of_any_status),
        cmocka_unit_test(what_is_broken_or_slow_is_unsure),
        cmocka_unit_test(a_status_without_a_code_is_unsure_but_after_head),
        cmocka_unit_test(what_was_not_sent_is_told_from_what_may_have_been_done),
        cmocka_unit_test(an_answer_is_unwrapped),
        cmocka_unit_test(words_are_one_line_within_their_bound),
        cmocka_unit_test(the_servers_date_is_read),
        cmocka_unit_test(a_wait_that_the_server_wants_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
