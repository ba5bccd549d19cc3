/* A store in memory whose next writes go as the test says. */
#pragma once

#include "base/loop.h"
#include "failover/store.h"

struct memory_store {
    struct store store; /* the handle; first, so that the calls find the rest */
    struct loop *loop;
    struct state *state; /* what is stored; NULL: nothing yet */
    bool refused;        /* reads as a record that cannot be believed */
    uint64_t seen_revision, seen_epoch;
    int read_status;

    int write_status; /* of every write from now on */
    bool in_place;    /* with an error: it is there all the same */
    bool hold;        /* writes wait until memory_store_release */
    unsigned writes;  /* that were started */
    void (*on_write)(void *context);
    void *on_write_context;

    struct state *next; /* the write under way: a copy */
    uint64_t expected;
    store_written *done;
    void *context;
    bool freed;
};

void memory_store_init(struct memory_store *store, struct loop *loop);
void memory_store_fini(struct memory_store *store); /* after its keeper */
void memory_store_release(struct memory_store *store);
