#include "proxy/gateway/leaf.h"

#include "tests/unit/ca_scene.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>

#define NOW CA_SCENE_NOW
#define ASSETS "assets.shop.internal"

static struct ca *ca;
static struct leaf_cache *cache;

static int begin(void **unused)
{
    static const char *const names[] = {"shop.internal", NULL};
    if (ca_scene_begin(unused) < 0)
        return -1;
    ca = ca_scene_open(NOW, names);
    cache = leaf_cache_new(ca, 3);
    return cache ? 0 : -1;
}

static int end(void **unused)
{
    leaf_cache_free(cache);
    ca_free(ca);
    return ca_scene_end(unused);
}

/* One reference, so that no other leaf gets its address. */
static X509 *get(const char *host, time_t now)
{
    X509 *leaf;
    assert_int_equal(leaf_cache_get(cache, host, now, &leaf), 0);
    X509_up_ref(leaf);
    return leaf;
}

static bool is_kept(X509 *leaf, const char *host, time_t now)
{
    X509 *again = get(host, now);
    X509_free(again);
    return again == leaf;
}

static void a_leaf_names_its_host_alone_and_is_kept(void **unused)
{
    (void)unused;
    X509 *leaf = get(ASSETS, NOW);
    assert_int_equal(ca_scene_verify(ca_pem(ca), leaf, ASSETS, NOW), X509_V_OK);
    assert_int_equal(
        ca_scene_verify(ca_pem(ca), leaf, "shop.internal", NOW), X509_V_ERR_HOSTNAME_MISMATCH);
    assert_int_equal(
        ca_scene_verify(ca_pem(ca), leaf, "x." ASSETS, NOW), X509_V_ERR_HOSTNAME_MISMATCH);
    assert_int_equal(X509_check_private_key(leaf, leaf_cache_key(cache)), 1);
    assert_true(is_kept(leaf, ASSETS, NOW));
    X509_free(leaf);
}

static void it_lives_for_a_week_and_is_made_anew_ahead_of_its_end(void **unused)
{
    (void)unused;
    X509 *leaf = get(ASSETS, NOW);
    time_t late = NOW + LEAF_LIFE_S - LEAF_AHEAD_S;
    assert_int_equal(ca_scene_verify(ca_pem(ca), leaf, ASSETS, NOW + LEAF_LIFE_S - 1), X509_V_OK);
    assert_int_equal(ca_scene_verify(ca_pem(ca), leaf, ASSETS, NOW + LEAF_LIFE_S + 1),
        X509_V_ERR_CERT_HAS_EXPIRED);
    assert_true(is_kept(leaf, ASSETS, late - 1));
    X509 *next = get(ASSETS, late);
    assert_ptr_not_equal(next, leaf);
    assert_int_equal(ca_scene_verify(ca_pem(ca), next, ASSETS, NOW + LEAF_LIFE_S + 1), X509_V_OK);
    X509_free(next);
    X509_free(leaf);
}

static void a_clock_that_goes_back_does_not_leave_it_in_the_future(void **unused)
{
    (void)unused;
    X509 *leaf = get(ASSETS, NOW);
    assert_true(is_kept(leaf, ASSETS, NOW - LEAF_BACKDATE_S + 1));
    time_t before = NOW - 10 * CA_SCENE_DAY;
    X509 *next = get(ASSETS, before);
    assert_ptr_not_equal(next, leaf);
    assert_int_equal(ca_scene_verify(ca_pem(ca), next, ASSETS, before), X509_V_OK);
    X509_free(next);
    X509_free(leaf);
}

static void the_least_recently_used_goes(void **unused)
{
    (void)unused;
    X509 *a = get("a.shop.internal", NOW), *b = get("b.shop.internal", NOW),
         *c = get("c.shop.internal", NOW);
    assert_true(is_kept(a, "a.shop.internal", NOW));
    X509_free(get("d.shop.internal", NOW)); /* b goes */
    assert_true(is_kept(a, "a.shop.internal", NOW));
    assert_true(is_kept(c, "c.shop.internal", NOW));
    assert_false(is_kept(b, "b.shop.internal", NOW));
    X509_free(a);
    X509_free(b);
    X509_free(c);
}

static void what_is_no_host_gets_none(void **unused)
{
    (void)unused;
    X509 *leaf;
    assert_int_equal(leaf_cache_get(cache, "no host", NOW, &leaf), -EINVAL);
    assert_int_equal(leaf_cache_get(cache, "", NOW, &leaf), -EINVAL);
}

/* A loop's life: a cache of its own, the CA is everybody's. */
static void *live(void *unused)
{
    (void)unused;
    struct leaf_cache *own = leaf_cache_new(ca, 8);
    char host[32];
    X509 *leaf;
    intptr_t failed = !own;
    for (int i = 0; !failed && i < 50; i++) {
        snprintf(host, sizeof host, "h%d.shop.internal", i);
        failed = leaf_cache_get(own, host, NOW, &leaf) < 0;
    }
    leaf_cache_free(own);
    return (void *)failed;
}

static void loops_sign_at_the_same_time_while_the_ca_is_issued_again(void **unused)
{
    (void)unused;
    pthread_t loops[4];
    static const char *const wider[] = {"internal", NULL};
    struct ca_names names = ca_scene_names(wider);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&loops[i], NULL, live, NULL), 0);
    assert_int_equal(ca_cover(ca, &names, NOW, NULL), 0);
    for (int i = 0; i < 4; i++) {
        void *failed;
        assert_int_equal(pthread_join(loops[i], &failed), 0);
        assert_null(failed);
    }
}

#define IN_SCENE(test) cmocka_unit_test_setup_teardown(test, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_SCENE(a_leaf_names_its_host_alone_and_is_kept),
        IN_SCENE(it_lives_for_a_week_and_is_made_anew_ahead_of_its_end),
        IN_SCENE(a_clock_that_goes_back_does_not_leave_it_in_the_future),
        IN_SCENE(the_least_recently_used_goes),
        IN_SCENE(what_is_no_host_gets_none),
        IN_SCENE(loops_sign_at_the_same_time_while_the_ca_is_issued_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
