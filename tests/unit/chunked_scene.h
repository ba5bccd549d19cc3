/* A client that signs a body in pieces, and what becomes of it on its way. */
#pragma once

#include "proxy/gateway/chunked.h"

#include "tests/unit/unit.h"

#define SCENE_SEED "4f232c4386841ef735655705268965c44a0e4690baa4adea153f7db9fa80a0a9"

struct chunked_scene {
    struct sigv4 sigv4;
    struct chunked_chain client, upstream; /* as they begin */
    struct text body;                      /* what the client sends */
    struct text out;                       /* what went on */
    const char *trailers;                  /* NULL: the body has none */
    uint64_t decoded_length;
    const struct auth_refusal *refusal;
};

int chunked_scene_set_up(void **state);
int chunked_scene_tear_down(void **state);

/* A body of pieces of these sizes, 0 ends them, with a trailer ("name:value\r\n"…) where `trailer`
 * is not NULL; `canonical` is what the trailer's signature signs. */
void chunked_scene_write(
    struct chunked_scene *scene, const size_t *sizes, const char *trailer, const char *canonical);

/* Sends it in steps of `step` bytes: 0, or what push or finish said. */
int chunked_scene_send(struct chunked_scene *scene, size_t step);

/* How long what goes on will be; it is known. */
size_t chunked_scene_length(struct chunked_scene *scene);

/* It is refused, and `passed` bytes went on before, however it is cut. */
void chunked_scene_expect(
    struct chunked_scene *scene, const struct auth_refusal *refusal, size_t passed);

/* What went on is a whole body of the other key with the same data, in pieces of one size but for
 * the last, and as long as it was said to be, where it was. */
void chunked_scene_check_upstream(struct chunked_scene *scene);
