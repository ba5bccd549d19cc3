/* Requests to the Security Token Service (2011-06-15, query protocol). */
#pragma once

#include "base/credentials_plan.h"
#include "base/text.h"

struct credentials_sts_request {
    char *url;
    struct text body;                             /* a form */
    struct text authorization, host, date, token; /* "Name: value"; empty where there is none */
};

/* AssumeRole, signed by `signer`. 0 or negative errno with words. */
int credentials_sts_assume(const struct credentials_plan *plan, const struct credentials_role *role,
    const struct credential *signer, uint64_t now_s, struct credentials_sts_request *ret,
    struct failure *why);

/* AssumeRoleWithWebIdentity: the token, which is read from the plan's file, is what signs it. */
int credentials_sts_web_identity(const struct credentials_plan *plan, uint64_t now_s,
    struct credentials_sts_request *ret, struct failure *why);

void credentials_sts_request_fini(struct credentials_sts_request *request); /* wiped */
