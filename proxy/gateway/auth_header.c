/* Authorization: AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…
 *
 * On the good day: three components, in any order, and the time from x-amz-date. Other schemes are
 * told apart, so that each gets S3's own answer. */
#include "proxy/gateway/auth_parts.h"

#include <stdio.h>
#include <time.h>

#define DATE_SIZE 40 /* "Fri, 24 May 2013 00:00:00 GMT", with room */

static const struct auth_refusal *check_type(struct span type)
{
    static const char v4a[] = "AWS4-ECDSA-";
    if (auth_is(type, SIGV4_ALGORITHM))
        return NULL;
    if (type.size >= sizeof v4a - 1 && memcmp(type.data, v4a, sizeof v4a - 1) == 0)
        return &auth_v4a;
    return auth_is(type, "AWS") ? &auth_v2 : &auth_unknown_type;
}

static bool take_component(struct span component, const char *name, struct span *ret)
{
    size_t size = strlen(name);
    if (component.size <= size || memcmp(component.data, name, size) != 0 || ret->size > 0)
        return false;
    *ret = span_of(component.data + size, component.size - size);
    return true;
}

static bool read_components(struct span text, struct auth_claim *claim)
{
    while (text.size > 0) {
        struct span component = auth_take(&text, ',');
        while (component.size > 0 && (*component.data == ' ' || *component.data == '\t'))
            component = span_of(component.data + 1, component.size - 1);
        while (component.size > 0 && component.data[component.size - 1] == ' ')
            component.size--;
        if (!take_component(component, "Credential=", &claim->credential) &&
            !take_component(component, "SignedHeaders=", &claim->signed_headers) &&
            !take_component(component, "Signature=", &claim->signature))
            return false;
    }
    return claim->credential.size > 0 && claim->signed_headers.size > 0 &&
           claim->signature.size > 0;
}

/* A Date header stands in for x-amz-date, in HTTP's own format (RFC 9110 5.6.7). */
static bool read_http_date(struct span value, char ret[SIGV4_TIME_SIZE])
{
    char text[DATE_SIZE];
    struct tm parts = {0};
    if (value.size == 0 || value.size >= sizeof text)
        return false;
    memcpy(text, value.data, value.size);
    text[value.size] = '\0';
    const char *end = strptime(text, "%a, %d %b %Y %H:%M:%S", &parts);
    if (!end || (strcmp(end, " GMT") != 0 && strcmp(end, " +0000") != 0) || parts.tm_year < 70 ||
        parts.tm_year > 1000)
        return false;
    sigv4_time_print((uint64_t)timegm(&parts), ret);
    return true;
}

static struct span find_value(const struct auth_request *request, const char *name)
{
    const struct http_header *header =
        http_header_find(request->headers, request->header_count, name);
    return header ? header->value : (struct span){0};
}

static bool read_time(const struct auth_request *request, struct auth_claim *claim)
{
    uint64_t seconds = 0;
    claim->time = find_value(request, "x-amz-date");
    if (claim->time.size > 0)
        return sigv4_time_parse(claim->time, &seconds);
    claim->time = find_value(request, "date");
    if (sigv4_time_parse(claim->time, &seconds))
        return true;
    bool is_date = read_http_date(claim->time, claim->date_as_time);
    claim->time = span_of(claim->date_as_time, SIGV4_TIME_SIZE - 1);
    return is_date;
}

const struct auth_refusal *auth_read_header(
    const struct auth_request *request, struct auth_claim *claim)
{
    struct span value = find_value(request, "authorization");
    const struct auth_refusal *refusal = check_type(auth_take(&value, ' '));
    if (refusal)
        return refusal;
    if (!read_components(value, claim))
        return &auth_header_malformed;
    if (!auth_split_credential(claim))
        return &auth_header_credential;
    if (!read_time(request, claim))
        return &auth_no_date;
    claim->session_token = find_value(request, "x-amz-security-token");
    claim->payload = find_value(request, "x-amz-content-sha256");
    return claim->payload.size > 0 ? NULL : &auth_no_payload_hash;
}
