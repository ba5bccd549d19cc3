/* Who the daemon is: root binds the ports, then becomes somebody who may do little. */
#pragma once

#include "base/failure.h"

#include <sys/types.h>

#define PRIVILEGES_NAME_SIZE 64

struct privileges_user {
    char name[PRIVILEGES_NAME_SIZE];
    uid_t uid;
    gid_t gid;
};

/* -ENOENT with words when there is no such user. */
int privileges_find_user(const char *name, struct privileges_user *ret, struct failure *why);

/* Root becomes `user` with its groups and keeps CAP_NET_BIND_SERVICE alone, across an exec too.
 * Nothing happens when we are not root, or when `user` is. Only the calling thread's capabilities
 * change, so it comes before any other thread. An error leaves us half way: exit. */
int privileges_drop(const struct privileges_user *user, struct failure *why);

/* Makes a directory and its missing parents; it belongs to `user` (NULL: to us) with `mode`, the
 * parents to us with 0755. A directory that is there already stays as it is: it is not ours to
 * give away. */
int privileges_make_directory(
    const char *path, mode_t mode, const struct privileges_user *user, struct failure *why);

/* Raises the soft limit of open files to the hard one. */
int privileges_raise_file_limit(void);
