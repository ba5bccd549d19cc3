#include "tests/unit/certificates.h"

#include "failover/certificate_rule.h"

#include <string.h>

static EVP_PKEY *key;

static int make_key(void **unused)
{
    (void)unused;
    key = certificate_key();
    return 0;
}

static int free_key(void **unused)
{
    (void)unused;
    EVP_PKEY_free(key);
    return 0;
}

static X509 *named(const char *names)
{
    return certificate_make(&(struct certificate_recipe){.common_name = "db", .names = names}, key);
}

static void assert_carries(const char *names, const char *name, bool expected)
{
    X509 *certificate = named(names);
    if (certificate_carries(certificate, name) != expected)
        fail_msg("%s: %s", names, name);
    X509_free(certificate);
}

static void an_alternative_name_is_carried_in_any_letter_case(void **unused)
{
    (void)unused;
    assert_carries("DNS:a.example,DNS:db.shop.internal", "db.shop.internal", true);
    assert_carries("DNS:DB.Shop.Internal", "db.shop.internal", true);
    assert_carries("DNS:db.shop.internal", "db.shop.internal.", true);
    assert_carries("DNS:db.shop.internal", "shop.internal", false);
    assert_carries("DNS:db.shop.internal", "x.db.shop.internal", false);
}

static void a_wildcard_stands_for_one_whole_label(void **unused)
{
    (void)unused;
    assert_carries("DNS:*.shop.internal", "db.shop.internal", true);
    assert_carries("DNS:*.shop.internal", "shop.internal", false);
    assert_carries("DNS:*.shop.internal", "a.db.shop.internal", false);
    assert_carries("DNS:d*.shop.internal", "db.shop.internal", false);
}

static void a_configured_wildcard_needs_a_wildcard(void **unused)
{
    (void)unused;
    assert_carries("DNS:*.shop.internal", "*.shop.internal", true);
    assert_carries("DNS:db.shop.internal", "*.shop.internal", false);
}

static void an_address_is_carried_as_an_address_only(void **unused)
{
    (void)unused;
    assert_carries("IP:192.0.2.1", "192.0.2.1", true);
    assert_carries("IP:192.0.2.2", "192.0.2.1", false);
    assert_carries("DNS:192.0.2.1", "192.0.2.1", false);
    assert_carries("IP:2001:db8::1", "2001:db8::1", true);
}

static void the_common_name_counts_where_there_is_no_other(void **unused)
{
    (void)unused;
    struct certificate_recipe recipe = {.common_name = "db.shop.internal"};
    X509 *only = certificate_make(&recipe, key);
    assert_true(certificate_carries(only, "db.shop.internal"));
    assert_false(certificate_carries(only, "192.0.2.1"));
    recipe.names = "DNS:elsewhere.example";
    X509 *both = certificate_make(&recipe, key);
    assert_false(certificate_carries(both, "db.shop.internal"));
    X509_free(only);
    X509_free(both);
}

/* -- two sides -- */

static struct certificate_verdict compare(const char *active_names, const char *standby_names)
{
    struct certificate_verdict verdict;
    struct certificate_side active = {"eu-west-1", named(active_names)};
    struct certificate_side standby = {"us-west-2", named(standby_names)};
    certificate_compare_name(&active, &standby, "db.shop.internal", &verdict);
    X509_free((X509 *)active.certificate);
    X509_free((X509 *)standby.certificate);
    return verdict;
}

static void assert_says(const struct certificate_verdict *verdict, const char *words)
{
    if (!strstr(verdict->words, words))
        fail_msg("\"%s\" is not in \"%s\"", words, verdict->words);
}

static void a_name_on_both_passes(void **unused)
{
    (void)unused;
    struct certificate_verdict verdict = compare("DNS:db.shop.internal", "DNS:*.shop.internal");
    assert_int_equal(verdict.status, READY_PASS);
    assert_says(&verdict, "both carry db.shop.internal");
    assert_null(verdict.advice);
}

static void a_name_that_a_switch_would_lose_warns_of_both_regions(void **unused)
{
    (void)unused;
    struct certificate_verdict verdict = compare("DNS:db.shop.internal", "DNS:us.example");
    assert_int_equal(verdict.status, READY_WARN);
    assert_says(&verdict, "in eu-west-1 carries db.shop.internal, the one in us-west-2 does not");
    assert_says(&verdict, "clients with verify-full fail after a switch");
    assert_string_equal(verdict.advice, "use verify-ca, or a name that both certificates carry");
}

