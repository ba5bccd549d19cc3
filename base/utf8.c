#include "base/utf8.h"

#include <string.h>

size_t utf8_size(const unsigned char *at, size_t left)
{
    unsigned char first = *at;
    size_t size = first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
    if (size == 0 || first > 0xf4 || size > left)
        return 0;
    for (size_t i = 1; i < size; i++) {
        if ((at[i] & 0xc0) != 0x80)
            return 0;
    }
    if ((first == 0xe0 && at[1] < 0xa0) || (first == 0xed && at[1] > 0x9f) ||
        (first == 0xf0 && at[1] < 0x90) || (first == 0xf4 && at[1] > 0x8f))
        return 0;
    return size;
}

void utf8_mend(char *text)
{
    unsigned char *to = (unsigned char *)text, *from = to;
    for (size_t left = strlen(text); left > 0;) {
        size_t size = utf8_size(from, left);
        memmove(to, from, size);
        to += size;
        from += size ? size : 1;
        left -= size ? size : 1;
    }
    *to = '\0';
}
