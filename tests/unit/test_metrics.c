#include "base/memory.h"
#include "failover/metrics.h"
#include "tests/unit/memory_store.h"
#include "tests/unit/sample.h"

/* Takes the place of base/metric.c: what was written, one "name label=value … number" a line. */
struct metric_text {
    char text[8192];
    size_t used;
};

void metric_family(
    struct metric_text *out, const char *name, enum metric_type type, const char *help)
{
    assert_int_equal(type, METRIC_GAUGE);
    assert_true(*name && *help);
    (void)out;
}

void metric_value(
    struct metric_text *out, const char *name, const struct metric_label *labels, double value)
{
    out->used += (size_t)sprintf(out->text + out->used, "%s", name);
    for (; labels->name; labels++)
        out->used += (size_t)sprintf(out->text + out->used, " %s=%s", labels->name, labels->value);
    out->used += (size_t)sprintf(out->text + out->used, " %.0f\n", value);
}

static const struct siphash_key key = {1, 2};

static void on_ready(void *context)
{
    *(bool *)context = true;
}

/* What a keeper that starts on `store` would say. */
static void write_metrics_of(struct memory_store *store, struct loop *loop, struct metric_text *ret)
{
    bool ready = false;
    struct announce *announce = announce_new(loop);
    struct config *config = sample_config(SAMPLE_CONFIG);
    struct keeper_options options = {.main_loop = loop,
        .store = &store->store,
        .announce = announce,
        .config = config,
        .key = &key};
    struct keeper *keeper;
    assert_int_equal(keeper_new(&options, &keeper, on_ready, &ready, NULL), 0);
    run_until(loop, is_set, &ready);
    *ret = (struct metric_text){0};
    keeper_write_metrics(keeper, ret);
    keeper_free(keeper);
    announce_free(announce);
    config_unref(config);
}

static void assert_says(const struct metric_text *text, const char *line)
{
    if (!strstr(text->text, line))
        print_error("no \"%s\" in\n%s", line, text->text);
    assert_non_null(strstr(text->text, line));
}

static void a_group_shows_its_region_and_its_fence(void **unused)
{
    (void)unused;
    struct loop loop;
    struct memory_store store;
    struct metric_text text;
    assert_int_equal(loop_init(&loop, "main"), 0);
    memory_store_init(&store, &loop);
    store.state = state_new();
    store.state->revision = 5;
    store.state->epoch = 3;
    struct state_group *group = state_add_group(store.state, "data");
    strcpy(group->active, "us-west-2");
    group->fenced = true;
    group->fenced_at = clock_now();
    group->fenced_at.boot_ms -= 7000;
    write_metrics_of(&store, &loop, &text);

    assert_says(&text, "pilotlight_epoch 3\n");
    assert_says(&text, "pilotlight_active group=data region=eu-west-1 0\n");
    assert_says(&text, "pilotlight_active group=data region=us-west-2 1\n");
    assert_says(&text, "pilotlight_fenced group=data 1\n");
    assert_says(&text, "pilotlight_fence_age_seconds group=data 7\n");
    assert_says(&text, "pilotlight_undecided group=data 0\n");
    assert_says(&text, "pilotlight_active group=static region=eu-west-1 0\n");
    assert_says(&text, "pilotlight_undecided group=static 1\n");
    assert_says(&text, "pilotlight_fence_age_seconds group=static 0\n");
    assert_says(&text, "pilotlight_store_age_seconds 0\n");
    loop_fini(&loop);
    memory_store_fini(&store);
}

static void an_undecided_host_shows_no_active_region(void **unused)
{
    (void)unused;
    struct loop loop;
    struct memory_store store;
    struct metric_text text;
    assert_int_equal(loop_init(&loop, "main"), 0);
    memory_store_init(&store, &loop);
    store.refused = true;
    write_metrics_of(&store, &loop, &text);
    assert_says(&text, "pilotlight_active group=data region=eu-west-1 0\n");
    assert_says(&text, "pilotlight_active group=data region=us-west-2 0\n");
    assert_says(&text, "pilotlight_undecided group=data 1\n");
    loop_fini(&loop);
    memory_store_fini(&store);
}

static void on_freed(void *context)
{
    *(bool *)context = true;
}

static void health_is_silent_about_what_is_not_known(void **unused)
{
    (void)unused;
    struct loop loop;
    struct lookup lookup = {0};
    struct metric_text text = {0};
    bool freed = false;
    assert_int_equal(loop_init(&loop, "main"), 0);
    struct health_checks *checks = health_new(&loop, &lookup);
    struct config *config = sample_config(SAMPLE_CONFIG);
    health_write_metrics(checks, &text);
    health_configure(checks, config);
    health_write_metrics(checks, &text);
    assert_string_equal(text.text, "");
    health_free(checks, on_freed, &freed);
    run_until(&loop, is_set, &freed);
    config_unref(config);
    loop_fini(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_group_shows_its_region_and_its_fence),
        cmocka_unit_test(an_undecided_host_shows_no_active_region),
        cmocka_unit_test(health_is_silent_about_what_is_not_known),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
