/* Domain names (RFC 1035 section 3.1): uncompressed wire form, and the text that people write. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NAME_WIRE_MAX 255
#define NAME_LABEL_MAX 63
#define NAME_LABELS_MAX 127
#define NAME_TEXT_SIZE 1025 /* every byte as \DDD, dots, NUL */

/* Lower case where it is a key; with its final root label. `size` is 1 for the root, 0 for none. */
struct name {
    uint8_t size;
    uint8_t wire[NAME_WIRE_MAX];
};

/* "db.shop.internal", with or without the final dot; "\." and "\DDD" escapes as in zone files.
 * The name is lower-cased. False when a label or the name is empty or too long, and for blanks and
 * bytes beyond ASCII that are not written as \DDD. */
bool name_from_text(const char *text, struct name *ret);

/* `wire` is a whole, vetted, uncompressed name. No final dot, except for the root, which is ".". */
void name_to_text(const uint8_t *wire, size_t size, char ret[NAME_TEXT_SIZE]);

/* ASCII lower case; label lengths are below 'A', so whole names can be passed (RFC 4343). */
void name_lower(uint8_t *to, const uint8_t *from, size_t size);

bool name_equal(const struct name *a, const struct name *b);

/* Labels without the root: 0 for ".", 3 for "db.shop.internal". */
unsigned name_labels(const uint8_t *wire);

/* Whether `wire` is `suffix` or below it. Both lower case. */
bool name_within(const uint8_t *wire, size_t size, const struct name *suffix);
