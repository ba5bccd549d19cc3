/* Why something did not work, in the user's words: what, where, what to do.
 *
 * Functions return 0 or a negative errno; layers that face people take a `struct failure *`
 * besides, which may be NULL. The text is only meaningful after an error. */
#pragma once

#include <stdarg.h>

#define FAILURE_TEXT_SIZE 1024

struct failure {
    char text[FAILURE_TEXT_SIZE]; /* one line, no final newline; cut when longer */
};

/* Writes the text and returns `code`, so that a caller can say `return failure_set(why, -EINVAL,
 * …)`. */
int failure_set(struct failure *why, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts words in front of what is there already: "DETAIL" becomes "CONTEXT: DETAIL". Returns `code`.
 */
int failure_prefix(struct failure *why, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
