/* On the good day: the canonical request runs through SHA-256, the string to sign is put together
 * on the stack, and a keyed HMAC state that waited for it makes the signature.
 *
 * OpenSSL can fail for want of memory; that is -EIO. */
#include "base/sigv4.h"

#include "base/hex.h"

#include <assert.h>
#include <errno.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <time.h>

#define DIGEST_SIZE 32

int sigv4_init(struct sigv4 *sigv4)
{
    *sigv4 = (struct sigv4){
        .sha256 = EVP_MD_fetch(NULL, "SHA256", NULL),
        .hmac = EVP_MAC_fetch(NULL, "HMAC", NULL),
        .digest = EVP_MD_CTX_new(),
    };
    if (sigv4->sha256 && sigv4->hmac && sigv4->digest)
        return 0;
    sigv4_fini(sigv4);
    return -EIO;
}

void sigv4_fini(struct sigv4 *sigv4)
{
    EVP_MD_CTX_free(sigv4->digest);
    EVP_MAC_free(sigv4->hmac);
    EVP_MD_free(sigv4->sha256);
    *sigv4 = (struct sigv4){0};
}

static size_t put(char *to, struct span from)
{
    memcpy(to, from.data, from.size);
    return from.size;
}

static size_t put_text(char *to, const char *text)
{
    return put(to, span_of_text(text));
}

/* "20150830/us-east-1/s3/aws4_request"; the parts were measured. */
static size_t put_scope(char *to, const struct sigv4_scope *scope)
{
    char *at = to;
    at += put(at, scope->date);
    *at++ = '/';
    at += put(at, scope->region);
    *at++ = '/';
    at += put(at, scope->service);
    at += put_text(at, "/aws4_request");
    *at = '\0';
    return (size_t)(at - to);
}

static bool scope_fits(const struct sigv4_scope *scope)
{
    return scope->date.size == SIGV4_DATE_SIZE - 1 && scope->region.size < SIGV4_REGION_SIZE &&
           scope->service.size < SIGV4_SERVICE_SIZE;
}

bool sigv4_key_is(const struct sigv4_key *key, const char *secret, const struct sigv4_scope *scope)
{
    char text[SIGV4_SCOPE_SIZE];
    return key->mac && scope_fits(scope) && put_scope(text, scope) == key->scope_size &&
           memcmp(text, key->scope, key->scope_size) == 0 && strcmp(secret, key->secret) == 0;
}

static bool derive_step(const struct sigv4 *sigv4, uint8_t key[DIGEST_SIZE], struct span text)
{
    unsigned size = 0;
    uint8_t next[DIGEST_SIZE];
    bool done = HMAC(sigv4->sha256, key, DIGEST_SIZE, text.data, text.size, next, &size) != NULL;
    memcpy(key, next, DIGEST_SIZE);
    OPENSSL_cleanse(next, sizeof next);
    return done;
}

/* "AWS4" and the secret sign the date, that signs the region, that the service. */
static bool derive(const struct sigv4 *sigv4, const char *secret, const struct sigv4_scope *scope,
    uint8_t ret[DIGEST_SIZE])
{
    char first[4 + SIGV4_SECRET_SIZE];
    size_t first_size = put_text(first, "AWS4");
    first_size += put_text(first + first_size, secret);
    unsigned size = 0;
    bool done = HMAC(sigv4->sha256, first, (int)first_size, scope->date.data, scope->date.size, ret,
                    &size) &&
                derive_step(sigv4, ret, scope->region) && derive_step(sigv4, ret, scope->service) &&
                derive_step(sigv4, ret, span_of_text("aws4_request"));
    OPENSSL_cleanse(first, sizeof first);
    return done;
}

static bool start_mac(const struct sigv4 *sigv4, struct sigv4_key *key, const uint8_t *signing_key)
{
    key->mac = EVP_MAC_CTX_new(sigv4->hmac);
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0),
        OSSL_PARAM_construct_end()};
    return key->mac && EVP_MAC_init(key->mac, signing_key, DIGEST_SIZE, parameters) == 1;
}

int sigv4_key_prepare(const struct sigv4 *sigv4, struct sigv4_key *key, const char *secret,
    const struct sigv4_scope *scope)
{
    if (sigv4_key_is(key, secret, scope))
        return 0;
    if (!scope_fits(scope) || strlen(secret) >= sizeof key->secret)
        return -EINVAL;
    sigv4_key_fini(key);
    uint8_t signing_key[DIGEST_SIZE];
    bool done = derive(sigv4, secret, scope, signing_key) && start_mac(sigv4, key, signing_key);
    OPENSSL_cleanse(signing_key, sizeof signing_key);
    if (!done) {
        sigv4_key_fini(key);
        return -EIO;
    }
    memcpy(key->secret, secret, strlen(secret) + 1);
    key->scope_size = put_scope(key->scope, scope);
    return 0;
}

void sigv4_key_fini(struct sigv4_key *key)
{
    EVP_MAC_CTX_free(key->mac);
    OPENSSL_cleanse(key, sizeof *key);
}

