/* The policy of a browser's upload ("Browser-Based Uploads Using POST"): until when, and which
 * values the form may have. */
#pragma once

#include "proxy/gateway/auth_refusal.h"

#include "base/http_header.h"
#include "base/json.h"

#define AUTH_POLICY_SIZE 20480 /* in base 64; S3 takes no longer form without its file */
#define AUTH_FIELDS_MOST 128

/* A form: its fields up to the file, and the bucket that the request's host or path names. */
struct auth_form {
    const struct http_header *fields; /* name and value, the value as it came */
    size_t count;
    struct span bucket;
};

/* How long the file may be. */
struct auth_limits {
    uint64_t least, most; /* bytes */
};

/* The document, for cJSON_Delete; NULL: it is none. */
cJSON *auth_policy_parse(struct span policy);

const struct auth_refusal *auth_check_length(const struct auth_limits *limits, uint64_t length);

/* NULL, or why the form may not be taken. The signature is not looked at. */
const struct auth_refusal *auth_policy_check(struct span policy, const struct auth_form *form,
    uint64_t now_s, struct auth_limits *ret_limits);
