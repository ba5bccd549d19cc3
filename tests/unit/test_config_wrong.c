/* Wrong files and the exact lines that their users see. */
#include "tests/unit/config_texts.h"

#include <stdlib.h>

/* Line 2 is the resolver's; line 3 the endpoints'. */
#define WITH(more) "{" REGIONS ", \"endpoints\": {},\n" more "}"
#define RESOLVER(text) WITH("\"resolver\": {" text "}")
#define ENDPOINTS(text) "{" REGIONS ", \"endpoints\": {\n" text "}}"
#define ENDPOINT(text) ENDPOINTS("\"db\": {" text "}")
#define DB "\"type\": \"database\", \"names\": [\"db.test\"], "
#define RELAY(text) ENDPOINT(DB TARGETS ", \"relay\": {" text "}")

static void broken_syntax_is_named_with_its_line(void **unused)
{
    (void)unused;
    assert_all_wrong((const struct wrong[]){
        {"", "a.json:1: not valid JSON\n"},
        {"{\n\"regions\": [\n,]}", "a.json:3: not valid JSON\n"},
        {"{\n\n", "a.json:3: not valid JSON: it ends too early\n"},
        {"\n{} {}", "a.json:2: not valid JSON: text after its end\n"},
        {"{\n/* forever\n\n", "a.json:2: a comment that never ends\n"},
        {"{\n\"a\": /x/ 1}", "a.json:2: not valid JSON\n"},
        {"\n[]", "a.json:2: must be an object\n"},
        {0},
    });
}

static void all_errors_come_at_once_in_the_order_of_the_file(void **unused)
{
    (void)unused;
    assert_wrong("{\n\"log\": {\"level\": \"loud\"},\n\"loog\": 1,\n" REGIONS ",\n"
                 "\"resolver\": {\n\"ttl\": 5,\n\"threads\": 0},\n"
                 "\"endpoints\": {\n\"db\": {\n\"type\": \"database\",\n\"names\": [\"db.test\"],\n"
                 "\"targets\": {\"east\": \"10.0.0.1\"}}}}",
        "a.json:2: log.level: must be \"debug\", \"info\", \"warning\" or \"error\", not \"loud\"\n"
        "a.json:3: loog: unknown key, did you mean \"log\"?\n"
        "a.json:6: resolver.ttl: must be a duration such as \"5s\"\n"
        "a.json:7: resolver.threads: must be at least 1\n"
        "a.json:12: endpoints.db.targets: no target for region \"west\"\n");
}

static void unknown_and_repeated_keys_are_errors(void **unused)
{
    (void)unused;
    assert_all_wrong((const struct wrong[]){
        {WITH("\"colour\": 1"), "a.json:2: colour: unknown key\n"},
        {WITH("\"Log\": {}"), "a.json:2: Log: unknown key, did you mean \"log\"?\n"},
        {RESOLVER("\"upstream\": []"),
            "a.json:2: resolver.upstream: unknown key, did you mean \"upstreams\"?\n"},
        {WITH("\"log\": {},\n\"log\": {}"), "a.json:3: log: given twice\n"},
        {ENDPOINTS(NAME("a", "a.test") ",\n" NAME("a", "b.test")),
            "a.json:3: endpoints.a: given twice\n"},
        {RESOLVER("\"\\u001b[31m\": 1"), "a.json:2: resolver.?[31m: unknown key\n"},
        {0},
    });
}

static void wrong_types_are_errors(void **unused)
{
    (void)unused;
    assert_all_wrong((const struct wrong[]){
        {WITH("\"user\": 1"), "a.json:2: user: must be a string\n"},
        {WITH("\"user\": null"), "a.json:2: user: must be a string\n"},
        {WITH("\"user\": \"\""), "a.json:2: user: must not be empty\n"},
        {WITH("\"log\": []"), "a.json:2: log: must be an object\n"},
        {RESOLVER("\"authoritative\": \"yes\""),
            "a.json:2: resolver.authoritative: must be true or false\n"},
        {RESOLVER("\"threads\": 1.5"), "a.json:2: resolver.threads: must be a whole number\n"},
        {RESOLVER("\"threads\": 65"), "a.json:2: resolver.threads: must be at most 64\n"},
        {RESOLVER("\"upstreams\": \"10.0.0.2\""),
            "a.json:2: resolver.upstreams: must be an array\n"},
        {RESOLVER("\"upstreams\": [\n5]"), "a.json:3: resolver.upstreams[0]: must be a string\n"},
        {RESOLVER("\"listen\": {}"),
            "a.json:2: resolver.listen: must be an address or an array of addresses\n"},
        {WITH("\"gateway\": {\"credentials\": 5}"),
            "a.json:2: gateway.credentials: must be a string or an object\n"},
        {0},
    });
}

