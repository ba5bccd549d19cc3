#include "base/sigv4.h"

#include <assert.h>
#include <time.h>

void sigv4_time_print(uint64_t now_s, char ret[SIGV4_TIME_SIZE])
{
    time_t seconds = (time_t)now_s;
    struct tm parts;
    gmtime_r(&seconds, &parts);
    size_t size = strftime(ret, SIGV4_TIME_SIZE, "%Y%m%dT%H%M%SZ", &parts);
    assert(size == SIGV4_TIME_SIZE - 1);
}

/* The next `digits` digits as a number from `least` to `most`. */
static bool take_number(const uint8_t **at, unsigned digits, int least, int most, int *ret)
{
    int value = 0;
    for (unsigned i = 0; i < digits; i++, (*at)++) {
        if (**at < '0' || **at > '9')
            return false;
        value = 10 * value + (**at - '0');
    }
    *ret = value;
    return value >= least && value <= most;
}

static bool take_byte(const uint8_t **at, char byte)
{
    return *(*at)++ == byte;
}

bool sigv4_time_parse(struct span text, uint64_t *ret_s)
{
    const uint8_t *at = text.data;
    struct tm parts = {0};
    if (text.size != SIGV4_TIME_SIZE - 1 || !take_number(&at, 4, 1970, 9999, &parts.tm_year) ||
        !take_number(&at, 2, 1, 12, &parts.tm_mon) || !take_number(&at, 2, 1, 31, &parts.tm_mday) ||
        !take_byte(&at, 'T') || !take_number(&at, 2, 0, 23, &parts.tm_hour) ||
        !take_number(&at, 2, 0, 59, &parts.tm_min) || !take_number(&at, 2, 0, 60, &parts.tm_sec) ||
        !take_byte(&at, 'Z'))
        return false;
    parts.tm_year -= 1900;
    parts.tm_mon -= 1;
    *ret_s = (uint64_t)timegm(&parts);
    return true;
}

bool sigv4_time_parse_extended(const char *text, uint64_t *ret_s)
{
    char compact[SIGV4_TIME_SIZE];
    size_t size = 0;
    for (; *text && *text != '.' && *text != 'Z' && size < sizeof compact - 2; text++) {
        if (*text != '-' && *text != ':')
            compact[size++] = *text;
    }
    if (*text == '.')
        text += 1 + strspn(text + 1, "0123456789");
    compact[size] = 'Z';
    return strcmp(text, "Z") == 0 && sigv4_time_parse(span_of(compact, size + 1), ret_s);
}
