/* The server in a loop of its own, the test as its peer over loopback. */
#include "base/http_server.h"

#include "base/memory.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define TIMEOUT_MS 300
#define BIG_SIZE (32u << 20)

struct fixture {
    struct loop loop;
    struct http_server *server;
    struct sockaddr_in address;
    atomic_uint handled;
    uv_sem_t freed;
};

static void handle(void *context, const char *path, struct http_reply *reply)
{
    struct fixture *fixture = context;
    atomic_fetch_add(&fixture->handled, 1);
    if (strcmp(path, "/big") == 0) {
        reply->body = memory_new(BIG_SIZE);
        reply->size = BIG_SIZE;
        return;
    }
    reply->body = memory_format("you asked %s", path);
    reply->size = strlen(reply->body);
}

static int bind_loopback(struct sockaddr_in *ret)
{
    *ret = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof *ret;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)ret, size), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)ret, &size), 0);
    return fd;
}

static int set_up(void **state)
{
    signal(SIGPIPE, SIG_IGN);
    struct fixture *fixture = memory_new(sizeof *fixture);
    assert_int_equal(loop_init(&fixture->loop, "http"), 0);
    uv_sem_init(&fixture->freed, 0);
    struct http_server_options options = {
        .handler = handle, .context = fixture, .connections_max = 4, .timeout_ms = TIMEOUT_MS};
    fixture->server = http_server_new(&fixture->loop, &options);
    assert_int_equal(http_server_listen(fixture->server, bind_loopback(&fixture->address)), 0);
    assert_int_equal(loop_start(&fixture->loop), 0);
    *state = fixture;
    return 0;
}

static void on_freed(void *context)
{
    struct fixture *fixture = context;
    uv_sem_post(&fixture->freed);
}

static void free_server(void *context)
{
    struct fixture *fixture = context;
    http_server_free(fixture->server, on_freed, fixture);
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    loop_post(&fixture->loop, free_server, fixture);
    uv_sem_wait(&fixture->freed);
    loop_fini(&fixture->loop);
    uv_sem_destroy(&fixture->freed);
    free(fixture);
    return 0;
}

static int dial(struct fixture *fixture)
{
    struct timeval limit = {.tv_sec = 5};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(connect(fd, (struct sockaddr *)&fixture->address, sizeof fixture->address), 0);
    return fd;
}

