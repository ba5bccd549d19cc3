#include "tests/unit/ca_scene.h"

#include "base/file.h"
#include "base/memory.h"
#include "tests/unit/unit.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char ca_folder[64];
static EVP_PKEY *leaf_key;

int ca_scene_begin(void **unused)
{
    (void)unused;
    strcpy(ca_folder, "/tmp/test_ca.XXXXXX");
    leaf_key = EVP_EC_gen("P-256");
    return mkdtemp(ca_folder) && leaf_key ? 0 : -1;
}

int ca_scene_end(void **unused)
{
    (void)unused;
    char command[128];
    EVP_PKEY_free(leaf_key);
    snprintf(command, sizeof command, "rm -r %s", ca_folder);
    return system(command);
}

char *ca_scene_path(const char *file)
{
    return memory_format("%s/%s", ca_folder, file);
}

char *ca_scene_content(const char *file)
{
    char *path = ca_scene_path(file), *text = NULL;
    size_t size;
    if (file_read(path, 1 << 20, &text, &size) < 0)
        text = NULL;
    free(path);
    return text;
}

struct ca_names ca_scene_names(const char *const *names)
{
    struct ca_names list = {.list = names};
    while (names[list.count])
        list.count++;
    return list;
}

int ca_scene_try(time_t now, struct ca **ret, struct failure *why, const char *const *names)
{
    struct ca_names list = ca_scene_names(names);
    return ca_open(ca_folder, &list, now, ret, why);
}

struct ca *ca_scene_open(time_t now, const char *const *names)
{
    struct ca *ca = NULL;
    struct failure why = {""};
    if (ca_scene_try(now, &ca, &why, names) < 0)
        fail_msg("%s", why.text);
    return ca;
}

EVP_PKEY *ca_scene_key(void)
{
    return leaf_key;
}

EVP_PKEY *ca_scene_stolen_key(void)
{
    char *text = ca_scene_content("ca.key");
    BIO *in = BIO_new_mem_buf(text, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(in, NULL, NULL, NULL);
    BIO_free(in);
    free(text);
    return key;
}

X509 *ca_scene_leaf(const struct ca *ca, const char *host, time_t from, time_t until)
{
    X509 *leaf = NULL;
    assert_int_equal(ca_sign_leaf(ca, leaf_key, host, from, until, &leaf), 0);
    return leaf;
}

X509 *ca_scene_certificate(const char *pem)
{
    BIO *in = BIO_new_mem_buf(pem, -1);
    X509 *certificate = PEM_read_bio_X509(in, NULL, NULL, NULL);
    BIO_free(in);
    assert_non_null(certificate);
    return certificate;
}

int ca_scene_verify(const char *trusted_pem, X509 *leaf, const char *host, time_t now)
{
    X509 *trusted = ca_scene_certificate(trusted_pem);
    X509_STORE *store = X509_STORE_new();
    X509_STORE_CTX *context = X509_STORE_CTX_new();
    assert_int_equal(X509_STORE_add_cert(store, trusted), 1);
    assert_int_equal(X509_STORE_CTX_init(context, store, leaf, NULL), 1);
    X509_VERIFY_PARAM *how = X509_STORE_CTX_get0_param(context);
    X509_VERIFY_PARAM_set_flags(how, X509_V_FLAG_X509_STRICT);
    X509_VERIFY_PARAM_set_purpose(how, X509_PURPOSE_SSL_SERVER);
    X509_VERIFY_PARAM_set_time(how, now);
    X509_VERIFY_PARAM_set1_host(how, host, 0);
    X509_verify_cert(context);
    int result = X509_STORE_CTX_get_error(context);
    X509_STORE_CTX_free(context);
    X509_STORE_free(store);
    X509_free(trusted);
    return result;
}
