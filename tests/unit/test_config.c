#include "tests/unit/config_texts.h"

#include "base/file.h"

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define MINIMAL "{" REGIONS ", \"endpoints\": {" NAME("search", "search.test") "}}"

static void assert_address(const struct address *address, const char *expected)
{
    char text[ADDRESS_TEXT_SIZE];
    address_print(address, text);
    assert_string_equal(text, expected);
}

static void assert_name(const struct name *name, const char *expected)
{
    char text[NAME_TEXT_SIZE];
    name_to_text(name->wire, name->size, text);
    assert_string_equal(text, expected);
}

static void everything_but_regions_and_endpoints_has_a_default(void **unused)
{
    (void)unused;
    struct config *config = read_good(MINIMAL);
    assert_string_equal(config->path, "a.json");
    assert_string_equal(config->application, "default");
    assert_string_equal(config->user, "pilotlight");
    assert_true(config->user_is_default);
    assert_int_equal(config->resolver.listen.count, 2);
    assert_true(config->resolver.listen.is_default);
    assert_address(&config->resolver.listen.addresses[0], "127.0.0.1:53");
    assert_address(&config->resolver.listen.addresses[1], "[::1]:53");
    assert_true(config->resolver.upstreams_from_resolv_conf);
    assert_int_equal(config->resolver.upstreams.count, 0);
    assert_int_equal(config->resolver.allow_count, 2);
    assert_int_equal(config->resolver.cache_size, 16 << 20);
    assert_int_equal(config->resolver.max_stale_ms, 86400000);
    assert_int_equal(config->resolver.ttl_s, 1);
    assert_false(config->resolver.authoritative);
    assert_int_equal(config->resolver.threads, 1);
    assert_int_equal(config->proxy.threads, 0);
    assert_int_equal(config->gateway.listen.count, 0);
    assert_string_equal(config->control.socket, CONFIG_DEFAULT_SOCKET);
    assert_string_equal(config->control.operators, "pilotlight");
    assert_string_equal(config->state.file, "/var/lib/pilotlight/state.json");
    assert_int_equal(config->health.interval_ms, 5000);
    assert_int_equal(config->health.timeout_ms, 2000);
    assert_int_equal(config->health.fall, 3);
    assert_int_equal(config->health.rise, 2);
    assert_int_equal(config->monitoring.count, 1);
    assert_true(config->monitoring.is_default);
    assert_address(&config->monitoring.addresses[0], "127.0.0.1:9353");
    assert_int_equal(config->log.format, LOG_FORMAT_TEXT);
    assert_int_equal(config->log.level, LOG_LEVEL_INFO);
    assert_false(config->runbooks[0].present || config->runbooks[1].present);
    config_unref(config);
}

static void the_file_replaces_defaults(void **unused)
{
    (void)unused;
    struct config *config = read_good(
        "{" REGIONS ", \"endpoints\": {}, \"user\": \"pilotlight\","
        "\"application\": \"shop\","
        "\"resolver\": {\"listen\": \"127.0.0.9:5353\", \"upstreams\": [], \"allow\": "
        "[\"10.0.0.0/8\"],"
        "  \"cache_size\": \"64MiB\", \"max_stale\": \"0s\", \"ttl\": \"0s\", \"authoritative\": "
        "true,"
        "  \"threads\": 4},"
        "\"control\": {\"socket\": \"/tmp/a\", \"operators\": \"ops\"}, \"state\": {\"file\": "
        "\"/tmp/s\"},"
        "\"health\": {\"interval\": \"500ms\", \"timeout\": \"1s\", \"fall\": 1, \"rise\": 5},"
        "\"monitoring\": {\"listen\": []}, \"log\": {\"format\": \"json\", \"level\": \"debug\"},"
        "\"proxy\": {\"threads\": 2}}");
    assert_string_equal(config->application, "shop");
    assert_false(config->user_is_default);
    assert_int_equal(config->resolver.listen.count, 1);
    assert_false(config->resolver.listen.is_default);
    assert_false(config->resolver.upstreams_from_resolv_conf);
    assert_int_equal(config->resolver.allow_count, 1);
    assert_int_equal(config->resolver.cache_size, 64 << 20);
    assert_int_equal(config->resolver.max_stale_ms, 0);
    assert_int_equal(config->resolver.ttl_s, 0);
    assert_true(config->resolver.authoritative);
    assert_int_equal(config->resolver.threads, 4);
    assert_string_equal(config->control.socket, "/tmp/a");
    assert_string_equal(config->control.operators, "ops");
    assert_string_equal(config->state.file, "/tmp/s");
    assert_int_equal(config->health.interval_ms, 500);
    assert_int_equal(config->health.timeout_ms, 1000);
    assert_int_equal(config->health.fall, 1);
    assert_int_equal(config->health.rise, 5);
    assert_int_equal(config->monitoring.count, 0);
    assert_false(config->monitoring.is_default);
    assert_int_equal(config->log.format, LOG_FORMAT_JSON);
    assert_int_equal(config->log.level, LOG_LEVEL_DEBUG);
    assert_int_equal(config->proxy.threads, 2);
    config_unref(config);
}

