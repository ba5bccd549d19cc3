/* What others may know of a relay, what it keeps itself alive with, and how it ends. */
#include "base/json.h"
#include "base/memory.h"
#include "proxy/relay/tcp_state.h"
#include "tests/unit/relay_scene.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static struct relays_numbers numbers(struct relay_scene *scene)
{
    return relay_scene_numbers(scene);
}

static void numbers_are_exact_and_gauges_return_to_zero(void **unused)
{
    (void)unused;
    enum { MANY = 50 };
    struct relay_scene scene;
    int clients[MANY], targets[MANY];
    relay_scene_init(&scene, (struct relay_scene_options){.threads = 2});
    for (int i = 0; i < MANY; i++) {
        pair_new(&scene, EU, &clients[i], &targets[i]);
        say(clients[i], "four");
        hear(targets[i], "four");
        say(targets[i], "seven!!");
        hear(clients[i], "seven!!");
    }
    struct relays_numbers now = numbers(&scene);
    assert_int_equal(now.open, MANY);
    assert_int_equal(now.accepted, MANY);
    assert_int_equal(now.bytes_to_target, 4 * MANY);
    assert_int_equal(now.bytes_to_client, 7 * MANY);
    uint64_t connects = 0;
    for (int i = 0; i < RELAYS_LATENCY_BUCKETS; i++)
        connects += now.latency[i];
    assert_int_equal(connects, MANY);
    for (int i = 0; i < MANY; i++) {
        close(clients[i]);
        hear_end(targets[i]);
    }
    AWAIT(&scene, numbers(&scene).open == 0);
    now = numbers(&scene);
    assert_int_equal(now.connecting + now.held + now.behind + now.closed_by_switch, 0);
    assert_int_equal(now.accepted, MANY);
    for (int i = 0; i < RELAYS_REFUSALS; i++)
        assert_int_equal(now.refused[i], 0);
    assert_false(relay_relays(scene.relay)->numbers(relay_relays(scene.relay), "no", &now));
    relay_scene_fini(&scene);
}

struct list {
    bool there;
    cJSON *connections;
    uint64_t omitted;
};

static void on_listed(void *context, cJSON *connections, uint64_t omitted)
{
    struct list *list = context;
    *list = (struct list){.there = true, .connections = connections, .omitted = omitted};
}

static struct list list_of(struct relay_scene *scene, const char *endpoint, unsigned limit)
{
    struct relays *relays = relay_relays(scene->relay);
    struct list list = {0};
    relays->list(relays, endpoint, limit, on_listed, &list);
    AWAIT(scene, list.there);
    return list;
}

static void assert_listed(
    struct relay_scene *scene, const char *endpoint, unsigned limit, int count, uint64_t omitted)
{
    struct list list = list_of(scene, endpoint, limit);
    assert_int_equal(cJSON_GetArraySize(list.connections), count);
    assert_int_equal(list.omitted, omitted);
    cJSON_Delete(list.connections);
}

static void a_list_is_as_long_as_asked_for_and_counts_the_rest(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int clients[9], targets[9];
    relay_scene_init(&scene, (struct relay_scene_options){.threads = 2});
    for (int i = 0; i < 9; i++)
        pair_new(&scene, EU, &clients[i], &targets[i]);
    AWAIT(&scene, numbers(&scene).open == 9);
    assert_listed(&scene, NULL, 100, 9, 0);
    assert_listed(&scene, "db", 9, 9, 0);
    assert_listed(&scene, "db", 4, 4, 5);
    assert_listed(&scene, "db", 0, 0, 9);
    assert_listed(&scene, "another", 100, 0, 0);
    for (int i = 0; i < 9; i++) {
        close(clients[i]);
        close(targets[i]);
    }
    relay_scene_fini(&scene);
}

static cJSON *only_one(struct relay_scene *scene)
{
    struct list list = list_of(scene, "db", 10);
    assert_int_equal(cJSON_GetArraySize(list.connections), 1);
    return list.connections;
}

static void assert_text(const cJSON *array, const char *key, const char *expected)
{
    const cJSON *value = cJSON_GetObjectItemCaseSensitive(array->child, key);
    if (expected)
        assert_string_equal(value->valuestring, expected);
    else
        assert_true(cJSON_IsNull(value));
}

