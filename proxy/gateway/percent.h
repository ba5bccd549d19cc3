/* Percent-encoding (RFC 3986 section 2.1), as far as names have to be recognised in it. */
#pragma once

#include "base/span.h"

#include <stdbool.h>

/* Decodes into `ret`, at most `room` bytes. False when it does not fit or a "%" is not followed by
 * two hexadecimal digits. "+" stays what it is. */
bool percent_decode(struct span text, uint8_t *ret, size_t room, size_t *ret_size);
