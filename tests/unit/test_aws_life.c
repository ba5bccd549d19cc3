/* What is not AWS's word: credentials, clocks, time, who goes away. */
#include "tests/unit/aws_scene.h"

#include "base/memory.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

#define OK                                                                                         \
    {                                                                                              \
        "200 OK", NULL, "<R><A>1</A></R>"                                                          \
    }
#define SILENT                                                                                     \
    {                                                                                              \
        "silent", NULL, NULL                                                                       \
    }
#define ERROR(code) "<R><Error><Code>" code "</Code><Message>m</Message></Error></R>"
#define KEYS(id)                                                                                   \
    {                                                                                              \
        "200 OK", NULL,                                                                            \
            "{\"AccessKeyId\":\"" id "\",\"SecretAccessKey\":\"s\",\"Token\":\"t\","               \
            "\"Expiration\":\"2099-01-01T00:00:00Z\"}"                                             \
    }

static void be_in_a_container(const struct aws_scene *scene)
{
    char *url = memory_format("%s/credentials", scene->server->url);
    unsetenv("AWS_ACCESS_KEY_ID");
    unsetenv("AWS_SECRET_ACCESS_KEY");
    setenv("AWS_CONTAINER_CREDENTIALS_FULL_URI", url, 1);
    free(url);
}

static void without_credentials_nothing_is_sent(void **state)
{
    struct aws_scene *scene = *state;
    static const struct played_answer answers[] = {OK};
    aws_scene_play(scene, answers, 1);
    unsetenv("AWS_ACCESS_KEY_ID");
    setenv("AWS_EC2_METADATA_DISABLED", "true", 1);
    aws_scene_call(scene, aws_scene_act(), 0);
    assert_int_equal(scene->result, AWS_TROUBLE);
    assert_string_equal(scene->words,
        "rds PromoteReadReplica in us-west-2 is not asked: it wants credentials: no credentials "
        "are set up, and the instance's metadata is turned off");
    assert_int_equal(played_http_count(scene->server), 0);
}

static void credentials_that_are_looked_for_are_waited_for(void **state)
{
    struct aws_scene *scene = *state;
    static const struct played_answer answers[] = {KEYS("ASIA1"), OK, OK};
    aws_scene_play(scene, answers, 3);
    be_in_a_container(scene);
    aws_scene_start(scene, aws_scene_read(), 0);
    aws_scene_call(scene, aws_scene_read(), 0);
    if (scene->done < 2)
        aws_scene_run(scene);
    assert_int_equal(scene->result, AWS_ANSWERED);
    assert_non_null(strstr(played_http_asked(scene->server, 0), "GET /credentials "));
    assert_non_null(strstr(played_http_asked(scene->server, 1), "Credential=ASIA1/"));
    assert_non_null(strstr(played_http_asked(scene->server, 2), "X-Amz-Security-Token: t\r\n"));
}

static void credentials_that_do_not_come_end_the_call_in_time(void **state)
{
    struct aws_scene *scene = *state;
    static const struct played_answer answers[] = {SILENT};
    aws_scene_play(scene, answers, 1);
    be_in_a_container(scene);
    aws_scene_call(scene, aws_scene_read(), 200);
    assert_int_equal(scene->result, AWS_TROUBLE);
    assert_non_null(strstr(scene->words, "it wants credentials: they are still looked for"));
}

static void expired_credentials_are_looked_for_anew(void **state)
{
    struct aws_scene *scene = *state;
    static const struct played_answer answers[] = {
        KEYS("ASIA1"), {"403 Forbidden", NULL, ERROR("ExpiredToken")}, KEYS("ASIA2"), OK};
    aws_scene_play(scene, answers, 4);
    be_in_a_container(scene);
    aws_scene_call(scene, aws_scene_act(), 0);
    assert_int_equal(scene->result, AWS_ANSWERED);
    assert_non_null(strstr(played_http_asked(scene->server, 1), "Credential=ASIA1/"));
    assert_non_null(strstr(played_http_asked(scene->server, 3), "Credential=ASIA2/"));
}

