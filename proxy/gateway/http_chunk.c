/* What can go wrong: a size that is no hexadecimal number, or beyond 60 bits; a bare CR or LF; data
 * that does not end with CRLF; extensions or trailers beyond their bounds; a trailer that would
 * change how the message is framed, routed or judged (RFC 9110 section 6.5.1). Other trailers are
 * dropped, as an intermediary may: S3's own stand inside the body, in aws-chunked. */
#include "proxy/gateway/http_chunk.h"

#include "proxy/gateway/http_fields.h"

#include <errno.h>

#define DIGITS_MAX 15

static void take_data(struct http_chunk *chunk, struct span *input, struct span *ret_data)
{
    size_t size = input->size < chunk->left ? input->size : (size_t)chunk->left;
    *ret_data = span_of(input->data, size);
    *input = span_of(input->data + size, input->size - size);
    chunk->left -= size;
    if (chunk->left == 0)
        chunk->state = HTTP_CHUNK_DATA_CR;
}

static int digit_of(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

static bool take_size(struct http_chunk *chunk, uint8_t byte)
{
    int digit = digit_of(byte);
    if (digit >= 0) {
        chunk->left = chunk->left << 4 | (unsigned)digit;
        return ++chunk->digits <= DIGITS_MAX;
    }
    if (byte == ';')
        chunk->state = HTTP_CHUNK_EXTENSION;
    else if (byte == '\r')
        chunk->state = HTTP_CHUNK_SIZE_LF;
    else
        return false;
    return chunk->digits > 0;
}

static bool take_extension(struct http_chunk *chunk, uint8_t byte)
{
    if (byte == '\r') {
        chunk->state = HTTP_CHUNK_SIZE_LF;
        return true;
    }
    return byte >= 0x20 && byte < 0x7f && ++chunk->extension <= HTTP_CHUNK_EXTENSIONS_MAX &&
           ++chunk->extended <= HTTP_CHUNK_EXTENDED_MAX;
}

static bool begin_data(struct http_chunk *chunk, uint8_t byte)
{
    chunk->state = chunk->left > 0 ? HTTP_CHUNK_DATA : HTTP_CHUNK_TRAILERS;
    chunk->digits = chunk->extension = 0;
    return byte == '\n';
}

static bool is_forbidden(const struct http_chunk *chunk)
{
    static const struct span names[] = {HTTP_NAME("authorization"), HTTP_NAME("cache-control"),
        HTTP_NAME("connection"), HTTP_NAME("content-encoding"), HTTP_NAME("content-length"),
        HTTP_NAME("content-range"), HTTP_NAME("content-type"), HTTP_NAME("cookie"),
        HTTP_NAME("date"), HTTP_NAME("expect"), HTTP_NAME("host"), HTTP_NAME("if-match"),
        HTTP_NAME("if-modified-since"), HTTP_NAME("if-none-match"),
        HTTP_NAME("if-unmodified-since"), HTTP_NAME("keep-alive"), HTTP_NAME("max-forwards"),
        HTTP_NAME("proxy-authorization"), HTTP_NAME("proxy-connection"), HTTP_NAME("range"),
        HTTP_NAME("set-cookie"), HTTP_NAME("te"), HTTP_NAME("trailer"),
        HTTP_NAME("transfer-encoding"), HTTP_NAME("upgrade"), HTTP_NAME("x-amz-acl"),
        HTTP_NAME("x-amz-content-sha256"), HTTP_NAME("x-amz-copy-source"), HTTP_NAME("x-amz-date"),
        HTTP_NAME("x-amz-security-token")};
    return http_is_one_of(
        span_of(chunk->name, chunk->name_size), names, sizeof names / sizeof *names);
}

static bool take_trailer_byte(struct http_chunk *chunk, uint8_t byte)
{
    chunk->line_size++;
    if (chunk->in_value)
        return byte == '\t' || (byte >= 0x20 && byte != 0x7f);
    if (byte == ':') {
        chunk->in_value = true;
        return chunk->line_size > 1 && !is_forbidden(chunk);
    }
    if (chunk->name_size < sizeof chunk->name)
        chunk->name[chunk->name_size++] = (char)byte;
    return http_is_token_byte(byte);
}

static bool end_trailer_line(struct http_chunk *chunk)
{
    bool is_whole = chunk->line_size == 0 || chunk->in_value;
    if (chunk->line_size == 0)
        chunk->state = HTTP_CHUNK_OVER;
    chunk->line_size = chunk->name_size = 0;
    chunk->in_value = chunk->after_cr = false;
    return is_whole;
}

static bool take_trailers(struct http_chunk *chunk, uint8_t byte)
{
    if (++chunk->trailer_size > HTTP_CHUNK_TRAILERS_MAX)
        return false;
    if (chunk->after_cr)
        return byte == '\n' && end_trailer_line(chunk);
    chunk->after_cr = byte == '\r';
    return chunk->after_cr || take_trailer_byte(chunk, byte);
}

static bool take_byte(struct http_chunk *chunk, uint8_t byte)
{
    switch (chunk->state) {
    case HTTP_CHUNK_SIZE:
        return take_size(chunk, byte);
    case HTTP_CHUNK_EXTENSION:
        return take_extension(chunk, byte);
    case HTTP_CHUNK_SIZE_LF:
        return begin_data(chunk, byte);
    case HTTP_CHUNK_DATA_CR:
        chunk->state = HTTP_CHUNK_DATA_LF;
        return byte == '\r';
    case HTTP_CHUNK_DATA_LF:
        chunk->state = HTTP_CHUNK_SIZE;
        return byte == '\n';
    default:
        return take_trailers(chunk, byte);
    }
}

int http_chunk_next(struct http_chunk *chunk, struct span *input, struct span *ret_data)
{
    *ret_data = span_of(NULL, 0);
    while (input->size > 0 && !http_chunk_is_over(chunk)) {
        if (chunk->state == HTTP_CHUNK_DATA) {
            take_data(chunk, input, ret_data);
            return 0;
        }
        uint8_t byte = *input->data;
        *input = span_of(input->data + 1, input->size - 1);
        if (!take_byte(chunk, byte))
            return -EPROTO;
    }
    return 0;
}
