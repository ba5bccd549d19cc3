#include "base/percent.h"

#include "base/hex.h"

/* One bit a byte: RFC 3986's unreserved characters. A table, for every signature asks it of every
 * byte of a path. */
static const uint32_t unreserved[8] = {
    0, 0x03ff6000 /* - . 0-9 */, 0x87fffffe /* A-Z _ */, 0x47fffffe /* a-z ~ */};

bool percent_is_unreserved(uint8_t byte)
{
    return unreserved[byte >> 5] >> (byte & 31) & 1;
}

uint8_t percent_take(struct span *text)
{
    uint8_t byte = *text->data;
    size_t used = 1;
    if (byte == '%' && text->size > 2) {
        int high = hex_value(text->data[1]), low = hex_value(text->data[2]);
        if (high >= 0 && low >= 0) {
            byte = (uint8_t)(high << 4 | low);
            used = 3;
        }
    }
    *text = span_of(text->data + used, text->size - used);
    return byte;
}

size_t percent_put(uint8_t byte, char ret[PERCENT_MOST])
{
    static const char digits[] = "0123456789ABCDEF";
    if (percent_is_unreserved(byte)) {
        ret[0] = (char)byte;
        return 1;
    }
    ret[0] = '%';
    ret[1] = digits[byte >> 4];
    ret[2] = digits[byte & 15];
    return PERCENT_MOST;
}

bool percent_decode(struct span text, char *ret, size_t room, size_t *ret_size)
{
    size_t size = 0;
    while (text.size > 0) {
        if (size == room)
            return false;
        ret[size++] = (char)percent_take(&text);
    }
    *ret_size = size;
    return true;
}

bool percent_decode_strictly(struct span text, uint8_t *ret, size_t room, size_t *ret_size)
{
    size_t size = 0;
    while (text.size > 0) {
        bool encoded = *text.data == '%';
        size_t before = text.size;
        if (size == room)
            return false;
        ret[size++] = percent_take(&text);
        if (encoded && before - text.size == 1)
            return false;
    }
    *ret_size = size;
    return true;
}
