/* What passes, what gets a new shape, and who is refused. */
#include "tests/unit/plan_scene.h"

#include "proxy/gateway/http_fields.h"

#include <errno.h>

static void ask(struct plan_scene *scene, const char *method, const char *host, const char *target)
{
    plan_scene_request(scene, method, host, target);
    auth_scene_sign(scene->auth, NULL);
    plan_scene_ask(scene, NULL, false);
}

static void expect_signed(struct plan_scene *scene, const char *key, const char *region)
{
    char credential[128];
    snprintf(credential, sizeof credential, SIGV4_ALGORITHM " Credential=%s/20261123/%s/s3/", key,
        region);
    assert_true(spans_begins(plan_scene_sent(scene, "authorization"), credential));
}

static void what_needs_no_new_name_is_sent_as_it_came(void **state)
{
    struct plan_scene *scene = *state;
    ask(scene, "GET", EU_STORE, "/shop-eu/a%2Fb?x");
    assert_int_equal(scene->plan.verdict, PLAN_FORWARD);
    assert_ptr_equal(scene->plan.send, &scene->request);
    assert_string_equal(scene->plan.origin.host, "127.0.0.1");
    assert_int_equal(scene->plan.origin.port, 7070);
    assert_null(scene->plan.mapper);
    assert_null(scene->plan.request_filter);
    assert_false(scene->plan.has_unknown_key);
}

static void a_signature_that_passes_is_s3s_to_judge(void **state)
{
    struct plan_scene *scene = *state;
    scene->auth->secret = "guess";
    ask(scene, "GET", EU_STORE, "/shop-eu/k");
    assert_ptr_equal(scene->plan.send, &scene->request);
    assert_false(scene->plan.has_unknown_key);
}

static void a_key_that_is_not_known_passes_and_is_told(void **state)
{
    struct plan_scene *scene = *state;
    scene->auth->access_key_id = "AKIDOTHER";
    ask(scene, "GET", EU_STORE, "/shop-eu/k");
    assert_ptr_equal(scene->plan.send, &scene->request);
    assert_true(scene->plan.has_unknown_key);
    plan_scene_request(scene, "GET", EU_STORE, "/shop-eu/k?AWSAccessKeyId=AKID&Signature=x");
    plan_scene_ask(scene, NULL, false);
    assert_true(scene->plan.has_unknown_key); /* version 2: no key could verify it */
    plan_scene_request(scene, "GET", EU_STORE, "/shop-eu/k");
    plan_scene_ask(scene, NULL, false);
    assert_false(scene->plan.has_unknown_key);
    scene->planner.is_waiting = true; /* it may be the host's */
    ask(scene, "GET", EU_STORE, "/shop-eu/k");
    assert_false(scene->plan.has_unknown_key);
}

static void a_list_of_buckets_passes_and_its_answer_is_mapped(void **state)
{
    struct plan_scene *scene = *state;
    ask(scene, "GET", EU_STORE, "/");
    assert_ptr_equal(scene->plan.send, &scene->request);
    assert_non_null(scene->plan.mapper);
}

static void a_foreign_host_is_refused(void **state)
{
    struct plan_scene *scene = *state;
    ask(scene, "GET", "evil.example", "/shop-eu/k");
    plan_scene_expect_refusal(scene, 403, "AccessDenied");
    assert_int_equal(scene->plan.error, GATEWAY_ERROR_FOREIGN_HOST);
}

static void an_undecided_bucket_can_be_asked_again(void **state)
{
    struct plan_scene *scene = *state;
    scene->endpoints[0].region = CONFIG_NONE;
    ask(scene, "GET", EU_STORE, "/shop-eu/k");
    plan_scene_expect_refusal(scene, 503, "SlowDown");
    assert_int_equal(scene->plan.answer.retry_after_s, 1);
    assert_int_equal(scene->plan.error, GATEWAY_ERROR_UNDECIDED);
}

