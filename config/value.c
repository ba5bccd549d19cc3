/* Each text is read in one go; what is not understood whole is refused in words that show what
 * would have been. */
#include "config/value.h"

#include "base/memory.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

struct unit {
    const char *name;
    uint64_t factor;
};

/* Digits and a unit; few enough digits that no unit overflows. */
static bool parse_amount(const char *text, const struct unit *units, uint64_t *ret)
{
    size_t digits = strspn(text, "0123456789");
    if (digits == 0 || digits > 10)
        return false;
    for (; units->name; units++) {
        if (strcmp(text + digits, units->name) == 0) {
            *ret = strtoull(text, NULL, 10) * units->factor;
            return true;
        }
    }
    return false;
}

bool config_parse_duration(const char *text, uint64_t *ret_ms)
{
    static const struct unit units[] = {
        {"ms", 1}, {"s", 1000}, {"m", 60000}, {"h", 3600000}, {"d", 86400000}, {0}};
    return parse_amount(text, units, ret_ms);
}

int value_duration(const char *text, uint64_t *ret_ms, struct failure *why)
{
    if (config_parse_duration(text, ret_ms))
        return 0;
    return failure_set(why, -EINVAL,
        "\"%.100s\" is not a duration such as \"500ms\", \"5s\", \"3m\", \"1h\", \"1d\"", text);
}

