/* A query that authorizes itself: X-Amz-Algorithm, -Credential, -Date, -Expires, -SignedHeaders,
 * -Signature, and where the key has one -Security-Token.
 *
 * On the good day: each is there once. What they say is decoded into the claim. */
#include "proxy/gateway/auth_parts.h"

#include "base/percent.h"

enum parameter {
    ALGORITHM,
    CREDENTIAL,
    DATE,
    EXPIRES,
    SIGNED_HEADERS,
    SIGNATURE,
    NEEDED, /* those above */
    TOKEN = NEEDED,
    PAYLOAD,
    PARAMETERS
};

static const char *const parameter_names[PARAMETERS] = {"X-Amz-Algorithm", "X-Amz-Credential",
    "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature", "X-Amz-Security-Token",
    "X-Amz-Content-Sha256"};

/* Whether `encoded` means `text`. */
static bool means(struct span encoded, const char *text)
{
    for (; encoded.size > 0; text++) {
        if (!*text || percent_take(&encoded) != (uint8_t)*text)
            return false;
    }
    return !*text;
}

static enum parameter which(struct span name)
{
    enum parameter parameter = ALGORITHM;
    while (parameter < PARAMETERS && !means(name, parameter_names[parameter]))
        parameter++;
    return parameter;
}

int auth_query_version(struct span query)
{
    int version = 0;
    while (query.size > 0) {
        struct span pair = auth_take(&query, '&'), name = auth_take(&pair, '=');
        if (which(name) < NEEDED)
            return 4;
        if (means(name, "AWSAccessKeyId") || means(name, "Signature"))
            version = 2;
    }
    return version;
}

static bool decode(struct auth_claim *claim, struct span *value)
{
    char *to = claim->decoded + claim->decoded_size;
    size_t size = 0;
    if (!percent_decode(*value, to, sizeof claim->decoded - claim->decoded_size, &size))
        return false;
    claim->decoded_size += size;
    *value = span_of(to, size);
    return true;
}

static bool is_number(struct span text, uint64_t *ret)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || i >= 10)
            return false;
        value = 10 * value + (text.data[i] - '0');
    }
    *ret = value;
    return text.size > 0;
}

static const struct auth_refusal *read_parameters(
    struct span query, struct auth_claim *claim, struct span values[PARAMETERS])
{
    bool seen[PARAMETERS] = {false};
    while (query.size > 0) {
        struct span value = auth_take(&query, '&'), name = auth_take(&value, '=');
        enum parameter parameter = which(name);
        if (parameter == PARAMETERS)
            continue;
        if (seen[parameter])
            return &auth_query_repeated;
        seen[parameter] = true;
        /* The payload's is passed on as it stands: it must not need decoding. */
        if (parameter != PAYLOAD && !decode(claim, &value))
            return &auth_query_incomplete;
        values[parameter] = value;
    }
    for (enum parameter parameter = ALGORITHM; parameter < NEEDED; parameter++) {
        if (values[parameter].size == 0)
            return &auth_query_incomplete;
    }
    return NULL;
}

/* What stands in the canonical request's last line: a signed header says it, or a parameter. */
static struct span payload_of(const struct auth_request *request, struct span parameter)
{
    const struct http_header *header =
        http_header_find(request->headers, request->header_count, "x-amz-content-sha256");
    if (header)
        return header->value;
    return parameter.size > 0 ? parameter : span_of_text(SIGV4_UNSIGNED_PAYLOAD);
}

static const struct auth_refusal *check_values(
    const struct span values[PARAMETERS], struct auth_claim *claim)
{
    uint64_t seconds = 0;
    if (!auth_is(values[ALGORITHM], SIGV4_ALGORITHM))
        return values[ALGORITHM].size > 10 && memcmp(values[ALGORITHM].data, "AWS4-ECDSA", 10) == 0
                   ? &auth_v4a
                   : &auth_query_algorithm;
    if (!auth_split_credential(claim))
        return &auth_query_credential;
    if (!sigv4_time_parse(claim->time, &seconds))
        return &auth_query_date;
    if (!is_number(values[EXPIRES], &claim->expires_s))
        return &auth_query_expires;
    return claim->expires_s > AUTH_PRESIGNED_MOST_S ? &auth_query_week : NULL;
}

const struct auth_refusal *auth_read_query(
    const struct auth_request *request, struct span query, struct auth_claim *claim)
{
    struct span values[PARAMETERS] = {{0}};
    const struct auth_refusal *refusal = read_parameters(query, claim, values);
    if (refusal)
        return refusal;
    claim->credential = values[CREDENTIAL];
    claim->time = values[DATE];
    claim->signed_headers = values[SIGNED_HEADERS];
    claim->signature = values[SIGNATURE];
    claim->session_token = values[TOKEN];
    claim->payload = payload_of(request, values[PAYLOAD]);
    return check_values(values, claim);
}

void auth_strip_query(struct span query, struct text *out)
{
    bool first = true;
    while (query.size > 0) {
        struct span pair = auth_take(&query, '&'), left = pair;
        if (which(auth_take(&left, '=')) < PARAMETERS)
            continue;
        if (!first)
            text_put(out, "&");
        text_add(out, pair.data, pair.size);
        first = false;
    }
}
