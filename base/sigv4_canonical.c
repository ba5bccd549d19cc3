/* The canonical request: method, path, query, headers, their names, the payload's hash, each on
 * lines of its own.
 *
 * On the good day: one pass over what the wire gave, through a small buffer into the writer (the
 * digest, mostly). A query with too many parameters, a path with too many segments, or a signed
 * header that is missing end it. */
#include "base/percent.h"
#include "base/sigv4.h"

#include <errno.h>

#define PEN_SIZE 512

/* Pieces are small and a digest's update is dear: they are gathered. */
struct pen {
    sigv4_write *write;
    void *context;
    size_t used;
    char buffer[PEN_SIZE];
};

static void pen_init(struct pen *pen, sigv4_write *write, void *context)
{
    pen->write = write;
    pen->context = context;
    pen->used = 0;
}

static void pen_end(struct pen *pen)
{
    if (pen->used > 0)
        pen->write(pen->context, pen->buffer, pen->used);
    pen->used = 0;
}

static void pen_put(struct pen *pen, const void *data, size_t size)
{
    if (size > sizeof pen->buffer - pen->used)
        pen_end(pen);
    if (size > sizeof pen->buffer) {
        pen->write(pen->context, data, size);
        return;
    }
    if (size > 0)
        memcpy(pen->buffer + pen->used, data, size);
    pen->used += size;
}

static void pen_byte(struct pen *pen, uint8_t byte)
{
    if (pen->used == sizeof pen->buffer)
        pen_end(pen);
    pen->buffer[pen->used++] = (char)byte;
}

static void pen_percent(struct pen *pen, uint8_t byte)
{
    char encoded[PERCENT_MOST];
    pen_put(pen, encoded, percent_put(byte, encoded));
}

static void put_path_once(struct pen *pen, struct span path)
{
    while (path.size > 0) {
        bool is_slash = *path.data == '/';
        uint8_t byte = percent_take(&path);
        if (is_slash)
            pen_byte(pen, byte);
        else
            pen_percent(pen, byte);
    }
}

static bool is_text(struct span span, const char *text)
{
    return span.size == strlen(text) && memcmp(span.data, text, span.size) == 0;
}

/* The segments that are left when `.`, `..` and empty ones are resolved (RFC 3986 5.2.4). */
static int find_segments(
    struct span path, struct span segments[SIGV4_SEGMENTS_MOST], size_t *ret_count)
{
    size_t count = 0;
    while (path.size > 0) {
        const uint8_t *slash = memchr(path.data, '/', path.size);
        struct span segment = span_of(path.data, slash ? (size_t)(slash - path.data) : path.size);
        size_t step = slash ? segment.size + 1 : segment.size;
        path = span_of(path.data + step, path.size - step);
        if (is_text(segment, "..")) {
            count -= count > 0;
        } else if (segment.size > 0 && !is_text(segment, ".")) {
            if (count == SIGV4_SEGMENTS_MOST)
                return -E2BIG;
            segments[count++] = segment;
        }
    }
    *ret_count = count;
    return 0;
}

static int put_path_normalized(struct pen *pen, struct span path)
{
    struct span segments[SIGV4_SEGMENTS_MOST];
    size_t count = 0;
    if (find_segments(path, segments, &count) < 0)
        return -E2BIG;
    for (size_t i = 0; i < count; i++) {
        pen_byte(pen, '/');
        for (size_t at = 0; at < segments[i].size; at++)
            pen_percent(pen, segments[i].data[at]);
    }
    if (count == 0 || path.data[path.size - 1] == '/')
        pen_byte(pen, '/');
    return 0;
}

static int put_path(struct pen *pen, enum sigv4_style style, struct span path)
{
    if (path.size == 0)
        pen_byte(pen, '/');
    else if (style == SIGV4_AS_SENT)
        pen_put(pen, path.data, path.size);
    else if (style == SIGV4_S3)
        put_path_once(pen, path);
    else
        return put_path_normalized(pen, path);
    return 0;
}

struct pair {
    struct span name, value;
};

static struct pair take_pair(struct span *query)
{
    const uint8_t *end = memchr(query->data, '&', query->size);
    struct span piece = span_of(query->data, end ? (size_t)(end - query->data) : query->size);
    size_t step = end ? piece.size + 1 : piece.size;
    *query = span_of(query->data + step, query->size - step);
    const uint8_t *equals = piece.size ? memchr(piece.data, '=', piece.size) : NULL;
    if (!equals)
        return (struct pair){.name = piece};
    size_t name_size = (size_t)(equals - piece.data);
    return (struct pair){.name = span_of(piece.data, name_size),
        .value = span_of(equals + 1, piece.size - name_size - 1)};
}

/* A blank in a query has two spellings; S3 reads both. */
static uint8_t take_query_byte(enum sigv4_style style, struct span *text)
{
    bool is_blank = style == SIGV4_S3 && *text->data == '+';
    uint8_t byte = percent_take(text);
    return is_blank ? ' ' : byte;
}

static int compare_sizes(size_t a, size_t b)
{
    return (a > b) - (a < b);
}

static int compare_as_sent(struct span a, struct span b)
{
    size_t size = a.size < b.size ? a.size : b.size;
    int order = size ? memcmp(a.data, b.data, size) : 0;
    return order ? order : compare_sizes(a.size, b.size);
}

