/* Credentials as they come over the network. */
#pragma once

#include "base/credentials.h"

/* JSON of a container's endpoint or an instance's metadata. 0 or -EINVAL with words, the service's
 * own where it has any. */
int credentials_read_json(struct span body, struct credential **ret, struct failure *why);

/* XML of STS: AssumeRole and AssumeRoleWithWebIdentity, or its errors. */
int credentials_read_xml(struct span body, struct credential **ret, struct failure *why);
