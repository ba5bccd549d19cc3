/* By hand: timegm(3) and strftime(3) ask for the time zone, at ten times what this takes, and each
 * request that is signed anew needs one of either. */
#include "base/sigv4.h"

#include <time.h>

#define DAY_S 86400

static char *put_number(char *at, unsigned digits, unsigned value)
{
    for (unsigned i = digits; i > 0; i--, value /= 10)
        at[i - 1] = (char)('0' + value % 10);
    return at + digits;
}

void sigv4_time_print(uint64_t now_s, char ret[SIGV4_TIME_SIZE])
{
    time_t seconds = (time_t)now_s;
    struct tm parts;
    gmtime_r(&seconds, &parts);
    char *at = put_number(ret, 4, (unsigned)parts.tm_year + 1900);
    at = put_number(at, 2, (unsigned)parts.tm_mon + 1);
    at = put_number(at, 2, (unsigned)parts.tm_mday);
    *at++ = 'T';
    at = put_number(at, 2, (unsigned)parts.tm_hour);
    at = put_number(at, 2, (unsigned)parts.tm_min);
    at = put_number(at, 2, (unsigned)parts.tm_sec);
    memcpy(at, "Z", 2);
}

/* From 1970 on. A day that its month does not have is one of the next month's, as with timegm(3).
 */
static uint64_t day_number(int year, int month, int day)
{
    static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
    bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    int last = year - 1; /* whose leap days are all behind it; 477 were before 1970 */
    int days = 365 * (year - 1970) + last / 4 - last / 100 + last / 400 - 477 + before[month - 1] +
               (is_leap && month > 2) + day - 1;
    return (uint64_t)days;
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
    int year, month, day, hour, minute, second;
    if (text.size != SIGV4_TIME_SIZE - 1 || !take_number(&at, 4, 1970, 9999, &year) ||
        !take_number(&at, 2, 1, 12, &month) || !take_number(&at, 2, 1, 31, &day) ||
        !take_byte(&at, 'T') || !take_number(&at, 2, 0, 23, &hour) ||
        !take_number(&at, 2, 0, 59, &minute) || !take_number(&at, 2, 0, 60, &second) ||
        !take_byte(&at, 'Z'))
        return false;
    *ret_s = day_number(year, month, day) * DAY_S + (uint64_t)(hour * 3600 + minute * 60 + second);
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
