#include "base/memory.h"

#include <malloc.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void *must(void *block)
{
    if (block)
        return block;
    fputs("pilotlight: out of memory\n", stderr);
    abort();
}

void *memory_new(size_t size)
{
    return must(calloc(1, size ? size : 1));
}

void *memory_new_array(size_t count, size_t size)
{
    return must(calloc(count ? count : 1, size ? size : 1));
}

void *memory_resize(void *block, size_t count, size_t size)
{
    return must(reallocarray(block, count ? count : 1, size ? size : 1));
}

char *memory_text(const char *text)
{
    return text ? must(strdup(text)) : NULL;
}

char *memory_text_of(const void *data, size_t size)
{
    char *copy = memory_new(size + 1);
    if (size)
        memcpy(copy, data, size);
    return copy;
}

char *memory_format(const char *format, ...)
{
    char *text = NULL;
    va_list arguments;
    va_start(arguments, format);
    int size = vasprintf(&text, format, arguments);
    va_end(arguments);
    return must(size < 0 ? NULL : text);
}

void memory_keep(void)
{
#ifdef M_TRIM_THRESHOLD /* glibc; the one without the other would map every large block */
    mallopt(M_TRIM_THRESHOLD, MEMORY_KEPT);
    mallopt(M_MMAP_THRESHOLD, MEMORY_KEPT);
#endif
}