static void durations_and_sizes_are_checked(void **unused)
{
    (void)unused;
    assert_all_wrong((const struct wrong[]){
        {RESOLVER("\"max_stale\": \"1 day\""),
            "a.json:2: resolver.max_stale: \"1 day\" is not a duration such as \"500ms\", \"5s\", "
            "\"3m\", \"1h\", \"1d\"\n"},
        {RESOLVER("\"ttl\": \"1500ms\""), "a.json:2: resolver.ttl: must be whole seconds\n"},
        {RESOLVER("\"ttl\": \"2d\""), "a.json:2: resolver.ttl: must be at most 1d\n"},
        {RESOLVER("\"cache_size\": \"16MB\""),
            "a.json:2: resolver.cache_size: \"16MB\" is not a size such as \"512B\", \"16KiB\", "
            "\"64MiB\", \"1GiB\"\n"},
        {RESOLVER("\"cache_size\": \"1B\""),
            "a.json:2: resolver.cache_size: must be at least 16KiB\n"},
        {WITH("\"health\": {\"interval\": \"0s\"}"),
            "a.json:2: health.interval: must be at least 10ms\n"},
        {0},
    });
}

static void addresses_are_checked(void **unused)
{
    (void)unused;
    assert_all_wrong((const struct wrong[]){
        {RESOLVER("\"listen\": \"127.0.0.1\""),
            "a.json:2: resolver.listen: \"127.0.0.1\" has no port\n"},
        {RESOLVER("\"listen\": [\"127.0.0.1:53\",\n\"localhost:53\"]"),
            "a.json:3: resolver.listen[1]: \"localhost:53\" is not an IP address with a port\n"},
        {RESOLVER("\"listen\": \"127.0.0.1:99999\""),
            "a.json:2: resolver.listen: \"127.0.0.1:99999\" has no valid port\n"},
        {RESOLVER("\"upstreams\": [\"tls://9.9.9.9:853\"]"),
            "a.json:2: resolver.upstreams[0]: \"tls://9.9.9.9:853\" lacks \"#NAME\", the name in "
            "its certificate\n"},
        {RESOLVER("\"listen\": \"127.0.0.1:53\", \"upstreams\": [\"127.0.0.1\"]"),
            "a.json:2: resolver.upstreams[0]: that is an address of our own resolver\n"},
        {RESOLVER("\"listen\": \"x\", \"upstreams\": [\"y\"]"),
            "a.json:2: resolver.listen: \"x\" is not an IP address with a port\n"
            "a.json:2: resolver.upstreams[0]: \"y\" is not an IP address\n"},
        {RESOLVER("\"allow\": [\"10.0.0.1/8\"]"),
            "a.json:2: resolver.allow[0]: \"10.0.0.1/8\" has bits set beyond its length\n"},
        {RESOLVER("\"routes\": {\"a.test\": []}"),
            "a.json:2: resolver.routes.a.test: must have at least 1\n"},
        {RESOLVER("\"routes\": {\"*.test\": [\"10.0.0.2\"]}"),
            "a.json:2: resolver.routes.*.test: \"*.test\" has a \"*\" where none can be\n"},
        {RESOLVER("\"routes\": {\"a.test\": [\"10.0.0.2\"], \"A.test.\": [\"10.0.0.2\"]}"),
            "a.json:2: resolver.routes.A.test.: given twice\n"},
        {WITH("\"monitoring\": {\"listen\": \"127.0.0.1:53\"},\n\"resolver\": {\"listen\": "
              "\"127.0.0.1:53\"}"),
            "a.json:2: monitoring.listen: \"resolver\" listens there already\n"},
        {RELAY("\"listen\": [\"127.0.0.54:5432\",\n\"127.0.0.54:5432\"]"),
            "a.json:3: endpoints.db.relay.listen[1]: \"db\" listens there already\n"},
        {0},
    });
}

