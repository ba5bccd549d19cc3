#include "base/url.h"

#include "tests/unit/unit.h"

#include <errno.h>

static void check(const char *text, const char *host, const char *authority, const char *path)
{
    struct url url;
    assert_int_equal(url_split(text, &url), 0);
    assert_string_equal(url.host, host);
    assert_string_equal(url.authority, authority);
    assert_string_equal(url.path, path);
    url_fini(&url);
}

static void a_url_has_host_authority_and_path(void **unused)
{
    (void)unused;
    check("https://STS.eu-west-1.amazonaws.com", "sts.eu-west-1.amazonaws.com",
        "STS.eu-west-1.amazonaws.com", "/");
    check("http://127.0.0.1:8080/a//b/../c?d", "127.0.0.1", "127.0.0.1:8080", "/a//b/../c");
    check("http://a:80/", "a", "a", "/");
    check("http://[fd00:ec2::23]/v1", "fd00:ec2::23", "[fd00:ec2::23]", "/v1");
}

static void what_is_no_web_address_is_refused(void **unused)
{
    (void)unused;
    static const char *const texts[] = {"", "/a", "a.example", "file:///etc/passwd", "ftp://a/",
        "http://user@a/", "http://", "http://a b/"};
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct url url;
        assert_int_equal(url_split(texts[i], &url), -EINVAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_url_has_host_authority_and_path),
        cmocka_unit_test(what_is_no_web_address_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
