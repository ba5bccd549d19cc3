#include "config/bucket_names.h"
#include "tests/unit/config_texts.h"

#include <stdlib.h>

#define REGIONS_OF_AWS "\"regions\": [\"eu-west-1\", \"cn-north-1\"]"
#define BUCKET(id, eu, cn, more)                                                                   \
    "\"" id "\": {\"type\": \"bucket\",\n\"buckets\": {\"eu-west-1\": \"" eu "\",\n"               \
    "\"cn-north-1\": \"" cn "\"}" more "}"
#define SHOP(text) "{" REGIONS_OF_AWS ", \"endpoints\": {" text "}}"

static bool leads_to(const struct config *config, size_t endpoint, const char *text)
{
    struct name name;
    assert_true(name_from_text(text, &name));
    for (size_t i = 0; i < config->endpoints[endpoint].host_count; i++) {
        if (name_equal(&config->endpoints[endpoint].hosts[i].name, &name))
            return true;
    }
    return false;
}

static void every_standard_host_name_of_each_bucket_is_derived(void **unused)
{
    (void)unused;
    static const char *const names[] = {"shop-eu.s3.eu-west-1.amazonaws.com",
        "shop-eu.s3-eu-west-1.amazonaws.com", "shop-eu.s3.dualstack.eu-west-1.amazonaws.com",
        "shop-eu.s3.amazonaws.com", "shop-eu.s3.cn-north-1.amazonaws.com.cn",
        "a.shop.cn.s3.cn-north-1.amazonaws.com.cn", "a.shop.cn.s3-cn-north-1.amazonaws.com.cn",
        "a.shop.cn.s3.dualstack.cn-north-1.amazonaws.com.cn", "a.shop.cn.s3.amazonaws.com.cn",
        "a.shop.cn.s3.eu-west-1.amazonaws.com"};
    struct config *config = read_good(SHOP(BUCKET("shop", "shop-eu", "a.shop.cn", "")));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_true(leads_to(config, 0, names[i]));
    assert_int_equal(config->endpoints[0].host_count, 14);
    assert_false(leads_to(config, 0, "s3.eu-west-1.amazonaws.com"));
    config_unref(config);
}

static void path_style_takes_the_regions_own_hosts_and_no_others(void **unused)
{
    (void)unused;
    static const char *const names[] = {"s3.eu-west-1.amazonaws.com", "s3-eu-west-1.amazonaws.com",
        "s3.dualstack.eu-west-1.amazonaws.com", "s3.cn-north-1.amazonaws.com.cn",
        "s3-cn-north-1.amazonaws.com.cn", "s3.dualstack.cn-north-1.amazonaws.com.cn"};
    struct config *config =
        read_good(SHOP(BUCKET("shop", "shop-eu", "shop-cn", ", \"path_style\": true")));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_true(leads_to(config, 0, names[i]));
    assert_int_equal(config->endpoints[0].host_count, 20);
    assert_false(leads_to(config, 0, "s3.amazonaws.com"));
    assert_false(leads_to(config, 0, "s3.us-west-2.amazonaws.com"));
    config_unref(config);
}

static void each_derived_name_is_recognised_as_what_it_is(void **unused)
{
    (void)unused;
    struct config *config =
        read_good(SHOP(BUCKET("shop", "s3.eu", "a.s3-x", ", \"path_style\": true")));
    for (int form = BUCKET_HOST_REGIONAL; form <= BUCKET_HOST_GLOBAL; form++) {
        for (size_t region = 0; region < 2; region++) {
            char text[BUCKET_HOST_SIZE];
            struct bucket_host host;
            const char *bucket = config->endpoints[0].buckets[region];
            bucket_host_print(config, form, region, span_of_text(bucket), text);
            assert_true(bucket_host_parse(config, span_of_text(text), &host));
            assert_int_equal(host.form, form);
            assert_true(host.region == (form == BUCKET_HOST_GLOBAL ? CONFIG_NONE : region));
            assert_int_equal(host.bucket.size, strlen(bucket));
            assert_memory_equal(host.bucket.data, bucket, strlen(bucket));
        }
    }
    config_unref(config);
}

static void what_only_looks_like_an_s3_host_is_none(void **unused)
{
    (void)unused;
    static const char *const names[] = {"", "com", "amazonaws.com", "s3.amazonaws.com",
        ".s3.eu-west-1.amazonaws.com", "shop.s3.us-west-2.amazonaws.com",
        "shops3.eu-west-1.amazonaws.com", "shop.s3.eu-west-1.amazonaws.com.cn",
        "shop.s3.eu-west-1.amazonaws.com.evil.test", "shop.s3.cn-north-1.amazonaws.com",
        "shop.s3-accelerate.amazonaws.com", "shop.s3.eu-west-1.amazonaws.org"};
    struct config *config = read_good(SHOP(BUCKET("shop", "shop", "shop-cn", "")));
    struct bucket_host host;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_false(bucket_host_parse(config, span_of_text(names[i]), &host));
    config_unref(config);
}

static void buckets_are_found_by_their_exact_names(void **unused)
{
    (void)unused;
    struct config *config = read_good(
        SHOP(BUCKET("shop", "shop-eu", "shop-cn", "") "," BUCKET("log", "log", "b.c", "")));
    const struct config_bucket *bucket = bucket_names_find(config, span_of_text("b.c"));
    assert_int_equal(bucket->endpoint, 1);
    assert_int_equal(bucket->region, 1);
    assert_int_equal(bucket_names_find(config, span_of_text("shop-eu"))->endpoint, 0);
    assert_null(bucket_names_find(config, span_of_text("Shop-eu")));
    assert_null(bucket_names_find(config, span_of_text("shop-e")));
    assert_null(bucket_names_find(config, span_of_text("")));
    config_unref(config);
}