int value_size(const char *text, uint64_t *ret_bytes, struct failure *why)
{
    static const struct unit units[] = {
        {"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}, {0}};
    if (parse_amount(text, units, ret_bytes))
        return 0;
    return failure_set(why, -EINVAL,
        "\"%.100s\" is not a size such as \"512B\", \"16KiB\", \"64MiB\", \"1GiB\"", text);
}

/* Visible ASCII, not even a space: goes into logs, metrics and commands as it is. */
static bool is_visible(const char *text)
{
    for (; *text; text++) {
        if (*text <= ' ' || *text >= 0x7f)
            return false;
    }
    return true;
}

int value_id(const char *text, struct failure *why)
{
    size_t size = strlen(text);
    if (size > 0 && size <= CONFIG_ID_MAX && is_visible(text))
        return 0;
    return failure_set(why, -EINVAL,
        "\"%.100s\" cannot be a name here: 1 to %d ASCII characters without spaces", text,
        CONFIG_ID_MAX);
}

int value_path(const char *text, struct failure *why)
{
    if (text[0] == '/' && strlen(text) < 4096)
        return 0;
    return failure_set(why, -EINVAL, "\"%.100s\" is not an absolute path", text);
}

int value_url(const char *text, struct failure *why)
{
    const char *host = strncmp(text, "http://", 7) == 0    ? text + 7
                       : strncmp(text, "https://", 8) == 0 ? text + 8
                                                           : "";
    if (*host && !strchr("/:?#", *host) && is_visible(text))
        return 0;
    return failure_set(why, -EINVAL, "\"%.100s\" is not a URL such as \"https://HOST:PORT\"", text);
}

static bool ends_with(const char *text, const char *end)
{
    size_t size = strlen(text), end_size = strlen(end);
    return size >= end_size && strcmp(text + size - end_size, end) == 0;
}

/* https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucketnamingrules.html */
int value_bucket(const char *text, struct failure *why)
{
    static const char letters[] = "abcdefghijklmnopqrstuvwxyz0123456789";
    static const char *const reserved[] = {
        "-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3", NULL};
    size_t size = strlen(text);
    struct address address;
    if (size < 3 || size > 63)
        return failure_set(why, -EINVAL, "\"%.100s\" is not 3 to 63 characters long", text);
    if (strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789.-") != size)
        return failure_set(why, -EINVAL,
            "\"%s\" is not a bucket name: lower-case letters, digits, dots and hyphens", text);
    if (!strchr(letters, text[0]) || !strchr(letters, text[size - 1]) || strstr(text, ".."))
        return failure_set(why, -EINVAL,
            "\"%s\" is not a bucket name: a letter or digit at both ends, no two dots in a row",
            text);
    bool taken = strncmp(text, "xn--", 4) == 0 || strncmp(text, "sthree-", 7) == 0;
    for (size_t i = 0; reserved[i]; i++)
        taken = taken || ends_with(text, reserved[i]);
    if (taken || address_parse_ip(text, &address))
        return failure_set(why, -EINVAL, "\"%s\" is a form that S3 reserves", text);
    return 0;
}

int value_name(const char *text, struct name *ret, struct failure *why)
{
    *ret = (struct name){0};
    if (strchr(text, '*'))
        return failure_set(why, -EINVAL, "\"%.300s\" has a \"*\" where none can be", text);
    if (!is_visible(text))
        return failure_set(why, -EINVAL,
            "\"%.300s\" is not a domain name: ASCII without spaces (others as \"xn--…\")", text);
    if (name_from_text(text, ret) && ret->size > 1)
        return 0;
    *ret = (struct name){0};
    return failure_set(why, -EINVAL, "\"%.300s\" is not a domain name", text);
}

int value_pattern(const char *text, struct config_name *ret, struct failure *why)
{
    ret->wildcard = strncmp(text, "*.", 2) == 0;
    return value_name(ret->wildcard ? text + 2 : text, &ret->name, why);
}

/* The root is not counted. A host whose last label is a number is a mistyped address. */
static bool last_label_is_number(const struct name *name)
{
    const uint8_t *label = name->wire;
    while (label[label[0] + 1])
        label += label[0] + 1;
    for (unsigned i = 1; i <= label[0]; i++) {
        if (label[i] < '0' || label[i] > '9')
            return false;
    }
    return true;
}

static bool parse_port(const char *text, uint16_t *ret)
{
    size_t digits = strspn(text, "0123456789");
    unsigned long port = strtoul(text, NULL, 10);
    *ret = (uint16_t)port;
    return digits > 0 && digits <= 5 && !text[digits] && port > 0 && port <= UINT16_MAX;
}

static int parse_host(const char *host, struct config_target *ret, struct failure *why)
{
    ret->is_address = address_parse_ip(host, &ret->address);
    if (ret->is_address)
        return 0;
    int status = value_name(host, &ret->name, why);
    if (status == 0 && last_label_is_number(&ret->name))
        return failure_set(why, -EINVAL, "\"%.300s\" is neither a host nor an IP address", host);
    return status;
}

int value_target(const char *text, struct config_target *ret, struct failure *why)
{
    *ret = (struct config_target){0};
    ret->is_address = address_parse_ip(text, &ret->address);
    if (ret->is_address)
        return 0;
    if (text[0] == '[') {
        bool with_port = text[strlen(text) - 1] != ']';
        int status = address_parse(text, with_port ? 0 : 1, &ret->address, why);
        ret->is_address = true;
        ret->port = status == 0 && with_port ? address_port(&ret->address) : 0;
        if (status == 0)
            address_set_port(&ret->address, 0);
        return status;
    }
    const char *colon = strrchr(text, ':');
    if (!colon)
        return parse_host(text, ret, why);
    if (!parse_port(colon + 1, &ret->port))
        return failure_set(why, -EINVAL, "\"%.300s\" has no valid port", text);
    char *host = memory_text_of(text, (size_t)(colon - text));
    int status = parse_host(host, ret, why);
    free(host);
    return status;
}

int value_upstream(const char *text, struct config_upstream *ret, struct failure *why)
{
    *ret = (struct config_upstream){0};
    if (strncmp(text, "tls://", 6) != 0)
        return address_parse(text, 53, &ret->address, why);
    const char *mark = strchr(text, '#');
    struct name name;
    if (!mark || !mark[1])
        return failure_set(
            why, -EINVAL, "\"%.300s\" lacks \"#NAME\", the name in its certificate", text);
    char *address = memory_text_of(text + 6, (size_t)(mark - text - 6));
    int status = address_parse(address, 853, &ret->address, why);
    free(address);
    if (status == 0)
        status = value_name(mark + 1, &name, why);
    if (status == 0)
        ret->tls_name = memory_text(mark + 1);
    return status;
}

int value_s3_url(const char *text, struct config_s3_endpoint *ret, struct failure *why)
{
    bool tls = strncmp(text, "https://", 8) == 0;
    const char *host = strchr(text, '/') + 2;
    size_t size = strcspn(host, "/?#@");
    *ret = (struct config_s3_endpoint){.tls = tls, .port = tls ? 443 : 80};
    if (strcmp(host + size, "/") != 0 && host[size])
        return failure_set(
            why, -EINVAL, "\"%.300s\" has more than a scheme, a host and a port", text);
    char *own = memory_text_of(host, size);
    char *colon = strrchr(own, ':');
    bool good = true;
    if (colon && !strchr(colon, ']')) {
        *colon = '\0';
        good = parse_port(colon + 1, &ret->port);
    }
    struct address address;
    struct name name;
    good = good && (own[0] == '[' ? address_parse(own, 80, &address, NULL) == 0
                                  : name_from_text(own, &name) && name.size > 1);
    for (char *c = own; *c; c++)
        *c = *c >= 'A' && *c <= 'Z' ? (char)(*c + 'a' - 'A') : *c;
    if (good) {
        ret->host = own;
        return 0;
    }
    free(own);
    return failure_set(why, -EINVAL, "\"%.300s\" has no valid host or port", text);
}
