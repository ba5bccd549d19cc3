/* Bytes between two sockets: all of them, in their order, and nothing else. */
#include "base/memory.h"
#include "tests/unit/relay_scene.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* What is sent, over and over: a prime number of bytes, so that nothing repeats in a round way. */
#define PATTERN_SIZE 1048573
static uint8_t pattern[PATTERN_SIZE];

/* xorshift; the same run every time. */
static uint64_t random_state = 88172645463325252u;
static uint64_t random_below(uint64_t bound)
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return random_state % bound;
}

/* One direction: `from` is written by the test, `to` is read. */
struct stream {
    int from, to;
    uint64_t size, sent, received;
    bool piecemeal; /* in random sizes, with random stalls */
    bool keep_open; /* no half-close at the end */
    bool fills;     /* is read only when no more can be written: the relay always has much to do */
    bool is_full;
    bool ended;
};

static void make_pattern(char first)
{
    for (size_t i = 0; i < PATTERN_SIZE; i++)
        pattern[i] = (uint8_t)random_below(256);
    pattern[0] = (uint8_t)first;
}

static size_t piece(const struct stream *stream, uint64_t at, uint64_t left)
{
    size_t most = PATTERN_SIZE - at % PATTERN_SIZE;
    size_t wanted = stream->piecemeal ? 1 + random_below(1u << random_below(18)) : 1u << 20;
    size_t size = wanted < most ? wanted : most;
    return size < left ? size : (size_t)left;
}

static void send_piece(struct stream *stream)
{
    if (stream->sent == stream->size || (stream->piecemeal && random_below(4) == 0))
        return;
    ssize_t sent = send(stream->from, pattern + stream->sent % PATTERN_SIZE,
        piece(stream, stream->sent, stream->size - stream->sent), MSG_DONTWAIT | MSG_NOSIGNAL);
    assert_true(sent > 0 || errno == EAGAIN);
    stream->is_full = sent < 0;
    stream->sent += sent > 0 ? (uint64_t)sent : 0;
    if (stream->sent == stream->size && !stream->keep_open)
        shutdown(stream->from, SHUT_WR);
}

static void receive_piece(struct stream *stream)
{
    static uint8_t got[1 << 20];
    if (stream->piecemeal && random_below(4) == 0)
        return;
    if (stream->fills && !stream->is_full && stream->sent < stream->size)
        return;
    size_t size = piece(stream, stream->received, UINT64_MAX);
    ssize_t more = recv(stream->to, got, size, MSG_DONTWAIT);
    assert_true(more >= 0 || errno == EAGAIN);
    stream->ended = more == 0;
    if (more <= 0)
        return;
    assert_memory_equal(got, pattern + stream->received % PATTERN_SIZE, (size_t)more);
    stream->received += (uint64_t)more;
    assert_true(stream->received <= stream->sent);
}

static bool is_through(const struct stream *stream)
{
    return stream->received == stream->size && (stream->ended || stream->keep_open);
}

static void run_streams(struct stream *streams, size_t count)
{
    uint64_t started_ms = now_ms();
    for (bool through = false; !through;) {
        assert_true(now_ms() - started_ms < 60000);
        through = true;
        for (size_t i = 0; i < count; i++) {
            send_piece(&streams[i]);
            if (!streams[i].ended)
                receive_piece(&streams[i]);
            through &= is_through(&streams[i]);
        }
    }
}

struct pump_scene {
    struct relay_scene relay;
    int client, target;
    unsigned pipes_in_use;
};

static void scene_init(struct pump_scene *scene, char first)
{
    make_pattern(first);
    relay_scene_init(&scene->relay, (struct relay_scene_options){0});
    pair_new(&scene->relay, EU, &scene->client, &scene->target);
}

static void count_pipes(void *context)
{
    struct pump_scene *scene = context;
    const struct pipes *pipes = &scene->relay.relay->workers[0]->pipes;
    scene->pipes_in_use = pipes->count - pipes->idle_count;
}

static unsigned pipes_in_use(struct pump_scene *scene)
{
    relay_scene_visit(&scene->relay, 0, count_pipes, scene);
    return scene->pipes_in_use;
}