static void a_listed_connection_says_who_where_and_how_much(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int client, target;
    char text[ADDRESS_TEXT_SIZE];
    relay_scene_init(&scene, (struct relay_scene_options){0});
    pair_new(&scene, EU, &client, &target);
    say(client, "four");
    hear(target, "four");
    relay_scene_settle(&scene);
    cJSON *list = only_one(&scene);
    struct address own = address_of(client);
    address_print(&own, text);
    assert_text(list, "client", text);
    address_print(&scene.target_addresses[EU], text);
    assert_text(list, "target", text);
    assert_text(list, "endpoint", "db");
    assert_text(list, "state", "open");
    assert_text(list, "region", "eu");
    const cJSON *bytes = cJSON_GetObjectItemCaseSensitive(list->child, "bytes_to_target");
    assert_int_equal(bytes->valuedouble, 4);
    cJSON_Delete(list);
    close(client);
    close(target);

    AWAIT(&scene, numbers(&scene).open == 0);
    relay_scene_fence(&scene);
    client = client_new(&scene);
    AWAIT(&scene, numbers(&scene).held == 1);
    list = only_one(&scene);
    assert_text(list, "state", "held");
    assert_text(list, "target", NULL);
    assert_text(list, "region", NULL);
    cJSON_Delete(list);
    close(client);
    relay_scene_fini(&scene);
}

static void leave_no_descriptors(void *context)
{
    struct relay_scene *scene = context;
    atomic_store(&scene->relay->descriptors, 5);
}

static void without_descriptors_one_more_is_reset_and_counted_and_others_served(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int clients[2], targets[2];
    relay_scene_init(&scene, (struct relay_scene_options){.threads = 2});
    leave_no_descriptors(&scene);
    for (int i = 0; i < 2; i++)
        pair_new(&scene, EU, &clients[i], &targets[i]);
    for (int i = 0; i < 7; i++)
        hear_reset(client_new(&scene));
    AWAIT(&scene, numbers(&scene).refused[RELAYS_REFUSED_DESCRIPTORS] == 7);
    assert_int_equal(numbers(&scene).accepted, 9);
    for (int i = 0; i < 2; i++) {
        say(clients[i], "hello");
        hear(targets[i], "hello");
    }
    close(clients[0]);
    close(targets[0]);
    AWAIT(&scene, numbers(&scene).open == 1);
    pair_new(&scene, EU, &clients[0], &targets[0]);
    for (int i = 0; i < 2; i++) {
        close(clients[i]);
        close(targets[i]);
    }
    AWAIT(&scene, numbers(&scene).open == 0);
    assert_int_equal(scene.relay->descriptors, 5);
    relay_scene_fini(&scene);
}

/* A busy target: its window is closed, and it is alive. */
static void fill(int client)
{
    static char bytes[1 << 20];
    for (int quiet = 0; quiet < 50; usleep(1000)) {
        ssize_t sent = send(client, bytes, sizeof bytes, MSG_DONTWAIT | MSG_NOSIGNAL);
        quiet = sent > 0 ? 0 : quiet + 1;
    }
}

struct watch {
    struct relay_scene *scene;
    uint64_t ahead_ms; /* how far from now the look is made */
    struct tcp_state peer;
    unsigned user_timeout;
};

static void look(void *context)
{
    struct watch *watch = context;
    struct point *point = relay_scene_point(watch->scene, 0);
    int fd = point->lists[CONNECTION_OPEN].first->target.socket.fd;
    socklen_t size = sizeof watch->user_timeout;
    tcp_state_read(fd, &watch->peer);
    liveness_look(point, now_ms() + watch->ahead_ms);
    getsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &watch->user_timeout, &size);
}

static void a_target_that_takes_nothing_for_long_is_busy_not_dead(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int client, target;
    relay_scene_init(&scene, (struct relay_scene_options){0});
    pair_new(&scene, EU, &client, &target);
    struct watch watch = {.scene = &scene};
    say(client, "!");
    fill(client);
    AWAIT(&scene, (relay_scene_visit(&scene, 0, look, &watch), watch.peer.window_closed));
    assert_true(watch.peer.owes);
    assert_int_equal(watch.user_timeout / 1000, 30);
    watch.ahead_ms = 100000; /* closed for so long, and acknowledged until now */
    relay_scene_visit(&scene, 0, look, &watch);
    assert_in_range(watch.user_timeout, 120000, 131000);

    static char bytes[1 << 20];
    shutdown(client, SHUT_WR);
    while (recv(target, bytes, sizeof bytes, 0) > 0)
        continue;
    AWAIT(&scene, (relay_scene_visit(&scene, 0, look, &watch), !watch.peer.owes));
    assert_int_equal(watch.user_timeout, RELAY_USER_TIMEOUT_MS);
    close(client);
    close(target);
    relay_scene_fini(&scene);
}