static void say(int fd, const char *text)
{
    assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* Everything until the server closes; the caller frees. */
static char *hear_all(int fd)
{
    size_t size = 0, room = 1 << 16;
    char *text = memory_new(room);
    for (;;) {
        ssize_t got = recv(fd, text + size, room - size - 1, 0);
        assert_true(got >= 0);
        if (got == 0)
            break;
        size += (size_t)got;
        assert_true(size < room - 1);
    }
    text[size] = 0;
    close(fd);
    return text;
}

/* Until `end` stands at the end of what came. */
static void hear_until(int fd, const char *end)
{
    char text[8192] = "";
    size_t size = 0;
    while (size < strlen(end) || strcmp(text + size - strlen(end), end) != 0) {
        ssize_t got = recv(fd, text + size, sizeof text - size - 1, 0);
        assert_true(got > 0);
        size += (size_t)got;
        text[size] = 0;
    }
}

static char *ask(struct fixture *fixture, const char *request)
{
    int fd = dial(fixture);
    say(fd, request);
    return hear_all(fd);
}

static void assert_answer(void **state, const char *request, const char *begins)
{
    char *reply = ask(*state, request);
    if (strncmp(reply, begins, strlen(begins)) != 0)
        fail_msg("to %.60s… came: %s", request, reply);
    assert_null(strstr(reply + 1, "HTTP/1.1 ")); /* one reply, no more */
    free(reply);
}

static void a_get_is_answered_by_the_handler(void **state)
{
    char *reply = ask(*state, "GET /path?query HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(reply, "HTTP/1.1 200 OK\r\n"));
    assert_non_null(strstr(reply, "Content-Length: 15\r\n"));
    assert_non_null(strstr(reply, "Connection: close\r\n\r\nyou asked /path"));
    free(reply);
}

static void a_head_gets_the_head_alone(void **state)
{
    char *reply = ask(*state, "HEAD / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    assert_non_null(strstr(reply, "Content-Length: 11\r\n"));
    assert_string_equal(reply + strlen(reply) - 4, "\r\n\r\n");
    free(reply);
}

static void http_1_0_is_answered_and_closed(void **state)
{
    assert_answer(state, "GET / HTTP/1.0\r\n\r\n", "HTTP/1.1 200 ");
}

static void another_method_is_405_and_the_connection_lives(void **state)
{
    int fd = dial(*state);
    say(fd, "DELETE / HTTP/1.1\r\nHost: h\r\n\r\n");
    hear_until(fd, "Method Not Allowed\n");
    say(fd, "GET /after HTTP/1.1\r\nHost: h\r\n\r\n");
    hear_until(fd, "you asked /after");
    close(fd);
}

static void a_body_is_not_taken(void **state)
{
    assert_answer(
        state, "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 405 ");
    assert_answer(
        state, "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc", "HTTP/1.1 413 ");
    assert_answer(state, "GET / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 413 ");
    assert_int_equal(atomic_load(&((struct fixture *)*state)->handled), 0);
}

static void what_is_malformed_is_400_and_closed(void **state)
{
    assert_answer(state, "nonsense\r\n\r\n", "HTTP/1.1 400 ");
    assert_answer(state, "GET / HTTP/1.1\r\nHost h\r\n\r\n", "HTTP/1.1 400 ");
    assert_answer(state, "GET / HTTP/1.1\nHost: h\n\n", "HTTP/1.1 400 ");
    assert_answer(state, "GET / HTTP/1.1\r\nHost: h\r\nA : b\r\n\r\n", "HTTP/1.1 400 ");
    assert_answer(state, "GET / HTTP/9.9\r\nHost: h\r\n\r\n", "HTTP/1.1 400 ");
    assert_answer(state,
        "GET / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 4");
    assert_int_equal(atomic_load(&((struct fixture *)*state)->handled), 0);
}

static void exactly_one_host_field_is_wanted(void **state)
{
    assert_answer(state, "GET / HTTP/1.1\r\n\r\n", "HTTP/1.1 400 ");
    assert_answer(state, "GET / HTTP/1.1\r\nHosts: h\r\n\r\n", "HTTP/1.1 400 ");
    assert_answer(state, "GET / HTTP/1.1\r\nHost: a\r\nhOST: b\r\n\r\n", "HTTP/1.1 400 ");
}

static void a_head_beyond_the_limit_is_431(void **state)
{
    struct fixture *fixture = *state;
    char *field = memory_new(HTTP_HEAD_MAX);
    memset(field, 'x', HTTP_HEAD_MAX - 1);
    char *request = memory_format("GET / HTTP/1.1\r\nHost: h\r\nX: %s\r\n\r\n", field);
    assert_answer(state, request, "HTTP/1.1 431 ");
    int fd = dial(fixture); /* one that never ends */
    say(fd, "GET / HTTP/1.1\r\nHost: h\r\nX: ");
    say(fd, field);
    char *reply = hear_all(fd);
    assert_non_null(strstr(reply, "HTTP/1.1 431 "));
    free(reply);
    free(request);
    free(field);
    assert_int_equal(atomic_load(&fixture->handled), 0);
}

static void a_path_beyond_the_limit_is_414(void **state)
{
    char path[2000];
    memset(path, 'a', sizeof path - 1);
    path[sizeof path - 1] = 0;
    char *request = memory_format("GET /%s HTTP/1.1\r\nHost: h\r\n\r\n", path);
    assert_answer(state, request, "HTTP/1.1 414 ");
    free(request);
}

static void pipelined_requests_are_answered_in_order(void **state)
{
    char *reply = ask(*state, "GET /1 HTTP/1.1\r\nHost: h\r\n\r\n"
                              "GET /2 HTTP/1.1\r\nHost: h\r\n\r\n"
                              "HEAD /3 HTTP/1.1\r\nHost: h\r\n\r\n"
                              "GET /4 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"
                              "GET /5 HTTP/1.1\r\nHost: h\r\n\r\n");
    const char *first = strstr(reply, "you asked /1HTTP/1.1 200");
    const char *second = strstr(reply, "you asked /2HTTP/1.1 200");
    assert_non_null(first);
    assert_non_null(second);
    assert_true(first < second);
    assert_non_null(strstr(second, "you asked /4"));
    assert_null(strstr(reply, "/3"));
    assert_null(strstr(reply, "/5"));
    free(reply);
}

static void a_request_in_single_bytes_is_answered(void **state)
{
    int fd = dial(*state);
    for (const char *at = "GET /slow HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n"; *at; at++)
        assert_int_equal(send(fd, at, 1, MSG_NOSIGNAL), 1);
    char *reply = hear_all(fd);
    assert_non_null(strstr(reply, "you asked /slow"));
    free(reply);
}

static void an_idle_connection_is_closed(void **state)
{
    int silent = dial(*state), half = dial(*state), kept = dial(*state);
    say(half, "GET / HTTP/1.1\r\nHo");
    say(kept, "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
    hear_until(kept, "you asked /");
    char *heard[] = {hear_all(silent), hear_all(half), hear_all(kept)};
    for (size_t i = 0; i < 3; i++) {
        assert_string_equal(heard[i], "");
        free(heard[i]);
    }
}

static void one_connection_too_many_is_closed_at_once(void **state)
{
    struct fixture *fixture = *state;
    int kept[4];
    for (size_t i = 0; i < 4; i++) {
        kept[i] = dial(fixture);
        say(kept[i], "GET / HTTP/1.1\r\nHost: h\r\n\r\n");
        hear_until(kept[i], "you asked /");
    }
    int fd = dial(fixture);
    char byte;
    assert_true(recv(fd, &byte, 1, 0) <= 0);
    close(fd);
    for (size_t i = 0; i < 4; i++)
        close(kept[i]);
}

static void a_peer_that_does_not_read_costs_one_reply_and_is_closed(void **state)
{
    struct fixture *fixture = *state;
    int fd = dial(fixture);
    for (int i = 0; i < 50; i++)
        say(fd, "GET /big HTTP/1.1\r\nHost: h\r\n\r\n");
    uint64_t deadline = uv_hrtime() + 5000000000u;
    int failed = 0; /* the reset is seen when writing, without reading a byte */
    while (!failed && uv_hrtime() < deadline) {
        usleep(20000);
        failed = send(fd, "G", 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0;
    }
    assert_true(failed);
    assert_int_equal(atomic_load(&fixture->handled), 1);
    close(fd);
}

#define EACH(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        EACH(a_get_is_answered_by_the_handler),
        EACH(a_head_gets_the_head_alone),
        EACH(http_1_0_is_answered_and_closed),
        EACH(another_method_is_405_and_the_connection_lives),
        EACH(a_body_is_not_taken),
        EACH(what_is_malformed_is_400_and_closed),
        EACH(exactly_one_host_field_is_wanted),
        EACH(a_head_beyond_the_limit_is_431),
        EACH(a_path_beyond_the_limit_is_414),
        EACH(pipelined_requests_are_answered_in_order),
        EACH(a_request_in_single_bytes_is_answered),
        EACH(an_idle_connection_is_closed),
        EACH(one_connection_too_many_is_closed_at_once),
        EACH(a_peer_that_does_not_read_costs_one_reply_and_is_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
