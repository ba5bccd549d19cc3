/* Where a database session may be cut without anybody losing a transaction.
 *
 * PostgreSQL (frontend/backend protocol 3, "Message Flow") and MySQL/MariaDB (client/server
 * protocol, "Command Phase") without TLS are followed message by message, only as far as it takes
 * to know whether the session is idle outside a transaction. No byte is changed or kept.
 * Everything else is opaque: TLS, GSSAPI encryption, compression, other protocols, and a session
 * from the first message that is not understood. Nothing leads out of opaque. */
#pragma once

#include "base/span.h"

#include <stdbool.h>

enum border_protocol { BORDER_UNDETECTED, BORDER_POSTGRES, BORDER_MYSQL, BORDER_OPAQUE };

#define BORDER_START_SIZE 25

/* One direction. Of a message only its start is kept, until it can be judged. */
struct border_flow {
    uint32_t left;  /* bytes of its body that are still to come and that nobody needs to see */
    uint8_t have;   /* bytes in `start` */
    bool continued; /* MySQL: the next packet is part of this message */
    uint8_t start[BORDER_START_SIZE];
};

struct border_postgres {
    uint8_t phase;
    uint8_t status;     /* of the last ReadyForQuery: 'I', 'T' or 'E'; 0 before the first */
    uint8_t copy_ends;  /* CopyDone and CopyFail in this exchange; two is as good as more */
    bool answering : 1; /* a message since the last ReadyForQuery that does not come while idle */
    bool unsynced : 1;  /* messages of the extended protocol and no Sync behind them */
    bool queried : 1;   /* a Query or FunctionCall in this exchange */
    bool extended : 1;  /* a message of the extended protocol in this exchange */
    bool entangled : 1; /* a Query behind such messages, before their Sync */
    bool copying : 1;   /* the server takes rows */
    bool ended_block : 1;
    uint32_t pending; /* ReadyForQuery that are still to come */
    uint32_t
        since_copy; /* those of them that were asked for behind the last CopyDone or CopyFail */
};

/* The bytes of the capability flags that matter here. */
struct border_capabilities {
    uint8_t low, high; /* bits 0 to 7 and 24 to 31 */
    uint8_t extended;  /* MariaDB's own, bits 32 to 39 */
};

struct border_mysql {
    uint64_t awaited;     /* kinds of the answers to come, four bits each, the next one lowest */
    uint32_t definitions; /* packets to come before the rows */
    uint8_t phase, step;
    uint8_t offset; /* into the greeting or the client's response to it */
    struct border_capabilities server, client;
    bool known : 1;    /* what follows is what the server said last: no error since */
    bool in_block : 1; /* inside a transaction */
    bool ended_block : 1;
    bool cursor : 1;  /* rows are left to be fetched */
    bool output : 1;  /* of a procedure's parameters: another result follows, whatever it says */
    bool unasked : 1; /* the last command is one that is not answered */
    bool infile : 1;  /* the client sends a file */
};

/* Constant size whatever goes by; all zero is a new session. */
struct border {
    enum border_protocol protocol;
    struct border_flow client, server;
    union {
        struct border_postgres postgres;
        struct border_mysql mysql;
    };
};

/* What went by, in any pieces, each direction in its order. Whoever relays calls these before the
 * bytes are sent on. */
void border_from_client(struct border *border, struct span bytes);
void border_from_server(struct border *border, struct span bytes);

/* Idle: the server has said that the session is ready and outside a transaction, everything that
 * the client asked is answered, and not even a part of a new message has come from it since. False
 * for a session that is opaque or still logging in. */
bool border_reached(const struct border *border);

/* Of a border that is reached: what led to it was the end of a transaction block (COMMIT,
 * ROLLBACK), not a statement by itself. The best moment: a pool that checks a connection before it
 * lends it out finds this one gone. */
bool border_ends_transaction(const struct border *border);

/* Bytes that may pass unseen in a direction, because they lie within one long message (or the
 * session is opaque: UINT64_MAX). Then `border_skip_…` says how many did: at most that many. */
uint64_t border_skippable_from_client(const struct border *border);
uint64_t border_skippable_from_server(const struct border *border);
void border_skip_from_client(struct border *border, uint64_t size);
void border_skip_from_server(struct border *border, uint64_t size);
