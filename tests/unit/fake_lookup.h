/* A resolver that answers as the test says, from any thread. */
#pragma once

#include "base/lookup.h"

struct fake_lookup {
    struct lookup lookup; /* first, so that the calls find the rest */
    pthread_mutex_t lock; /* guards everything below */
    struct fake_record *records;
    struct fake_question *waiting; /* the last one first */
    bool hold;                     /* questions wait until fake_lookup_release */
};

void fake_lookup_init(struct fake_lookup *fake);
void fake_lookup_fini(struct fake_lookup *fake);

/* What `name` has from now on; `address` in place of what it had, or after that. */
void fake_lookup_set(struct fake_lookup *fake, const char *name, const struct address *address);
void fake_lookup_add(struct fake_lookup *fake, const char *name, const struct address *address);
/* It has none: UV_EAI_AGAIN. */
void fake_lookup_clear(struct fake_lookup *fake, const char *name);

unsigned fake_lookup_count(struct fake_lookup *fake, const char *name); /* questions, ever */

void fake_lookup_hold(struct fake_lookup *fake);
/* Answers what waits with what the names have now; later questions are answered at once. */
void fake_lookup_release(struct fake_lookup *fake);
