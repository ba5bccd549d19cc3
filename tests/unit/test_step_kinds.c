/* What a runbook may say is what the sidecar can do. */
#include "config/options.h"
#include "failover/aws/step.h"
#include "tests/unit/sample.h"

static void every_type_of_step_that_a_file_may_name_can_be_carried_out(void **unused)
{
    (void)unused;
    size_t count = 0;
    for (const struct step_type *type = config_step_types; type->name; type++, count++) {
        const struct step_kind *kind = step_kind_find(type->name);
        if (!kind)
            fail_msg("nobody carries out %s", type->name);
        assert_string_equal(kind->type, type->name);
        assert_non_null(kind->look);
    }
    assert_true(count > 0);
}

static void nothing_can_be_carried_out_that_no_file_may_name(void **unused)
{
    (void)unused;
    for (const struct step_kind *const *kind = step_kinds; *kind; kind++) {
        const struct step_type *type = config_step_types;
        while (type->name && strcmp(type->name, (*kind)->type) != 0)
            type++;
        if (!type->name)
            fail_msg("no file may say %s", (*kind)->type);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_of_step_that_a_file_may_name_can_be_carried_out),
        cmocka_unit_test(nothing_can_be_carried_out_that_no_file_may_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