static void upstreams_and_routes_are_understood(void **unused)
{
    (void)unused;
    struct config *config = read_good(
        "{" REGIONS ", \"endpoints\": {}, \"resolver\": {"
        "\"upstreams\": [\"10.0.0.2\", \"10.0.0.3:5353\", \"tls://9.9.9.9:853#dns.test\", \"::1\","
        "  \"[fd00::1]:54\", \"tls://[fd00::1]#v6.test\"],"
        "\"routes\": {\"test\": [\"10.1.0.1\"], \"a.B.test.\": [\"10.1.0.2\", \"10.1.0.3\"]}}}");
    const struct config_upstreams *upstreams = &config->resolver.upstreams;
    const struct config_route *routes = config->resolver.routes;
    assert_int_equal(upstreams->count, 6);
    assert_address(&upstreams->list[0].address, "10.0.0.2:53");
    assert_null(upstreams->list[0].tls_name);
    assert_address(&upstreams->list[1].address, "10.0.0.3:5353");
    assert_address(&upstreams->list[2].address, "9.9.9.9:853");
    assert_string_equal(upstreams->list[2].tls_name, "dns.test");
    assert_address(&upstreams->list[3].address, "[::1]:53");
    assert_address(&upstreams->list[4].address, "[fd00::1]:54");
    assert_address(&upstreams->list[5].address, "[fd00::1]:853");
    assert_int_equal(config->resolver.route_count, 2);
    assert_name(&routes[0].suffix, "a.b.test");
    assert_int_equal(routes[0].upstreams.count, 2);
    assert_name(&routes[1].suffix, "test");
    config_unref(config);
}

static void endpoints_names_and_targets_are_understood(void **unused)
{
    (void)unused;
    struct config *config = read_good(
        "{" REGIONS ", \"endpoints\": {\"a\": {\"type\": \"name\","
        "\"names\": [\"Db.Test.\", \"*.db.test\"], \"targets\":"
        "{\"west\": \"[fd00::1]:5432\", \"east\": \"Host.Test:80\"}}, \"b\": {\"type\": "
        "\"database\","
        "\"group\": \"data\", \"names\": [\"b.test\"], \"targets\": {\"east\": \"10.0.0.1:99\","
        "\"west\": \"fd00::2\"}}}}");
    const struct config_endpoint *a = &config->endpoints[0], *b = &config->endpoints[1];
    assert_int_equal(config_endpoint(config, "b"), 1);
    assert_int_equal(config_endpoint(config, "c"), CONFIG_NONE);
    assert_int_equal(config_region(config, "west"), 1);
    assert_int_equal(config_region(config, "north"), CONFIG_NONE);
    assert_string_equal(config->groups[a->group].id, "default");
    assert_int_equal(b->group, config_group(config, "data"));
    assert_false(config->groups[a->group].has_database);
    assert_true(config->groups[b->group].has_database);
    assert_true(config->groups[b->group].has_dns_only_database);
    assert_string_equal(a->names[0].text, "Db.Test.");
    assert_name(&a->names[0].name, "db.test");
    assert_false(a->names[0].wildcard);
    assert_name(&a->names[1].name, "db.test");
    assert_true(a->names[1].wildcard);
    assert_string_equal(a->targets[0].text, "Host.Test:80");
    assert_false(a->targets[0].is_address);
    assert_name(&a->targets[0].name, "host.test");
    assert_int_equal(a->targets[0].port, 80);
    assert_true(a->targets[1].is_address);
    assert_address(&a->targets[1].address, "[fd00::1]:0");
    assert_int_equal(a->targets[1].port, 5432);
    assert_address(&b->targets[0].address, "10.0.0.1:0");
    assert_int_equal(b->targets[0].port, 99);
    assert_address(&b->targets[1].address, "[fd00::2]:0");
    assert_int_equal(b->targets[1].port, 0);
    config_unref(config);
}

