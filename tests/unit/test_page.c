#include "failover/page.h"

#include "base/json.h"
#include "tests/unit/unit.h"

#include <stdlib.h>
#include <string.h>

static char *render(const char *text)
{
    cJSON *status = NULL;
    struct failure why;
    assert_int_equal(json_parse(text, strlen(text), &status, NULL, &why), 0);
    size_t size;
    char *page = page_render(status, &size);
    assert_int_equal(size, strlen(page));
    cJSON_Delete(status);
    return page;
}

static void the_page_shows_groups_endpoints_and_transitions(void **unused)
{
    (void)unused;
    char *page = render(
        "{\"host\":\"web-1\",\"version\":\"0.1.0\",\"undecided\":{\"web\":\"nobody knows\"},"
        "\"groups\":{\"data\":{\"active\":\"eu-west-1\",\"status\":\"open\"},"
        "            \"web\":{\"active\":null,\"status\":\"undecided\"}},"
        "\"endpoints\":{\"db\":{\"names\":[\"db.internal\"],\"active\":\"eu-west-1\","
        "  \"status\":\"open\",\"targets\":{\"eu-west-1\":{\"target\":\"t:1\",\"health\":\"down\","
        "  \"detail\":\"refused\"}},"
        "  \"relay\":{\"open\":3,\"connecting\":0,\"held\":2,\"behind\":1,"
        "   \"waiting_for\":\"in <recovery>\"}}},"
        "\"state\":{\"epoch\":12,\"transition\":{\"phase\":\"fenced\",\"to\":\"us-west-2\","
        "  \"kind\":\"failover\",\"by\":\"alice\",\"reason\":\"fire\","
        "  \"started\":{\"wall\":\"2026-11-23T07:00:00.000Z\"}},"
        " \"history\":[{\"result\":\"aborted\",\"to\":\"us-west-2\"}]}}");
    static const char *const shown[] = {"pilotlight on web-1", "epoch 12", "nobody knows",
        "<span class=\"undecided\">", "db.internal", "t:1 <span class=\"down\">down</span>",
        "refused", "<span class=\"fenced\">fenced</span>", "alice", "fire",
        "2026-11-23T07:00:00.000Z", "aborted", "3 open, 0 connecting, 2 held, 1 behind",
        "in &lt;recovery&gt;"};
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        if (!strstr(page, shown[i]))
            fail_msg("\"%s\" is not on the page", shown[i]);
    }
    free(page);
}

static void markup_in_a_reason_stays_text(void **unused)
{
    (void)unused;
    char *page = render("{\"host\":\"<b>\",\"state\":{\"history\":[{\"by\":\"\\\"'&\","
                        "\"reason\":\"</td><script>alert(1)</script>\"}]},"
                        "\"groups\":{\"<i>\":{\"status\":\"\\\"onload=\\\"\"}}}");
    assert_null(strstr(page, "<script"));
    assert_null(strstr(page, "<i>"));
    assert_null(strstr(page, "\"onload"));
    assert_non_null(strstr(page, "on &lt;b&gt;"));
    assert_non_null(strstr(page, "&quot;&#39;&amp;"));
    free(page);
}

static void the_page_loads_nothing_from_elsewhere(void **unused)
{
    (void)unused;
    char *page = render("{}");
    assert_null(strstr(page, "http://"));
    assert_null(strstr(page, "https://"));
    assert_null(strstr(page, "src="));
    assert_null(strstr(page, "href="));
    free(page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_shows_groups_endpoints_and_transitions),
        cmocka_unit_test(markup_in_a_reason_stays_text),
        cmocka_unit_test(the_page_loads_nothing_from_elsewhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