static void scene_fini(struct pump_scene *scene)
{
    close(scene->client);
    close(scene->target);
    AWAIT(&scene->relay, relay_scene_numbers(&scene->relay).open == 0);
    assert_int_equal(pipes_in_use(scene), 0);
    relay_scene_fini(&scene->relay);
}

static void questions_and_answers_go_both_ways(void **unused)
{
    (void)unused;
    struct pump_scene scene;
    scene_init(&scene, 'q');
    for (int i = 0; i < 100; i++) {
        say(scene.client, "how much?");
        hear(scene.target, "how much?");
        say(scene.target, "so much");
        hear(scene.client, "so much");
    }
    assert_int_equal(fake_border.seen, 1600);
    scene_fini(&scene);
}

static void a_bulk_copy_goes_through_a_pipe_and_arrives_unchanged(void **unused)
{
    (void)unused;
    struct pump_scene scene;
    scene_init(&scene, '!');
    struct stream stream = {
        .from = scene.client, .to = scene.target, .size = 48u << 20, .fills = true};
    run_streams(&stream, 1);
    assert_int_equal(fake_border.seen + fake_border.skipped, stream.size);
    assert_true(fake_border.skipped > 0);
    scene_fini(&scene);
}

static void a_session_that_may_not_pass_unseen_is_copied(void **unused)
{
    (void)unused;
    struct pump_scene scene;
    scene_init(&scene, 'q');
    struct stream stream = {.from = scene.client, .to = scene.target, .size = 16u << 20};
    run_streams(&stream, 1);
    assert_int_equal(fake_border.seen, stream.size);
    assert_int_equal(fake_border.skipped, 0);
    scene_fini(&scene);
}

/* The stand-in asserts that no more is skipped than it allowed. */
static void no_more_passes_unseen_than_may(void **unused)
{
    (void)unused;
    struct pump_scene scene;
    scene_init(&scene, 'q');
    atomic_store(&fake_border.skippable, 5000000);
    struct stream stream = {
        .from = scene.target, .to = scene.client, .size = 16u << 20, .fills = true};
    run_streams(&stream, 1);
    assert_int_equal(fake_border.seen + fake_border.skipped, stream.size);
    assert_true(fake_border.skipped > 0);
    assert_true(fake_border.skipped <= 5000000);
    scene_fini(&scene);
}

static void a_bulk_copy_turns_to_chat_again(void **unused)
{
    (void)unused;
    struct pump_scene scene;
    scene_init(&scene, '!');
    struct stream bulk = {.from = scene.client,
        .to = scene.target,
        .size = 16u << 20,
        .keep_open = true,
        .fills = true};
    run_streams(&bulk, 1);
    assert_true(fake_border.skipped > 0);
    uint64_t seen = fake_border.seen;
    for (int i = 0; i < 20; i++) {
        say(scene.client, "and now?");
        hear(scene.target, "and now?");
    }
    assert_true(fake_border.seen > seen);
    assert_int_equal(pipes_in_use(&scene), 0);
    scene_fini(&scene);
}

static void both_ways_at_once_in_random_pieces(char first)
{
    struct pump_scene scene;
    scene_init(&scene, first);
    struct stream streams[] = {
        {.from = scene.client, .to = scene.target, .size = 6u << 20, .piecemeal = true},
        {.from = scene.target, .to = scene.client, .size = 9u << 20, .piecemeal = true},
    };
    run_streams(streams, 2);
    assert_int_equal(fake_border.seen + fake_border.skipped, 15u << 20);
    scene_fini(&scene);
}

static void random_sizes_and_stalls_change_no_byte(void **unused)
{
    (void)unused;
    for (int round = 0; round < 3; round++) {
        both_ways_at_once_in_random_pieces('!');
        both_ways_at_once_in_random_pieces('q');
    }
}

