#include "tests/unit/chunked_scene.h"

#include "base/memory.h"
#include "proxy/gateway/chunked_parse.h"

#include <stdlib.h>

static void begin(
    struct chunked_chain *chain, const char *id, const char *secret, const char *region)
{
    chain->key = auth_key_new(id, secret, NULL, 0);
    strcpy(chain->time, "20130524T000000Z");
    strcpy(chain->region, region);
    strcpy(chain->signature, SCENE_SEED);
}

int chunked_scene_set_up(void **state)
{
    struct chunked_scene *scene = memory_new(sizeof *scene);
    assert_int_equal(sigv4_init(&scene->sigv4), 0);
    begin(&scene->client, "AKIAIOSFODNN7EXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "us-east-1");
    begin(&scene->upstream, "AKIDOURS", "our own secret", "us-west-2");
    strcpy(scene->upstream.time, "20261123T120000Z");
    *state = scene;
    return 0;
}

int chunked_scene_tear_down(void **state)
{
    struct chunked_scene *scene = *state;
    auth_key_drop(scene->client.key);
    auth_key_drop(scene->upstream.key);
    text_fini(&scene->body);
    text_fini(&scene->out);
    sigv4_fini(&scene->sigv4);
    free(scene);
    return 0;
}

static struct sigv4_key *key_of(struct chunked_scene *scene, struct chunked_chain *chain)
{
    struct sigv4_key *key = NULL;
    assert_int_equal(
        auth_key_prepare(chain->key, &scene->sigv4, chain->time, chain->region, &key), 0);
    return key;
}

static void write_chunk(struct chunked_scene *scene, struct chunked_chain *chain, size_t size)
{
    char hash[SIGV4_HASH_SIZE], *data = memory_new(size);
    memset(data, 'a', size);
    assert_int_equal(sigv4_hash(&scene->sigv4, span_of(data, size), hash), 0);
    assert_int_equal(sigv4_sign_chunk(key_of(scene, chain), chain->time, chain->signature, hash,
                         chain->signature),
        0);
    text_format(&scene->body, "%zx;chunk-signature=%s\r\n", size, chain->signature);
    text_add(&scene->body, data, size);
    scene->decoded_length += size;
    free(data);
}

static void write_trailer(struct chunked_scene *scene, struct chunked_chain *chain,
    const char *trailer, const char *canonical)
{
    char hash[SIGV4_HASH_SIZE];
    assert_int_equal(sigv4_hash(&scene->sigv4, span_of_text(canonical), hash), 0);
    assert_int_equal(sigv4_sign_trailer(key_of(scene, chain), chain->time, chain->signature, hash,
                         chain->signature),
        0);
    text_format(&scene->body, "%sx-amz-trailer-signature:%s\r\n\r\n", trailer, chain->signature);
}

void chunked_scene_write(
    struct chunked_scene *scene, const size_t *sizes, const char *trailer, const char *canonical)
{
    struct chunked_chain chain = scene->client;
    text_fini(&scene->body);
    scene->decoded_length = 0;
    for (; *sizes > 0; sizes++) {
        write_chunk(scene, &chain, *sizes);
        text_put(&scene->body, "\r\n");
    }
    write_chunk(scene, &chain, 0);
    if (trailer)
        write_trailer(scene, &chain, trailer, canonical);
    else
        text_put(&scene->body, "\r\n");
}

static int push_all(struct chunked *chunked, const struct text *body, size_t step, struct text *out)
{
    int status = 0;
    for (size_t at = 0; at < body->size && status == 0; at += step) {
        size_t size = body->size - at < step ? body->size - at : step;
        struct span exact = span_of(memory_text_of(body->data + at, size), size);
        status = chunked_push(chunked, exact, out);
        free((void *)exact.data);
    }
    return status == 0 ? chunked_finish(chunked) : status;
}

static struct chunked_options options_of(const struct chunked_scene *scene)
{
    return (struct chunked_options){.sigv4 = &scene->sigv4,
        .client = scene->client,
        .upstream = scene->upstream,
        .has_trailer = scene->trailers != NULL,
        .trailers = span_of_text(scene->trailers ? scene->trailers : ""),
        .decoded_length = scene->decoded_length};
}

size_t chunked_scene_length(struct chunked_scene *scene)
{
    struct chunked_options options = options_of(scene);
    uint64_t length = 0;
    assert_true(chunked_length(&options, &length));
    return length;
}

int chunked_scene_send(struct chunked_scene *scene, size_t step)
{
    struct chunked_options options = options_of(scene);
    struct chunked *chunked = chunked_new(&options);
    text_fini(&scene->out);
    int status = push_all(chunked, &scene->body, step, &scene->out);
    scene->refusal = chunked_refusal(chunked);
    chunked_free(chunked);
    return status;
}

void chunked_scene_expect(
    struct chunked_scene *scene, const struct auth_refusal *refusal, size_t passed)
{
    static const size_t steps[] = {1, 7, 100, 1u << 24};
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        assert_true(chunked_scene_send(scene, steps[i]) < 0);
        if (scene->refusal != refusal)
            print_message("%s\n", scene->refusal->message);
        assert_ptr_equal(scene->refusal, refusal);
        assert_int_equal(scene->out.size, passed);
    }
}

/* The data of a body's pieces, none of which is larger than `most`, and only the last one smaller
 * than `least`. */
static struct text data_of(const struct text *body, size_t least, size_t most)
{
    struct text data = {0};
    struct span left = span_of(body->data, body->size);
    bool was_smaller = false;
    for (;;) {
        const uint8_t *end = memchr(left.data, '\n', left.size);
        assert_non_null(end);
        size_t line = (size_t)(end - left.data) + 1;
        struct chunked_head head;
        assert_true(chunked_parse_head(span_of(left.data, line), &head));
        if (head.size == 0)
            return data;
        assert_false(was_smaller);
        assert_in_range(head.size, 1, most);
        was_smaller = head.size < least;
        text_add(&data, left.data + line, head.size);
        left = span_of(left.data + line + head.size + 2, left.size - line - head.size - 2);
    }
}

static void assert_signed_by_us(const struct chunked_scene *scene)
{
    struct chunked_options options = options_of(scene);
    struct text again = {0};
    options.client = scene->upstream;
    options.upstream = scene->client;
    struct chunked *back = chunked_new(&options);
    assert_int_equal(push_all(back, &scene->out, 1000, &again), 0);
    text_fini(&again);
    chunked_free(back);
}

void chunked_scene_check_upstream(struct chunked_scene *scene)
{
    struct chunked_options options = options_of(scene);
    struct text sent = data_of(&scene->body, 0, SIZE_MAX);
    struct text went_on = data_of(&scene->out, CHUNKED_PIECE, CHUNKED_PIECE);
    uint64_t length = 0;
    assert_int_equal(went_on.size, sent.size);
    if (sent.size > 0)
        assert_memory_equal(went_on.data, sent.data, sent.size);
    if (chunked_length(&options, &length))
        assert_int_equal(scene->out.size, length);
    assert_signed_by_us(scene);
    text_fini(&sent);
    text_fini(&went_on);
}
