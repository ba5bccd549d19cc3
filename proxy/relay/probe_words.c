/* A server's words, fit for a line of a log and a page of `status`. */
#include "proxy/relay/probe.h"

#include "base/utf8.h"

static bool is_end(uint8_t byte)
{
    return byte == '\n' || byte == '\r' || byte == '\0';
}

void probe_say(char words[PROBE_WORDS_SIZE], struct span text)
{
    size_t used = 0, at = 0;
    while (at < text.size && !is_end(text.data[at])) {
        size_t size = utf8_size(text.data + at, text.size - at);
        if (used + (size ? size : 1) >= PROBE_WORDS_SIZE)
            break;
        bool printable = size > 1 || (text.data[at] >= ' ' && text.data[at] < 0x7f);
        if (printable)
            memcpy(words + used, text.data + at, size);
        else
            words[used] = '?';
        used += printable ? size : 1;
        at += size ? size : 1;
    }
    words[used] = '\0';
}
