/* What every claim must hold, wherever it was made. */
#include "proxy/gateway/auth_parts.h"

#include <ctype.h>
#include <openssl/crypto.h>

#define SIGNED_HEADERS_MOST 256 /* as many fields as a head has */

void auth_claim_init(struct auth_claim *claim, enum auth_way way)
{
    const struct span nothing = {0};
    claim->way = way;
    claim->credential = claim->signed_headers = claim->signature = nothing;
    claim->time = claim->session_token = claim->payload = nothing;
    claim->access_key_id = claim->date = claim->region = claim->service = nothing;
    claim->expires_s = 0;
    claim->decoded_size = 0;
}

bool auth_is(struct span span, const char *text)
{
    return span.size == strlen(text) && memcmp(span.data, text, span.size) == 0;
}

struct span auth_take(struct span *text, char separator)
{
    const uint8_t *end = text->size ? memchr(text->data, separator, text->size) : NULL;
    struct span taken = span_of(text->data, end ? (size_t)(end - text->data) : text->size);
    size_t step = end ? taken.size + 1 : taken.size;
    *text = span_of(text->data + step, text->size - step);
    return taken;
}

/* From the end: an id may hold slashes itself. */
static bool take_last(struct span *text, struct span *ret)
{
    const uint8_t *slash = text->size ? memrchr(text->data, '/', text->size) : NULL;
    if (!slash)
        return false;
    size_t before = (size_t)(slash - text->data);
    *ret = span_of(slash + 1, text->size - before - 1);
    text->size = before;
    return true;
}

bool auth_split_credential(struct auth_claim *claim)
{
    struct span left = claim->credential, end;
    if (!take_last(&left, &end) || !auth_is(end, "aws4_request") ||
        !take_last(&left, &claim->service) || !take_last(&left, &claim->region) ||
        !take_last(&left, &claim->date))
        return false;
    claim->access_key_id = left;
    return left.size > 0;
}

static bool is_region(const struct auth_rules *rules, struct span region)
{
    for (size_t i = 0; i < rules->region_count; i++) {
        if (auth_is(region, rules->regions[i]))
            return true;
    }
    return false;
}

const struct auth_refusal *auth_check_scope(
    const struct auth_rules *rules, const struct auth_claim *claim)
{
    bool by_header = claim->way == AUTH_BY_HEADER;
    if (claim->time.size != SIGV4_TIME_SIZE - 1 || claim->date.size != SIGV4_DATE_SIZE - 1 ||
        memcmp(claim->time.data, claim->date.data, claim->date.size) != 0)
        return by_header ? &auth_header_date : &auth_query_date;
    if (!auth_is(claim->service, "s3"))
        return by_header ? &auth_header_service : &auth_query_service;
    if (!is_region(rules, claim->region))
        return by_header ? &auth_header_region : &auth_query_region;
    return NULL;
}

const struct auth_refusal *auth_check_time(
    const struct auth_rules *rules, const struct auth_claim *claim)
{
    uint64_t signed_s = 0;
    if (!sigv4_time_parse(claim->time, &signed_s))
        return claim->way == AUTH_BY_HEADER ? &auth_no_date : &auth_query_date;
    if (claim->way == AUTH_BY_FORM) /* its policy says until when */
        return NULL;
    if (claim->way == AUTH_BY_QUERY) {
        if (signed_s > rules->now_s + AUTH_SKEW_S)
            return &auth_not_yet_valid;
        return rules->now_s > signed_s + claim->expires_s ? &auth_has_expired : NULL;
    }
    bool is_skewed = signed_s > rules->now_s + AUTH_SKEW_S || rules->now_s > signed_s + AUTH_SKEW_S;
    return is_skewed ? &auth_skewed : NULL;
}