static void two_regions_or_more_each_once(void **unused)
{
    (void)unused;
    assert_all_wrong((const struct wrong[]){
        {"{\"endpoints\": {}}", "a.json:1: regions: missing\n"},
        {"{" REGIONS "}", "a.json:1: endpoints: missing\n"},
        {"{\n\"regions\": [\"east\"], \"endpoints\": {}}",
            "a.json:2: regions: must have at least 2\n"},
        {"{\n\"regions\": [\"east\",\n\"east\"], \"endpoints\": {}}",
            "a.json:3: regions[1]: region \"east\" is given twice\n"},
        {"{\n\"regions\": [\"east\", \"the west\"], \"endpoints\": {}}",
            "a.json:2: regions[1]: \"the west\" cannot be a name here: 1 to 63 ASCII characters "
            "without spaces\n"},
        {0},
    });
}

static void every_region_has_a_target_and_no_other(void **unused)
{
    (void)unused;
    assert_all_wrong((const struct wrong[]){
        {ENDPOINT(DB "\n\"targets\": {\"east\": \"10.0.0.1\"}"),
            "a.json:3: endpoints.db.targets: no target for region \"west\"\n"},
        {ENDPOINT(DB "\"targets\": {\"east\": \"10.0.0.1\", \"west\": \"10.0.0.2\",\n"
                     "\"wets\": \"10.0.0.3\"}"),
            "a.json:3: endpoints.db.targets.wets: unknown region \"wets\", did you mean "
            "\"west\"?\n"},
        {ENDPOINT(DB "\"targets\": {\"east\": \"10.0.0.256\", \"west\": \"h.test:0\"}"),
            "a.json:2: endpoints.db.targets.east: \"10.0.0.256\" is neither a host nor an IP "
            "address\n"
            "a.json:2: endpoints.db.targets.west: \"h.test:0\" has no valid port\n"},
        {ENDPOINT(DB "\"targets\": {\"east\": \"*.test\", \"west\": \"[::1]:x\"}"),
            "a.json:2: endpoints.db.targets.east: \"*.test\" has a \"*\" where none can be\n"
            "a.json:2: endpoints.db.targets.west: \"[::1]:x\" has no valid port\n"},
        {0},
    });
}

static void every_name_belongs_to_one_endpoint(void **unused)
{
    (void)unused;
    assert_all_wrong((const struct wrong[]){
        {ENDPOINTS(NAME("a", "x.test") ",\n" NAME("b", "X.test.")),
            "a.json:3: endpoints.b.names[0]: \"X.test.\" is a name of endpoint \"a\" already\n"},
        {ENDPOINTS(NAME("a", "*.x.test") ",\n" NAME("b", "*.x.test")),
            "a.json:3: endpoints.b.names[0]: \"*.x.test\" is a name of endpoint \"a\" already\n"},
        {ENDPOINTS(
             "\"a\": {\"type\": \"name\", \"names\": [\"x.test\",\n\"x.test\"], " TARGETS "}"),
            "a.json:3: endpoints.a.names[1]: \"x.test\" is given twice\n"},
        {ENDPOINTS(NAME("a", "a..test")),
            "a.json:2: endpoints.a.names[0]: \"a..test\" is not a domain name\n"},
        {ENDPOINTS(NAME("a", "a b.test")),
            "a.json:2: endpoints.a.names[0]: \"a b.test\" is not a domain name: ASCII without "
            "spaces (others as \"xn--…\")\n"},
        {ENDPOINTS(NAME("a", ".")), "a.json:2: endpoints.a.names[0]: \".\" is not a domain name\n"},
        {ENDPOINTS(NAME("a", "a.*.test")),
            "a.json:2: endpoints.a.names[0]: \"a.*.test\" has a \"*\" where none can be\n"},
        {0},
    });
    /* A wildcard and the name above it are two names. */
    config_unref(read_good(ENDPOINTS(NAME("a", "x.test") "," NAME("b", "*.x.test"))));
}

