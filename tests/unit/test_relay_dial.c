/* The way to the target: addresses, silence, lookups, ourselves, descriptors. */
#include "tests/unit/relay_scene.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

static struct relays_numbers numbers(struct relay_scene *scene)
{
    return relay_scene_numbers(scene);
}

static uint64_t refused(struct relay_scene *scene, enum relays_refusal why)
{
    return numbers(scene).refused[why];
}

static const struct relay_scene_options named = {.named = true};

static void the_next_address_is_tried_at_once_when_one_refuses(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int client, target;
    relay_scene_init(&scene, named);
    struct address nobody = own_address(9, 0);
    fake_lookup_set(&scene.lookup, "eu.test", &nobody);
    fake_lookup_add(&scene.lookup, "eu.test", &scene.target_addresses[EU]);
    uint64_t started_ms = now_ms();
    pair_new(&scene, EU, &client, &target);
    assert_true(now_ms() - started_ms < RELAY_CONNECT_TIMEOUT_MS / 2);
    say(client, "hello");
    hear(target, "hello");
    close(client);
    close(target);
    relay_scene_fini(&scene);
}

/* At `number` with the port of eu: a queue that is full answers nobody. */
static void silent_address(
    struct relay_scene *scene, unsigned number, int ret_sockets[3], struct address *ret)
{
    *ret = own_address(number, address_port(&scene->target_addresses[EU]));
    ret_sockets[0] = listen_at(*ret, 1);
    for (int i = 1; i < 3; i++) {
        ret_sockets[i] = socket(AF_INET, SOCK_STREAM, 0);
        assert_int_equal(connect(ret_sockets[i], &ret->any, address_size(ret)), 0);
    }
}

static void close_all(const int *sockets, size_t count)
{
    for (size_t i = 0; i < count; i++)
        close(sockets[i]);
}

static void the_next_address_is_tried_after_two_seconds_of_silence(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    struct address silent;
    int sockets[3], client, target;
    relay_scene_init(&scene, named);
    silent_address(&scene, 8, sockets, &silent);
    fake_lookup_set(&scene.lookup, "eu.test", &silent);
    fake_lookup_add(&scene.lookup, "eu.test", &scene.target_addresses[EU]);
    uint64_t started_ms = now_ms();
    pair_new(&scene, EU, &client, &target);
    assert_true(now_ms() - started_ms >= RELAY_CONNECT_TIMEOUT_MS);
    assert_true(now_ms() - started_ms < RELAY_CONNECT_TIMEOUT_MS + 1000);
    close(client);
    close(target);
    close_all(sockets, 3);
    relay_scene_fini(&scene);
}

/* A look at deadlines that began `early_ms` ago. */
struct look {
    struct relay_scene *scene;
    uint64_t early_ms;
};

static void look(void *context)
{
    struct look *look = context;
    struct point *point = relay_scene_point(look->scene, 0);
    uint64_t begun_ms = now_ms() - look->early_ms;
    hold_expire(point, begun_ms);
    resolve_expire(point, begun_ms);
    dial_expire(point, begun_ms);
}

/* A look takes its time, and what it lets go ahead comes into its new state after it began. */
static void a_look_at_deadlines_ends_nobody_who_came_after_it_began(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    struct address silent;
    int sockets[3];
    relay_scene_init(&scene, named);
    silent_address(&scene, 8, sockets, &silent);
    fake_lookup_set(&scene.lookup, "eu.test", &silent);
    struct look early = {.scene = &scene, .early_ms = 1000};

    int client = client_new(&scene);
    AWAIT(&scene, numbers(&scene).connecting == 1);
    relay_scene_visit(&scene, 0, look, &early);
    assert_int_equal(numbers(&scene).connecting, 1);

    relay_scene_fence(&scene);
    relay_scene_visit(&scene, 0, look, &early);
    assert_int_equal(numbers(&scene).held, 1);

    fake_lookup_hold(&scene.lookup);
    relay_scene_open(&scene, US);
    relay_scene_visit(&scene, 0, look, &early);
    assert_int_equal(numbers(&scene).connecting, 1);
    fake_lookup_release(&scene.lookup);
    close(target_accept(&scene, US));
    hear_end(client);
    close_all(sockets, 3);
    relay_scene_fini(&scene);
}

