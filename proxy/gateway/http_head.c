/* What can go wrong with either kind: it is no HTTP/1, a length that two parsers could read in two
 * ways (RFC 9112 section 6.3), more fields than there is room for. With a request besides: no Host
 * or two, a target that is for a proxy or names another host, a Connection field that lists Host or
 * what the signature covers, a method that S3 does not have, a body whose length S3 would ask for.
 */
#include "proxy/gateway/http_head.h"

#include "proxy/gateway/http_fields.h"

#include <errno.h>
#include <llhttp.h>

#define LENGTH_DIGITS_MAX 18

struct reading {
    struct http_head *head;
    bool complete, has_too_many;
};

static void extend(struct span *span, const char *at, size_t size)
{
    if (!span->data)
        span->data = (const uint8_t *)at;
    span->size = (size_t)((const uint8_t *)at + size - span->data);
}

static struct reading *reading_of(llhttp_t *parser)
{
    return parser->data;
}

static int on_url(llhttp_t *parser, const char *at, size_t size)
{
    extend(&reading_of(parser)->head->target, at, size);
    return 0;
}

static int on_status(llhttp_t *parser, const char *at, size_t size)
{
    extend(&reading_of(parser)->head->reason, at, size);
    return 0;
}

static int on_field(llhttp_t *parser, const char *at, size_t size)
{
    struct reading *reading = reading_of(parser);
    struct http_head *head = reading->head;
    reading->has_too_many = head->header_count == HTTP_MESSAGE_HEADERS_MAX;
    if (reading->has_too_many)
        return -1;
    extend(&head->headers[head->header_count].name, at, size);
    return 0;
}

static int on_value(llhttp_t *parser, const char *at, size_t size)
{
    struct http_head *head = reading_of(parser)->head;
    extend(&head->headers[head->header_count].value, at, size);
    return 0;
}

static int on_value_complete(llhttp_t *parser)
{
    struct http_head *head = reading_of(parser)->head;
    struct http_header *header = &head->headers[head->header_count++];
    struct span *value = &header->value;
    if (!value->data)
        *value = span_of(header->name.data + header->name.size, 0);
    while (value->size > 0 &&
           (value->data[value->size - 1] == ' ' || value->data[value->size - 1] == '\t'))
        value->size--;
    if (head->header_count < HTTP_MESSAGE_HEADERS_MAX)
        head->headers[head->header_count] = (struct http_header){0};
    return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    reading_of(parser)->complete = true;
    return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
    .on_url = on_url,
    .on_status = on_status,
    .on_header_field = on_field,
    .on_header_value = on_value,
    .on_header_value_complete = on_value_complete,
    .on_headers_complete = on_headers_complete,
};

void http_clear(struct http_head *head)
{
    head->method = head->target = head->host = head->reason = span_of(NULL, 0);
    head->status = head->minor = 0;
    head->framing = HTTP_FRAMING_NONE;
    head->length = 0;
    head->keep_alive = head->expects_continue = head->states_length = false;
    head->header_count = 0;
    head->headers[0] = (struct http_header){0};
}

/* 0, -E2BIG or -EPROTO. */
static int parse(struct span bytes, llhttp_type_t type, llhttp_t *parser, struct http_head *ret)
{
    struct reading reading = {.head = ret};
    http_clear(ret);
    llhttp_init(parser, type, &settings);
    parser->data = &reading;
    llhttp_execute(parser, (const char *)bytes.data, bytes.size);
    if (reading.has_too_many)
        return -E2BIG;
    if (!reading.complete || parser->http_major != 1 || parser->http_minor > 1)
        return -EPROTO;
    ret->minor = parser->http_minor;
    return 0;
}

static bool read_keep_alive(const struct http_head *head)
{
    bool keep_alive = head->minor > 0;
    for (size_t i = 0; i < head->header_count; i++) {
        if (!http_span_is_nocase(head->headers[i].name, "connection"))
            continue;
        struct span list = head->headers[i].value, element;
        while (http_next_element(&list, &element)) {
            if (http_span_is_nocase(element, "close"))
                return false;
            keep_alive |= http_span_is_nocase(element, "keep-alive");
        }
    }
    return keep_alive;
}

/* Digits alone (RFC 9110 section 8.6), of what 64 bits hold. */
static bool read_length(struct span text, uint64_t *ret)
{
    uint64_t length = 0;
    if (text.size == 0 || text.size > LENGTH_DIGITS_MAX)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        length = length * 10 + (text.data[i] - '0');
    }
    *ret = length;
    return true;
}

/* False: the length can be read in two ways, or in none. */
static bool read_framing(struct http_head *head)
{
    unsigned codings = http_count(head, "transfer-encoding");
    unsigned lengths = http_count(head, "content-length");
    if (codings > 1 || lengths > 1 || (codings && lengths) || (codings && head->minor == 0))
        return false;
    if (codings) {
        head->framing = HTTP_FRAMING_CHUNKED;
        return http_span_is_nocase(http_find(head, "transfer-encoding")->value, "chunked");
    }
    if (lengths) {
        head->framing = HTTP_FRAMING_LENGTH;
        return read_length(http_find(head, "content-length")->value, &head->length);
    }
    return true;
}