static int compare(struct span a, struct span b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size ? memcmp(a.data, b.data, size) : 0;
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

static bool is_lower_case(struct span name)
{
    for (size_t i = 0; i < name.size; i++) {
        if (name.data[i] <= ' ' || name.data[i] >= 0x7f || isupper(name.data[i]))
            return false;
    }
    return name.size > 0;
}

/* The names, lower case, in order, each once. */
static bool split_names(struct span list, struct span names[SIGNED_HEADERS_MOST], size_t *ret_count)
{
    size_t count = 0;
    for (bool more = list.size > 0; more; count++) {
        more = memchr(list.data, ';', list.size) != NULL;
        if (count == SIGNED_HEADERS_MOST)
            return false;
        names[count] = auth_take(&list, ';');
        if (!is_lower_case(names[count]) ||
            (count > 0 && compare(names[count - 1], names[count]) >= 0))
            return false;
    }
    *ret_count = count;
    return count > 0;
}

static bool has_name(const struct span *names, size_t count, const struct http_header *header)
{
    for (size_t i = 0; i < count; i++) {
        if (http_header_is(header, names[i]))
            return true;
    }
    return false;
}

const struct auth_refusal *auth_check_signed_headers(
    const struct auth_request *request, const struct auth_claim *claim)
{
    struct span names[SIGNED_HEADERS_MOST];
    size_t count = 0;
    const struct http_header host = {.name = span_of_text("host")};
    if (!split_names(claim->signed_headers, names, &count))
        return claim->way == AUTH_BY_HEADER ? &auth_header_signed_headers
                                            : &auth_query_signed_headers;
    if (!has_name(names, count, &host))
        return &auth_unsigned_host;
    for (size_t i = 0; i < request->header_count; i++) {
        const struct http_header *header = &request->headers[i];
        if (http_header_starts_with(header, "x-amz-") && !has_name(names, count, header))
            return &auth_unsigned_headers;
    }
    return NULL;
}

const struct auth_refusal *auth_check_hops(
    const struct auth_request *request, const struct auth_claim *claim)
{
    for (struct span list = claim->signed_headers; list.size > 0;) {
        struct span name = auth_take(&list, ';');
        if (http_header_lists(request->headers, request->header_count, "connection", name))
            return &auth_hop_by_hop;
    }
    return NULL;
}

static bool is_token(const struct auth_key *key, struct span token)
{
    size_t size = strlen(key->session_token);
    return token.size == size && CRYPTO_memcmp(token.data, key->session_token, size) == 0;
}

const struct auth_refusal *auth_find_key(
    const struct auth_rules *rules, const struct auth_claim *claim, struct auth *auth)
{
    struct auth_key *key = auth_keys_find(rules->keys, auth->access_key_id);
    if (!key || (key->session_token && claim->session_token.size == 0))
        return &auth_unknown_key; /* as S3: such a key's id means nothing without its token */
    if (key->session_token ? !is_token(key, claim->session_token) : claim->session_token.size > 0)
        return &auth_bad_token;
    auth->key = key;
    return NULL;
}

const struct auth_refusal *auth_check_expiry(
    const struct auth_rules *rules, const struct auth *auth)
{
    bool is_over = auth->key->expires_s > 0 && rules->now_s >= auth->key->expires_s;
    return is_over ? &auth_expired_token : NULL;
}

/* Ids are words; anything else stays nameless, and is no key that we know. */
void auth_remember_id(const struct auth_claim *claim, struct auth *auth)
{
    struct span id = claim->access_key_id;
    if (id.size >= AUTH_ID_SIZE)
        return;
    for (size_t i = 0; i < id.size; i++) {
        if (!isgraph(id.data[i]))
            return;
    }
    if (id.size > 0)
        memcpy(auth->access_key_id, id.data, id.size);
    auth->access_key_id[id.size] = '\0';
}

/* The region is one of those in the rules, the time was parsed: both fit. */
void auth_remember_scope(const struct auth_claim *claim, struct auth *auth)
{
    memcpy(auth->region, claim->region.data, claim->region.size);
    auth->region[claim->region.size] = '\0';
    memcpy(auth->time, claim->time.data, SIGV4_TIME_SIZE - 1);
    auth->time[SIGV4_TIME_SIZE - 1] = '\0';
}

void auth_conclude(struct auth *auth, const struct auth_refusal *refusal)
{
    auth->refusal = refusal;
    auth->verdict = refusal ? AUTH_REFUSED : AUTH_VERIFIED;
    if (refusal)
        auth->key = NULL;
}
