#include "base/memory.h"
#include "failover/view.h"
#include "tests/unit/sample.h"

#include <stdlib.h>

static const struct siphash_key key = {1, 2};

struct scene {
    struct config *config;
    struct state *state;
    struct world world;
    struct config_upstreams upstreams;
    char *fence_also[1];
    size_t fence_also_count;
    bool gateway_answers;
    struct view *view;
};

static void build(struct scene *scene)
{
    view_free(scene->view);
    scene->world.config = scene->config;
    scene->view = view_new(&(struct view_inputs){
        .config = scene->config,
        .state = scene->state,
        .world = &scene->world,
        .upstreams = &scene->upstreams,
        .fence_also = scene->fence_also,
        .fence_also_count = scene->fence_also_count,
        .gateway_answers = scene->gateway_answers,
        .key = &key,
    });
}

static void scene_init(struct scene *scene, const char *text)
{
    *scene = (struct scene){.config = sample_config(text)};
    scene->state = state_at_home(scene->config);
    build(scene);
}

static void scene_fini(struct scene *scene)
{
    view_free(scene->view);
    state_free(scene->state);
    config_unref(scene->config);
}

static const struct view_endpoint *endpoint(const struct scene *scene, const char *id)
{
    return &scene->view->endpoints[config_endpoint(scene->config, id)];
}

static const struct view_endpoint *find(const struct scene *scene, const char *text)
{
    struct name name;
    assert_true(name_from_text(text, &name));
    return view_find(scene->view, name.wire, name.size, siphash(&key, name.wire, name.size));
}

static void activate(struct scene *scene, const char *group, const char *region)
{
    snprintf(state_find_group(scene->state, group)->active, sizeof(state_id), "%s", region);
    build(scene);
}

static void each_endpoint_follows_the_region_of_its_group(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, SAMPLE_CONFIG);
    activate(&scene, "data", "us-west-2");
    assert_int_equal(endpoint(&scene, "orders-db")->status, VIEW_OPEN);
    assert_int_equal(endpoint(&scene, "orders-db")->region, 1);
    assert_string_equal(endpoint(&scene, "orders-db")->target->text, "192.0.2.2:5432");
    assert_string_equal(endpoint(&scene, "search")->target->text, "us.example.net");
    assert_string_equal(endpoint(&scene, "relay-db")->target->text, "192.0.2.3:5432");
    assert_int_equal(endpoint(&scene, "assets")->region, 0);
    assert_null(endpoint(&scene, "assets")->target);
    scene_fini(&scene);
}

static void a_fence_stops_databases_and_nothing_else(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, SAMPLE_CONFIG);
    state_find_group(scene.state, "data")->fenced = true;
    state_find_group(scene.state, "static")->fenced = true;
    build(&scene);
    assert_int_equal(endpoint(&scene, "orders-db")->status, VIEW_FENCED);
    assert_int_equal(endpoint(&scene, "search")->status, VIEW_OPEN);
    assert_string_equal(endpoint(&scene, "search")->target->text, "eu.example.net");
    assert_int_equal(endpoint(&scene, "assets")->status, VIEW_OPEN);
    assert_int_equal(endpoint(&scene, "relay-db")->status, VIEW_OPEN);
    scene_fini(&scene);
}

static void a_group_can_be_fenced_before_the_record_says_so(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, SAMPLE_CONFIG);
    char group[] = "relayed";
    scene.fence_also[0] = group;
    scene.fence_also_count = 1;
    build(&scene);
    assert_int_equal(endpoint(&scene, "relay-db")->status, VIEW_FENCED);
    assert_int_equal(endpoint(&scene, "wide-db")->status, VIEW_FENCED);
    assert_int_equal(endpoint(&scene, "orders-db")->status, VIEW_OPEN);
    scene_fini(&scene);
}