#define RELAY(relay)                                                                               \
    "{" REGIONS ", \"endpoints\": {\"db\": {\"type\": \"database\", \"names\": [\"db.test\"], "    \
    "\"targets\": {\"east\": \"10.0.0.1\", \"west\": \"10.0.0.2:6000\"}, \"relay\": " relay "}}}"

static void a_relay_has_its_defaults(void **unused)
{
    (void)unused;
    struct config *config = read_good(RELAY("{\"listen\": \"127.0.0.54:5432\"}"));
    const struct config_relay *relay = config->endpoints[0].relay;
    assert_non_null(relay);
    assert_int_equal(relay->listen.count, 1);
    assert_false(relay->has_address);
    assert_int_equal(relay->drain_ms, 0);
    assert_int_equal(relay->hold_timeout_ms, 180000);
    assert_int_equal(relay->hold_max_connections, 1000);
    assert_int_equal(relay->probe, CONFIG_PROBE_NONE);
    assert_true(config->groups[0].has_database);
    assert_false(config->groups[0].has_dns_only_database);
    config_unref(config);
}

static void a_relay_is_understood(void **unused)
{
    (void)unused;
    struct config *config = read_good(
        RELAY("{\"listen\": [\"0.0.0.0:5432\", \"[::]:5432\"],"
              "\"address\": \"10.9.9.9\", \"on_switch\": \"drain 30s\","
              "\"hold\": {\"timeout\": \"1m\", \"max_connections\": 5},"
              "\"probe\": {\"type\": \"mysql\", \"user\": \"u\", \"password_file\": \"/p\"}}"));
    const struct config_relay *relay = config->endpoints[0].relay;
    assert_int_equal(relay->listen.count, 2);
    assert_true(relay->has_address);
    assert_address(&relay->address, "10.9.9.9:0");
    assert_int_equal(relay->drain_ms, 30000);
    assert_int_equal(relay->hold_timeout_ms, 60000);
    assert_int_equal(relay->hold_max_connections, 5);
    assert_int_equal(relay->probe, CONFIG_PROBE_MYSQL);
    assert_string_equal(relay->probe_user, "u");
    assert_string_equal(relay->probe_password_file, "/p");
    assert_null(relay->probe_database);
    config_unref(config);
}

static void a_probe_needs_neither_a_login_nor_a_password(void **unused)
{
    (void)unused;
    struct config *config = read_good(
        RELAY("{\"listen\": \"127.0.0.54:5432\","
              "\"probe\": {\"type\": \"postgres\", \"user\": \"u\", \"database\": \"d\"}}"));
    const struct config_relay *relay = config->endpoints[0].relay;
    assert_int_equal(relay->probe, CONFIG_PROBE_POSTGRES);
    assert_string_equal(relay->probe_user, "u");
    assert_string_equal(relay->probe_database, "d");
    assert_null(relay->probe_password_file);
    config_unref(config);

    config =
        read_good(RELAY("{\"listen\": \"127.0.0.54:3306\", \"probe\": {\"type\": \"mysql\"}}"));
    relay = config->endpoints[0].relay;
    assert_int_equal(relay->probe, CONFIG_PROBE_MYSQL);
    assert_null(relay->probe_user);
    config_unref(config);
}

static void a_target_without_a_port_takes_the_relays(void **unused)
{
    (void)unused;
    struct config *config = read_good(RELAY("{\"listen\": \"127.0.0.54:5432\"}"));
    assert_int_equal(config->endpoints[0].targets[0].port, 5432);
    assert_int_equal(config->endpoints[0].targets[1].port, 6000);
    config_unref(config);
}

