/* On the good day: the form has a policy, somebody whom we know signed it, and the form is one that
 * it allows. */
#include "proxy/gateway/auth_post.h"

#include "proxy/gateway/auth_parts.h"

static struct span value_of(const struct auth_form *form, const char *name)
{
    const struct http_header *field = http_header_find(form->fields, form->count, name);
    return field ? field->value : (struct span){0};
}

/* Of two fields with one name a policy would judge the first and S3 might take the second. */
static bool has_repeated(const struct auth_form *form)
{
    for (size_t i = 0; i < form->count; i++) {
        for (size_t j = i + 1; j < form->count; j++) {
            if (http_header_is(&form->fields[j], form->fields[i].name))
                return true;
        }
    }
    return false;
}

static const struct auth_refusal *read_form(const struct auth_form *form, struct auth_claim *claim)
{
    struct span algorithm = value_of(form, "x-amz-algorithm");
    claim->credential = value_of(form, "x-amz-credential");
    claim->signature = value_of(form, "x-amz-signature");
    claim->time = value_of(form, "x-amz-date");
    claim->session_token = value_of(form, "x-amz-security-token");
    claim->payload = value_of(form, "policy");
    if (claim->credential.size == 0 || claim->signature.size == 0 || claim->time.size == 0 ||
        claim->payload.size == 0)
        return &auth_form_incomplete;
    if (!auth_is(algorithm, SIGV4_ALGORITHM))
        return &auth_query_algorithm;
    return auth_split_credential(claim) ? NULL : &auth_query_credential;
}

static const struct auth_refusal *check_signature(
    const struct auth_rules *rules, const struct auth_claim *claim, struct auth *auth)
{
    struct sigv4_key *key = NULL;
    char ours[SIGV4_SIGNATURE_SIZE];
    if (auth_key_prepare(auth->key, rules->sigv4, auth->time, auth->region, &key) < 0 ||
        sigv4_sign_text(key, claim->payload, ours) < 0)
        return &auth_internal;
    if (claim->signature.size != SIGV4_SIGNATURE_SIZE - 1)
        return &auth_bad_signature;
    memcpy(auth->signature, claim->signature.data, claim->signature.size);
    auth->signature[claim->signature.size] = '\0';
    return sigv4_equal(ours, auth->signature) ? NULL : &auth_bad_signature;
}

static const struct auth_refusal *check_claim(
    const struct auth_rules *rules, const struct auth_claim *claim, struct auth *auth)
{
    const struct auth_refusal *refusal = auth_check_scope(rules, claim);
    if (!refusal)
        refusal = auth_check_time(rules, claim);
    if (!refusal)
        refusal = auth_find_key(rules, claim, auth);
    if (refusal)
        return refusal;
    auth_remember_scope(claim, auth);
    refusal = check_signature(rules, claim, auth);
    return refusal ? refusal : auth_check_expiry(rules, auth);
}

static const struct auth_refusal *verify(const struct auth_rules *rules,
    const struct auth_form *form, struct auth *auth, struct auth_limits *limits)
{
    struct auth_claim claim;
    auth_claim_init(&claim, AUTH_BY_FORM);
    if (form->count > AUTH_FIELDS_MOST || has_repeated(form))
        return &auth_form_incomplete;
    const struct auth_refusal *refusal = read_form(form, &claim);
    auth_remember_id(&claim, auth);
    if (!refusal)
        refusal = check_claim(rules, &claim, auth);
    return refusal ? refusal : auth_policy_check(claim.payload, form, rules->now_s, limits);
}

void auth_verify_form(const struct auth_rules *rules, const struct auth_form *form,
    struct auth *ret, struct auth_limits *ret_limits)
{
    *ret = (struct auth){.verdict = AUTH_ANONYMOUS,
        .way = AUTH_BY_FORM,
        .payload = AUTH_PAYLOAD_UNSIGNED,
        .payload_text = span_of_text(SIGV4_UNSIGNED_PAYLOAD)};
    *ret_limits = (struct auth_limits){0, UINT64_MAX};
    if (value_of(form, "awsaccesskeyid").size > 0 || value_of(form, "signature").size > 0)
        auth_conclude(ret, &auth_v2);
    else if (value_of(form, "policy").size > 0 || value_of(form, "x-amz-signature").size > 0)
        auth_conclude(ret, verify(rules, form, ret, ret_limits));
}
