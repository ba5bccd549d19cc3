#include "proxy/gateway/route.h"
#include "tests/unit/bucket_scene.h"

static struct config *config;
static struct route route;
static struct s3_error error;

static int setup(void **unused)
{
    (void)unused;
    config = read_good(BUCKET_CONFIG);
    return 0;
}

static int setup_stores(void **unused)
{
    (void)unused;
    config = read_good(STORE_CONFIG);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    config_unref(config);
    return 0;
}

static struct route_inputs request(const char *method, const char *host, const char *target)
{
    return (struct route_inputs){.config = config,
        .method = span_of_text(method),
        .host = span_of_text(host),
        .target = span_of_text(target)};
}

static void finds(const char *method, const char *host, const char *target)
{
    struct route_inputs inputs = request(method, host, target);
    int status = route_find(&inputs, &route, &error);
    if (status < 0)
        print_error("%s %s: %s\n", host, target, s3_error_message(&error));
    assert_int_equal(status, 0);
}

static void refuses(const char *host, const char *target, enum s3_error_code code)
{
    struct route_inputs inputs = request("GET", host, target);
    int status = route_find(&inputs, &route, &error);
    if (status == 0 || error.code != code)
        print_error("%s %s: %s\n", host, target, status ? s3_error_text(error.code) : "found");
    assert_true(status < 0);
    assert_int_equal(error.code, code);
}

static void means(enum route_style style, const char *endpoint, size_t region, const char *bucket,
    const char *key_path)
{
    assert_int_equal(route.style, style);
    assert_non_null(route.endpoint);
    assert_string_equal(route.endpoint->id, endpoint);
    assert_ptr_equal(route.endpoint, &config->endpoints[route.endpoint_index]);
    assert_int_equal(route.region, region);
    assert_span(route.bucket, bucket);
    assert_span(route.key_path, key_path);
}

static void each_host_name_of_aws_means_its_bucket_and_that_buckets_region(void **unused)
{
    static const struct {
        const char *host;
        size_t region, host_region;
    } rows[] = {
        {"shop-eu.s3.eu-west-1.amazonaws.com", EU, EU},
        {"shop-us.s3.us-west-2.amazonaws.com", US, US},
        {"shop-us.s3.eu-west-1.amazonaws.com", US, EU},
        {"shop-eu.s3-eu-west-1.amazonaws.com", EU, EU},
        {"shop-eu.s3.dualstack.eu-west-1.amazonaws.com", EU, EU},
        {"shop-us.s3.amazonaws.com", US, CONFIG_NONE},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        finds("GET", rows[i].host, "/a/b?versionId=1");
        means(ROUTE_VIRTUAL, "assets", rows[i].region, rows[i].region == EU ? "shop-eu" : "shop-us",
            "/a/b");
        assert_true(route.host_region == rows[i].host_region);
        assert_string_equal(route.host, rows[i].host);
    }
    finds("GET", "shop.logs.us.s3.us-west-2.amazonaws.com", "/k");
    means(ROUTE_VIRTUAL, "logs", US, "shop.logs.us", "/k");
}

static void letter_case_port_and_final_dot_make_no_difference(void **unused)
{
    (void)unused;
    finds("GET", "Shop-EU.S3.eu-west-1.AmazonAWS.com.:443", "/k");
    means(ROUTE_VIRTUAL, "assets", EU, "shop-eu", "/k");
    assert_string_equal(route.host, "shop-eu.s3.eu-west-1.amazonaws.com:443");
    assert_int_equal(route.name_size, strlen("shop-eu.s3.eu-west-1.amazonaws.com"));
}

static void a_regions_own_host_has_the_bucket_in_the_path(void **unused)
{
    (void)unused;
    finds("GET", "s3.us-west-2.amazonaws.com", "/shop-eu/a//b");
    means(ROUTE_PATH, "assets", EU, "shop-eu", "/a//b");
    assert_int_equal(route.host_region, US);
    finds("GET", "s3-eu-west-1.amazonaws.com", "/shop-eu");
    means(ROUTE_PATH, "assets", EU, "shop-eu", "");
    finds("GET", "s3.dualstack.eu-west-1.amazonaws.com", "/shop-eu/?list-type=2");
    means(ROUTE_PATH, "assets", EU, "shop-eu", "/");
    finds("GET", "s3.eu-west-1.amazonaws.com", "/shop%2deu/k");
    means(ROUTE_PATH, "assets", EU, "shop%2deu", "/k"); /* S3 would decode it too */
}

