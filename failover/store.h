/* Where the record lives: compare-and-set and watch. A file governs one host; etcd can be the
 * second.
 *
 * All calls and callbacks are on the main loop. Writing never blocks it. */
#pragma once

#include "failover/state.h"

#include <uv.h>

struct store;

enum store_reading {
    STORE_NEW,     /* there is no record at all: start at home */
    STORE_RECORD,  /* `state` */
    STORE_REFUSED, /* there is one that cannot be believed: undecided */
};

struct store_read {
    enum store_reading reading;
    struct state *state;                /* STORE_RECORD: the caller's */
    struct failure why;                 /* STORE_REFUSED: in words, with the path */
    uint64_t seen_revision, seen_epoch; /* STORE_REFUSED: the largest that could be read */
};

/* `status` 0: stored, durable. Negative: with `in_place` false nothing changed; true: the new
 * record is there and counts, only its durability is in doubt. -ESTALE: somebody else wrote in
 * between. */
typedef void store_written(void *context, int status, bool in_place, const struct failure *why);

/* Another writer's record arrived (never with a file). `state` is the receiver's. */
typedef void store_changed(void *context, struct state *state);

struct store_interface {
    int (*read)(struct store *store, struct store_read *ret);
    /* One write at a time. `next` is borrowed until the callback; `expected` is the revision that
     * the stored record must have (0: there may be none, or a refused one that is set aside). */
    void (*write)(struct store *store, struct state *next, uint64_t expected, store_written *done,
        void *context);
    void (*watch)(struct store *store, store_changed *changed, void *context);
    void (*free)(struct store *store);
    const char *(*describe)(struct store *store); /* "file /var/lib/…": for people */
};

struct store {
    const struct store_interface *calls;
};

/* Takes the lock beside the file (-EBUSY: another daemon has it) and creates missing directories.
 */
int store_file_open(
    uv_loop_t *loop, const char *path, struct store **ret_store, struct failure *why);
