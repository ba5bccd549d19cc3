/* The small parts of a record: latches and the words for a step's status. */
#include "failover/state.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static void latches_are_a_set_with_a_bound(void **unused)
{
    (void)unused;
    struct state_group group = {.id = "data"};
    for (int i = 0; i <= CONFIG_REGIONS_MAX; i++) {
        char region[16];
        snprintf(region, sizeof region, "region-%d", i);
        group_latch(&group, region);
        group_latch(&group, region);
    }
    assert_int_equal(group.latched_count, CONFIG_REGIONS_MAX);
    assert_false(group_is_latched(&group, "region-0"));
    assert_true(group_is_latched(&group, "region-16"));
    group_unlatch(&group, "region-16");
    group_unlatch(&group, "never");
    assert_false(group_is_latched(&group, "region-16"));
    assert_int_equal(group.latched_count, CONFIG_REGIONS_MAX - 1);
}

static void every_step_status_has_a_text_and_back(void **unused)
{
    (void)unused;
    for (int i = STEP_WAITING; i <= STEP_NEEDS_APPROVAL; i++) {
        enum step_status status = STEP_WAITING;
        assert_true(step_status_parse(step_status_text((enum step_status)i), &status));
        assert_int_equal(status, i);
    }
    enum step_status status = STEP_WAITING;
    assert_false(step_status_parse("Done", &status));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(latches_are_a_set_with_a_bound),
        cmocka_unit_test(every_step_status_has_a_text_and_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
