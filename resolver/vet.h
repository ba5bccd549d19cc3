/* What counts as the answer to a question that we asked: ours, well-formed, and brought into the
 * form that clients expect. */
#pragma once

#include "resolver/cache.h"

struct engine;

/* `wire` is the question's name as it was asked. When it is the answer, the engine's `reply` says
 * what is in it, and `*message` are its bytes (the thread's work space when it had to be put
 * together again). What is no answer is counted. A truncated answer counts, as it is. */
bool vet(struct engine *engine, const struct cache_key *key, const uint8_t *wire, uint16_t id,
    const uint8_t **message, size_t size);
