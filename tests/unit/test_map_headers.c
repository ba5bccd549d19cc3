/* Which headers go on, and what those become that name a bucket. */
#include "tests/unit/map_scene.h"

#define EU_HOST "shop-eu.s3.eu-west-1.amazonaws.com"

static struct map_scene scene;

static int setup(void **unused)
{
    (void)unused;
    scene_open(&scene, BUCKET_CONFIG);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    scene_close(&scene);
    return 0;
}

static void source_becomes(const char *from, const char *to)
{
    scene.header_count = 0;
    scene_header(&scene, "X-Amz-Copy-Source", from);
    scene_good(&scene, "PUT", EU_HOST, "/k");
    assert_span(scene_sent(&scene, "x-amz-copy-source")->value, to);
}

static void a_copy_source_is_renamed_in_every_form(void **unused)
{
    (void)unused;
    scene_activate(&scene, US);
    source_becomes("shop-eu/k", "shop-us/k");
    source_becomes("/shop-eu/a%20b?versionId=x/shop-eu", "/shop-us/a%20b?versionId=x/shop-eu");
    source_becomes("/shop-us/k", "/shop-us/k");
    source_becomes("%2Fshop-eu%2Fshop-eu%2fk", "%2Fshop-us%2Fshop-eu%2fk");
    source_becomes("shop%2Deu/k", "shop-us/k");
    source_becomes("shop.logs.eu/k", "shop.logs.us/k");
    source_becomes("shop-eu", "shop-us");
}

static void a_copy_source_that_is_not_mapped_keeps_its_name(void **unused)
{
    static const char *const sources[] = {"other/shop-eu", "", "/", "//shop-eu/k", "%zz/k",
        "arn:aws:s3:eu-west-1:1:accesspoint/shop-eu/object/k", "Shop-eu/k", "shop-eu%00/k"};
    (void)unused;
    scene_activate(&scene, US);
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++)
        source_becomes(sources[i], sources[i]);
}

static void a_copy_from_an_endpoint_that_has_moved_is_enough_to_sign_anew(void **unused)
{
    (void)unused;
    scene.endpoints[1].region = US;
    scene_header(&scene, "X-Amz-Copy-Source", "shop-eu/k");
    scene_good(&scene, "PUT", EU_HOST, "/k");
    assert_false(scene.map.needs_rename);
    source_becomes("shop.logs.eu/k", "shop.logs.us/k");
    assert_true(scene.map.needs_rename);
    assert_string_equal(scene.map.host, EU_HOST);
    scene_good(&scene, "PUT", "s3.eu-west-1.amazonaws.com", "/other/k");
    assert_true(scene.map.needs_rename);
    assert_string_equal(scene.map.target.data, "/other/k");
}

static void a_copy_from_an_undecided_endpoint_is_503(void **unused)
{
    (void)unused;
    scene.endpoints[1].region = CONFIG_NONE;
    scene_header(&scene, "x-amz-copy-source", "shop.logs.eu/k");
    assert_true(scene_ask(&scene, "PUT", EU_HOST, "/k") < 0);
    assert_int_equal(scene.error.code, S3_SLOW_DOWN);
}

static void a_presigned_copy_source_is_in_the_query(void **unused)
{
    (void)unused;
    scene_activate(&scene, US);
    scene_good(&scene, "PUT", EU_HOST,
        "/k?X-Amz-Signature=0&X-Amz-Copy-Source=%2Fshop-eu%2Fa%2520b&x-id=CopyObject");
    assert_string_equal(
        scene.map.target.data, "/k?X-Amz-Copy-Source=%2Fshop-us%2Fa%2520b&x-id=CopyObject");
    scene_activate(&scene, EU);
    scene.endpoints[1].region = US;
    scene_good(&scene, "PUT", EU_HOST, "/k?x-amz-copy-source=shop.logs.eu/k");
    assert_true(scene.map.needs_rename);
    assert_string_equal(scene.map.target.data, "/k?x-amz-copy-source=shop.logs.us/k");
}

static void a_connection_header_that_is_too_long_is_refused(void **unused)
{
    char value[2000] = "";
    (void)unused;
    memset(value, ',', 1024);
    scene_header(&scene, "Connection", value);
    scene_good(&scene, "PUT", EU_HOST, "/k");
    value[1024] = ',';
    scene.header_count = 0;
    scene_header(&scene, "Connection", value);
    assert_true(scene_ask(&scene, "PUT", EU_HOST, "/k") < 0);
    assert_int_equal(scene.error.code, S3_INVALID_REQUEST);
}

static void two_copy_sources_are_refused(void **unused)
{
    (void)unused;
    scene_activate(&scene, US);
    scene_header(&scene, "x-amz-copy-source", "shop-eu/k");
    scene_header(&scene, "X-Amz-Copy-Source", "shop-eu/l");
    assert_true(scene_ask(&scene, "PUT", EU_HOST, "/k") < 0);
    assert_int_equal(scene.error.code, S3_INVALID_REQUEST);
}