static void a_transition_that_fenced_its_groups_keeps_them_fenced(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, SAMPLE_CONFIG);
    struct transition *transition = memory_new(sizeof *transition);
    transition->groups = memory_new(sizeof *transition->groups);
    transition->group_count = 1;
    transition->groups[0] = (struct transition_group){.id = "data", .progress = PROGRESS_FENCED};
    transition->by = memory_text("root");
    transition->reason = memory_text("");
    scene.state->transition = transition;
    build(&scene);
    assert_int_equal(endpoint(&scene, "orders-db")->status, VIEW_FENCED);

    transition->groups[0].progress = PROGRESS_SWITCHED;
    build(&scene);
    assert_int_equal(endpoint(&scene, "orders-db")->status, VIEW_OPEN);
    scene_fini(&scene);
}

static void assert_undecided(const struct view_endpoint *endpoint)
{
    assert_int_equal(endpoint->status, VIEW_UNDECIDED);
    assert_true(endpoint->region == CONFIG_NONE);
    assert_null(endpoint->target);
}

static void nothing_is_guessed_without_a_record(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, SAMPLE_CONFIG);
    scene.world.undecided = true;
    build(&scene);
    for (size_t i = 0; i < scene.config->endpoint_count; i++)
        assert_undecided(&scene.view->endpoints[i]);
    assert_non_null(find(&scene, "db.shop.internal"));

    scene.world.undecided = false;
    state_free(scene.state);
    scene.state = NULL;
    build(&scene);
    assert_undecided(endpoint(&scene, "orders-db"));
    scene_fini(&scene);
}

static void a_group_without_an_entry_or_in_a_vanished_region_is_undecided(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, SAMPLE_CONFIG);
    activate(&scene, "data", "ap-south-1");
    assert_undecided(endpoint(&scene, "orders-db"));
    assert_undecided(endpoint(&scene, "search"));
    assert_int_equal(endpoint(&scene, "relay-db")->status, VIEW_OPEN);

    snprintf(state_find_group(scene.state, "relayed")->id, sizeof(state_id), "renamed");
    build(&scene);
    assert_undecided(endpoint(&scene, "relay-db"));
    assert_int_equal(endpoint(&scene, "relay-db")->address_count, 2);
    scene_fini(&scene);
}

static void a_relays_names_answer_where_it_listens(void **unused)
{
    (void)unused;
    struct scene scene;
    char text[ADDRESS_TEXT_SIZE];
    scene_init(&scene, SAMPLE_CONFIG);
    const struct view_endpoint *relay = endpoint(&scene, "relay-db");
    assert_int_equal(relay->address_count, 2);
    address_print_ip(relay->addresses[0], text);
    assert_string_equal(text, "127.0.0.54");
    address_print_ip(relay->addresses[1], text);
    assert_string_equal(text, "::1");

    const struct view_endpoint *wide = endpoint(&scene, "wide-db");
    assert_int_equal(wide->address_count, 1);
    address_print_ip(wide->addresses[0], text);
    assert_string_equal(text, "192.0.2.9");
    assert_int_equal(endpoint(&scene, "orders-db")->address_count, 0);
    scene_fini(&scene);
}

static void assert_answers(const struct view_endpoint *endpoint, unsigned at, const char *address)
{
    char text[ADDRESS_TEXT_SIZE];
    assert_true(at < endpoint->address_count);
    address_print_ip(endpoint->addresses[at], text);
    assert_string_equal(text, address);
}

#define GATEWAY_CONFIG(listen)                                                                     \
    "{\"regions\": [\"eu-west-1\", \"us-west-2\"], \"gateway\": {\"listen\": " listen "},"         \
    " \"endpoints\": {" SAMPLE_ENDPOINTS ",\"more\": {\"type\": \"bucket\", \"path_style\": true," \
    "  \"group\": \"more\", \"buckets\": {\"eu-west-1\": \"more-eu\", \"us-west-2\": "             \
    "\"more-us\"}}}}"

