#include "proxy/gateway/planner.h"
#include "tests/unit/unit.h"

static struct planner planner;

static int set_up(void **unused)
{
    (void)unused;
    return planner_init(&planner);
}

static int tear_down(void **unused)
{
    (void)unused;
    planner_fini(&planner);
    return 0;
}

static void add(struct gateway_keys *keys, const char *id, const char *secret)
{
    struct credential credential = {
        .access_key_id = (char *)(uintptr_t)id, .secret = (char *)(uintptr_t)secret};
    gateway_keys_add(keys, &credential);
}

static void take(struct gateway_keys *keys)
{
    planner_take_keys(&planner, keys);
    gateway_keys_unref(keys);
}

static void a_key_that_stays_keeps_what_was_derived_from_it(void **unused)
{
    (void)unused;
    struct gateway_keys *keys = gateway_keys_new();
    add(keys, "A", "secret");
    add(keys, "B", "secret");
    take(keys);
    struct auth_key *a = auth_keys_find(&planner.keys, "A");
    struct auth_key *b = auth_key_hold(auth_keys_find(&planner.keys, "B"));
    keys = gateway_keys_new();
    add(keys, "A", "secret");
    add(keys, "B", "another");
    take(keys);
    assert_ptr_equal(auth_keys_find(&planner.keys, "A"), a);
    assert_ptr_not_equal(auth_keys_find(&planner.keys, "B"), b);
    assert_string_equal(b->secret, "secret"); /* an upload under way finishes with it */
    auth_key_drop(b);
}

static void a_key_that_is_taken_back_is_not_known_any_more(void **unused)
{
    (void)unused;
    struct gateway_keys *keys = gateway_keys_new();
    add(keys, "A", "secret");
    keys->host = keys->list[0];
    take(keys);
    assert_ptr_equal(planner.host, auth_keys_find(&planner.keys, "A"));
    take(gateway_keys_new());
    assert_null(auth_keys_find(&planner.keys, "A"));
    assert_null(planner.host);
}

static void it_waits_until_it_is_told_otherwise(void **unused)
{
    (void)unused;
    assert_true(planner.is_waiting);
    take(gateway_keys_new());
    assert_false(planner.is_waiting);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(
            a_key_that_stays_keeps_what_was_derived_from_it, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_key_that_is_taken_back_is_not_known_any_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(it_waits_until_it_is_told_otherwise, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
