/* What a container's endpoint, an instance's metadata or STS may answer: each reader gets it all.
 */
#include "base/credentials_reply.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int status, struct credential *credential)
{
    if ((status == 0) != (credential != NULL))
        abort();
    credential_free(credential);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct credential *credential = NULL;
    struct failure why;
    int status = credentials_read_json(span_of(data, size), &credential, &why);
    check(status, credential);
    status = credentials_read_xml(span_of(data, size), &credential, &why);
    check(status, credential);
    return 0;
}
