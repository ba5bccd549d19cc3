/* A connection to one upstream, which the test plays, and those who ask over it. */
#pragma once

#include "resolver/fetch.h"
#include "resolver/stream.h"
#include "tests/unit/played_upstream.h"
#include "tests/unit/unit.h"

#define FETCHES 300

/* Stands in for the fetch: notes what it is told. */
struct fetch {
    counter answers, failures;
    unsigned at;           /* its last answer was this one in the order of all */
    unsigned passes_over;  /* so many answers are not its own */
    bool asks_again;       /* at once, when it is told of a failure */
    int asked_again;       /* what came of that */
    struct message answer; /* the last, while it is kept */
};

struct stream_scene {
    struct engine engine;
    struct played peer;
    struct upstream upstream;
    struct fetch fetches[FETCHES];
    unsigned answers; /* of all */
};

extern struct stream_scene scene;

int stream_setup(void **unused); /* for cmocka */
int stream_teardown(void **unused);

/* A question with `id`, made up of `size` bytes in all that follow from the id. */
#define QUESTION_SIZE 40
void question_of(uint16_t id, size_t size, struct message *ret);
int ask(unsigned fetch, uint16_t id);
int ask_large(unsigned fetch, uint16_t id, size_t size);

/* The peer hears that question next. */
void hears_question(uint16_t id);
void is_question(const struct message *heard, uint16_t id);

/* An answer with this id and a mark behind its header. */
void answer_of(uint16_t id, uint8_t mark, struct message *ret);
void answers_id(uint16_t id, uint8_t mark);
void is_answered(unsigned fetch, uint8_t mark); /* waits for its first answer */
void is_failed(unsigned fetch);                 /* waits for its first failure */

static inline void passes(uint64_t ms)
{
    time_passes(&scene.engine.loop.uv, ms);
}
