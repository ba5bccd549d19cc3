#include "base/log.h"

#include "base/clock.h"
#include "base/utf8.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

static atomic_int sink_format = LOG_FORMAT_TEXT;
static atomic_int sink_level = LOG_LEVEL_INFO;
static atomic_uint lost; /* lines since the last one that was taken */

/* What a reader that is merely slow is waited for, once: after a lost line nobody waits. */
#define PATIENCE_MS 100

static const char *const level_names[] = {"debug", "info", "warning", "error"};

/* A line that is used so far is full: what was put last may have been cut. The rest is room for an
 * escape, a closing quote, the brace and the newline. */
#define FULL (LOG_LINE_SIZE - 16)

struct line {
    char bytes[LOG_LINE_SIZE];
    size_t used;
};

void log_configure(enum log_format format, enum log_level level)
{
    atomic_store(&sink_format, (int)format);
    atomic_store(&sink_level, (int)level);
}

const char *log_error_text(int code)
{
    return code ? uv_strerror(code) : "none";
}

/* Keeps room for the closing brace and the newline, so a cut line is still a whole one. */
static void put(struct line *line, const char *text, size_t size)
{
    size_t room = sizeof line->bytes - 4 - line->used;
    if (size > room)
        size = room;
    memcpy(line->bytes + line->used, text, size);
    line->used += size;
}

static void put_text(struct line *line, const char *text)
{
    put(line, text, strlen(text));
}

/* One character, escaped where JSON or a terminal would take it for more than itself; a byte that
 * is no UTF-8 becomes U+FFFD. Returns how many bytes of text it took. */
static size_t put_escaped(struct line *line, const unsigned char *c)
{
    char escaped[8];
    size_t size = utf8_size(c, strnlen((const char *)c, 4));
    unsigned point = size == 2 ? (*c & 0x1fu) << 6 | (c[1] & 0x3fu) : *c;
    if (size == 0)
        snprintf(escaped, sizeof escaped, "\\ufffd");
    else if (*c == '"' || *c == '\\')
        snprintf(escaped, sizeof escaped, "\\%c", *c);
    else if (point < 0x20 || (size < 3 && point >= 0x7f && point < 0xa0))
        snprintf(escaped, sizeof escaped, "\\u%04x", point);
    else
        snprintf(escaped, sizeof escaped, "%.*s", (int)size, (const char *)c);
    put_text(line, escaped);
    return size ? size : 1;
}

/* JSON's escapes serve the text format too. The closing quote always has room. */
static void put_quoted(struct line *line, const char *text)
{
    const unsigned char *c = (const unsigned char *)text;
    put_text(line, "\"");
    while (*c && line->used < FULL)
        c += put_escaped(line, c);
    put_text(line, "\"");
}

static bool needs_quotes(const char *text)
{
    if (!*text)
        return true;
    for (const unsigned char *c = (const unsigned char *)text; *c; c++) {
        if (*c <= ' ' || *c == '"' || *c == '\\' || *c == '=' || *c >= 0x7f)
            return true;
    }
    return false;
}

static void put_number(struct line *line, int64_t value)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%lld", (long long)value);
    put_text(line, digits);
}

static void put_field_as_text(struct line *line, const struct log_field *field)
{
    put_text(line, " ");
    put_text(line, field->key);
    put_text(line, "=");
    const char *text = field->text ? field->text : "-";
    if (field->kind == LOG_KIND_INTEGER)
        put_number(line, field->integer);
    else if (needs_quotes(text))
        put_quoted(line, text);
    else
        put_text(line, text);
}

static void put_field_as_json(struct line *line, const struct log_field *field)
{
    put_text(line, ",");
    put_quoted(line, field->key);
    put_text(line, ":");
    if (field->kind == LOG_KIND_INTEGER)
        put_number(line, field->integer);
    else if (field->text)
        put_quoted(line, field->text);
    else
        put_text(line, "null");
}

/* A field that does not fit is left out whole; a shorter one after it may still fit. */
static void put_fields(struct line *line, const struct log_field *fields, bool json)
{
    for (const struct log_field *field = fields; field->kind != LOG_KIND_END; field++) {
        size_t before = line->used;
        if (json)
            put_field_as_json(line, field);
        else
            put_field_as_text(line, field);
        if (line->used >= FULL)
            line->used = before;
    }
}

/* Whoever reads our standard error may have stopped to (a pipe that nobody empties, a collector
 * that hangs). Answers and commands go on; what was not said is counted. A pipe with any room takes
 * a whole line: it is no longer than a page. */
static bool is_taken(void)
{
    struct pollfd out = {.fd = STDERR_FILENO, .events = POLLOUT};
    return poll(&out, 1, atomic_load(&lost) > 0 ? 0 : PATIENCE_MS) != 0;
}

static void emit(const struct line *line)
{
    if (!is_taken()) {
        atomic_fetch_add(&lost, 1);
        return;
    }
    unsigned count = atomic_exchange(&lost, 0);
    if (count > 0) {
        log_warning("log_lines_lost", LOG_NUMBER("count", count));
        emit(line);
        return;
    }
    ssize_t written = write(STDERR_FILENO, line->bytes, line->used);
    (void)written; /* a log that cannot be written must not stop the daemon */
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    if ((int)level < atomic_load_explicit(&sink_level, memory_order_relaxed))
        return;
    bool json = atomic_load_explicit(&sink_format, memory_order_relaxed) == LOG_FORMAT_JSON;
    char now[CLOCK_TEXT_SIZE];
    clock_wall_text(now);

    struct line line;
    line.used = 0;
    if (json) {
        put_text(&line, "{\"time\":");
        put_quoted(&line, now);
        put_text(&line, ",\"level\":");
        put_quoted(&line, level_names[level]);
        put_text(&line, ",\"event\":");
        put_quoted(&line, event);
    } else {
        put_text(&line, now);
        put_text(&line, " level=");
        put_text(&line, level_names[level]);
        put_text(&line, " event=");
        put_text(&line, event);
    }
    put_fields(&line, fields, json);
    if (json)
        line.bytes[line.used++] = '}';
    line.bytes[line.used++] = '\n';
    emit(&line);
}
