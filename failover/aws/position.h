/* Has the replica what the primary had? By the positions of their logs, asked over SQL with the
 * login of the endpoint's probe.
 *
 *     the primary's position → the replica's, asked again for some seconds → a verdict
 *
 * The primary is asked first: what the replica has reached later was enough. Neither needs a
 * privilege but MySQL (not MariaDB), where the user must see the replication's status. */
#pragma once

#include "base/loop.h"
#include "base/sql.h"
#include "config/config.h"

#define POSITION_WORDS_SIZE 512

enum position_verdict {
    POSITION_REACHED,
    POSITION_BEHIND,
    POSITION_UNKNOWN /* one of them cannot be asked, or they do not compare */
};

/* What each side is asked, until it understands one; ends with NULL. */
struct position_statements {
    const char *primary[4], *replica[4];
};
const struct position_statements *position_statements(enum config_probe_type type);

/* `settled`: nothing that was committed before the fence is still on its way to the primary's log.
 */
enum position_verdict position_judge(enum config_probe_type type, const struct sql_row *primary,
    const struct sql_row *replica, bool settled, char words[POSITION_WORDS_SIZE]);

struct position_options {
    struct loop *loop;
    const struct config *config;            /* outlives it */
    const struct config_endpoint *endpoint; /* the config's, with a probe that has a user */
    size_t primary, replica;                /* regions' indexes */
    bool settled;
};

struct position;
typedef void position_done(void *context, enum position_verdict verdict, const char *words);

/* `done` comes once, later, unless it is cancelled; what is returned is gone then. */
struct position *position_start(
    const struct position_options *options, position_done *done, void *context);
void position_cancel(struct position *position); /* no `done` any more; NULL accepted */
