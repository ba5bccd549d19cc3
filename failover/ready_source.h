/* Where the rows of `ready` come from. Each source is asked once in a run, puts in what it finds,
 * now or later, and says when it has no more; the run ends with the last of them.
 *
 * A row is one check of one thing in one region. All on the main loop. */
#pragma once

#include "base/loop.h"
#include "config/config.h"

#include <stdbool.h>

enum ready_status { READY_PASS, READY_WARN, READY_FAIL };

struct ready_row {
    const char *check;    /* "target", "certificate" … */
    const char *endpoint; /* id; NULL: it is about the whole region */
    const char *region;   /* id, of the configuration of the run */
    enum ready_status status;
    const char *words;  /* what was found */
    const char *advice; /* what to do; NULL: nothing */
};

struct ready_rows; /* of one source in one run */

/* What the run is about; valid until ready_rows_end. */
struct config *ready_rows_config(const struct ready_rows *rows);

void ready_rows_add(struct ready_rows *rows, const struct ready_row *row); /* copied */
void ready_rows_end(struct ready_rows *rows); /* exactly once; `rows` is gone then */

struct ready_source {
    /* May end before it returns. Bounded in time: whoever asked waits. */
    void (*start)(struct ready_source *source, struct ready_rows *rows);
    /* The daemon stops: ends its rows if they are not ended yet, puts away everything and itself;
     * `freed` runs later, when nothing of it is left. */
    void (*stop)(struct ready_source *source, loop_call *freed, void *context);
};
