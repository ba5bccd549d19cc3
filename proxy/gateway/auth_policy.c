/* On the good day: base 64, JSON, a date to come, and every condition holds for a field and every
 * field is held by a condition.
 *
 * The policy was signed by somebody who has a key, and still it is read as if it were not. */
#include "proxy/gateway/auth_policy.h"

#include "base/memory.h"
#include "base/sigv4.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <strings.h>

/* Fields that no condition needs to name. */
static bool is_exempt(const struct http_header *field)
{
    return http_header_is(field, span_of_text("policy")) ||
           http_header_is(field, span_of_text("x-amz-signature")) ||
           http_header_is(field, span_of_text("file")) ||
           http_header_starts_with(field, "x-ignore-");
}

const struct auth_refusal *auth_check_length(const struct auth_limits *limits, uint64_t length)
{
    if (length < limits->least)
        return &auth_policy_too_small;
    return length > limits->most ? &auth_policy_too_large : NULL;
}

static char *decode_base64(struct span text, size_t *ret_size)
{
    if (text.size == 0 || text.size % 4 != 0 || text.size > AUTH_POLICY_SIZE)
        return NULL;
    char *data = memory_new(text.size / 4 * 3 + 1);
    int size = EVP_DecodeBlock((unsigned char *)data, text.data, (int)text.size);
    for (size_t i = 1; size > 0 && i <= 2 && text.data[text.size - i] == '='; i++)
        size--;
    if (size <= 0) {
        free(data);
        return NULL;
    }
    *ret_size = (size_t)size;
    return data;
}

cJSON *auth_policy_parse(struct span policy)
{
    size_t size = 0;
    char *text = decode_base64(policy, &size);
    cJSON *root = NULL;
    if (text && json_parse(text, size, &root, NULL, NULL) < 0)
        root = NULL;
    free(text);
    return root;
}

/* The one field of that name; the bucket is there whether the form has it or not. */
static bool find_value(const struct auth_form *form, const char *name, struct span *ret)
{
    const struct http_header *field = http_header_find(form->fields, form->count, name);
    bool is_bucket = !field && strcasecmp(name, "bucket") == 0;
    *ret = field ? field->value : is_bucket ? form->bucket : (struct span){0};
    return field || is_bucket;
}

static bool starts_with(struct span value, struct span prefix)
{
    return value.size >= prefix.size && memcmp(value.data, prefix.data, prefix.size) == 0;
}

/* Of a Content-Type each type in the list must begin so. */
static bool all_start_with(struct span value, struct span prefix)
{
    for (;;) {
        const uint8_t *comma = value.size ? memchr(value.data, ',', value.size) : NULL;
        if (!starts_with(value, prefix))
            return false;
        if (!comma)
            return true;
        size_t step = (size_t)(comma - value.data) + 1;
        value = span_of(value.data + step, value.size - step);
        while (value.size > 0 && *value.data == ' ')
            value = span_of(value.data + 1, value.size - 1);
    }
}

static bool is_equal(const struct auth_form *form, const char *name, const char *expected)
{
    struct span value, wanted = span_of_text(expected);
    return find_value(form, name, &value) && value.size == wanted.size &&
           starts_with(value, wanted);
}

static bool begins(const struct auth_form *form, const char *name, const char *prefix)
{
    struct span value, wanted = span_of_text(prefix);
    if (wanted.size == 0)
        return true;
    if (!find_value(form, name, &value))
        return false;
    return strcasecmp(name, "content-type") == 0 ? all_start_with(value, wanted)
                                                 : starts_with(value, wanted);
}

/* {"acl": "public-read"} */
static const struct auth_refusal *check_object(const cJSON *condition, const struct auth_form *form)
{
    const cJSON *member = NULL;
    if (!condition->child)
        return &auth_policy_malformed;
    cJSON_ArrayForEach(member, condition)
    {
        const char *expected = cJSON_GetStringValue(member);
        if (!expected)
            return &auth_policy_malformed;
        if (!is_equal(form, member->string, expected))
            return &auth_policy_condition;
    }
    return NULL;
}

