/* How many clients are taken at once: a pool that fills is not a flood. */
#include "proxy/relay/flood.h"
#include "tests/unit/sample.h"

/* Full batches, one after the other, until there is to be a rest; how many were taken. */
static unsigned take_until_a_rest(struct flood *flood)
{
    unsigned taken = 0;
    for (bool rest = false; !rest && taken < 100000;) {
        unsigned batch = flood_batch(flood);
        taken += batch;
        rest = flood_note(flood, batch, false);
    }
    return taken;
}

static void hundreds_at_once_are_taken_without_a_rest(void **unused)
{
    (void)unused;
    struct flood flood = {0};
    assert_in_range(take_until_a_rest(&flood), 200, 1000);
}

static void a_flood_is_taken_in_small_batches_with_a_rest_after_each(void **unused)
{
    (void)unused;
    struct flood flood = {0};
    unsigned at_first = flood_batch(&flood);
    take_until_a_rest(&flood);
    unsigned batch = flood_batch(&flood);
    assert_in_range(batch, 1, at_first - 1);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(take_until_a_rest(&flood), batch);
    assert_int_equal(1000 / FLOOD_REST_MS * batch, 4000); /* as flood.h says */
}

static void clients_that_come_and_go_without_end_are_no_flood_while_the_backlog_runs_empty(
    void **unused)
{
    (void)unused;
    struct flood flood = {0};
    unsigned batch = flood_batch(&flood);
    for (int i = 0; i < 1000; i++) {
        assert_false(flood_note(&flood, batch, false));
        assert_false(flood_note(&flood, batch - 1, true));
        assert_int_equal(flood_batch(&flood), batch);
    }
}

static void a_flood_is_over_when_the_backlog_is_empty(void **unused)
{
    (void)unused;
    struct flood flood = {0};
    unsigned at_first = flood_batch(&flood), until_a_rest = take_until_a_rest(&flood);
    assert_false(flood_note(&flood, 0, true));
    assert_int_equal(flood_batch(&flood), at_first);
    assert_int_equal(take_until_a_rest(&flood), until_a_rest);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hundreds_at_once_are_taken_without_a_rest),
        cmocka_unit_test(a_flood_is_taken_in_small_batches_with_a_rest_after_each),
        cmocka_unit_test(
            clients_that_come_and_go_without_end_are_no_flood_while_the_backlog_runs_empty),
        cmocka_unit_test(a_flood_is_over_when_the_backlog_is_empty),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
