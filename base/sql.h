/* One statement to one address of a database, on a connection of its own, through the database's
 * own client library: log in, ask, one row or none, leave.
 *
 *     load → begin → step, wait for the socket, step … → a verdict → row → end
 *
 * It never blocks and knows no loop: it says which socket it waits for, and whoever asks waits, and
 * has a deadline. */
#pragma once

#include "base/address.h"
#include "base/failure.h"
#include "base/span.h"

#define SQL_WORDS_SIZE 256
#define SQL_COLUMNS_MAX 128

enum sql_verdict {
    SQL_WAITS,
    SQL_ANSWERED,
    SQL_NOT_UNDERSTOOD, /* MySQL's alone: another server may know other words for it */
    SQL_FAILED,
    SQL_UNREACHABLE /* no connection: another address of the target may take one */
};

/* It and what it points to outlive the session. */
struct sql_question {
    struct address address;                 /* with its port */
    const char *user, *password, *database; /* but for the user, NULL: not given */
    const char *statement;
};

/* What a step that waits waits for. The socket may be another one each time, even under the same
 * number, and whoever watches it lets go before the next step: the libraries close theirs. */
struct sql_wait {
    int fd;
    int events; /* UV_READABLE, UV_WRITABLE */
};

struct sql_column {
    char *name, *value; /* NULL: SQL's NULL */
};

struct sql_row {
    size_t count; /* 0: there was no row */
    struct sql_column columns[SQL_COLUMNS_MAX];
};

struct sql_client {
    /* The libraries are loaded when somebody needs them and stay: linked, they would cost every
     * start 3.5 ms and 5 MB. Loaded already: 0. -ENOENT with words. */
    int (*load)(struct failure *why);
    void *(*begin)(const struct sql_question *question); /* loaded */
    /* `events`: what happened to the socket, 0 at first. `words`: why there is no answer. */
    enum sql_verdict (*step)(
        void *session, int events, struct sql_wait *ret_wait, char words[SQL_WORDS_SIZE]);
    const struct sql_row *(*row)(const void *session); /* once it is answered; the session's */
    /* At any time, also while it waits. */
    void (*end)(void *session);
};

extern const struct sql_client sql_postgres, sql_mysql;

#define SQL_NOT_ASKED_FOR "an answer that was not asked for"

/* sql_words.c: one line out of what a server or a library says, which may be anything. */
void sql_say(char words[SQL_WORDS_SIZE], struct span text);
/* Copies; either may be NULL. There must be room. */
void sql_row_add(struct sql_row *row, const char *name, const char *value);
void sql_row_fini(struct sql_row *row);
/* The value of the first column of that name; NULL: there is none, or it is NULL. */
const char *sql_row_find(const struct sql_row *row, const char *name);

/* sql_library.c: a library and what is needed of it, into a table of pointers. */
struct sql_function {
    const char *name;
    void *pointer; /* to the pointer */
};

int sql_load(const char *library, const char *package, const struct sql_function *functions,
    size_t count, struct failure *why);
