/* Records, ours and Route 53's, made comparable.
 *
 * Route 53 writes names in lower case, with a last dot and with octal escapes for what is no
 * letter, digit, hyphen or underscore; people write them as they like. Values come back as they
 * were sent. */
#include "failover/aws/route53.h"

#include "base/json.h"
#include "base/memory.h"
#include "base/percent.h"
#include "base/xml.h"
#include "base/xml_write.h"
#include "config/config.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_ESCAPED 1024 /* 255 bytes, each as an escape of four */
#define TXT_PART_MAX 255      /* bytes of one string of a TXT record (RFC 1035 section 3.3) */

const char *route53_zone_id(const char *zone)
{
    static const char prefix[] = "/hostedzone/";
    bool whole = strncmp(zone, prefix, sizeof prefix - 1) == 0;
    const char *id = whole ? zone + sizeof prefix - 1 : zone;
    size_t size = strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789");
    return size > 0 && size <= ROUTE53_ID_MAX && !id[size] ? id : NULL;
}

static bool is_octal(const char *text)
{
    for (int i = 0; i < 3; i++) {
        if (text[i] < '0' || text[i] > '7')
            return false;
    }
    return text[0] <= '3';
}

/* Lower case, escapes resolved, no last dot. False when it is too long for a name. */
static bool make_normal(const char *name, char ret[NAME_MAX_ESCAPED])
{
    size_t used = 0;
    while (*name && used < NAME_MAX_ESCAPED - 1) {
        unsigned char byte = (unsigned char)*name++;
        if (byte == '\\' && is_octal(name)) {
            byte = (unsigned char)((name[0] - '0') << 6 | (name[1] - '0') << 3 | (name[2] - '0'));
            name += 3;
        }
        ret[used++] = (char)tolower(byte);
    }
    if (used > 0 && ret[used - 1] == '.')
        used--;
    ret[used] = '\0';
    return !*name;
}

bool route53_same_name(const char *one, const char *other)
{
    char first[NAME_MAX_ESCAPED], second[NAME_MAX_ESCAPED];
    return make_normal(one, first) && make_normal(other, second) && strcmp(first, second) == 0;
}

uint64_t route53_ttl(const cJSON *record)
{
    uint64_t seconds = 0, ms;
    const char *duration = json_text(record, "ttl");
    if (duration && config_parse_duration(duration, &ms))
        return ms / 1000;
    return json_integer(record, "ttl", &seconds) ? seconds : 0;
}

bool route53_is_of(const cJSON *set, const cJSON *record)
{
    const char *name = tree_text(set, "Name"), *type = tree_text(set, "Type");
    return name && type && strcasecmp(type, json_text(record, "type")) == 0 &&
           route53_same_name(name, json_text(record, "name"));
}

bool route53_is_simple(const cJSON *set)
{
    return tree_text(set, "SetIdentifier") == NULL;
}

static bool is_one_of(const char *type, const char *const *types)
{
    while (*types && strcasecmp(type, *types) != 0)
        types++;
    return *types != NULL;
}

static bool is_text(const char *type)
{
    static const char *const types[] = {"TXT", "SPF", NULL};
    return is_one_of(type, types);
}

/* Route 53 wants TXT in quotes, in parts; who writes a runbook need not know. */
static void quote(struct text *value, const char *plain)
{
    size_t part = 0;
    text_put(value, "\"");
    for (const unsigned char *at = (const unsigned char *)plain; *at; at++) {
        if (part++ == TXT_PART_MAX) {
            text_put(value, "\" \"");
            part = 1;
        }
        if (*at == '"' || *at == '\\')
            text_format(value, "\\%c", *at);
        else if (*at < ' ' || *at > '~')
            text_format(value, "\\%03o", *at);
        else
            text_format(value, "%c", *at);
    }
    text_put(value, "\"");
}

/* What is sent for a value of the runbook. */
static void add_value(struct text *text, const char *type, const char *value)
{
    if (is_text(type) && value[0] != '"')
        quote(text, value);
    else
        text_put(text, value);
}

/* "10 Mail.shop.example." and "10 mail.shop.example" are the same. */
static void add_normal_names(struct text *text, const char *value)
{
    char normal[NAME_MAX_ESCAPED];
    text_put(text, make_normal(value, normal) ? normal : value);
}

static void add_normal_address(struct text *text, int family, const char *value)
{
    unsigned char address[sizeof(struct in6_addr)];
    char normal[INET6_ADDRSTRLEN];
    bool valid =
        inet_pton(family, value, address) == 1 && inet_ntop(family, address, normal, sizeof normal);
    text_put(text, valid ? normal : value);
}

