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

/* Constant size whatever goes by; all zero is a new session. */
struct border {
    enum border_protocol protocol;
    /* … the protocols' own members, see border.c; at most 96 bytes in all */
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
