#include "proxy/gateway/regional_id.h"
#include "tests/unit/map_scene.h"

#define EU_HOST "shop-eu.s3.eu-west-1.amazonaws.com"
#define US_HOST "shop-us.s3.us-west-2.amazonaws.com"

static struct map_scene scene;

static int setup(void **unused)
{
    (void)unused;
    scene_open(&scene, BUCKET_CONFIG);
    return 0;
}

static int setup_stores(void **unused)
{
    (void)unused;
    scene_open(&scene, STORE_CONFIG);
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    scene_close(&scene);
    return 0;
}

static void passes(const char *method, const char *host, const char *target)
{
    scene_good(&scene, method, host, target);
    assert_false(scene.map.needs_rename);
    assert_string_equal(scene.map.host, host);
    assert_string_equal(scene.map.target.data, target);
}

static void becomes(
    const char *method, const char *host, const char *target, const char *to, const char *to_target)
{
    scene_good(&scene, method, host, target);
    assert_true(scene.map.needs_rename);
    assert_string_equal(scene.map.host, to);
    assert_string_equal(scene.map.target.data, to_target);
    assert_span(scene_sent(&scene, "Host")->value, to);
}

static void refused(const char *host, const char *target, enum s3_error_code code)
{
    assert_true(scene_ask(&scene, "PUT", host, target) < 0);
    assert_int_equal(scene.error.code, code);
}

static void what_the_active_region_would_take_passes_as_it_is(void **unused)
{
    (void)unused;
    passes("GET", EU_HOST, "/a/../b//%2F?versionId=1&");
    assert_string_equal(scene.map.dial, EU_HOST);
    assert_int_equal(scene.map.port, 443);
    assert_true(scene.map.tls);
    assert_false(scene.map.maps_answer);
    passes("GET", "shop-eu.s3.dualstack.eu-west-1.amazonaws.com", "/k");
    passes("GET", "shop-eu.s3-eu-west-1.amazonaws.com:443", "/k");
    assert_string_equal(scene.map.dial, "shop-eu.s3-eu-west-1.amazonaws.com");
    passes("GET", "shop-eu.s3.amazonaws.com", "/k?");
    passes("GET", "s3.eu-west-1.amazonaws.com", "/shop-eu/k");
    scene_activate(&scene, US);
    passes("GET", US_HOST, "/k?&&a");
}

static void after_a_switch_bucket_host_and_region_are_the_active_ones(void **unused)
{
    (void)unused;
    scene_activate(&scene, US);
    becomes("GET", EU_HOST, "/shop-eu/a//%2f?x=shop-eu", US_HOST, "/shop-eu/a//%2f?x=shop-eu");
    assert_int_equal(scene.map.region, US);
    assert_string_equal(scene.map.dial, US_HOST);
    assert_true(scene.map.maps_answer);
    becomes("PUT", "s3.eu-west-1.amazonaws.com", "/shop-eu/shop-eu/k", US_HOST, "/shop-eu/k");
    becomes("GET", "s3.eu-west-1.amazonaws.com", "/shop-eu?list-type=2", US_HOST, "/?list-type=2");
    becomes("GET", "shop-eu.s3.amazonaws.com", "/", US_HOST, "/");
    becomes("GET", "shop-eu.s3.dualstack.eu-west-1.amazonaws.com", "/k",
        "shop-us.s3.dualstack.us-west-2.amazonaws.com", "/k");
}

static void a_name_of_the_other_region_means_the_same_endpoint(void **unused)
{
    (void)unused;
    becomes("GET", US_HOST, "/k", EU_HOST, "/k");
    becomes("GET", "shop-eu.s3.us-west-2.amazonaws.com", "/k", EU_HOST, "/k");
    scene_activate(&scene, US);
    becomes("GET", "shop-us.s3.eu-west-1.amazonaws.com", "/k", US_HOST, "/k");
}

static void our_address_and_custom_names_are_always_signed_anew(void **unused)
{
    (void)unused;
    becomes("GET", "127.0.0.80", "/shop-eu/k", EU_HOST, "/k");
    becomes("GET", "127.0.0.80", "/shop-eu", EU_HOST, "/");
    becomes("GET", "assets.internal", "/k", EU_HOST, "/k");
    becomes("GET", "127.0.0.80", "/other/k", "s3.eu-west-1.amazonaws.com", "/other/k");
    assert_false(scene.map.maps_answer);
}

