/* JSON with comments → JSON of the same shape. Inside config/ only. */
#pragma once

#include "base/failure.h"

#include <stddef.h>

/* Writes spaces over comments, in place; line ends stay. -EINVAL where one never ends, with the
 * line where it began. */
int comments_blank(char *text, size_t size, unsigned *ret_line, struct failure *why);
