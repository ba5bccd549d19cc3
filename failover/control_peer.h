/* Who is at the other end of a Unix socket, and what that one may do. */
#pragma once

#include "base/loop.h"

#include <stddef.h>
#include <sys/types.h>

#define PEER_NAME_SIZE 64

/* What the kernel says of the process that connected: fixed at that moment. */
struct peer {
    uid_t uid;
    gid_t *groups; /* primary and supplementary */
    size_t group_count;
};

int peer_read(int fd, struct peer *ret); /* 0 or a negative errno; finish in either case */
struct peer peer_copy(const struct peer *peer);
void peer_fini(struct peer *peer);
bool peer_has_group(const struct peer *peer, gid_t group);

/* The names around a peer, as the machine's user database has them now. */
struct peer_names {
    char user[PEER_NAME_SIZE]; /* or "uid 1000" */
    bool has_operators;        /* false: there is no such group, so nobody is in it */
    gid_t operators;
};

/* May block (LDAP and the like). */
void peer_names_read(uid_t uid, const char *operators, struct peer_names *ret);

/* The same on a thread of its own, so that a user database in a lost region stops neither the main
 * loop nor the threads that write the record. */
struct peer_desk;

typedef void peer_named(void *context, const struct peer_names *names);

struct peer_desk *peer_desk_new(struct loop *home);
/* `done` runs later on `home`, in the order of asking. `operators` is copied. -EAGAIN and the like
 * when the thread cannot be started: then it does not run. */
int peer_desk_ask(
    struct peer_desk *desk, uid_t uid, const char *operators, peer_named *done, void *context);
void peer_desk_free(struct peer_desk *desk); /* not while a question is under way */
