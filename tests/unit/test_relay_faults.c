/* What broke the relay once: ends, fences and shortages that meet at a bad moment. */
#include "tests/unit/relay_scene.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct relays_numbers numbers(struct relay_scene *scene)
{
    return relay_scene_numbers(scene);
}

enum { UNREAD = 60000 };

/* Both have said all, but the target has not read the client's words: they are on their way. */
static void end_with_words_on_their_way(struct relay_scene *scene, int *ret_client, int *ret_target)
{
    static char words[UNREAD];
    setsockopt(scene->targets[EU], SOL_SOCKET, SO_RCVBUF, &(int){4096}, sizeof(int));
    pair_new(scene, EU, ret_client, ret_target);
    assert_int_equal(send(*ret_client, words, UNREAD, 0), UNREAD);
    AWAIT(scene, numbers(scene).bytes_to_target == UNREAD);
    shutdown(*ret_client, SHUT_WR);
    shutdown(*ret_target, SHUT_WR);
    hear_end(*ret_client);
    relay_scene_settle(scene);
}

static void words_on_their_way_die_with_a_fence_although_both_sides_have_ended(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int client, target;
    relay_scene_init(&scene, (struct relay_scene_options){0});
    end_with_words_on_their_way(&scene, &client, &target);
    assert_int_equal(numbers(&scene).open, 1);
    relay_scene_fence(&scene);
    assert_int_equal(numbers(&scene).open, 0);
    hear_reset(target);
    relay_scene_fini(&scene);
}

static void a_target_that_takes_its_time_gets_every_word(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int client, target;
    static char words[UNREAD];
    relay_scene_init(&scene, (struct relay_scene_options){0});
    end_with_words_on_their_way(&scene, &client, &target);
    assert_int_equal(recv(target, words, UNREAD, MSG_WAITALL), UNREAD);
    hear_end(target);
    AWAIT(&scene, numbers(&scene).open == 0);
    relay_scene_fini(&scene);
}

static void a_target_that_breaks_with_words_on_their_way_leaves_nothing(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int client, target;
    relay_scene_init(&scene, (struct relay_scene_options){0});
    end_with_words_on_their_way(&scene, &client, &target);
    reset(target);
    AWAIT(&scene, numbers(&scene).open == 0);
    relay_scene_fini(&scene);
}

/* On the loop: a client is dialled for, and held again before the answer was looked at. */
static void dial_and_hold(void *context)
{
    struct relay_scene *scene = context;
    struct point *point = relay_scene_point(scene, 0);
    int pair[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
    connection_accept(point, pair[0], &scene->address);
    AWAIT(scene, target_is_asked(scene, EU));
    dial_stop(point->lists[CONNECTION_CONNECTING].first);
    close(pair[1]);
    hold_add(point->lists[CONNECTION_CONNECTING].first);
}

static void a_connect_that_just_worked_is_reset_when_it_is_dropped(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    relay_scene_init(&scene, (struct relay_scene_options){0});
    relay_scene_visit(&scene, 0, dial_and_hold, &scene);
    hear_reset(target_accept(&scene, EU));
    relay_scene_fini(&scene);
}

static bool waits_for(struct relay_scene *scene, const char *words)
{
    const char *now = numbers(scene).waiting_for;
    return now && strcmp(now, words) == 0;
}

/* The same targets, and something else about the relay. */
static void reload(struct relay_scene *scene, const char *relay)
{
    char targets[SIDES][ADDRESS_TEXT_SIZE];
    for (int side = 0; side < SIDES; side++)
        address_print(&scene->target_addresses[side], targets[side]);
    scene->options.relay = relay;
    relay_scene_retarget(scene, targets[EU], targets[US]);
    relay_scene_publish(scene);
}

/* What an operator does who finds that the probe itself is wrong. */
static void a_reload_that_takes_the_probe_away_lets_the_held_go(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    relay_scene_init(&scene, (struct relay_scene_options){
                                 .threads = 2, .relay = ", \"probe\": {\"type\": \"postgres\"}"});
    relay_scene_fence(&scene);
    relay_scene_open(&scene, US);
    int client = client_new(&scene);
    AWAIT(&scene, numbers(&scene).held == 1);
    reload(&scene, ", \"probe\": {\"type\": \"mysql\"}");
    assert_int_equal(fake_writable.started, 2);
    assert_int_equal(numbers(&scene).held, 1);
    reload(&scene, NULL);
    close(target_accept(&scene, US));
    hear_end(client);
    assert_int_equal(fake_writable.stopped, 2);
    assert_null(numbers(&scene).waiting_for);
    relay_scene_fini(&scene);
}

static void the_words_of_a_probe_are_heard_when_nobody_is_held_yet(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    relay_scene_init(
        &scene, (struct relay_scene_options){.relay = ", \"probe\": {\"type\": \"postgres\"}"});
    relay_scene_fence(&scene);
    relay_scene_open(&scene, US);
    const char *const words[] = {"still in recovery", "no answer", "transactions are read-only"};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        atomic_store(&fake_writable.words, words[i]);
        AWAIT(&scene, waits_for(&scene, words[i]));
    }
    fake_writable_say_yes();
    AWAIT(&scene, numbers(&scene).waiting_for == NULL);
    relay_scene_fini(&scene);
}

