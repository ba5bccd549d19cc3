/* Answers of S3, as the gateway reads and rewrites them. */
#include "proxy/gateway/http_fields.h"
#include "proxy/gateway/http_head.h"
#include "proxy/gateway/http_write.h"
#include "tests/unit/unit.h"

#include <errno.h>

static struct http_head head;

static int read_text(const char *text, bool to_head)
{
    return http_read_response(span_of_text(text), to_head, &head);
}

#define OK(fields) "HTTP/1.1 200 OK\r\n" fields "\r\n"

static void the_framing_is_found(void **state)
{
    (void)state;
    assert_int_equal(read_text(OK("Content-Length: 7\r\n"), false), 0);
    assert_int_equal(head.framing, HTTP_FRAMING_LENGTH);
    assert_int_equal(head.length, 7);
    assert_true(head.keep_alive);
    assert_int_equal(read_text(OK("Transfer-Encoding: chunked\r\n"), false), 0);
    assert_int_equal(head.framing, HTTP_FRAMING_CHUNKED);
    assert_int_equal(read_text(OK(""), false), 0);
    assert_int_equal(head.framing, HTTP_FRAMING_UNTIL_CLOSE);
    assert_false(head.keep_alive);
}

static void some_answers_have_no_body(void **state)
{
    (void)state;
    assert_int_equal(read_text(OK("Content-Length: 7\r\n"), true), 0);
    assert_int_equal(head.framing, HTTP_FRAMING_NONE);
    assert_true(head.states_length);
    static const char *const without[] = {"HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n"};
    for (size_t i = 0; i < sizeof without / sizeof *without; i++) {
        assert_int_equal(read_text(without[i], false), 0);
        assert_int_equal(head.framing, HTTP_FRAMING_NONE);
        assert_true(head.keep_alive);
    }
}

static void no_length_is_told_where_there_is_no_body_at_all(void **state)
{
    (void)state;
    assert_int_equal(read_text("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n", false), 0);
    assert_false(head.states_length);
    assert_int_equal(read_text("HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", false), 0);
    assert_true(head.states_length);
}

static void an_unclear_answer_is_refused(void **state)
{
    (void)state;
    static const char *const unclear[] = {OK("Content-Length: 7\r\nTransfer-Encoding: chunked\r\n"),
        OK("Content-Length: 7\r\nContent-Length: 7\r\n"), OK("Content-Length: 7, 7\r\n"),
        OK("Transfer-Encoding: gzip, chunked\r\n"),
        "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 999 What\r\n\r\n", "SSH-2.0-OpenSSH\r\n\r\n"};
    for (size_t i = 0; i < sizeof unclear / sizeof *unclear; i++)
        assert_int_equal(read_text(unclear[i], false), -EPROTO);
}

static void assert_written(enum http_framing framing, bool closes, unsigned minor, const char *text)
{
    struct text written = {0};
    http_write_response(&written, &head, framing, closes, minor);
    assert_string_equal(written.data, text);
    text_fini(&written);
}

static void what_goes_on_is_written_anew(void **state)
{
    (void)state;
    assert_int_equal(read_text("HTTP/1.0 200 Fine, really\r\nETag:  \"a\" \r\nConnection: close, "
                               "X-Hop\r\nX-Hop: 1\r\nKeep-Alive: 5\r\n\r\n",
                         false),
        0);
    assert_written(HTTP_FRAMING_CHUNKED, false, 1,
        "HTTP/1.1 200 Fine, really\r\nETag: \"a\"\r\nTransfer-Encoding: chunked\r\n\r\n");
    assert_written(HTTP_FRAMING_UNTIL_CLOSE, true, 0,
        "HTTP/1.1 200 Fine, really\r\nETag: \"a\"\r\nConnection: close\r\n\r\n");
}

static void the_length_of_a_body_that_is_not_sent_is_told(void **state)
{
    (void)state;
    assert_int_equal(read_text(OK("Content-Length: 5497558138880\r\n"), true), 0);
    assert_written(HTTP_FRAMING_NONE, false, 0,
        "HTTP/1.1 200 OK\r\nContent-Length: 5497558138880\r\nConnection: keep-alive\r\n\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_framing_is_found),
        cmocka_unit_test(some_answers_have_no_body),
        cmocka_unit_test(no_length_is_told_where_there_is_no_body_at_all),
        cmocka_unit_test(an_unclear_answer_is_refused),
        cmocka_unit_test(what_goes_on_is_written_anew),
        cmocka_unit_test(the_length_of_a_body_that_is_not_sent_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
