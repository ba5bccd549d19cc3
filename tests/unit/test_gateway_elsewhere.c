/* A read that found nothing, asked of the other region: whose answer the client gets. */
#include "tests/unit/gateway_scene.h"

#include <unistd.h>

#define METHOD(method) method " /maybe-elsewhere HTTP/1.1\r\nHost: h\r\n\r\n"
#define ASKED METHOD("GET")
#define ANSWER(line, body_size) "HTTP/1.1 " line "\r\nContent-Length: " body_size "\r\n\r\n"
#define MISSING ANSWER("404 Not Found", "4") "none"
#define FOUND ANSWER("200 OK", "3") "abc"

struct side {
    struct gateway_scene scene;
    int client, eu, us;
};

static int set_up(void **state)
{
    static struct side side;
    gateway_scene_init(&side.scene);
    *state = &side;
    return 0;
}

static int tear_down(void **state)
{
    gateway_scene_fini(&((struct side *)*state)->scene);
    return 0;
}

/* The client has asked, both connections are there, and eu has nothing. */
static void ask(struct side *side, const char *request, const char *nothing)
{
    side->client = client_new(&side->scene);
    say(side->client, request);
    side->eu = s3_accept(&side->scene, EU);
    hear(side->eu, request);
    say(side->eu, nothing);
}

static void ask_both(struct side *side, const char *request, const char *nothing)
{
    ask(side, request, nothing);
    side->us = s3_accept(&side->scene, US);
    hear(side->us, request);
}

static void close_all(struct side *side)
{
    close(side->client);
    close(side->eu);
    close(side->us);
}