static void an_unmapped_bucket_on_a_regions_own_host_is_nobodys_and_goes_there(void **unused)
{
    (void)unused;
    finds("GET", "s3.us-west-2.amazonaws.com", "/other/k");
    assert_int_equal(route.style, ROUTE_PATH);
    assert_null(route.endpoint);
    assert_int_equal(route.region, US);
    assert_span(route.bucket, "other");
    finds("GET", "s3.us-west-2.amazonaws.com", "/Shop-eu/k"); /* S3 tells letter cases apart */
    assert_null(route.endpoint);
    finds("GET", "s3.us-west-2.amazonaws.com", "/");
    assert_int_equal(route.operation, ROUTE_LIST_BUCKETS);
}

static void the_gateways_own_address_has_the_bucket_in_the_path(void **unused)
{
    (void)unused;
    finds("PUT", "127.0.0.80", "/shop-us/k");
    means(ROUTE_ADDRESS, "assets", US, "shop-us", "/k");
    finds("PUT", "127.0.0.80:8080", "/shop.logs.eu/k");
    means(ROUTE_ADDRESS, "logs", EU, "shop.logs.eu", "/k");
    finds("PUT", "[::1]:8080", "/shop-us/k");
    means(ROUTE_ADDRESS, "assets", US, "shop-us", "/k");
    refuses("127.0.0.81", "/shop-us/k", S3_ACCESS_DENIED);
    refuses("[::2]", "/shop-us/k", S3_ACCESS_DENIED);
}

static void an_unmapped_bucket_at_our_address_is_of_the_region_that_was_signed_for(void **unused)
{
    (void)unused;
    struct route_inputs inputs = request("GET", "127.0.0.80", "/other/k");
    inputs.signed_region = span_of_text("us-west-2");
    assert_int_equal(route_find(&inputs, &route, &error), 0);
    assert_null(route.endpoint);
    assert_int_equal(route.region, US);
    finds("GET", "127.0.0.80", "/other/k");
    assert_int_equal(route.region, EU);
}

static void a_custom_name_means_the_bucket_of_the_home_region(void **unused)
{
    (void)unused;
    finds("GET", "Assets.internal:80", "/shop-us/k");
    means(ROUTE_CUSTOM, "assets", EU, "shop-eu", "/shop-us/k"); /* that is a key */
    finds("GET", "a.b.files.internal", "/k");
    means(ROUTE_CUSTOM, "assets", EU, "shop-eu", "/k");
    refuses("files.internal", "/k", S3_ACCESS_DENIED);
}

static void any_other_host_is_403(void **unused)
{
    static const char *const hosts[] = {"example.com", "s3.amazonaws.com", "localhost",
        "other.s3.eu-west-1.amazonaws.com", "s3.ap-south-1.amazonaws.com", "169.254.169.254",
        "shop-eu.s3.ap-south-1.amazonaws.com", "xassets.internal", "0x7f000050", "2130706512",
        "shop-eu.s3.eu-west-1.amazonaws.com.example.com", "shop-eu.s3-accelerate.amazonaws.com"};
    (void)unused;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        refuses(hosts[i], "/shop-eu/k", S3_ACCESS_DENIED);
}

