/* Where a request goes, and what goes out. */
#include "failover/aws/call_parts.h"

#include "tests/unit/sample.h"

#include <errno.h>
#include <stdlib.h>

#define NOW_S 1795435200 /* 2026-11-23T12:00:00Z */

static const struct credential credential = {
    .access_key_id = (char *)"AKIDEXAMPLE", .secret = (char *)"very secret"};

static void assert_endpoint(
    const struct aws_service *service, const char *region, const char *expected)
{
    struct config config = {.aws = {.endpoint_url = NULL}};
    struct aws aws = {.config = &config};
    char *endpoint = aws_endpoint(&aws, service, region);
    assert_string_equal(endpoint, expected);
    free(endpoint);
}

static void services_are_at_their_own_hosts(void **state)
{
    (void)state;
    unsetenv("AWS_ENDPOINT_URL");
    assert_endpoint(&aws_rds, "us-west-2", "https://rds.us-west-2.amazonaws.com");
    assert_endpoint(&aws_cloudwatch, "us-west-2", "https://monitoring.us-west-2.amazonaws.com");
    assert_endpoint(
        &aws_elbv2, "eu-west-1", "https://elasticloadbalancing.eu-west-1.amazonaws.com");
    assert_endpoint(&aws_s3, "eu-west-1", "https://s3.eu-west-1.amazonaws.com");
    assert_endpoint(&aws_rds, "cn-north-1", "https://rds.cn-north-1.amazonaws.com.cn");
    assert_endpoint(&aws_rds, "us-gov-west-1", "https://rds.us-gov-west-1.amazonaws.com");
    assert_endpoint(&aws_route53, "us-west-2", "https://route53.amazonaws.com");
    assert_endpoint(&aws_iam, "us-west-2", "https://iam.amazonaws.com");
    assert_endpoint(&aws_route53, "cn-north-1", "https://route53.amazonaws.com.cn");
    assert_endpoint(&aws_iam, "us-gov-east-1", "https://iam.us-gov.amazonaws.com");
    assert_string_equal(aws_signing_region(&aws_route53, "us-west-2"), "us-east-1");
    assert_string_equal(aws_signing_region(&aws_route53, "cn-north-1"), "cn-northwest-1");
    assert_string_equal(aws_signing_region(&aws_rds, "us-west-2"), "us-west-2");
}

static void the_most_particular_endpoint_counts(void **state)
{
    (void)state;
    struct config config = {.aws = {.endpoint_url = (char *)"http://of.the.file"}};
    struct aws aws = {.config = &config};
    setenv("AWS_ENDPOINT_URL", "http://of.all", 1);
    setenv("AWS_ENDPOINT_URL_AUTO_SCALING", "http://of.it", 1);
    char *its = aws_endpoint(&aws, &aws_autoscaling, "us-west-2");
    char *files = aws_endpoint(&aws, &aws_rds, "us-west-2");
    config.aws.endpoint_url = NULL;
    char *all = aws_endpoint(&aws, &aws_rds, "us-west-2");
    setenv("AWS_ENDPOINT_URL_AUTO_SCALING", "", 1);
    char *still_all = aws_endpoint(&aws, &aws_autoscaling, "us-west-2");
    assert_string_equal(its, "http://of.it");
    assert_string_equal(files, "http://of.the.file");
    assert_string_equal(all, "http://of.all");
    assert_string_equal(still_all, "http://of.all");
    unsetenv("AWS_ENDPOINT_URL");
    unsetenv("AWS_ENDPOINT_URL_AUTO_SCALING");
    free(its);
    free(files);
    free(all);
    free(still_all);
}

static struct aws_wanted wanted_of(const struct aws_service *service)
{
    return (struct aws_wanted){
        .service = service, .region = (char *)"us-west-2", .action = (char *)"ListThings"};
}

static void sign(const struct aws_wanted *wanted, const char *page_token, const char *endpoint,
    struct aws_signed *ret)
{
    struct failure why = {""};
    int status = aws_sign(wanted, page_token, endpoint, &credential, NOW_S, ret, &why);
    assert_string_equal(why.text, "");
    assert_int_equal(status, 0);
}

static const char *header(const struct aws_signed *request, const char *name)
{
    size_t size = strlen(name);
    for (char *const *line = request->headers; *line; line++) {
        if (strncmp(*line, name, size) == 0 && (*line)[size] == ':')
            return *line + size + 2;
    }
    return NULL;
}

