/* Replies in pages, by an AWS that the test plays. */
#include "tests/unit/aws_scene.h"

#include "base/xml.h"

#define PAGE(marker, things)                                                                       \
    {                                                                                              \
        "200 OK", NULL,                                                                            \
            "<R><DescribeDBInstancesResult>" marker "<DBInstances>" things                         \
            "</DBInstances></DescribeDBInstancesResult></R>"                                       \
    }
#define THING(name) "<DBInstance><Name>" name "</Name></DBInstance>"

static const struct aws_paging by_marker = {"Marker", "Marker", "DBInstances"};
static const struct aws_paging by_token = {"nextToken", "nextToken", "serviceArns"};

static struct aws_request read_pages(void)
{
    struct aws_request request = aws_scene_read();
    request.paging = &by_marker;
    return request;
}

static void assert_names(const struct aws_scene *scene, const char *expected)
{
    char said[256] = "";
    const cJSON *thing = NULL;
    cJSON_ArrayForEach(thing, tree_find(scene->body, "DBInstances"))
    {
        strcat(said, thing->string);
        strcat(said, "=");
        strcat(said, tree_text(thing, "Name"));
        strcat(said, " ");
    }
    assert_string_equal(said, expected);
}

static void pages_become_one_tree(void **state)
{
    struct aws_scene *scene = *state;
    static const struct played_answer answers[] = {
        PAGE("<Marker>m/1</Marker>", THING("a") THING("b")), {"500 Oops", NULL, ""},
        PAGE("<Marker>m/2</Marker>", ""), PAGE("<Marker/>", THING("c"))};
    aws_scene_play(scene, answers, 4);
    aws_scene_call(scene, read_pages(), 0);
    assert_int_equal(scene->result, AWS_ANSWERED);
    assert_names(scene, "DBInstance=a DBInstance=b DBInstance=c ");
    assert_null(strstr(played_http_asked(scene->server, 0), "Marker"));
    assert_non_null(strstr(played_http_asked(scene->server, 1), "standby&Marker=m%2F1"));
    assert_non_null(strstr(played_http_asked(scene->server, 2), "standby&Marker=m%2F1"));
    assert_non_null(strstr(played_http_asked(scene->server, 3), "standby&Marker=m%2F2"));
}

static void a_first_page_may_be_empty(void **state)
{
    struct aws_scene *scene = *state;
    static const struct played_answer answers[] = {
        PAGE("<Marker>1</Marker>", ""), PAGE("<Marker>2</Marker>", THING("a")), PAGE("", "")};
    aws_scene_play(scene, answers, 3);
    aws_scene_call(scene, read_pages(), 0);
    assert_names(scene, "DBInstance=a ");
}

static void a_first_page_may_lack_the_list(void **state)
{
    struct aws_scene *scene = *state;
    static const struct played_answer answers[] = {
        {"200 OK", NULL, "<R><Marker>1</Marker></R>"}, PAGE("", THING("a") THING("b"))};
    aws_scene_play(scene, answers, 2);
    aws_scene_call(scene, read_pages(), 0);
    assert_names(scene, "DBInstance=a DBInstance=b ");
}

static void pages_of_json_become_one_tree(void **state)
{
    struct aws_scene *scene = *state;
    static const struct played_answer answers[] = {
        {"200 OK", NULL, "{\"serviceArns\":[\"a\"],\"nextToken\":\"t\"}"},
        {"200 OK", NULL, "{\"serviceArns\":[\"b\",\"c\"],\"nextToken\":null}"}};
    aws_scene_play(scene, answers, 2);
    aws_scene_call(scene,
        (struct aws_request){.service = &aws_ecs,
            .region = SCENE_REGION,
            .action = "ListServices",
            .paging = &by_token},
        0);
    char *said = cJSON_PrintUnformatted(tree_find(scene->body, "serviceArns"));
    assert_string_equal(said, "[\"a\",\"b\",\"c\"]");
    cJSON_free(said);
    assert_non_null(strstr(played_http_asked(scene->server, 1), "{\"nextToken\":\"t\"}"));
}

static void a_refused_page_refuses_all(void **state)
{
    struct aws_scene *scene = *state;
    static const struct played_answer answers[] = {PAGE("<Marker>1</Marker>", THING("a")),
        {"403 Forbidden", NULL, "<R><Error><Code>AccessDenied</Code></Error></R>"}};
    aws_scene_play(scene, answers, 2);
    aws_scene_call(scene, read_pages(), 0);
    assert_int_equal(scene->result, AWS_REFUSED);
    assert_string_equal(scene->code, "AccessDenied");
    assert_null(scene->body);
}

static void pages_in_a_circle_are_trouble(void **state)
{
    struct aws_scene *scene = *state;
    static const struct played_answer answers[] = {PAGE("<Marker>1</Marker>", THING("a")),
        PAGE("<Marker>1</Marker>", THING("a")), PAGE("<Marker>1</Marker>", THING("a"))};
    aws_scene_play(scene, answers, 3);
    aws_scene_call(scene, read_pages(), 0);
    assert_int_equal(scene->result, AWS_TROUBLE);
    assert_string_equal(
        scene->words, "rds DescribeDBInstances in us-west-2: its pages lead in a circle");
    assert_int_equal(played_http_count(scene->server), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        AWS_TEST(pages_become_one_tree),
        AWS_TEST(a_first_page_may_be_empty),
        AWS_TEST(a_first_page_may_lack_the_list),
        AWS_TEST(pages_of_json_become_one_tree),
        AWS_TEST(a_refused_page_refuses_all),
        AWS_TEST(pages_in_a_circle_are_trouble),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
