#include "tests/unit/unit.h"

#include "base/json.h"
#include "programs/cli_ready.h"

#include <stdlib.h>
#include <string.h>

static void assert_drawn(const char *json, const char *expected)
{
    char *text = NULL;
    size_t size;
    cJSON *value = NULL;
    FILE *out = open_memstream(&text, &size);
    struct page page = {.out = out, .columns = 60, .rows = 24};
    assert_int_equal(json_parse(json, strlen(json), &value, NULL, NULL), 0);
    draw_ready(&page, value);
    fclose(out);
    cJSON_Delete(value);
    assert_string_equal(text, expected);
    free(text);
}

static void checks_are_one_row_each_with_what_to_do(void **unused)
{
    (void)unused;
    assert_drawn("{\"ready\":false,\"rows\":["
                 "{\"check\":\"latch\",\"endpoint\":null,\"region\":\"us\",\"status\":\"pass\","
                 "\"words\":\"no group is latched\",\"advice\":null},"
                 "{\"check\":\"target\",\"endpoint\":\"db\",\"region\":\"us\",\"status\":\"fail\","
                 "\"words\":\"db:1 is down\",\"advice\":\"see to it\"},"
                 "{\"check\":\"certificate\",\"endpoint\":\"db\",\"region\":\"us\","
                 "\"status\":\"warn\",\"words\":\"expires\",\"advice\":null}]}",
        "STATUS  REGION  CHECK        ENDPOINT  WHAT\n"
        "pass    us      latch        -         no group is latched\n"
        "fail    us      target       db        db:1 is down; see to it\n"
        "warn    us      certificate  db        expires\n"
        "not ready: 1 failed, 1 warned, of 3 checks\n");
}

static void a_standby_that_is_fit_is_said_to_be(void **unused)
{
    (void)unused;
    assert_drawn("{\"ready\":true,\"rows\":[{\"check\":\"latch\",\"endpoint\":null,"
                 "\"region\":\"us\",\"status\":\"pass\",\"words\":\"none\",\"advice\":null}]}",
        "STATUS  REGION  CHECK  ENDPOINT  WHAT\n"
        "pass    us      latch  -         none\n"
        "ready: 0 failed, 0 warned, of 1 checks\n");
}

static void nonsense_from_the_daemon_is_not_called_ready(void **unused)
{
    (void)unused;
    assert_drawn("{\"rows\":[7,{\"words\":\"\\u001b[2J\"}]}",
        "STATUS  REGION  CHECK  ENDPOINT  WHAT\n"
        "?       -       ?      -         \n"
        "?       -       ?      -         \\x1b[2J\n"
        "not ready: 0 failed, 0 warned, of 2 checks\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(checks_are_one_row_each_with_what_to_do),
        cmocka_unit_test(a_standby_that_is_fit_is_said_to_be),
        cmocka_unit_test(nonsense_from_the_daemon_is_not_called_ready),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
