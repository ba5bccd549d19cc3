#include "proxy/gateway/auth_keys.h"

#include "tests/unit/unit.h"

static void keys_are_found_by_their_whole_id(void **unused)
{
    (void)unused;
    struct auth_keys keys = {0};
    static const char *const ids[] = {"M", "B", "Z", "AA", "A"};
    for (size_t i = 0; i < 5; i++)
        auth_keys_add(&keys, auth_key_new(ids[i], ids[i], NULL, 0));
    for (size_t i = 0; i < 5; i++)
        assert_string_equal(auth_keys_find(&keys, ids[i])->secret, ids[i]);
    assert_null(auth_keys_find(&keys, ""));
    assert_null(auth_keys_find(&keys, "AAA"));
    assert_null(auth_keys_find(&keys, "m"));
    auth_keys_fini(&keys);
    assert_null(auth_keys_find(&keys, "A"));
}

static void a_newer_key_of_the_same_id_takes_its_place(void **unused)
{
    (void)unused;
    struct auth_keys keys = {0};
    auth_keys_add(&keys, auth_key_new("A", "old", "t1", 1));
    auth_keys_add(&keys, auth_key_new("A", "new", "t2", 2));
    assert_int_equal(keys.count, 1);
    assert_string_equal(auth_keys_find(&keys, "A")->secret, "new");
    auth_keys_fini(&keys);
}

static void a_key_outlives_its_set_while_it_is_held(void **unused)
{
    (void)unused;
    struct auth_keys keys = {0};
    auth_keys_add(&keys, auth_key_new("A", "secret", NULL, 0));
    struct auth_key *held = auth_key_hold(auth_keys_find(&keys, "A"));
    auth_keys_fini(&keys);
    assert_string_equal(held->secret, "secret");
    auth_key_drop(held);
    auth_key_drop(NULL);
}

static void signing_keys_are_kept_and_given_up_in_turn(void **unused)
{
    (void)unused;
    struct sigv4 sigv4;
    struct sigv4_key *first, *again, *other;
    static const char *const regions[] = {"b", "c", "d", "e"};
    struct auth_key *key = auth_key_new("A", "secret", NULL, 0);
    assert_int_equal(sigv4_init(&sigv4), 0);
    assert_int_equal(auth_key_prepare(key, &sigv4, "20261123T120000Z", "a", &first), 0);
    assert_string_equal(first->scope, "20261123/a/s3/aws4_request");
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(auth_key_prepare(key, &sigv4, "20261123", regions[i], &other), 0);
        assert_ptr_not_equal(first, other);
        assert_int_equal(auth_key_prepare(key, &sigv4, "20261123", "a", &again), 0);
        assert_ptr_equal(first, again);
    }
    assert_int_equal(auth_key_prepare(key, &sigv4, "20261123", "e", &other), 0);
    assert_ptr_equal(first, other);
    assert_string_equal(other->scope, "20261123/e/s3/aws4_request");
    auth_key_drop(key);
    sigv4_fini(&sigv4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_found_by_their_whole_id),
        cmocka_unit_test(a_newer_key_of_the_same_id_takes_its_place),
        cmocka_unit_test(a_key_outlives_its_set_while_it_is_held),
        cmocka_unit_test(signing_keys_are_kept_and_given_up_in_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