/* A value as it is compared; free() it. */
static char *normal_value(const char *type, const char *value)
{
    static const char *const names[] = {"CNAME", "NS", "PTR", "MX", "SRV", NULL};
    struct text text = {0};
    if (is_one_of(type, names))
        add_normal_names(&text, value);
    else if (strcasecmp(type, "AAAA") == 0)
        add_normal_address(&text, AF_INET6, value);
    else
        add_value(&text, type, value);
    return text.data;
}

static int compare_texts(const void *one, const void *other)
{
    return strcmp(*(char *const *)one, *(char *const *)other);
}

struct values {
    char **list;
    size_t count;
};

static void values_add(struct values *values, const char *type, const char *value)
{
    values->list = memory_resize(values->list, values->count + 1, sizeof *values->list);
    values->list[values->count++] = normal_value(type, value);
}

/* In order, each once: as a set. */
static void values_sort(struct values *values)
{
    size_t kept = 0;
    if (values->count > 0)
        qsort(values->list, values->count, sizeof *values->list, compare_texts);
    for (size_t i = 0; i < values->count; i++) {
        if (kept > 0 && strcmp(values->list[kept - 1], values->list[i]) == 0)
            free(values->list[i]);
        else
            values->list[kept++] = values->list[i];
    }
    values->count = kept;
}

static void values_fini(struct values *values)
{
    for (size_t i = 0; i < values->count; i++)
        free(values->list[i]);
    free(values->list);
}

static bool values_equal(struct values *one, struct values *other)
{
    values_sort(one);
    values_sort(other);
    bool equal = one->count == other->count;
    for (size_t i = 0; equal && i < one->count; i++)
        equal = strcmp(one->list[i], other->list[i]) == 0;
    return equal;
}

static bool has_values(const cJSON *set, const cJSON *record)
{
    const char *type = json_text(record, "type");
    struct values now = {0}, asked = {0};
    const cJSON *value;
    cJSON_ArrayForEach(value, tree_find(set, "ResourceRecords"))
    {
        const char *text = tree_text(value, "Value");
        values_add(&now, type, text ? text : "");
    }
    cJSON_ArrayForEach(value, json_member(record, "values"))
    {
        values_add(&asked, type, value->valuestring);
    }
    bool equal = values_equal(&now, &asked);
    values_fini(&now);
    values_fini(&asked);
    return equal;
}

bool route53_is_equal(const cJSON *set, const cJSON *record)
{
    const char *ttl = tree_text(set, "TTL");
    return ttl && strtoull(ttl, NULL, 10) == route53_ttl(record) &&
           !tree_find(set, "AliasTarget") && has_values(set, record);
}

static void write_element(struct text *xml, const char *name, const char *value)
{
    text_format(xml, "<%s>", name);
    xml_write_text(xml, value);
    text_format(xml, "</%s>", name);
}

static void write_value(struct text *xml, const char *type, const char *value)
{
    struct text sent = {0};
    add_value(&sent, type, value);
    text_put(xml, "<ResourceRecord>");
    write_element(xml, "Value", sent.data);
    text_put(xml, "</ResourceRecord>");
    text_fini(&sent);
}

/* Types in capitals; Route 53 knows no others. */
static void copy_type(const cJSON *record, char ret[16])
{
    snprintf(ret, 16, "%s", json_text(record, "type"));
    for (char *at = ret; *at; at++)
        *at = (char)toupper((unsigned char)*at);
}

void route53_write(struct text *xml, const cJSON *record)
{
    char type[16];
    const cJSON *value;
    copy_type(record, type);
    text_put(xml, "<ResourceRecordSet>");
    write_element(xml, "Name", json_text(record, "name"));
    write_element(xml, "Type", type);
    text_format(xml, "<TTL>%llu</TTL><ResourceRecords>", (unsigned long long)route53_ttl(record));
    cJSON_ArrayForEach(value, json_member(record, "values"))
    {
        write_value(xml, type, value->valuestring);
    }
    text_put(xml, "</ResourceRecords></ResourceRecordSet>");
}

static void write_encoded(struct text *query, const char *value)
{
    char encoded[PERCENT_MOST];
    for (; *value; value++)
        text_add(query, encoded, percent_put((uint8_t)*value, encoded));
}

static void write_name(struct text *query, const char *name)
{
    char normal[NAME_MAX_ESCAPED];
    write_encoded(query, make_normal(name, normal) ? normal : name);
    text_put(query, ".");
}

void route53_write_query(struct text *query, const cJSON *record)
{
    char type[16];
    copy_type(record, type);
    text_put(query, "name=");
    write_name(query, json_text(record, "name"));
    text_put(query, "&type=");
    write_encoded(query, type);
    text_put(query, "&maxitems=1");
}

void route53_write_zone_query(struct text *query, const char *zone)
{
    text_put(query, "dnsname=");
    write_name(query, zone);
    text_put(query, "&maxitems=10");
}
