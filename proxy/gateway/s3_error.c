/* One table. What the client sent goes into the document escaped and as valid UTF-8, whatever it
 * was. */
#include "proxy/gateway/s3_error.h"

#include "proxy/gateway/xml_text.h"

#include <errno.h>

static const struct {
    unsigned status;
    const char *text, *message;
} errors[] = {
    [S3_ACCESS_DENIED] = {403, "AccessDenied", "Access Denied"},
    [S3_AUTHORIZATION_HEADER_MALFORMED] = {400, "AuthorizationHeaderMalformed",
        "The authorization header that you provided is not valid."},
    [S3_AUTHORIZATION_QUERY_PARAMETERS_ERROR] = {400, "AuthorizationQueryParametersError",
        "The authorization query parameters that you provided are not valid."},
    [S3_BAD_DIGEST] = {400, "BadDigest",
        "The Content-MD5 or checksum value that you specified did not match what the server "
        "received."},
    [S3_BAD_GATEWAY] = {502, "BadGateway", "The server behind the gateway could not be trusted."},
    [S3_ENTITY_TOO_LARGE] = {400, "EntityTooLarge",
        "Your proposed upload exceeds the maximum allowed object size."},
    [S3_EXPIRED_TOKEN] = {400, "ExpiredToken", "The provided token has expired."},
    [S3_INCOMPLETE_BODY] = {400, "IncompleteBody",
        "You did not provide the number of bytes specified by the Content-Length HTTP header."},
    [S3_INTERNAL_ERROR] = {500, "InternalError",
        "We encountered an internal error. Please try again."},
    [S3_INVALID_ACCESS_KEY_ID] = {403, "InvalidAccessKeyId",
        "The AWS Access Key Id you provided does not exist in our records."},
    [S3_INVALID_ARGUMENT] = {400, "InvalidArgument", "Invalid Argument"},
    [S3_INVALID_REQUEST] = {400, "InvalidRequest", "Invalid Request"},
    [S3_INVALID_TOKEN] = {400, "InvalidToken",
        "The provided token is malformed or otherwise not valid."},
    [S3_INVALID_URI] = {400, "InvalidURI", "Couldn't parse the specified URI."},
    [S3_MALFORMED_POST_REQUEST] = {400, "MalformedPOSTRequest",
        "The body of your POST request is not well-formed multipart/form-data."},
    [S3_MALFORMED_XML] = {400, "MalformedXML",
        "The XML you provided was not well-formed or did not validate against our published "
        "schema."},
    [S3_METHOD_NOT_ALLOWED] = {405, "MethodNotAllowed",
        "The specified method is not allowed against this resource."},
    [S3_MISDIRECTED_REQUEST] = {421, "MisdirectedRequest",
        "The Host header names another host than the TLS connection was made to."},
    [S3_MISSING_CONTENT_LENGTH] = {411, "MissingContentLength",
        "You must provide the Content-Length HTTP header."},
    [S3_MISSING_SECURITY_HEADER] = {400, "MissingSecurityHeader",
        "Your request is missing a required header."},
    [S3_NO_SUCH_UPLOAD] = {404, "NoSuchUpload",
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have "
        "been aborted or completed."},
    [S3_NOT_IMPLEMENTED] = {501, "NotImplemented",
        "A header you provided implies functionality that is not implemented."},
    [S3_REQUEST_HEAD_TOO_LARGE] = {431, "RequestHeaderSectionTooLarge",
        "Your request header section exceeds the maximum allowed size."},
    [S3_REQUEST_TIME_TOO_SKEWED] = {403, "RequestTimeTooSkewed",
        "The difference between the request time and the current time is too large."},
    [S3_REQUEST_TIMEOUT] = {400, "RequestTimeout",
        "Your socket connection to the server was not read from or written to within the timeout "
        "period."},
    [S3_SERVICE_UNAVAILABLE] = {503, "ServiceUnavailable", "Service is unable to handle request."},
    [S3_SIGNATURE_DOES_NOT_MATCH] = {403, "SignatureDoesNotMatch",
        "The request signature we calculated does not match the signature you provided. Check your "
        "key and signing method."},
    [S3_SLOW_DOWN] = {503, "SlowDown", "Please reduce your request rate."},
    [S3_URI_TOO_LONG] = {414, "URITooLong", "The request line exceeds the maximum allowed size."},
    [S3_X_AMZ_CONTENT_SHA256_MISMATCH] = {400, "XAmzContentSHA256Mismatch",
        "The provided 'x-amz-content-sha256' header does not match what was computed."},
};

int s3_error_set(struct s3_error *ret, enum s3_error_code code, const char *message)
{
    if (ret)
        *ret = (struct s3_error){code, message};
    return -EPROTO;
}

unsigned s3_error_status(enum s3_error_code code)
{
    return errors[code].status;
}

const char *s3_error_text(enum s3_error_code code)
{
    return errors[code].text;
}

const char *s3_error_message(const struct s3_error *error)
{
    return error->message ? error->message : errors[error->code].message;
}

static void put_element(struct text *text, const char *name, struct span value)
{
    text_format(text, "<%s>", name);
    xml_text_escape(text, value);
    text_format(text, "</%s>", name);
}

void s3_error_print(const struct s3_error_document *document, struct text *ret)
{
    text_put(ret, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>");
    put_element(ret, "Code", span_of_text(document->code));
    put_element(ret, "Message", span_of_text(document->message));
    for (size_t i = 0; i < document->detail_count; i++)
        put_element(ret, document->details[i].name, document->details[i].value);
    if (document->resource.size)
        put_element(ret, "Resource", document->resource);
    put_element(ret, "RequestId", span_of_text(document->request_id));
    put_element(ret, "HostId", span_of_text(document->host_id));
    text_put(ret, "</Error>");
}
