/* A keeper with all that it needs around it: a store in memory, one subscriber, somebody who asks.
 */
#pragma once

#include "failover/keeper.h"
#include "tests/unit/memory_store.h"
#include "tests/unit/sample.h"

struct scene {
    struct loop loop;
    struct memory_store store;
    struct relays relays; /* only `behind` is asked */
    uint64_t behind;      /* connections of "relay-db" to a region that it is fenced from */
    struct announce *announce;
    struct config *config;
    struct keeper *keeper;
    const struct view *view; /* the one taken last */
    struct acknowledgement *held;
    bool hold; /* acknowledgements */
    bool ready;
    char trace[1024]; /* what happened, in its order: one word an event */
};

struct answer {
    struct scene *scene;
    bool there;
    struct outcome outcome;
    char words[FAILURE_TEXT_SIZE], transition[64];
};

extern const struct siphash_key scene_key;

void scene_init(struct scene *scene); /* started, on a new record */
void scene_fini(struct scene *scene);
void restart(struct scene *scene); /* a daemon that ends and starts again on the same store */
const struct view_endpoint *endpoint(const struct scene *scene, const char *id); /* as taken last */
void release(struct scene *scene); /* the acknowledgement that was held */

/* Each of these starts a new trace. */
struct answer answer_to(struct scene *scene);
struct answer carry_out(struct scene *scene, struct command command); /* waits for the reply */
struct answer ask(struct scene *scene, const char *request);          /* likewise */

void submit(struct scene *scene, struct command command, struct answer *answer);
struct command switch_to(const char *region, const char *request);
struct command driven(enum command_kind kind, const char *request); /* as a script says it */
keeper_reply on_reply;                                              /* context: the struct answer */
announce_done on_ready;                                             /* context: the struct scene */
