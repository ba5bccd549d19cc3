#include "proxy/gateway/ca.h"

#include "base/file.h"
#include "base/memory.h"
#include "tests/unit/ca_scene.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

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

static mode_t mode_of(const char *file)
{
    struct stat now;
    char *path = ca_scene_path(file);
    assert_int_equal(stat(path, &now), 0);
    free(path);
    return now.st_mode & 07777;
}

static void the_key_is_its_owners_and_the_certificate_is_for_everybody(void **unused)
{
    (void)unused;
    mode_t before = umask(0);
    struct ca *ca = ca_scene_open(NOW, names);
    umask(before);
    char *secret = ca_scene_content("ca.key"), *public = ca_scene_content("ca.crt");
    assert_int_equal(mode_of("ca.key"), 0600);
    assert_int_equal(mode_of("ca.crt"), 0644);
    assert_non_null(strstr(secret, "PRIVATE KEY"));
    assert_null(strstr(public, "PRIVATE"));
    assert_string_equal(public, ca_pem(ca));
    free(secret);
    free(public);
    ca_free(ca);
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

/* As its thief would: straight from the file. */
static EVP_PKEY *key_of_file(void)
{
    char *text = ca_scene_content("ca.key");
    BIO *in = BIO_new_mem_buf(text, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    BIO_free(in);
    free(text);
    return key;
}

static void a_stolen_key_vouches_for_no_address(void **unused)
{
    (void)unused;
    static const char *const addresses[] = {"IP:127.0.0.80", "IP:::1"};
    struct ca *ca = ca_scene_open(NOW, names);
    EVP_PKEY *key = key_of_file();
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

static void assert_published(const char *pem)
{
    char *content = ca_scene_content("ca.crt");
    assert_string_equal(content, pem);
    free(content);
}

static void a_kill_before_the_key_is_in_place_leaves_nothing(void **unused)
{
    (void)unused;
    struct ca *ca = ca_scene_open(NOW, names);
    char *pem = memory_text(ca_pem(ca)), *unfinished = ca_scene_path("ca.key.tmp");
    bool renamed;
    ca_free(ca);
    assert_int_equal(file_replace(unfinished, "half a k", 8, 0600, &renamed), 0);
    ca = ca_scene_open(NOW, names);
    assert_string_equal(ca_pem(ca), pem);
    assert_int_equal(access(unfinished, F_OK), -1);
    ca_free(ca);
    free(unfinished);
    free(pem);
}

static void a_kill_before_the_certificate_is_published_is_made_good(void **unused)
{
    (void)unused;
    struct ca *ca = ca_scene_open(NOW, names);
    char *pem = memory_text(ca_pem(ca)), *public = ca_scene_path("ca.crt");
    bool renamed;
    ca_free(ca);
    assert_int_equal(remove(public), 0);
    ca_free(ca_scene_open(NOW, names));
    assert_published(pem);
    assert_int_equal(file_replace(public, "former", 6, 0644, &renamed), 0);
    ca_free(ca_scene_open(NOW, names));
    assert_published(pem);
    free(public);
    free(pem);
}

static void assert_refused(int code, const char *words)
{
    struct ca *ca = NULL;
    struct failure why = {""};
    assert_int_equal(ca_scene_try(NOW, &ca, &why, names), code);
    if (!strstr(why.text, words) || !strstr(why.text, ca_folder))
        fail_msg("%s", why.text);
}

static void whatever_others_can_reach_is_refused(void **unused)
{
    (void)unused;
    char *path = ca_scene_path("ca.key");
    ca_free(ca_scene_open(NOW, names));
    assert_int_equal(chmod(path, 0640), 0);
    assert_refused(-EACCES, "chmod 600");
    assert_int_equal(chmod(path, 0600), 0);
    assert_int_equal(chmod(ca_folder, 0770), 0);
    assert_refused(-EACCES, "chmod go-w");
    assert_int_equal(chmod(ca_folder, 0755), 0);
    if (geteuid() == 0) {
        assert_int_equal(chown(path, 65534, 65534), 0);
        assert_refused(-EACCES, "belongs to user id 65534");
        assert_int_equal(chown(path, 0, 0), 0);
        assert_int_equal(chown(ca_folder, 65534, 65534), 0);
        assert_refused(-EACCES, "belongs to user id 65534");
        assert_int_equal(chown(ca_folder, 0, 0), 0);
    }
    ca_free(ca_scene_open(NOW, names));
    free(path);
}

static void put_key_file(const char *text)
{
    bool renamed;
    char *path = ca_scene_path("ca.key");
    assert_int_equal(file_replace(path, text, strlen(text), 0600, &renamed), 0);
    free(path);
}

static void a_damaged_key_file_is_refused_and_stays(void **unused)
{
    (void)unused;
    ca_free(ca_scene_open(NOW, names));
    char *whole = ca_scene_content("ca.key");
    for (size_t size = strlen(whole) - 2; size > 100; size -= 53) {
        char *cut = memory_text_of(whole, size);
        put_key_file(cut);
        assert_refused(-EINVAL, "damaged");
        char *there = ca_scene_content("ca.key");
        assert_string_equal(there, cut);
        free(there);
        free(cut);
    }
    put_key_file("");
    assert_refused(-EINVAL, "damaged");
    put_key_file(whole);
    ca_free(ca_scene_open(NOW, names));
    free(whole);
}

static void a_certificate_that_was_edited_is_refused(void **unused)
{
    (void)unused;
    ca_free(ca_scene_open(NOW, names));
    char *whole = ca_scene_content("ca.key");
    char *begin = strstr(whole, "BEGIN CERTIFICATE"), *end = strstr(whole, "-----END CERTIFICATE");
    for (char *at = strchr(begin, '\n') + 1; at < end - 5; at += 37) {
        char before = *at;
        *at = before == 'A' ? 'B' : 'A';
        if (before != '\n') {
            put_key_file(whole);
            assert_refused(-EINVAL, "restore it");
        }
        *at = before;
    }
    free(whole);
}

static void put_key_and_certificate(EVP_PKEY *key, const EVP_CIPHER *cipher, const char *pem)
{
    char *data, passphrase[] = "secret";
    BIO *out = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_PrivateKey(out, key, cipher, NULL, 0, NULL, passphrase), 1);
    assert_true(BIO_write(out, pem, (int)strlen(pem)) > 0 && BIO_write(out, "", 1) == 1);
    assert_true(BIO_get_mem_data(out, &data) > 0);
    put_key_file(data);
    BIO_free(out);
}

static char *pem_of(X509 *certificate)
{
    char *data;
    BIO *out = BIO_new(BIO_s_mem());
    assert_int_equal(PEM_write_bio_X509(out, certificate), 1);
    long size = BIO_get_mem_data(out, &data);
    char *pem = memory_text_of(data, (size_t)size);
    BIO_free(out);
    return pem;
}

static void what_is_not_our_ca_is_refused(void **unused)
{
    (void)unused;
    struct ca *ca = ca_scene_open(NOW, names);
    EVP_PKEY *key = key_of_file(), *rsa = EVP_RSA_gen(1024);
    X509 *leaf = ca_scene_leaf(ca, ASSETS, NOW, NOW + 60);
    char *pem = memory_text(ca_pem(ca)), *leaf_pem = pem_of(leaf);
    ca_free(ca);
    put_key_and_certificate(ca_scene_key(), NULL, pem); /* another key */
    assert_refused(-EINVAL, "is no CA that pilotlight made");
    put_key_and_certificate(rsa, NULL, pem);
    assert_refused(-EINVAL, "is no CA that pilotlight made");
    put_key_and_certificate(ca_scene_key(), NULL, leaf_pem); /* fits its key, and is no CA */
    assert_refused(-EINVAL, "is no CA that pilotlight made");
    put_key_and_certificate(key, EVP_aes_256_cbc(), pem); /* nobody is asked for a passphrase */
    assert_refused(-EINVAL, "damaged");
    put_key_and_certificate(key, NULL, pem);
    ca_free(ca_scene_open(NOW, names));
    X509_free(leaf);
    EVP_PKEY_free(key);
    EVP_PKEY_free(rsa);
    free(leaf_pem);
    free(pem);
}

static void a_link_or_a_directory_in_the_keys_place_is_refused(void **unused)
{
    (void)unused;
    char *path = ca_scene_path("ca.key");
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_refused(-EINVAL, "no ordinary file");
    assert_int_equal(remove(path), 0);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_refused(-EINVAL, "no ordinary file");
    free(path);
}

/* A limit on the size of files stands for a full disk. */
static void a_full_disk_leaves_the_former_ca_whole(void **unused)
{
    (void)unused;
    struct rlimit before, small;
    struct failure why;
    struct ca *ca = ca_scene_open(NOW, names);
    struct ca_names hosts = ca_scene_names(more_names);
    char *former = memory_text(ca_pem(ca));
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small = (struct rlimit){.rlim_cur = 64, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int status = ca_cover(ca, &hosts, NOW, &why);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(status, -EFBIG);
    assert_string_equal(ca_pem(ca), former);
    ca_free(ca);
    ca = ca_scene_open(NOW, names);
    assert_string_equal(ca_pem(ca), former);
    free(former);
    ca_free(ca);
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, ca_scene_begin, ca_scene_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(the_first_start_makes_a_ca_that_later_starts_find_again),
        IN_FOLDER(the_key_is_its_owners_and_the_certificate_is_for_everybody),
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
        IN_FOLDER(a_kill_before_the_key_is_in_place_leaves_nothing),
        IN_FOLDER(a_kill_before_the_certificate_is_published_is_made_good),
        IN_FOLDER(whatever_others_can_reach_is_refused),
        IN_FOLDER(a_damaged_key_file_is_refused_and_stays),
        IN_FOLDER(a_certificate_that_was_edited_is_refused),
        IN_FOLDER(what_is_not_our_ca_is_refused),
        IN_FOLDER(a_link_or_a_directory_in_the_keys_place_is_refused),
        IN_FOLDER(a_full_disk_leaves_the_former_ca_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
