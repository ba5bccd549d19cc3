/* Request heads as the gateway takes them, and what it refuses. Every head is read whole and byte
 * by byte: how it was cut makes no difference. */
#include "base/memory.h"
#include "proxy/gateway/http_fields.h"
#include "proxy/gateway/http_head.h"
#include "proxy/gateway/http_scan.h"
#include "proxy/gateway/http_write.h"
#include "tests/unit/unit.h"

#include <stdio.h>
#include <stdlib.h>

static struct http_head head;

/* 0, or the status of the refusal; `*ret_used` are the bytes up to the head's end. */
static unsigned scan_and_read(struct span bytes, bool in_pieces, size_t *ret_used)
{
    struct http_scan scan = {0};
    int status = HTTP_SCAN_MORE;
    for (size_t size = in_pieces ? 1 : bytes.size; size <= bytes.size && status == HTTP_SCAN_MORE;
         size++)
        status = http_scan(&scan, span_of(bytes.data, size));
    *ret_used = scan.seen;
    assert_int_not_equal(status, HTTP_SCAN_MORE);
    if (status != HTTP_SCAN_DONE)
        return (unsigned)status;
    return http_read_request(span_of(bytes.data + scan.begin, scan.seen - scan.begin), &head);
}

static unsigned read_bytes(const void *data, size_t size)
{
    size_t whole_used, pieces_used;
    unsigned whole = scan_and_read(span_of(data, size), false, &whole_used);
    unsigned pieces = scan_and_read(span_of(data, size), true, &pieces_used);
    assert_int_equal(whole, pieces);
    assert_int_equal(whole_used, pieces_used);
    return whole;
}

static unsigned read_text(const char *text)
{
    return read_bytes(text, strlen(text));
}

#define GET(fields) "GET /key HTTP/1.1\r\nHost: b.s3.amazonaws.com\r\n" fields "\r\n"
#define PUT(fields) "PUT /key HTTP/1.1\r\nHost: b.s3.amazonaws.com\r\n" fields "\r\n"

static void assert_span(struct span span, const char *text)
{
    assert_int_equal(span.size, strlen(text));
    assert_memory_equal(span.data, text, span.size);
}

static void a_plain_request_is_read(void **state)
{
    (void)state;
    assert_int_equal(read_text(GET("x-amz-date: 20261123T000000Z \r\nRange:\t bytes=0-1\r\n")), 0);
    assert_span(head.method, "GET");
    assert_span(head.target, "/key");
    assert_span(head.host, "b.s3.amazonaws.com");
    assert_int_equal(head.header_count, 3);
    assert_span(http_find(&head, "X-Amz-Date")->value, "20261123T000000Z");
    assert_span(http_find(&head, "range")->value, "bytes=0-1");
    assert_int_equal(head.framing, HTTP_FRAMING_NONE);
    assert_true(head.keep_alive);
}

