#include "base/failure.h"

#include <stdio.h>
#include <string.h>

int failure_set(struct failure *why, int code, const char *format, ...)
{
    if (!why)
        return code;
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(why->text, sizeof why->text, format, arguments);
    va_end(arguments);
    return code;
}

int failure_prefix(struct failure *why, int code, const char *format, ...)
{
    if (!why)
        return code;
    char detail[FAILURE_TEXT_SIZE];
    memcpy(detail, why->text, sizeof detail);
    va_list arguments;
    va_start(arguments, format);
    int used = vsnprintf(why->text, sizeof why->text, format, arguments);
    va_end(arguments);
    if (used >= 0 && (size_t)used < sizeof why->text)
        snprintf(why->text + used, sizeof why->text - (size_t)used, ": %.900s", detail);
    return code;
}