static void a_rename_source_is_mapped_only_where_it_names_a_bucket(void **unused)
{
    (void)unused;
    scene_activate(&scene, US);
    scene_header(&scene, "x-amz-rename-source", "/shop-eu/k");
    scene_good(&scene, "PUT", EU_HOST, "/k");
    assert_span(scene_sent(&scene, "x-amz-rename-source")->value, "/shop-us/k");
    scene.header_count = 0;
    scene_header(&scene, "x-amz-rename-source", "shop-eu/k"); /* a key */
    scene_good(&scene, "PUT", EU_HOST, "/k");
    assert_span(scene_sent(&scene, "x-amz-rename-source")->value, "shop-eu/k");
}

static void what_is_for_one_connection_is_cut_off(void **unused)
{
    static const char *const gone[] = {"Connection", "Keep-Alive", "TE", "Upgrade",
        "Transfer-Encoding", "Proxy-Connection", "X-Hop", "Content-Length"};
    (void)unused;
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        scene_header(&scene, gone[i], i == 0 ? "keep-alive, \tx-hop ,," : "1");
    scene_activate(&scene, US);
    scene_header(&scene, "Expect", "100-continue");
    scene_header(&scene, "X-Stays", "x-hop");
    scene.signed_headers = "host;x-stays";
    scene_good(&scene, "PUT", EU_HOST, "/k");
    for (size_t i = 0; i < sizeof gone / sizeof *gone; i++)
        assert_null(scene_sent(&scene, gone[i]));
    assert_span(scene_sent(&scene, "expect")->value, "100-continue");
    assert_non_null(scene_sent(&scene, "x-stays"));
    assert_int_equal(scene.map.header_count, 3);
}

static void a_signed_header_that_connection_lists_is_refused(void **unused)
{
    (void)unused;
    scene_activate(&scene, US);
    scene_header(&scene, "Connection", "X-Amz-Meta-A");
    scene_header(&scene, "x-amz-meta-a", "1");
    scene.signed_headers = "host;x-amz-meta-a";
    assert_true(scene_ask(&scene, "PUT", EU_HOST, "/k") < 0);
    assert_int_equal(scene.error.code, S3_INVALID_REQUEST);
    scene.signed_headers = "host;x-amz-meta-ab";
    scene_good(&scene, "PUT", EU_HOST, "/k");
    assert_null(scene_sent(&scene, "x-amz-meta-a"));
}

static void what_authorised_the_old_request_goes_on_only_with_it(void **unused)
{
    static const char *const names[] = {
        "Authorization", "X-Amz-Date", "X-Amz-Security-Token", "Accept-Encoding"};
    (void)unused;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        scene_header(&scene, names[i], "1");
    scene_header(&scene, "x-amz-content-sha256", "UNSIGNED-PAYLOAD");
    scene_good(&scene, "GET", EU_HOST, "/k");
    assert_false(scene.map.needs_rename); /* it goes on as it is */
    assert_int_equal(scene.map.header_count, 0);
    scene_activate(&scene, US);
    scene_good(&scene, "GET", EU_HOST, "/k");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_null(scene_sent(&scene, names[i]));
    assert_span(scene_sent(&scene, "x-amz-content-sha256")->value, "UNSIGNED-PAYLOAD");
}

static void a_body_that_is_rewritten_has_no_digests_of_the_old_one(void **unused)
{
    static const char *const names[] = {"Content-MD5", "x-amz-content-sha256",
        "x-amz-checksum-crc32", "x-amz-checksum-new", "x-amz-sdk-checksum-algorithm",
        "x-amz-trailer", "x-amz-decoded-content-length", "content-encoding"};
    (void)unused;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        scene_header(&scene, names[i], "1");
    scene_header(&scene, "content-type", "application/xml");
    scene_activate(&scene, US);
    scene_good(&scene, "PUT", EU_HOST, "/?replication");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_null(scene_sent(&scene, names[i]));
    assert_non_null(scene_sent(&scene, "content-type"));
    scene_good(&scene, "PUT", EU_HOST, "/k");
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        assert_non_null(scene_sent(&scene, names[i]));
}

#define TEST(sentence) cmocka_unit_test_setup_teardown(sentence, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_copy_source_is_renamed_in_every_form),
        TEST(a_copy_source_that_is_not_mapped_keeps_its_name),
        TEST(a_copy_from_an_endpoint_that_has_moved_is_enough_to_sign_anew),
        TEST(a_copy_from_an_undecided_endpoint_is_503),
        TEST(a_presigned_copy_source_is_in_the_query),
        TEST(a_connection_header_that_is_too_long_is_refused),
        TEST(two_copy_sources_are_refused),
        TEST(a_rename_source_is_mapped_only_where_it_names_a_bucket),
        TEST(what_is_for_one_connection_is_cut_off),
        TEST(a_signed_header_that_connection_lists_is_refused),
        TEST(what_authorised_the_old_request_goes_on_only_with_it),
        TEST(a_body_that_is_rewritten_has_no_digests_of_the_old_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
