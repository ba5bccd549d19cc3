/* Stays with a transition until it has ended or stopped, or --timeout is over, and shows how it
 * goes: a picture that is drawn again on a terminal, one plain line a change elsewhere. */
#pragma once

#include "programs/cli_session.h"

/* `id`: which one; NULL: the one that runs now. `any_end`: it is enough that it is over (`wait`);
 * otherwise one that was aborted or failed is EXIT_STATUS_FAILED. `progress` takes the picture. The
 * result in `ret` is an outcome. */
void follow_transition(
    struct session *session, const char *id, bool any_end, FILE *progress, struct reply *ret);