/* For everybody: the highest number that a new descriptor may have, and above. */
static rlim_t limit_descriptors(rlim_t limit)
{
    struct rlimit now;
    getrlimit(RLIMIT_NOFILE, &now);
    struct rlimit next = {.rlim_cur = limit, .rlim_max = now.rlim_max};
    setrlimit(RLIMIT_NOFILE, &next);
    return now.rlim_cur;
}

/* A listener waits for descriptors; the loop stays for some ticks, for a lookup is under way. */
static void *release_later(void *context)
{
    usleep(4 * RELAY_TICK_MS * 1000);
    fake_lookup_release(context);
    return NULL;
}

static void a_relay_that_has_no_descriptors_can_be_stopped(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    pthread_t releaser;
    relay_scene_init(&scene, (struct relay_scene_options){.named = true});
    fake_lookup_hold(&scene.lookup);
    int client = client_new(&scene);
    AWAIT(&scene, numbers(&scene).connecting == 1);
    int late = socket(AF_INET, SOCK_STREAM, 0);
    rlim_t before = limit_descriptors(1);
    connect(late, &scene.address.any, address_size(&scene.address));
    AWAIT(&scene, numbers(&scene).accept_failures > 0);
    pthread_create(&releaser, NULL, release_later, &scene.lookup);
    relay_scene_stop(&scene);
    limit_descriptors(before);
    pthread_join(releaser, NULL);
    hear_reset(client);
    close(late);
    relay_scene_fini(&scene);
}

/* A limit under which so many descriptors are free. */
static rlim_t limit_for(unsigned spare)
{
    int limit = 1;
    for (unsigned there = 0; there < spare; limit++)
        there += fcntl(limit, F_GETFD) < 0;
    return (rlim_t)limit;
}

static void a_relay_that_cannot_be_made_says_so(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    relay_scene_init(&scene, (struct relay_scene_options){.threads = 2});
    relay_scene_stop(&scene);
    struct relay_options options = {.config = scene.config, .main_loop = &scene.loop};
    unsigned spare = 0;
    for (; !scene.relay; spare++) {
        struct failure why = {0};
        rlim_t before = limit_descriptors(limit_for(spare));
        int status = relay_new(&options, &scene.relay, &why);
        limit_descriptors(before);
        assert_true(status == 0 || *why.text);
    }
    assert_true(spare > 10);
    relay_scene_fini(&scene);
}

static int descriptors_for_connections(unsigned threads)
{
    struct relay_scene scene;
    rlim_t before = limit_descriptors(2000);
    relay_scene_init(&scene, (struct relay_scene_options){.threads = threads});
    int left = scene.relay->descriptors;
    limit_descriptors(before);
    relay_scene_fini(&scene);
    return left;
}

/* Or many threads would use up what is kept for the rest of the daemon. */
static void what_the_loops_need_is_not_for_connections(void **unused)
{
    (void)unused;
    int few = descriptors_for_connections(1), many = descriptors_for_connections(21);
    assert_true(few > 1000);
    assert_true(many <= few - 20 * 6); /* two epoll sets, an eventfd, a pipe, a listener */
}

/* On the loop, so that it finds all of it at once. */
static void say_with_an_urgent_byte(void *context)
{
    const int *client = context;
    say(*client, "before");
    assert_int_equal(send(*client, "!", 1, MSG_OOB), 1);
    say(*client, " after");
}

