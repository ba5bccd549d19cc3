#include "base/metric.h"

#include "tests/unit/unit.h"

#include <math.h>
#include <string.h>

static void assert_text(struct metric_text *text, const char *expected)
{
    size_t size;
    const char *got = metric_text_get(text, &size);
    assert_string_equal(got, expected);
    assert_int_equal(size, strlen(expected));
    metric_text_free(text);
}

static void a_family_stands_before_its_values(void **unused)
{
    (void)unused;
    struct metric_text *text = metric_text_new();
    metric_family(text, "pilotlight_active", METRIC_GAUGE, "where answers go");
    metric_value(
        text, "pilotlight_active", METRIC_LABELS({"group", "data"}, {"region", "eu-west-1"}), 1);
    metric_value(text, "pilotlight_epoch", METRIC_NO_LABELS, 12);
    assert_text(text, "# HELP pilotlight_active where answers go\n"
                      "# TYPE pilotlight_active gauge\n"
                      "pilotlight_active{group=\"data\",region=\"eu-west-1\"} 1\n"
                      "pilotlight_epoch 12\n");
}

static void nothing_written_is_an_empty_text(void **unused)
{
    (void)unused;
    assert_text(metric_text_new(), "");
}

static void a_hostile_label_stays_inside_its_quotes(void **unused)
{
    (void)unused;
    struct metric_text *text = metric_text_new();
    metric_family(text, "m", METRIC_COUNTER, "one\nline \\ \"quoted\"");
    metric_value(text, "m", METRIC_LABELS({"l", "a\"} 1\nb\\"}), 2);
    assert_text(text, "# HELP m one\\nline \\\\ \"quoted\"\n# TYPE m counter\n"
                      "m{l=\"a\\\"} 1\\nb\\\\\"} 2\n");
}

static void numbers_are_printed_exactly(void **unused)
{
    (void)unused;
    struct metric_text *text = metric_text_new();
    metric_family(text, "m", METRIC_HISTOGRAM, "h");
    metric_value(text, "m", METRIC_NO_LABELS, 9007199254740992.0);
    metric_value(text, "m", METRIC_NO_LABELS, 0.25);
    metric_value(text, "m", METRIC_NO_LABELS, -3);
    metric_value(text, "m", METRIC_NO_LABELS, 1e300);
    metric_value(text, "m", METRIC_LABELS({"le", "+Inf"}), INFINITY);
    metric_value(text, "m", METRIC_NO_LABELS, -INFINITY);
    metric_value(text, "m", METRIC_NO_LABELS, NAN);
    assert_text(text, "# HELP m h\n# TYPE m histogram\n"
                      "m 9007199254740992\nm 0.25\nm -3\nm 1e+300\n"
                      "m{le=\"+Inf\"} +Inf\nm -Inf\nm NaN\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_family_stands_before_its_values),
        cmocka_unit_test(nothing_written_is_an_empty_text),
        cmocka_unit_test(a_hostile_label_stays_inside_its_quotes),
        cmocka_unit_test(numbers_are_printed_exactly),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