static void a_request_for_the_other_region_is_signed_anew(void **state)
{
    struct plan_scene *scene = *state;
    plan_scene_request(scene, "PUT", EU_STORE, "/shop-eu/a%2Fb?x");
    auth_scene_set(scene->auth, "x-amz-meta-a", "b");
    auth_scene_sign(scene->auth, NULL);
    plan_scene_ask(scene, "body", false);
    expect_signed(scene, "AKIDEXAMPLE", "us-west-2");
    assert_span(scene->plan.send->target, "/shop-us/a%2Fb?x");
    assert_span(plan_scene_sent(scene, "host"), US_STORE);
    assert_span(plan_scene_sent(scene, "x-amz-meta-a"), "b");
    assert_span(plan_scene_sent(scene, "x-amz-content-sha256"), SIGV4_EMPTY_SHA256);
    assert_string_equal(scene->plan.origin.host, "127.0.0.2");
    assert_int_equal(scene->plan.send->framing, HTTP_FRAMING_LENGTH);
    assert_int_equal(scene->plan.send->length, 4);
    assert_non_null(scene->plan.mapper);
    assert_null(scene->plan.request_filter);
}

static void who_is_anonymous_stays_so(void **state)
{
    struct plan_scene *scene = *state;
    plan_scene_request(scene, "GET", EU_STORE, "/shop-eu/k");
    plan_scene_ask(scene, NULL, false);
    assert_span(scene->plan.send->target, "/shop-us/k");
    assert_int_equal(plan_scene_sent(scene, "authorization").size, 0);
}

static void who_is_not_believed_is_refused(void **state)
{
    struct plan_scene *scene = *state;
    scene->auth->secret = "guess";
    ask(scene, "GET", EU_STORE, "/shop-eu/k");
    plan_scene_expect_refusal(scene, 403, "SignatureDoesNotMatch");
    assert_int_equal(scene->plan.error, GATEWAY_ERROR_UNAUTHORIZED);
    scene->auth->access_key_id = "AKIDOTHER";
    ask(scene, "GET", EU_STORE, "/shop-eu/k");
    plan_scene_expect_refusal(scene, 403, "InvalidAccessKeyId");
    scene->planner.is_waiting = true;
    ask(scene, "GET", EU_STORE, "/shop-eu/k");
    plan_scene_expect_refusal(scene, 503, "SlowDown");
}

static void a_presigned_link_is_signed_by_header(void **state)
{
    struct plan_scene *scene = *state;
    plan_scene_request(scene, "GET", EU_STORE, "/shop-eu/k?versionId=1");
    auth_scene_set(scene->auth, "x-amz-content-sha256", NULL);
    auth_scene_presign(scene->auth, 60);
    plan_scene_ask(scene, NULL, false);
    expect_signed(scene, "AKIDEXAMPLE", "us-west-2");
    assert_span(scene->plan.send->target, "/shop-us/k?versionId=1");
    assert_span(plan_scene_sent(scene, "x-amz-content-sha256"), SIGV4_UNSIGNED_PAYLOAD);
}

static void signed_pieces_are_chained_anew(void **state)
{
    struct plan_scene *scene = *state;
    struct text out = {0};
    plan_scene_request(scene, "PUT", EU_STORE, "/shop-eu/k");
    auth_scene_set(scene->auth, "x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD");
    auth_scene_set(scene->auth, "x-amz-decoded-content-length", "5");
    auth_scene_sign(scene->auth, NULL);
    plan_scene_ask(scene, "5;chunk-signature=…", false);
    struct body_filter *filter = scene->plan.request_filter;
    assert_non_null(filter);
    assert_int_equal(scene->plan.send->framing, HTTP_FRAMING_LENGTH);
    assert_int_equal(scene->plan.send->length, 91 + 86); /* of 5 bytes, and of none */
    assert_int_equal(filter->push(filter, span_of_text("5;chunk\r\n"), &out), -EPROTO);
    struct answer why = filter->why(filter);
    assert_int_equal(why.status, 400);
    assert_int_equal(out.size, 0);
    text_fini(&out);
}