static void credentials_that_stay_expired_are_a_refusal(void **state)
{
    struct aws_scene *scene = *state;
    static const struct played_answer answers[] = {{"403 Forbidden", NULL, ERROR("ExpiredToken")},
        {"403 Forbidden", NULL, ERROR("ExpiredToken")}, OK};
    aws_scene_play(scene, answers, 3);
    aws_scene_call(scene, aws_scene_read(), 0);
    assert_int_equal(scene->result, AWS_REFUSED);
    assert_string_equal(scene->code, "ExpiredToken");
    assert_int_equal(played_http_count(scene->server), 2);
}

static void the_servers_clock_counts_and_is_remembered(void **state)
{
    struct aws_scene *scene = *state;
    static const struct played_answer answers[] = {
        {"403 Forbidden", "Date: Sun, 06 Nov 2033 08:49:37 GMT\r\n",
            ERROR("SignatureDoesNotMatch")},
        OK, OK};
    aws_scene_play(scene, answers, 3);
    aws_scene_call(scene, aws_scene_act(), 0);
    assert_int_equal(scene->result, AWS_ANSWERED);
    aws_scene_call(scene, aws_scene_read(), 0);
    assert_null(strstr(played_http_asked(scene->server, 0), "X-Amz-Date: 20331106T0849"));
    assert_non_null(strstr(played_http_asked(scene->server, 1), "X-Amz-Date: 20331106T0849"));
    assert_non_null(strstr(played_http_asked(scene->server, 2), "X-Amz-Date: 20331106T0849"));
    assert_non_null(strstr(played_http_asked(scene->server, 2), "/20331106/us-west-2/rds/"));
}

static void a_wrong_key_is_a_refusal_when_the_clock_is_right(void **state)
{
    struct aws_scene *scene = *state;
    char date[64];
    time_t now = time(NULL);
    struct tm parts;
    strftime(date, sizeof date, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n", gmtime_r(&now, &parts));
    const struct played_answer answers[] = {
        {"403 Forbidden", date, ERROR("SignatureDoesNotMatch")}, OK};
    aws_scene_play(scene, answers, 2);
    aws_scene_call(scene, aws_scene_read(), 0);
    assert_int_equal(scene->result, AWS_REFUSED);
    assert_string_equal(scene->code, "SignatureDoesNotMatch");
    assert_int_equal(played_http_count(scene->server), 1);
}

static void a_silent_server_gets_a_second_try_within_the_budget(void **state)
{
    struct aws_scene *scene = *state;
    static const struct played_answer answers[] = {SILENT, OK};
    aws_scene_play(scene, answers, 2);
    aws_scene_call(scene, aws_scene_read(), 3000);
    assert_int_equal(scene->result, AWS_ANSWERED);
    assert_int_equal(played_http_count(scene->server), 2);
}

static void a_wait_beyond_the_budget_ends_the_call(void **state)
{
    struct aws_scene *scene = *state;
    static const struct played_answer answers[] = {
        {"503 Slow Down", "Retry-After: 60\r\n", "<Error><Code>SlowDown</Code></Error>"}, OK};
    aws_scene_play(scene, answers, 2);
    aws_scene_call(scene, aws_scene_read(), 0);
    assert_int_equal(scene->result, AWS_TROUBLE);
    assert_string_equal(scene->words, "rds DescribeDBInstances in us-west-2: SlowDown");
    assert_int_equal(played_http_count(scene->server), 1);
}

static void a_wait_within_the_budget_is_kept(void **state)
{
    struct aws_scene *scene = *state;
    static const struct played_answer answers[] = {
        {"503 Slow Down", "Retry-After: 1\r\n", "<Error><Code>SlowDown</Code></Error>"}, OK};
    aws_scene_play(scene, answers, 2);
    uint64_t begin_ms = uv_hrtime() / 1000000;
    aws_scene_call(scene, aws_scene_read(), 0);
    assert_int_equal(scene->result, AWS_ANSWERED);
    assert_true(uv_hrtime() / 1000000 - begin_ms >= 990);
}

static void nobody_at_the_door_is_said_and_no_act_is_doubtful(void **state)
{
    struct aws_scene *scene = *state;
    setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:1", 1);
    aws_scene_call(scene, aws_scene_act(), 1000);
    assert_int_equal(scene->result, AWS_TROUBLE);
    assert_int_equal(scene->status, 0);
    assert_memory_equal(scene->words, "rds in us-west-2 does not answer: ", 34);
    assert_null(strstr(scene->words, "may have been done"));
}

/* A listener whose queue is full drops what comes, like a region that is gone. */
static int black_hole(int fillers[8])
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    char url[64];
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(listener, 0), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &size), 0);
    for (int i = 0; i < 8; i++) {
        fillers[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        connect(fillers[i], (struct sockaddr *)&address, size);
    }
    snprintf(url, sizeof url, "http://127.0.0.1:%u", ntohs(address.sin_port));
    setenv("AWS_ENDPOINT_URL", url, 1);
    return listener;
}

