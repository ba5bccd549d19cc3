/* One request and its answer: what the plan changes, what the switch changes, what breaks. */
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

static void a_request_passes_as_it_is(void **state)
{
    struct gateway_scene *scene = *state;
    int client = client_new(scene);
    say(client, PUT("/key", "5") "hello");
    int s3 = s3_accept(scene, EU);
    hear(s3, "PUT /key HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello");
    say(s3, OK("3") "abc");
    hear(client, OK("3") "abc");
    close(client);
    close(s3);
}

static void filters_see_both_bodies_and_their_ends(void **state)
{
    struct gateway_scene *scene = *state;
    int client = client_new(scene);
    say(client, PUT("/filtered", "5") "he");
    int s3 = s3_accept(scene, EU);
    hear(s3, "PUT /filtered HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nHE\r\n");
    say(client, "llo");
    hear(s3, "4\r\nLLO!\r\n0\r\n\r\n");
    say(s3, OK("6") "abc");
    hear(client, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nABC\r\n");
    say(s3, "def");
    hear(client, "4\r\nDEF!\r\n0\r\n\r\n");
    close(client);
    close(s3);
}

static void a_filter_may_add_to_an_empty_body(void **state)
{
    struct gateway_scene *scene = *state;
    int client = client_new(scene);
    say(client, GET("/filtered"));
    int s3 = s3_accept(scene, EU);
    hear(s3, "GET /filtered HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n"
             "1\r\n!\r\n0\r\n\r\n");
    say(s3, OK("0"));
    hear(client, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n!\r\n0\r\n\r\n");
    close(client);
    close(s3);
}

static void an_answer_without_a_body_is_not_filtered(void **state)
{
    struct gateway_scene *scene = *state;
    int client = client_new(scene);
    say(client, "HEAD /filtered HTTP/1.1\r\nHost: h\r\n\r\n");
    int s3 = s3_accept(scene, EU);
    char head[256];
    hear_head(s3, head, sizeof head);
    hear(s3, "1\r\n!\r\n0\r\n\r\n");
    say(s3, OK("6"));
    hear(client, OK("6"));
    say(client, GET("/next"));
    hear(s3, GET("/next"));
    close(client);
    close(s3);
}

static void a_body_that_is_refused_never_looks_whole(void **state)
{
    struct gateway_scene *scene = *state;
    int client = client_new(scene);
    say(client, PUT("/refused", "10") "1234");
    int s3 = s3_accept(scene, EU);
    hear(s3, PUT("/refused", "10") "1234");
    say(client, "567890");
    hear_reset(s3);
    assert_refused(client, "HTTP/1.1 403 Forbidden");
    close(client);
}

static void an_answer_that_cannot_be_mapped_never_looks_whole(void **state)
{
    struct gateway_scene *scene = *state;
    int client = client_new(scene);
    say(client, GET("/broken"));
    int s3 = s3_accept(scene, EU);
    say(s3, OK("8") "1234");
    char head[256];
    hear_head(client, head, sizeof head);
    say(s3, "5678");
    hear_reset(client);
    close(s3);
}

static void an_answers_head_is_mapped(void **state)
{
    struct gateway_scene *scene = *state;
    int client = client_new(scene);
    say(client, GET("/mapped"));
    int s3 = s3_accept(scene, EU);
    say(s3, "HTTP/1.1 200 OK\r\nX-Name: s3's\r\nContent-Length: 0\r\n\r\n");
    hear(client, "HTTP/1.1 200 OK\r\nX-Name: app's\r\nContent-Length: 0\r\n\r\n");
    hear(s3, GET("/mapped"));
    say(client, GET("/mapped"));
    hear(s3, GET("/mapped"));
    say(s3, "HTTP/1.1 200 OK\r\nX-Name: none\r\nContent-Length: 0\r\n\r\n");
    assert_refused(client, "HTTP/1.1 503 Service Unavailable");
    close(client);
    close(s3);
}

static void what_the_plan_answers_costs_no_connection(void **state)
{
    struct gateway_scene *scene = *state;
    int client = client_new(scene);
    say(client, GET("/answered"));
    assert_refused(client, "HTTP/1.1 403 Forbidden");
    assert_false(s3_is_asked(scene, EU, 0));
    assert_int_equal(gateway_scene_error(scene, GATEWAY_ERROR_FOREIGN_HOST), 1);
    close(client);
}

static void what_was_not_sent_follows_the_switch(void **state)
{
    struct gateway_scene *scene = *state;
    fake_lookup_hold(&scene->lookup);
    int client = client_new(scene);
    say(client, PUT("/key", "5") "hello");
    while (fake_lookup_count(&scene->lookup, "eu.test") == 0)
        usleep(500);
    gateway_scene_open(scene, US);
    fake_lookup_release(&scene->lookup);
    int s3 = s3_accept(scene, US);
    hear(s3, PUT("/key", "5") "hello");
    assert_false(s3_is_asked(scene, EU, 0));
    say(s3, OK("0"));
    hear(client, OK("0"));
    close(client);
    close(s3);
}

static void what_was_sent_stays_where_it_is(void **state)
{
    struct gateway_scene *scene = *state;
    int client = client_new(scene);
    say(client, PUT("/key", "5") "he");
    int eu = s3_accept(scene, EU);
    hear(eu, PUT("/key", "5") "he");
    gateway_scene_open(scene, US);
    say(client, "llo" GET("/next"));
    hear(eu, "llo");
    assert_false(s3_is_asked(scene, US, 50));
    say(eu, OK("0"));
    hear(client, OK("0"));
    int us = s3_accept(scene, US);
    hear(us, GET("/next"));
    close(client);
    close(eu);
    close(us);
}

static void a_read_that_is_sent_again_follows_the_view_of_that_moment(void **state)
{
    struct gateway_scene *scene = *state;
    int client = client_new(scene);
    say(client, GET("/first"));
    int eu = s3_accept(scene, EU);
    hear(eu, GET("/first"));
    say(eu, OK("0"));
    hear(client, OK("0"));
    say(client, GET("/second"));
    hear(eu, GET("/second"));
    gateway_scene_open(scene, US);
    close(eu);
    int us = s3_accept(scene, US);
    hear(us, GET("/second"));
    say(us, OK("0"));
    hear(client, OK("0"));
    close(client);
    close(us);
}

static void a_read_is_not_sent_a_third_time(void **state)
{
    struct gateway_scene *scene = *state;
    int client = client_new(scene);
    say(client, GET("/first"));
    int s3 = s3_accept(scene, EU);
    hear(s3, GET("/first"));
    say(s3, OK("0"));
    hear(client, OK("0"));
    say(client, GET("/second"));
    hear(s3, GET("/second"));
    close(s3);
    s3 = s3_accept(scene, EU);
    hear(s3, GET("/second"));
    close(s3);
    assert_refused(client, "HTTP/1.1 503 Service Unavailable");
    assert_false(s3_is_asked(scene, EU, 50));
    close(client);
}

static void a_read_with_a_byte_of_an_answer_is_not_sent_again(void **state)
{
    struct gateway_scene *scene = *state;
    int client = client_new(scene);
    say(client, GET("/first"));
    int s3 = s3_accept(scene, EU);
    hear(s3, GET("/first"));
    say(s3, OK("0"));
    hear(client, OK("0"));
    say(client, GET("/second"));
    hear(s3, GET("/second"));
    say(s3, "H");
    close(s3);
    assert_refused(client, "HTTP/1.1 503 Service Unavailable");
    assert_false(s3_is_asked(scene, EU, 50));
    close(client);
}

struct halt {
    uv_sem_t reached, over;
};

static void halt(void *context)
{
    struct halt *halt = context;
    uv_sem_post(&halt->reached);
    uv_sem_wait(&halt->over);
}

/* S3 closes its idle connection in the moment in which a request for it comes: the loop hears of
 * the request first. Returns the connection on which the request is sent instead. */
static int ask_while_s3_closes(struct gateway_scene *scene, int client, const char *request)
{
    struct halt here;
    uv_sem_init(&here.reached, 0);
    uv_sem_init(&here.over, 0);
    say(client, GET("/first"));
    int s3 = s3_accept(scene, EU);
    hear(s3, GET("/first"));
    say(s3, OK("0"));
    hear(client, OK("0"));
    loop_post(&scene->gateway->workers[0]->loop, halt, &here);
    uv_sem_wait(&here.reached);
    say(client, request);
    close(s3);
    uv_sem_post(&here.over);
    s3 = s3_accept(scene, EU);
    hear(s3, request);
    say(s3, OK("0"));
    hear(client, OK("0"));
    uv_sem_destroy(&here.reached);
    uv_sem_destroy(&here.over);
    return s3;
}

static void a_write_is_not_sent_where_s3_has_just_closed(void **state)
{
    struct gateway_scene *scene = *state;
    int client = client_new(scene);
    int s3 = ask_while_s3_closes(scene, client, PUT("/key", "5") "hello");
    const struct gateway_numbers *numbers = &scene->gateway->workers[0]->numbers;
    assert_int_equal(atomic_load(&numbers->retries), 0);
    close(client);
    close(s3);
}

static void a_read_is_sent_again_where_s3_has_just_closed(void **state)
{
    struct gateway_scene *scene = *state;
    int client = client_new(scene);
    int s3 = ask_while_s3_closes(scene, client, GET("/key"));
    close(client);
    close(s3);
}

static void the_next_address_is_tried(void **state)
{
    struct gateway_scene *scene = *state;
    struct address nobody = scene->s3_addresses[EU];
    nobody.v4.sin_addr.s_addr = htonl(ntohl(nobody.v4.sin_addr.s_addr) + 100);
    fake_lookup_set(&scene->lookup, "eu.test", &nobody);
    fake_lookup_add(&scene->lookup, "eu.test", &scene->s3_addresses[EU]);
    int client = client_new(scene);
    say(client, GET("/key"));
    int s3 = s3_accept(scene, EU);
    hear(s3, GET("/key"));
    close(client);
    close(s3);
}

static void a_name_without_an_address_is_503(void **state)
{
    struct gateway_scene *scene = *state;
    fake_lookup_clear(&scene->lookup, "eu.test");
    int client = client_new(scene);
    say(client, GET("/key"));
    assert_refused(client, "HTTP/1.1 503 Service Unavailable");
    assert_int_equal(gateway_scene_error(scene, GATEWAY_ERROR_UNREACHABLE), 1);
    close(client);
}

static void a_client_that_is_gone_ends_its_request(void **state)
{
    struct gateway_scene *scene = *state;
    int client = client_new(scene);
    say(client, PUT("/key", "5") "he");
    int s3 = s3_accept(scene, EU);
    hear(s3, PUT("/key", "5") "he");
    reset(client);
    hear_reset(s3);
}

static void a_body_that_ends_too_early_never_looks_whole(void **state)
{
    struct gateway_scene *scene = *state;
    int client = client_new(scene);
    say(client, PUT("/key", "5") "he");
    int s3 = s3_accept(scene, EU);
    hear(s3, PUT("/key", "5") "he");
    shutdown(client, SHUT_WR);
    hear_reset(s3);
    hear_reset(client);
}

static void a_client_that_has_nothing_more_to_ask_still_gets_its_answer(void **state)
{
    struct gateway_scene *scene = *state;
    int client = client_new(scene);
    say(client, GET("/key"));
    shutdown(client, SHUT_WR);
    int s3 = s3_accept(scene, EU);
    hear(s3, GET("/key"));
    say(s3, OK("3") "abc");
    hear(client, OK("3") "abc");
    hear_end(client);
    close(s3);
}

#define ASKS "PUT /key HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n"

static void the_body_waits_until_s3_asks_for_it(void **state)
{
    struct gateway_scene *scene = *state;
    int client = client_new(scene);
    say(client, ASKS);
    int s3 = s3_accept(scene, EU);
    hear(s3, ASKS);
    say(s3, "HTTP/1.1 100 Continue\r\n\r\n");
    hear(client, "HTTP/1.1 100 Continue\r\n\r\n");
    say(client, "hello");
    hear(s3, "hello");
    say(s3, OK("0"));
    hear(client, OK("0"));
    close(client);
    close(s3);
}

static void a_client_that_does_not_wait_is_not_made_to(void **state)
{
    struct gateway_scene *scene = *state;
    int client = client_new(scene);
    say(client, ASKS);
    int s3 = s3_accept(scene, EU);
    hear(s3, ASKS);
    say(client, "hello");
    hear(s3, "hello");
    say(s3, OK("0"));
    hear(client, OK("0"));
    close(client);
    close(s3);
}

int main(void)
{
#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_SCENE(a_request_passes_as_it_is),
        IN_SCENE(filters_see_both_bodies_and_their_ends),
        IN_SCENE(a_filter_may_add_to_an_empty_body),
        IN_SCENE(an_answer_without_a_body_is_not_filtered),
        IN_SCENE(a_body_that_is_refused_never_looks_whole),
        IN_SCENE(an_answer_that_cannot_be_mapped_never_looks_whole),
        IN_SCENE(an_answers_head_is_mapped),
        IN_SCENE(what_the_plan_answers_costs_no_connection),
        IN_SCENE(what_was_not_sent_follows_the_switch),
        IN_SCENE(what_was_sent_stays_where_it_is),
        IN_SCENE(a_read_that_is_sent_again_follows_the_view_of_that_moment),
        IN_SCENE(a_read_is_not_sent_a_third_time),
        IN_SCENE(a_read_with_a_byte_of_an_answer_is_not_sent_again),
        IN_SCENE(a_write_is_not_sent_where_s3_has_just_closed),
        IN_SCENE(a_read_is_sent_again_where_s3_has_just_closed),
        IN_SCENE(the_next_address_is_tried),
        IN_SCENE(a_name_without_an_address_is_503),
        IN_SCENE(a_client_that_is_gone_ends_its_request),
        IN_SCENE(a_body_that_ends_too_early_never_looks_whole),
        IN_SCENE(the_body_waits_until_s3_asks_for_it),
        IN_SCENE(a_client_that_does_not_wait_is_not_made_to),
        IN_SCENE(a_client_that_has_nothing_more_to_ask_still_gets_its_answer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
