/* What S3 answers to a request that it does not believe: the status, the code, the message, as in
 * "Error responses" of the S3 API reference, and as it does where that page is silent. */
#pragma once

#include "base/span.h"

struct auth_refusal {
    unsigned status;
    const char *code, *message;
};

/* The head's own faults. */
extern const struct auth_refusal auth_repeated_header, auth_two_ways, auth_unknown_type, auth_v2,
    auth_v4a;

/* The Authorization header's. */
extern const struct auth_refusal auth_header_malformed, auth_header_credential, auth_header_date,
    auth_header_service, auth_header_region, auth_header_signed_headers;

/* The query's. */
extern const struct auth_refusal auth_query_incomplete, auth_query_algorithm, auth_query_credential,
    auth_query_date, auth_query_service, auth_query_region, auth_query_signed_headers,
    auth_query_expires, auth_query_week, auth_query_repeated, auth_not_yet_valid, auth_has_expired;

/* The form's. */
extern const struct auth_refusal auth_form_incomplete, auth_policy_malformed, auth_policy_expired,
    auth_policy_condition, auth_policy_extra, auth_policy_too_small, auth_policy_too_large;

/* The signer's. */
extern const struct auth_refusal auth_no_date, auth_skewed, auth_unsigned_host,
    auth_unsigned_headers, auth_hop_by_hop, auth_unknown_key, auth_bad_token, auth_expired_token,
    auth_bad_signature, auth_internal;

/* The body's. */
extern const struct auth_refusal auth_no_payload_hash, auth_bad_payload_hash, auth_no_length,
    auth_payload_v4a, auth_chunk_malformed, auth_trailer_malformed, auth_body_incomplete;
