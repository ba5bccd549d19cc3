/* The sidecar: what the record says is to be done, done.
 *
 * On the good day it hears the daemon's status, starts the steps whose needs are met, each a `run`,
 * and ends the transition when all are over. It keeps nothing that counts: the record is the
 * journal, so a killed one goes on where the truth is, and so does the next beside another daemon.
 *
 * Without the daemon nothing new is begun. */
#pragma once

#include "base/loop.h"
#include "config/config.h"

struct engine;

struct engine_options {
    struct loop *loop;
    const char *config_path;
    struct config *config; /* a reference is taken */
    const char *socket;    /* of the control socket */
};

struct engine *engine_new(const struct engine_options *options);

/* Reads the configuration again; while a transition runs, when it has ended. */
void engine_reload(struct engine *engine);

/* Steps stay where they are; commands that run are ended. `freed` runs later. */
void engine_free(struct engine *engine, loop_call *freed, void *context);

/* Reads a configuration that nobody but root and our user can have written, for it says which
 * commands are run: 0, or -EINVAL, -EPERM … with words, several lines perhaps, the caller's. */
int engine_read_config(const char *path, struct config **ret_config, char **ret_words);
