/* Which host names are the gateway's, at the handshake and in its CA: the same. */
#include "proxy/gateway/managed.h"

#include "tests/unit/unit.h"

#include <string.h>

static struct config *config_of(const char *path_style)
{
    struct config_errors errors = {0};
    struct config *config;
    char text[1024];
    snprintf(text, sizeof text,
        "{\"regions\": [\"eu-west-1\", \"us-west-2\"], \"endpoints\": {"
        "\"assets\": {\"type\": \"bucket\", \"path_style\": %s,"
        " \"names\": [\"assets.shop.internal\", \"*.cdn.shop.internal\"],"
        " \"buckets\": {\"eu-west-1\": \"shop-eu\", \"us-west-2\": \"shop-us\"}},"
        "\"search\": {\"type\": \"name\", \"names\": [\"search.shop.internal\"],"
        " \"targets\": {\"eu-west-1\": \"a.test\", \"us-west-2\": \"b.test\"}}}}",
        path_style);
    int status = config_parse("managed.json", text, strlen(text), &config, &errors);
    for (size_t i = 0; i < errors.count; i++)
        print_error("%s\n", errors.lines[i]);
    config_errors_fini(&errors);
    assert_int_equal(status, 0);
    return config;
}

static void a_buckets_names_are_managed_and_no_others(void **unused)
{
    (void)unused;
    struct config *config = config_of("false");
    assert_true(managed_host(config, "shop-eu.s3.eu-west-1.amazonaws.com"));
    assert_true(managed_host(config, "shop-us.s3.eu-west-1.amazonaws.com"));
    assert_true(managed_host(config, "shop-us.s3.dualstack.us-west-2.amazonaws.com"));
    assert_true(managed_host(config, "shop-us.s3.amazonaws.com"));
    assert_true(managed_host(config, "assets.shop.internal"));
    assert_true(managed_host(config, "a.cdn.shop.internal"));
    assert_false(managed_host(config, "cdn.shop.internal"));
    assert_false(managed_host(config, "other.s3.eu-west-1.amazonaws.com"));
    assert_false(managed_host(config, "shop-eu.s3.eu-north-1.amazonaws.com"));
    assert_false(managed_host(config, "s3.eu-west-1.amazonaws.com"));
    assert_false(managed_host(config, "search.shop.internal"));
    assert_false(managed_host(config, "127.0.0.80"));
    config_unref(config);
}

static void a_regions_own_host_is_managed_with_path_style(void **unused)
{
    (void)unused;
    struct config *config = config_of("true");
    assert_true(managed_host(config, "s3.eu-west-1.amazonaws.com"));
    assert_false(managed_host(config, "s3.eu-north-1.amazonaws.com"));
    config_unref(config);
}

static void the_ca_vouches_for_each_of_them_once(void **unused)
{
    (void)unused;
    struct config *config = config_of("true");
    struct ca_names names = managed_names_new(config);
    /* Two buckets in 3 forms of 2 regions and the global one, 6 hosts of regions, 2 own names. */
    assert_int_equal(names.count, 2 * 7 + 6 + 2);
    for (size_t i = 0; i < names.count; i++) {
        assert_true(ca_is_host(names.list[i]));
        assert_true(i == 0 || strcmp(names.list[i - 1], names.list[i]) < 0);
        if (strcmp(names.list[i], "cdn.shop.internal") != 0)
            assert_true(managed_host(config, names.list[i]));
    }
    managed_names_free(&names);
    config_unref(config);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buckets_names_are_managed_and_no_others),
        cmocka_unit_test(a_regions_own_host_is_managed_with_path_style),
        cmocka_unit_test(the_ca_vouches_for_each_of_them_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
