/* What S3 would say when it refuses: status, code, words, and the XML document around them
 * (https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html). SDKs decide by the code
 * whether they try again: S3_SLOW_DOWN and S3_SERVICE_UNAVAILABLE say that they may. */
#pragma once

#include "base/span.h"
#include "base/text.h"

enum s3_error_code {
    S3_ACCESS_DENIED,
    S3_AUTHORIZATION_HEADER_MALFORMED,
    S3_AUTHORIZATION_QUERY_PARAMETERS_ERROR,
    S3_BAD_DIGEST,
    S3_BAD_GATEWAY,
    S3_ENTITY_TOO_LARGE,
    S3_EXPIRED_TOKEN,
    S3_INCOMPLETE_BODY,
    S3_INTERNAL_ERROR,
    S3_INVALID_ACCESS_KEY_ID,
    S3_INVALID_ARGUMENT,
    S3_INVALID_REQUEST,
    S3_INVALID_TOKEN,
    S3_INVALID_URI,
    S3_MALFORMED_POST_REQUEST,
    S3_MALFORMED_XML,
    S3_METHOD_NOT_ALLOWED,
    S3_MISDIRECTED_REQUEST,
    S3_MISSING_CONTENT_LENGTH,
    S3_MISSING_SECURITY_HEADER,
    S3_NO_SUCH_UPLOAD,
    S3_NOT_IMPLEMENTED,
    S3_REQUEST_HEAD_TOO_LARGE,
    S3_REQUEST_TIME_TOO_SKEWED,
    S3_REQUEST_TIMEOUT,
    S3_SERVICE_UNAVAILABLE,
    S3_SIGNATURE_DOES_NOT_MATCH,
    S3_SLOW_DOWN,
    S3_URI_TOO_LONG,
    S3_X_AMZ_CONTENT_SHA256_MISMATCH,
    S3_ERROR_CODES
};

/* Texts live for ever. */
struct s3_error {
    enum s3_error_code code;
    const char *message; /* NULL: S3's own words for the code */
};

/* Fills `*ret` (NULL accepted) and returns -EPROTO, so that a caller can say
 * `return s3_error_set(error, S3_INVALID_URI, NULL);`. */
int s3_error_set(struct s3_error *ret, enum s3_error_code code, const char *message);

unsigned s3_error_status(enum s3_error_code code);     /* of HTTP */
const char *s3_error_text(enum s3_error_code code);    /* "SlowDown" */
const char *s3_error_message(const struct s3_error *); /* in words */

struct s3_error_detail {
    const char *name; /* of the element */
    struct span value;
};

struct s3_error_document {
    const char *code, *message;
    struct span resource;                  /* the path as the client sent it */
    const char *request_id, *host_id;      /* also to be sent as x-amz-request-id, x-amz-id-2 */
    const struct s3_error_detail *details; /* such as AWSAccessKeyId; NULL: none */
    size_t detail_count;
};

/* The body, Content-Type application/xml. An answer to HEAD has none. */
void s3_error_print(const struct s3_error_document *document, struct text *ret);
