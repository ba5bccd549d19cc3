/* A database session as it goes by, piece by piece, with what the tracker must say behind each. */
#pragma once

#include "proxy/relay/border.h"

enum border_verdict {
    BORDER_NOT_REACHED = 0,
    BORDER_REACHED = 1,
    BORDER_ENDS_TRANSACTION = 3,
    BORDER_LOST = 4, /* opaque */
    BORDER_ANY,
};

#define BORDER_SESSION_SIZE (64u << 10)
#define BORDER_SESSION_PIECES 4096

struct border_piece {
    bool from_server;
    size_t at, size;
    enum border_verdict expected; /* behind it */
};

/* Zero to begin. */
struct border_session {
    uint8_t data[BORDER_SESSION_SIZE];
    size_t size, count;
    struct border_piece pieces[BORDER_SESSION_PIECES];
};

void border_session_add(struct border_session *session, bool from_server, struct span bytes);
void border_session_expect(struct border_session *session, enum border_verdict expected);

/* From a file: a byte whose high bit says that the server speaks and whose others say how many
 * bytes follow; when that is none, a byte with the verdict expected here. What does not fit or is
 * cut off is left out. */
void border_session_read(struct border_session *session, struct span file);

enum border_verdict border_verdict_of(const struct border *border);

/* Lets the session go by, as it is. */
void border_session_play(const struct border_session *session, struct border *border);

/* Plays the session whole, byte by byte, with every piece in two at each place, and with all that
 * may be skipped skipped: aborts with words unless all come to the same, which is what is expected.
 * Also, after a border, one more byte of either side leaves it. */
void border_session_check(const struct border_session *session);
