#include "base/name.h"

#include <stdio.h>
#include <string.h>

static uint8_t lower(uint8_t c)
{
    return c >= 'A' && c <= 'Z' ? (uint8_t)(c + 32) : c;
}

void name_lower(uint8_t *to, const uint8_t *from, size_t size)
{
    for (size_t i = 0; i < size; i++)
        to[i] = lower(from[i]);
}

/* Reads one character or escape; returns how many bytes of text it took, 0 if malformed. */
static size_t read_character(const char *text, uint8_t *ret)
{
    size_t escape = *text == '\\';
    size_t digits = escape ? strspn(text + 1, "0123456789") : 0;
    if (digits > 0) {
        int value =
            digits < 3 ? 256 : (text[1] - '0') * 100 + (text[2] - '0') * 10 + (text[3] - '0');
        *ret = (uint8_t)value;
        return value <= 255 ? 4 : 0;
    }
    *ret = (uint8_t)text[escape];
    return *ret > ' ' && *ret < 0x7f ? escape + 1 : 0;
}

/* Reads a label up to its dot or the end; false when it is empty or does not fit. */
static bool read_label(const char **text, struct name *name)
{
    size_t start = name->size++;
    while (**text && **text != '.') {
        uint8_t byte;
        size_t taken = read_character(*text, &byte);
        if (taken == 0 || name->size >= NAME_WIRE_MAX - 1)
            return false;
        name->wire[name->size++] = lower(byte);
        *text += taken;
    }
    size_t size = name->size - start - 1;
    name->wire[start] = (uint8_t)size;
    return size > 0 && size <= NAME_LABEL_MAX;
}

bool name_from_text(const char *text, struct name *ret)
{
    *ret = (struct name){0};
    if (strcmp(text, ".") == 0) {
        ret->size = 1;
        return true;
    }
    while (ret->size < NAME_WIRE_MAX - 1) {
        if (!read_label(&text, ret))
            return false;
        if (*text == '.')
            text++;
        if (!*text) {
            ret->wire[ret->size++] = 0;
            return true;
        }
    }
    return false;
}

void name_to_text(const uint8_t *wire, size_t size, char ret[NAME_TEXT_SIZE])
{
    char *out = ret;
    const uint8_t *end = wire + size;
    while (wire < end && *wire) {
        size_t label = *wire++;
        if (out != ret)
            *out++ = '.';
        for (; label > 0 && wire < end; label--, wire++) {
            if (*wire == '.' || *wire == '\\')
                out += sprintf(out, "\\%c", *wire);
            else if (*wire <= ' ' || *wire >= 0x7f)
                out += sprintf(out, "\\%03u", *wire);
            else
                *out++ = (char)*wire;
        }
    }
    if (out == ret)
        *out++ = '.';
    *out = '\0';
}

bool name_equal(const struct name *a, const struct name *b)
{
    return a->size == b->size && memcmp(a->wire, b->wire, a->size) == 0;
}

unsigned name_labels(const uint8_t *wire)
{
    unsigned count = 0;
    for (; *wire; wire += *wire + 1)
        count++;
    return count;
}

bool name_within(const uint8_t *wire, size_t size, const struct name *suffix)
{
    const uint8_t *end = wire + size;
    while (wire < end && (size_t)(end - wire) > suffix->size)
        wire += *wire + 1;
    return (size_t)(end - wire) == suffix->size && memcmp(wire, suffix->wire, suffix->size) == 0;
}
