/* On the good day the key file is its owner's alone, in a directory that only he writes to, and has
 * a private key and a certificate in it.
 *
 * What can go wrong: others may read or replace it, it is damaged, it is another program's. Each is
 * told with the path and with what to do; nothing is repaired by itself, for applications trust
 * this key. */
#include "proxy/gateway/ca_file.h"

#include "base/file.h"
#include "base/memory.h"
#include "proxy/gateway/ca.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_SIZE_MAX (1u << 20) /* bytes: a certificate names every managed host */
#define MAKE_ANEW "remove it to have a new CA made, which applications must then trust anew"

static int fail_with(struct failure *why, int status, const char *what, const char *path)
{
    return failure_set(why, status, "cannot %s %.500s: %s", what, path, strerror(-status));
}

/* Whoever may write to the directory may put another key in the place of ours. */
static int check_directory(const char *directory, struct failure *why)
{
    struct stat stat_now;
    if (stat(directory, &stat_now) < 0)
        return fail_with(why, -errno, "look at the gateway's ca_dir", directory);
    if (!S_ISDIR(stat_now.st_mode))
        return failure_set(why, -ENOTDIR, "the gateway's ca_dir %.500s is no directory", directory);
    if (stat_now.st_uid != geteuid() && stat_now.st_uid != 0)
        return failure_set(why, -EACCES,
            "the gateway's ca_dir %.500s belongs to user id %u, who may replace the CA's key: give "
            "it to the daemon's user (chown)",
            directory, stat_now.st_uid);
    if (stat_now.st_mode & 022)
        return failure_set(why, -EACCES,
            "others may write to the gateway's ca_dir %.500s (mode %04o) and replace the CA's key: "
            "chmod go-w",
            directory, stat_now.st_mode & 07777);
    return 0;
}

static int check_key_file(const char *path, struct failure *why)
{
    struct stat stat_now;
    if (lstat(path, &stat_now) < 0)
        return fail_with(why, -errno, "look at the CA's key", path);
    if (!S_ISREG(stat_now.st_mode))
        return failure_set(why, -EINVAL, "the CA's key %.500s is no ordinary file", path);
    if (stat_now.st_uid != geteuid())
        return failure_set(why, -EACCES,
            "the CA's key %.500s belongs to user id %u, and this daemon is user id %u: give it to "
            "the daemon's user (chown)",
            path, stat_now.st_uid, geteuid());
    if (stat_now.st_mode & 077)
        return failure_set(why, -EACCES,
            "others have access to the CA's key %.500s (mode %04o): chmod 600 if nobody can have "
            "read it, else " MAKE_ANEW,
            path, stat_now.st_mode & 07777);
    return 0;
}

/* Nobody is asked for the passphrase of an encrypted key. */
static int no_passphrase(char *text, int size, int for_writing, void *context)
{
    (void)text, (void)size, (void)for_writing, (void)context;
    return -1;
}

static int parse(const char *text, size_t size, EVP_PKEY **ret_key, X509 **ret_certificate)
{
    BIO *in = BIO_new_mem_buf(text, (int)size), *again = BIO_new_mem_buf(text, (int)size);
    EVP_PKEY *key = in ? PEM_read_bio_PrivateKey(in, NULL, no_passphrase, NULL) : NULL;
    X509 *certificate = again ? PEM_read_bio_X509(again, NULL, no_passphrase, NULL) : NULL;
    BIO_free(in);
    BIO_free(again);
    ERR_clear_error();
    if (!key || !certificate) {
        EVP_PKEY_free(key);
        X509_free(certificate);
        return -EINVAL;
    }
    *ret_key = key;
    *ret_certificate = certificate;
    return 0;
}

static int read_key_file(
    const char *path, EVP_PKEY **ret_key, X509 **ret_certificate, struct failure *why)
{
    char *text = NULL;
    size_t size = 0;
    int status = check_key_file(path, why);
    if (status < 0)
        return status;
    status = file_read(path, FILE_SIZE_MAX, &text, &size);
    if (status < 0)
        return fail_with(why, status, "read the CA's key", path);
    status = parse(text, size, ret_key, ret_certificate);
    OPENSSL_cleanse(text, size);
    free(text);
    if (status < 0)
        return failure_set(why, status,
            "the CA's key %.500s is damaged, there is no key and certificate in it: restore it, "
            "or " MAKE_ANEW,
            path);
    return 0;
}

int ca_file_read(
    const char *directory, EVP_PKEY **ret_key, X509 **ret_certificate, struct failure *why)
{
    int status = check_directory(directory, why);
    if (status < 0)
        return status;
    char *path = memory_format("%s/" CA_KEY_FILE, directory);
    char *unfinished = memory_format("%s.tmp", path);
    unlink(unfinished); /* a key that nobody uses, left by a kill */
    status = read_key_file(path, ret_key, ret_certificate, why);
    free(unfinished);
    free(path);
    return status;
}

/* Replaced whole; that it is in place is enough to go on with. */
static int replace(const char *path, const void *data, size_t size, mode_t mode)
{
    bool renamed = false;
    int status = file_replace(path, data, size, mode, &renamed);
    return renamed ? 0 : status;
}

int ca_file_write(
    const char *directory, const EVP_PKEY *key, X509 *certificate, struct failure *why)
{
    char *path = memory_format("%s/" CA_KEY_FILE, directory);
    char *data = NULL;
    BIO *out = BIO_new(BIO_s_mem());
    int status = -ENOMEM;
    if (out && PEM_write_bio_PrivateKey(out, key, NULL, NULL, 0, NULL, NULL) == 1 &&
        PEM_write_bio_X509(out, certificate) == 1) {
        long size = BIO_get_mem_data(out, &data);
        status = replace(path, data, (size_t)size, 0600);
        OPENSSL_cleanse(data, (size_t)size);
    }
    BIO_free(out);
    if (status < 0)
        fail_with(why, status, "write the CA's key", path);
    free(path);
    return status;
}

int ca_file_publish(const char *directory, const char *pem, struct failure *why)
{
    char *path = memory_format("%s/" CA_CERTIFICATE_FILE, directory);
    char *there = NULL;
    size_t size = 0;
    int status = file_read(path, FILE_SIZE_MAX, &there, &size);
    bool is_same = status == 0 && size == strlen(pem) && memcmp(there, pem, size) == 0;
    free(there);
    status = is_same ? 0 : replace(path, pem, strlen(pem), 0644);
    if (status < 0)
        fail_with(why, status, "write the CA's certificate", path);
    free(path);
    return status;
}

char *ca_file_pem(X509 *certificate)
{
    char *data = NULL, *pem = NULL;
    BIO *out = BIO_new(BIO_s_mem());
    if (out && PEM_write_bio_X509(out, certificate) == 1) {
        long size = BIO_get_mem_data(out, &data);
        pem = memory_text_of(data, (size_t)size);
    }
    BIO_free(out);
    return pem;
}
