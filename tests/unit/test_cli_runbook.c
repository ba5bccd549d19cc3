/* plan's table and readopt's lines, as the sidecar's words become them. */
#include "programs/cli_runbook.h"
#include "tests/unit/unit.h"

#include "base/json.h"

#include <stdlib.h>
#include <string.h>

static cJSON *parse(const char *text)
{
    cJSON *json = NULL;
    assert_int_equal(json_parse(text, strlen(text), &json, NULL, NULL), 0);
    return json;
}

static char *plan_text(const char *text)
{
    char *out = NULL;
    size_t size = 0;
    struct page page = {.out = open_memstream(&out, &size), .columns = 80};
    cJSON *plan = parse(text);
    draw_plan(&page, plan);
    fclose(page.out);
    cJSON_Delete(plan);
    return out;
}

static char *readopt_text(const char *before_text, const char *text)
{
    char *out = NULL;
    size_t size = 0;
    struct page page = {.out = open_memstream(&out, &size), .columns = 80};
    cJSON *before = before_text ? parse(before_text) : NULL, *rows = parse(text);
    draw_readopt(&page, before, rows);
    fclose(page.out);
    cJSON_Delete(before);
    cJSON_Delete(rows);
    return out;
}

static void assert_has(const char *text, const char *words)
{
    assert_non_null(text);
    if (!strstr(text, words))
        fail_msg("no \"%s\" in:\n%s", words, text);
}

static void a_plan_is_a_row_a_step_and_a_verdict(void **unused)
{
    (void)unused;
    char *text = plan_text(
        "{\"region\":\"us-west-2\",\"steps\":["
        "{\"step\":\"fence\",\"type\":\"fence\",\"needs\":[],\"status\":\"act\",\"words\":\"x\"},"
        "{\"step\":\"promote\",\"type\":\"rds.promote_read_replica\",\"needs\":[\"fence\",\"lag\"],"
        "\"status\":\"fail\",\"words\":\"no such instance\"}]}");
    assert_has(text, "STATUS");
    assert_has(text, "fence,lag");
    assert_has(text, "no such instance");
    assert_has(text, "us-west-2: 1 to do, 0 done already, 0 to wait for, 0 not known, 1 that fail");
    free(text);
}

static void what_a_sidecar_leaves_out_or_garbles_breaks_no_picture(void **unused)
{
    (void)unused;
    char *text = plan_text("{\"steps\":[{},{\"needs\":[1,\"a\"],\"words\":\"\\u001b[2J\"}]}");
    assert_null(strchr(text, '\033'));
    free(text);
    free(plan_text("{}"));
}

static void only_rows_that_changed_are_said_again(void **unused)
{
    (void)unused;
    const char *first =
        "[{\"group\":\"data\",\"instance\":\"a\",\"status\":\"wait\",\"words\":\"w\"},"
        "{\"group\":\"data\",\"instance\":\"b\",\"status\":\"act\",\"words\":\"w\"}]";
    const char *then =
        "[{\"group\":\"data\",\"instance\":\"a\",\"status\":\"wait\",\"words\":\"w\"},"
        "{\"group\":\"data\",\"instance\":\"b\",\"status\":\"done\",\"words\":\"w\"}]";
    char *text = readopt_text(NULL, first);
    assert_string_equal(text, "data a: wait: w\ndata b: act: w\n");
    free(text);
    text = readopt_text(first, then);
    assert_string_equal(text, "data b: done: w\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plan_is_a_row_a_step_and_a_verdict),
        cmocka_unit_test(what_a_sidecar_leaves_out_or_garbles_breaks_no_picture),
        cmocka_unit_test(only_rows_that_changed_are_said_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
