#include "base/credentials.h"
#include "base/memory.h"
#include "base/secret.h"

#include <stdlib.h>

struct credential *credential_copy(const struct credential *from)
{
    struct credential *copy = memory_new(sizeof *copy);
    *copy = (struct credential){.access_key_id = memory_text(from->access_key_id),
        .secret = memory_text(from->secret),
        .session_token = memory_text(from->session_token),
        .expires_s = from->expires_s};
    return copy;
}

void credential_free(struct credential *credential)
{
    if (!credential)
        return;
    free(credential->access_key_id);
    secret_free(credential->secret);
    secret_free(credential->session_token);
    free(credential);
}
