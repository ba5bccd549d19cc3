/* Bytes through TLS: all of them, in order, with no event for those that the session has read
 * ahead. */
#include "proxy/gateway/wire.h"

#include "base/memory.h"
#include "tests/unit/gateway_tls_scene.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define MUCH (4u << 20) /* more than sockets' buffers take */

struct scene {
    uv_loop_t uv;
    struct poller poller;
    struct tls_server *server;
    SSL_CTX *context;
    struct ends ends;
    struct wire wire;
};

static void on_event(struct poller_socket *socket, uint32_t events)
{
    (void)socket;
    (void)events;
}

/* The handshake is over, and nothing came behind it. */
static int set_up(void **state)
{
    static struct scene scene;
    uint8_t byte;
    scene = (struct scene){.server = scene_server(&scene_tickets)};
    assert_int_equal(uv_loop_init(&scene.uv), 0);
    assert_int_equal(poller_init(&scene.poller, &scene.uv), 0);
    scene.context = peer_client_context();
    scene.ends = ends_accept(scene.server, scene.context, ASSETS);
    assert_int_equal(scene.ends.status, 0);
    wire_init(&scene.wire, on_event, &scene);
    assert_int_equal(wire_open(&scene.wire, &scene.poller, scene.ends.ours), 0);
    wire_begin_tls(&scene.wire, scene.ends.session);
    assert_int_equal(wire_shake(&scene.wire), 0);
    assert_int_equal(wire_read(&scene.wire, &byte, 1), -EAGAIN);
    wire_note(&scene.wire, EPOLLOUT);
    *state = &scene;
    return 0;
}

static int tear_down(void **state)
{
    struct scene *scene = *state;
    wire_close(&scene->wire, false);
    SSL_free(scene->ends.peer);
    close(scene->ends.theirs);
    SSL_CTX_free(scene->context);
    tls_server_free(scene->server);
    poller_fini(&scene->poller);
    return uv_loop_close(&scene->uv);
}

/* What the peer reads now; stops where there is nothing, or at the end of a record. */
static size_t hear(struct scene *scene, uint8_t *to, size_t room)
{
    int got = SSL_read(scene->ends.peer, to, (int)room);
    return got > 0 ? (size_t)got : 0;
}

static void small_parts_are_one_record(void **state)
{
    struct scene *scene = *state;
    char bo[] = "bo", dy[] = "dy";
    const struct iovec parts[] = {{bo, 2}, {dy, 2}};
    uint8_t heard[64];
    wire_keep(&scene->wire, "head ", 5);
    assert_int_equal(wire_send(&scene->wire, parts, 2), 0);
    assert_true(wire_is_clear(&scene->wire));
    assert_int_equal(hear(scene, heard, sizeof heard), 9); /* SSL_read(3) ends with a record */
    assert_memory_equal(heard, "head body", 9);
}

static uint8_t *pattern_new(size_t size)
{
    uint8_t *bytes = memory_new_array(size, 1);
    for (size_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 251);
    return bytes;
}

/* What is kept before is more than a record, and less than two. */
static void what_a_slow_peer_does_not_take_is_kept_and_follows_in_order(void **state)
{
    struct scene *scene = *state;
    uint8_t *said = pattern_new(MUCH), *heard = memory_new_array(MUCH, 1);
    const struct iovec parts[] = {
        {said + 20000, 70000}, {said + 90000, 100}, {said + 90100, MUCH - 90100}};
    size_t total = 0;
    wire_keep(&scene->wire, said, 20000);
    assert_int_equal(wire_send(&scene->wire, parts, 3), 0);
    assert_false(wire_is_clear(&scene->wire));
    assert_false(scene->wire.writable);
    for (size_t turn = 0; turn < MUCH && total < MUCH; turn++) {
        size_t got = hear(scene, heard + total, MUCH - total);
        total += got;
        if (got > 0)
            continue;
        wire_note(&scene->wire, EPOLLOUT);
        assert_int_equal(wire_flush(&scene->wire), 0);
    }
    assert_int_equal(total, MUCH);
    assert_memory_equal(heard, said, MUCH);
    assert_true(wire_is_clear(&scene->wire));
    free(said);
    free(heard);
}

static void what_was_read_ahead_needs_no_event(void **state)
{
    struct scene *scene = *state;
    char byte[2] = "";
    peer_say(&scene->ends, "ab");
    peer_say(&scene->ends, "c");
    assert_int_equal(wire_read(&scene->wire, byte, 1), -EAGAIN); /* nobody told of it yet */
    wire_note(&scene->wire, EPOLLIN);
    for (const char *expected = "abc"; *expected; expected++) {
        assert_true(scene->wire.readable);
        assert_int_equal(wire_read(&scene->wire, byte, 1), 1);
        assert_int_equal(*byte, *expected);
    }
    assert_int_equal(wire_read(&scene->wire, byte, 1), -EAGAIN);
    assert_false(scene->wire.readable);
}

