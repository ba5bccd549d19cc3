/* Whatever comes in is refused in words, or becomes a tree within its bounds whose members all have
 * names. */
#include "base/json.h"
#include "base/xml.h"

#include <stdint.h>
#include <stdlib.h>

static size_t check(const cJSON *tree, unsigned depth)
{
    size_t count = 1;
    const cJSON *member = NULL;
    if (depth > JSON_DEPTH_MAX || (!cJSON_IsObject(tree) && !cJSON_IsString(tree)))
        abort();
    cJSON_ArrayForEach(member, tree)
    {
        if (!member->string || !*member->string)
            abort();
        count += check(member, depth + 1);
    }
    return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct failure why = {""};
    cJSON *root = NULL;
    if (xml_parse((const char *)data, size, &root, &why) < 0) {
        if (root || !*why.text)
            abort();
        return 0;
    }
    if (check(root, 1) > JSON_VALUES_MAX)
        abort();
    tree_text(root, "Error/Code");
    cJSON_Delete(root);
    return 0;
}
