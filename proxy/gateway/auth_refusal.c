#include "proxy/gateway/auth_refusal.h"

#define MALFORMED "The authorization header is malformed; "
#define CREDENTIAL "Error parsing the X-Amz-Credential parameter; "
#define POLICY "Invalid according to Policy: "

const struct auth_refusal auth_repeated_header = {
    400, "InvalidRequest", "A header that stands for the whole request is given twice."};
const struct auth_refusal auth_two_ways = {400, "InvalidArgument",
    "Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query "
    "string parameter or the Authorization header should be specified"};
const struct auth_refusal auth_unknown_type = {
    400, "InvalidArgument", "Unsupported Authorization Type"};
const struct auth_refusal auth_v2 = {400, "InvalidRequest",
    "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256."};
const struct auth_refusal auth_v4a = {501, "NotImplemented",
    "AWS4-ECDSA-P256-SHA256 implies functionality that is not implemented here."};

const struct auth_refusal auth_header_malformed = {400, "AuthorizationHeaderMalformed",
    MALFORMED "the authorization component does not have the form \"Credential=..., "
              "SignedHeaders=..., Signature=...\""};
const struct auth_refusal auth_header_credential = {400, "AuthorizationHeaderMalformed",
    MALFORMED "the Credential is mal-formed; expecting "
              "\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"."};
const struct auth_refusal auth_header_date = {400, "AuthorizationHeaderMalformed",
    MALFORMED "Invalid credential date. Date is not the same as X-Amz-Date."};
const struct auth_refusal auth_header_service = {400, "AuthorizationHeaderMalformed",
    MALFORMED "incorrect service. This endpoint belongs to \"s3\"."};
const struct auth_refusal auth_header_region = {
    400, "AuthorizationHeaderMalformed", MALFORMED "the region is wrong"};
const struct auth_refusal auth_header_signed_headers = {400, "AuthorizationHeaderMalformed",
    MALFORMED "the SignedHeaders must be lower case, sorted and each named once."};

const struct auth_refusal auth_query_incomplete = {400, "AuthorizationQueryParametersError",
    "Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, "
    "X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters."};
const struct auth_refusal auth_query_algorithm = {
    400, "AuthorizationQueryParametersError", "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\""};
const struct auth_refusal auth_query_credential = {400, "AuthorizationQueryParametersError",
    CREDENTIAL "the Credential is mal-formed; expecting "
               "\"<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request\"."};
const struct auth_refusal auth_query_date = {400, "AuthorizationQueryParametersError",
    "X-Amz-Date must be in the ISO8601 Long Format \"yyyyMMdd'T'HHmmss'Z'\" and of the "
    "credential's date"};
const struct auth_refusal auth_query_service = {400, "AuthorizationQueryParametersError",
    CREDENTIAL "incorrect service. This endpoint belongs to \"s3\"."};
const struct auth_refusal auth_query_region = {
    400, "AuthorizationQueryParametersError", CREDENTIAL "the region is wrong"};
const struct auth_refusal auth_query_signed_headers = {400, "AuthorizationQueryParametersError",
    "X-Amz-SignedHeaders must be lower case, sorted and each named once."};
const struct auth_refusal auth_query_expires = {
    400, "AuthorizationQueryParametersError", "X-Amz-Expires should be a number"};
const struct auth_refusal auth_query_week = {400, "AuthorizationQueryParametersError",
    "X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be "
    "less than 604800 seconds"};
const struct auth_refusal auth_query_repeated = {400, "AuthorizationQueryParametersError",
    "A parameter of query-string authentication is given twice."};
const struct auth_refusal auth_not_yet_valid = {403, "AccessDenied", "Request is not yet valid"};
const struct auth_refusal auth_has_expired = {403, "AccessDenied", "Request has expired"};

const struct auth_refusal auth_form_incomplete = {400, "InvalidArgument",
    "Bucket POST must contain a field named 'policy', 'x-amz-algorithm', 'x-amz-credential', "
    "'x-amz-date' and 'x-amz-signature', each once."};
const struct auth_refusal auth_policy_malformed = {400, "InvalidPolicyDocument",
    "The content of the form does not meet the conditions "
    "specified in the policy document."};
const struct auth_refusal auth_policy_expired = {403, "AccessDenied", POLICY "Policy expired."};
const struct auth_refusal auth_policy_condition = {
    403, "AccessDenied", POLICY "Policy Condition failed"};
const struct auth_refusal auth_policy_extra = {403, "AccessDenied", POLICY "Extra input fields"};
const struct auth_refusal auth_policy_too_small = {
    400, "EntityTooSmall", "Your proposed upload is smaller than the minimum allowed object size."};
const struct auth_refusal auth_policy_too_large = {
    400, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed object size."};

const struct auth_refusal auth_no_date = {
    403, "AccessDenied", "AWS authentication requires a valid Date or x-amz-date header"};
const struct auth_refusal auth_skewed = {403, "RequestTimeTooSkewed",
    "The difference between the request time and the current time is too large."};
const struct auth_refusal auth_unsigned_host = {
    403, "AccessDenied", "The host header of the request was not signed"};
const struct auth_refusal auth_unsigned_headers = {
    403, "AccessDenied", "There were headers present in the request which were not signed"};
const struct auth_refusal auth_hop_by_hop = {
    400, "InvalidRequest", "A signed header is listed by Connection and cannot be passed on."};
const struct auth_refusal auth_unknown_key = {
    403, "InvalidAccessKeyId", "The AWS Access Key Id you provided does not exist in our records."};
const struct auth_refusal auth_bad_token = {
    400, "InvalidToken", "The provided token is malformed or otherwise invalid."};
const struct auth_refusal auth_expired_token = {
    400, "ExpiredToken", "The provided token has expired."};
const struct auth_refusal auth_bad_signature = {403, "SignatureDoesNotMatch",
    "The request signature we calculated does not match the signature you provided. Check your key "
    "and signing method."};
const struct auth_refusal auth_internal = {
    500, "InternalError", "We encountered an internal error. Please try again."};

const struct auth_refusal auth_no_payload_hash = {
    400, "InvalidRequest", "Missing required header for this request: x-amz-content-sha256"};
const struct auth_refusal auth_bad_payload_hash = {400, "InvalidArgument",
    "x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, "
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER or a valid "
    "sha256 value."};
const struct auth_refusal auth_no_length = {
    411, "MissingContentLength", "You must provide the x-amz-decoded-content-length header."};
const struct auth_refusal auth_payload_v4a = {501, "NotImplemented",
    "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD implies functionality that is not implemented here."};
const struct auth_refusal auth_chunk_malformed = {
    400, "InvalidRequest", "The body is not a valid aws-chunked one."};
const struct auth_refusal auth_trailer_malformed = {400, "MalformedTrailerError",
    "The request contained trailing data that was not well-formed or did not conform to our "
    "published schema."};
const struct auth_refusal auth_body_incomplete = {400, "IncompleteBody",
    "You did not provide the number of bytes specified by the x-amz-decoded-content-length "
    "header."};
