/* On the good day: a piece's head says what its data's hash must make; data is hashed as it comes
 * and gathered into a piece of ours, which goes on, signed, when the next one begins. At the end
 * the last piece, the empty one and the trailer follow together.
 *
 * A piece that is framed in any other way or signed by nobody ends the body for good. */
#include "proxy/gateway/chunked.h"

#include "base/memory.h"
#include "proxy/gateway/chunked_parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#define HEAD_REST (sizeof ";chunk-signature=" - 1 + SIGV4_SIGNATURE_SIZE - 1 + 2)
#define CRLF_SIZE 2

enum chunked_state { IN_HEAD, IN_DATA, IN_DATA_END, IN_TRAILER, DONE, BROKEN };

struct chunked {
    const struct sigv4 *sigv4;
    struct chunked_chain client, upstream;
    bool has_trailer;
    char *trailers;
    size_t trailer_size; /* as it was foreseen; 0: it was not */
    uint64_t left;       /* of the decoded length */
    const struct auth_refusal *refusal;

    enum chunked_state state;
    struct text line;                   /* of the framing, gathered so far */
    char claimed[SIGV4_SIGNATURE_SIZE]; /* by the head of the client's piece */
    uint64_t piece_size, piece_left;    /* its data */
    struct sigv4_sum sum;               /* of its data so far */
    struct text piece;                  /* ours */
};

struct chunked *chunked_new(const struct chunked_options *options)
{
    struct chunked *chunked = memory_new(sizeof *chunked);
    chunked->sigv4 = options->sigv4;
    chunked->client = options->client;
    chunked->upstream = options->upstream;
    chunked->has_trailer = options->has_trailer;
    chunked->trailers = memory_text_of(options->trailers.data, options->trailers.size);
    chunked->trailer_size = options->has_trailer ? chunked_trailer_size(options->trailers) : 0;
    chunked->left = options->decoded_length;
    auth_key_hold(chunked->client.key);
    auth_key_hold(chunked->upstream.key);
    return chunked;
}

void chunked_free(struct chunked *chunked)
{
    if (!chunked)
        return;
    auth_key_drop(chunked->client.key);
    auth_key_drop(chunked->upstream.key);
    sigv4_sum_fini(&chunked->sum);
    text_fini(&chunked->line);
    text_fini(&chunked->piece);
    free(chunked->trailers);
    free(chunked);
}

/* With its head and CRLF. */
static uint64_t whole_piece(uint64_t size)
{
    uint64_t digits = 1;
    for (uint64_t left = size >> 4; left > 0; left >>= 4)
        digits++;
    return digits + HEAD_REST + size + CRLF_SIZE;
}

bool chunked_length(const struct chunked_options *options, uint64_t *ret)
{
    uint64_t rest = options->decoded_length % CHUNKED_PIECE;
    uint64_t end = whole_piece(0);
    if (options->has_trailer) {
        size_t trailer = chunked_trailer_size(options->trailers);
        if (trailer == 0)
            return false;
        end += trailer - CRLF_SIZE;
    }
    *ret = options->decoded_length / CHUNKED_PIECE * whole_piece(CHUNKED_PIECE) +
           (rest > 0 ? whole_piece(rest) : 0) + end;
    return options->decoded_length < UINT64_MAX / 2;
}

const struct auth_refusal *chunked_refusal(const struct chunked *chunked)
{
    return chunked->refusal;
}

static int refuse(struct chunked *chunked, const struct auth_refusal *refusal)
{
    chunked->state = BROKEN;
    chunked->refusal = refusal;
    return -EPROTO;
}

typedef int sign_next(
    struct sigv4_key *key, const char *time, const char *previous, const char *hash, char *ret);

static int advance(const struct chunked *chunked, struct chunked_chain *chain, sign_next *sign,
    const char hash[SIGV4_HASH_SIZE])
{
    struct sigv4_key *key = NULL;
    int status = auth_key_prepare(chain->key, chunked->sigv4, chain->time, chain->region, &key);
    return status < 0 ? status : sign(key, chain->time, chain->signature, hash, chain->signature);
}

static int check(struct chunked *chunked, sign_next *sign, const char hash[SIGV4_HASH_SIZE],
    const char claimed[SIGV4_SIGNATURE_SIZE])
{
    if (advance(chunked, &chunked->client, sign, hash) < 0)
        return refuse(chunked, &auth_internal);
    return sigv4_equal(chunked->client.signature, claimed) ? 0
                                                           : refuse(chunked, &auth_bad_signature);
}

