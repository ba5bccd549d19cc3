/* Calls that are answered, refused, and in trouble, by an AWS that the test plays. */
#include "tests/unit/aws_scene.h"

#include "base/xml.h"

#define DESCRIBED                                                                                  \
    "<DescribeDBInstancesResponse xmlns=\"http://rds.amazonaws.com/doc/2014-10-31/\">"             \
    "<DescribeDBInstancesResult><DBInstances><DBInstance>"                                         \
    "<DBInstanceStatus>available</DBInstanceStatus></DBInstance></DBInstances>"                    \
    "</DescribeDBInstancesResult><ResponseMetadata><RequestId>4f1</RequestId></ResponseMetadata>"  \
    "</DescribeDBInstancesResponse>"
#define ERROR(code, message)                                                                       \
    "<ErrorResponse><Error><Type>Sender</Type><Code>" code "</Code><Message>" message              \
    "</Message></Error><RequestId>4f2</RequestId></ErrorResponse>"
#define PLAY(scene, ...)                                                                           \
    do {                                                                                           \
        const struct played_answer answers[] = {__VA_ARGS__};                                      \
        aws_scene_play((scene), answers, sizeof answers / sizeof *answers);                        \
    } while (0)
#define OK                                                                                         \
    {                                                                                              \
        "200 OK", NULL, DESCRIBED                                                                  \
    }
#define THROTTLED                                                                                  \
    {                                                                                              \
        "400 Bad Request", NULL, ERROR("Throttling", "Rate exceeded")                              \
    }
#define BROKEN                                                                                     \
    {                                                                                              \
        "500 Internal Server Error", NULL, ERROR("InternalFailure", "Sorry")                       \
    }
#define DROPPED                                                                                    \
    {                                                                                              \
        NULL, NULL, NULL                                                                           \
    }
#define SILENT                                                                                     \
    {                                                                                              \
        "silent", NULL, NULL                                                                       \
    }

static size_t asked(const struct aws_scene *scene)
{
    return played_http_count(scene->server);
}

static void a_query_goes_out_as_a_form_and_xml_comes_back(void **state)
{
    struct aws_scene *scene = *state;
    PLAY(scene, OK);
    aws_scene_call(scene, aws_scene_read(), 0);
    assert_int_equal(scene->result, AWS_ANSWERED);
    assert_string_equal(scene->request_id, "4f1");
    assert_string_equal(
        tree_text(scene->body, "DBInstances/DBInstance/DBInstanceStatus"), "available");
    const char *text = played_http_asked(scene->server, 0);
    assert_memory_equal(text, "POST / HTTP/1.1\r\n", 17);
    assert_non_null(strstr(text, "/us-west-2/rds/aws4_request, SignedHeaders="
                                 "content-type;host;x-amz-date, Signature="));
    assert_non_null(strstr(text, "\r\n\r\nAction=DescribeDBInstances&Version=2014-10-31&"
                                 "DBInstanceIdentifier=orders-standby"));
}

static void json_goes_out_with_its_target_and_json_comes_back(void **state)
{
    struct aws_scene *scene = *state;
    PLAY(scene, {"200 OK", "x-amzn-RequestId: 77\r\n", "{\"services\":[{\"status\":\"ACTIVE\"}]}"});
    struct aws_request request = {
        .service = &aws_ecs, .region = SCENE_REGION, .action = "DescribeServices"};
    text_put(&request.body, "{\"cluster\":\"shop\"}");
    setenv("AWS_SESSION_TOKEN", "the-token", 1);
    aws_scene_call(scene, request, 0);
    assert_int_equal(scene->result, AWS_ANSWERED);
    assert_string_equal(scene->request_id, "77");
    assert_true(cJSON_IsArray(tree_find(scene->body, "services")));
    const char *text = played_http_asked(scene->server, 0);
    assert_non_null(strstr(text, "X-Amz-Target: AmazonEC2ContainerServiceV20141113."
                                 "DescribeServices\r\n"));
    assert_non_null(strstr(text, "Content-Type: application/x-amz-json-1.1\r\n"));
    assert_non_null(strstr(text, "X-Amz-Security-Token: the-token\r\n"));
    assert_non_null(strstr(text, "x-amz-security-token;x-amz-target, Signature="));
    assert_non_null(strstr(text, "\r\n\r\n{\"cluster\":\"shop\"}"));
}

static void rest_goes_out_with_its_own_path_and_query(void **state)
{
    struct aws_scene *scene = *state;
    PLAY(scene, {"200 OK", NULL,
                    "<ReplicationConfiguration><Rule><Status>Enabled</Status></Rule>"
                    "</ReplicationConfiguration>"});
    aws_scene_call(scene,
        (struct aws_request){.service = &aws_s3,
            .region = SCENE_REGION,
            .action = "GetBucketReplication",
            .method = "GET",
            .path = "/shop-eu",
            .query = "replication"},
        0);
    assert_string_equal(tree_text(scene->body, "Rule/Status"), "Enabled");
    const char *text = played_http_asked(scene->server, 0);
    assert_memory_equal(text, "GET /shop-eu?replication HTTP/1.1\r\n", 35);
    assert_non_null(strstr(text, "host;x-amz-content-sha256;x-amz-date, Signature="));
}