static void no_target_is_another_endpoints_name(void **unused)
{
    (void)unused;
    assert_all_wrong((const struct wrong[]){
        {ENDPOINTS(NAME(
             "a", "a.test") ", \"b\": {\"type\": \"name\", \"names\": [\"b.test\"],"
                            "\"targets\": {\"east\": \"10.0.0.1\",\n\"west\": \"A.test:80\"}}"),
            "a.json:3: endpoints.b.targets.west: \"A.test:80\" is a name of endpoint \"a\"\n"},
        {ENDPOINTS(
             NAME("a", "*.test") ", \"b\": {\"type\": \"name\", \"names\": [\"b\"],"
                                 "\"targets\": {\"east\": \"10.0.0.1\",\n\"west\": \"x.y.test\"}}"),
            "a.json:3: endpoints.b.targets.west: \"x.y.test\" is a name of endpoint \"a\" (a "
            "wildcard)\n"},
        {0},
    });
    /* Its own name is allowed, also where another's wildcard would have it. */
    config_unref(read_good(ENDPOINTS(NAME(
        "a", "*.test") ", \"b\": {\"type\": \"name\", \"names\": "
                       "[\"b.test\"], \"targets\": {\"east\": \"b.test\", \"west\": \"test\"}}")));
}

static void endpoints_have_what_their_type_needs(void **unused)
{
    (void)unused;
    assert_all_wrong((const struct wrong[]){
        {ENDPOINT(TARGETS ", \"names\": [\"a.test\"]"), "a.json:2: endpoints.db.type: missing\n"},
        {ENDPOINT("\"type\": \"table\""),
            "a.json:2: endpoints.db.type: must be \"database\", \"bucket\" or \"name\", not "
            "\"table\"\n"},
        {ENDPOINT("\"type\": \"name\""), "a.json:2: endpoints.db.names: missing\n"
                                         "a.json:2: endpoints.db.targets: missing\n"},
        {ENDPOINT("\"type\": \"name\", \"names\": [], " TARGETS),
            "a.json:2: endpoints.db.names: must have at least 1\n"},
        {ENDPOINT("\"type\": \"name\", \"names\": [\"a.test\"], " TARGETS
                  ",\n\"relay\": {\"listen\": \"127.0.0.1:1\"}"),
            "a.json:3: endpoints.db.relay: not for an endpoint of type \"name\"\n"},
        {ENDPOINT("\"type\": \"bucket\", \"names\": [\"a.test\"],\n" TARGETS),
            "a.json:2: endpoints.db.buckets: missing\n"
            "a.json:3: endpoints.db.targets: not for an endpoint of type \"bucket\"\n"},
        {ENDPOINT(DB TARGETS ", \"group\": \"a b\""),
            "a.json:2: endpoints.db.group: \"a b\" cannot be a name here: 1 to 63 ASCII characters "
            "without spaces\n"},
        {ENDPOINTS("\"\": 5"),
            "a.json:2: endpoints.: \"\" cannot be a name here: 1 to 63 ASCII characters without "
            "spaces\na.json:2: endpoints.: must be an object\n"},
        {0},
    });
}

static void relays_are_checked(void **unused)
{
    (void)unused;
    assert_all_wrong((const struct wrong[]){
        {RELAY("\"hold\": {}"), "a.json:2: endpoints.db.relay.listen: missing\n"},
        {RELAY("\"listen\": []"), "a.json:2: endpoints.db.relay.listen: must have at least 1\n"},
        {RELAY("\"listen\": \"0.0.0.0:5432\""),
            "a.json:2: endpoints.db.relay.listen: a wildcard needs \"address\": what shall the "
            "names answer?\n"},
        {RELAY("\"listen\": \"0.0.0.0:5432\", \"address\": \"::\""),
            "a.json:2: endpoints.db.relay.address: a wildcard cannot be answered\n"},
        {RELAY("\"listen\": \"127.0.0.1:5432\", \"address\": \"db.test\""),
            "a.json:2: endpoints.db.relay.address: \"db.test\" is not an IP address\n"},
        {RELAY("\"listen\": \"127.0.0.1:5432\", \"on_switch\": \"drain\""),
            "a.json:2: endpoints.db.relay.on_switch: must be \"close\" or \"drain DURATION\" such "
            "as \"drain 30s\"\n"},
        {RELAY("\"listen\": \"127.0.0.1:5432\", \"on_switch\": \"drain 0s\""),
            "a.json:2: endpoints.db.relay.on_switch: must drain for more than nothing and at most "
            "1d\n"},
        {RELAY("\"listen\": [\"127.0.0.1:1\", \"127.0.0.1:2\"]"),
            "a.json:2: endpoints.db.relay: which port of \"10.0.0.1\"? The relay listens on "
            "several\n"
            "a.json:2: endpoints.db.relay: which port of \"10.0.0.2\"? The relay listens on "
            "several\n"},
        {RELAY("\"listen\": \"127.0.0.1:1\", \"probe\": {\"user\": \"x\"}"),
            "a.json:2: endpoints.db.relay.probe.type: missing\n"},
        {0},
    });
}