/* Our piece, be it empty, without the CRLF at its end. */
static int pass_piece(struct chunked *chunked, struct text *out)
{
    char hash[SIGV4_HASH_SIZE];
    struct text *piece = &chunked->piece;
    if (sigv4_hash(chunked->sigv4, span_of(piece->data, piece->size), hash) < 0 ||
        advance(chunked, &chunked->upstream, sigv4_sign_chunk, hash) < 0)
        return refuse(chunked, &auth_internal);
    text_format(out, "%zx;chunk-signature=%s\r\n", piece->size, chunked->upstream.signature);
    text_add(out, piece->data, piece->size);
    piece->size = 0;
    return 0;
}

static int pass_data(struct chunked *chunked, struct text *out)
{
    int status = pass_piece(chunked, out);
    text_put(out, "\r\n");
    return status;
}

/* All that was held back until here. */
static int pass_end(struct chunked *chunked, struct text *out)
{
    int status = chunked->piece.size > 0 ? pass_data(chunked, out) : 0;
    return status < 0 ? status : pass_piece(chunked, out);
}

/* Gathers up to a line's end; false: there is no more for now, or more than `most`. */
static bool gather_line(struct chunked *chunked, struct span *in, size_t most)
{
    size_t room = most - chunked->line.size, size = in->size < room ? in->size : room;
    const uint8_t *end = size ? memchr(in->data, '\n', size) : NULL;
    if (end)
        size = (size_t)(end - in->data) + 1;
    text_add(&chunked->line, in->data, size);
    *in = span_of(in->data + size, in->size - size);
    return end != NULL;
}

static int end_head(struct chunked *chunked)
{
    struct chunked_head head;
    if (!chunked_parse_head(span_of(chunked->line.data, chunked->line.size), &head))
        return refuse(chunked, &auth_chunk_malformed);
    if (head.size > chunked->left || (head.size == 0 && chunked->left > 0))
        return refuse(chunked, &auth_body_incomplete);
    if (sigv4_sum_begin(chunked->sigv4, &chunked->sum) < 0)
        return refuse(chunked, &auth_internal);
    memcpy(chunked->claimed, chunked->line.data + head.signature_offset, SIGV4_SIGNATURE_SIZE - 1);
    chunked->line.size = 0;
    chunked->left -= head.size;
    chunked->piece_size = chunked->piece_left = head.size;
    chunked->state = head.size > 0 ? IN_DATA : chunked->has_trailer ? IN_TRAILER : IN_DATA_END;
    return 0;
}

static int take_head(struct chunked *chunked, struct span *in)
{
    if (gather_line(chunked, in, CHUNKED_HEAD_MOST))
        return end_head(chunked);
    return chunked->line.size < CHUNKED_HEAD_MOST ? 0 : refuse(chunked, &auth_chunk_malformed);
}

/* No more than our piece has room for. */
static int take_data(struct chunked *chunked, struct span *in, struct text *out)
{
    struct text *piece = &chunked->piece;
    if (piece->size == CHUNKED_PIECE && pass_data(chunked, out) < 0)
        return -EPROTO;
    size_t room = CHUNKED_PIECE - piece->size, size = in->size < room ? in->size : room;
    size = size < chunked->piece_left ? size : (size_t)chunked->piece_left;
    text_reserve(piece, CHUNKED_PIECE);
    text_add(piece, in->data, size);
    if (sigv4_sum_add(&chunked->sum, span_of(in->data, size)) < 0)
        return refuse(chunked, &auth_internal);
    *in = span_of(in->data + size, in->size - size);
    chunked->piece_left -= size;
    if (chunked->piece_left == 0)
        chunked->state = IN_DATA_END;
    return 0;
}

static int check_data(struct chunked *chunked)
{
    char hash[SIGV4_HASH_SIZE];
    if (sigv4_sum_end(&chunked->sum, hash) < 0)
        return refuse(chunked, &auth_internal);
    return check(chunked, sigv4_sign_chunk, hash, chunked->claimed);
}

static int end_body(struct chunked *chunked, struct text *out)
{
    if (pass_end(chunked, out) < 0)
        return -EPROTO;
    text_put(out, "\r\n");
    chunked->state = DONE;
    return 0;
}

static int take_data_end(struct chunked *chunked, struct span *in, struct text *out)
{
    if (!gather_line(chunked, in, CRLF_SIZE) && chunked->line.size < CRLF_SIZE)
        return 0;
    if (chunked->line.size != CRLF_SIZE || memcmp(chunked->line.data, "\r\n", CRLF_SIZE) != 0)
        return refuse(chunked, &auth_chunk_malformed);
    chunked->line.size = 0;
    if (check_data(chunked) < 0)
        return -EPROTO;
    chunked->state = IN_HEAD;
    return chunked->piece_size > 0 ? 0 : end_body(chunked, out);
}