static void a_bucket_turns_the_gateway_on(void **unused)
{
    (void)unused;
    struct config *config = read_good(
        "{" REGIONS ", \"endpoints\": {\"a\": {\"type\": \"bucket\","
        "\"buckets\": {\"east\": \"shop-east\", \"west\": \"shop-west\"}, \"path_style\": true}}}");
    assert_string_equal(config->endpoints[0].buckets[1], "shop-west");
    assert_true(config->endpoints[0].path_style);
    assert_false(config->endpoints[0].read_through);
    assert_null(config->endpoints[0].targets);
    assert_int_equal(config->gateway.listen.count, 2);
    assert_true(config->gateway.listen.is_default);
    assert_address(&config->gateway.listen.addresses[1], "127.0.0.80:443");
    config_unref(config);
}

static void the_gateways_keys_are_understood(void **unused)
{
    (void)unused;
    struct config *config =
        read_good("{\"regions\": [\"eu-west-1\", \"us-west-2\"], \"endpoints\": {}, \"gateway\": {"
                  "\"clients\": [{\"access_key_id\": \"A\", \"secret_access_key_file\": \"/a\"},"
                  "{\"access_key_id\": \"B\", \"secret_access_key_file\": \"/b\"}],"
                  "\"credentials\": {\"access_key_id\": \"H\", \"secret_access_key_file\": \"/h\"},"
                  "\"sign_as\": \"host\"}}");
    assert_int_equal(config->gateway.client_count, 2);
    assert_string_equal(config->gateway.clients[1].access_key_id, "B");
    assert_string_equal(config->gateway.clients[1].secret_file, "/b");
    assert_string_equal(config->gateway.credentials.access_key_id, "H");
    assert_string_equal(config->gateway.credentials.secret_file, "/h");
    assert_int_equal(config->gateway.sign_as, CONFIG_SIGN_AS_HOST);
    config_unref(config);

    config = read_good("{\"regions\": [\"eu-west-1\", \"us-west-2\"], \"endpoints\": {}, "
                       "\"gateway\": {\"credentials\": \"default\"}}");
    assert_int_equal(config->gateway.client_count, 0);
    assert_null(config->gateway.credentials.access_key_id);
    assert_int_equal(config->gateway.sign_as, CONFIG_SIGN_AS_CLIENT);
    config_unref(config);
}

static void comments_are_skipped_but_not_inside_strings(void **unused)
{
    (void)unused;
    struct config *config =
        read_good("// first \" line\n{/* a \" \n /* block **/" REGIONS
                  ", // https://x \"\n \"endpoints\": {}, \"user\": \"a//b/*c\\\"//\"}//end");
    assert_string_equal(config->user, "a//b/*c\"//");
    config_unref(config);
}

static void a_byte_order_mark_does_not_move_lines(void **unused)
{
    (void)unused;
    assert_wrong("\xef\xbb\xbf\n{" REGIONS ",\n\"endpoints\": {},\n\"colour\": 1}",
        "a.json:4: colour: unknown key\n");
}

static void durations_are_numbers_with_a_unit(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        uint64_t ms;
    } good[] = {{"500ms", 500}, {"5s", 5000}, {"3m", 180000}, {"1h", 3600000}, {"1d", 86400000},
        {"0s", 0}, {"9999999999d", UINT64_C(9999999999) * 86400000}};
    static const char *const wrong[] = {
        "", "5", "s", "5 s", "-5s", "5.5s", "5S", "5s ", "5sec", "99999999999d", "0x5s", " 5s"};
    uint64_t ms;
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        assert_true(config_parse_duration(good[i].text, &ms));
        assert_int_equal(ms, good[i].ms);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(config_parse_duration(wrong[i], &ms));
}

static void the_last_reference_frees(void **unused)
{
    (void)unused;
    struct config *config = read_good(MINIMAL);
    assert_ptr_equal(config_ref(config), config);
    config_unref(config);
    assert_string_equal(config->regions[0], "east");
    config_unref(config);
    config_unref(NULL);
}

