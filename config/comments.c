/* Two slashes inside a string are none of our business; everything else is one scan. */
#include "config/comments.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

static bool starts_with(const char *at, const char *end, const char *two)
{
    return end - at >= 2 && memcmp(at, two, 2) == 0;
}

/* The byte after the string that starts at `at`. */
static char *after_string(char *at, const char *end)
{
    for (at++; at < end && *at != '"'; at++) {
        if (*at == '\\' && end - at > 1)
            at++;
    }
    return at < end ? at + 1 : at;
}

/* The byte after the comment that starts at `at`; NULL: it never ends. */
static char *after_comment(char *at, const char *end)
{
    bool block = at[1] == '*';
    for (char *c = at + 2; c < end; c++) {
        if (block && starts_with(c, end, "*/"))
            return c + 2;
        if (!block && *c == '\n')
            return c;
    }
    return block ? NULL : at + (end - at);
}

static void blank(char *at, const char *end)
{
    for (; at < end; at++) {
        if (*at != '\n')
            *at = ' ';
    }
}

static unsigned count_lines(const char *at, const char *end)
{
    unsigned lines = 0;
    for (; at < end; at++)
        lines += *at == '\n';
    return lines;
}

int comments_blank(char *text, size_t size, unsigned *ret_line, struct failure *why)
{
    char *at = text;
    const char *end = text + size;
    while (at < end) {
        if (*at == '"') {
            at = after_string(at, end);
        } else if (starts_with(at, end, "//") || starts_with(at, end, "/*")) {
            char *after = after_comment(at, end);
            if (!after) {
                *ret_line = 1 + count_lines(text, at);
                return failure_set(why, -EINVAL, "a comment that never ends");
            }
            blank(at, after);
            at = after;
        } else {
            at++;
        }
    }
    return 0;
}
