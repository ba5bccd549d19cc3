#include "proxy/gateway/xml_text.h"

#include "base/utf8.h"

static const char *escape_of(uint8_t byte)
{
    switch (byte) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\r':
        return "&#13;";
    default:
        return byte < ' ' && byte != '\t' && byte != '\n' ? "?" : NULL;
    }
}

void xml_text_escape(struct text *text, struct span value)
{
    for (size_t i = 0; i < value.size;) {
        const char *escape = escape_of(value.data[i]);
        size_t size = escape ? 1 : utf8_size(value.data + i, value.size - i);
        if (escape || size == 0)
            text_put(text, escape ? escape : "?");
        else
            text_add(text, value.data + i, size);
        i += size ? size : 1;
    }
}
