/* Reading the configuration again, whole or not at all: one way for `reload` and for SIGHUP. */
#pragma once

#include "failover/keeper.h"

/* Reads the file that the configuration in force came from. When it is wrong, `reply` runs before
 * this returns: EXIT_STATUS_USAGE, all errors in the words, one a line, and nothing has changed.
 * Otherwise it runs later, with what the keeper makes of it. */
void reload_configuration(struct keeper *keeper, keeper_reply *reply, void *context);
