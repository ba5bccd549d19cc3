/* The framing of a signed body's pieces. */
#pragma once

#include "proxy/gateway/auth_refusal.h"

#include "base/http_header.h"

#define CHUNKED_TRAILERS_MOST 8

struct chunked_head {
    uint64_t size;           /* of the data */
    size_t signature_offset; /* of its 64 digits, within the line */
};

/* "400;chunk-signature=<64 digits>\r\n", the whole line. */
bool chunked_parse_head(struct span line, struct chunked_head *ret);

struct chunked_trailer {
    struct http_header fields[CHUNKED_TRAILERS_MOST]; /* ordered by name */
    size_t count;
    size_t signature_offset; /* within the section */
};

/* Whether `section` ends with its last line: the empty one after x-amz-trailer-signature. */
bool chunked_trailer_is_whole(struct span section);

/* The whole section: "name:value\r\n"… "x-amz-trailer-signature:<64 digits>\r\n\r\n". Some clients
 * end a field by LF, and put an empty line before the signature; S3's manual has it so. */
bool chunked_parse_trailer(struct span section, struct chunked_trailer *ret);

/* How long the section is, as it is written anew. */
size_t chunked_trailer_written_size(const struct chunked_trailer *trailer);

/* Likewise, of fields that are only announced in a comma-separated list. 0: one of them is none of
 * the checksums whose length we know. */
size_t chunked_trailer_size(struct span names);

/* Whether the fields are those that `names`, a comma-separated list, announced: each once. */
bool chunked_trailer_is_announced(const struct chunked_trailer *trailer, struct span names);
