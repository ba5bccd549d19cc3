/* A text that grows: pages, metrics and heads are put together in one. Zero it to begin. */
#pragma once

#include <stddef.h>

struct text {
    char *data; /* always NUL-terminated once anything was added; NULL before */
    size_t size, room;
};

void text_add(struct text *text, const void *data, size_t size);
void text_put(struct text *text, const char *more);
void text_format(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_reserve(struct text *text, size_t size); /* room for so many bytes, and no more */
void text_fini(struct text *text);
