/* One value of each kind: is it of the right JSON type, within its bounds, and where does it go.
 * A value that is none of this is noted; what it would have set stays as it was. */
#include "config/check.h"

#include "base/json.h"
#include "base/memory.h"
#include "config/value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The JSON type that a kind has, in words. */
static const char *type_of(const struct option *option)
{
    switch (option->kind) {
    case OPTION_BOOLEAN:
        return "true or false";
    case OPTION_INTEGER:
        return "a whole number";
    case OPTION_NUMBER:
        return "a number";
    case OPTION_OBJECT:
    case OPTION_MAP:
        return "an object";
    case OPTION_LIST:
        return "an array";
    case OPTION_LISTEN:
        return "an address or an array of addresses";
    case OPTION_DURATION:
    case OPTION_SECONDS:
        return "a duration such as \"5s\"";
    case OPTION_SIZE:
        return "a size such as \"16MiB\"";
    default:
        return "a string";
    }
}

static bool has_type(const struct option *option, const cJSON *value)
{
    uint64_t integer;
    switch (option->kind) {
    case OPTION_BOOLEAN:
        return cJSON_IsBool(value);
    case OPTION_INTEGER:
        return json_is_integer(value, &integer);
    case OPTION_NUMBER:
        return cJSON_IsNumber(value);
    case OPTION_OBJECT:
    case OPTION_MAP:
        return cJSON_IsObject(value);
    case OPTION_LIST:
        return cJSON_IsArray(value);
    case OPTION_LISTEN:
        return cJSON_IsString(value) || cJSON_IsArray(value) ||
               (option->members && cJSON_IsObject(value));
    case OPTION_EITHER:
    case OPTION_REFUSED:
        return true;
    default:
        return cJSON_IsString(value);
    }
}

/* A bound of the table, in the unit of the value. */
static uint64_t bound(const struct option *option, const char *text)
{
    uint64_t value = strtoull(text, NULL, 10);
    if (option->kind == OPTION_DURATION || option->kind == OPTION_SECONDS)
        value_duration(text, &value, NULL);
    else if (option->kind == OPTION_SIZE)
        value_size(text, &value, NULL);
    return value;
}

static bool within(
    struct check *check, const struct option *option, const cJSON *where, uint64_t value)
{
    bool low = option->least && value < bound(option, option->least);
    bool high = option->most && value > bound(option, option->most);
    if (low || high)
        check_wrong(check, where, "must be at %s %s", low ? "least" : "most",
            low ? option->least : option->most);
    return !low && !high;
}

static bool count_within(struct check *check, const struct option *option, const cJSON *where)
{
    size_t count = (size_t)cJSON_GetArraySize(where);
    bool low = option->least && count < bound(option, option->least);
    bool high = option->most && count > bound(option, option->most);
    if (low || high)
        check_wrong(check, where, "must have at %s %s", low ? "least" : "most",
            low ? option->least : option->most);
    return !high;
}

static void read_number(
    struct check *check, const struct option *option, const cJSON *value, void *into)
{
    uint64_t number = 0;
    struct failure why;
    int status = 0;
    if (option->kind == OPTION_INTEGER)
        json_is_integer(value, &number);
    else if (option->kind == OPTION_SIZE)
        status = value_size(value->valuestring, &number, &why);
    else
        status = value_duration(value->valuestring, &number, &why);
    if (status < 0)
        check_wrong(check, value, "%s", why.text);
    else if (option->kind == OPTION_SECONDS && number % 1000)
        check_wrong(check, value, "must be whole seconds");
    else if (within(check, option, value, number) && into) {
        if (option->kind == OPTION_INTEGER)
            *(unsigned *)into = (unsigned)number;
        else if (option->kind == OPTION_SECONDS)
            *(uint32_t *)into = (uint32_t)(number / 1000);
        else
            *(uint64_t *)into = number;
    }
}

static void read_choice(
    struct check *check, const struct option *option, const cJSON *value, void *into)
{
    char words[512] = "";
    size_t used = 0;
    for (const struct choice *choice = option->choices; choice->word; choice++) {
        if (strcmp(choice->word, value->valuestring) == 0) {
            if (into)
                *(unsigned *)into = choice->value;
            return;
        }
        used += (size_t)snprintf(words + used, sizeof words - used, "%s\"%s\"",
            used == 0        ? ""
            : choice[1].word ? ", "
                             : " or ",
            choice->word);
    }
    check_wrong(check, value, "must be %s, not \"%.100s\"", words, value->valuestring);
}

static void read_text(
    struct check *check, const struct option *option, const cJSON *value, void *into)
{
    const char *text = value->valuestring;
    struct failure why;
    int status = 0;
    if (option->kind == OPTION_REGION) {
        check_region(check, value, text);
        return;
    }
    if (option->kind == OPTION_ID)
        status = value_id(text, &why);
    else if (option->kind == OPTION_PATH)
        status = value_path(text, &why);
    else if (option->kind == OPTION_URL)
        status = value_url(text, &why);
    else if (!*text && !option->least)
        status = failure_set(&why, -EINVAL, "must not be empty");
    if (status < 0)
        check_wrong(check, value, "%s", why.text);
    else if (option->most && strlen(text) > bound(option, option->most))
        check_wrong(check, value, "must be at most %s bytes long", option->most);
    else if (into)
        *(char **)into = memory_text(text);
}

