/* The line to the daemon: its bytes as lines, and a daemon that the test plays. */
#include "failover/aws/link.h"

#include "base/json.h"
#include "base/memory.h"
#include "failover/aws/link_line.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void a_line_may_come_in_pieces_and_a_piece_have_lines(void **state)
{
    (void)state;
    struct link_lines lines = {.data = NULL};
    char *line;
    size_t size;
    link_lines_add(&lines, "on", 2);
    assert_int_equal(link_lines_next(&lines, &line, &size), 0);
    link_lines_add(&lines, "e\ntwo\n\nthr", 10);
    assert_int_equal(link_lines_next(&lines, &line, &size), 1);
    assert_string_equal(line, "one");
    assert_int_equal(link_lines_next(&lines, &line, &size), 1);
    assert_string_equal(line, "two");
    assert_int_equal(link_lines_next(&lines, &line, &size), 1);
    assert_int_equal(size, 0);
    assert_int_equal(link_lines_next(&lines, &line, &size), 0);
    link_lines_add(&lines, "ee\n", 3);
    assert_int_equal(link_lines_next(&lines, &line, &size), 1);
    assert_string_equal(line, "three");
    link_lines_fini(&lines);
}

static void a_line_of_four_mebibytes_is_taken_and_no_longer_one(void **state)
{
    (void)state;
    struct link_lines lines = {.data = NULL};
    char *many = memory_new(LINK_LINE_MAX + 1), *line;
    size_t size;
    memset(many, 'x', LINK_LINE_MAX + 1);
    link_lines_add(&lines, many, LINK_LINE_MAX);
    assert_int_equal(link_lines_next(&lines, &line, &size), 0);
    link_lines_add(&lines, "\n", 1);
    assert_int_equal(link_lines_next(&lines, &line, &size), 1);
    assert_int_equal(size, LINK_LINE_MAX);
    assert_int_equal(link_lines_next(&lines, &line, &size), 0);
    assert_true(lines.room < 100000); /* given back */
    link_lines_add(&lines, many, LINK_LINE_MAX + 1);
    assert_int_equal(link_lines_next(&lines, &line, &size), -EMSGSIZE);
    link_lines_fini(&lines);
    free(many);
}

struct scene {
    struct loop loop;
    char folder[64], path[96];
    int listening, daemon; /* sockets */
    char heard[4096];      /* by the daemon, a line */
    struct link *link;
    unsigned changed, lost, taken, asked, replies;
    uint64_t revision;
    int status;
    char words[128];
    struct link_question *question;
    bool freed;
};

static void on_changed(void *context, const cJSON *status)
{
    struct scene *scene = context;
    scene->changed++;
    json_integer(status, "revision", &scene->revision);
}

static void on_lost(void *context)
{
    struct scene *scene = context;
    scene->lost++;
}

static void on_taken(void *context)
{
    struct scene *scene = context;
    scene->taken++;
}

static void on_asked(
    void *context, const char *method, const cJSON *params, struct link_question *question)
{
    struct scene *scene = context;
    assert_string_equal(method, "plan");
    assert_string_equal(json_text(params, "region"), "us");
    scene->asked++;
    scene->question = question;
}

static void on_replied(void *context, int status, const char *words, const cJSON *result)
{
    struct scene *scene = context;
    (void)result;
    scene->replies++;
    scene->status = status;
    snprintf(scene->words, sizeof scene->words, "%s", words ? words : "");
}