/* What the kernel keeps for two sockets, and what the relay keeps of one flow, is all there is. */
static void a_slow_receiver_is_felt_by_the_sender(void **unused)
{
    (void)unused;
    struct pump_scene scene;
    scene_init(&scene, '!');
    int bound = 256 << 10;
    setsockopt(scene.client, SOL_SOCKET, SO_SNDBUF, &bound, sizeof bound);
    struct stream stream = {.from = scene.client, .to = scene.target, .size = 256u << 20};
    for (int quiet = 0; quiet < 100;) {
        uint64_t before = stream.sent;
        send_piece(&stream);
        quiet = stream.sent > before ? 0 : quiet + 1;
        usleep(1000);
    }
    assert_true(stream.sent < 64u << 20);
    stream.size = stream.sent;
    shutdown(scene.client, SHUT_WR);
    run_streams(&stream, 1);
    scene_fini(&scene);
}

static void an_end_is_passed_on_and_the_other_half_lives(void **unused)
{
    (void)unused;
    struct pump_scene scene;
    char byte;
    scene_init(&scene, 'q');
    say(scene.client, "last question");
    shutdown(scene.client, SHUT_WR);
    hear(scene.target, "last question");
    assert_int_equal(recv(scene.target, &byte, 1, 0), 0);
    say(scene.target, "a long");
    hear(scene.client, "a long");
    say(scene.target, " answer");
    hear(scene.client, " answer");
    assert_int_equal(relay_scene_numbers(&scene.relay).open, 1);
    shutdown(scene.target, SHUT_WR);
    assert_int_equal(recv(scene.client, &byte, 1, 0), 0);
    AWAIT(&scene.relay, relay_scene_numbers(&scene.relay).open == 0);
    scene_fini(&scene);
}

static void an_end_of_the_target_is_passed_on_as_well(void **unused)
{
    (void)unused;
    struct pump_scene scene;
    char byte;
    scene_init(&scene, 'q');
    say(scene.target, "bye");
    shutdown(scene.target, SHUT_WR);
    hear(scene.client, "bye");
    assert_int_equal(recv(scene.client, &byte, 1, 0), 0);
    say(scene.client, "one more thing");
    hear(scene.target, "one more thing");
    shutdown(scene.client, SHUT_WR);
    assert_int_equal(recv(scene.target, &byte, 1, 0), 0);
    scene_fini(&scene);
}

static void whoever_breaks_resets_the_other(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int client, target;
    relay_scene_init(&scene, (struct relay_scene_options){0});
    pair_new(&scene, EU, &client, &target);
    reset(client);
    hear_reset(target);
    pair_new(&scene, EU, &client, &target);
    reset(target);
    hear_reset(client);
    AWAIT(&scene, relay_scene_numbers(&scene).open == 0);
    relay_scene_fini(&scene);
}

/* A database that says why and then closes with a question unread, which the kernel makes a reset
 * of. */
static void what_a_side_said_before_it_broke_is_heard(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    relay_scene_init(&scene, (struct relay_scene_options){0});
    for (int i = 0; i < 20; i++) {
        int client, target;
        pair_new(&scene, EU, &client, &target);
        say(client, "a question");
        AWAIT(&scene, recv(target, (char[16]){0}, 16, MSG_PEEK | MSG_DONTWAIT) == 10);
        say(target, "FATAL: shutting down");
        close(target);
        hear(client, "FATAL: shutting down");
        hear_reset(client);
    }
    relay_scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(questions_and_answers_go_both_ways),
        cmocka_unit_test(a_bulk_copy_goes_through_a_pipe_and_arrives_unchanged),
        cmocka_unit_test(a_session_that_may_not_pass_unseen_is_copied),
        cmocka_unit_test(no_more_passes_unseen_than_may),
        cmocka_unit_test(a_bulk_copy_turns_to_chat_again),
        cmocka_unit_test(random_sizes_and_stalls_change_no_byte),
        cmocka_unit_test(a_slow_receiver_is_felt_by_the_sender),
        cmocka_unit_test(an_end_is_passed_on_and_the_other_half_lives),
        cmocka_unit_test(an_end_of_the_target_is_passed_on_as_well),
        cmocka_unit_test(whoever_breaks_resets_the_other),
        cmocka_unit_test(what_a_side_said_before_it_broke_is_heard),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
