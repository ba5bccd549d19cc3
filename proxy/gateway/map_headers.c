/* Which headers go on, and the two that name a bucket.
 *
 * A header that Connection lists is for us alone (RFC 9110 section 7.6.1) and is cut off; where the
 * client signed it, cutting it off would change what was signed, so the request is refused. */
#include "proxy/gateway/map_parts.h"
#include "proxy/gateway/spans.h"

#include "base/memory.h"
#include "base/percent.h"

#include <errno.h>

#define BUCKET_MAX 255
#define CONNECTION_MAX 1024 /* bytes of all Connection fields: each header is sought in them */

static bool is_one_of(struct span name, const char *const *names)
{
    for (; *names; names++) {
        if (spans_is_nocase(name, *names))
            return true;
    }
    return false;
}

/* The next element of a list, without blanks around it; `*list` is what follows. */
static struct span next_element(struct span *list, char separator)
{
    struct span element = span_of(list->data, spans_until(*list, separator));
    *list = spans_after(*list, element.size < list->size ? element.size + 1 : element.size);
    while (element.size > 0 && (*element.data == ' ' || *element.data == '\t'))
        element = spans_after(element, 1);
    while (element.size > 0 &&
           (element.data[element.size - 1] == ' ' || element.data[element.size - 1] == '\t'))
        element.size--;
    return element;
}

static bool lists(struct span list, char separator, struct span name)
{
    while (list.size > 0) {
        if (spans_equal_nocase(next_element(&list, separator), name))
            return true;
    }
    return false;
}

static bool is_listed_by_connection(const struct map_inputs *inputs, struct span name)
{
    for (size_t i = 0; i < inputs->header_count; i++) {
        const struct http_header *header = &inputs->headers[i];
        if (spans_is_nocase(header->name, "connection") && lists(header->value, ',', name))
            return true;
    }
    return false;
}

static bool is_connection_short(const struct map_inputs *inputs)
{
    size_t size = 0;
    for (size_t i = 0; i < inputs->header_count; i++) {
        if (spans_is_nocase(inputs->headers[i].name, "connection"))
            size += inputs->headers[i].value.size;
    }
    return size <= CONNECTION_MAX;
}

/* Bytes of "/" at the front, encoded or not. */
static size_t slash_size(struct span text)
{
    return spans_begins(text, "/") ? 1 : spans_begins_nocase(text, "%2f") ? 3 : 0;
}

/* "[/]BUCKET/KEY[?versionId=…]", each of it possibly encoded: the bucket's bytes. */
static struct span source_bucket(struct span source)
{
    struct span rest = spans_after(source, slash_size(source));
    size_t size = 0;
    while (size < rest.size && slash_size(spans_after(rest, size)) == 0)
        size++;
    return span_of(rest.data, size);
}

int map_source(struct map *map, struct span source, struct text *ret, struct s3_error *error)
{
    uint8_t name[BUCKET_MAX];
    size_t size;
    struct text renamed = {0};
    struct span raw = source_bucket(source);
    if (ret->data)
        return s3_error_set(error, S3_INVALID_REQUEST, "There is more than one copy source.");
    bool is_name = percent_decode_strictly(raw, name, sizeof name, &size);
    map->has_foreign_source |=
        !is_name || !bucket_names_find(map->names.config, span_of(name, size));
    if (!is_name)
        return 0;
    if (names_is_undecided(&map->names, span_of(name, size)))
        return s3_error_set(error, S3_SLOW_DOWN, "No region is known to be active.");
    if (names_bucket(&map->names, NAMES_TO_S3, span_of(name, size), &renamed)) {
        text_add(ret, source.data, (size_t)(raw.data - source.data));
        text_add(ret, renamed.data, renamed.size);
        text_add(
            ret, raw.data + raw.size, source.size - (size_t)(raw.data + raw.size - source.data));
    }
    text_fini(&renamed);
    return 0;
}

int map_sources(
    const struct map_inputs *inputs, struct map *map, bool *ret_renamed, struct s3_error *error)
{
    for (size_t i = 0; i < inputs->header_count; i++) {
        struct span name = inputs->headers[i].name, value = inputs->headers[i].value;
        int status = 0;
        if (spans_is_nocase(name, "x-amz-copy-source"))
            status = map_source(map, value, &map->copy_source, error);
        else if (spans_is_nocase(name, "x-amz-rename-source") && slash_size(value) > 0)
            status = map_source(map, value, &map->rename_source, error);
        if (status < 0)
            return status;
    }
    *ret_renamed = map->copy_source.size > 0 || map->rename_source.size > 0;
    return 0;
}

static bool is_dropped(const struct map *map, struct span name)
{
    static const char *const always[] = {"connection", "content-length", "host", "keep-alive",
        "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade", NULL};
    static const char *const authorising[] = {
        "authorization", "x-amz-date", "x-amz-security-token", NULL};
    static const char *const digests[] = {"content-encoding", "content-md5", "x-amz-content-sha256",
        "x-amz-decoded-content-length", "x-amz-sdk-checksum-algorithm", "x-amz-trailer", NULL};
    return is_one_of(name, always) || (map->needs_rename && is_one_of(name, authorising)) ||
           (map->maps_answer && map->needs_rename && spans_is_nocase(name, "accept-encoding")) ||
           (map->rewrites_body &&
               (is_one_of(name, digests) || spans_begins_nocase(name, "x-amz-checksum-")));
}

static struct span value_of(const struct map *map, const struct http_header *header)
{
    if (map->copy_source.size > 0 && spans_is_nocase(header->name, "x-amz-copy-source"))
        return span_of(map->copy_source.data, map->copy_source.size);
    if (map->rename_source.size > 0 && spans_is_nocase(header->name, "x-amz-rename-source"))
        return span_of(map->rename_source.data, map->rename_source.size);
    return header->value;
}

int map_headers(const struct map_inputs *inputs, struct map *map, struct s3_error *error)
{
    if (!is_connection_short(inputs))
        return s3_error_set(error, S3_INVALID_REQUEST, "The Connection header is too long.");
    if (!map->needs_rename)
        return 0; /* the request goes on as it is */
    map->headers = memory_new_array(inputs->header_count + 1, sizeof *map->headers);
    map->headers[map->header_count++] =
        (struct http_header){span_of_text("Host"), span_of_text(map->host)};
    for (size_t i = 0; i < inputs->header_count; i++) {
        const struct http_header *header = &inputs->headers[i];
        if (is_dropped(map, header->name))
            continue;
        if (!is_listed_by_connection(inputs, header->name))
            map->headers[map->header_count++] =
                (struct http_header){header->name, value_of(map, header)};
        else if (lists(inputs->signed_headers, ';', header->name))
            return s3_error_set(
                error, S3_INVALID_REQUEST, "The Connection header lists a header that is signed.");
    }
    return 0;
}
