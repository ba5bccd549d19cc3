/* The pool of pipes, and the set of sockets. */
#include "proxy/pipes.h"
#include "proxy/poller.h"
#include "tests/unit/sample.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static void a_pipe_is_used_again_when_it_comes_back_empty(void **unused)
{
    (void)unused;
    atomic_int descriptors = 2 * PIPES_MAX;
    struct pipes pipes = {.descriptors = &descriptors};
    struct pipe *pipe = pipes_take(&pipes);
    assert_non_null(pipe);
    assert_true(pipe->size >= 32 << 10);
    pipes_give(&pipes, pipe);
    assert_ptr_equal(pipes_take(&pipes), pipe);
    assert_int_equal(pipes.count, 1);
    pipes_give(&pipes, pipe);
    pipes_fini(&pipes);
    assert_int_equal(pipes.count, 0);
}

static void nothing_of_one_connection_reaches_another_through_a_pipe(void **unused)
{
    (void)unused;
    atomic_int descriptors = 2 * PIPES_MAX;
    struct pipes pipes = {.descriptors = &descriptors};
    struct pipe *pipe = pipes_take(&pipes);
    int end = pipe->ends[0];
    assert_int_equal(write(pipe->ends[1], "secret", 6), 6);
    pipe->filled = 6;
    pipes_give(&pipes, pipe);
    assert_int_equal(pipes.count, 0);
    assert_int_equal(pipes.idle_count, 0);
    assert_int_equal(fcntl(end, F_GETFD), -1);
    pipes_fini(&pipes);
}

static void pipes_are_bounded_in_use_and_idle(void **unused)
{
    (void)unused;
    atomic_int descriptors = 2 * PIPES_MAX;
    struct pipes pipes = {.descriptors = &descriptors};
    struct pipe *taken[PIPES_MAX];
    for (int i = 0; i < PIPES_MAX; i++) {
        taken[i] = pipes_take(&pipes);
        assert_non_null(taken[i]);
    }
    assert_null(pipes_take(&pipes));
    for (int i = 0; i < PIPES_MAX; i++)
        pipes_give(&pipes, taken[i]);
    assert_int_equal(pipes.idle_count, PIPES_IDLE_MAX);
    assert_int_equal(pipes.count, PIPES_IDLE_MAX);
    pipes_fini(&pipes);
    assert_int_equal(descriptors, 2 * PIPES_MAX);
}

static void pipes_count_among_the_descriptors_that_are_left(void **unused)
{
    (void)unused;
    atomic_int descriptors = 5;
    struct pipes pipes = {.descriptors = &descriptors};
    struct pipe *first = pipes_take(&pipes), *second = pipes_take(&pipes);
    assert_non_null(second);
    assert_null(pipes_take(&pipes));
    assert_int_equal(descriptors, 1);
    pipes_give(&pipes, first);
    assert_ptr_equal(pipes_take(&pipes), first);
    second->filled = 1;
    pipes_give(&pipes, second);
    assert_int_equal(descriptors, 3);
    pipes_give(&pipes, first);
    pipes_fini(&pipes);
    assert_int_equal(descriptors, 5);
}

struct heard {
    struct poller_socket socket;
    struct heard *other; /* closed when this one hears something */
    int *peer;           /* written to again when this one hears something */
    uint32_t events;
    unsigned times;
};

static void on_heard(struct poller_socket *socket, uint32_t events)
{
    struct heard *heard = socket->data;
    heard->events |= events;
    heard->times++;
    if (heard->other && heard->other->socket.fd >= 0) {
        close(heard->other->socket.fd);
        heard->other->socket.fd = -1;
    }
}

struct poller_scene {
    struct loop loop;
    struct poller poller;
    struct heard heard[2];
    int peers[2];
};

static void on_idle(uv_idle_t *idle)
{
    (void)idle;
}

/* What is there already is told within a few turns, however often libuv has its own. */
static void turn(struct poller_scene *scene)
{
    uv_idle_t idle; /* so that no turn waits */
    uv_idle_init(&scene->loop.uv, &idle);
    uv_idle_start(&idle, on_idle);
    for (int i = 0; i < 3; i++)
        poller_turn(&scene->poller);
    uv_close((uv_handle_t *)&idle, NULL);
    poller_turn(&scene->poller);
}

