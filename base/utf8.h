/* UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF. */
#pragma once

#include <stddef.h>

/* The length of the sequence at `at` (1 to 4), 0 when there is none. `left` is at least 1. */
size_t utf8_size(const unsigned char *at, size_t left);

/* Takes out whatever is no sequence, such as the half of a letter where words were cut. */
void utf8_mend(char *text);
