/* Bodies that are read before anything is sent: documents whole, forms to the end of their fields.
 */
#include "tests/unit/gateway_scene.h"

#include <sys/socket.h>
#include <unistd.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: h\r\n\r\n"
#define PUT(path, size) "PUT " path " HTTP/1.1\r\nHost: h\r\nContent-Length: " size "\r\n\r\n"
#define OK(size) "HTTP/1.1 200 OK\r\nContent-Length: " size "\r\n\r\n"

static int set_up(void **state)
{
    static struct gateway_scene scene;
    gateway_scene_init(&scene);
    *state = &scene;
    return 0;
}

static int tear_down(void **state)
{
    gateway_scene_fini(*state);
    return 0;
}

static void assert_refused(int client, const char *first_line)
{
    char head[1024];
    hear_head(client, head, sizeof head);
    head[strcspn(head, "\r")] = 0;
    assert_string_equal(head, first_line);
}

static void a_body_may_be_read_whole_before_anything_is_sent(void **state)
{
    struct gateway_scene *scene = *state;
    int client = client_new(scene);
    say(client, "PUT /collected HTTP/1.1\r\nHost: h\r\nContent-Length: 10\r\n"
                "Expect: 100-continue\r\n\r\n");
    hear(client, "HTTP/1.1 100 Continue\r\n\r\n");
    say(client, "01234");
    assert_false(s3_is_asked(scene, EU, 50));
    gateway_scene_open(scene, US);
    say(client, "56789" GET("/next"));
    int s3 = s3_accept(scene, US);
    hear(s3, PUT("/collected", "12") "<0123456789>");
    say(s3, OK("0"));
    hear(client, OK("0"));
    hear(s3, GET("/next"));
    say(s3, OK("0"));
    hear(client, OK("0"));
    close(client);
    close(s3);
}

static void a_body_that_is_too_long_to_be_read_whole_is_refused(void **state)
{
    struct gateway_scene *scene = *state;
    int client = client_new(scene);
    say(client, PUT("/collected", "11") "0123456789a");
    assert_refused(client, "HTTP/1.1 400 Bad Request");
    assert_false(s3_is_asked(scene, EU, 0));
    close(client);
}

static void what_was_read_whole_still_follows_the_switch(void **state)
{
    struct gateway_scene *scene = *state;
    fake_lookup_hold(&scene->lookup);
    int client = client_new(scene);
    say(client, PUT("/collected", "5") "hello");
    while (fake_lookup_count(&scene->lookup, "eu.test") == 0)
        usleep(500);
    gateway_scene_open(scene, US);
    fake_lookup_release(&scene->lookup);
    int s3 = s3_accept(scene, US);
    hear(s3, PUT("/collected", "7") "<hello>");
    close(client);
    close(s3);
}

static void what_was_read_whole_may_be_sent_as_it_came_after_all(void **state)
{
    struct gateway_scene *scene = *state;
    fake_lookup_hold(&scene->lookup);
    int client = client_new(scene);
    say(client, "PUT /collected-at-home HTTP/1.1\r\nHost: h\r\nx-amz-decoded-content-length: 5\r\n"
                "Transfer-Encoding: chunked\r\n\r\n"
                "2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n" GET("/next"));
    while (fake_lookup_count(&scene->lookup, "eu.test") == 0)
        usleep(500);
    gateway_scene_open(scene, US);
    fake_lookup_release(&scene->lookup);
    int s3 = s3_accept(scene, US);
    hear(s3, "PUT /collected-at-home HTTP/1.1\r\nHost: h\r\nx-amz-decoded-content-length: 5\r\n"
             "Content-Length: 5\r\n\r\nhello");
    say(s3, OK("0"));
    hear(client, OK("0"));
    hear(s3, GET("/next"));
    say(s3, OK("0"));
    hear(client, OK("0"));
    close(client);
    close(s3);
}

static void a_forms_file_follows_its_fields(void **state)
{
    struct gateway_scene *scene = *state;
    int client = client_new(scene);
    say(client, "PUT /form HTTP/1.1\r\nHost: h\r\nContent-Length: 12\r\n"
                "Expect: 100-continue\r\n\r\n");
    hear(client, "HTTP/1.1 100 Continue\r\n\r\n");
    say(client, "a=b");
    assert_false(s3_is_asked(scene, EU, 50));
    say(client, ";fi");
    int s3 = s3_accept(scene, EU);
    hear(s3, PUT("/form", "14") "<a=b;fi>");
    say(client, "le");
    hear(s3, "le");
    say(client, "more" GET("/next"));
    hear(s3, "more");
    say(s3, OK("0"));
    hear(client, OK("0"));
    hear(s3, GET("/next"));
    say(s3, OK("0"));
    hear(client, OK("0"));
    close(client);
    close(s3);
}

static void a_form_may_end_with_what_was_asked_for(void **state)
{
    struct gateway_scene *scene = *state;
    int client = client_new(scene);
    say(client, PUT("/form", "4") "a=b;" GET("/next"));
    int s3 = s3_accept(scene, EU);
    hear(s3, PUT("/form", "6") "<a=b;>");
    say(s3, OK("0"));
    hear(client, OK("0"));
    hear(s3, GET("/next"));
    say(s3, OK("0"));
    hear(client, OK("0"));
    close(client);
    close(s3);
}

static void a_forms_fields_are_bounded(void **state)
{
    struct gateway_scene *scene = *state;
    int client = client_new(scene);
    say(client, PUT("/form", "100") "01234567890");
    assert_refused(client, "HTTP/1.1 400 Bad Request");
    assert_false(s3_is_asked(scene, EU, 0));
    close(client);
}

#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCENE(a_body_may_be_read_whole_before_anything_is_sent),
        IN_SCENE(a_body_that_is_too_long_to_be_read_whole_is_refused),
        IN_SCENE(what_was_read_whole_still_follows_the_switch),
        IN_SCENE(what_was_read_whole_may_be_sent_as_it_came_after_all),
        IN_SCENE(a_forms_file_follows_its_fields),
        IN_SCENE(a_form_may_end_with_what_was_asked_for),
        IN_SCENE(a_forms_fields_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
