/* One line an event, on standard error: `time level event key=value …`, or the same as a JSON
 * object.
 *
 * The only global of the project: where the lines go, in which format, from which level on. A line
 * is built on the stack (cut at LOG_LINE_SIZE) and leaves in one write, so threads never mix
 * theirs. Never a secret, never a signature; text from outside is quoted and escaped. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define LOG_LINE_SIZE 4096

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARNING, LOG_LEVEL_ERROR };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

enum log_kind { LOG_KIND_END, LOG_KIND_TEXT, LOG_KIND_INTEGER };

struct log_field {
    const char *key;
    enum log_kind kind;
    const char *text;
    int64_t integer;
};

#define LOG_TEXT(name, value)                                                                      \
    {                                                                                              \
        .key = (name), .kind = LOG_KIND_TEXT, .text = (value)                                      \
    }
#define LOG_NUMBER(name, value)                                                                    \
    {                                                                                              \
        .key = (name), .kind = LOG_KIND_INTEGER, .integer = (int64_t)(value)                       \
    }
/* A negative errno, as words. */
#define LOG_ERROR(code) LOG_TEXT("error", log_error_text(code))

void log_configure(enum log_format format, enum log_level level);
const char *log_error_text(int code);
void log_write(enum log_level level, const char *event, const struct log_field *fields);

/* log_info("switched", LOG_TEXT("group", name), LOG_NUMBER("epoch", epoch)); */
#define log_event(level, event, ...)                                                               \
    log_write((level), (event), (const struct log_field[]){__VA_ARGS__ __VA_OPT__(, ){0}})
#define log_debug(event, ...) log_event(LOG_LEVEL_DEBUG, event __VA_OPT__(, ) __VA_ARGS__)
#define log_info(event, ...) log_event(LOG_LEVEL_INFO, event __VA_OPT__(, ) __VA_ARGS__)
#define log_warning(event, ...) log_event(LOG_LEVEL_WARNING, event __VA_OPT__(, ) __VA_ARGS__)
#define log_error(event, ...) log_event(LOG_LEVEL_ERROR, event __VA_OPT__(, ) __VA_ARGS__)