static void a_target_that_no_address_reaches_is_a_reset(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    relay_scene_init(&scene, (struct relay_scene_options){0});
    close(scene.targets[EU]);
    scene.targets[EU] = -1;
    hear_reset(client_new(&scene));
    assert_int_equal(refused(&scene, RELAYS_REFUSED_UNREACHABLE), 1);
    assert_int_equal(numbers(&scene).connecting, 0);
    relay_scene_fini(&scene);
}

static void each_connection_asks_anew_and_follows_an_address_that_moved(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int client, target;
    relay_scene_init(&scene, named);
    pair_new(&scene, EU, &client, &target);
    struct address moved = own_address(6, address_port(&scene.target_addresses[EU]));
    close(scene.targets[EU]);
    scene.targets[EU] = listen_at(moved, 16);
    fake_lookup_set(&scene.lookup, "eu.test", &moved);
    int second_client, second_target;
    pair_new(&scene, EU, &second_client, &second_target);
    assert_int_equal(fake_lookup_count(&scene.lookup, "eu.test"), 2);
    say(client, "still here?");
    hear(target, "still here?");
    int sockets[] = {client, target, second_client, second_target};
    close_all(sockets, 4);
    relay_scene_fini(&scene);
}

static void who_waits_at_the_same_time_shares_a_lookup(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int clients[10];
    relay_scene_init(&scene, named);
    fake_lookup_hold(&scene.lookup);
    for (int i = 0; i < 10; i++)
        clients[i] = client_new(&scene);
    AWAIT(&scene, numbers(&scene).connecting == 10);
    assert_int_equal(fake_lookup_count(&scene.lookup, "eu.test"), 1);
    fake_lookup_release(&scene.lookup);
    for (int i = 0; i < 10; i++)
        close(target_accept(&scene, EU));
    assert_int_equal(fake_lookup_count(&scene.lookup, "eu.test"), 1);
    for (int i = 0; i < 10; i++)
        hear_end(clients[i]);
    relay_scene_fini(&scene);
}

static void a_lookup_that_fails_is_asked_again(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    relay_scene_init(&scene, named);
    fake_lookup_clear(&scene.lookup, "eu.test");
    int client = client_new(&scene);
    AWAIT(&scene, fake_lookup_count(&scene.lookup, "eu.test") >= 3);
    fake_lookup_set(&scene.lookup, "eu.test", &scene.target_addresses[EU]);
    int target = target_accept(&scene, EU);
    say(client, "hello");
    hear(target, "hello");
    close(client);
    close(target);
    relay_scene_fini(&scene);
}

/* Released ones that take the place of those given up are given their own time. */
static void without_an_address_each_waits_five_seconds_and_is_reset(void **unused)
{
    (void)unused;
    enum { CROWD = 3 * RELAY_RELEASE_MAX };
    struct relay_scene scene;
    int clients[CROWD];
    relay_scene_init(&scene, named);
    relay_scene_fence(&scene);
    for (int i = 0; i < CROWD; i++)
        clients[i] = client_new(&scene);
    AWAIT(&scene, numbers(&scene).held == CROWD);
    fake_lookup_clear(&scene.lookup, "us.test");
    relay_scene_open(&scene, US);
    uint64_t started_ms = now_ms();
    AWAIT(&scene, refused(&scene, RELAYS_REFUSED_UNRESOLVED) >= RELAY_RELEASE_MAX);
    assert_true(now_ms() - started_ms >= RELAY_RESOLVE_TIMEOUT_MS - 100);
    for (uint64_t since_ms = now_ms(); now_ms() - since_ms < 500;)
        deadline_is_over(&scene, since_ms);
    assert_int_equal(refused(&scene, RELAYS_REFUSED_UNRESOLVED), RELAY_RELEASE_MAX);
    assert_int_equal(numbers(&scene).held, CROWD - 2 * RELAY_RELEASE_MAX);
    fake_lookup_set(&scene.lookup, "us.test", &scene.target_addresses[US]);
    for (int i = 0; i < CROWD - RELAY_RELEASE_MAX; i++)
        close(target_accept(&scene, US));
    close_all(clients, CROWD);
    relay_scene_fini(&scene);
}