static void scene_init(struct poller_scene *scene)
{
    *scene = (struct poller_scene){0};
    assert_int_equal(loop_init(&scene->loop, "main"), 0);
    assert_int_equal(poller_init(&scene->poller, &scene->loop.uv), 0);
    for (int i = 0; i < 2; i++) {
        int pair[2];
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
        scene->heard[i].socket =
            (struct poller_socket){.fd = pair[0], .on_event = on_heard, .data = &scene->heard[i]};
        scene->peers[i] = pair[1];
        assert_int_equal(poller_add(&scene->poller, &scene->heard[i].socket), 0);
    }
    turn(scene); /* that they can be written to */
}

static void scene_fini(struct poller_scene *scene)
{
    for (int i = 0; i < 2; i++) {
        if (scene->heard[i].socket.fd >= 0)
            close(scene->heard[i].socket.fd);
        close(scene->peers[i]);
    }
    poller_fini(&scene->poller);
    loop_fini(&scene->loop);
}

static void forget(struct poller_scene *scene)
{
    for (int i = 0; i < 2; i++)
        scene->heard[i].events = scene->heard[i].times = 0;
}

static void each_byte_is_told_once_and_again_when_asked_for(void **unused)
{
    (void)unused;
    struct poller_scene scene;
    scene_init(&scene);
    forget(&scene);
    assert_int_equal(write(scene.peers[0], "x", 1), 1);
    turn(&scene);
    assert_true(scene.heard[0].events & EPOLLIN);
    assert_int_equal(scene.heard[1].times, 0);

    forget(&scene);
    turn(&scene);
    assert_int_equal(scene.heard[0].times, 0);
    poller_rearm(&scene.poller, &scene.heard[0].socket);
    turn(&scene);
    assert_true(scene.heard[0].events & EPOLLIN);
    scene_fini(&scene);
}

static void a_socket_that_was_closed_in_the_same_batch_hears_nothing(void **unused)
{
    (void)unused;
    struct poller_scene scene;
    scene_init(&scene);
    forget(&scene);
    scene.heard[0].other = &scene.heard[1];
    scene.heard[1].other = &scene.heard[0];
    for (int i = 0; i < 2; i++)
        assert_int_equal(write(scene.peers[i], "x", 1), 1);
    turn(&scene);
    assert_int_equal(scene.heard[0].times + scene.heard[1].times, 1);
    scene_fini(&scene);
}

static void count_time(uv_timer_t *timer)
{
    ++*(unsigned *)timer->data;
}

static void write_again(struct poller_socket *socket, uint32_t events)
{
    struct heard *heard = socket->data;
    char byte;
    (void)events;
    assert_int_equal(read(socket->fd, &byte, 1), 1);
    assert_int_equal(write(*heard->peer, "x", 1), 1);
}

static void a_socket_that_never_rests_does_not_keep_timers_from_running(void **unused)
{
    (void)unused;
    struct poller_scene scene;
    scene_init(&scene);
    unsigned times = 0;
    uv_timer_t timer = {.data = &times};
    uv_timer_init(&scene.loop.uv, &timer);
    uv_timer_start(&timer, count_time, 1, 1);
    scene.heard[0].peer = &scene.peers[0];
    scene.heard[0].socket.on_event = write_again;
    assert_int_equal(write(scene.peers[0], "x", 1), 1);
    uint64_t deadline = uv_hrtime() + 5000000000u;
    while (times < 10 && uv_hrtime() < deadline)
        poller_turn(&scene.poller);
    assert_true(times >= 10);
    uv_close((uv_handle_t *)&timer, NULL);
    poller_turn(&scene.poller);
    scene_fini(&scene);
}

struct posted {
    struct loop *loop;
    unsigned *calls;
};

static void post_again(void *context)
{
    struct posted *posted = context;
    if (++*posted->calls < 3)
        loop_post(posted->loop, post_again, posted);
}

static void what_other_threads_post_is_called(void **unused)
{
    (void)unused;
    struct poller_scene scene;
    scene_init(&scene);
    unsigned calls = 0;
    loop_post(&scene.loop, post_again, &(struct posted){&scene.loop, &calls});
    for (int i = 0; i < 20 && calls < 3; i++)
        poller_turn(&scene.poller);
    assert_int_equal(calls, 3);
    scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_that_never_rests_does_not_keep_timers_from_running),
        cmocka_unit_test(what_other_threads_post_is_called),
        cmocka_unit_test(a_pipe_is_used_again_when_it_comes_back_empty),
        cmocka_unit_test(nothing_of_one_connection_reaches_another_through_a_pipe),
        cmocka_unit_test(pipes_are_bounded_in_use_and_idle),
        cmocka_unit_test(pipes_count_among_the_descriptors_that_are_left),
        cmocka_unit_test(each_byte_is_told_once_and_again_when_asked_for),
        cmocka_unit_test(a_socket_that_was_closed_in_the_same_batch_hears_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