#define LED_BACK(east, west, listen)                                                               \
    ENDPOINT(DB "\"targets\": {\"east\": \"" east "\",\n\"west\": \"" west "\"}, "                 \
                "\"relay\": {" listen "}")

static void a_target_is_not_where_we_listen_ourselves(void **unused)
{
    (void)unused;
    assert_all_wrong((const struct wrong[]){
        {LED_BACK(
             "127.0.0.54:5432", "[::1]:5432", "\"listen\": [\"[::1]:5432\", \"127.0.0.54:5432\"]"),
            "a.json:2: endpoints.db.targets.east: \"127.0.0.54:5432\" is an address of our own: "
            "\"db\" listens there\n"
            "a.json:3: endpoints.db.targets.west: \"[::1]:5432\" is an address of our own: "
            "\"db\" listens there\n"},
        {LED_BACK("10.0.0.1:5432", "127.0.0.54", "\"listen\": \"127.0.0.54:5432\""),
            "a.json:3: endpoints.db.targets.west: \"127.0.0.54\" is an address of our own: "
            "\"db\" listens there\n"},
        {LED_BACK("10.0.0.1:5432", "127.3.2.1:5432",
             "\"listen\": \"0.0.0.0:5432\", \"address\": \"10.0.0.9\""),
            "a.json:3: endpoints.db.targets.west: \"127.3.2.1:5432\" is an address of our own: "
            "\"db\" listens there\n"},
        {0},
    });
    assert_wrong("{" REGIONS ", \"resolver\": {\"listen\": \"127.0.0.1:53\"},\n"
                 "\"monitoring\": {\"listen\": \"127.0.0.1:9353\"}, \"endpoints\": {\n"
                 "\"db\": {" DB TARGETS ", \"relay\": {\"listen\": \"127.0.0.54:5432\"}},\n"
                 "\"a\": {\"type\": \"name\", \"names\": [\"a.test\"], \"targets\": {"
                 "\"east\": \"127.0.0.54:5432\",\n\"west\": \"127.0.0.1:53\"}},\n"
                 "\"b\": {\"type\": \"name\", \"names\": [\"b.test\"], \"targets\": {"
                 "\"east\": \"127.0.0.1:9353\", \"west\": \"127.0.0.54:5433\"}}}}",
        "a.json:4: endpoints.a.targets.east: \"127.0.0.54:5432\" is an address of our own: "
        "\"db\" listens there\n"
        "a.json:5: endpoints.a.targets.west: \"127.0.0.1:53\" is an address of our own: "
        "\"resolver\" listens there\n"
        "a.json:6: endpoints.b.targets.east: \"127.0.0.1:9353\" is an address of our own: "
        "\"monitoring\" listens there\n");
}

#define BUCKETS(east, west)                                                                        \
    "\"type\": \"bucket\", \"buckets\": {\"east\": \"" east "\",\n\"west\": \"" west "\"}"

static void buckets_follow_the_rules_of_s3(void **unused)
{
    (void)unused;
    assert_all_wrong((const struct wrong[]){
        {ENDPOINT("\"type\": \"bucket\", \"buckets\": {\"east\": \"shop\"}"),
            "a.json:2: endpoints.db.buckets: no bucket for region \"west\"\n"},
        {ENDPOINT(BUCKETS("Shop", "ab")),
            "a.json:2: endpoints.db.buckets.east: \"Shop\" is not a bucket name: lower-case "
            "letters, digits, dots and hyphens\n"
            "a.json:3: endpoints.db.buckets.west: \"ab\" is not 3 to 63 characters long\n"},
        {ENDPOINT(BUCKETS("-shop", "a..b")),
            "a.json:2: endpoints.db.buckets.east: \"-shop\" is not a bucket name: a letter or "
            "digit at both ends, no two dots in a row\n"
            "a.json:3: endpoints.db.buckets.west: \"a..b\" is not a bucket name: a letter or digit "
            "at both ends, no two dots in a row\n"},
        {ENDPOINT(BUCKETS("192.168.5.4", "xn--shop")),
            "a.json:2: endpoints.db.buckets.east: \"192.168.5.4\" is a form that S3 reserves\n"
            "a.json:3: endpoints.db.buckets.west: \"xn--shop\" is a form that S3 reserves\n"},
        {ENDPOINTS("\"a\": {" BUCKETS("shop", "shop-w") "},\n\"b\": {" BUCKETS("b-e", "shop") "}"),
            "a.json:5: endpoints.b.buckets.west: \"shop\" is a bucket of endpoint \"a\" already\n"},
        {0},
    });
}

