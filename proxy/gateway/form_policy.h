/* A policy for another bucket, by another signer: what a verified form's policy says of the file
 * stays, what it says of the bucket and of who signed it becomes ours. */
#pragma once

#include "base/span.h"
#include "base/text.h"

#include <stdbool.h>

struct form_policy {
    const char *bucket;
    const char *credential, *time; /* x-amz-credential, x-amz-date */
    const char *session_token;     /* NULL: none */
};

/* Whether a field of that name is of those that become ours. */
bool form_policy_replaces(struct span field);

/* `policy` is in base 64 and was checked (auth_policy.h); so is what is added to `ret`. -EINVAL: it
 * cannot be written down again. */
int form_policy_write(struct span policy, const struct form_policy *ours, struct text *ret);