static const struct auth_refusal *read_range(const cJSON *condition, struct auth_limits *limits)
{
    struct auth_limits range;
    if (!json_is_integer(cJSON_GetArrayItem(condition, 1), &range.least) ||
        !json_is_integer(cJSON_GetArrayItem(condition, 2), &range.most))
        return &auth_policy_malformed;
    if (range.least > limits->least)
        limits->least = range.least;
    if (range.most < limits->most)
        limits->most = range.most;
    return NULL;
}

/* ["starts-with", "$key", "user/"] */
static const struct auth_refusal *check_array(
    const cJSON *condition, const struct auth_form *form, struct auth_limits *limits)
{
    const char *verb = cJSON_GetStringValue(cJSON_GetArrayItem(condition, 0));
    if (!verb || cJSON_GetArraySize(condition) != 3)
        return &auth_policy_malformed;
    if (strcasecmp(verb, "content-length-range") == 0)
        return read_range(condition, limits);
    const char *name = cJSON_GetStringValue(cJSON_GetArrayItem(condition, 1));
    const char *value = cJSON_GetStringValue(cJSON_GetArrayItem(condition, 2));
    if (!name || *name != '$' || !value)
        return &auth_policy_malformed;
    bool holds = false;
    if (strcasecmp(verb, "eq") == 0)
        holds = is_equal(form, name + 1, value);
    else if (strcasecmp(verb, "starts-with") == 0)
        holds = begins(form, name + 1, value);
    else
        return &auth_policy_malformed;
    return holds ? NULL : &auth_policy_condition;
}

/* Whether a condition that was checked speaks of this field. */
static bool names_field(const cJSON *condition, const struct http_header *field)
{
    const cJSON *member = NULL;
    if (cJSON_IsArray(condition)) {
        const char *name = cJSON_GetStringValue(cJSON_GetArrayItem(condition, 1));
        return name && http_header_is(field, span_of_text(name + 1));
    }
    cJSON_ArrayForEach(member, condition)
    {
        if (http_header_is(field, span_of_text(member->string)))
            return true;
    }
    return false;
}

static bool is_named(const cJSON *conditions, const struct http_header *field)
{
    const cJSON *condition = NULL;
    cJSON_ArrayForEach(condition, conditions)
    {
        if (names_field(condition, field))
            return true;
    }
    return false;
}

static const struct auth_refusal *check_conditions(
    const cJSON *conditions, const struct auth_form *form, struct auth_limits *limits)
{
    const cJSON *condition = NULL;
    if (!cJSON_IsArray(conditions))
        return &auth_policy_malformed;
    cJSON_ArrayForEach(condition, conditions)
    {
        const struct auth_refusal *refusal = &auth_policy_malformed;
        if (cJSON_IsObject(condition))
            refusal = check_object(condition, form);
        else if (cJSON_IsArray(condition))
            refusal = check_array(condition, form, limits);
        if (refusal)
            return refusal;
    }
    for (size_t i = 0; i < form->count; i++) {
        if (!is_exempt(&form->fields[i]) && !is_named(conditions, &form->fields[i]))
            return &auth_policy_extra;
    }
    return NULL;
}

const struct auth_refusal *auth_policy_check(struct span policy, const struct auth_form *form,
    uint64_t now_s, struct auth_limits *ret_limits)
{
    uint64_t expires_s = 0;
    const struct auth_refusal *refusal = &auth_policy_malformed;
    *ret_limits = (struct auth_limits){0, UINT64_MAX};
    cJSON *root = auth_policy_parse(policy);
    const char *expiration = json_text(root, "expiration");
    if (expiration && sigv4_time_parse_extended(expiration, &expires_s)) {
        refusal = now_s >= expires_s
                      ? &auth_policy_expired
                      : check_conditions(json_member(root, "conditions"), form, ret_limits);
    }
    cJSON_Delete(root);
    return refusal;
}
