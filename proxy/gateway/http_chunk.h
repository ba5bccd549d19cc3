/* The chunked coding, taken off (RFC 9112 section 7.1): strict and bounded, in pieces of any size.
 *
 * Our own, where heads are llhttp's: a chunk's extensions and trailers must be counted, and a
 * chunk's data known ahead, byte for byte alike on every version of the library. */
#pragma once

#include "base/span.h"

#include <stdbool.h>

#define HTTP_CHUNK_EXTENSIONS_MAX 256   /* bytes of one chunk's */
#define HTTP_CHUNK_TRAILERS_MAX 4096    /* bytes of all, with their line ends */
#define HTTP_CHUNK_EXTENDED_MAX 1048576 /* bytes of all extensions of a body */

enum http_chunk_state {
    HTTP_CHUNK_SIZE,
    HTTP_CHUNK_EXTENSION,
    HTTP_CHUNK_SIZE_LF,
    HTTP_CHUNK_DATA,
    HTTP_CHUNK_DATA_CR,
    HTTP_CHUNK_DATA_LF,
    HTTP_CHUNK_TRAILERS,
    HTTP_CHUNK_OVER
};

struct http_chunk {
    enum http_chunk_state state;
    uint64_t left; /* of the chunk's data */
    unsigned digits, extension;
    size_t extended;
    size_t trailer_size;
    unsigned line_size; /* of the trailer's line so far */
    bool after_cr;
    char name[32]; /* of the trailer's line: as much as it takes to know a forbidden one */
    unsigned name_size;
    bool in_value;
};

/* Takes bytes off `input`. When the next of them are data, `*ret_data` are those (as many as are
 * there), else it is empty: `input` is used up, or the body is over (http_chunk_is_over). 0, or
 * -EPROTO. Zero the chunk to begin. */
int http_chunk_next(struct http_chunk *chunk, struct span *input, struct span *ret_data);

static inline bool http_chunk_is_over(const struct http_chunk *chunk)
{
    return chunk->state == HTTP_CHUNK_OVER;
}