/* The order is that of the encoded bytes, not of what they mean. */
static int compare(enum sigv4_style style, struct span a, struct span b)
{
    if (style == SIGV4_AS_SENT)
        return compare_as_sent(a, b);
    while (a.size > 0 && b.size > 0) {
        uint8_t from_a = take_query_byte(style, &a), from_b = take_query_byte(style, &b);
        if (from_a == from_b)
            continue;
        char encoded_a[PERCENT_MOST], encoded_b[PERCENT_MOST];
        size_t size_a = percent_put(from_a, encoded_a), size_b = percent_put(from_b, encoded_b);
        return memcmp(encoded_a, encoded_b, size_a < size_b ? size_a : size_b);
    }
    return compare_sizes(a.size, b.size);
}

static bool comes_before(enum sigv4_style style, const struct pair *a, const struct pair *b)
{
    int order = compare(style, a->name, b->name);
    return order < 0 || (order == 0 && compare(style, a->value, b->value) < 0);
}

/* Inserted where each belongs: queries are short, and mostly in order. */
static int sort_pairs(enum sigv4_style style, struct span query,
    struct pair pairs[SIGV4_QUERY_MOST], size_t *ret_count)
{
    size_t count = 0;
    while (query.size > 0) {
        struct pair pair = take_pair(&query);
        if ((pair.name.size == 0 && pair.value.size == 0) || is_text(pair.name, "X-Amz-Signature"))
            continue;
        if (count == SIGV4_QUERY_MOST)
            return -E2BIG;
        size_t at = count++;
        for (; at > 0 && comes_before(style, &pair, &pairs[at - 1]); at--)
            pairs[at] = pairs[at - 1];
        pairs[at] = pair;
    }
    *ret_count = count;
    return 0;
}

static void put_query_part(struct pen *pen, enum sigv4_style style, struct span text)
{
    if (style == SIGV4_AS_SENT) {
        pen_put(pen, text.data, text.size);
        return;
    }
    while (text.size > 0)
        pen_percent(pen, take_query_byte(style, &text));
}

static int put_query(struct pen *pen, enum sigv4_style style, struct span query)
{
    struct pair pairs[SIGV4_QUERY_MOST];
    size_t count = 0;
    if (sort_pairs(style, query, pairs, &count) < 0)
        return -E2BIG;
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            pen_byte(pen, '&');
        put_query_part(pen, style, pairs[i].name);
        pen_byte(pen, '=');
        put_query_part(pen, style, pairs[i].value);
    }
    return 0;
}

static bool is_blank(uint8_t byte)
{
    return byte == ' ' || byte == '\t';
}

/* Without blanks around it, and runs of them as one. */
static void put_value(struct pen *pen, struct span value)
{
    size_t at = 0, words = 0;
    while (at < value.size) {
        size_t begin = at;
        while (at < value.size && !is_blank(value.data[at]))
            at++;
        if (at > begin && words++ > 0)
            pen_byte(pen, ' ');
        pen_put(pen, value.data + begin, at - begin);
        while (at < value.size && is_blank(value.data[at]))
            at++;
    }
}

/* "name:value,value\n": of all the fields with that name, in the order that they came. */
static int put_header(struct pen *pen, const struct sigv4_request *request, struct span name)
{
    bool found = false;
    pen_put(pen, name.data, name.size);
    pen_byte(pen, ':');
    for (size_t i = 0; i < request->header_count; i++) {
        if (!http_header_is(&request->headers[i], name))
            continue;
        if (found)
            pen_byte(pen, ',');
        put_value(pen, request->headers[i].value);
        found = true;
    }
    pen_byte(pen, '\n');
    return found ? 0 : -ENOENT;
}

static int put_headers(struct pen *pen, const struct sigv4_request *request)
{
    struct span left = request->signed_headers;
    while (left.size > 0) {
        const uint8_t *end = memchr(left.data, ';', left.size);
        struct span name = span_of(left.data, end ? (size_t)(end - left.data) : left.size);
        if (put_header(pen, request, name) < 0)
            return -ENOENT;
        size_t step = end ? name.size + 1 : name.size;
        left = span_of(left.data + step, left.size - step);
    }
    return 0;
}

int sigv4_canonical_path(
    enum sigv4_style style, struct span path, sigv4_write *write, void *context)
{
    struct pen pen;
    pen_init(&pen, write, context);
    int status = put_path(&pen, style, path);
    pen_end(&pen);
    return status;
}

int sigv4_canonical_query(
    enum sigv4_style style, struct span query, sigv4_write *write, void *context)
{
    struct pen pen;
    pen_init(&pen, write, context);
    int status = put_query(&pen, style, query);
    pen_end(&pen);
    return status;
}

int sigv4_canonical_request(const struct sigv4_request *request, sigv4_write *write, void *context)
{
    struct pen pen;
    pen_init(&pen, write, context);
    pen_put(&pen, request->method.data, request->method.size);
    pen_byte(&pen, '\n');
    int status = put_path(&pen, request->style, request->path);
    pen_byte(&pen, '\n');
    if (status == 0)
        status = put_query(&pen, request->style, request->query);
    pen_byte(&pen, '\n');
    if (status == 0)
        status = put_headers(&pen, request);
    pen_byte(&pen, '\n');
    pen_put(&pen, request->signed_headers.data, request->signed_headers.size);
    pen_byte(&pen, '\n');
    pen_put(&pen, request->payload.data, request->payload.size);
    pen_end(&pen);
    return status;
}
