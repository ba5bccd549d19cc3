/* One question to one address of a database, on a connection of its own: is it writable?
 *
 *     begin → step, wait for the socket, step … → a verdict → end
 *
 * A probe never blocks and knows no loop: it says which socket it waits for, and writable.c waits.
 * There are four: with a `user` the database's own client library logs in and asks over SQL;
 * without one a few bytes of the protocol, written here, find out whether the server takes sessions
 * at all. */
#pragma once

#include "base/address.h"
#include "base/sql.h"

#define PROBE_WORDS_SIZE SQL_WORDS_SIZE

enum probe_verdict {
    PROBE_WAITS,
    PROBE_WRITABLE,
    PROBE_NOT_YET,    /* it answered, or it is not known what it thinks */
    PROBE_UNREACHABLE /* no connection: another address of the target may take one */
};

struct probe_question {
    struct address address;                 /* with its port */
    const char *user, *password, *database; /* NULL: not given; they outlive the probe */
};

/* What a step that waits waits for. The socket may be another one each time, even under the same
 * number, and whoever watches it lets go before the next step: the libraries close theirs. */
struct probe_wait {
    int fd;
    int events; /* UV_READABLE, UV_WRITABLE */
};

struct probe_kind {
    void *(*begin)(const struct probe_question *question);
    /* `events`: what happened to the socket, 0 at first. `words`: why it is not writable (yet). */
    enum probe_verdict (*step)(
        void *probe, int events, struct probe_wait *ret_wait, char words[PROBE_WORDS_SIZE]);
    /* At any time, also while it waits. */
    void (*end)(void *probe);
};

/* probe_login.c: their libraries must be loaded. */
extern const struct probe_kind probe_postgres, probe_mysql;
/* probe_greeting.c */
extern const struct probe_kind probe_postgres_greeting, probe_mysql_greeting;
