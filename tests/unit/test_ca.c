#include "proxy/gateway/ca.h"

#include "base/memory.h"
#include "tests/unit/ca_scene.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>

#define NOW CA_SCENE_NOW
#define ASSETS "shop-assets.s3.eu-west-1.amazonaws.com"
#define DOTTED "shop.logs.s3.amazonaws.com"
#define ADDED "shop-more.s3.eu-west-1.amazonaws.com"

static const char *const names[] = {ASSETS, DOTTED, "assets.shop.internal", NULL};
static const char *const more_names[] = {ASSETS, DOTTED, ADDED, NULL};

static int verify(const struct ca *ca, const char *trusted, const char *host)
{
    X509 *leaf = ca_scene_leaf(ca, host, NOW - 60, NOW + CA_SCENE_DAY);
    int result = ca_scene_verify(trusted, leaf, host, NOW);
    X509_free(leaf);
    return result;
}

static void the_first_start_makes_a_ca_that_later_starts_find_again(void **unused)
{
    (void)unused;
    struct ca *ca = ca_scene_open(NOW, names);
    char *first = memory_text(ca_pem(ca));
    assert_int_equal(verify(ca, first, ASSETS), X509_V_OK);
    ca_free(ca);
    ca = ca_scene_open(NOW + 5 * CA_SCENE_YEAR, names);
    assert_string_equal(ca_pem(ca), first);
    assert_int_equal(verify(ca, first, DOTTED), X509_V_OK);
    ca_free(ca);
    free(first);
}

static void it_says_what_a_ca_for_servers_of_these_names_says(void **unused)
{
    (void)unused;
    struct ca *ca = ca_scene_open(NOW, names);
    X509 *certificate = ca_scene_certificate(ca_pem(ca));
    int is_critical = 0;
    NAME_CONSTRAINTS *constraints =
        X509_get_ext_d2i(certificate, NID_name_constraints, &is_critical, NULL);
    assert_non_null(constraints);
    assert_int_equal(is_critical, 1);
    assert_int_equal(sk_GENERAL_SUBTREE_num(constraints->permittedSubtrees), 3);
    assert_int_equal(X509_get_pathlen(certificate), 0);
    assert_int_equal(X509_get_key_usage(certificate), KU_KEY_CERT_SIGN);
    assert_int_equal(X509_get_extended_key_usage(certificate), XKU_SSL_SERVER);
    assert_int_equal(X509_check_ca(certificate), 1);
    NAME_CONSTRAINTS_free(constraints);
    X509_free(certificate);
    ca_free(ca);
}

static void a_stolen_key_vouches_for_no_other_name(void **unused)
{
    (void)unused;
    struct ca *ca = ca_scene_open(NOW, names);
    static const char *const others[] = {"other-assets.s3.eu-west-1.amazonaws.com",
        "xshop-assets.s3.eu-west-1.amazonaws.com", "s3.eu-west-1.amazonaws.com", "example.org"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        assert_int_equal(verify(ca, ca_pem(ca), others[i]), X509_V_ERR_PERMITTED_VIOLATION);
    ca_free(ca);
}

static void a_stolen_key_vouches_for_no_address(void **unused)
{
    (void)unused;
    static const char *const addresses[] = {"IP:127.0.0.80", "IP:::1"};
    struct ca *ca = ca_scene_open(NOW, names);
    EVP_PKEY *key = ca_scene_stolen_key();
    for (int i = 0; i < 2; i++) {
        X509 *leaf = ca_scene_leaf(ca, ASSETS, NOW, NOW + 60);
        X509_EXTENSION *address =
            X509V3_EXT_nconf_nid(NULL, NULL, NID_subject_alt_name, addresses[i]);
        X509_EXTENSION_free(
            X509_delete_ext(leaf, X509_get_ext_by_NID(leaf, NID_subject_alt_name, -1)));
        assert_int_equal(X509_add_ext(leaf, address, -1), 1);
        assert_true(X509_sign(leaf, key, EVP_sha256()) > 0);
        assert_int_equal(
            ca_scene_verify(ca_pem(ca), leaf, NULL, NOW + 1), X509_V_ERR_EXCLUDED_VIOLATION);
        X509_EXTENSION_free(address);
        X509_free(leaf);
    }
    EVP_PKEY_free(key);
    ca_free(ca);
}

static void cover(struct ca *ca, time_t now, const char *const *list)
{
    struct failure why = {""};
    struct ca_names hosts = ca_scene_names(list);
    if (ca_cover(ca, &hosts, now, &why) < 0)
        fail_msg("%s", why.text);
}

static void an_added_name_leaves_those_who_trust_the_former_certificate_in_peace(void **unused)
{
    (void)unused;
    struct ca *ca = ca_scene_open(NOW, names);
    char *former = memory_text(ca_pem(ca));
    cover(ca, NOW, more_names);
    assert_string_not_equal(ca_pem(ca), former);
    assert_int_equal(verify(ca, former, ASSETS), X509_V_OK);
    assert_int_equal(verify(ca, ca_pem(ca), ASSETS), X509_V_OK);
    assert_int_equal(verify(ca, ca_pem(ca), ADDED), X509_V_OK);
    assert_int_equal(verify(ca, former, ADDED), X509_V_ERR_PERMITTED_VIOLATION);
    char *public = ca_scene_content("ca.crt");
    assert_string_equal(public, ca_pem(ca));
    ca_free(ca);
    ca = ca_scene_open(NOW, more_names);
    assert_string_equal(public, ca_pem(ca));
    free(public);
    free(former);
    ca_free(ca);
}

static void a_name_that_is_taken_away_changes_nothing(void **unused)
{
    (void)unused;
    static const char *const fewer[] = {ASSETS, NULL}, *const none[] = {NULL};
    struct ca *ca = ca_scene_open(NOW, names);
    char *before = memory_text(ca_pem(ca));
    cover(ca, NOW, fewer);
    cover(ca, NOW, none);
    assert_string_equal(ca_pem(ca), before);
    free(before);
    ca_free(ca);
}

static void names_below_a_permitted_one_are_covered(void **unused)
{
    (void)unused;
    static const char *const regional[] = {"s3.eu-west-1.amazonaws.com", NULL};
    static const char *const below[] = {"s3.eu-west-1.amazonaws.com", ASSETS, NULL};
    static const char *const beside[] = {"xs3.eu-west-1.amazonaws.com", NULL};
    struct ca *ca = ca_scene_open(NOW, regional);
    char *before = memory_text(ca_pem(ca));
    cover(ca, NOW, below);
    assert_string_equal(ca_pem(ca), before);
    cover(ca, NOW, beside);
    assert_string_not_equal(ca_pem(ca), before);
    free(before);
    ca_free(ca);
}

static void what_is_no_host_name_is_refused(void **unused)
{
    (void)unused;
    static const char *const wrong[] = {"", ".", "a..b", ".a", "a.", "UPPER.example", "a b",
        "*.example", "a\nb", "caf\xc3\xa9.example", "a,permitted;DNS:b",
        "a234567890123456789012345678901234567890123456789012345678901234.example"};
    struct ca *ca = ca_scene_open(NOW, names), *other = NULL;
    struct failure why;
    X509 *leaf;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *const list[] = {wrong[i], NULL};
        struct ca_names hosts = ca_scene_names(list);
        assert_int_equal(ca_sign_leaf(ca, ca_scene_key(), wrong[i], NOW, NOW + 60, &leaf), -EINVAL);
        assert_int_equal(ca_cover(ca, &hosts, NOW, &why), -EINVAL);
    }
    char *path = ca_scene_path("ca.key");
    assert_int_equal(remove(path), 0);
    free(path);
    static const char *const none[] = {NULL};
    assert_int_equal(ca_scene_try(NOW, &other, &why, none), -EINVAL);
    ca_free(ca);
}