static void *answer_soon(void *context)
{
    struct relay_scene *scene = context;
    usleep(100000);
    fake_lookup_release(&scene->lookup);
    return NULL;
}

static void a_stop_resets_everybody_in_every_state_and_waits_for_lookups(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int open_client, open_target, ending_client, ending_target;
    pthread_t answering;
    relay_scene_init(
        &scene, (struct relay_scene_options){
                    .threads = 2, .named = true, .relay = ", \"on_switch\": \"drain 30s\""});
    pair_new(&scene, EU, &ending_client, &ending_target);
    scene.planned = true;
    relay_scene_fence(&scene);
    int held = client_new(&scene);
    AWAIT(&scene, numbers(&scene).held == 1);
    relay_scene_open(&scene, EU);
    open_client = held;
    open_target = target_accept(&scene, EU);
    fake_lookup_hold(&scene.lookup);
    int resolving = client_new(&scene);
    AWAIT(&scene, numbers(&scene).connecting == 1);
    pthread_create(&answering, NULL, answer_soon, &scene);
    relay_scene_stop(&scene);
    pthread_join(answering, NULL);
    int sockets[] = {open_client, open_target, ending_client, ending_target, resolving};
    for (size_t i = 0; i < sizeof sockets / sizeof *sockets; i++)
        hear_reset(sockets[i]);
    assert_null(scene.lookup.waiting);
    relay_scene_fini(&scene);
}

static void a_stop_in_the_middle_of_a_drain_resets_held_and_draining_ones(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    int client, target;
    relay_scene_init(&scene,
        (struct relay_scene_options){.threads = 2, .relay = ", \"on_switch\": \"drain 30s\""});
    pair_new(&scene, EU, &client, &target);
    scene.planned = true;
    relay_scene_fence(&scene);
    int held = client_new(&scene);
    AWAIT(&scene, numbers(&scene).held == 1);
    relay_scene_stop(&scene);
    hear_reset(held);
    hear_reset(client);
    hear_reset(target);
    relay_scene_fini(&scene);
}

static void a_stop_before_the_first_view_is_clean(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    relay_scene_prepare(&scene, (struct relay_scene_options){.threads = 2});
    int client = client_new(&scene);
    relay_scene_stop(&scene);
    hear_reset(client);
    relay_scene_fini(&scene);
}

static void an_address_that_is_taken_is_said_by_its_name(void **unused)
{
    (void)unused;
    struct relay_scene scene;
    struct relay *second = NULL;
    struct failure why = {0};
    char address[ADDRESS_TEXT_SIZE];
    relay_scene_init(&scene, (struct relay_scene_options){0});
    struct relay_options options = {.config = scene.config, .main_loop = &scene.loop};
    assert_true(relay_new(&options, &second, &why) < 0);
    assert_null(second);
    address_print(&scene.address, address);
    assert_non_null(strstr(why.text, "endpoints.db.relay.listen: "));
    assert_non_null(strstr(why.text, address));
    relay_scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_are_exact_and_gauges_return_to_zero),
        cmocka_unit_test(a_list_is_as_long_as_asked_for_and_counts_the_rest),
        cmocka_unit_test(a_listed_connection_says_who_where_and_how_much),
        cmocka_unit_test(without_descriptors_one_more_is_reset_and_counted_and_others_served),
        cmocka_unit_test(a_target_that_takes_nothing_for_long_is_busy_not_dead),
        cmocka_unit_test(a_stop_resets_everybody_in_every_state_and_waits_for_lookups),
        cmocka_unit_test(a_stop_in_the_middle_of_a_drain_resets_held_and_draining_ones),
        cmocka_unit_test(a_stop_before_the_first_view_is_clean),
        cmocka_unit_test(an_address_that_is_taken_is_said_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