/* The old region is lost and its names with it: nobody answers for them. */
static void the_new_target_is_asked_for_while_the_old_one_is_still_looked_up(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    relay_scene_init(&scene, named);
    fake_lookup_hold(&scene.lookup);
    int client = client_new(&scene);
    AWAIT(&scene, fake_lookup_count(&scene.lookup, "eu.test") == 1);
    relay_scene_fence(&scene);
    relay_scene_open(&scene, US);
    relay_scene_settle(&scene);
    assert_int_equal(fake_lookup_count(&scene.lookup, "us.test"), 1);
    fake_lookup_release(&scene.lookup);
    close(target_accept(&scene, US));
    hear_end(client);
    assert_false(target_is_asked(&scene, EU));
    relay_scene_fini(&scene);
}

static void an_answer_about_the_old_target_is_dropped(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int clients[5];
    relay_scene_init(&scene, named);
    fake_lookup_hold(&scene.lookup);
    for (int i = 0; i < 5; i++)
        clients[i] = client_new(&scene);
    AWAIT(&scene, numbers(&scene).connecting == 5);
    relay_scene_open(&scene, US);
    fake_lookup_release(&scene.lookup);
    for (int i = 0; i < 5; i++)
        close(target_accept(&scene, US));
    for (int i = 0; i < 5; i++)
        hear_end(clients[i]);
    relay_scene_settle(&scene);
    assert_false(target_is_asked(&scene, EU));
    relay_scene_fini(&scene);
}

static void our_own_listeners_are_never_dialled(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    char ours[ADDRESS_TEXT_SIZE];
    relay_scene_init(&scene, named);
    snprintf(ours, sizeof ours, "eu.test:%u", address_port(&scene.address));
    fake_lookup_set(&scene.lookup, "eu.test", &scene.address);
    relay_scene_retarget(&scene, ours, "us.test:1");
    relay_scene_publish(&scene);
    hear_reset(client_new(&scene));
    assert_int_equal(numbers(&scene).accepted, 1);
    assert_int_equal(refused(&scene, RELAYS_REFUSED_UNREACHABLE), 1);
    relay_scene_fini(&scene);
}

/* The first connection's target socket, as the kernel has its options. */
struct options {
    struct relay_scene *scene;
    int user_timeout, keepalive;
};

static void read_options(void *context)
{
    struct options *options = context;
    struct point *point = relay_scene_point(options->scene, 0);
    int fd = point->lists[CONNECTION_OPEN].first->target.socket.fd;
    liveness_look(point, clock_boot_ms());
    socklen_t size = sizeof(int);
    getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &options->user_timeout, &size);
    getsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &options->keepalive, &size);
}

static void the_kernel_watches_over_a_target_from_the_first_look_on(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int client, target;
    relay_scene_init(&scene, (struct relay_scene_options){0});
    pair_new(&scene, EU, &client, &target);
    struct options options = {.scene = &scene};
    relay_scene_settle(&scene);
    relay_scene_visit(&scene, 0, read_options, &options);
    assert_int_equal(options.user_timeout, 10000);
    assert_int_equal(options.keepalive, 1);
    close(client);
    close(target);
    relay_scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_next_address_is_tried_at_once_when_one_refuses),
        cmocka_unit_test(the_next_address_is_tried_after_two_seconds_of_silence),
        cmocka_unit_test(a_look_at_deadlines_ends_nobody_who_came_after_it_began),
        cmocka_unit_test(a_target_that_no_address_reaches_is_a_reset),
        cmocka_unit_test(each_connection_asks_anew_and_follows_an_address_that_moved),
        cmocka_unit_test(who_waits_at_the_same_time_shares_a_lookup),
        cmocka_unit_test(a_lookup_that_fails_is_asked_again),
        cmocka_unit_test(without_an_address_each_waits_five_seconds_and_is_reset),
        cmocka_unit_test(the_new_target_is_asked_for_while_the_old_one_is_still_looked_up),
        cmocka_unit_test(an_answer_about_the_old_target_is_dropped),
        cmocka_unit_test(our_own_listeners_are_never_dialled),
        cmocka_unit_test(the_kernel_watches_over_a_target_from_the_first_look_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