static bool is_host_byte(uint8_t byte)
{
    return (byte >= '0' && byte <= '9') || (byte >= 'a' && byte <= 'z') ||
           (byte >= 'A' && byte <= 'Z') || (byte && strchr("-._:[]", byte));
}

static bool read_host(struct http_head *head)
{
    if (http_count(head, "host") != 1)
        return false;
    head->host = http_find(head, "host")->value;
    for (size_t i = 0; i < head->host.size; i++) {
        if (!is_host_byte(head->host.data[i]))
            return false;
    }
    return head->host.size > 0;
}

/* Absolute-form becomes origin-form; it must name the host that the Host field names (RFC 9112
 * section 3.2.2). */
static bool read_target(struct http_head *head)
{
    static const char scheme[] = "http://", tls_scheme[] = "https://";
    struct span *target = &head->target;
    if (target->size > 0 && *target->data == '/')
        return true;
    size_t skipped = 0;
    if (target->size > sizeof scheme && memcmp(target->data, scheme, sizeof scheme - 1) == 0)
        skipped = sizeof scheme - 1;
    else if (target->size > sizeof tls_scheme &&
             memcmp(target->data, tls_scheme, sizeof tls_scheme - 1) == 0)
        skipped = sizeof tls_scheme - 1;
    else
        return false;
    struct span rest = span_of(target->data + skipped, target->size - skipped);
    const uint8_t *path = memchr(rest.data, '/', rest.size);
    if (!path || !http_same_nocase(span_of(rest.data, (size_t)(path - rest.data)), head->host))
        return false;
    *target = span_of(path, (size_t)(rest.data + rest.size - path));
    return true;
}

/* What is for the one at the far end (RFC 9110 section 7.6.1), or judged there. */
static bool is_for_all(const struct http_head *head, struct span name)
{
    static const struct span names[] = {HTTP_NAME("host"), HTTP_NAME("authorization"),
        HTTP_NAME("content-length"), HTTP_NAME("transfer-encoding")};
    return http_is_one_of(name, names, sizeof names / sizeof *names) || http_is_signed(head, name);
}

static bool connection_lists_too_much(const struct http_head *head)
{
    for (size_t i = 0; i < head->header_count; i++) {
        if (!http_span_is_nocase(head->headers[i].name, "connection"))
            continue;
        struct span list = head->headers[i].value, element;
        while (http_next_element(&list, &element)) {
            if (is_for_all(head, element))
                return true;
        }
    }
    return false;
}

static bool is_method_of_s3(struct span method)
{
    static const char *const methods[] = {"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) {
        if (http_span_is(method, methods[i]))
            return true;
    }
    return false;
}

/* S3 takes a body without a length when it is aws-chunked and says how long it is decoded. */
static bool lacks_length(const struct http_head *head)
{
    return head->framing == HTTP_FRAMING_CHUNKED &&
           !http_find(head, "x-amz-decoded-content-length");
}

static unsigned read_expectation(struct http_head *head)
{
    const struct http_header *expect = http_find(head, "expect");
    if (!expect)
        return 0;
    head->expects_continue = head->minor > 0 && head->framing != HTTP_FRAMING_NONE;
    return http_span_is_nocase(expect->value, "100-continue") ? 0 : 417;
}

unsigned http_read_request(struct span bytes, struct http_head *ret)
{
    llhttp_t parser;
    int status = parse(bytes, HTTP_REQUEST, &parser, ret);
    if (status < 0)
        return status == -E2BIG ? 431 : 400;
    const uint8_t *blank = memchr(bytes.data, ' ', bytes.size);
    ret->method = span_of(bytes.data, blank ? (size_t)(blank - bytes.data) : 0);
    ret->keep_alive = read_keep_alive(ret);
    if (!read_framing(ret) || !read_host(ret))
        return 400;
    if (!is_method_of_s3(ret->method))
        return 405;
    if (!read_target(ret) || connection_lists_too_much(ret))
        return 400;
    return lacks_length(ret) ? 411 : read_expectation(ret);
}

int http_read_response(struct span bytes, bool to_head, struct http_head *ret)
{
    llhttp_t parser;
    if (parse(bytes, HTTP_RESPONSE, &parser, ret) < 0 || !read_framing(ret))
        return -EPROTO;
    ret->status = parser.status_code;
    if (ret->status < 100 || ret->status > 599 || ret->status == 101)
        return -EPROTO;
    ret->keep_alive = read_keep_alive(ret);
    bool has_no_body = to_head || ret->status < 200 || ret->status == 204 || ret->status == 304;
    if (has_no_body) {
        ret->states_length = ret->framing == HTTP_FRAMING_LENGTH && (to_head || ret->status == 304);
        ret->framing = HTTP_FRAMING_NONE;
        ret->length = ret->states_length ? ret->length : 0;
    } else if (ret->framing == HTTP_FRAMING_NONE) {
        ret->framing = HTTP_FRAMING_UNTIL_CLOSE;
        ret->keep_alive = false;
    }
    return 0;
}
