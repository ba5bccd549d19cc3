/* A new side that is writable when the test says so, in the place of proxy/relay/writable.c. */
#pragma once

#include <stdatomic.h>

struct fake_writable {
    atomic_uint started, stopped;
    const char *_Atomic words;
};

extern struct fake_writable fake_writable;

void fake_writable_reset(void);

/* Whoever asks now is told "yes". Nobody asks: nothing happens. */
void fake_writable_say_yes(void);
