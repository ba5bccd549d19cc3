/* Anything that claims to be JSON: from a file, or a line on the control socket. */
#include "base/json.h"
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cJSON *root;
    if (json_parse((const char *)data, size, &root, NULL, NULL) == 0)
        cJSON_Delete(root);
    return 0;
}