static void it_is_issued_again_before_it_expires_and_stays_the_same_ca(void **unused)
{
    (void)unused;
    time_t late = NOW + 9 * CA_SCENE_YEAR + 30 * CA_SCENE_DAY;
    struct ca *ca = ca_scene_open(NOW, names);
    char *former = memory_text(ca_pem(ca));
    ca_free(ca);
    ca = ca_scene_open(late, names);
    assert_string_not_equal(ca_pem(ca), former);
    X509 *leaf = ca_scene_leaf(ca, ASSETS, late, late + CA_SCENE_DAY);
    assert_int_equal(ca_scene_verify(former, leaf, ASSETS, late + 1), X509_V_OK);
    assert_int_equal(ca_scene_verify(ca_pem(ca), leaf, ASSETS, late + 1), X509_V_OK);
    X509_free(leaf);
    free(former);
    ca_free(ca);
}

static void a_clock_that_was_not_set_harms_nothing(void **unused)
{
    (void)unused;
    struct ca *ca = ca_scene_open(1000, names);
    char *made = memory_text(ca_pem(ca));
    assert_int_equal(verify(ca, made, ASSETS), X509_V_OK);
    cover(ca, NOW, names);
    assert_string_equal(ca_pem(ca), made);
    free(made);
    ca_free(ca);
}

static void a_clock_that_goes_back_harms_nothing(void **unused)
{
    (void)unused;
    struct ca *ca = ca_scene_open(NOW + CA_SCENE_YEAR, names);
    char *made = memory_text(ca_pem(ca));
    cover(ca, NOW, names);
    assert_string_equal(ca_pem(ca), made);
    free(made);
    ca_free(ca);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, ca_scene_begin, ca_scene_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(the_first_start_makes_a_ca_that_later_starts_find_again),
        IN_FOLDER(it_says_what_a_ca_for_servers_of_these_names_says),
        IN_FOLDER(a_stolen_key_vouches_for_no_other_name),
        IN_FOLDER(a_stolen_key_vouches_for_no_address),
        IN_FOLDER(an_added_name_leaves_those_who_trust_the_former_certificate_in_peace),
        IN_FOLDER(a_name_that_is_taken_away_changes_nothing),
        IN_FOLDER(names_below_a_permitted_one_are_covered),
        IN_FOLDER(what_is_no_host_name_is_refused),
        IN_FOLDER(it_is_issued_again_before_it_expires_and_stays_the_same_ca),
        IN_FOLDER(a_clock_that_was_not_set_harms_nothing),
        IN_FOLDER(a_clock_that_goes_back_harms_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