static void a_host_that_is_none_is_400(void **unused)
{
    static const char *const hosts[] = {"", ":80", "a b", "a:b", "a:0", "a:65536", "a:123456",
        "a:", "user@a", "[::1", "[::1]x", "a/b", "a\x80", "a%2e", "127.0.0.80,127.0.0.80"};
    char longest[400];
    (void)unused;
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        refuses(hosts[i], "/shop-eu/k", S3_INVALID_REQUEST);
    memset(longest, 'a', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    refuses(longest, "/k", S3_INVALID_REQUEST);
}

static void a_host_that_is_not_the_handshakes_is_421(void **unused)
{
    (void)unused;
    struct route_inputs inputs = request("GET", "shop-us.s3.us-west-2.amazonaws.com:443", "/k");
    inputs.sni = span_of_text("Shop-US.s3.us-west-2.amazonaws.com.");
    assert_int_equal(route_find(&inputs, &route, &error), 0);
    inputs.sni = span_of_text("shop-eu.s3.eu-west-1.amazonaws.com");
    assert_true(route_find(&inputs, &route, &error) < 0);
    assert_int_equal(error.code, S3_MISDIRECTED_REQUEST);
    assert_int_equal(s3_error_status(error.code), 421);
}

static void raw_bytes_are_kept(void **unused)
{
    (void)unused;
    finds("GET", "shop-eu.s3.eu-west-1.amazonaws.com", "/../a/./%2F//b+c%20\xc3\xa9?x=%zz&y");
    assert_span(route.key_path, "/../a/./%2F//b+c%20\xc3\xa9");
    assert_span(route.query, "x=%zz&y");
    assert_true(route.has_query);
    finds("GET", "shop-eu.s3.eu-west-1.amazonaws.com", "/a?");
    assert_true(route.has_query);
    assert_int_equal(route.query.size, 0);
}

static void an_absolute_target_must_name_the_host(void **unused)
{
    (void)unused;
    finds("GET", "127.0.0.80:80", "HTTP://127.0.0.80:80/shop-eu/k?a");
    means(ROUTE_ADDRESS, "assets", EU, "shop-eu", "/k");
    assert_span(route.query, "a");
    finds("GET", "assets.internal", "http://assets.internal?list-type=2");
    means(ROUTE_CUSTOM, "assets", EU, "shop-eu", "/");
    refuses("127.0.0.80", "http://127.0.0.80:80/shop-eu/k", S3_INVALID_REQUEST);
    refuses("127.0.0.80", "http://assets.internal/k", S3_INVALID_REQUEST);
    refuses("127.0.0.80", "http://me@127.0.0.80/shop-eu/k", S3_INVALID_REQUEST);
}

static void a_target_that_is_none_is_400(void **unused)
{
    static const char *const targets[] = {"", "*", "shop-eu/k", "ftp://127.0.0.80/shop-eu/k",
        "127.0.0.80:443", "/a b", "/a#b", "/a\tb", "/a\x7f", "//shop-eu/k", "/./shop-eu",
        "/../shop-eu", "/%2e%2e/shop-eu", "/shop-eu%2Fk", "/shop%-eu/k", "/shop-eu%"};
    (void)unused;
    for (size_t i = 0; i < sizeof targets / sizeof *targets; i++)
        refuses("127.0.0.80", targets[i], S3_INVALID_URI);
}

static void the_operation_is_read_from_method_and_query(void **unused)
{
    static const struct {
        const char *method, *target;
        enum route_operation operation;
    } rows[] = {
        {"GET", "/", ROUTE_LIST_BUCKETS},
        {"GET", "/?prefix=a", ROUTE_LIST_BUCKETS},
        {"PUT", "/", ROUTE_OTHER},
        {"PUT", "/shop-eu", ROUTE_CREATE_BUCKET},
        {"PUT", "/shop-eu/", ROUTE_CREATE_BUCKET},
        {"PUT", "/shop-eu?versioning", ROUTE_OTHER},
        {"PUT", "/shop-eu?logging", ROUTE_NAMES},
        {"PUT", "/shop-eu?%6Cogging=", ROUTE_NAMES},
        {"PUT", "/shop-eu/?replication", ROUTE_NAMES},
        {"PUT", "/shop-eu?id=1&inventory", ROUTE_NAMES},
        {"PUT", "/shop-eu?analytics&id=1", ROUTE_NAMES},
        {"POST", "/shop-eu/k?restore", ROUTE_NAMES},
        {"GET", "/shop-eu?logging", ROUTE_OTHER},
        {"GET", "/shop-eu?policy", ROUTE_OPAQUE},
        {"GET", "/shop-eu/k?torrent", ROUTE_OPAQUE},
        {"POST", "/shop-eu/k?select&select-type=2", ROUTE_OPAQUE},
        {"GET", "/shop-eu?list-type=2", ROUTE_OTHER},
        {"GET", "/shop-eu", ROUTE_OTHER},
        {"GET", "/shop-eu/k", ROUTE_OBJECT},
        {"HEAD", "/shop-eu/k?versionId=1&x-id=HeadObject", ROUTE_OBJECT},
        {"GET", "/shop-eu/k?uploadId=1", ROUTE_OTHER},
        {"GET", "/shop-eu/k?acl", ROUTE_OTHER},
        {"POST", "/shop-eu", ROUTE_POST_FORM},
        {"POST", "/shop-eu?delete", ROUTE_OTHER},
        {"PUT", "/shop-eu/k", ROUTE_OTHER},
        {"DELETE", "/shop-eu/k", ROUTE_OTHER},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        finds(rows[i].method, "127.0.0.80", rows[i].target);
        if (route.operation != rows[i].operation)
            print_error("%s %s: %d\n", rows[i].method, rows[i].target, route.operation);
        assert_int_equal(route.operation, rows[i].operation);
        assert_int_equal(route.is_head, rows[i].method[0] == 'H');
    }
}

static void a_presigned_query_is_seen(void **unused)
{
    (void)unused;
    finds("GET", "127.0.0.80", "/shop-eu/k?X-Amz-Algorithm=A&X-Amz-Signature=00");
    assert_true(route.is_presigned);
    finds("GET", "127.0.0.80", "/shop-eu/X-Amz-Signature=00?a=X-Amz-Signature");
    assert_false(route.is_presigned);
}

static void a_stores_own_host_counts_with_its_port(void **unused)
{
    (void)unused;
    finds("GET", "127.0.0.1:7070", "/shop-us/k");
    means(ROUTE_PATH, "assets", US, "shop-us", "/k");
    assert_true(route.is_store);
    assert_int_equal(route.host_region, EU);
    finds("GET", "127.0.0.1:7070", "/other/k");
    assert_null(route.endpoint);
    finds("GET", "shop-us.s3.us.test:9000", "/k");
    means(ROUTE_VIRTUAL, "assets", US, "shop-us", "/k");
    refuses("127.0.0.1", "/shop-us/k", S3_ACCESS_DENIED);
    refuses("s3.us.test", "/shop-us/k", S3_ACCESS_DENIED);
    refuses("other.s3.us.test:9000", "/k", S3_ACCESS_DENIED);
    refuses("xs3.us.test:9000", "/k", S3_ACCESS_DENIED);
    refuses("shop-us-s3.us.test:9000", "/k", S3_ACCESS_DENIED);
    refuses(".s3.us.test:9000", "/k", S3_ACCESS_DENIED);
}

static void of_a_name_that_two_regions_share_host_or_signature_say_which(void **unused)
{
    (void)unused;
    finds("GET", "same.s3.us-west-2.amazonaws.com", "/k");
    assert_int_equal(route.region, US);
    finds("GET", "same.s3.amazonaws.com", "/k");
    assert_int_equal(route.region, EU);
    struct route_inputs inputs = request("GET", "127.0.0.80", "/same/k");
    inputs.signed_region = span_of_text("us-west-2");
    assert_int_equal(route_find(&inputs, &route, &error), 0);
    assert_int_equal(route.region, US);
}

#define TEST(sentence) cmocka_unit_test_setup_teardown(sentence, setup, teardown)
#define STORE_TEST(sentence) cmocka_unit_test_setup_teardown(sentence, setup_stores, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_host_name_of_aws_means_its_bucket_and_that_buckets_region),
        TEST(letter_case_port_and_final_dot_make_no_difference),
        TEST(a_regions_own_host_has_the_bucket_in_the_path),
        TEST(an_unmapped_bucket_on_a_regions_own_host_is_nobodys_and_goes_there),
        TEST(the_gateways_own_address_has_the_bucket_in_the_path),
        TEST(an_unmapped_bucket_at_our_address_is_of_the_region_that_was_signed_for),
        TEST(a_custom_name_means_the_bucket_of_the_home_region),
        TEST(any_other_host_is_403),
        TEST(a_host_that_is_none_is_400),
        TEST(a_host_that_is_not_the_handshakes_is_421),
        TEST(raw_bytes_are_kept),
        TEST(an_absolute_target_must_name_the_host),
        TEST(a_target_that_is_none_is_400),
        TEST(the_operation_is_read_from_method_and_query),
        TEST(a_presigned_query_is_seen),
        STORE_TEST(a_stores_own_host_counts_with_its_port),
        STORE_TEST(of_a_name_that_two_regions_share_host_or_signature_say_which),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