static void who_signs_for_another_region_is_signed_anew(void **unused)
{
    (void)unused;
    scene.signed_region = "us-west-2";
    becomes("GET", EU_HOST, "/k", EU_HOST, "/k");
    scene.signed_region = "eu-west-1";
    passes("GET", EU_HOST, "/k");
    scene.signed_region = "us-east-1";
    passes("GET", "shop-eu.s3.amazonaws.com", "/k");
}

static void a_dotted_bucket_is_in_the_path_where_no_certificate_fits_its_host(void **unused)
{
    (void)unused;
    passes("GET", "shop.logs.eu.s3.eu-west-1.amazonaws.com", "/k");
    assert_string_equal(scene.map.dial, "s3.eu-west-1.amazonaws.com");
    scene_activate(&scene, US);
    becomes("GET", "shop.logs.eu.s3.eu-west-1.amazonaws.com", "/k", "s3.us-west-2.amazonaws.com",
        "/shop.logs.us/k");
    becomes("GET", "shop.logs.eu.s3.eu-west-1.amazonaws.com", "/", "s3.us-west-2.amazonaws.com",
        "/shop.logs.us");
}

static void unmapped_buckets_pass_to_the_regions_own_host_after_a_switch_too(void **unused)
{
    (void)unused;
    scene_activate(&scene, US);
    passes("GET", "s3.eu-west-1.amazonaws.com", "/other/k?uploadId=x");
    assert_string_equal(scene.map.dial, "s3.eu-west-1.amazonaws.com");
    assert_false(scene.map.maps_answer);
}

static void a_store_is_dialled_where_it_is_in_its_own_style(void **unused)
{
    (void)unused;
    becomes("GET", EU_HOST, "/k?a", "127.0.0.1:7070", "/shop-eu/k?a");
    assert_string_equal(scene.map.dial, "127.0.0.1");
    assert_int_equal(scene.map.port, 7070);
    assert_false(scene.map.tls);
    passes("GET", "127.0.0.1:7070", "/shop-eu/k");
    scene_activate(&scene, US);
    becomes("GET", "127.0.0.1:7070", "/shop-eu/k", "shop-us.s3.us.test:9000", "/k");
    assert_string_equal(scene.map.dial, "s3.us.test");
    assert_int_equal(scene.map.port, 9000);
    assert_true(scene.map.tls);
    passes("GET", "shop-us.s3.us.test:9000", "/k");
    becomes("GET", "s3.us-west-2.amazonaws.com", "/shop-us/k", "shop-us.s3.us.test:9000", "/k");
}

static void unmapped_buckets_reach_a_store_under_the_host_that_was_signed(void **unused)
{
    (void)unused;
    passes("GET", "s3.eu-west-1.amazonaws.com", "/other/k");
    assert_string_equal(scene.map.dial, "127.0.0.1");
    assert_int_equal(scene.map.port, 7070);
}

static void where_no_region_is_known_to_be_active_it_is_503(void **unused)
{
    (void)unused;
    scene_activate(&scene, CONFIG_NONE);
    refused(EU_HOST, "/k", S3_SLOW_DOWN);
    passes("GET", "s3.eu-west-1.amazonaws.com", "/other/k");
}

static void a_list_of_buckets_is_asked_of_a_region_that_still_serves_one(void **unused)
{
    (void)unused;
    passes("GET", "s3.eu-west-1.amazonaws.com", "/");
    assert_true(scene.map.maps_answer);
    scene.endpoints[0].region = US; /* the logs are still there */
    passes("GET", "s3.eu-west-1.amazonaws.com", "/");
    scene_activate(&scene, US);
    becomes("GET", "s3.eu-west-1.amazonaws.com", "/", "s3.us-west-2.amazonaws.com", "/");
    becomes("GET", "127.0.0.80", "/", "s3.us-west-2.amazonaws.com", "/");
}

static void what_presigned_the_old_request_is_left_out(void **unused)
{
    (void)unused;
    static const char presigned[] =
        "/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&x-id=GetObject&X-Amz-Credential=A%2F20260101%2F&"
        "X-Amz-Date=1&X-Amz-Expires=60&X-Amz-SignedHeaders=host&versionId=a%2Bb&"
        "X-Amz-Security-Token=t&X-Amz-Signature=00";
    passes("GET", EU_HOST, presigned);
    scene_activate(&scene, US);
    becomes("GET", EU_HOST, presigned, US_HOST, "/k?x-id=GetObject&versionId=a%2Bb");
    becomes("GET", EU_HOST, "/k?X-Amz-Signature=00", US_HOST, "/k");
    becomes("GET", EU_HOST, "/k?X-Amz-Date=1", US_HOST, "/k?X-Amz-Date=1"); /* not presigned */
}

