/* On the good day: a piece is gathered until it is whole, its data's hash makes the client's
 * signature, and ours takes its place; then it goes on.
 *
 * A piece that is too large, framed in any other way or signed by nobody ends the body for good. */
#include "proxy/gateway/chunked.h"

#include "base/memory.h"
#include "proxy/gateway/chunked_parse.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

enum chunked_state { IN_HEAD, IN_DATA, IN_TRAILER, DONE, BROKEN };

struct chunked {
    const struct sigv4 *sigv4;
    struct chunked_chain client, upstream;
    bool has_trailer;
    char *trailers;
    uint64_t left; /* of the decoded length */
    const struct auth_refusal *refusal;

    enum chunked_state state;
    struct text piece; /* gathered so far: head, data, trailer */
    struct chunked_head head;
    size_t head_size; /* of `piece` */
    size_t whole;     /* size of `piece` with its data, once the head is known */
};

struct chunked *chunked_new(const struct chunked_options *options)
{
    struct chunked *chunked = memory_new(sizeof *chunked);
    chunked->sigv4 = options->sigv4;
    chunked->client = options->client;
    chunked->upstream = options->upstream;
    chunked->has_trailer = options->has_trailer;
    chunked->trailers = memory_text_of(options->trailers.data, options->trailers.size);
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
    text_fini(&chunked->piece);
    free(chunked->trailers);
    free(chunked);
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

/* The client's signature at `offset` of the piece is what it must be, and becomes ours. */
static int replace_signature(
    struct chunked *chunked, sign_next *sign, struct span signed_data, size_t offset)
{
    char hash[SIGV4_HASH_SIZE], *at = chunked->piece.data + offset;
    if (sigv4_hash(chunked->sigv4, signed_data, hash) < 0 ||
        advance(chunked, &chunked->client, sign, hash) < 0 ||
        advance(chunked, &chunked->upstream, sign, hash) < 0)
        return refuse(chunked, &auth_internal);
    if (!sigv4_equal(chunked->client.signature, at))
        return refuse(chunked, &auth_bad_signature);
    memcpy(at, chunked->upstream.signature, SIGV4_SIGNATURE_SIZE - 1);
    return 0;
}

static void pass_on(struct chunked *chunked, struct text *out)
{
    text_add(out, chunked->piece.data, chunked->piece.size);
    chunked->piece.size = 0;
}

/* Gathers until `size` bytes are there; false: there is no more for now. */
static bool gather(struct chunked *chunked, struct span *in, size_t size)
{
    size_t missing = size - chunked->piece.size;
    size_t step = missing < in->size ? missing : in->size;
    text_add(&chunked->piece, in->data, step);
    *in = span_of(in->data + step, in->size - step);
    return chunked->piece.size == size;
}

/* Gathers up to a line's end; false: there is no more for now, or more than `most`. */
static bool gather_line(struct chunked *chunked, struct span *in, size_t most)
{
    size_t room = most - chunked->piece.size, size = in->size < room ? in->size : room;
    const uint8_t *end = size ? memchr(in->data, '\n', size) : NULL;
    if (end)
        size = (size_t)(end - in->data) + 1;
    text_add(&chunked->piece, in->data, size);
    *in = span_of(in->data + size, in->size - size);
    return end != NULL;
}

static int end_head(struct chunked *chunked)
{
    struct span line = span_of(chunked->piece.data, chunked->piece.size);
    if (!chunked_parse_head(line, &chunked->head))
        return refuse(chunked, &auth_chunk_malformed);
    if (chunked->head.size > CHUNKED_CHUNK_MOST)
        return refuse(chunked, &auth_chunk_size);
    if (chunked->head.size > chunked->left || (chunked->head.size == 0 && chunked->left > 0))
        return refuse(chunked, &auth_body_incomplete);
    chunked->left -= chunked->head.size;
    chunked->head_size = line.size;
    chunked->whole = line.size + chunked->head.size + 2;
    text_reserve(&chunked->piece, chunked->whole);
    bool is_last_with_trailer = chunked->head.size == 0 && chunked->has_trailer;
    chunked->state = is_last_with_trailer ? IN_TRAILER : IN_DATA;
    return 0;
}

static int take_head(struct chunked *chunked, struct span *in)
{
    if (gather_line(chunked, in, CHUNKED_HEAD_MOST))
        return end_head(chunked);
    return chunked->piece.size < CHUNKED_HEAD_MOST ? 0 : refuse(chunked, &auth_chunk_malformed);
}

static int verify_chunk(struct chunked *chunked)
{
    struct span data = span_of(chunked->piece.data + chunked->head_size, chunked->head.size);
    return replace_signature(chunked, sigv4_sign_chunk, data, chunked->head.signature_offset);
}

static int take_data(struct chunked *chunked, struct span *in, struct text *out)
{
    if (!gather(chunked, in, chunked->whole))
        return 0;
    if (memcmp(chunked->piece.data + chunked->whole - 2, "\r\n", 2) != 0)
        return refuse(chunked, &auth_chunk_malformed);
    if (verify_chunk(chunked) < 0)
        return -EPROTO;
    pass_on(chunked, out);
    chunked->state = chunked->head.size == 0 ? DONE : IN_HEAD;
    return 0;
}

/* What a trailer's signature signs: "name:value\n" of each field. */
static void write_canonical(const struct chunked_trailer *trailer, struct text *out)
{
    for (size_t i = 0; i < trailer->count; i++) {
        const struct http_header *field = &trailer->fields[i];
        for (size_t at = 0; at < field->name.size; at++) {
            char lower = (char)tolower(field->name.data[at]);
            text_add(out, &lower, 1);
        }
        text_put(out, ":");
        text_add(out, field->value.data, field->value.size);
        text_put(out, "\n");
    }
}

static int verify_trailer(struct chunked *chunked, struct span section)
{
    struct chunked_trailer trailer;
    struct text canonical = {0};
    if (!chunked_parse_trailer(section, &trailer) ||
        !chunked_trailer_is_announced(&trailer, span_of_text(chunked->trailers)))
        return refuse(chunked, &auth_trailer_malformed);
    write_canonical(&trailer, &canonical);
    int status = replace_signature(chunked, sigv4_sign_trailer,
        span_of(canonical.data, canonical.size), chunked->head_size + trailer.signature_offset);
    text_fini(&canonical);
    return status;
}

static int take_trailer(struct chunked *chunked, struct span *in, struct text *out)
{
    size_t most = chunked->head_size + CHUNKED_TRAILER_MOST;
    if (!gather_line(chunked, in, most))
        return chunked->piece.size < most ? 0 : refuse(chunked, &auth_trailer_malformed);
    struct span section =
        span_of(chunked->piece.data + chunked->head_size, chunked->piece.size - chunked->head_size);
    if (!chunked_trailer_is_whole(section))
        return 0;
    if (verify_chunk(chunked) < 0 || verify_trailer(chunked, section) < 0)
        return -EPROTO;
    pass_on(chunked, out);
    chunked->state = DONE;
    return 0;
}

static int take(struct chunked *chunked, struct span *in, struct text *out)
{
    switch (chunked->state) {
    case IN_HEAD:
        return take_head(chunked, in);
    case IN_DATA:
        return take_data(chunked, in, out);
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
