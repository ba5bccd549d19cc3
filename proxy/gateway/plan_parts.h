/* What the files of the plan share. */
#pragma once

#include "proxy/gateway/chunked.h"
#include "proxy/gateway/map.h"
#include "proxy/gateway/plan.h"
#include "proxy/gateway/resign.h"

#define PLAN_MD5_SIZE 25 /* in base 64, and NUL */

/* A request under another shape. */
struct plan_shape {
    char hash[SIGV4_HASH_SIZE]; /* of a body that was rewritten */
    char md5[PLAN_MD5_SIZE];
    uint64_t rest; /* bytes of the client's body that follow plan.body */
    struct http_head head;
    struct resigned resigned; /* of nobody: an anonymous request stays so */
};

/* Stays where it is: the map points into the route, and to itself. */
struct plan_parts {
    struct route route;
    struct map map;
    struct plan_shape *shape; /* NULL: it passes as it is */
};

void plan_refuse(struct plan *plan, enum gateway_error error, const struct answer *answer);
void plan_refuse_as(struct plan *plan, enum gateway_error error, enum s3_error_code code,
    const char *message); /* NULL: S3's own words */

/* plan_mapped.c: empty. */
struct plan_shape *plan_shape_new(void);

/* Verified, under its new shape, signed anew. */
void plan_map(struct plan *plan, const struct plan_inputs *inputs);

struct auth_rules plan_auth_rules(const struct plan_inputs *inputs);
void plan_refuse_auth(
    struct plan *plan, const struct plan_inputs *inputs, const struct auth_refusal *refusal);

/* Whose key signs what `auth` vouches for; NULL: refused. */
struct auth_key *plan_signer(
    struct plan *plan, const struct plan_inputs *inputs, const struct auth *auth);

/* Under the new shape, with plan.body and the rest behind it, and nothing that signs the head. */
void plan_send_unsigned(struct plan *plan, const struct plan_inputs *inputs);

/* plan_form.c: a browser's upload. */
void plan_map_form(struct plan *plan, const struct plan_inputs *inputs);

/* plan_body.c: a body that names buckets, for which `auth` vouches. False: refused, or to be
 * collected first. */
bool plan_rewrite_body(
    struct plan *plan, const struct plan_inputs *inputs, const struct auth *auth);

/* plan_filters.c */
struct response_mapper *plan_mapper_new(struct plan *plan);
struct body_filter *plan_chunked_filter_new(const struct chunked_options *options);
