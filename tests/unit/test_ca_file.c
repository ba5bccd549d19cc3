/* The CA's files: what a kill, a slip of the hand or somebody else leaves there. */
#include "base/file.h"
#include "base/memory.h"
#include "tests/unit/ca_scene.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <openssl/pem.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define NOW CA_SCENE_NOW
#define ASSETS "shop-assets.s3.eu-west-1.amazonaws.com"

static const char *const names[] = {ASSETS, "assets.shop.internal", NULL};
static const char *const more_names[] = {ASSETS, "more.shop.internal", NULL};

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
    EVP_PKEY *key = ca_scene_stolen_key(), *rsa = EVP_RSA_gen(1024);
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
        IN_FOLDER(the_key_is_its_owners_and_the_certificate_is_for_everybody),
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
