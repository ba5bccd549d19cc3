/* On the good day three headers change, and the body only when it is S3's own XML: an object's
 * bytes are the application's, whatever they look like. */
#include "proxy/gateway/unmap.h"

#include "base/memory.h"
#include "proxy/gateway/location.h"
#include "proxy/gateway/route_target.h"
#include "proxy/gateway/spans.h"

#include <stdlib.h>

static const struct http_header *find(
    const struct http_header *headers, size_t count, const char *name)
{
    for (size_t i = 0; i < count; i++) {
        if (spans_is_nocase(headers[i].name, name))
            return &headers[i];
    }
    return NULL;
}

static bool is_xml(const struct http_header *headers, size_t count)
{
    const struct http_header *type = find(headers, count, "content-type");
    const struct http_header *encoding = find(headers, count, "content-encoding");
    if (encoding && !spans_is_nocase(encoding->value, "identity"))
        return false;
    for (size_t i = 0; type && i + 3 <= type->value.size; i++) {
        if (spans_begins_nocase(spans_after(type->value, i), "xml"))
            return true;
    }
    return !type;
}

static bool maps_body(
    const struct map *map, unsigned status, const struct http_header *headers, size_t count)
{
    const struct route *route = map->names.route;
    bool has_body = !route->is_head && status >= 200 && status != 204 && status != 304;
    bool is_its_own = route->operation == ROUTE_OBJECT || route->operation == ROUTE_OPAQUE;
    return map->maps_answer && has_body && (status >= 300 || !is_its_own) && is_xml(headers, count);
}

/* A form's own page, with "?bucket=BUCKET&key=KEY&etag=ETAG" behind it. */
static void map_form_page(const struct names *names, struct span url, struct text *ret)
{
    size_t mark = spans_until(url, '?');
    struct span query = spans_after(url, mark < url.size ? mark + 1 : mark);
    struct route_parameter parameter;
    text_add(ret, url.data, mark);
    for (const char *between = "?"; route_next_parameter(&query, &parameter); between = "&") {
        text_put(ret, between);
        text_add(ret, parameter.whole.data, parameter.whole.size - parameter.value.size);
        if (!spans_is(parameter.name, "bucket") ||
            !names_bucket(names, NAMES_TO_APP, parameter.value, ret))
            text_add(ret, parameter.value.data, parameter.value.size);
    }
}

/* Where the new value of a header goes that may change; NULL: it does not. */
static struct text *slot_of(struct unmap *unmap, const struct http_header *header)
{
    if (spans_is_nocase(header->name, "location"))
        return &unmap->location;
    if (spans_is_nocase(header->name, "x-amz-bucket-arn"))
        return &unmap->arn;
    return spans_is_nocase(header->name, "x-amz-bucket-region") ? &unmap->region : NULL;
}

static bool change(const struct map *map, unsigned status, const struct http_header *header,
    const struct unmap *unmap, struct text *slot)
{
    const struct names *names = &map->names;
    text_put(slot, ""); /* used, whatever comes of it */
    if (slot == &unmap->arn)
        return names_arn(names, NAMES_TO_APP, names_bucket, header->value, slot);
    if (slot == &unmap->region)
        return names_region(names, header->value, slot);
    if (status != 303)
        return location_url(names, header->value, slot);
    map_form_page(names, header->value, slot);
    return true;
}

/* False: it is left out. No answer has one of those that change twice. */
static bool take_header(
    const struct map *map, unsigned status, const struct http_header *header, struct unmap *unmap)
{
    struct text *slot = map->maps_answer ? slot_of(unmap, header) : NULL;
    struct http_header *to = &unmap->headers[unmap->header_count];
    bool repeated = slot && slot->data;
    if (repeated || (unmap->maps_body && spans_is_nocase(header->name, "content-length")))
        return false;
    *to = *header;
    if (slot && change(map, status, header, unmap, slot))
        to->value = span_of(slot->data, slot->size);
    return true;
}

int unmap_answer(const struct map *map, unsigned status, const struct http_header *headers,
    size_t header_count, struct unmap *ret, struct s3_error *error)
{
    *ret = (struct unmap){0};
    if (status == 301 || status == 302 || status == 307 || status == 308)
        return s3_error_set(error, S3_SERVICE_UNAVAILABLE, NULL);
    ret->maps_body = maps_body(map, status, headers, header_count);
    ret->headers = memory_new_array(header_count, sizeof *ret->headers);
    for (size_t i = 0; i < header_count; i++)
        ret->header_count += take_header(map, status, &headers[i], ret);
    return 0;
}

void unmap_fini(struct unmap *unmap)
{
    text_fini(&unmap->location);
    text_fini(&unmap->arn);
    text_fini(&unmap->region);
    free(unmap->headers);
}
