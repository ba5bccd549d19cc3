/* The chunked coding, whole and byte by byte. */
#include "proxy/gateway/http_chunk.h"

#include "base/text.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* The data into `ret`. 0: it is over; 1: more is wanted; or -EPROTO. `*ret_left`: bytes behind. */
static int decode(struct span input, size_t piece, struct text *ret, size_t *ret_left)
{
    struct http_chunk chunk = {0};
    int status = 0;
    ret->size = 0;
    while (input.size > 0 && status == 0 && !http_chunk_is_over(&chunk)) {
        size_t size = input.size < piece ? input.size : piece;
        struct span some = span_of(input.data, size), data;
        status = http_chunk_next(&chunk, &some, &data);
        text_add(ret, data.data, data.size);
        input = span_of(input.data + size - some.size, input.size - size + some.size);
    }
    *ret_left = input.size;
    return status < 0 ? status : !http_chunk_is_over(&chunk);
}

static int decode_bytes(const char *bytes, size_t size, const char *expected, size_t left)
{
    struct text whole = {0}, pieces = {0};
    size_t whole_left, pieces_left;
    int status = decode(span_of(bytes, size), size, &whole, &whole_left);
    assert_int_equal(decode(span_of(bytes, size), 1, &pieces, &pieces_left), status);
    if (status == 0) {
        assert_int_equal(whole_left, left);
        assert_int_equal(pieces_left, left);
    }
    if (expected) {
        assert_int_equal(whole.size, strlen(expected));
        assert_memory_equal(whole.data, expected, whole.size);
        assert_int_equal(pieces.size, whole.size);
        assert_memory_equal(pieces.data, expected, whole.size);
    }
    text_fini(&whole);
    text_fini(&pieces);
    return status;
}

static int decode_text(const char *text)
{
    return decode_bytes(text, strlen(text), NULL, 0);
}

static void chunks_become_data(void **state)
{
    (void)state;
    static const char text[] = "5\r\nhello\r\n1;x=y\r\n \r\n0005\r\nworld\r\n0\r\n\r\nGET /";
    assert_int_equal(decode_bytes(text, strlen(text), "hello world", 5), 0);
    assert_int_equal(decode_text("A\r\n0123456789\r\na\r\n0123456789\r\n0\r\n\r\n"), 0);
    assert_int_equal(decode_text("5\r\nhel"), 1);
    assert_int_equal(decode_text("0\r\n"), 1);
}

static void a_size_that_is_no_number_is_refused(void **state)
{
    (void)state;
    assert_int_equal(decode_text("x\r\n"), -EPROTO);
    assert_int_equal(decode_text("-1\r\n"), -EPROTO);
    assert_int_equal(decode_text("+1\r\n"), -EPROTO);
    assert_int_equal(decode_text(" 1\r\n"), -EPROTO);
    assert_int_equal(decode_text("1 \r\n"), -EPROTO);
    assert_int_equal(decode_text("0x1\r\n"), -EPROTO);
    assert_int_equal(decode_text("\r\n"), -EPROTO);
    assert_int_equal(decode_text(";x\r\n"), -EPROTO);
    assert_int_equal(decode_text("1,2\r\n"), -EPROTO);
}

static void an_oversized_size_is_refused(void **state)
{
    (void)state;
    assert_int_equal(decode_text("fffffffffffffff\r\n"), 1);
    assert_int_equal(decode_text("1000000000000000\r\n"), -EPROTO);
    assert_int_equal(decode_text("0000000000000001\r\n"), -EPROTO);
    assert_int_equal(decode_text("fffffffffffffffff\r\n"), -EPROTO);
}

static void data_must_end_with_crlf(void **state)
{
    (void)state;
    assert_int_equal(decode_text("1\r\naX"), -EPROTO);
    assert_int_equal(decode_text("1\r\na\n0\r\n\r\n"), -EPROTO);
    assert_int_equal(decode_text("1\r\na\r0\r\n\r\n"), -EPROTO);
    assert_int_equal(decode_text("1\r\na0\r\n\r\n"), -EPROTO);
}

