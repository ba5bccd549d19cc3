/* On the good day: one scan over the bytes says that the text is worth parsing, cJSON parses it.
 * Anything else is refused by the scan with the line where it stands. */
#include "base/json.h"

#include "base/utf8.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define INTEGER_MAX 9007199254740992.0 /* 2^53: beyond it doubles skip integers */

struct scan {
    const unsigned char *at, *end;
    unsigned line, depth, values;
    bool in_string;
};

static const char *scan_string_byte(struct scan *scan)
{
    size_t left = (size_t)(scan->end - scan->at);
    if (*scan->at < 0x20)
        return "a control byte inside a string";
    if (*scan->at == '"') {
        scan->in_string = false;
    } else if (*scan->at == '\\') {
        if (left >= 6 && memcmp(scan->at, "\\u0000", 6) == 0)
            return "\\u0000 inside a string";
        if (left > 1 && scan->at[1] >= 0x20 && scan->at[1] < 0x80)
            scan->at++;
    }
    return NULL;
}

static const char *scan_byte(struct scan *scan)
{
    switch (*scan->at) {
    case '\n':
        scan->line++;
        break;
    case '"':
        scan->in_string = true;
        break;
    case '[':
    case '{':
        if (++scan->depth > JSON_DEPTH_MAX)
            return "nested too deeply";
        scan->values++;
        break;
    case ']':
    case '}':
        if (scan->depth == 0)
            return "a bracket that nothing opened";
        scan->depth--;
        break;
    case ',':
        scan->values++;
        break;
    case ' ':
    case '\t':
    case '\r':
        break;
    default:
        if (*scan->at < 0x20) /* blank space for cJSON, not for JSON */
            return "a control byte";
        break;
    }
    return scan->values > JSON_VALUES_MAX ? "too many values" : NULL;
}

static const char *scan_all(struct scan *scan)
{
    while (scan->at < scan->end) {
        size_t size = utf8_size(scan->at, (size_t)(scan->end - scan->at));
        if (size == 0)
            return "not valid UTF-8";
        const char *wrong = NULL;
        if (scan->in_string)
            wrong = scan_string_byte(scan);
        else
            wrong = scan_byte(scan);
        if (wrong)
            return wrong;
        scan->at += size;
    }
    return scan->in_string || scan->depth > 0 ? "it ends too early" : NULL;
}

static unsigned line_of(const char *text, const char *at)
{
    unsigned line = 1;
    for (; text < at; text++)
        line += *text == '\n';
    return line;
}

static const char *skip_space(const char *at, const char *end)
{
    while (at < end && (*at == ' ' || *at == '\t' || *at == '\r' || *at == '\n'))
        at++;
    return at;
}

int json_parse(
    const char *text, size_t size, cJSON **ret_root, unsigned *ret_line, struct failure *why)
{
    struct scan scan = {
        .at = (const unsigned char *)text, .end = (const unsigned char *)text + size, .line = 1};
    *ret_root = NULL;
    const char *wrong = scan_all(&scan);
    if (wrong) {
        if (ret_line)
            *ret_line = scan.line;
        return failure_set(why, -EINVAL, "not valid JSON: %s", wrong);
    }
    const char *end = text + size, *at = text;
    cJSON *root = cJSON_ParseWithLengthOpts(text, size, &at, 0);
    at = skip_space(at, end);
    if (root && at == end) {
        *ret_root = root;
        return 0;
    }
    if (ret_line)
        *ret_line = line_of(text, at < end ? at : end);
    failure_set(why, -EINVAL, root ? "not valid JSON: text after its end" : "not valid JSON");
    cJSON_Delete(root);
    return -EINVAL;
}

const cJSON *json_member(const cJSON *object, const char *key)
{
    return cJSON_IsObject(object) ? cJSON_GetObjectItemCaseSensitive(object, key) : NULL;
}

const char *json_text(const cJSON *object, const char *key)
{
    return cJSON_GetStringValue(json_member(object, key));
}

bool json_bool(const cJSON *object, const char *key, bool fallback)
{
    const cJSON *value = json_member(object, key);
    return cJSON_IsBool(value) ? cJSON_IsTrue(value) : fallback;
}

bool json_is_integer(const cJSON *value, uint64_t *ret)
{
    if (!cJSON_IsNumber(value))
        return false;
    double number = value->valuedouble;
    if (!(number >= 0 && number <= INTEGER_MAX) || number != floor(number))
        return false;
    *ret = (uint64_t)number;
    return true;
}

bool json_integer(const cJSON *object, const char *key, uint64_t *ret)
{
    return json_is_integer(json_member(object, key), ret);
}

void json_add_text(cJSON *object, const char *key, const char *text)
{
    if (text)
        cJSON_AddStringToObject(object, key, text);
    else
        cJSON_AddNullToObject(object, key);
}
