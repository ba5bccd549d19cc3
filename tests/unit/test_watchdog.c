#include "base/watchdog.h"

#include "tests/unit/unit.h"

#include <semaphore.h>
#include <string.h>
#include <time.h>

#define DEADLINE_S 10

static sem_t seen, go_on;
static const char *hung;
static atomic_uint alarms;

static void on_hang(const char *loop_name, void *context)
{
    assert_ptr_equal(context, &seen);
    if (atomic_fetch_add(&alarms, 1) == 0) {
        hung = loop_name;
        sem_post(&seen);
    }
}

static bool comes_within(sem_t *signal, unsigned seconds)
{
    struct timespec deadline;
    clock_gettime(CLOCK_REALTIME, &deadline);
    deadline.tv_sec += seconds;
    return sem_timedwait(signal, &deadline) == 0;
}

static void hang(void *unused)
{
    (void)unused;
    comes_within(&go_on, 2 * DEADLINE_S);
}

static int start_two(void **state)
{
    static struct loop loops[2];
    sem_init(&seen, 0, 0);
    sem_init(&go_on, 0, 0);
    atomic_store(&alarms, 0);
    *state = loops;
    return loop_init(&loops[0], "well") || loop_init(&loops[1], "sick") || loop_start(&loops[0]) ||
           loop_start(&loops[1]);
}

static int stop_two(void **state)
{
    struct loop *loops = *state;
    sem_post(&go_on);
    loop_fini(&loops[0]);
    loop_fini(&loops[1]);
    return 0;
}

static void a_loop_that_hangs_is_named(void **state)
{
    struct loop *loops = *state, *list[] = {&loops[0], &loops[1]};
    struct watchdog watchdog;
    loop_post(&loops[1], hang, NULL);
    assert_int_equal(watchdog_start(&watchdog, list, 2, on_hang, &seen), 0);
    bool came = comes_within(&seen, DEADLINE_S);
    watchdog_stop(&watchdog);
    assert_true(came);
    assert_string_equal(hung, "sick");
}

static void loops_that_beat_raise_no_alarm(void **state)
{
    struct loop *loops = *state, *list[] = {&loops[0], &loops[1]};
    struct watchdog watchdog;
    assert_int_equal(watchdog_start(&watchdog, list, 2, on_hang, &seen), 0);
    assert_false(comes_within(&seen, 3)); /* longer than the watchdog's limit */
    watchdog_stop(&watchdog);
    assert_int_equal(atomic_load(&alarms), 0);
}

static void a_watchdog_that_never_started_can_be_stopped(void **unused)
{
    (void)unused;
    struct watchdog watchdog = {0};
    watchdog_stop(&watchdog);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_loop_that_hangs_is_named, start_two, stop_two),
        cmocka_unit_test_setup_teardown(loops_that_beat_raise_no_alarm, start_two, stop_two),
        cmocka_unit_test(a_watchdog_that_never_started_can_be_stopped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
