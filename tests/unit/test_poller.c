/* The set of sockets, and libuv's timers beside them. */
#include "base/loop.h"
#include "proxy/poller.h"
#include "tests/unit/sample.h"

#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

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
    uv_loop_t uv; /* with no timer but those of a test */
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
    uv_idle_init(&scene->uv, &idle);
    uv_idle_start(&idle, on_idle);
    for (int i = 0; i < 3; i++)
        poller_turn(&scene->poller);
    uv_close((uv_handle_t *)&idle, NULL);
    poller_turn(&scene->poller);
}

static void scene_init(struct poller_scene *scene)
{
    *scene = (struct poller_scene){0};
    assert_int_equal(uv_loop_init(&scene->uv), 0);
    assert_int_equal(poller_init(&scene->poller, &scene->uv), 0);
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
    assert_int_equal(uv_loop_close(&scene->uv), 0);
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

/* Turns until the timer has run that often, or for five seconds. */
static void turn_until(struct poller_scene *scene, const unsigned *times, unsigned wanted)
{
    uint64_t deadline = uv_hrtime() + 5000000000u;
    while (*times < wanted && uv_hrtime() < deadline)
        poller_turn(&scene->poller);
    assert_true(*times >= wanted);
}

static uint64_t now_ms(void)
{
    return uv_hrtime() / 1000000;
}

/* Counts how often it runs. */
static void start_timer(
    struct poller_scene *scene, uv_timer_t *timer, unsigned *times, unsigned ms, unsigned repeat_ms)
{
    timer->data = times;
    uv_timer_init(&scene->uv, timer);
    uv_timer_start(timer, count_time, ms, repeat_ms);
}

static void close_timer(struct poller_scene *scene, uv_timer_t *timer)
{
    uv_close((uv_handle_t *)timer, NULL);
    poller_turn(&scene->poller);
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
    uv_timer_t timer;
    start_timer(&scene, &timer, &times, 1, 1);
    scene.heard[0].peer = &scene.peers[0];
    scene.heard[0].socket.on_event = write_again;
    assert_int_equal(write(scene.peers[0], "x", 1), 1);
    turn_until(&scene, &times, 10);
    close_timer(&scene, &timer);
    scene_fini(&scene);
}

static void timers_run_while_no_socket_has_anything_to_say(void **unused)
{
    (void)unused;
    struct poller_scene scene;
    scene_init(&scene);
    unsigned times = 0;
    uv_timer_t timer;
    start_timer(&scene, &timer, &times, 1, 1);
    turn_until(&scene, &times, 20);
    close_timer(&scene, &timer);
    scene_fini(&scene);
}

/* A wait that sees no timer: what is set stays set. */
static void wait_for_a_socket(struct poller_scene *scene)
{
    turn(scene);
    forget(scene);
    assert_int_equal(write(scene->peers[0], "x", 1), 1);
    while (scene->heard[0].times == 0)
        poller_turn(&scene->poller);
}

static void an_earlier_timer_is_not_late_for_one_that_was_set_before(void **unused)
{
    (void)unused;
    struct poller_scene scene;
    scene_init(&scene);
    unsigned late_times = 0, early_times = 0;
    uv_timer_t late, early;
    start_timer(&scene, &late, &late_times, 60000, 0);
    wait_for_a_socket(&scene);
    start_timer(&scene, &early, &early_times, 5, 0);
    turn_until(&scene, &early_times, 1);
    assert_int_equal(late_times, 0);
    close_timer(&scene, &early);
    close_timer(&scene, &late);
    scene_fini(&scene);
}

static void a_timer_that_was_stopped_leaves_those_that_come_after_it_alone(void **unused)
{
    (void)unused;
    struct poller_scene scene;
    scene_init(&scene);
    unsigned stopped_times = 0, times = 0;
    uv_timer_t stopped, timer;
    start_timer(&scene, &stopped, &stopped_times, 5, 0);
    wait_for_a_socket(&scene);
    uv_timer_stop(&stopped);
    uint64_t start_ms = now_ms();
    start_timer(&scene, &timer, &times, 30, 0);
    turn_until(&scene, &times, 1);
    assert_true(now_ms() - start_ms >= 29);
    assert_int_equal(stopped_times, 0);
    close_timer(&scene, &stopped);
    close_timer(&scene, &timer);
    scene_fini(&scene);
}

struct late_start {
    uv_timer_t timer;
    uint64_t start_ms;
    unsigned times;
};

static void start_late(struct poller_socket *socket, uint32_t events)
{
    struct late_start *late = socket->data;
    (void)events;
    late->start_ms = now_ms();
    uv_timer_start(&late->timer, count_time, 30, 0);
}

static void write_after_a_while(void *peer)
{
    uv_sleep(60);
    assert_int_equal(write(*(int *)peer, "x", 1), 1);
}

static void a_timer_started_for_a_socket_counts_from_its_event(void **unused)
{
    (void)unused;
    struct poller_scene scene;
    scene_init(&scene);
    struct late_start late = {.times = 0};
    start_timer(&scene, &late.timer, &late.times, 60000, 0); /* one for the loop to wait for */
    scene.heard[0].socket.on_event = start_late;
    scene.heard[0].socket.data = &late;
    uv_thread_t thread;
    assert_int_equal(uv_thread_create(&thread, write_after_a_while, &scene.peers[0]), 0);
    turn_until(&scene, &late.times, 1);
    assert_true(now_ms() - late.start_ms >= 29);
    uv_thread_join(&thread);
    close_timer(&scene, &late.timer);
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
    struct loop loop;
    struct poller poller;
    assert_int_equal(loop_init(&loop, "main"), 0);
    assert_int_equal(poller_init(&poller, &loop.uv), 0);
    unsigned calls = 0;
    loop_post(&loop, post_again, &(struct posted){&loop, &calls});
    for (int i = 0; i < 20 && calls < 3; i++)
        poller_turn(&poller);
    assert_int_equal(calls, 3);
    poller_fini(&poller);
    loop_fini(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_socket_that_never_rests_does_not_keep_timers_from_running),
        cmocka_unit_test(timers_run_while_no_socket_has_anything_to_say),
        cmocka_unit_test(an_earlier_timer_is_not_late_for_one_that_was_set_before),
        cmocka_unit_test(a_timer_that_was_stopped_leaves_those_that_come_after_it_alone),
        cmocka_unit_test(a_timer_started_for_a_socket_counts_from_its_event),
        cmocka_unit_test(what_other_threads_post_is_called),
        cmocka_unit_test(each_byte_is_told_once_and_again_when_asked_for),
        cmocka_unit_test(a_socket_that_was_closed_in_the_same_batch_hears_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