int sigv4_sign_text(struct sigv4_key *key, struct span text, char ret[SIGV4_SIGNATURE_SIZE])
{
    uint8_t digest[DIGEST_SIZE];
    size_t size = 0;
    assert(key->mac);
    if (EVP_MAC_init(key->mac, NULL, 0, NULL) != 1 ||
        EVP_MAC_update(key->mac, text.data, text.size) != 1 ||
        EVP_MAC_final(key->mac, digest, &size, sizeof digest) != 1)
        return -EIO;
    hex_print(digest, sizeof digest, ret);
    return 0;
}

/* What all strings to sign begin with. */
static size_t put_beginning(
    char *to, const char *algorithm, const char *time, const struct sigv4_key *key)
{
    char *at = to;
    at += put_text(at, algorithm);
    *at++ = '\n';
    at += put_text(at, time);
    *at++ = '\n';
    at += put(at, span_of(key->scope, key->scope_size));
    *at++ = '\n';
    return (size_t)(at - to);
}

size_t sigv4_string_to_sign(const struct sigv4_key *key, const char time[SIGV4_TIME_SIZE],
    const char hash[SIGV4_HASH_SIZE], char ret[SIGV4_STRING_SIZE])
{
    size_t size = put_beginning(ret, SIGV4_ALGORITHM, time, key);
    size += put_text(ret + size, hash);
    ret[size] = '\0';
    return size;
}

static void digest_more(void *context, const void *data, size_t size)
{
    EVP_DigestUpdate(context, data, size);
}

static int digest_end(EVP_MD_CTX *context, char ret[SIGV4_HASH_SIZE])
{
    uint8_t digest[DIGEST_SIZE];
    if (EVP_DigestFinal_ex(context, digest, NULL) != 1)
        return -EIO;
    hex_print(digest, sizeof digest, ret);
    return 0;
}

int sigv4_hash(const struct sigv4 *sigv4, struct span data, char ret[SIGV4_HASH_SIZE])
{
    if (EVP_DigestInit_ex(sigv4->digest, sigv4->sha256, NULL) != 1 ||
        EVP_DigestUpdate(sigv4->digest, data.data, data.size) != 1)
        return -EIO;
    return digest_end(sigv4->digest, ret);
}

int sigv4_sum_begin(const struct sigv4 *sigv4, struct sigv4_sum *sum)
{
    if (!sum->digest)
        sum->digest = EVP_MD_CTX_new();
    return sum->digest && EVP_DigestInit_ex(sum->digest, sigv4->sha256, NULL) == 1 ? 0 : -EIO;
}

int sigv4_sum_add(struct sigv4_sum *sum, struct span data)
{
    return EVP_DigestUpdate(sum->digest, data.data, data.size) == 1 ? 0 : -EIO;
}

int sigv4_sum_end(struct sigv4_sum *sum, char ret[SIGV4_HASH_SIZE])
{
    return digest_end(sum->digest, ret);
}

void sigv4_sum_fini(struct sigv4_sum *sum)
{
    EVP_MD_CTX_free(sum->digest);
    sum->digest = NULL;
}

int sigv4_sign(const struct sigv4 *sigv4, struct sigv4_key *key,
    const struct sigv4_request *request, const char time[SIGV4_TIME_SIZE],
    char ret[SIGV4_SIGNATURE_SIZE])
{
    if (EVP_DigestInit_ex(sigv4->digest, sigv4->sha256, NULL) != 1)
        return -EIO;
    int status = sigv4_canonical_request(request, digest_more, sigv4->digest);
    char hash[SIGV4_HASH_SIZE], text[SIGV4_STRING_SIZE];
    if (status == 0)
        status = digest_end(sigv4->digest, hash);
    if (status < 0)
        return status;
    return sigv4_sign_text(key, span_of(text, sigv4_string_to_sign(key, time, hash, text)), ret);
}

int sigv4_sign_chunk(struct sigv4_key *key, const char time[SIGV4_TIME_SIZE],
    const char previous[SIGV4_SIGNATURE_SIZE], const char hash[SIGV4_HASH_SIZE],
    char ret[SIGV4_SIGNATURE_SIZE])
{
    char text[SIGV4_STRING_SIZE];
    size_t size = put_beginning(text, SIGV4_ALGORITHM "-PAYLOAD", time, key);
    size += put_text(text + size, previous);
    size += put_text(text + size, "\n" SIGV4_EMPTY_SHA256 "\n");
    size += put_text(text + size, hash);
    return sigv4_sign_text(key, span_of(text, size), ret);
}

int sigv4_sign_trailer(struct sigv4_key *key, const char time[SIGV4_TIME_SIZE],
    const char previous[SIGV4_SIGNATURE_SIZE], const char hash[SIGV4_HASH_SIZE],
    char ret[SIGV4_SIGNATURE_SIZE])
{
    char text[SIGV4_STRING_SIZE];
    size_t size = put_beginning(text, SIGV4_ALGORITHM "-TRAILER", time, key);
    size += put_text(text + size, previous);
    size += put_text(text + size, "\n");
    size += put_text(text + size, hash);
    return sigv4_sign_text(key, span_of(text, size), ret);
}

bool sigv4_equal(const char a[SIGV4_SIGNATURE_SIZE], const char b[SIGV4_SIGNATURE_SIZE])
{
    return CRYPTO_memcmp(a, b, SIGV4_SIGNATURE_SIZE - 1) == 0;
}
