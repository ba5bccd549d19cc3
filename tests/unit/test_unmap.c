#include "proxy/gateway/unmap.h"
#include "tests/unit/map_scene.h"

#define EU_HOST "shop-eu.s3.eu-west-1.amazonaws.com"

static struct map_scene scene;
static struct unmap answer;
static struct http_header headers[8];
static size_t header_count;

static int setup(void **unused)
{
    (void)unused;
    scene_open(&scene, BUCKET_CONFIG);
    scene_activate(&scene, US);
    header_count = 0;
    return 0;
}

static int teardown(void **unused)
{
    (void)unused;
    unmap_fini(&answer);
    answer = (struct unmap){0};
    scene_close(&scene);
    return 0;
}

static void says(const char *name, const char *value)
{
    headers[header_count++] = (struct http_header){span_of_text(name), span_of_text(value)};
}

static int unmap(unsigned status)
{
    unmap_fini(&answer);
    return unmap_answer(&scene.map, status, headers, header_count, &answer, &scene.error);
}

static const char *seen(const char *name)
{
    static char text[512];
    for (size_t i = 0; i < answer.header_count; i++) {
        struct span value = answer.headers[i].value;
        snprintf(text, sizeof text, "%.*s", (int)value.size, (const char *)value.data);
        if (spans_is_nocase(answer.headers[i].name, name))
            return text;
    }
    return NULL;
}

static void location_becomes(const char *from, const char *to)
{
    header_count = 0;
    says("Location", from);
    assert_int_equal(unmap(200), 0);
    assert_string_equal(seen("location"), to);
}

static void headers_speak_of_the_applications_bucket_and_region(void **unused)
{
    (void)unused;
    scene_good(&scene, "HEAD", EU_HOST, "/");
    says("X-Amz-Bucket-Region", "us-west-2");
    says("x-amz-bucket-arn", "arn:aws:s3:::shop-us");
    says("ETag", "\"shop-us\"");
    says("x-amz-bucket-region", "us-west-2"); /* none has two */
    assert_int_equal(unmap(200), 0);
    assert_string_equal(seen("x-amz-bucket-region"), "eu-west-1");
    assert_string_equal(seen("x-amz-bucket-arn"), "arn:aws:s3:::shop-eu");
    assert_string_equal(seen("etag"), "\"shop-us\"");
    assert_int_equal(answer.header_count, 3);
}

static void a_location_is_where_the_application_asked(void **unused)
{
    (void)unused;
    scene_good(&scene, "POST", EU_HOST, "/k");
    location_becomes("https://shop-us.s3.us-west-2.amazonaws.com/shop-us/a%20b",
        "http://" EU_HOST "/shop-us/a%20b");
    location_becomes(
        "https://s3.us-west-2.amazonaws.com/shop-us/shop-us", "http://" EU_HOST "/shop-us");
    location_becomes("/shop-us", "/shop-eu");
    location_becomes("/shop-us/k", "/shop-eu/k");
    location_becomes("https://other.test/shop-usual/k", "https://other.test/shop-usual/k");
    location_becomes("/shop-usual", "/shop-usual");
    location_becomes("shop-us", "shop-us");
    scene_good(&scene, "POST", "127.0.0.80:8080", "/shop-eu/k");
    location_becomes(
        "https://shop-us.s3.us-west-2.amazonaws.com/k", "http://127.0.0.80:8080/shop-eu/k");
    scene_good(&scene, "POST", "assets.internal", "/k");
    scene.route.is_tls = true;
    location_becomes("http://shop-us.s3.us-west-2.amazonaws.com/k", "https://assets.internal/k");
}

static void redirects_of_s3_are_never_passed_on(void **unused)
{
    static const unsigned redirects[] = {301, 302, 307, 308};
    (void)unused;
    for (size_t region = EU; region <= US; region++) {
        scene_activate(&scene, region);
        scene_good(&scene, "GET", EU_HOST, "/k");
        for (size_t i = 0; i < sizeof redirects / sizeof *redirects; i++) {
            assert_true(unmap(redirects[i]) < 0);
            assert_int_equal(s3_error_status(scene.error.code), 503);
        }
        assert_int_equal(unmap(304), 0);
    }
}

static void a_forms_own_page_gets_the_applications_bucket(void **unused)
{
    (void)unused;
    scene_good(&scene, "POST", EU_HOST, "/");
    says("Location", "https://shop.test/thanks?a=shop-us&bucket=shop-us&key=shop-us%2Fk");
    assert_int_equal(unmap(303), 0);
    assert_string_equal(
        seen("location"), "https://shop.test/thanks?a=shop-us&bucket=shop-eu&key=shop-us%2Fk");
}

static void what_passes_as_it_is_comes_back_as_it_is(void **unused)
{
    (void)unused;
    scene_activate(&scene, EU);
    scene_good(&scene, "GET", EU_HOST, "/?location");
    says("Location", "/shop-us");
    says("Content-Length", "5");
    says("content-type", "application/xml");
    assert_int_equal(unmap(200), 0);
    assert_false(answer.maps_body);
    assert_string_equal(seen("location"), "/shop-us");
    assert_string_equal(seen("content-length"), "5");
}

static void bodies_are_looked_at_when_they_are_s3s_own_xml(void **unused)
{
    static const struct {
        const char *method, *target, *type;
        unsigned status;
        bool maps;
    } rows[] = {
        {"GET", "/?list-type=2", "application/xml", 200, true},
        {"GET", "/?list-type=2", NULL, 200, true},
        {"GET", "/k", "application/xml", 200, false},
        {"GET", "/k", "text/xml", 206, false},
        {"GET", "/k", "application/xml", 404, true},
        {"GET", "/k", "text/html", 503, false},
        {"GET", "/?policy", "application/json", 200, false},
        {"HEAD", "/k", "application/xml", 404, false},
        {"PUT", "/k", "application/xml", 200, true},
        {"POST", "/k?select&select-type=2", "application/octet-stream", 200, false},
        {"DELETE", "/k", NULL, 204, false},
        {"GET", "/?acl", "Application/XML; charset=utf-8", 200, true},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        scene_good(&scene, rows[i].method, EU_HOST, rows[i].target);
        header_count = 0;
        says("Content-Length", "100");
        if (rows[i].type)
            says("Content-Type", rows[i].type);
        assert_int_equal(unmap(rows[i].status), 0);
        if (answer.maps_body != rows[i].maps)
            print_error("%s %s %u\n", rows[i].method, rows[i].target, rows[i].status);
        assert_int_equal(answer.maps_body, rows[i].maps);
        assert_true(!seen("content-length") == answer.maps_body);
    }
}

#define TEST(sentence) cmocka_unit_test_setup_teardown(sentence, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(headers_speak_of_the_applications_bucket_and_region),
        TEST(a_location_is_where_the_application_asked),
        TEST(redirects_of_s3_are_never_passed_on),
        TEST(a_forms_own_page_gets_the_applications_bucket),
        TEST(what_passes_as_it_is_comes_back_as_it_is),
        TEST(bodies_are_looked_at_when_they_are_s3s_own_xml),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