static void read_either(
    struct check *check, const struct option *option, const cJSON *value, void *base)
{
    char words[256] = "";
    size_t used = 0;
    for (const struct option *one = option->members; one->key; one++) {
        if (has_type(one, value)) {
            check_value(check, one, value, base);
            return;
        }
        used += (size_t)snprintf(
            words + used, sizeof words - used, "%s%s", used ? " or " : "", type_of(one));
    }
    check_wrong(check, value, "must be %s", words);
}

/* An element of `listen`: an address, or for the gateway an object around one. */
static void read_listener(
    struct check *check, const struct option *option, const cJSON *value, struct address *ret)
{
    struct failure why;
    const cJSON *text = value;
    if (option->members && cJSON_IsObject(value)) {
        check_object(check, value, option->members, NULL);
        text = json_member(value, "address");
        if (!cJSON_IsString(text))
            return;
    }
    if (!cJSON_IsString(text))
        check_wrong(check, value, "must be an address such as \"127.0.0.1:53\"");
    else if (address_parse(text->valuestring, 0, ret, &why) < 0)
        check_wrong(check, text, "%s", why.text);
}

/* Said, or known by the port: 443, 8443, 9443 … */
static bool speaks_tls(const cJSON *value, const struct address *address)
{
    const cJSON *said = cJSON_IsObject(value) ? json_member(value, "tls") : NULL;
    return cJSON_IsBool(said) ? cJSON_IsTrue(said) : address_port(address) % 1000 == 443;
}

static void read_listen(struct check *check, const struct option *option, const cJSON *value,
    struct config_listen *into)
{
    bool several = cJSON_IsArray(value);
    if (several && !count_within(check, option, value))
        return;
    size_t count = several ? (size_t)cJSON_GetArraySize(value) : 1;
    const cJSON *element = several ? value->child : value;
    into->addresses = memory_new_array(count, sizeof *into->addresses);
    into->tls = option->members ? memory_new_array(count, sizeof *into->tls) : NULL;
    for (; into->count < count; element = element->next) {
        struct address *address = &into->addresses[into->count];
        read_listener(check, option, element, address);
        if (into->tls && address->any.sa_family)
            into->tls[into->count] = speaks_tls(element, address);
        into->count++;
    }
}

const char *check_string(struct check *check, const cJSON *value)
{
    if (!cJSON_IsString(value))
        check_wrong(check, value, "must be a string");
    return cJSON_GetStringValue(value);
}

void check_elements(struct check *check, const struct option *option, const cJSON *value)
{
    const cJSON *element;
    cJSON_ArrayForEach(element, value) check_value(check, option->members, element, NULL);
}

static void repeated_keys(struct check *check, const cJSON *map)
{
    const cJSON *member;
    cJSON_ArrayForEach(member, map)
    {
        if (json_member(map, member->string) != member)
            check_wrong(check, member, "given twice");
    }
}

static bool bounded(struct check *check, const struct option *option, const cJSON *value)
{
    if (option->kind != OPTION_LIST && option->kind != OPTION_MAP)
        return true;
    if (!count_within(check, option, value))
        return false;
    if (option->kind == OPTION_MAP)
        repeated_keys(check, value);
    return true;
}

/* What the kind itself does with a value of its type. */
static void read_kind(
    struct check *check, const struct option *option, const cJSON *value, void *base)
{
    void *into = option->stored ? (char *)base + option->offset : NULL;
    switch (option->kind) {
    case OPTION_NUMBER:
        break;
    case OPTION_BOOLEAN:
        if (into)
            *(bool *)into = cJSON_IsTrue(value);
        break;
    case OPTION_INTEGER:
    case OPTION_DURATION:
    case OPTION_SECONDS:
    case OPTION_SIZE:
        read_number(check, option, value, into);
        break;
    case OPTION_CHOICE:
        read_choice(check, option, value, into);
        break;
    case OPTION_IP:
        if (!address_parse_ip(value->valuestring, into))
            check_wrong(check, value, "\"%.100s\" is not an IP address", value->valuestring);
        break;
    case OPTION_LISTEN:
        read_listen(check, option, value, into);
        break;
    case OPTION_OBJECT:
        check_object(check, value, option->members, base);
        break;
    case OPTION_LIST:
    case OPTION_MAP:
        check_elements(check, option, value);
        break;
    case OPTION_EITHER:
        read_either(check, option, value, base);
        break;
    case OPTION_REFUSED:
        check_wrong(check, value, "not supported by this version");
        break;
    default:
        read_text(check, option, value, into);
        break;
    }
}

void check_value(struct check *check, const struct option *option, const cJSON *value, void *base)
{
    if (!has_type(option, value))
        check_wrong(check, value, "must be %s", type_of(option));
    else if (!bounded(check, option, value))
        return; /* noted; there may be too much of it to look at */
    else if (option->read)
        option->read(check, option, value, base);
    else
        read_kind(check, option, value, base);
}