static void a_raw_path_is_kept_byte_by_byte(void **state)
{
    (void)state;
    assert_int_equal(
        read_text("GET //a/../%2F%2f+~?list-type=2&prefix=%20 HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
    assert_span(head.target, "//a/../%2F%2f+~?list-type=2&prefix=%20");
}

static void lengths_have_64_bits(void **state)
{
    (void)state;
    assert_int_equal(read_text(PUT("Content-Length: 5497558138880\r\n")), 0);
    assert_int_equal(head.framing, HTTP_FRAMING_LENGTH);
    assert_true(head.length == 5497558138880u);
}

static void a_length_beyond_all_numbers_is_refused(void **state)
{
    (void)state;
    assert_int_equal(read_text(PUT("Content-Length: 18446744073709551616\r\n")), 400);
    assert_int_equal(read_text(PUT("Content-Length: 99999999999999999999999999\r\n")), 400);
}

static void a_length_with_a_transfer_coding_is_refused(void **state)
{
    (void)state;
    assert_int_equal(read_text(PUT("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")), 400);
    assert_int_equal(read_text(PUT("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n")), 400);
}

static void a_repeated_length_is_refused(void **state)
{
    (void)state;
    assert_int_equal(read_text(PUT("Content-Length: 5\r\nContent-Length: 6\r\n")), 400);
    assert_int_equal(read_text(PUT("Content-Length: 5\r\ncontent-length: 5\r\n")), 400);
}

static void a_listed_signed_or_empty_length_is_refused(void **state)
{
    (void)state;
    assert_int_equal(read_text(PUT("Content-Length: 5, 5\r\n")), 400);
    assert_int_equal(read_text(PUT("Content-Length: +5\r\n")), 400);
    assert_int_equal(read_text(PUT("Content-Length: -5\r\n")), 400);
    assert_int_equal(read_text(PUT("Content-Length:\r\n")), 400);
    assert_int_equal(read_text(PUT("Content-Length: 0x5\r\n")), 400);
    assert_int_equal(read_text(PUT("Content-Length: 5 5\r\n")), 400);
}

#define CHUNKED "x-amz-decoded-content-length: 5\r\n"

static void chunked_alone_is_a_transfer_coding(void **state)
{
    (void)state;
    assert_int_equal(read_text(PUT(CHUNKED "Transfer-Encoding: chunked\r\n")), 0);
    assert_int_equal(head.framing, HTTP_FRAMING_CHUNKED);
    static const char *const others[] = {"gzip", "gzip, chunked", "chunked, gzip",
        "chunked, chunked", "identity", "xchunked", "chunked;q=1", "\"chunked\"", "", "chunke",
        "\vchunked"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        char text[512];
        snprintf(text, sizeof text, PUT(CHUNKED "Transfer-Encoding: %s\r\n"), others[i]);
        assert_int_equal(read_text(text), 400);
    }
    assert_int_equal(
        read_text(PUT(CHUNKED "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")),
        400);
}

static void a_transfer_coding_on_http_1_0_is_refused(void **state)
{
    (void)state;
    assert_int_equal(
        read_text("PUT / HTTP/1.0\r\nHost: h\r\n" CHUNKED "Transfer-Encoding: chunked\r\n\r\n"),
        400);
}

static void a_chunked_body_without_aws_chunked_wants_a_length(void **state)
{
    (void)state;
    assert_int_equal(read_text(PUT("Transfer-Encoding: chunked\r\n")), 411);
}

static void a_bare_cr_or_lf_is_refused(void **state)
{
    (void)state;
    assert_int_equal(read_text("GET / HTTP/1.1\nHost: h\r\n\r\n"), 400);
    assert_int_equal(read_text("GET / HTTP/1.1\r\nHost: h\n\r\n"), 400);
    assert_int_equal(read_text("GET / HTTP/1.1\r\nHost: h\r\n\n"), 400);
    assert_int_equal(read_text("GET / HTTP/1.1\r\nHost: h\r\r\n\r\n"), 400);
    assert_int_equal(read_text("GET / HTTP/1.1\r\nHost: h\rX: y\r\n\r\n"), 400);
    assert_int_equal(read_text("GET / HTTP/1.1\rHost: h\r\n\r\n"), 400);
    assert_int_equal(read_text("\nGET / HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
}

static void a_folded_line_is_refused(void **state)
{
    (void)state;
    assert_int_equal(read_text(GET("X: a\r\n b\r\n")), 400);
    assert_int_equal(read_text(GET("X: a\r\n\tb\r\n")), 400);
    assert_int_equal(read_text("GET / HTTP/1.1\r\n Host: h\r\n\r\n"), 400);
}

static void a_blank_before_the_colon_is_refused(void **state)
{
    (void)state;
    assert_int_equal(read_text(PUT("Content-Length : 5\r\n")), 400);
    assert_int_equal(read_text(PUT("Content-Length\t: 5\r\n")), 400);
    assert_int_equal(read_text(GET(": no name\r\n")), 400);
    assert_int_equal(read_text(GET("no colon\r\n")), 400);
    assert_int_equal(read_text(GET("X\r\nY: z\r\n")), 400);
}

static void nul_and_control_bytes_are_refused(void **state)
{
    (void)state;
    static const char zero[] = "GET / HTTP/1.1\r\nHost: h\r\nX: a\0b\r\n\r\n";
    static const char zero_in_path[] = "GET /\0 HTTP/1.1\r\nHost: h\r\n\r\n";
    assert_int_equal(read_bytes(zero, sizeof zero - 1), 400);
    assert_int_equal(read_bytes(zero_in_path, sizeof zero_in_path - 1), 400);
    for (int byte = 1; byte < 0x20; byte++) {
        char text[128];
        int size =
            snprintf(text, sizeof text, "GET / HTTP/1.1\r\nHost: h\r\nX: a%cb\r\n\r\n", byte);
        assert_int_equal(read_bytes(text, (size_t)size), byte == '\t' ? 0 : 400);
    }
    assert_int_equal(read_text(GET("X: a\x7f\r\n")), 400);
    assert_int_equal(read_text(GET("X\x01: a\r\n")), 400);
    assert_int_equal(read_text(GET("X(Y): a\r\n")), 400);
}

static void a_byte_is_judged_alike_wherever_it_stands_in_a_value(void **state)
{
    (void)state;
    for (unsigned at = 0; at < 24; at++) {
        for (unsigned byte = 1; byte < 256; byte++) {
            char text[] = GET("X: aaaaaaaaaaaaaaaaaaaaaaaa\r\n");
            *(strchr(text, 'a') + strlen("amazonaws.com\r\nX: ") + at) = (char)byte;
            bool may_stand = (byte >= 0x20 && byte != 0x7f) || byte == '\t';
            assert_int_equal(read_text(text), may_stand ? 0 : 400);
        }
    }
}

static void metadata_in_utf_8_passes(void **state)
{
    (void)state;
    assert_int_equal(read_text(GET("x-amz-meta-name: J\xc3\xbcrgen\r\n")), 0);
}

static void a_missing_repeated_or_odd_host_is_refused(void **state)
{
    (void)state;
    assert_int_equal(read_text("GET / HTTP/1.1\r\n\r\n"), 400);
    assert_int_equal(read_text("GET / HTTP/1.0\r\n\r\n"), 400);
    assert_int_equal(read_text("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
    assert_int_equal(read_text("GET / HTTP/1.1\r\nHost:\r\n\r\n"), 400);
    assert_int_equal(read_text("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"), 400);
    assert_int_equal(read_text("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"), 400);
    assert_int_equal(read_text("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"), 400);
}

static void absolute_form_must_name_the_host(void **state)
{
    (void)state;
    assert_int_equal(read_text("GET http://h/a?b HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
    assert_span(head.target, "/a?b");
    assert_int_equal(read_text("GET http://other/a HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
    assert_int_equal(read_text("GET http://u@h/a HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
    assert_int_equal(read_text("GET ftp://h/a HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
    assert_int_equal(read_text("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
}

static void a_method_that_s3_has_not_is_refused(void **state)
{
    (void)state;
    assert_int_equal(read_text("PATCH / HTTP/1.1\r\nHost: h\r\n\r\n"), 405);
    assert_int_equal(read_text("CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n"), 405);
    assert_int_equal(read_text("get / HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
    assert_int_equal(read_text("GETS / HTTP/1.1\r\nHost: h\r\n\r\n"), 400);
}

static void other_versions_are_refused(void **state)
{
    (void)state;
    assert_int_equal(read_text("GET / HTTP/2.0\r\nHost: h\r\n\r\n"), 400);
    assert_int_equal(read_text("GET / HTTP/1.2\r\nHost: h\r\n\r\n"), 400);
    assert_int_equal(read_text("GET / HTTP/0.9\r\nHost: h\r\n\r\n"), 400);
    assert_int_equal(read_text("GET / HTTP/1.10\r\nHost: h\r\n\r\n"), 400);
    assert_int_equal(read_text("GET /\r\nHost: h\r\n\r\n"), 400);
}

static void a_request_line_over_16_kib_is_414(void **state)
{
    (void)state;
    char *text = memory_new(40 << 10);
    static const char start[] = "GET /";
    static const char rest[] = " HTTP/1.1\r\nHost: h\r\n\r\n";
    size_t most = (16 << 10) - strlen(start) - strlen(" HTTP/1.1");
    for (size_t more = 0; more < 2; more++) {
        memcpy(text, start, sizeof start - 1);
        memset(text + sizeof start - 1, 'k', most + more);
        memcpy(text + sizeof start - 1 + most + more, rest, sizeof rest);
        assert_int_equal(read_text(text), more ? 414 : 0);
    }
    free(text);
}

static size_t long_head(char *text, size_t size)
{
    size_t used = (size_t)sprintf(text, "GET / HTTP/1.1\r\nHost: h\r\nX: ");
    memset(text + used, 'x', size - used - 4);
    memcpy(text + size - 4, "\r\n\r\n", 4);
    return size;
}

static void a_head_over_64_kib_is_431(void **state)
{
    (void)state;
    char *text = memory_new(80 << 10);
    assert_int_equal(read_bytes(text, long_head(text, 64 << 10)), 0);
    assert_int_equal(read_bytes(text, long_head(text, (64 << 10) + 1)), 431);
    free(text);
}

static void too_many_fields_are_431(void **state)
{
    (void)state;
    char text[8192];
    for (unsigned fields = HTTP_MESSAGE_HEADERS_MAX; fields <= HTTP_MESSAGE_HEADERS_MAX + 1;
         fields++) {
        size_t used = (size_t)sprintf(text, "GET / HTTP/1.1\r\nHost: h\r\n");
        for (unsigned i = 1; i < fields; i++)
            used += (size_t)sprintf(text + used, "X%u: y\r\n", i);
        sprintf(text + used, "\r\n");
        assert_int_equal(read_text(text), fields > HTTP_MESSAGE_HEADERS_MAX ? 431 : 0);
    }
}

static void connection_may_not_list_host_or_what_is_signed(void **state)
{
    (void)state;
    static const char header[] =
        GET("Authorization: AWS4-HMAC-SHA256 Credential=A/20261123/eu-west-1/s3/aws4_request, "
            "SignedHeaders=host;x-amz-date, Signature=00\r\nConnection: close, X-Amz-Date\r\n");
    assert_int_equal(read_text(header), 400);
    assert_int_equal(read_text("GET /?X-Amz-SignedHeaders=host%3Brange&a=b HTTP/1.1\r\nHost: h\r\n"
                               "Connection: Range\r\n\r\n"),
        400);
    assert_int_equal(read_text(GET("Connection: close, host\r\n")), 400);
    assert_int_equal(read_text(PUT("Content-Length: 5\r\nConnection: Content-Length\r\n")), 400);
    assert_int_equal(read_text(GET("Connection: x-mine, keep-alive\r\nX-Mine: 1\r\n")), 0);
}

static void only_100_continue_is_expected(void **state)
{
    (void)state;
    assert_int_equal(read_text(PUT("Content-Length: 5\r\nExpect: 100-Continue\r\n")), 0);
    assert_true(head.expects_continue);
    assert_int_equal(read_text(PUT("Content-Length: 5\r\nExpect: the best\r\n")), 417);
}

static void an_empty_line_before_the_request_is_passed_over_once(void **state)
{
    (void)state;
    assert_int_equal(read_text("\r\n" GET("")), 0);
    assert_int_equal(read_text("\r\n\r\n" GET("")), 400);
}

static void keep_alive_is_what_version_and_connection_say(void **state)
{
    (void)state;
    assert_int_equal(read_text(GET("Connection: close\r\n")), 0);
    assert_false(head.keep_alive);
    assert_int_equal(read_text(GET("Connection: keep-alive, Close\r\n")), 0);
    assert_false(head.keep_alive);
    assert_int_equal(read_text("GET / HTTP/1.0\r\nHost: h\r\n\r\n"), 0);
    assert_false(head.keep_alive);
    assert_int_equal(read_text("GET / HTTP/1.0\r\nHost: h\r\nConnection: Keep-Alive\r\n\r\n"), 0);
    assert_true(head.keep_alive);
}

static void what_goes_on_is_written_anew(void **state)
{
    (void)state;
    struct text text = {0};
    assert_int_equal(
        read_text("PUT http://h/k%20 HTTP/1.1\r\nHost:   h\r\nConnection: X-Mine, close\r\n"
                  "X-Mine: 1\r\nKeep-Alive: 5\r\nTE: trailers\r\nTrailer: x-a\r\nUpgrade: h2c\r\n"
                  "Proxy-Connection: x\r\nProxy-Authorization: y\r\ncontent-length: 007\r\n"
                  "Expect: 100-continue\r\nx-amz-meta-a:  b  c \r\n\r\n"),
        0);
    http_write_request(&text, &head);
    assert_string_equal(text.data, "PUT /k%20 HTTP/1.1\r\nHost: h\r\nx-amz-meta-a: b  c\r\n"
                                   "Content-Length: 7\r\nExpect: 100-continue\r\n\r\n");
    text_fini(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_plain_request_is_read),
        cmocka_unit_test(a_raw_path_is_kept_byte_by_byte),
        cmocka_unit_test(lengths_have_64_bits),
        cmocka_unit_test(a_length_beyond_all_numbers_is_refused),
        cmocka_unit_test(a_length_with_a_transfer_coding_is_refused),
        cmocka_unit_test(a_repeated_length_is_refused),
        cmocka_unit_test(a_listed_signed_or_empty_length_is_refused),
        cmocka_unit_test(chunked_alone_is_a_transfer_coding),
        cmocka_unit_test(a_transfer_coding_on_http_1_0_is_refused),
        cmocka_unit_test(a_chunked_body_without_aws_chunked_wants_a_length),
        cmocka_unit_test(a_bare_cr_or_lf_is_refused),
        cmocka_unit_test(a_folded_line_is_refused),
        cmocka_unit_test(a_blank_before_the_colon_is_refused),
        cmocka_unit_test(nul_and_control_bytes_are_refused),
        cmocka_unit_test(metadata_in_utf_8_passes),
        cmocka_unit_test(a_byte_is_judged_alike_wherever_it_stands_in_a_value),
        cmocka_unit_test(a_missing_repeated_or_odd_host_is_refused),
        cmocka_unit_test(absolute_form_must_name_the_host),
        cmocka_unit_test(a_method_that_s3_has_not_is_refused),
        cmocka_unit_test(other_versions_are_refused),
        cmocka_unit_test(a_request_line_over_16_kib_is_414),
        cmocka_unit_test(a_head_over_64_kib_is_431),
        cmocka_unit_test(too_many_fields_are_431),
        cmocka_unit_test(connection_may_not_list_host_or_what_is_signed),
        cmocka_unit_test(only_100_continue_is_expected),
        cmocka_unit_test(an_empty_line_before_the_request_is_passed_over_once),
        cmocka_unit_test(keep_alive_is_what_version_and_connection_say),
        cmocka_unit_test(what_goes_on_is_written_anew),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
