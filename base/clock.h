/* Time. Durations use the boot clock (it runs on through suspend and never jumps); wall-clock time
 * is for people's eyes only and decides nothing. Decisions take a `struct moment` as an argument,
 * so that tests own the time. */
#pragma once

#include <stdint.h>

#define CLOCK_TEXT_SIZE 28 /* "2026-11-23T07:00:00.123Z" and NUL, with room */
#define CLOCK_BOOT_ID_SIZE 37

struct moment {
    char wall[CLOCK_TEXT_SIZE];       /* RFC 3339 in UTC, milliseconds; "" when there is none */
    char boot_id[CLOCK_BOOT_ID_SIZE]; /* which boot of the machine `boot_ms` counts from */
    uint64_t boot_ms;                 /* CLOCK_BOOTTIME, milliseconds */
};

uint64_t clock_boot_ms(void);
void clock_wall_text(char ret[CLOCK_TEXT_SIZE]);
struct moment clock_now(void);

/* How long ago `then` was, in milliseconds: exact within one boot; after a reboot at least the time
 * since that boot, which is all that can be known without trusting the wall clock. */
uint64_t clock_since_ms(const struct moment *then, const struct moment *now);