static void a_region_that_is_gone_is_given_up_in_time(void **state)
{
    struct aws_scene *scene = *state;
    int fillers[8], listener = black_hole(fillers);
    uint64_t begin_ms = uv_hrtime() / 1000000;
    aws_scene_call(scene, aws_scene_act(), 1000);
    uint64_t took_ms = uv_hrtime() / 1000000 - begin_ms;
    assert_int_equal(scene->result, AWS_TROUBLE);
    assert_true(took_ms >= 500 && took_ms < 3000);
    assert_string_equal(
        scene->words, "rds in us-west-2 does not answer: connection timed out after 1 s");
    for (int i = 0; i < 8; i++)
        close(fillers[i]);
    close(listener);
}

static void a_cancelled_call_says_nothing(void **state)
{
    struct aws_scene *scene = *state;
    static const struct played_answer answers[] = {
        SILENT, {"503 Oops", "Retry-After: 9\r\n", ""}, OK};
    aws_scene_play(scene, answers, 3);
    aws_cancel(NULL);
    aws_cancel(aws_scene_start(scene, aws_scene_read(), 0)); /* before it began */
    struct aws_call *silent = aws_scene_start(scene, aws_scene_read(), 0);
    aws_scene_wait_asked(scene, 1);
    aws_cancel(silent); /* under way */
    struct aws_call *pausing = aws_scene_start(scene, aws_scene_read(), 0);
    aws_scene_wait_asked(scene, 2);
    aws_cancel(pausing); /* its reply may be here, or not */
    assert_int_equal(scene->done, 0);
    aws_scene_call(scene, aws_scene_read(), 0);
    assert_int_equal(scene->done, 1);
    assert_int_equal(scene->result, AWS_ANSWERED);
}

static void a_call_may_be_cancelled_while_it_waits_for_credentials(void **state)
{
    struct aws_scene *scene = *state;
    static const struct played_answer answers[] = {SILENT};
    aws_scene_play(scene, answers, 1);
    be_in_a_container(scene);
    struct aws_call *call = aws_scene_start(scene, aws_scene_read(), 0);
    aws_scene_wait_asked(scene, 1);
    aws_cancel(call);
    assert_int_equal(scene->done, 0);
}

/* The rest is the scene's tear-down: it frees first of all who calls. */
static void whoever_calls_may_go_while_calls_are_under_way(void **state)
{
    struct aws_scene *scene = *state;
    static const struct played_answer answers[] = {SILENT};
    aws_scene_play(scene, answers, 1);
    aws_scene_start(scene, aws_scene_read(), 0);
    aws_scene_start(scene, aws_scene_act(), 0);
    aws_scene_wait_asked(scene, 1);
    aws_scene_start(scene, aws_scene_read(), 0);
    assert_int_equal(scene->done, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        AWS_TEST(without_credentials_nothing_is_sent),
        AWS_TEST(credentials_that_are_looked_for_are_waited_for),
        AWS_TEST(credentials_that_do_not_come_end_the_call_in_time),
        AWS_TEST(expired_credentials_are_looked_for_anew),
        AWS_TEST(credentials_that_stay_expired_are_a_refusal),
        AWS_TEST(the_servers_clock_counts_and_is_remembered),
        AWS_TEST(a_wrong_key_is_a_refusal_when_the_clock_is_right),
        AWS_TEST(a_silent_server_gets_a_second_try_within_the_budget),
        AWS_TEST(a_wait_beyond_the_budget_ends_the_call),
        AWS_TEST(a_wait_within_the_budget_is_kept),
        AWS_TEST(nobody_at_the_door_is_said_and_no_act_is_doubtful),
        AWS_TEST(a_region_that_is_gone_is_given_up_in_time),
        AWS_TEST(a_cancelled_call_says_nothing),
        AWS_TEST(a_call_may_be_cancelled_while_it_waits_for_credentials),
        AWS_TEST(whoever_calls_may_go_while_calls_are_under_way),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