static void listen_again(struct scene *scene)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", scene->path);
    scene->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_int_equal(bind(scene->listening, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(listen(scene->listening, 8), 0);
}

static int setup(void **ret)
{
    struct scene *scene = memory_new(sizeof *scene);
    loop_init(&scene->loop, "test");
    snprintf(scene->folder, sizeof scene->folder, "/tmp/pilotlight-link-XXXXXX");
    assert_non_null(mkdtemp(scene->folder));
    snprintf(scene->path, sizeof scene->path, "%s/socket", scene->folder);
    scene->daemon = -1;
    listen_again(scene);
    struct link_options options = {.socket = scene->path,
        .changed = on_changed,
        .lost = on_lost,
        .taken = on_taken,
        .asked = on_asked,
        .context = scene};
    scene->link = link_new(&scene->loop, &options);
    *ret = scene;
    return 0;
}

static void on_freed(void *context)
{
    struct scene *scene = context;
    scene->freed = true;
}

static int teardown(void **state)
{
    struct scene *scene = *state;
    link_free(scene->link, on_freed, scene);
    while (!scene->freed)
        uv_run(&scene->loop.uv, UV_RUN_ONCE);
    loop_fini(&scene->loop);
    close(scene->daemon);
    close(scene->listening);
    unlink(scene->path);
    rmdir(scene->folder);
    free(scene);
    return 0;
}

static void turn(struct scene *scene)
{
    for (int i = 0; i < 5; i++) {
        uv_run(&scene->loop.uv, UV_RUN_NOWAIT);
        usleep(1000);
    }
}

static void say(struct scene *scene, const char *line)
{
    assert_int_equal(send(scene->daemon, line, strlen(line), 0), strlen(line));
    assert_int_equal(send(scene->daemon, "\n", 1, 0), 1);
    turn(scene);
}

/* The next line of the sidecar's. */
static const char *hear(struct scene *scene)
{
    size_t size = 0;
    for (int i = 0; i < 2000; i++) {
        uv_run(&scene->loop.uv, UV_RUN_NOWAIT);
        ssize_t one = recv(scene->daemon, scene->heard + size, 1, MSG_DONTWAIT);
        if (one == 1 && scene->heard[size++] == '\n') {
            scene->heard[size - 1] = '\0';
            return scene->heard;
        }
        if (one != 1)
            usleep(1000);
    }
    fail_msg("nothing was said");
    return NULL;
}

static void accept_it(struct scene *scene)
{
    close(scene->daemon);
    scene->daemon = -1;
    for (int i = 0; i < 5000 && scene->daemon < 0; i++) {
        uv_run(&scene->loop.uv, UV_RUN_NOWAIT);
        scene->daemon = accept(scene->listening, NULL, NULL);
        usleep(1000);
    }
    assert_true(scene->daemon >= 0);
    assert_non_null(strstr(hear(scene), "\"method\":\"hello\",\"params\":{\"role\":\"sidecar\"}"));
}

static void reply(struct scene *scene, const char *rest)
{
    char line[256];
    const char *id = strstr(scene->heard, "\"id\":") + 5;
    snprintf(line, sizeof line, "{\"jsonrpc\":\"2.0\",\"id\":%d,%s}", atoi(id), rest);
    say(scene, line);
}

static void come_up(struct scene *scene)
{
    accept_it(scene);
    reply(scene, "\"result\":{}");
    assert_non_null(strstr(hear(scene), "\"method\":\"watch\""));
    reply(scene, "\"result\":{\"revision\":3}");
}

static void it_says_hello_and_hears_of_every_change(void **state)
{
    struct scene *scene = *state;
    come_up(scene);
    assert_int_equal(scene->changed, 1);
    assert_int_equal(scene->revision, 3);
    say(scene, "{\"jsonrpc\":\"2.0\",\"method\":\"state\",\"params\":{\"revision\":4}}");
    assert_int_equal(scene->changed, 2);
    assert_int_equal(scene->revision, 4);
}

static void calls_are_answered_in_any_order(void **state)
{
    struct scene *scene = *state;
    come_up(scene);
    link_call(scene->link, "step", NULL, on_replied, scene);
    link_call(scene->link, "end", NULL, on_replied, scene);
    hear(scene);
    hear(scene);
    reply(scene, "\"error\":{\"code\":1003,\"message\":\"not now\"}");
    assert_int_equal(scene->replies, 1);
    assert_int_equal(scene->status, EXIT_STATUS_REFUSED);
    assert_string_equal(scene->words, "not now");
}

static void what_is_under_way_when_the_line_breaks_is_not_known(void **state)
{
    struct scene *scene = *state;
    come_up(scene);
    link_call(scene->link, "step", NULL, on_replied, scene);
    hear(scene);
    shutdown(scene->daemon, SHUT_RDWR);
    turn(scene);
    assert_int_equal(scene->replies, 1);
    assert_int_equal(scene->status, EXIT_STATUS_NO_DAEMON);
    assert_int_equal(scene->lost, 1);
    come_up(scene);
    assert_int_equal(scene->changed, 2);
}

static void without_a_line_a_call_ends_later(void **state)
{
    struct scene *scene = *state;
    link_call(scene->link, "step", NULL, on_replied, scene);
    assert_int_equal(scene->replies, 0);
    turn(scene);
    assert_int_equal(scene->replies, 1);
    assert_int_equal(scene->status, EXIT_STATUS_NO_DAEMON);
}

static void a_call_between_hello_and_watch_ends_and_the_line_comes_up(void **state)
{
    struct scene *scene = *state;
    accept_it(scene);
    link_call(scene->link, "step", NULL, on_replied, scene);
    turn(scene);
    assert_int_equal(scene->replies, 1);
    reply(scene, "\"result\":{}");
    assert_non_null(strstr(hear(scene), "\"method\":\"watch\""));
    reply(scene, "\"result\":{\"revision\":3}");
    assert_int_equal(scene->changed, 1);
}

static void a_place_that_is_taken_is_waited_for(void **state)
{
    struct scene *scene = *state;
    accept_it(scene);
    reply(scene, "\"error\":{\"code\":1003,\"message\":\"another sidecar is connected\"}");
    assert_int_equal(scene->lost, 0);
    assert_int_equal(scene->taken, 1);
    come_up(scene);
    assert_int_equal(scene->changed, 1);
    assert_int_equal(scene->taken, 1);
}

static void nonsense_ends_the_connection_alone(void **state)
{
    struct scene *scene = *state;
    come_up(scene);
    say(scene, "what?");
    assert_int_equal(scene->lost, 1);
    come_up(scene);
}

static void a_question_is_answered_with_its_id(void **state)
{
    struct scene *scene = *state;
    come_up(scene);
    say(scene, "{\"jsonrpc\":\"2.0\",\"id\":\"d1\",\"method\":\"plan\",\"params\":"
               "{\"region\":\"us\"}}");
    assert_int_equal(scene->asked, 1);
    link_answer(scene->question, cJSON_CreateObject());
    assert_string_equal(hear(scene), "{\"jsonrpc\":\"2.0\",\"id\":\"d1\",\"result\":{}}");
    say(scene, "{\"jsonrpc\":\"2.0\",\"id\":\"d2\",\"method\":\"plan\",\"params\":"
               "{\"region\":\"us\"}}");
    link_refuse(scene->question, EXIT_STATUS_REFUSED, "no");
    assert_non_null(strstr(hear(scene), "\"id\":\"d2\",\"error\":{\"code\":1003,"));
}

static void an_answer_for_a_line_that_broke_is_dropped(void **state)
{
    struct scene *scene = *state;
    come_up(scene);
    say(scene, "{\"jsonrpc\":\"2.0\",\"id\":\"d1\",\"method\":\"plan\",\"params\":"
               "{\"region\":\"us\"}}");
    shutdown(scene->daemon, SHUT_RDWR);
    turn(scene);
    come_up(scene);
    link_answer(scene->question, cJSON_CreateObject());
    link_call(scene->link, "status", NULL, on_replied, scene);
    assert_non_null(strstr(hear(scene), "\"method\":\"status\""));
}

#define unit(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_may_come_in_pieces_and_a_piece_have_lines),
        cmocka_unit_test(a_line_of_four_mebibytes_is_taken_and_no_longer_one),
        unit(it_says_hello_and_hears_of_every_change),
        unit(calls_are_answered_in_any_order),
        unit(what_is_under_way_when_the_line_breaks_is_not_known),
        unit(without_a_line_a_call_ends_later),
        unit(a_call_between_hello_and_watch_ends_and_the_line_comes_up),
        unit(a_place_that_is_taken_is_waited_for),
        unit(nonsense_ends_the_connection_alone),
        unit(a_question_is_answered_with_its_id),
        unit(an_answer_for_a_line_that_broke_is_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