/* The mark of a region, as an answer that is mapped gives it out (regional_id.h). */
static void ids_of_another_region_are_refused(void **unused)
{
    (void)unused;
    scene_activate(&scene, US);
    refused(EU_HOST, "/k?uploadId=abc&partNumber=1", S3_NO_SUCH_UPLOAD);
    refused(EU_HOST, "/?list-type=2&continuation-token=abc%3D", S3_INVALID_ARGUMENT);
    refused(EU_HOST, "/?uploads&upload-id-marker=abc", S3_INVALID_ARGUMENT);
    refused(EU_HOST, "/k?uploadId=~00000000~abc", S3_NO_SUCH_UPLOAD);
    scene_activate(&scene, EU);
    passes("PUT", EU_HOST, "/k?uploadId=abc&partNumber=1"); /* back again, it is worth something */
    refused(US_HOST, "/k?uploadId=abc", S3_NO_SUCH_UPLOAD);
}

static void a_marked_id_goes_to_its_own_region_without_the_mark(void **unused)
{
    struct text mark = {0}, target = {0};
    (void)unused;
    regional_id_mark(scene.config, US, &mark);
    scene_activate(&scene, US);
    text_format(&target, "/k?partNumber=1&uploadId=%sa%%2Bb", mark.data);
    becomes("PUT", EU_HOST, target.data, US_HOST, "/k?partNumber=1&uploadId=a%2Bb");
    becomes("PUT", US_HOST, target.data, US_HOST, "/k?partNumber=1&uploadId=a%2Bb");
    text_fini(&target);
    text_format(&target, "/k?uploadId=%%7E%.8s%%7eab", mark.data + 1);
    becomes("PUT", EU_HOST, target.data, US_HOST, "/k?uploadId=ab");
    scene_activate(&scene, EU);
    refused(EU_HOST, target.data, S3_NO_SUCH_UPLOAD);
    text_fini(&target);
    text_fini(&mark);
}

static void a_body_that_names_buckets_is_looked_at_when_one_has_moved(void **unused)
{
    (void)unused;
    passes("PUT", EU_HOST, "/?logging");
    assert_false(scene.map.rewrites_body);
    scene.endpoints[1].region = US;
    becomes("PUT", EU_HOST, "/?logging", EU_HOST, "/?logging");
    assert_true(scene.map.rewrites_body);
    passes("PUT", EU_HOST, "/?acl");
    scene_activate(&scene, US);
    becomes("PUT", EU_HOST, "/", US_HOST, "/");
    assert_true(scene.map.rewrites_body);
    becomes("PUT", EU_HOST, "/k", US_HOST, "/k");
    assert_false(scene.map.rewrites_body);
}

#define TEST(sentence) cmocka_unit_test_setup_teardown(sentence, setup, teardown)
#define STORE_TEST(sentence) cmocka_unit_test_setup_teardown(sentence, setup_stores, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_the_active_region_would_take_passes_as_it_is),
        TEST(after_a_switch_bucket_host_and_region_are_the_active_ones),
        TEST(a_name_of_the_other_region_means_the_same_endpoint),
        TEST(our_address_and_custom_names_are_always_signed_anew),
        TEST(who_signs_for_another_region_is_signed_anew),
        TEST(a_dotted_bucket_is_in_the_path_where_no_certificate_fits_its_host),
        TEST(unmapped_buckets_pass_to_the_regions_own_host_after_a_switch_too),
        STORE_TEST(a_store_is_dialled_where_it_is_in_its_own_style),
        STORE_TEST(unmapped_buckets_reach_a_store_under_the_host_that_was_signed),
        TEST(where_no_region_is_known_to_be_active_it_is_503),
        TEST(a_list_of_buckets_is_asked_of_a_region_that_still_serves_one),
        TEST(what_presigned_the_old_request_is_left_out),
        TEST(ids_of_another_region_are_refused),
        TEST(a_marked_id_goes_to_its_own_region_without_the_mark),
        TEST(a_body_that_names_buckets_is_looked_at_when_one_has_moved),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