static void a_file_that_cannot_be_read_is_one_error(void **unused)
{
    (void)unused;
    struct config *config;
    struct config_errors errors;
    assert_int_equal(config_read("/nonexistent/a.json", &config, &errors), -ENOENT);
    assert_null(config);
    assert_int_equal(errors.count, 1);
    assert_string_equal(
        errors.lines[0], "/nonexistent/a.json: cannot read it: no such file or directory");
    config_errors_fini(&errors);
}

static void write_file(const char *path, const char *text)
{
    bool renamed;
    assert_int_equal(file_replace(path, text, strlen(text), 0600, &renamed), 0);
}

static void a_file_is_read_whole(void **unused)
{
    (void)unused;
    char path[] = "/tmp/test_config_XXXXXX";
    struct config *config;
    struct config_errors errors;
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    write_file(path, MINIMAL);
    assert_int_equal(config_read(path, &config, &errors), 0);
    assert_string_equal(config->path, path);
    config_errors_fini(&errors);
    config_unref(config);
    unlink(path);
}

static void the_socket_is_found_in_a_file_that_is_wrong_elsewhere(void **unused)
{
    (void)unused;
    char path[] = "/tmp/test_config_XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    write_file(path, "{ // no regions\n\"control\": {\"socket\": \"/tmp/x.sock\"}}");
    char *socket = config_read_socket(path);
    assert_string_equal(socket, "/tmp/x.sock");
    free(socket);
    write_file(path, "{\"control\": {}}");
    assert_null(config_read_socket(path));
    write_file(path, "{\"control\": ");
    assert_null(config_read_socket(path));
    unlink(path);
    assert_null(config_read_socket(path));
}

static void reload_names_what_needs_a_restart(void **unused)
{
    (void)unused;
    struct failure why;
    struct config *now = read_good(MINIMAL);
    struct config *same =
        read_good("{" REGIONS ", \"endpoints\": {}, \"resolver\": {\"ttl\": \"5s\"},"
                  "\"health\": {\"fall\": 9}, \"log\": {\"level\": \"debug\"}}");
    struct config *other = read_good(
        "{" REGIONS ", \"endpoints\": {}, \"application\": \"b\","
        "\"user\": \"b\", \"resolver\": {\"listen\": [\"127.0.0.1:53\"], \"threads\": 2,"
        "\"cache_size\": \"1MiB\"}, \"proxy\": {\"threads\": 1}, \"control\": {\"socket\": \"/b\"},"
        "\"state\": {\"file\": \"/b\"}, \"monitoring\": {\"listen\": \"127.0.0.1:9354\"}}");
    assert_int_equal(config_check_reload(now, now, &why), 0);
    assert_int_equal(config_check_reload(now, same, &why), 0);
    assert_int_equal(config_check_reload(now, other, &why), -EINVAL);
    assert_string_equal(why.text,
        "only a restart can change application, user, resolver.listen, resolver.threads, "
        "resolver.cache_size, proxy.threads, control.socket, state.file, monitoring.listen");
    config_unref(now);
    config_unref(same);
    config_unref(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(everything_but_regions_and_endpoints_has_a_default),
        cmocka_unit_test(the_file_replaces_defaults),
        cmocka_unit_test(upstreams_and_routes_are_understood),
        cmocka_unit_test(endpoints_names_and_targets_are_understood),
        cmocka_unit_test(a_relay_has_its_defaults),
        cmocka_unit_test(a_relay_is_understood),
        cmocka_unit_test(a_probe_needs_neither_a_login_nor_a_password),
        cmocka_unit_test(a_target_without_a_port_takes_the_relays),
        cmocka_unit_test(a_bucket_turns_the_gateway_on),
        cmocka_unit_test(the_gateways_keys_are_understood),
        cmocka_unit_test(comments_are_skipped_but_not_inside_strings),
        cmocka_unit_test(a_byte_order_mark_does_not_move_lines),
        cmocka_unit_test(durations_are_numbers_with_a_unit),
        cmocka_unit_test(the_last_reference_frees),
        cmocka_unit_test(a_file_that_cannot_be_read_is_one_error),
        cmocka_unit_test(a_file_is_read_whole),
        cmocka_unit_test(the_socket_is_found_in_a_file_that_is_wrong_elsewhere),
        cmocka_unit_test(reload_names_what_needs_a_restart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
