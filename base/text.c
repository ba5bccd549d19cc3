#include "base/text.h"

#include "base/memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void make_room(struct text *text, size_t more)
{
    size_t needed = text->size + more + 1;
    if (needed <= text->room)
        return;
    size_t room = text->room ? text->room : 256;
    while (room < needed)
        room *= 2;
    text->data = memory_resize(text->data, room, 1);
    text->room = room;
}

void text_add(struct text *text, const void *data, size_t size)
{
    make_room(text, size);
    if (size > 0)
        memcpy(text->data + text->size, data, size);
    text->size += size;
    text->data[text->size] = 0;
}

void text_put(struct text *text, const char *more)
{
    text_add(text, more, strlen(more));
}

void text_format(struct text *text, const char *format, ...)
{
    va_list first, second;
    va_start(first, format);
    va_copy(second, first);
    int size = vsnprintf(NULL, 0, format, first);
    va_end(first);
    if (size > 0) {
        make_room(text, (size_t)size);
        vsnprintf(text->data + text->size, (size_t)size + 1, format, second);
        text->size += (size_t)size;
    }
    va_end(second);
}

void text_reserve(struct text *text, size_t size)
{
    if (size < text->room)
        return;
    text->data = memory_resize(text->data, size + 1, 1);
    text->data[text->size] = 0;
    text->room = size + 1;
}

void text_fini(struct text *text)
{
    free(text->data);
    *text = (struct text){0};
}
