/* The commands: each asks the daemon, shows what it says and returns the exit status. */
#pragma once

#include "programs/cli_session.h"

enum exit_status command_run(struct session *session);