static void an_urgent_byte_stops_nobody(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int client, target;
    relay_scene_init(&scene, (struct relay_scene_options){0});
    pair_new(&scene, EU, &client, &target);
    for (int round = 0; round < 3; round++) {
        relay_scene_visit(&scene, 0, say_with_an_urgent_byte, &client);
        hear(target, "before after");
    }
    close(client);
    hear_end(target);
    relay_scene_fini(&scene);
}

enum { BULK = 16000000 };

/* Much, with an urgent byte in the middle of it. */
static void *say_much(void *context)
{
    static char much[BULK];
    const int *client = context;
    memset(much, '!', sizeof much);
    for (int i = 0; i < 2; i++) {
        for (size_t sent = 0; sent < BULK;)
            sent += (size_t)send(*client, much + sent, BULK - sent, MSG_NOSIGNAL);
        send(*client, "?", 1, i ? 0 : MSG_OOB);
    }
    return NULL;
}

static void an_urgent_byte_does_not_end_a_bulk_copy(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int client, target;
    static char much[2 * BULK];
    pthread_t talker;
    relay_scene_init(&scene, (struct relay_scene_options){0});
    pair_new(&scene, EU, &client, &target);
    pthread_create(&talker, NULL, say_much, &client);
    AWAIT(&scene, numbers(&scene).bytes_to_target > 8 * RELAY_CHUNK);
    assert_int_equal(recv(target, much, 2 * BULK, MSG_WAITALL), 2 * BULK);
    hear(target, "?");
    assert_true(atomic_load(&fake_border.skipped) > 0);
    pthread_join(talker, NULL);
    close(client);
    hear_end(target);
    relay_scene_fini(&scene);
}

/* What a fence's answer waits for counts until it is closed, also when a switch hurries it. */
static void what_is_hurried_out_of_a_drain_stays_behind_until_it_is_closed(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int client, target;
    relay_scene_init(
        &scene, (struct relay_scene_options){.relay = ", \"on_switch\": \"drain 1m\""});
    scene.planned = true;
    pair_new(&scene, EU, &client, &target);
    say(client, "begin");
    hear(target, "begin");
    relay_scene_fence(&scene);
    assert_int_equal(numbers(&scene).behind, 1);
    scene.cuts = true;
    relay_scene_fence_begin(&scene);
    relay_scene_settle(&scene);
    assert_false(scene.published);
    assert_int_equal(numbers(&scene).behind, 1);
    relay_scene_wait(&scene);
    assert_int_equal(numbers(&scene).behind, 0);
    AWAIT(&scene, scene.ended == 1);
    hear_end(client);
    hear_reset(target);
    relay_scene_fini(&scene);
}

static void rest(void *context)
{
    struct point *point = context;
    for (size_t i = 0; i < point->listener_count; i++)
        point->listeners[i].paused = true;
    worker_rest(point->worker);
}

/* Nobody is held or connecting, whose deadlines would wake it up as well. */
static void a_listener_that_rests_in_a_flood_goes_on_by_itself(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int client, target;
    relay_scene_init(&scene, (struct relay_scene_options){0});
    relay_scene_settle(&scene);
    relay_scene_visit(&scene, 0, rest, relay_scene_point(&scene, 0));
    pair_new(&scene, EU, &client, &target);
    say(client, "here");
    hear(target, "here");
    close(client);
    close(target);
    relay_scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_on_their_way_die_with_a_fence_although_both_sides_have_ended),
        cmocka_unit_test(a_target_that_takes_its_time_gets_every_word),
        cmocka_unit_test(a_target_that_breaks_with_words_on_their_way_leaves_nothing),
        cmocka_unit_test(a_connect_that_just_worked_is_reset_when_it_is_dropped),
        cmocka_unit_test(the_words_of_a_probe_are_heard_when_nobody_is_held_yet),
        cmocka_unit_test(a_reload_that_takes_the_probe_away_lets_the_held_go),
        cmocka_unit_test(a_relay_that_has_no_descriptors_can_be_stopped),
        cmocka_unit_test(a_relay_that_cannot_be_made_says_so),
        cmocka_unit_test(what_the_loops_need_is_not_for_connections),
        cmocka_unit_test(an_urgent_byte_stops_nobody),
        cmocka_unit_test(an_urgent_byte_does_not_end_a_bulk_copy),
        cmocka_unit_test(what_is_hurried_out_of_a_drain_stays_behind_until_it_is_closed),
        cmocka_unit_test(a_listener_that_rests_in_a_flood_goes_on_by_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