static void pieces_before_an_unknown_trailer_go_on_without_a_length(void **state)
{
    struct plan_scene *scene = *state;
    plan_scene_request(scene, "PUT", EU_STORE, "/shop-eu/k");
    auth_scene_set(
        scene->auth, "x-amz-content-sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER");
    auth_scene_set(scene->auth, "x-amz-decoded-content-length", "5");
    auth_scene_set(scene->auth, "x-amz-trailer", "x-amz-checksum-of-tomorrow");
    auth_scene_sign(scene->auth, NULL);
    plan_scene_ask(scene, "5;chunk-signature=…", false);
    assert_non_null(scene->plan.request_filter);
    assert_int_equal(scene->plan.send->framing, HTTP_FRAMING_CHUNKED);
}

#define RULE(bucket)                                                                               \
    "<ReplicationConfiguration><Rule><Destination><Bucket>arn:aws:s3:::" bucket                    \
    "</Bucket></Destination></Rule></ReplicationConfiguration>"

static void sign_document(struct plan_scene *scene, const char *body)
{
    static char hash[SIGV4_HASH_SIZE];
    assert_int_equal(sigv4_hash(&scene->auth->sigv4, span_of_text(body), hash), 0);
    plan_scene_request(scene, "PUT", EU_STORE, "/shop-eu?replication");
    auth_scene_set(scene->auth, "x-amz-content-sha256", hash);
    auth_scene_sign(scene->auth, NULL);
}

static void a_document_is_read_whole_and_rewritten(void **state)
{
    struct plan_scene *scene = *state;
    sign_document(scene, RULE("shop-us"));
    plan_scene_ask(scene, RULE("shop-us"), false);
    assert_int_equal(scene->plan.verdict, PLAN_COLLECT);
    assert_int_equal(scene->plan.collect_max, 1 << 20);
    plan_scene_ask(scene, RULE("shop-us"), true);
    expect_signed(scene, "AKIDEXAMPLE", "us-west-2");
    assert_string_equal(scene->plan.body.data, RULE("shop-eu"));
    assert_int_equal(scene->plan.send->length, scene->plan.body.size);
    assert_int_equal(plan_scene_sent(scene, "content-md5").size, 24);
}

static void a_document_that_is_not_the_signed_one_is_refused(void **state)
{
    struct plan_scene *scene = *state;
    sign_document(scene, RULE("shop-us"));
    plan_scene_ask(scene, RULE("shop-xx"), true);
    plan_scene_expect_refusal(scene, 400, "XAmzContentSHA256Mismatch");
    sign_document(scene, "<a>");
    plan_scene_ask(scene, "<a>", true);
    plan_scene_expect_refusal(scene, 400, "MalformedXML");
    auth_scene_set(scene->auth, "content-md5", "AAAAAAAAAAAAAAAAAAAAAA==");
    auth_scene_sign(scene->auth, NULL);
    plan_scene_ask(scene, "<a>", true);
    plan_scene_expect_refusal(scene, 400, "BadDigest");
}

static void nobodys_document_is_not_even_read(void **state)
{
    struct plan_scene *scene = *state;
    scene->auth->access_key_id = "AKIDOTHER";
    sign_document(scene, RULE("shop-us"));
    plan_scene_ask(scene, RULE("shop-us"), false);
    plan_scene_expect_refusal(scene, 403, "InvalidAccessKeyId");
}

