#include "proxy/gateway/percent.h"

static int digit(uint8_t byte)
{
    if (byte >= '0' && byte <= '9')
        return byte - '0';
    byte |= 0x20;
    return byte >= 'a' && byte <= 'f' ? byte - 'a' + 10 : -1;
}

bool percent_decode(struct span text, uint8_t *ret, size_t room, size_t *ret_size)
{
    size_t size = 0;
    for (size_t i = 0; i < text.size; i++) {
        uint8_t byte = text.data[i];
        if (byte == '%') {
            int high = i + 2 < text.size ? digit(text.data[i + 1]) : -1;
            int low = i + 2 < text.size ? digit(text.data[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            byte = (uint8_t)(high << 4 | low);
            i += 2;
        }
        if (size == room)
            return false;
        ret[size++] = byte;
    }
    *ret_size = size;
    return true;
}
