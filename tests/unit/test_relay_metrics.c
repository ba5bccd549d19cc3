/* The text that a scraper gets of the relays, whole. */
#include "base/memory.h"
#include "failover/relay_status.h"
#include "tests/unit/fake_relays.h"
#include "tests/unit/memory_store.h"
#include "tests/unit/sample.h"

#define RELAYED                                                                                    \
    "{\"regions\": [\"eu-west-1\", \"us-west-2\"],"                                                \
    " \"resolver\": {\"upstreams\": [\"192.0.2.53\"]},"                                            \
    " \"endpoints\": {"                                                                            \
    "  \"plain\": {\"type\": \"name\", \"names\": [\"plain.internal\"],"                           \
    "   \"targets\": {\"eu-west-1\": \"192.0.2.5\", \"us-west-2\": \"192.0.2.6\"}},"               \
    "  \"orders-db\": {\"type\": \"database\", \"names\": [\"db.internal\"],"                      \
    "   \"relay\": {\"listen\": [\"127.0.0.54:5432\"]},"                                           \
    "   \"targets\": {\"eu-west-1\": \"192.0.2.3:1\", \"us-west-2\": \"192.0.2.4:1\"}},"           \
    "  \"new-db\": {\"type\": \"database\", \"names\": [\"new.internal\"],"                        \
    "   \"relay\": {\"listen\": [\"127.0.0.55:5432\"]},"                                           \
    "   \"targets\": {\"eu-west-1\": \"192.0.2.3:2\", \"us-west-2\": \"192.0.2.4:2\"}}}}"

static const char expected[] =
    "# HELP pilotlight_relay_connections Relayed connections now. behind: those of open whose "
    "region is fenced off.\n"
    "# TYPE pilotlight_relay_connections gauge\n"
    "pilotlight_relay_connections{endpoint=\"orders-db\",state=\"open\"} 3\n"
    "pilotlight_relay_connections{endpoint=\"orders-db\",state=\"connecting\"} 1\n"
    "pilotlight_relay_connections{endpoint=\"orders-db\",state=\"held\"} 2\n"
    "pilotlight_relay_connections{endpoint=\"orders-db\",state=\"behind\"} 1\n"
    "# HELP pilotlight_relay_accepted_total Clients accepted.\n"
    "# TYPE pilotlight_relay_accepted_total counter\n"
    "pilotlight_relay_accepted_total{endpoint=\"orders-db\"} 90\n"
    "# HELP pilotlight_relay_refused_total Clients that were reset, by reason.\n"
    "# TYPE pilotlight_relay_refused_total counter\n"
    "pilotlight_relay_refused_total{endpoint=\"orders-db\",reason=\"hold_full\"} 5\n"
    "pilotlight_relay_refused_total{endpoint=\"orders-db\",reason=\"hold_timeout\"} 0\n"
    "pilotlight_relay_refused_total{endpoint=\"orders-db\",reason=\"hold_bytes\"} 0\n"
    "pilotlight_relay_refused_total{endpoint=\"orders-db\",reason=\"unresolved\"} 0\n"
    "pilotlight_relay_refused_total{endpoint=\"orders-db\",reason=\"unreachable\"} 0\n"
    "pilotlight_relay_refused_total{endpoint=\"orders-db\",reason=\"descriptors\"} 6\n"
    "# HELP pilotlight_relay_closed_by_switch_total Connections closed by a fence, a switch or the "
    "end of a drain.\n"
    "# TYPE pilotlight_relay_closed_by_switch_total counter\n"
    "pilotlight_relay_closed_by_switch_total{endpoint=\"orders-db\"} 12\n"
    "# HELP pilotlight_relay_bytes_total Bytes passed on, by direction.\n"
    "# TYPE pilotlight_relay_bytes_total counter\n"
    "pilotlight_relay_bytes_total{endpoint=\"orders-db\",direction=\"to_target\"} 4096\n"
    "pilotlight_relay_bytes_total{endpoint=\"orders-db\",direction=\"to_client\"} 8192\n"
    "# HELP pilotlight_relay_connect_duration_seconds How long a target took to accept a "
    "connection, where one did.\n"
    "# TYPE pilotlight_relay_connect_duration_seconds histogram\n"
    "pilotlight_relay_connect_duration_seconds_bucket{endpoint=\"orders-db\",le=\"0.00025\"} 4\n"
    "pilotlight_relay_connect_duration_seconds_bucket{endpoint=\"orders-db\",le=\"0.001\"} 7\n"
    "pilotlight_relay_connect_duration_seconds_bucket{endpoint=\"orders-db\",le=\"0.0025\"} 7\n"
    "pilotlight_relay_connect_duration_seconds_bucket{endpoint=\"orders-db\",le=\"0.01\"} 7\n"
    "pilotlight_relay_connect_duration_seconds_bucket{endpoint=\"orders-db\",le=\"0.05\"} 7\n"
    "pilotlight_relay_connect_duration_seconds_bucket{endpoint=\"orders-db\",le=\"0.25\"} 7\n"
    "pilotlight_relay_connect_duration_seconds_bucket{endpoint=\"orders-db\",le=\"1\"} 9\n"
    "pilotlight_relay_connect_duration_seconds_bucket{endpoint=\"orders-db\",le=\"+Inf\"} 10\n"
    "pilotlight_relay_connect_duration_seconds_sum{endpoint=\"orders-db\"} 2.5\n"
    "pilotlight_relay_connect_duration_seconds_count{endpoint=\"orders-db\"} 10\n"
    "# HELP pilotlight_relay_accept_failures_total Times that accept failed for want of "
    "descriptors or memory.\n"
    "# TYPE pilotlight_relay_accept_failures_total counter\n"
    "pilotlight_relay_accept_failures_total{endpoint=\"orders-db\"} 7\n";

static const struct siphash_key key = {1, 2};

static void on_ready(void *context)
{
    *(bool *)context = true;
}

/* What a keeper of RELAYED and these relays would say. */
static void assert_written(struct relays *relays, struct loop *loop, const char *text)
{
    bool ready = false;
    size_t size;
    struct memory_store store;
    memory_store_init(&store, loop);
    struct announce *announce = announce_new(loop);
    struct config *config = sample_config(RELAYED);
    struct keeper_options options = {.main_loop = loop,
        .store = &store.store,
        .announce = announce,
        .config = config,
        .key = &key};
    struct status_source source = {.relays = relays};
    assert_int_equal(keeper_new(&options, &source.keeper, on_ready, &ready, NULL), 0);
    run_until(loop, is_set, &ready);
    struct metric_text *out = metric_text_new();
    relays_write_metrics(&source, out);
    assert_string_equal(metric_text_get(out, &size), text);
    metric_text_free(out);
    keeper_free(source.keeper);
    announce_free(announce);
    config_unref(config);
    memory_store_fini(&store);
}

static void every_number_of_a_relay_is_written_once(void **unused)
{
    (void)unused;
    struct loop loop;
    struct fake_relays fake;
    assert_int_equal(loop_init(&loop, "main"), 0);
    fake_relays_init(&fake, &loop);
    assert_written(&fake.relays, &loop, expected);
    loop_fini(&loop);
}

static void without_relays_nothing_is_written(void **unused)
{
    (void)unused;
    struct loop loop;
    assert_int_equal(loop_init(&loop, "main"), 0);
    assert_written(NULL, &loop, "");
    loop_fini(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_number_of_a_relay_is_written_once),
        cmocka_unit_test(without_relays_nothing_is_written),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
