/* Percent-encoding (RFC 3986 section 2), as AWS wants it: everything but letters, digits, `-._~`,
 * with upper-case hexadecimal digits.
 *
 * A `%` that no two digits follow stands for itself: nothing is refused here. */
#pragma once

#include "base/span.h"

#include <stdbool.h>

#define PERCENT_MOST 3 /* bytes that one byte becomes */

bool percent_is_unreserved(uint8_t byte);

/* Takes one byte off the front, decoding %NN. `text->size` is at least 1. */
uint8_t percent_take(struct span *text);

/* 1 or PERCENT_MOST bytes. */
size_t percent_put(uint8_t byte, char ret[PERCENT_MOST]);

/* Decodes into `room` bytes; false when they do not suffice. */
bool percent_decode(struct span text, char *ret, size_t room, size_t *ret_size);

/* Likewise, and false when two digits do not follow a `%` too: where names are recognised. */
bool percent_decode_strictly(struct span text, uint8_t *ret, size_t room, size_t *ret_size);
