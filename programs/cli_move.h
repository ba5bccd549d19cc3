/* The commands that change something: failover, switchover, abort, reload, a word about a step; and
 * waiting for them. */
#pragma once

#include "programs/cli_session.h"

bool move_said_yes(void);                           /* a line of standard input */
enum exit_status move_run(struct session *session); /* failover, switchover */
enum exit_status move_abort(struct session *session);
enum exit_status move_wait(struct session *session);
enum exit_status move_go_on(struct session *session); /* retry, skip, approve */
enum exit_status move_reload(struct session *session);