static void a_name_means_one_endpoint(void **unused)
{
    (void)unused;
    assert_all_wrong((const struct wrong[]){
        {"{" REGIONS ", \"endpoints\": {" NAME("web",
             "shop-w.s3.east.amazonaws.com") ",\n"
                                             "\"shop\": {\"type\": \"bucket\",\n\"buckets\": "
                                             "{\"east\": \"shop\",\n"
                                             "\"west\": \"shop-w\"}}}}",
            "a.json:4: endpoints.shop.buckets.west: \"shop-w.s3.east.amazonaws.com\" is a name of "
            "endpoint \"web\" already\n"},
        {"{" REGIONS ", \"endpoints\": {\n\"shop\": {\"type\": \"bucket\",\n\"buckets\": "
         "{\"east\": \"shop\", \"west\": \"shop-w\"},\n\"path_style\": true},\n" NAME(
             "web", "S3.west.amazonaws.com") "}}",
            "a.json:5: endpoints.web.names[0]: \"S3.west.amazonaws.com\" is a name of endpoint "
            "\"shop\" already\n"},
        {"{" REGIONS ", \"endpoints\": {\n\"shop\": {\"type\": \"bucket\",\n\"buckets\": "
         "{\"east\": \"shop\", \"west\": \"shop-w\"}},\n"
         "\"web\": {\"type\": \"name\", \"names\": [\"web.test\"], \"targets\": {\"east\": "
         "\"shop.s3.amazonaws.com\",\n\"west\": \"web.s3.amazonaws.com\"}}}}",
            "a.json:4: endpoints.web.targets.east: \"shop.s3.amazonaws.com\" is a name of endpoint "
            "\"shop\"\n"},
        {0},
    });
}

static void a_bucket_is_one_regions(void **unused)
{
    (void)unused;
    assert_wrong(SHOP(BUCKET("shop", "shop", "shop", "")),
        "a.json:3: endpoints.shop.buckets.cn-north-1: \"shop\" is the bucket of region "
        "\"eu-west-1\" already\n");
    /* Where both regions have stores of their own, each may have that bucket. */
    struct config *config =
        read_good("{" REGIONS_OF_AWS ", \"endpoints\": {" BUCKET("shop", "shop", "shop",
            "") "},"
                "\"gateway\": {\"s3_endpoints\": {\"eu-west-1\": \"http://127.0.0.1:7070\", "
                "\"cn-north-1\": {\"url\": \"https://S3.Store.test/\", \"style\": \"virtual\"}}}}");
    assert_int_equal(config->endpoints[0].host_count, 7);
    config_unref(config);
}

static void an_endpoint_may_spell_out_what_would_be_derived(void **unused)
{
    (void)unused;
    struct config *config = read_good(SHOP(BUCKET("a", "a-eu", "a-cn",
        ", \"path_style\": true, \"names\": [\"a-eu.s3.amazonaws.com\"]") "," BUCKET("b", "b-eu",
        "b-cn", ", \"path_style\": true")));
    assert_int_equal(config->endpoints[0].name_count, 1);
    config_unref(config);
}

#define STORES(eu, cn)                                                                             \
    "{" REGIONS_OF_AWS ", \"endpoints\": {},\n\"gateway\": {\"s3_endpoints\": {\"eu-west-1\": " eu \
    ",\n\"cn-north-1\": " cn "}}}"

static void a_store_of_ones_own_is_host_port_and_style(void **unused)
{
    (void)unused;
    struct config *config = read_good(STORES(
        "\"http://[::1]\"", "{\"url\": \"https://S3.Store.test:9000/\", \"style\": \"virtual\"}"));
    const struct config_s3_endpoint *stores = config->gateway.s3_endpoints;
    assert_string_equal(stores[0].host, "[::1]");
    assert_int_equal(stores[0].port, 80);
    assert_false(stores[0].tls || stores[0].is_virtual);
    assert_string_equal(stores[1].host, "s3.store.test");
    assert_int_equal(stores[1].port, 9000);
    assert_true(stores[1].tls && stores[1].is_virtual);
    config_unref(config);
    assert_all_wrong((const struct wrong[]){
        {STORES("\"http://a.test/s3\"", "\"http://me@a.test\""),
            "a.json:2: gateway.s3_endpoints.eu-west-1: \"http://a.test/s3\" has more than a "
            "scheme, a host and a port\n"
            "a.json:3: gateway.s3_endpoints.cn-north-1: \"http://me@a.test\" has more than a "
            "scheme, a host and a port\n"},
        {STORES("\"http://a.test:99999\"", "{\"url\": \"http://[::1\"}"),
            "a.json:2: gateway.s3_endpoints.eu-west-1: \"http://a.test:99999\" has no valid host "
            "or port\n"
            "a.json:3: gateway.s3_endpoints.cn-north-1.url: \"http://[::1\" has no valid host or "
            "port\n"},
        {0},
    });
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_standard_host_name_of_each_bucket_is_derived),
        cmocka_unit_test(path_style_takes_the_regions_own_hosts_and_no_others),
        cmocka_unit_test(each_derived_name_is_recognised_as_what_it_is),
        cmocka_unit_test(what_only_looks_like_an_s3_host_is_none),
        cmocka_unit_test(buckets_are_found_by_their_exact_names),
        cmocka_unit_test(a_name_means_one_endpoint),
        cmocka_unit_test(a_bucket_is_one_regions),
        cmocka_unit_test(an_endpoint_may_spell_out_what_would_be_derived),
        cmocka_unit_test(a_store_of_ones_own_is_host_port_and_style),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
