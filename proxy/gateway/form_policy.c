/* On the good day the old conditions of those fields are taken out of the policy and new ones put
 * in; expiration, ranges and all other conditions stand, for S3 to judge as we did. */
#include "proxy/gateway/form_policy.h"

#include "base/memory.h"
#include "base/sigv4.h"
#include "proxy/gateway/auth_policy.h"
#include "proxy/gateway/spans.h"

#include <errno.h>
#include <openssl/evp.h>
#include <stdlib.h>

bool form_policy_replaces(struct span field)
{
    static const char *const names[] = {"bucket", "policy", "x-amz-algorithm", "x-amz-credential",
        "x-amz-date", "x-amz-security-token", "x-amz-signature"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (spans_is_nocase(field, names[i]))
            return true;
    }
    return false;
}

/* {"bucket": "shop-eu"}: the members that are replaced go. Returns whether it is empty then. */
static bool clean_object(cJSON *condition)
{
    for (cJSON *member = condition->child, *next; member; member = next) {
        next = member->next;
        if (form_policy_replaces(span_of_text(member->string)))
            cJSON_Delete(cJSON_DetachItemViaPointer(condition, member));
    }
    return !condition->child;
}

/* ["eq", "$bucket", "shop-eu"] */
static bool is_replaced(const cJSON *condition)
{
    const char *name = cJSON_GetStringValue(cJSON_GetArrayItem(condition, 1));
    return name && *name == '$' && form_policy_replaces(span_of_text(name + 1));
}

static void clean(cJSON *conditions)
{
    for (cJSON *condition = conditions->child, *next; condition; condition = next) {
        next = condition->next;
        if (cJSON_IsObject(condition) ? clean_object(condition) : is_replaced(condition))
            cJSON_Delete(cJSON_DetachItemViaPointer(conditions, condition));
    }
}

static void require(cJSON *conditions, const char *name, const char *value)
{
    cJSON *condition = cJSON_CreateObject();
    json_add_text(condition, name, value);
    cJSON_AddItemToArray(conditions, condition);
}

static void encode(const char *json, struct text *ret)
{
    size_t size = strlen(json);
    char *encoded = memory_new((size + 2) / 3 * 4 + 1);
    int written = EVP_EncodeBlock((unsigned char *)encoded, (const unsigned char *)json, (int)size);
    text_add(ret, encoded, (size_t)written);
    free(encoded);
}

int form_policy_write(struct span policy, const struct form_policy *ours, struct text *ret)
{
    cJSON *root = auth_policy_parse(policy);
    cJSON *conditions = cJSON_GetObjectItemCaseSensitive(root, "conditions");
    char *json = NULL;
    if (cJSON_IsArray(conditions)) {
        clean(conditions);
        require(conditions, "bucket", ours->bucket);
        require(conditions, "x-amz-algorithm", SIGV4_ALGORITHM);
        require(conditions, "x-amz-credential", ours->credential);
        require(conditions, "x-amz-date", ours->time);
        if (ours->session_token)
            require(conditions, "x-amz-security-token", ours->session_token);
        json = cJSON_PrintUnformatted(root);
    }
    cJSON_Delete(root);
    if (!json)
        return -EINVAL;
    encode(json, ret);
    cJSON_free(json);
    return 0;
}
