#include "tests/unit/sample.h"

static bool listens_on(const struct config *config, const char *text)
{
    struct address address;
    assert_int_equal(address_parse(text, 0, &address, NULL), 0);
    return config_listens_on(config, &address);
}

static void where_we_listen_ourselves_is_known(void **unused)
{
    (void)unused;
    struct config *config = sample_config(SAMPLE_CONFIG);
    assert_true(listens_on(config, "127.0.0.54:5432"));
    assert_true(listens_on(config, "[::1]:5432"));
    assert_true(listens_on(config, "127.0.0.1:53"));
    assert_true(listens_on(config, "127.0.0.1:9353"));
    assert_true(listens_on(config, "127.0.0.80:443"));
    assert_false(listens_on(config, "127.0.0.54:5434"));
    assert_false(listens_on(config, "127.0.0.55:5432"));
    config_unref(config);
}

static void a_wildcard_listens_on_every_address_of_this_host(void **unused)
{
    (void)unused;
    struct config *config = sample_config(SAMPLE_CONFIG); /* 0.0.0.0:6432 */
    assert_true(listens_on(config, "127.0.0.1:6432"));
    assert_true(listens_on(config, "127.1.2.3:6432"));
    assert_false(listens_on(config, "127.0.0.1:6433"));
    assert_false(listens_on(config, "192.0.2.9:6432"));
    assert_false(listens_on(config, "[::1]:6432")); /* IPv4 alone */
    config_unref(config);
}

/* Somebody listens at `listen`, and a resolver gives `answer`. */
static bool is_ours(const char *listen, const char *answer)
{
    struct address addresses[2];
    struct config config = {.resolver.listen = {.count = 1, .addresses = &addresses[0]}};
    assert_int_equal(address_parse(listen, 0, &addresses[0], NULL), 0);
    assert_int_equal(address_parse(answer, 0, &addresses[1], NULL), 0);
    return config_listens_on(&config, &addresses[1]);
}

/* To the kernel they are the same: a connection to itself would dial until nothing is left. */
static void our_own_listener_is_known_by_all_of_its_addresses(void **unused)
{
    (void)unused;
    static const char *const same[][2] = {{"127.0.0.1:5432", "127.0.0.1:5432"},
        {"127.0.0.1:5432", "0.0.0.0:5432"}, {"127.0.0.54:5432", "[::ffff:127.0.0.54]:5432"},
        {"127.0.0.1:5432", "[::ffff:0.0.0.0]:5432"}, {"0.0.0.0:5432", "0.0.0.0:5432"},
        {"0.0.0.0:5432", "127.0.0.54:5432"}, {"0.0.0.0:5432", "[::ffff:127.0.0.1]:5432"},
        {"[::1]:5432", "[::]:5432"}, {"[::]:5432", "[::1]:5432"}};
    static const char *const others[][2] = {{"127.0.0.1:5432", "127.0.0.1:5433"},
        {"127.0.0.54:5432", "127.0.0.1:5432"}, {"127.0.0.54:5432", "0.0.0.0:5432"},
        {"0.0.0.0:5432", "192.0.2.1:5432"}, {"[::1]:5432", "0.0.0.0:5432"},
        {"127.0.0.1:5432", "[::]:5432"}, {"0.0.0.0:5432", "127.0.0.54:5433"}};
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        assert_true(is_ours(same[i][0], same[i][1]));
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_false(is_ours(others[i][0], others[i][1]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_we_listen_ourselves_is_known),
        cmocka_unit_test(our_own_listener_is_known_by_all_of_its_addresses),
        cmocka_unit_test(a_wildcard_listens_on_every_address_of_this_host),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