static void the_host_signs_for_mapped_buckets_alone(void **state)
{
    struct plan_scene *scene = *state;
    ask(scene, "GET", EU_STORE, "/shop-eu/k");
    expect_signed(scene, "ASIAEXAMPLE", "us-west-2");
    assert_span(plan_scene_sent(scene, "x-amz-security-token"), "token");
    ask(scene, "GET", "127.0.0.80", "/unmapped/k");
    plan_scene_expect_refusal(scene, 403, "AccessDenied");
    plan_scene_request(scene, "PUT", EU_STORE, "/shop-eu/k");
    auth_scene_set(scene->auth, "x-amz-copy-source", "/unmapped/k");
    auth_scene_sign(scene->auth, NULL);
    plan_scene_ask(scene, NULL, false);
    plan_scene_expect_refusal(scene, 403, "AccessDenied");
    scene->planner.host = NULL;
    ask(scene, "GET", EU_STORE, "/shop-eu/k");
    plan_scene_expect_refusal(scene, 503, "ServiceUnavailable");
}

static void the_host_does_not_sign_for_who_is_anonymous(void **state)
{
    struct plan_scene *scene = *state;
    plan_scene_request(scene, "GET", EU_STORE, "/shop-eu/k");
    plan_scene_ask(scene, NULL, false);
    assert_int_equal(plan_scene_sent(scene, "authorization").size, 0);
}

static void xml_of_s3s_own_is_mapped_and_an_objects_bytes_are_not(void **state)
{
    struct plan_scene *scene = *state;
    struct http_head answer = {.status = 200, .framing = HTTP_FRAMING_CHUNKED, .header_count = 1};
    answer.headers[0] =
        (struct http_header){span_of_text("Content-Type"), span_of_text("text/xml")};
    ask(scene, "GET", EU_STORE, "/shop-eu/k");
    assert_int_equal(scene->plan.mapper->head(scene->plan.mapper, &answer), 0);
    assert_null(scene->plan.response_filter);
    ask(scene, "GET", EU_STORE, "/shop-eu?list-type=2");
    assert_int_equal(scene->plan.mapper->head(scene->plan.mapper, &answer), 0);
    struct body_filter *filter = scene->plan.response_filter;
    assert_non_null(filter);
    struct text out = {0};
    struct span page = span_of_text("<ListBucketResult><Name>shop-us</Name></ListBucketResult>");
    assert_int_equal(filter->push(filter, page, &out), 0);
    assert_int_equal(filter->finish(filter, &out), 0);
    assert_string_equal(out.data, "<ListBucketResult><Name>shop-eu</Name></ListBucketResult>");
    text_fini(&out);
    answer.status = 307;
    assert_int_equal(scene->plan.mapper->head(scene->plan.mapper, &answer), -EPROTO);
}

static void read_elsewhere(struct plan_scene *scene, struct plan *ret)
{
    struct plan_inputs inputs = {.planner = &scene->planner,
        .view = &scene->view,
        .request = &scene->request,
        .now_s = SCENE_NOW_S};
    assert_true(scene->plan.may_read_elsewhere);
    plan_read_elsewhere(ret, &inputs, &scene->plan);
}

static void a_read_that_passes_is_signed_anew_for_elsewhere(void **state)
{
    struct plan_scene *scene = *state;
    struct plan elsewhere;
    scene->config->endpoints[0].read_through = true;
    ask(scene, "GET", EU_STORE, "/shop-eu/k?versionId=v");
    assert_ptr_equal(scene->plan.send, &scene->request);
    read_elsewhere(scene, &elsewhere);
    assert_int_equal(elsewhere.verdict, PLAN_FORWARD);
    assert_span(elsewhere.send->target, "/shop-us/k?versionId=v");
    assert_string_equal(elsewhere.origin.host, "127.0.0.2");
    assert_true(spans_begins(http_find(elsewhere.send, "authorization")->value,
        SIGV4_ALGORITHM " Credential=AKIDEXAMPLE/20261123/us-west-2/s3/"));
    assert_int_equal(scene->endpoints[0].region, EU);
    plan_fini(&elsewhere);
}