static void a_buckets_names_lead_to_the_gateway_when_it_runs(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, GATEWAY_CONFIG("[\"127.0.0.80:80\", \"127.0.0.80:443\", \"[::]:80\"]"));
    assert_null(find(&scene, "assets-us.s3.us-west-2.amazonaws.com"));
    scene.gateway_answers = true;
    build(&scene);
    const struct view_endpoint *assets = endpoint(&scene, "assets");
    assert_ptr_equal(find(&scene, "assets-us.s3.us-west-2.amazonaws.com"), assets);
    assert_ptr_equal(find(&scene, "assets.elsewhere.internal"), assets);
    assert_ptr_equal(find(&scene, "s3.eu-west-1.amazonaws.com"), endpoint(&scene, "more"));
    assert_null(find(&scene, "other.s3.eu-west-1.amazonaws.com"));
    assert_int_equal(assets->address_count, 2);
    assert_answers(assets, 0, "127.0.0.80");
    assert_answers(assets, 1, "::1"); /* of a wildcard, what is on this host */
    assert_int_equal(endpoint(&scene, "orders-db")->address_count, 0);
    scene_fini(&scene);
}

static void a_region_host_belongs_to_the_first_who_takes_path_style(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene,
        "{\"regions\": [\"east\", \"west\"], \"endpoints\": {"
        "\"a\": {\"type\": \"bucket\", \"buckets\": {\"east\": \"a-e\", \"west\": \"a-w\"}},"
        "\"b\": {\"type\": \"bucket\", \"buckets\": {\"east\": \"b-e\", \"west\": \"b-w\"},"
        "  \"path_style\": true},"
        "\"c\": {\"type\": \"bucket\", \"buckets\": {\"east\": \"c-e\", \"west\": \"c-w\"},"
        "  \"path_style\": true}}}");
    scene.gateway_answers = true;
    build(&scene);
    assert_ptr_equal(find(&scene, "s3.west.amazonaws.com"), endpoint(&scene, "b"));
    assert_ptr_equal(find(&scene, "c-w.s3.east.amazonaws.com"), endpoint(&scene, "c"));
    assert_answers(endpoint(&scene, "c"), 0, "127.0.0.80");
    scene_fini(&scene);
}

static void an_exact_name_beats_a_wildcard_and_the_longest_wildcard_wins(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, "{\"regions\": [\"a\", \"b\"], \"endpoints\": {"
                       "\"exact\": {\"type\": \"name\", \"names\": [\"x.deep.shop.internal\"],"
                       "  \"targets\": {\"a\": \"192.0.2.1\", \"b\": \"192.0.2.2\"}},"
                       "\"long\": {\"type\": \"name\", \"names\": [\"*.deep.shop.internal\"],"
                       "  \"targets\": {\"a\": \"192.0.2.1\", \"b\": \"192.0.2.2\"}},"
                       "\"short\": {\"type\": \"name\", \"names\": [\"*.internal\"],"
                       "  \"targets\": {\"a\": \"192.0.2.1\", \"b\": \"192.0.2.2\"}}}}");
    assert_ptr_equal(find(&scene, "x.deep.shop.internal"), endpoint(&scene, "exact"));
    assert_ptr_equal(find(&scene, "y.deep.shop.internal"), endpoint(&scene, "long"));
    assert_ptr_equal(find(&scene, "z.x.deep.shop.internal"), endpoint(&scene, "long"));
    assert_ptr_equal(find(&scene, "deep.shop.internal"), endpoint(&scene, "short"));
    assert_ptr_equal(find(&scene, "db.internal"), endpoint(&scene, "short"));
    assert_null(find(&scene, "internal"));
    assert_null(find(&scene, "."));
    assert_null(find(&scene, "db.example.net"));
    scene_fini(&scene);
}