static void a_name_that_is_not_verified_today_passes(void **unused)
{
    (void)unused;
    struct certificate_verdict verdict = compare("DNS:eu.example", "DNS:us.example");
    assert_int_equal(verdict.status, READY_PASS);
    assert_says(&verdict, "verify-full does not work today either");
    verdict = compare("DNS:eu.example", "DNS:db.shop.internal");
    assert_int_equal(verdict.status, READY_PASS);
    assert_says(&verdict, "verify-full does not work today either");
}

static void without_tls_there_is_no_name_to_compare(void **unused)
{
    (void)unused;
    struct certificate_verdict verdict;
    struct certificate_side tls = {"eu-west-1", named(NULL)}, plain = {"us-west-2", NULL};
    assert_true(certificate_compare_tls(&tls, &tls, &verdict));
    assert_false(certificate_compare_tls(&tls, &plain, &verdict));
    assert_int_equal(verdict.status, READY_WARN);
    assert_says(&verdict, "in us-west-2 offers no TLS");
    assert_false(certificate_compare_tls(&plain, &tls, &verdict));
    assert_int_equal(verdict.status, READY_PASS);
    assert_says(&verdict, "verify-full does not work today either");
    assert_false(certificate_compare_tls(&plain, &plain, &verdict));
    assert_int_equal(verdict.status, READY_PASS);
    assert_says(&verdict, "nothing is encrypted");
    X509_free((X509 *)tls.certificate);
}

/* -- dates -- */

/* What is said of a certificate that is valid from and until so many seconds from now; "": nothing.
 */
static void assert_dates(long from_s, long until_s, const char *words)
{
    struct certificate_verdict verdict = {.words = ""};
    struct certificate_recipe recipe = {.from_s = from_s, .until_s = until_s};
    struct certificate_side side = {"us-west-2", certificate_make(&recipe, key)};
    bool said = certificate_check_dates(&side, time(NULL), &verdict);
    assert_int_equal(said, *words != '\0');
    assert_says(&verdict, words);
    if (said)
        assert_int_equal(verdict.status, READY_WARN);
    X509_free((X509 *)side.certificate);
}

static void a_certificate_that_runs_out_warns(void **unused)
{
    (void)unused;
    assert_dates(-90 * DAY, -DAY, "expired on");
    assert_dates(-90 * DAY, -60, "expired on");
    assert_dates(-DAY, 60, "expires on");
    assert_dates(-DAY, CERTIFICATE_EXPIRY_DAYS * DAY - 60, "expires on");
    assert_dates(-DAY, CERTIFICATE_EXPIRY_DAYS * DAY + 60, "");
    assert_dates(DAY, 300 * DAY, "is not valid before");
}

static void a_warning_names_the_day(void **unused)
{
    (void)unused;
    struct certificate_verdict verdict;
    struct certificate_side side = {"us-west-2", named(NULL)};
    assert_non_null(
        ASN1_TIME_set((ASN1_TIME *)X509_getm_notAfter((X509 *)side.certificate), 1700000000));
    assert_true(certificate_check_dates(&side, 1700000001, &verdict));
    assert_string_equal(verdict.words, "the certificate in us-west-2 expired on 2023-11-14");
    X509_free((X509 *)side.certificate);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_alternative_name_is_carried_in_any_letter_case),
        cmocka_unit_test(a_wildcard_stands_for_one_whole_label),
        cmocka_unit_test(a_configured_wildcard_needs_a_wildcard),
        cmocka_unit_test(an_address_is_carried_as_an_address_only),
        cmocka_unit_test(the_common_name_counts_where_there_is_no_other),
        cmocka_unit_test(a_name_on_both_passes),
        cmocka_unit_test(a_name_that_a_switch_would_lose_warns_of_both_regions),
        cmocka_unit_test(a_name_that_is_not_verified_today_passes),
        cmocka_unit_test(without_tls_there_is_no_name_to_compare),
        cmocka_unit_test(a_certificate_that_runs_out_warns),
        cmocka_unit_test(a_warning_names_the_day),
    };
    return cmocka_run_group_tests(tests, make_key, free_key);
}
