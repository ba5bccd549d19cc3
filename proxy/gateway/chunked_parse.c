/* On the good day every line is as it is written down, to the byte. Anything else is none. */
#include "proxy/gateway/chunked_parse.h"

#include "base/hex.h"

#include <strings.h>

#define SIGNATURE_DIGITS 64
#define SIZE_DIGITS 8

static bool is_digits(const uint8_t *at, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (hex_value(at[i]) < 0)
            return false;
    }
    return true;
}

bool chunked_parse_head(struct span line, struct chunked_head *ret)
{
    static const char extension[] = ";chunk-signature=";
    const size_t extension_size = sizeof extension - 1;
    size_t digits = 0;
    ret->size = 0;
    while (digits < line.size && digits < SIZE_DIGITS && hex_value(line.data[digits]) >= 0)
        ret->size = ret->size << 4 | (uint64_t)hex_value(line.data[digits++]);
    if (digits == 0 || line.size != digits + extension_size + SIGNATURE_DIGITS + 2)
        return false;
    const uint8_t *at = line.data + digits;
    ret->signature_offset = digits + extension_size;
    return memcmp(at, extension, extension_size) == 0 &&
           is_digits(at + extension_size, SIGNATURE_DIGITS) &&
           memcmp(line.data + line.size - 2, "\r\n", 2) == 0;
}

/* The next line without its end; false when there is no whole one. */
static bool take_line(struct span *text, struct span *ret)
{
    const uint8_t *end = text->size ? memchr(text->data, '\n', text->size) : NULL;
    if (!end)
        return false;
    size_t size = (size_t)(end - text->data);
    *ret = span_of(text->data, size > 0 && end[-1] == '\r' ? size - 1 : size);
    *text = span_of(end + 1, text->size - size - 1);
    return true;
}

static const char signature_name[] = "x-amz-trailer-signature:";

static bool is_signature(struct span line)
{
    const size_t size = sizeof signature_name - 1;
    return line.size >= size && strncasecmp((const char *)line.data, signature_name, size) == 0;
}

bool chunked_trailer_is_whole(struct span section)
{
    bool was_signature = false;
    for (struct span line; take_line(&section, &line); was_signature = is_signature(line)) {
        if (was_signature)
            return true;
    }
    return false;
}

static struct span trim(struct span text)
{
    while (text.size > 0 && (*text.data == ' ' || *text.data == '\t'))
        text = span_of(text.data + 1, text.size - 1);
    while (text.size > 0 && (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

static bool is_clean(struct span text, bool is_name)
{
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte < ' ' || byte == 0x7f || (is_name && (byte == ' ' || byte >= 0x80)))
            return false;
    }
    return !is_name || text.size > 0;
}

static int compare_names(struct span a, struct span b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = strncasecmp((const char *)a.data, (const char *)b.data, size);
    return order ? order : (a.size > b.size) - (a.size < b.size);
}

/* Where it belongs in the order; false for a second one of its name. */
static bool insert(struct chunked_trailer *trailer, struct http_header field)
{
    size_t at = trailer->count;
    if (at == CHUNKED_TRAILERS_MOST)
        return false;
    while (at > 0 && compare_names(field.name, trailer->fields[at - 1].name) < 0)
        at--;
    if (at > 0 && compare_names(field.name, trailer->fields[at - 1].name) == 0)
        return false;
    memmove(trailer->fields + at + 1, trailer->fields + at,
        (trailer->count - at) * sizeof *trailer->fields);
    trailer->fields[at] = field;
    trailer->count++;
    return true;
}

static bool add_field(struct chunked_trailer *trailer, struct span line)
{
    const uint8_t *colon = line.size ? memchr(line.data, ':', line.size) : NULL;
    if (!colon)
        return false;
    size_t name_size = (size_t)(colon - line.data);
    struct http_header field = {.name = span_of(line.data, name_size),
        .value = trim(span_of(colon + 1, line.size - name_size - 1))};
    return is_clean(field.name, true) && is_clean(field.value, false) && insert(trailer, field);
}

static bool read_signature(struct span line)
{
    const size_t size = sizeof signature_name - 1;
    return line.size == size + SIGNATURE_DIGITS && is_digits(line.data + size, SIGNATURE_DIGITS);
}

bool chunked_parse_trailer(struct span section, struct chunked_trailer *ret)
{
    struct span left = section, line = {0};
    ret->count = 0;
    while (take_line(&left, &line) && !is_signature(line)) {
        bool is_before_signature = line.size == 0 && ret->count > 0 && is_signature(left);
        if (!is_before_signature && !add_field(ret, line))
            return false;
    }
    if (!is_signature(line) || !read_signature(line))
        return false;
    ret->signature_offset = (size_t)(line.data - section.data) + sizeof signature_name - 1;
    return take_line(&left, &line) && line.size == 0 && left.size == 0;
}

bool chunked_trailer_is_announced(const struct chunked_trailer *trailer, struct span names)
{
    const struct http_header announced = {.name = span_of_text("x-amz-trailer"), .value = names};
    size_t count = names.size > 0;
    for (size_t i = 0; i < names.size; i++)
        count += names.data[i] == ',';
    for (size_t i = 0; i < trailer->count; i++) {
        if (!http_header_lists(&announced, 1, "x-amz-trailer", trailer->fields[i].name))
            return false;
    }
    return count == trailer->count;
}

/* "x-amz-trailer-signature:<64 digits>\r\n\r\n" */
#define TRAILER_END (sizeof signature_name - 1 + SIGNATURE_DIGITS + 4)
#define FIELD_REST 3 /* the colon and CRLF */

size_t chunked_trailer_written_size(const struct chunked_trailer *trailer)
{
    size_t size = TRAILER_END;
    for (size_t i = 0; i < trailer->count; i++)
        size += trailer->fields[i].name.size + trailer->fields[i].value.size + FIELD_REST;
    return size;
}

/* Checksums in base 64 (S3 API reference, "Checking object integrity"). */
static size_t field_size(struct span name)
{
    static const struct {
        const char *name;
        size_t value;
    } checksums[] = {{"crc32", 8}, {"crc32c", 8}, {"crc64nvme", 12}, {"md5", 24}, {"sha1", 28},
        {"sha256", 44}, {"sha512", 88}, {"xxhash3", 12}, {"xxhash64", 12}, {"xxhash128", 24}};
    static const char prefix[] = "x-amz-checksum-";
    const size_t size = sizeof prefix - 1;
    if (name.size <= size || strncasecmp((const char *)name.data, prefix, size) != 0)
        return 0;
    struct span algorithm = span_of(name.data + size, name.size - size);
    for (size_t i = 0; i < sizeof checksums / sizeof *checksums; i++) {
        if (compare_names(algorithm, span_of_text(checksums[i].name)) == 0)
            return name.size + checksums[i].value + FIELD_REST;
    }
    return 0;
}

size_t chunked_trailer_size(struct span names)
{
    size_t size = TRAILER_END;
    while (names.size > 0) {
        const uint8_t *comma = memchr(names.data, ',', names.size);
        size_t end = comma ? (size_t)(comma - names.data) : names.size;
        size_t field = field_size(trim(span_of(names.data, end)));
        if (field == 0)
            return 0;
        size += field;
        end += comma ? 1 : 0;
        names = span_of(names.data + end, names.size - end);
    }
    return size;
}