static void names_that_nobody_manages_are_nobodys(void **unused)
{
    (void)unused;
    struct scene scene;
    scene_init(&scene, SAMPLE_CONFIG);
    assert_ptr_equal(find(&scene, "db.shop.internal"), endpoint(&scene, "orders-db"));
    assert_ptr_equal(find(&scene, "other.shop.internal"), endpoint(&scene, "search"));
    assert_null(find(&scene, "shop.internal"));
    assert_null(find(&scene, "a.relay.internal"));
    assert_null(find(&scene, "assets.elsewhere.internal")); /* a bucket's, until the gateway */
    scene_fini(&scene);
}

static void every_one_of_many_names_is_found(void **unused)
{
    (void)unused;
    enum { COUNT = 1000 };
    char *text = memory_new(64 * COUNT + 512);
    size_t used = (size_t)sprintf(text,
        "{\"regions\": [\"a\", \"b\"], \"endpoints\": {\"many\": {\"type\": \"name\","
        "\"targets\": {\"a\": \"192.0.2.1\", \"b\": \"192.0.2.2\"}, \"names\": [");
    for (int i = 0; i < COUNT; i++)
        used += (size_t)sprintf(text + used, "%s\"n%d.internal\"", i ? "," : "", i);
    sprintf(text + used, "]}}}");
    struct scene scene;
    scene_init(&scene, text);
    free(text);
    for (int i = 0; i < COUNT; i++) {
        char name[32];
        snprintf(name, sizeof name, "n%d.internal", i);
        assert_ptr_equal(find(&scene, name), endpoint(&scene, "many"));
    }
    assert_null(find(&scene, "n1000.internal"));
    assert_true(scene.view->exact.mask + 1 >= 2 * COUNT);
    scene_fini(&scene);
}

static void upstreams_are_the_files_own_or_those_of_resolv_conf(void **unused)
{
    (void)unused;
    struct scene scene;
    char text[ADDRESS_TEXT_SIZE];
    struct config_upstream seen = {0};
    assert_int_equal(address_parse("198.51.100.1", 53, &seen.address, NULL), 0);

    scene_init(&scene, SAMPLE_CONFIG);
    scene.upstreams = (struct config_upstreams){&seen, 1};
    build(&scene);
    assert_int_equal(scene.view->upstreams.count, 1);
    address_print(&scene.view->upstreams.list[0].address, text);
    assert_string_equal(text, "192.0.2.53:53");
    scene_fini(&scene);

    scene_init(&scene, SAMPLE_CONFIG_RESOLV_CONF);
    assert_int_equal(scene.view->upstreams.count, 0);
    scene.upstreams = (struct config_upstreams){&seen, 1};
    build(&scene);
    assert_int_equal(scene.view->upstreams.count, 1);
    assert_ptr_not_equal(scene.view->upstreams.list, &seen);
    address_print(&scene.view->upstreams.list[0].address, text);
    assert_string_equal(text, "198.51.100.1:53");
    scene_fini(&scene);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_endpoint_follows_the_region_of_its_group),
        cmocka_unit_test(a_fence_stops_databases_and_nothing_else),
        cmocka_unit_test(a_group_can_be_fenced_before_the_record_says_so),
        cmocka_unit_test(a_transition_that_fenced_its_groups_keeps_them_fenced),
        cmocka_unit_test(nothing_is_guessed_without_a_record),
        cmocka_unit_test(a_group_without_an_entry_or_in_a_vanished_region_is_undecided),
        cmocka_unit_test(a_relays_names_answer_where_it_listens),
        cmocka_unit_test(a_buckets_names_lead_to_the_gateway_when_it_runs),
        cmocka_unit_test(a_region_host_belongs_to_the_first_who_takes_path_style),
        cmocka_unit_test(an_exact_name_beats_a_wildcard_and_the_longest_wildcard_wins),
        cmocka_unit_test(names_that_nobody_manages_are_nobodys),
        cmocka_unit_test(every_one_of_many_names_is_found),
        cmocka_unit_test(upstreams_are_the_files_own_or_those_of_resolv_conf),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
