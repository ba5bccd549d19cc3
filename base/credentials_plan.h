/* Where credentials will be looked for: decided by the environment and the files alone. */
#pragma once

#include "base/credentials.h"
#include "base/ini.h"

#define CREDENTIALS_ROLES_MOST 5

enum credentials_base {
    CREDENTIALS_STATIC, /* `keys` */
    CREDENTIALS_WEB_IDENTITY,
    CREDENTIALS_CONTAINER,
    CREDENTIALS_INSTANCE
};

struct credentials_role {
    char *arn, *session_name, *external_id; /* the last two may be NULL */
    char *duration_s;                       /* as it is written; NULL: an hour */
};

struct credentials_plan {
    const char *source; /* in words */
    enum credentials_base base;
    struct credential keys;                       /* CREDENTIALS_STATIC */
    struct credentials_role web;                  /* CREDENTIALS_WEB_IDENTITY */
    char *token_file;                             /* likewise */
    char *container_url;                          /* CREDENTIALS_CONTAINER */
    char *container_token, *container_token_file; /* or NULL */
    char *instance_url;                           /* CREDENTIALS_INSTANCE; no slash at its end */
    struct credentials_role roles[CREDENTIALS_ROLES_MOST]; /* assumed one after the other, from 0 */
    size_t role_count;
    char *sts_url;
    char *region;
};

/* The files' names are the environment's, or those in $HOME. 0 or -EINVAL with words; to be given
 * to credentials_plan_fini in any case. */
int credentials_plan_make(
    const struct credentials_options *options, struct credentials_plan *ret, struct failure *why);
void credentials_plan_fini(struct credentials_plan *plan);

/* Whether a container's credentials may be fetched from `url`: over TLS from anywhere, otherwise
 * from loopback and the addresses that ECS and EKS use. */
bool credentials_container_url_is_safe(const char *url);
