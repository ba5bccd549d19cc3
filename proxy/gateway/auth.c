/* On the good day: the claim is read, its scope and time are right, everything that must be signed
 * is, the key is known, and the signature that we compute is the client's.
 *
 * Anything else is one refusal, the first that is found; a request that claims nothing is
 * anonymous. */
#include "proxy/gateway/auth_parts.h"

#include <errno.h>

/* Fields of which a second one could say something else to whoever reads on. */
static bool is_repeated(const struct auth_request *request)
{
    static const char *const names[] = {"authorization", "host", "x-amz-content-sha256",
        "x-amz-date", "x-amz-decoded-content-length", "x-amz-security-token", "x-amz-trailer"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (http_header_occurrences(request->headers, request->header_count, names[i]) > 1)
            return true;
    }
    return false;
}

/* Clients disagree about what an odd path looks like when it is signed: as it is sent, or as S3
 * would write it. Both mean the same object. */
static const struct auth_refusal *check_signature(const struct auth_rules *rules,
    struct sigv4_request *signed_request, const struct auth_claim *claim, struct auth *auth)
{
    static const enum sigv4_style styles[] = {SIGV4_AS_SENT, SIGV4_S3};
    struct sigv4_key *key = NULL;
    if (claim->signature.size != SIGV4_SIGNATURE_SIZE - 1)
        return &auth_bad_signature;
    memcpy(auth->signature, claim->signature.data, claim->signature.size);
    auth->signature[claim->signature.size] = '\0';
    if (auth_key_prepare(auth->key, rules->sigv4, auth->time, auth->region, &key) < 0)
        return &auth_internal;
    for (size_t i = 0; i < sizeof styles / sizeof *styles; i++) {
        char ours[SIGV4_SIGNATURE_SIZE];
        signed_request->style = styles[i];
        int status = sigv4_sign(rules->sigv4, key, signed_request, auth->time, ours);
        if (status == -EIO)
            return &auth_internal;
        if (status == 0 && sigv4_equal(ours, auth->signature))
            return NULL;
    }
    return &auth_bad_signature;
}

static const struct auth_refusal *check_claim(const struct auth_rules *rules,
    const struct auth_request *request, const struct auth_claim *claim, struct auth *auth)
{
    const struct auth_refusal *refusal = auth_check_scope(rules, claim);
    if (!refusal)
        refusal = auth_check_time(rules, claim);
    if (!refusal)
        refusal = auth_check_signed_headers(request, claim);
    if (!refusal)
        refusal = auth_find_key(rules, claim, auth);
    if (refusal)
        return refusal;
    auth_remember_scope(claim, auth);
    struct span query = request->target, path = auth_take(&query, '?');
    struct sigv4_request signed_request = {.method = request->method,
        .path = path,
        .query = query,
        .headers = request->headers,
        .header_count = request->header_count,
        .signed_headers = claim->signed_headers,
        .payload = claim->payload};
    refusal = check_signature(rules, &signed_request, claim, auth);
    if (!refusal)
        refusal = auth_check_hops(request, claim);
    return refusal ? refusal : auth_check_expiry(rules, auth);
}

static const struct auth_refusal *verify(const struct auth_rules *rules,
    const struct auth_request *request, struct span query, struct auth *auth)
{
    struct auth_claim claim;
    auth_claim_init(&claim, auth->way);
    const struct auth_refusal *refusal = auth->way == AUTH_BY_QUERY
                                             ? auth_read_query(request, query, &claim)
                                             : auth_read_header(request, &claim);
    auth_remember_id(&claim, auth);
    if (!refusal && is_repeated(request))
        refusal = &auth_repeated_header;
    if (!refusal)
        refusal = check_claim(rules, request, &claim, auth);
    auth->payload_text = claim.payload;
    return refusal ? refusal : auth_read_payload(request, auth);
}

void auth_verify(
    const struct auth_rules *rules, const struct auth_request *request, struct auth *ret)
{
    *ret = (struct auth){.verdict = AUTH_ANONYMOUS};
    struct span query = request->target;
    auth_take(&query, '?');
    int version = auth_query_version(query);
    bool has_header =
        http_header_find(request->headers, request->header_count, "authorization") != NULL;
    ret->way = version == 4 ? AUTH_BY_QUERY : AUTH_BY_HEADER;
    if (has_header && version > 0)
        auth_conclude(ret, &auth_two_ways);
    else if (version == 2)
        auth_conclude(ret, &auth_v2);
    else if (has_header || version == 4)
        auth_conclude(ret, verify(rules, request, query, ret));
}

bool auth_read_signer(const struct auth_request *request, struct auth_signer *ret)
{
    struct auth_claim claim;
    struct auth auth = {.access_key_id = ""};
    struct span query = request->target;
    auth_take(&query, '?');
    int version = auth_query_version(query);
    bool has_header =
        http_header_find(request->headers, request->header_count, "authorization") != NULL;
    *ret = (struct auth_signer){.region = ""};
    if (!has_header && version == 0)
        return false;
    auth_claim_init(&claim, version == 4 ? AUTH_BY_QUERY : AUTH_BY_HEADER);
    if (version == 4)
        auth_read_query(request, query, &claim);
    else
        auth_read_header(request, &claim);
    auth_remember_id(&claim, &auth);
    memcpy(ret->access_key_id, auth.access_key_id, sizeof ret->access_key_id);
    if (claim.region.size > 0 && claim.region.size < sizeof ret->region)
        memcpy(ret->region, claim.region.data, claim.region.size);
    return true;
}
