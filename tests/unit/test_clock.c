#include "base/clock.h"

#include "tests/unit/unit.h"

#include <stdio.h>
#include <string.h>

static struct moment moment_of(const char *boot_id, uint64_t boot_ms)
{
    struct moment moment = {.boot_ms = boot_ms};
    snprintf(moment.boot_id, sizeof moment.boot_id, "%s", boot_id);
    return moment;
}

static void now_has_the_form_that_people_and_machines_read(void **unused)
{
    (void)unused;
    struct moment now = clock_now();
    unsigned year, month, day, hour, minute, second, ms;
    char zone;
    assert_int_equal(sscanf(now.wall, "%4u-%2u-%2uT%2u:%2u:%2u.%3u%c", &year, &month, &day, &hour,
                         &minute, &second, &ms, &zone),
        8);
    assert_int_equal(zone, 'Z');
    assert_int_equal(strlen(now.wall), 24);
    assert_int_equal(strlen(now.boot_id), 36);
}

static void the_boot_clock_never_goes_back(void **unused)
{
    (void)unused;
    uint64_t before = clock_boot_ms();
    for (int i = 0; i < 1000; i++) {
        uint64_t now = clock_boot_ms();
        assert_true(now >= before);
        before = now;
    }
}

static void within_one_boot_the_difference_is_exact(void **unused)
{
    (void)unused;
    struct moment then = moment_of("a", 1000), now = moment_of("a", 61500);
    assert_int_equal(clock_since_ms(&then, &now), 60500);
    assert_int_equal(clock_since_ms(&now, &then), 0);
}

static void after_a_reboot_it_is_the_time_since_the_boot(void **unused)
{
    (void)unused;
    struct moment then = moment_of("a", 900000), now = moment_of("b", 5000);
    assert_int_equal(clock_since_ms(&then, &now), 5000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(now_has_the_form_that_people_and_machines_read),
        cmocka_unit_test(the_boot_clock_never_goes_back),
        cmocka_unit_test(within_one_boot_the_difference_is_exact),
        cmocka_unit_test(after_a_reboot_it_is_the_time_since_the_boot),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
