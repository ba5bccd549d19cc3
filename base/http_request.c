/* On the good day: GET or HEAD, a path, a Host field, an empty line; llhttp (in its strict mode)
 * walks over it and pauses at the end, so that what follows stays for later.
 *
 * What can go wrong: it is no HTTP/1 (400), has no or two Host fields (400, RFC 9112 section 3.2),
 * is too long (431; a path: 414), another method (405), or carries a body (413), which is not
 * read: after all but the 405 of a bodiless request the connection ends. */
#include "base/http_request.h"

#include <string.h>
#include <strings.h>

static const char host_field[] = "host";

static struct http_request *request_of(llhttp_t *parser)
{
    return parser->data;
}

static int on_message_begin(llhttp_t *parser)
{
    struct http_request *request = request_of(parser);
    request->path_size = 0;
    request->field_matched = request->hosts = 0;
    request->path_too_long = request->complete = request->has_body = false;
    return 0;
}

static int on_url(llhttp_t *parser, const char *at, size_t size)
{
    struct http_request *request = request_of(parser);
    if (size > HTTP_PATH_MAX - request->path_size) {
        request->path_too_long = true;
        return 0;
    }
    memcpy(request->path + request->path_size, at, size);
    request->path_size += size;
    return 0;
}

static int on_header_field(llhttp_t *parser, const char *at, size_t size)
{
    struct http_request *request = request_of(parser);
    unsigned matched = request->field_matched;
    if (matched + size < sizeof host_field && strncasecmp(at, host_field + matched, size) == 0)
        request->field_matched += (unsigned)size;
    else
        request->field_matched = sizeof host_field; /* another field */
    return 0;
}

static int on_header_field_complete(llhttp_t *parser)
{
    struct http_request *request = request_of(parser);
    request->hosts += request->field_matched == sizeof host_field - 1;
    request->field_matched = 0;
    return 0;
}

static int on_headers_complete(llhttp_t *parser)
{
    struct http_request *request = request_of(parser);
    request->has_body = (parser->flags & F_CHUNKED) != 0 ||
                        ((parser->flags & F_CONTENT_LENGTH) != 0 && parser->content_length > 0);
    return request->has_body ? -1 : 0; /* a body ends the parsing here */
}

static int on_message_complete(llhttp_t *parser)
{
    request_of(parser)->complete = true;
    return HPE_PAUSED;
}

void http_request_init(struct http_request *request)
{
    *request = (struct http_request){0};
    llhttp_settings_init(&request->settings);
    request->settings.on_message_begin = on_message_begin;
    request->settings.on_url = on_url;
    request->settings.on_header_field = on_header_field;
    request->settings.on_header_field_complete = on_header_field_complete;
    request->settings.on_headers_complete = on_headers_complete;
    request->settings.on_message_complete = on_message_complete;
    llhttp_init(&request->parser, HTTP_REQUEST, &request->settings);
    request->parser.data = request;
}

bool http_request_is_head(const struct http_request *request)
{
    return request->parser.method == HTTP_HEAD;
}

bool http_request_is_last(const struct http_request *request)
{
    return !request->complete || request->parser.upgrade ||
           !llhttp_should_keep_alive(&request->parser);
}

/* What a whole head deserves. */
static unsigned judge(struct http_request *request)
{
    const llhttp_t *parser = &request->parser;
    if (request->path_too_long)
        return 414;
    if (parser->http_minor > 0 && request->hosts != 1)
        return 400;
    if (parser->method != HTTP_GET && parser->method != HTTP_HEAD)
        return 405;
    if (request->has_body)
        return 413;
    request->path[request->path_size] = 0;
    request->path[strcspn(request->path, "?")] = 0;
    return 200;
}

unsigned http_request_feed(
    struct http_request *request, const char *data, size_t size, size_t *ret_used)
{
    if (request->complete) {
        llhttp_resume(&request->parser);
        request->complete = false;
        request->head_size = 0;
    }
    llhttp_errno_t status = llhttp_execute(&request->parser, data, size);
    size_t used = size;
    if (status != HPE_OK)
        used = (size_t)(llhttp_get_error_pos(&request->parser) - data);
    *ret_used = used;
    request->head_size += used;
    if (request->head_size > HTTP_HEAD_MAX) {
        request->complete = false;
        return 431;
    }
    if (request->complete || request->has_body)
        return judge(request);
    return status == HPE_OK ? 0 : 400;
}