static void sections_for_later_are_checked_too(void **unused)
{
    (void)unused;
    assert_all_wrong((const struct wrong[]){
        {WITH("\"state\": {\"etcd\": {}}"),
            "a.json:2: state.etcd: not supported by this version\n"},
        {WITH("\"state\": {\"file\": \"state.json\"}"),
            "a.json:2: state.file: \"state.json\" is not an absolute path\n"},
        {WITH("\"control\": {\"socket\": \"/2345678901234567890123456789012345678901234567890123456"
              "78901234567890123456789012345678901234567890123456789\"}"),
            "a.json:2: control.socket: must be at most 107 bytes long\n"},
        {WITH("\"gateway\": {\"listen\": [{\"tls\": true}]}"),
            "a.json:2: gateway.listen[0].address: missing\n"},
        {WITH("\"gateway\": {\"s3_endpoints\": {\"north\": \"http://a\"}}"),
            "a.json:2: gateway.s3_endpoints.north: unknown region \"north\"\n"},
        {WITH("\"gateway\": {\"s3_endpoints\": {\"east\": \"ftp://a\"}}"),
            "a.json:2: gateway.s3_endpoints.east: \"ftp://a\" is not a URL such as "
            "\"https://HOST:PORT\"\n"},
        {WITH("\"gateway\": {\"clients\": [{\"access_key_id\": \"A\"}]}"),
            "a.json:2: gateway.clients[0].secret_access_key_file: missing\n"},
        {WITH("\"aws\": {\"endpoint_url\": 5}"), "a.json:2: aws.endpoint_url: must be a string\n"},
        {0},
    });
}

static void a_flood_of_errors_is_cut(void **unused)
{
    (void)unused;
    static char text[60000] = "{\"regions\": [\"a\", \"b\"], \"endpoints\": {}";
    struct config *config;
    struct config_errors errors;
    size_t used = strlen(text);
    for (int i = 0; i < 1200; i++)
        used += (size_t)snprintf(text + used, sizeof text - used, ",\n\"colour-%d\": 1", i);
    snprintf(text + used, sizeof text - used, "}");
    assert_int_equal(config_parse("a.json", text, strlen(text), &config, &errors), -22);
    assert_int_equal(errors.count, 1001);
    assert_string_equal(errors.lines[999], "a.json:1001: colour-999: unknown key");
    assert_string_equal(errors.lines[1000], "a.json: and 200 more errors");
    config_errors_fini(&errors);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(broken_syntax_is_named_with_its_line),
        cmocka_unit_test(all_errors_come_at_once_in_the_order_of_the_file),
        cmocka_unit_test(unknown_and_repeated_keys_are_errors),
        cmocka_unit_test(wrong_types_are_errors),
        cmocka_unit_test(durations_and_sizes_are_checked),
        cmocka_unit_test(addresses_are_checked),
        cmocka_unit_test(two_regions_or_more_each_once),
        cmocka_unit_test(every_region_has_a_target_and_no_other),
        cmocka_unit_test(every_name_belongs_to_one_endpoint),
        cmocka_unit_test(no_target_is_another_endpoints_name),
        cmocka_unit_test(endpoints_have_what_their_type_needs),
        cmocka_unit_test(relays_are_checked),
        cmocka_unit_test(a_target_is_not_where_we_listen_ourselves),
        cmocka_unit_test(buckets_follow_the_rules_of_s3),
        cmocka_unit_test(sections_for_later_are_checked_too),
        cmocka_unit_test(a_flood_of_errors_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