static void an_endpoint_may_have_a_path_of_its_own(void **state)
{
    (void)state;
    struct aws_wanted wanted = wanted_of(&aws_rds);
    struct aws_signed request;
    sign(&wanted, NULL, "http://127.0.0.1:4566", &request);
    assert_string_equal(request.url, "http://127.0.0.1:4566/");
    assert_string_equal(header(&request, "Host"), "127.0.0.1:4566");
    aws_signed_fini(&request);
    sign(&wanted, NULL, "https://proxy.internal/aws/", &request);
    assert_string_equal(request.url, "https://proxy.internal/aws/");
    aws_signed_fini(&request);
    wanted = wanted_of(&aws_route53);
    wanted.method = (char *)"GET";
    wanted.path = (char *)"/2013-04-01/hostedzone/Z1/rrset";
    wanted.query = (char *)"name=a";
    sign(&wanted, NULL, "https://proxy.internal/aws/", &request);
    assert_string_equal(
        request.url, "https://proxy.internal/aws/2013-04-01/hostedzone/Z1/rrset?name=a");
    aws_signed_fini(&request);
}

static void what_is_no_url_is_refused_in_words(void **state)
{
    (void)state;
    struct aws_wanted wanted = wanted_of(&aws_rds);
    struct aws_signed request;
    struct failure why = {""};
    assert_int_equal(
        aws_sign(&wanted, NULL, "ftp://a", &credential, NOW_S, &request, &why), -EINVAL);
    assert_string_equal(why.text, "\"ftp://a\" is no URL");
    aws_signed_fini(&request);
}

static void forms_are_encoded(void **state)
{
    (void)state;
    struct text form = {0};
    aws_form(&form, "Tags.member.1", "a b&c=d/\xc3\xa9~");
    aws_form(&form, "Empty", "");
    aws_form_format(&form, "Count", "%u%%", 5u);
    assert_string_equal(form.data, "Tags.member.1=a%20b%26c%3Dd%2F%C3%A9~&Empty=&Count=5%25");
    text_fini(&form);
}

static const struct aws_paging paging = {"NextToken", "NextToken", "Things"};

static void assert_body(
    const struct aws_service *service, const char *body, const char *token, const char *expected)
{
    struct aws_wanted wanted = wanted_of(service);
    struct aws_signed request;
    wanted.paging = &paging;
    if (body)
        text_put(&wanted.body, body);
    sign(&wanted, token, "http://a", &request);
    assert_string_equal(request.body.data, expected);
    text_fini(&wanted.body);
    aws_signed_fini(&request);
}

static void the_next_page_is_asked_for_as_the_protocol_does(void **state)
{
    (void)state;
    assert_body(&aws_autoscaling, NULL, NULL, "Action=ListThings&Version=2011-01-01");
    assert_body(&aws_autoscaling, "A=b", NULL, "Action=ListThings&Version=2011-01-01&A=b");
    assert_body(
        &aws_autoscaling, "A=b", "x=", "Action=ListThings&Version=2011-01-01&A=b&NextToken=x%3D");
    assert_body(&aws_ecs, NULL, NULL, "{}");
    assert_body(&aws_ecs, NULL, "x", "{\"NextToken\":\"x\"}");
    assert_body(
        &aws_ecs, "{\"a\":1,\"NextToken\":\"old\"}", "x\"", "{\"a\":1,\"NextToken\":\"x\\\"\"}");
    struct aws_wanted wanted = wanted_of(&aws_s3);
    struct aws_signed request;
    wanted.paging = &paging;
    wanted.path = (char *)"/b";
    wanted.query = (char *)"list-type=2";
    sign(&wanted, "x/", "http://a", &request);
    assert_string_equal(request.url, "http://a/b?list-type=2&NextToken=x%2F");
    aws_signed_fini(&request);
}

static void s3_gets_hash_and_checksum(void **state)
{
    (void)state;
    struct aws_wanted wanted = wanted_of(&aws_s3);
    struct aws_signed request;
    wanted.method = (char *)"PUT";
    wanted.path = (char *)"/b";
    wanted.query = (char *)"replication";
    text_put(&wanted.body, "<a/>");
    sign(&wanted, NULL, "http://a", &request);
    assert_string_equal(header(&request, "x-amz-content-sha256"),
        "29114363f749a0226b6988dda3ca2492a954117ab6b5f382706c20300dabc079");
    assert_string_equal(
        header(&request, "x-amz-checksum-sha256"), "KRFDY/dJoCJraYjdo8okkqlUEXq2tfOCcGwgMA2rwHk=");
    text_fini(&wanted.body);
    aws_signed_fini(&request);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(services_are_at_their_own_hosts),
        cmocka_unit_test(the_most_particular_endpoint_counts),
        cmocka_unit_test(an_endpoint_may_have_a_path_of_its_own),
        cmocka_unit_test(what_is_no_url_is_refused_in_words),
        cmocka_unit_test(forms_are_encoded),
        cmocka_unit_test(the_next_page_is_asked_for_as_the_protocol_does),
        cmocka_unit_test(s3_gets_hash_and_checksum),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
