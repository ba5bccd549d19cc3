#include "base/log.h"

#include "base/json.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char captured[4 * LOG_LINE_SIZE];
static int real_stderr, pipe_ends[2];

static int capture(void **unused)
{
    (void)unused;
    real_stderr = dup(STDERR_FILENO);
    if (pipe2(pipe_ends, O_CLOEXEC | O_NONBLOCK) < 0 || dup2(pipe_ends[1], STDERR_FILENO) < 0)
        return -1;
    log_configure(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
    return 0;
}

static int release(void **unused)
{
    (void)unused;
    dup2(real_stderr, STDERR_FILENO);
    close(real_stderr);
    close(pipe_ends[0]);
    close(pipe_ends[1]);
    return 0;
}

/* What was logged since the last look, without its time. */
static const char *lines(void)
{
    ssize_t size = read(pipe_ends[0], captured, sizeof captured - 1);
    captured[size > 0 ? size : 0] = '\0';
    const char *space = strchr(captured, ' ');
    return space && *captured != '{' ? space + 1 : captured;
}

static cJSON *json_line(void)
{
    const char *text = lines();
    size_t size = strlen(text);
    cJSON *root = NULL;
    struct failure why;
    assert_true(size > 0 && text[size - 1] == '\n' && size <= LOG_LINE_SIZE);
    if (json_parse(text, size, &root, NULL, &why) < 0)
        fail_msg("%s: %s", why.text, text);
    return root;
}

static void an_event_is_one_line_of_keys_and_values(void **unused)
{
    (void)unused;
    log_info("switched", LOG_TEXT("group", "data"), LOG_NUMBER("epoch", 12));
    assert_string_equal(lines(), "level=info event=switched group=data epoch=12\n");
    log_warning("alone");
    assert_string_equal(lines(), "level=warning event=alone\n");
    log_error("refused", LOG_ERROR(-EACCES), LOG_TEXT("by", NULL));
    assert_string_equal(lines(), "level=error event=refused error=\"permission denied\" by=-\n");
}

static void below_the_level_nothing_is_said(void **unused)
{
    (void)unused;
    log_debug("quiet");
    assert_string_equal(lines(), "");
    log_configure(LOG_FORMAT_TEXT, LOG_LEVEL_ERROR);
    log_warning("quiet");
    assert_string_equal(lines(), "");
    log_error("loud");
    assert_string_equal(lines(), "level=error event=loud\n");
}

static void text_from_outside_cannot_fake_a_field_or_a_line(void **unused)
{
    (void)unused;
    log_info("x", LOG_TEXT("a", "b c=d"), LOG_TEXT("e", "1\n2"), LOG_TEXT("q", "\"\\"),
        LOG_TEXT("none", ""));
    assert_string_equal(
        lines(), "level=info event=x a=\"b c=d\" e=\"1\\u000a2\" q=\"\\\"\\\\\" none=\"\"\n");
}

static void terminal_controls_never_pass_raw(void **unused)
{
    (void)unused;
    log_info("x", LOG_TEXT("a", "\x1b[2J"),
        LOG_TEXT("b", "\xc2\x9b"
                      "2J"),
        LOG_TEXT("c", "\x7f"),
        LOG_TEXT("d", "\x9b"
                      "2J"));
    assert_string_equal(lines(),
        "level=info event=x a=\"\\u001b[2J\" b=\"\\u009b2J\" c=\"\\u007f\" "
        "d=\"\\ufffd2J\"\n");
}

static void a_json_line_is_json_whatever_the_text_holds(void **unused)
{
    (void)unused;
    char every_byte[256];
    for (int i = 0; i < 255; i++)
        every_byte[i] = (char)(i + 1);
    every_byte[255] = '\0';
    log_configure(LOG_FORMAT_JSON, LOG_LEVEL_INFO);
    log_info("x", LOG_TEXT("bytes", every_byte), LOG_TEXT("torn", "a\xe2\x82"),
        LOG_TEXT("good", "z\xc3\xbcrich \xf0\x9f\x98\x80"), LOG_TEXT("none", NULL),
        LOG_NUMBER("least", INT64_MIN));
    cJSON *root = json_line();
    assert_string_equal(json_text(root, "event"), "x");
    assert_string_equal(json_text(root, "level"), "info");
    assert_string_equal(json_text(root, "good"), "z\xc3\xbcrich \xf0\x9f\x98\x80");
    assert_string_equal(json_text(root, "torn"), "a\xef\xbf\xbd\xef\xbf\xbd");
    assert_true(cJSON_IsNull(json_member(root, "none")));
    cJSON_Delete(root);
}

/* A text of `size` bytes of `byte`, the caller's. */
static char *long_text(size_t size, char byte)
{
    char *text = malloc(size + 1);
    assert_non_null(text);
    memset(text, byte, size);
    text[size] = '\0';
    return text;
}

static void every_length_gives_a_whole_line(void **unused)
{
    (void)unused;
    for (size_t size = LOG_LINE_SIZE - 160; size < LOG_LINE_SIZE + 20; size++) {
        char *plain = long_text(size, 'x'), *escaped = long_text(size / 6, '\x01');
        log_configure(LOG_FORMAT_JSON, LOG_LEVEL_INFO);
        log_info("x", LOG_TEXT("plain", plain), LOG_TEXT("last", "y"));
        cJSON *root = json_line();
        const char *kept = json_text(root, "plain");
        assert_true(!kept || strlen(kept) == size);
        cJSON_Delete(root);
        log_info("x", LOG_TEXT("escaped", escaped), LOG_NUMBER("n", 1));
        cJSON_Delete(json_line());
        log_configure(LOG_FORMAT_TEXT, LOG_LEVEL_INFO);
        log_info("x", LOG_TEXT("plain", plain));
        assert_non_null(strchr(lines(), '\n'));
        assert_true(strlen(captured) <= LOG_LINE_SIZE);
        free(plain);
        free(escaped);
    }
}

static void a_field_that_does_not_fit_leaves_the_others(void **unused)
{
    (void)unused;
    char *text = long_text(2 * LOG_LINE_SIZE, 'x');
    log_info("x", LOG_TEXT("long", text), LOG_TEXT("short", "y"));
    assert_string_equal(lines(), "level=info event=x short=y\n");
    free(text);
}

/* The alarm ends the test where a line waits for a reader that does not come. */
static void a_reader_that_stopped_costs_lines_and_nothing_else(void **unused)
{
    (void)unused;
    char all[128 * 1024];
    assert_int_equal(fcntl(pipe_ends[1], F_SETFL, 0), 0);
    alarm(10);
    for (unsigned i = 0; i < 5000; i++)
        log_info("switched", LOG_NUMBER("epoch", i));
    alarm(0);
    assert_true(read(pipe_ends[0], all, sizeof all) > 0);
    log_info("switched", LOG_NUMBER("epoch", 5000));
    const char *text = lines();
    assert_non_null(strstr(text, "level=warning event=log_lines_lost count="));
    assert_non_null(strstr(text, "event=switched epoch=5000\n"));
}

#define CAPTURED(test) cmocka_unit_test_setup_teardown(test, capture, release)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CAPTURED(an_event_is_one_line_of_keys_and_values),
        CAPTURED(below_the_level_nothing_is_said),
        CAPTURED(text_from_outside_cannot_fake_a_field_or_a_line),
        CAPTURED(terminal_controls_never_pass_raw),
        CAPTURED(a_json_line_is_json_whatever_the_text_holds),
        CAPTURED(every_length_gives_a_whole_line),
        CAPTURED(a_field_that_does_not_fit_leaves_the_others),
        CAPTURED(a_reader_that_stopped_costs_lines_and_nothing_else),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
