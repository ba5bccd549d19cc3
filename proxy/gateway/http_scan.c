/* Every line ends with CRLF, has no control byte but tabs in a value, and a field's name goes to
 * its colon without a blank. llhttp parses the head afterwards; its versions differ in what they
 * forgive (CVE-2022-32214, CVE-2022-35256, CVE-2023-30589, CVE-2024-27982), this does not.
 *
 * What can go wrong: a bare CR or LF, a folded line (RFC 9112 section 5.2), a blank before the
 * colon (section 5.1), NUL and other control bytes, a line or a head that is too long. */
#include "proxy/gateway/http_scan.h"

#include "proxy/gateway/http_fields.h"
#include "proxy/gateway/http_message.h"

#include <stdbool.h>
#include <string.h>

/* May stand within a line. */
static bool is_text(uint8_t byte)
{
    return (byte >= 0x20 && byte != 0x7f) || byte == '\t';
}

/* A byte within a line. False: it may not stand there. */
static bool take_byte(struct http_scan *scan, uint8_t byte)
{
    switch (scan->state) {
    case HTTP_SCAN_START:
        scan->state = HTTP_SCAN_FIRST_LINE;
        scan->begin = scan->seen - 1;
        return http_is_token_byte(byte);
    case HTTP_SCAN_LINE_START:
        scan->state = HTTP_SCAN_NAME;
        return http_is_token_byte(byte);
    case HTTP_SCAN_NAME:
        if (byte == ':')
            scan->state = HTTP_SCAN_VALUE;
        return byte == ':' || http_is_token_byte(byte);
    default:
        return is_text(byte) && (byte != '\t' || scan->state == HTTP_SCAN_VALUE);
    }
}

/* CRLF. False: no line may end here. */
static bool end_line(struct http_scan *scan)
{
    switch (scan->state) {
    case HTTP_SCAN_START:
        return scan->lines++ == 0;
    case HTTP_SCAN_LINE_START:
        scan->state = HTTP_SCAN_END;
        return true;
    case HTTP_SCAN_NAME:
        return false;
    default:
        scan->state = HTTP_SCAN_LINE_START;
        return true;
    }
}

static bool take(struct http_scan *scan, uint8_t byte)
{
    if (scan->after_cr) {
        scan->after_cr = false;
        return byte == '\n' && end_line(scan);
    }
    if (byte == '\r') {
        scan->after_cr = true;
        return true;
    }
    return take_byte(scan, byte);
}

/* Whether one of the eight bytes at `at` is below 0x20, or 0x7f. A byte that subtracting sets the
 * top bit of, and that did not have it, was smaller. */
static bool have_control(const uint8_t *at)
{
    const uint64_t each = UINT64_MAX / 0xff;
    uint64_t bytes;
    memcpy(&bytes, at, sizeof bytes);
    uint64_t not_delete = bytes ^ each * 0x7f;
    return (((bytes - each * 0x20) & ~bytes) | ((not_delete - each) & ~not_delete)) & each * 0x80;
}

/* The run of bytes that change nothing: most of a head. */
static size_t skip(const struct http_scan *scan, struct span bytes)
{
    size_t at = scan->seen;
    if (scan->after_cr)
        return at;
    if (scan->state == HTTP_SCAN_NAME) {
        while (at < bytes.size && http_is_token_byte(bytes.data[at]))
            at++;
    } else if (scan->state == HTTP_SCAN_VALUE || scan->state == HTTP_SCAN_FIRST_LINE) {
        while (at + 8 <= bytes.size && !have_control(bytes.data + at))
            at += 8;
        while (at < bytes.size && bytes.data[at] >= 0x20 && bytes.data[at] != 0x7f)
            at++;
    }
    return at;
}

static int check_size(const struct http_scan *scan)
{
    if (scan->state == HTTP_SCAN_FIRST_LINE &&
        scan->seen - scan->begin > HTTP_MESSAGE_REQUEST_LINE_MAX + 1)
        return 414;
    return scan->seen > HTTP_MESSAGE_HEAD_MAX ||
                   (scan->seen == HTTP_MESSAGE_HEAD_MAX && scan->state != HTTP_SCAN_END)
               ? 431
               : HTTP_SCAN_MORE;
}

int http_scan(struct http_scan *scan, struct span bytes)
{
    int status = HTTP_SCAN_MORE;
    while (scan->seen < bytes.size && scan->state != HTTP_SCAN_END && status == HTTP_SCAN_MORE) {
        scan->seen = skip(scan, bytes);
        if (scan->seen < bytes.size && !take(scan, bytes.data[scan->seen++]))
            return 400;
        status = check_size(scan);
    }
    return status != HTTP_SCAN_MORE       ? status
           : scan->state == HTTP_SCAN_END ? HTTP_SCAN_DONE
                                          : HTTP_SCAN_MORE;
}
