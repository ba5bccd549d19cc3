/* What the files of auth share. */
#pragma once

#include "proxy/gateway/auth.h"

#define AUTH_CLAIM_SIZE 16384 /* of a query's parameters, decoded; a request line has no more */

/* What a client says of itself, wherever it says so; spans into the head or into `decoded`. */
struct auth_claim {
    enum auth_way way;
    struct span credential, signed_headers, signature;
    struct span time;          /* "20150830T123600Z" */
    struct span session_token; /* empty: none */
    struct span payload;       /* what was signed in the place of the payload's hash */
    uint64_t expires_s;        /* how long a query authorizes */

    struct span access_key_id, date, region, service; /* the credential's parts */
    char date_as_time[SIGV4_TIME_SIZE];               /* where `time` is made of a Date header */
    char decoded[AUTH_CLAIM_SIZE];
    size_t decoded_size;
};

void auth_claim_init(struct auth_claim *claim, enum auth_way way);

bool auth_is(struct span span, const char *text);

/* Up to `separator`, which is taken with it; all of it when there is none. */
struct span auth_take(struct span *text, char separator);

/* Each NULL, or why not. */
const struct auth_refusal *auth_read_header(
    const struct auth_request *request, struct auth_claim *claim);
const struct auth_refusal *auth_read_query(
    const struct auth_request *request, struct span query, struct auth_claim *claim);

/* Cuts the credential into its parts; false when it is none. */
bool auth_split_credential(struct auth_claim *claim);

/* They are of S3, of a region that clients may sign for, of the time's date. */
const struct auth_refusal *auth_check_scope(
    const struct auth_rules *rules, const struct auth_claim *claim);
const struct auth_refusal *auth_check_time(
    const struct auth_rules *rules, const struct auth_claim *claim);
const struct auth_refusal *auth_check_signed_headers(
    const struct auth_request *request, const struct auth_claim *claim);
const struct auth_refusal *auth_check_hops(
    const struct auth_request *request, const struct auth_claim *claim);

/* The id into `auth`, for whoever counts; region and time, once they were checked; the verdict. */
void auth_remember_id(const struct auth_claim *claim, struct auth *auth);
void auth_remember_scope(const struct auth_claim *claim, struct auth *auth);
void auth_conclude(struct auth *auth, const struct auth_refusal *refusal);

/* The key of `auth->access_key_id`, with the right token, into `auth->key`. */
const struct auth_refusal *auth_find_key(
    const struct auth_rules *rules, const struct auth_claim *claim, struct auth *auth);

/* A token that was right once. After the signature, for it is nobody else's business. */
const struct auth_refusal *auth_check_expiry(
    const struct auth_rules *rules, const struct auth *auth);

const struct auth_refusal *auth_read_payload(const struct auth_request *request, struct auth *auth);

/* Whether the query carries a signature: of which version, or 0. */
int auth_query_version(struct span query);