/* The connection is as good as new. */
static void ask_again(struct side *side)
{
    say(side->client, "GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
    hear(side->eu, "GET /next HTTP/1.1\r\nHost: h\r\n\r\n");
    say(side->eu, FOUND);
    hear(side->client, FOUND);
}

static void what_the_other_region_has_is_answered(void **state)
{
    struct side *side = *state;
    ask_both(side, ASKED, MISSING);
    say(side->us, FOUND);
    hear(side->client, FOUND);
    ask_again(side);
    close_all(side);
}

static void what_neither_has_is_the_first_ones_answer(void **state)
{
    struct side *side = *state;
    ask_both(side, ASKED, MISSING);
    say(side->us, ANSWER("404 Not Found", "5") "never");
    hear(side->client, MISSING);
    ask_again(side);
    say(side->client, ASKED);
    hear(side->eu, ASKED);
    say(side->eu, MISSING);
    hear(side->us, ASKED); /* on the connection that it had */
    say(side->us, FOUND);
    hear(side->client, FOUND);
    close_all(side);
}

static void a_first_answer_that_is_not_whole_yet_is_whole_in_the_end(void **state)
{
    struct side *side = *state;
    ask_both(side, ASKED, ANSWER("404 Not Found", "4") "no");
    say(side->us, ANSWER("403 Forbidden", "0"));
    hear(side->client, ANSWER("404 Not Found", "4") "no");
    say(side->eu, "ne");
    hear(side->client, "ne");
    ask_again(side);
    close_all(side);
}

static void a_head_is_asked_elsewhere_too(void **state)
{
    struct side *side = *state;
    ask_both(side, METHOD("HEAD"), ANSWER("404 Not Found", "4"));
    say(side->us, ANSWER("200 OK", "3"));
    hear(side->client, ANSWER("200 OK", "3"));
    ask_again(side);
    close_all(side);
}

static void a_condition_that_does_not_hold_there_is_an_answer(void **state)
{
    struct side *side = *state;
    ask_both(side, ASKED, MISSING);
    say(side->us, "HTTP/1.1 304 Not Modified\r\n\r\n");
    hear(side->client, "HTTP/1.1 304 Not Modified\r\n\r\n");
    close_all(side);
}

static void what_was_deleted_is_not_asked_elsewhere(void **state)
{
    struct side *side = *state;
    static const char deleted[] =
        "HTTP/1.1 404 Not Found\r\nx-amz-delete-marker: true\r\nContent-Length: 4\r\n\r\nnone";
    ask(side, ASKED, deleted);
    hear(side->client, deleted);
    assert_false(s3_is_asked(&side->scene, US, 50));
    close(side->client);
    close(side->eu);
}

static void what_is_there_or_failed_is_not_asked_elsewhere(void **state)
{
    struct side *side = *state;
    static const char *const answers[] = {FOUND, ANSWER("403 Forbidden", "0"),
        ANSWER("500 Internal Server Error", "0"), ANSWER("503 Slow Down", "0")};
    ask(side, ASKED, answers[0]);
    hear(side->client, answers[0]);
    for (size_t i = 1; i < sizeof answers / sizeof *answers; i++) {
        say(side->client, ASKED);
        hear(side->eu, ASKED);
        say(side->eu, answers[i]);
        hear(side->client, answers[i]);
    }
    assert_false(s3_is_asked(&side->scene, US, 50));
    close(side->client);
    close(side->eu);
}

static void a_region_that_cannot_be_reached_changes_nothing(void **state)
{
    struct side *side = *state;
    close(side->scene.s3[US]);
    side->scene.s3[US] = -1;
    ask(side, ASKED, MISSING);
    hear(side->client, MISSING);
    ask_again(side);
    close(side->client);
    close(side->eu);
}

static void a_region_that_breaks_off_changes_nothing(void **state)
{
    struct side *side = *state;
    ask_both(side, ASKED, MISSING);
    close(side->us);
    hear(side->client, MISSING);
    ask_again(side);
    close(side->client);
    close(side->eu);
}

static void a_redirect_there_changes_nothing(void **state)
{
    struct side *side = *state;
    ask_both(side, ASKED, MISSING);
    say(side->us, ANSWER("307 Temporary Redirect", "0"));
    hear(side->client, MISSING);
    close_all(side);
}

static void a_connection_that_s3_had_closed_is_dialled_again(void **state)
{
    struct side *side = *state;
    ask_both(side, ASKED, MISSING);
    say(side->us, FOUND);
    hear(side->client, FOUND);
    say(side->client, ASKED);
    hear(side->eu, ASKED);
    say(side->eu, MISSING);
    hear(side->us, ASKED);
    close(side->us);
    side->us = s3_accept(&side->scene, US);
    hear(side->us, ASKED);
    say(side->us, FOUND);
    hear(side->client, FOUND);
    close_all(side);
}

static void a_silent_region_is_waited_for_once(void **state)
{
    struct side *side = *state;
    ask_both(side, ASKED, MISSING);
    hear(side->client, MISSING); /* after two seconds */
    hear_reset(side->us);
    say(side->client, ASKED);
    hear(side->eu, ASKED);
    say(side->eu, MISSING);
    hear(side->client, MISSING);
    assert_false(s3_is_asked(&side->scene, US, 50));
    close(side->client);
    close(side->eu);
}

static void a_switch_meanwhile_asks_nobody_again(void **state)
{
    struct side *side = *state;
    ask_both(side, ASKED, MISSING);
    gateway_scene_open(&side->scene, US);
    say(side->us, FOUND);
    hear(side->client, FOUND);
    assert_false(s3_is_asked(&side->scene, US, 50));
    close_all(side);
}

static void a_client_that_is_gone_ends_both(void **state)
{
    struct side *side = *state;
    ask_both(side, ASKED, MISSING);
    reset(side->client);
    hear_reset(side->eu);
    hear_reset(side->us);
}

#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCENE(what_the_other_region_has_is_answered),
        IN_SCENE(what_neither_has_is_the_first_ones_answer),
        IN_SCENE(a_first_answer_that_is_not_whole_yet_is_whole_in_the_end),
        IN_SCENE(a_head_is_asked_elsewhere_too),
        IN_SCENE(a_condition_that_does_not_hold_there_is_an_answer),
        IN_SCENE(what_was_deleted_is_not_asked_elsewhere),
        IN_SCENE(what_is_there_or_failed_is_not_asked_elsewhere),
        IN_SCENE(a_region_that_cannot_be_reached_changes_nothing),
        IN_SCENE(a_region_that_breaks_off_changes_nothing),
        IN_SCENE(a_redirect_there_changes_nothing),
        IN_SCENE(a_connection_that_s3_had_closed_is_dialled_again),
        IN_SCENE(a_silent_region_is_waited_for_once),
        IN_SCENE(a_switch_meanwhile_asks_nobody_again),
        IN_SCENE(a_client_that_is_gone_ends_both),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