static void the_last_crlf_must_be_there(void **state)
{
    (void)state;
    assert_int_equal(decode_text("0\r\n\n"), -EPROTO);
    assert_int_equal(decode_text("0\n\r\n"), -EPROTO);
    assert_int_equal(decode_text("0\n\n"), -EPROTO);
    assert_int_equal(decode_text("0\r\n\rX"), -EPROTO);
    assert_int_equal(decode_text("0\r\rX"), -EPROTO);
    assert_int_equal(decode_text("1\ra\r\n"), -EPROTO);
    assert_int_equal(decode_text("1\na\r\n"), -EPROTO);
}

static void extensions_are_bounded(void **state)
{
    (void)state;
    char text[600];
    for (int size = HTTP_CHUNK_EXTENSIONS_MAX; size <= HTTP_CHUNK_EXTENSIONS_MAX + 1; size++) {
        memset(text, 'x', sizeof text);
        memcpy(text, "1;", 2);
        strcpy(text + 2 + size, "\r\na\r\n0\r\n\r\n");
        assert_int_equal(decode_text(text), size > HTTP_CHUNK_EXTENSIONS_MAX ? -EPROTO : 0);
    }
    assert_int_equal(decode_text("1;a\tb\r\n"), -EPROTO);
    assert_int_equal(decode_text("1;a\nb\r\n"), -EPROTO);
    assert_int_equal(decode_text("1;a\rb\r\n"), -EPROTO);
}

static void extensions_of_a_body_are_bounded_together(void **state)
{
    (void)state;
    struct text text = {0};
    while (text.size <= HTTP_CHUNK_EXTENDED_MAX + 100000) {
        text_put(&text, "1;");
        for (int i = 0; i < 200; i++)
            text_put(&text, "x");
        text_put(&text, "\r\na\r\n");
    }
    struct text data = {0};
    size_t left;
    assert_int_equal(decode(span_of(text.data, text.size), 65536, &data, &left), -EPROTO);
    text_fini(&text);
    text_fini(&data);
}

static void harmless_trailers_are_dropped(void **state)
{
    (void)state;
    static const char text[] = "1\r\na\r\n0\r\nx-amz-checksum-crc32: AAAAAA==\r\nX: \r\n\r\n";
    assert_int_equal(decode_bytes(text, strlen(text), "a", 0), 0);
}

static void forbidden_trailers_are_refused(void **state)
{
    (void)state;
    static const char *const names[] = {"Content-Length", "transfer-encoding", "HOST",
        "Authorization", "x-amz-content-sha256", "Trailer", "Content-Encoding"};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char text[128];
        snprintf(text, sizeof text, "0\r\n%s: 1\r\n\r\n", names[i]);
        assert_int_equal(decode_text(text), -EPROTO);
    }
}

static void trailers_are_as_strict_as_fields(void **state)
{
    (void)state;
    assert_int_equal(decode_text("0\r\nX : a\r\n\r\n"), -EPROTO);
    assert_int_equal(decode_text("0\r\n: a\r\n\r\n"), -EPROTO);
    assert_int_equal(decode_text("0\r\nX\r\n\r\n"), -EPROTO);
    assert_int_equal(decode_text("0\r\nX: a\r\n b\r\n\r\n"), -EPROTO);
    assert_int_equal(decode_text("0\r\nX: a\nY: b\r\n\r\n"), -EPROTO);
    assert_int_equal(decode_bytes("0\r\nX: \0\r\n\r\n", 12, NULL, 0), -EPROTO);
}

static void trailers_are_bounded(void **state)
{
    (void)state;
    char text[HTTP_CHUNK_TRAILERS_MAX + 100];
    size_t used = (size_t)sprintf(text, "0\r\n");
    while (used < HTTP_CHUNK_TRAILERS_MAX + 20)
        used += (size_t)sprintf(text + used, "X: y\r\n");
    assert_int_equal(decode_text(text), -EPROTO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chunks_become_data),
        cmocka_unit_test(a_size_that_is_no_number_is_refused),
        cmocka_unit_test(an_oversized_size_is_refused),
        cmocka_unit_test(data_must_end_with_crlf),
        cmocka_unit_test(the_last_crlf_must_be_there),
        cmocka_unit_test(extensions_are_bounded),
        cmocka_unit_test(extensions_of_a_body_are_bounded_together),
        cmocka_unit_test(harmless_trailers_are_dropped),
        cmocka_unit_test(forbidden_trailers_are_refused),
        cmocka_unit_test(trailers_are_as_strict_as_fields),
        cmocka_unit_test(trailers_are_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
