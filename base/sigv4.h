/* AWS Signature Version 4 (docs.aws.amazon.com, "Create a signed AWS API request"; for S3
 * "Authenticating Requests: Using the Authorization Header"), for who signs and for who verifies:
 * both compute the same signature and one of them compares.
 *
 * Nothing is allocated for a signature. What costs is done once: algorithms are fetched into a
 * `struct sigv4`, and a signing key with its HMAC state stays in a `struct sigv4_key` for as long
 * as secret, date, region and service stay the same. Both belong to one thread. */
#pragma once

#include "base/http_header.h"
#include "base/text.h"

#include <openssl/evp.h>
#include <stdbool.h>

#define SIGV4_ALGORITHM "AWS4-HMAC-SHA256"
#define SIGV4_UNSIGNED_PAYLOAD "UNSIGNED-PAYLOAD"
#define SIGV4_EMPTY_SHA256 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

#define SIGV4_TIME_SIZE 17 /* "20150830T123600Z" and NUL */
#define SIGV4_DATE_SIZE 9  /* "20150830" and NUL */
#define SIGV4_REGION_SIZE 64
#define SIGV4_SERVICE_SIZE 64
#define SIGV4_SCOPE_SIZE 160 /* "20150830/us-east-1/s3/aws4_request" and NUL */
#define SIGV4_SECRET_SIZE 256
#define SIGV4_HASH_SIZE 65      /* SHA-256 in lower-case hexadecimal, and NUL */
#define SIGV4_SIGNATURE_SIZE 65 /* likewise */
#define SIGV4_SIGNED_HEADERS_SIZE 2048
#define SIGV4_QUERY_MOST 128   /* parameters */
#define SIGV4_SEGMENTS_MOST 64 /* of a path that is normalized */

struct sigv4 {
    EVP_MD *sha256;
    EVP_MAC *hmac;
    EVP_MD_CTX *digest;
};

int sigv4_init(struct sigv4 *sigv4);
void sigv4_fini(struct sigv4 *sigv4);

/* Zero it to begin. */
struct sigv4_key {
    EVP_MAC_CTX *mac; /* keyed; NULL: nothing is prepared */
    char secret[SIGV4_SECRET_SIZE];
    char scope[SIGV4_SCOPE_SIZE];
    size_t scope_size;
};

struct sigv4_scope {
    struct span date, region, service; /* the date as "20150830" */
};

bool sigv4_key_is(const struct sigv4_key *key, const char *secret, const struct sigv4_scope *scope);

/* Derives the signing key, unless `key` holds it already. -EINVAL: a part that is too long. */
int sigv4_key_prepare(const struct sigv4 *sigv4, struct sigv4_key *key, const char *secret,
    const struct sigv4_scope *scope);
void sigv4_key_fini(struct sigv4_key *key); /* the secret is wiped */

/* How path and query become canonical. */
enum sigv4_style {
    SIGV4_AS_SENT, /* S3: the path as it stands, the parameters as they stand, in order */
    SIGV4_S3,      /* S3: path and parameters decoded and encoded once; `+` in the query a blank */
    SIGV4_SERVICE  /* all others: dots and empty segments resolved, what is encoded encoded again */
};

struct sigv4_request {
    struct span method, path, query; /* raw, as on the wire; the query without its `?` */
    const struct http_header *headers;
    size_t header_count;
    struct span signed_headers; /* "host;x-amz-date": lower case, in order */
    struct span payload;        /* the payload's hash, or what x-amz-content-sha256 says instead */
    enum sigv4_style style;
};

typedef void sigv4_write(void *context, const void *data, size_t size);

/* Everything is written in pieces. -ENOENT: a signed header is not there; -E2BIG: more parameters
 * or segments than above. The query leaves X-Amz-Signature out. */
int sigv4_canonical_path(
    enum sigv4_style style, struct span path, sigv4_write *write, void *context);
int sigv4_canonical_query(
    enum sigv4_style style, struct span query, sigv4_write *write, void *context);
int sigv4_canonical_request(const struct sigv4_request *request, sigv4_write *write, void *context);

/* The string to sign of a request whose canonical form has `hash`. */
#define SIGV4_STRING_SIZE 512
size_t sigv4_string_to_sign(const struct sigv4_key *key, const char time[SIGV4_TIME_SIZE],
    const char hash[SIGV4_HASH_SIZE], char ret[SIGV4_STRING_SIZE]);

/* A request's signature. As above, and -EIO when OpenSSL fails. */
int sigv4_sign(const struct sigv4 *sigv4, struct sigv4_key *key,
    const struct sigv4_request *request, const char time[SIGV4_TIME_SIZE],
    char ret[SIGV4_SIGNATURE_SIZE]);

/* What a POST policy is signed by: the text itself is the string to sign. */
int sigv4_sign_text(struct sigv4_key *key, struct span text, char ret[SIGV4_SIGNATURE_SIZE]);

/* One piece of an aws-chunked body, and its trailer ("name:value\n"…), by the hash of either:
 * "Signature Calculations for the Authorization Header: Transferring Payload in Multiple Chunks".
 * `previous` is the signature before it, the request's own for the first; `ret` may be the same. */
int sigv4_sign_chunk(struct sigv4_key *key, const char time[SIGV4_TIME_SIZE],
    const char previous[SIGV4_SIGNATURE_SIZE], const char hash[SIGV4_HASH_SIZE],
    char ret[SIGV4_SIGNATURE_SIZE]);
int sigv4_sign_trailer(struct sigv4_key *key, const char time[SIGV4_TIME_SIZE],
    const char previous[SIGV4_SIGNATURE_SIZE], const char hash[SIGV4_HASH_SIZE],
    char ret[SIGV4_SIGNATURE_SIZE]);

int sigv4_hash(const struct sigv4 *sigv4, struct span data, char ret[SIGV4_HASH_SIZE]);

/* A hash of data that comes in parts: begun again after each end. Zero it to begin. */
struct sigv4_sum {
    EVP_MD_CTX *digest;
};

int sigv4_sum_begin(const struct sigv4 *sigv4, struct sigv4_sum *sum);
int sigv4_sum_add(struct sigv4_sum *sum, struct span data);
int sigv4_sum_end(struct sigv4_sum *sum, char ret[SIGV4_HASH_SIZE]);
void sigv4_sum_fini(struct sigv4_sum *sum);

/* In constant time. */
bool sigv4_equal(const char a[SIGV4_SIGNATURE_SIZE], const char b[SIGV4_SIGNATURE_SIZE]);

/* Seconds since 1970 and "20150830T123600Z". */
void sigv4_time_print(uint64_t now_s, char ret[SIGV4_TIME_SIZE]);
bool sigv4_time_parse(struct span text, uint64_t *ret_s);

/* "2015-08-30T12:36:00Z", with or without a fraction of a second. */
bool sigv4_time_parse_extended(const char *text, uint64_t *ret_s);