/* It comes between an event that tells of something else and the step that takes it all. */
static void what_came_behind_the_handshake_needs_no_event(void **state)
{
    struct scene *scene = *state;
    struct ends ends = ends_begin(scene->server, scene->context, ASSETS);
    struct wire wire;
    char bytes[64] = "";
    wire_init(&wire, on_event, NULL);
    assert_int_equal(wire_open(&wire, &scene->poller, ends.ours), 0);
    wire_begin_tls(&wire, ends.session);
    assert_int_equal(SSL_do_handshake(ends.peer), -1); /* its hello */
    wire_note(&wire, EPOLLIN | EPOLLOUT);
    assert_int_equal(wire_shake(&wire), -EAGAIN);
    wire_note(&wire, EPOLLOUT);
    assert_int_equal(SSL_do_handshake(ends.peer), 1);
    peer_say(&ends, "request");
    assert_int_equal(wire_shake(&wire), 0);
    assert_int_equal(wire_read(&wire, bytes, sizeof bytes), 7);
    assert_string_equal(bytes, "request");
    wire_close(&wire, true);
    SSL_free(ends.peer);
    close(ends.theirs);
}

static void several_records_are_one_read(void **state)
{
    struct scene *scene = *state;
    char bytes[64] = "";
    peer_say(&scene->ends, "one ");
    peer_say(&scene->ends, "two");
    wire_note(&scene->wire, EPOLLIN);
    assert_int_equal(wire_read(&scene->wire, bytes, sizeof bytes), 7);
    assert_string_equal(bytes, "one two");
}

static void the_end_comes_after_what_was_said(void **state)
{
    struct scene *scene = *state;
    char bytes[64] = "";
    peer_say(&scene->ends, "last");
    SSL_shutdown(scene->ends.peer);
    wire_note(&scene->wire, EPOLLIN);
    assert_int_equal(wire_read(&scene->wire, bytes, sizeof bytes), 4);
    assert_false(scene->wire.ended);
    assert_int_equal(wire_read(&scene->wire, bytes, sizeof bytes), 0);
    assert_true(scene->wire.ended);
}

static void an_end_without_a_goodbye_is_no_good_end(void **state)
{
    struct scene *scene = *state;
    char bytes[64];
    peer_say(&scene->ends, "half");
    shutdown(scene->ends.theirs, SHUT_WR);
    wire_note(&scene->wire, EPOLLIN | EPOLLRDHUP);
    assert_int_equal(wire_read(&scene->wire, bytes, sizeof bytes), 4);
    assert_int_equal(wire_read(&scene->wire, bytes, sizeof bytes), -ECONNRESET);
    assert_true(scene->wire.ended);
}

static void quiet_is_who_says_nothing(void **state)
{
    struct scene *scene = *state;
    assert_true(wire_is_quiet(&scene->wire));
    peer_say(&scene->ends, "x");
    assert_false(wire_is_quiet(&scene->wire));
}

static void who_said_goodbye_is_not_quiet(void **state)
{
    struct scene *scene = *state;
    SSL_shutdown(scene->ends.peer);
    assert_false(wire_is_quiet(&scene->wire));
}

static void closing_says_goodbye(void **state)
{
    struct scene *scene = *state;
    uint8_t byte;
    wire_close(&scene->wire, false);
    assert_int_equal(hear(scene, &byte, 1), 0);
    assert_int_equal(SSL_get_shutdown(scene->ends.peer), SSL_RECEIVED_SHUTDOWN);
}

static void a_reset_says_none(void **state)
{
    struct scene *scene = *state;
    uint8_t byte;
    wire_close(&scene->wire, true);
    assert_int_equal(hear(scene, &byte, 1), 0);
    assert_int_equal(SSL_get_shutdown(scene->ends.peer), 0);
}

int main(void)
{
#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        IN_SCENE(small_parts_are_one_record),
        IN_SCENE(what_a_slow_peer_does_not_take_is_kept_and_follows_in_order),
        IN_SCENE(what_was_read_ahead_needs_no_event),
        IN_SCENE(what_came_behind_the_handshake_needs_no_event),
        IN_SCENE(several_records_are_one_read),
        IN_SCENE(the_end_comes_after_what_was_said),
        IN_SCENE(an_end_without_a_goodbye_is_no_good_end),
        IN_SCENE(quiet_is_who_says_nothing),
        IN_SCENE(who_said_goodbye_is_not_quiet),
        IN_SCENE(closing_says_goodbye),
        IN_SCENE(a_reset_says_none),
    };
    return cmocka_run_group_tests(tests, gateway_tls_begin, gateway_tls_end);
}