/* "name:value" of each field: what a trailer's signature signs, and what is sent. */
static void write_fields(
    const struct chunked_trailer *trailer, const char *line_end, struct text *out)
{
    for (size_t i = 0; i < trailer->count; i++) {
        const struct http_header *field = &trailer->fields[i];
        for (size_t at = 0; at < field->name.size; at++) {
            char lower = (char)tolower(field->name.data[at]);
            text_add(out, &lower, 1);
        }
        text_put(out, ":");
        text_add(out, field->value.data, field->value.size);
        text_put(out, line_end);
    }
}

static int check_trailer(struct chunked *chunked, const struct chunked_trailer *trailer,
    struct span section, char ret_hash[SIGV4_HASH_SIZE])
{
    struct text canonical = {0};
    char claimed[SIGV4_SIGNATURE_SIZE] = "";
    memcpy(claimed, section.data + trailer->signature_offset, sizeof claimed - 1);
    write_fields(trailer, "\n", &canonical);
    int status = sigv4_hash(chunked->sigv4, span_of(canonical.data, canonical.size), ret_hash) < 0
                     ? refuse(chunked, &auth_internal)
                     : check(chunked, sigv4_sign_trailer, ret_hash, claimed);
    text_fini(&canonical);
    return status;
}

static int pass_trailer(struct chunked *chunked, const struct chunked_trailer *trailer,
    const char hash[SIGV4_HASH_SIZE], struct text *out)
{
    if (pass_end(chunked, out) < 0)
        return -EPROTO;
    if (advance(chunked, &chunked->upstream, sigv4_sign_trailer, hash) < 0)
        return refuse(chunked, &auth_internal);
    write_fields(trailer, "\r\n", out);
    text_format(out, "x-amz-trailer-signature:%s\r\n\r\n", chunked->upstream.signature);
    chunked->state = DONE;
    return 0;
}

/* A checksum of another length is none, and the body's length was said before it came. */
static bool is_as_foreseen(const struct chunked *chunked, const struct chunked_trailer *trailer)
{
    return chunked->trailer_size == 0 ||
           chunked_trailer_written_size(trailer) == chunked->trailer_size;
}

static int end_trailer(struct chunked *chunked, struct span section, struct text *out)
{
    struct chunked_trailer trailer;
    char hash[SIGV4_HASH_SIZE];
    if (check_data(chunked) < 0)
        return -EPROTO;
    if (!chunked_parse_trailer(section, &trailer) ||
        !chunked_trailer_is_announced(&trailer, span_of_text(chunked->trailers)) ||
        !is_as_foreseen(chunked, &trailer))
        return refuse(chunked, &auth_trailer_malformed);
    if (check_trailer(chunked, &trailer, section, hash) < 0)
        return -EPROTO;
    return pass_trailer(chunked, &trailer, hash, out);
}

static int take_trailer(struct chunked *chunked, struct span *in, struct text *out)
{
    if (!gather_line(chunked, in, CHUNKED_TRAILER_MOST))
        return chunked->line.size < CHUNKED_TRAILER_MOST ? 0
                                                         : refuse(chunked, &auth_trailer_malformed);
    struct span section = span_of(chunked->line.data, chunked->line.size);
    return chunked_trailer_is_whole(section) ? end_trailer(chunked, section, out) : 0;
}

static int take(struct chunked *chunked, struct span *in, struct text *out)
{
    switch (chunked->state) {
    case IN_HEAD:
        return take_head(chunked, in);
    case IN_DATA:
        return take_data(chunked, in, out);
    case IN_DATA_END:
        return take_data_end(chunked, in, out);
    case IN_TRAILER:
        return take_trailer(chunked, in, out);
    case DONE:
        return refuse(chunked, &auth_chunk_malformed);
    case BROKEN:
        break;
    }
    return -EPROTO;
}

int chunked_push(struct chunked *chunked, struct span in, struct text *out)
{
    while (in.size > 0) {
        int status = take(chunked, &in, out);
        if (status < 0)
            return status;
    }
    return chunked->state == BROKEN ? -EPROTO : 0;
}

int chunked_finish(struct chunked *chunked)
{
    if (chunked->state == BROKEN)
        return -EPROTO;
    return chunked->state == DONE ? 0 : refuse(chunked, &auth_body_incomplete);
}