static void a_read_that_moved_is_as_it_came_elsewhere(void **state)
{
    struct plan_scene *scene = *state;
    struct plan elsewhere;
    scene->config->endpoints[0].read_through = true;
    ask(scene, "HEAD", EU_STORE, "/shop-eu/k");
    assert_span(scene->plan.send->target, "/shop-us/k");
    read_elsewhere(scene, &elsewhere);
    assert_ptr_equal(elsewhere.send, &scene->request);
    assert_string_equal(elsewhere.origin.host, "127.0.0.1");
    plan_fini(&elsewhere);
}

static void nothing_is_signed_for_elsewhere_for_who_is_not_believed(void **state)
{
    struct plan_scene *scene = *state;
    struct plan elsewhere;
    scene->config->endpoints[0].read_through = true;
    scene->auth->secret = "guess";
    ask(scene, "GET", EU_STORE, "/shop-eu/k");
    read_elsewhere(scene, &elsewhere);
    assert_int_equal(elsewhere.verdict, PLAN_ANSWER);
    plan_fini(&elsewhere);
}

static void only_reads_of_objects_are_asked_elsewhere(void **state)
{
    struct plan_scene *scene = *state;
    static const struct {
        const char *method, *target;
    } others[] = {{"PUT", "/shop-eu/k"}, {"DELETE", "/shop-eu/k"}, {"GET", "/shop-eu"},
        {"HEAD", "/shop-eu"}, {"GET", "/shop-eu/k?acl"}, {"GET", "/shop.logs.eu/k"}, {"GET", "/"}};
    ask(scene, "GET", EU_STORE, "/shop-eu/k");
    assert_false(scene->plan.may_read_elsewhere);
    scene->config->endpoints[0].read_through = true;
    ask(scene, "GET", EU_STORE, "/shop-eu/k");
    assert_true(scene->plan.may_read_elsewhere);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        ask(scene, others[i].method, EU_STORE, others[i].target);
        assert_false(scene->plan.may_read_elsewhere);
    }
}

#define AT_HOME(test) cmocka_unit_test_setup_teardown(test, plan_scene_set_up, plan_scene_tear_down)
#define MOVED(test)                                                                                \
    cmocka_unit_test_setup_teardown(test, plan_scene_set_up_moved, plan_scene_tear_down)
#define HOST_SIGNS(test)                                                                           \
    cmocka_unit_test_setup_teardown(test, plan_scene_set_up_host_signs, plan_scene_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        AT_HOME(what_needs_no_new_name_is_sent_as_it_came),
        AT_HOME(a_signature_that_passes_is_s3s_to_judge),
        AT_HOME(a_key_that_is_not_known_passes_and_is_told),
        AT_HOME(a_list_of_buckets_passes_and_its_answer_is_mapped),
        AT_HOME(a_foreign_host_is_refused),
        AT_HOME(an_undecided_bucket_can_be_asked_again),
        AT_HOME(a_read_that_passes_is_signed_anew_for_elsewhere),
        MOVED(a_read_that_moved_is_as_it_came_elsewhere),
        AT_HOME(nothing_is_signed_for_elsewhere_for_who_is_not_believed),
        AT_HOME(only_reads_of_objects_are_asked_elsewhere),
        MOVED(a_request_for_the_other_region_is_signed_anew),
        MOVED(who_is_anonymous_stays_so),
        MOVED(who_is_not_believed_is_refused),
        MOVED(a_presigned_link_is_signed_by_header),
        MOVED(signed_pieces_are_chained_anew),
        MOVED(pieces_before_an_unknown_trailer_go_on_without_a_length),
        MOVED(a_document_is_read_whole_and_rewritten),
        MOVED(a_document_that_is_not_the_signed_one_is_refused),
        MOVED(nobodys_document_is_not_even_read),
        HOST_SIGNS(the_host_signs_for_mapped_buckets_alone),
        HOST_SIGNS(the_host_does_not_sign_for_who_is_anonymous),
        MOVED(xml_of_s3s_own_is_mapped_and_an_objects_bytes_are_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
