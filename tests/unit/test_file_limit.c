#include "base/file_limit.h"

#include "tests/unit/unit.h"

#include <limits.h>

static const unsigned limits[] = {16, 64, 256, 300, 1024, 4096, 20000, 65536, 524288, INT_MAX};

#define LIMITS (sizeof limits / sizeof *limits)

static void whatever_there_is_a_part_of_it_is_nobodys(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < LIMITS; i++) {
        for (int has_relays = 0; has_relays < 2; has_relays++) {
            struct file_limit_shares shares = file_limit_share(limits[i], has_relays);
            unsigned rest = limits[i] - shares.relays - shares.resolver;
            assert_true(shares.relays <= limits[i] && shares.resolver <= limits[i]);
            assert_true(rest >= (limits[i] < 4 * 448 ? limits[i] / 4 : 448));
        }
    }
}

static void without_relays_the_resolver_has_what_the_rest_does_not_need(void **unused)
{
    (void)unused;
    assert_int_equal(file_limit_share(300, false).resolver, 150);
    assert_int_equal(file_limit_share(20000, false).resolver, 20000 - 448);
    assert_int_equal(file_limit_share(20000, false).relays, 0);
}

static void beside_relays_everybody_has_a_part(void **unused)
{
    (void)unused;
    struct file_limit_shares few = file_limit_share(1024, true);
    struct file_limit_shares many = file_limit_share(524288, true);
    assert_int_equal(few.relays, 512);
    assert_int_equal(few.resolver, 256);
    assert_int_equal(many.resolver, 8192);
    assert_int_equal(many.relays, 524288 - 448 - 8192);
}

static void the_limit_of_this_process_is_all(void **unused)
{
    (void)unused;
    assert_in_range(file_limit_all(), 3, INT_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whatever_there_is_a_part_of_it_is_nobodys),
        cmocka_unit_test(without_relays_the_resolver_has_what_the_rest_does_not_need),
        cmocka_unit_test(beside_relays_everybody_has_a_part),
        cmocka_unit_test(the_limit_of_this_process_is_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