static void a_refusal_is_told_with_code_and_request(void **state)
{
    struct aws_scene *scene = *state;
    PLAY(scene, {"400 Bad Request", NULL, ERROR("InvalidDBInstanceState", "Not now.")});
    aws_scene_call(scene, aws_scene_act(), 0);
    assert_int_equal(scene->result, AWS_REFUSED);
    assert_int_equal(scene->status, 400);
    assert_string_equal(scene->code, "InvalidDBInstanceState");
    assert_string_equal(scene->words, "rds PromoteReadReplica in us-west-2: "
                                      "InvalidDBInstanceState: Not now. (request 4f2)");
    assert_int_equal(asked(scene), 1);
}

static void what_is_throttled_is_asked_again_also_when_it_acts(void **state)
{
    struct aws_scene *scene = *state;
    PLAY(scene, THROTTLED, THROTTLED, OK);
    aws_scene_call(scene, aws_scene_act(), 0);
    assert_int_equal(scene->result, AWS_ANSWERED);
    assert_int_equal(asked(scene), 3);
}

static void a_read_that_failed_is_asked_again(void **state)
{
    struct aws_scene *scene = *state;
    PLAY(scene, BROKEN, DROPPED, OK);
    aws_scene_call(scene, aws_scene_read(), 0);
    assert_int_equal(scene->result, AWS_ANSWERED);
    assert_int_equal(asked(scene), 3);
}

static void an_act_that_may_have_been_done_is_sent_once(void **state)
{
    struct aws_scene *scene = *state;
    PLAY(scene, BROKEN, DROPPED, SILENT);
    aws_scene_call(scene, aws_scene_act(), 0);
    assert_int_equal(scene->result, AWS_TROUBLE);
    assert_int_equal(asked(scene), 1);
    assert_string_equal(scene->words, "rds PromoteReadReplica in us-west-2: InternalFailure: "
                                      "Sorry; it may have been done (request 4f2)");
    aws_scene_call(scene, aws_scene_act(), 0);
    assert_int_equal(scene->result, AWS_TROUBLE);
    assert_int_equal(asked(scene), 2);
    assert_non_null(strstr(scene->words, "it may have been done"));
    aws_scene_call(scene, aws_scene_act(), 300);
    assert_int_equal(scene->result, AWS_TROUBLE);
    assert_int_equal(asked(scene), 3);
    assert_string_equal(scene->words,
        "rds PromoteReadReplica in us-west-2: no reply came after 0 s; it may have been done");
}

/* libcurl sends again by itself when a kept connection turns out to be closed. */
static void an_act_is_sent_once_although_a_connection_was_kept(void **state)
{
    struct aws_scene *scene = *state;
    PLAY(scene, {"200 OK", NULL, DESCRIBED, true}, DROPPED, OK);
    aws_scene_call(scene, aws_scene_read(), 0);
    aws_scene_call(scene, aws_scene_act(), 0);
    assert_int_equal(scene->result, AWS_TROUBLE);
    assert_int_equal(asked(scene), 2);
}

static void an_act_that_may_be_repeated_is(void **state)
{
    struct aws_scene *scene = *state;
    PLAY(scene, DROPPED, BROKEN, OK);
    struct aws_request request = aws_scene_act();
    request.repeatable = true;
    aws_scene_call(scene, request, 0);
    assert_int_equal(scene->result, AWS_ANSWERED);
    assert_int_equal(asked(scene), 3);
}

/* The first try may be why the second is refused. */
static void a_refusal_after_doubt_is_no_refusal(void **state)
{
    struct aws_scene *scene = *state;
    PLAY(scene, DROPPED, {"400 Bad Request", NULL, ERROR("InvalidDBInstanceState", "Not now.")});
    struct aws_request request = aws_scene_act();
    request.repeatable = true;
    aws_scene_call(scene, request, 0);
    assert_int_equal(scene->result, AWS_TROUBLE);
    assert_string_equal(scene->code, "InvalidDBInstanceState");
    assert_non_null(strstr(scene->words, "Not now.; it may have been done (request 4f2)"));
}

static void an_endpoint_and_a_key_may_be_the_callers_own(void **state)
{
    struct aws_scene *scene = *state;
    struct aws_request request = {.service = &aws_s3,
        .region = SCENE_REGION,
        .action = "HeadBucket",
        .method = "HEAD",
        .path = "/shop-us"};
    PLAY(scene, {"200 OK", NULL, ""});
    setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1", 1);
    request.endpoint = scene->server->url;
    char id[] = "AKIDOWN", secret[] = "own secret";
    const struct credential own = {.access_key_id = id, .secret = secret};
    scene->aws = aws_new_as(&scene->loop, scene->client, scene->config, &own);
    aws_scene_call(scene, request, 0);
    assert_int_equal(scene->result, AWS_ANSWERED);
    const char *text = played_http_asked(scene->server, 0);
    assert_memory_equal(text, "HEAD /shop-us HTTP/1.1\r\n", 24);
    assert_non_null(strstr(text, "Credential=AKIDOWN/"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        AWS_TEST(a_query_goes_out_as_a_form_and_xml_comes_back),
        AWS_TEST(json_goes_out_with_its_target_and_json_comes_back),
        AWS_TEST(rest_goes_out_with_its_own_path_and_query),
        AWS_TEST(an_endpoint_and_a_key_may_be_the_callers_own),
        AWS_TEST(a_refusal_is_told_with_code_and_request),
        AWS_TEST(what_is_throttled_is_asked_again_also_when_it_acts),
        AWS_TEST(a_read_that_failed_is_asked_again),
        AWS_TEST(an_act_that_may_have_been_done_is_sent_once),
        AWS_TEST(an_act_is_sent_once_although_a_connection_was_kept),
        AWS_TEST(an_act_that_may_be_repeated_is),
        AWS_TEST(a_refusal_after_doubt_is_no_refusal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
